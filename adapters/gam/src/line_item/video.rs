//! What only a video line item says: the longest video, who requests it, where in a video it is
//! shown, and whether it may be skipped.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use crate::settings::{Environment, Product, Video};

/// Returns the video settings of a video product, which must have them. A display product must not.
pub(super) fn settings<'p>(product: &'p Product, package: &PackageOrder, problems: &mut Problems) -> Option<&'p Video> {
    let mut wrong = |message: &str| {
        let pointer = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
        problems.invalid("invalid_video_settings", pointer, &package.package_id, message);
    };
    match (product.shown_in(), &product.video) {
        (Environment::VideoPlayer, Some(video)) => return Some(video),
        (Environment::VideoPlayer, None) => {
            wrong("A video product on Ad Manager needs video.max_duration_seconds in its settings.");
        }
        (Environment::Browser, Some(_)) => wrong("A display product on Ad Manager has no video settings."),
        (Environment::Browser, None) => {}
    }
    None
}

/// Writes the fields into those of a line item.
pub(super) fn write(fields: &mut Object, video: &Video) {
    fields.set("maxVideoCreativeDuration", format!("{}s", video.max_duration_seconds));
    if video.skippable {
        fields.set("skippableAdType", "ENABLED");
    }
}

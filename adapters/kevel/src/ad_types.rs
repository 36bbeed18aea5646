//! Ad types: the sizes and formats of a network.
//!
//! Every creative has one. Most networks have Kevel's standard sizes, but the ids differ from
//! account to account, so an image's ad type is looked up by width and height, unless the settings
//! name it.

use std::cell::OnceCell;

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::{
    api, inferred,
    settings::{AdTypes, Size},
};

/// A creative's ad type, before the network is queried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdType {
    /// The id from the settings.
    Known(u32),
    /// The ad type of this size.
    Sized(Size),
    /// The ad type for video.
    Video,
    /// The ad type for templates.
    Custom,
}

impl AdType {
    /// Returns the ad type of an image.
    #[must_use]
    pub fn of_image(size: Size, settings: &AdTypes) -> Self {
        settings.image.get(&size).map_or(Self::Sized(size), |id| Self::Known(*id))
    }

    /// Returns the ad type of a video.
    #[must_use]
    pub fn of_video(settings: &AdTypes) -> Self {
        settings.video.map_or(Self::Video, Self::Known)
    }

    /// Returns the ad type of a creative made from a template.
    #[must_use]
    pub fn of_custom(settings: &AdTypes) -> Self {
        settings.custom.map_or(Self::Custom, Self::Known)
    }

    /// Returns what a reviewer reads: the id, or the criterion of the lookup.
    #[must_use]
    pub fn shown(&self) -> Json {
        match self {
            Self::Known(id) => (*id).into(),
            Self::Sized(size) => format!("the one of {size}").into(),
            Self::Video => "the one for video".into(),
            Self::Custom => "the one for templates".into(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: u32,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    name: Option<String>,
}

/// The network's ad types, requested at most once per operation and only when needed.
#[derive(Debug, Default)]
pub struct Catalogue {
    listed: OnceCell<Vec<Listed>>,
}

impl Catalogue {
    /// Returns the id of an ad type.
    ///
    /// # Errors
    /// `rejected` when the network has no such ad type, with a remedy. When Kevel can't be reached.
    pub fn id(&self, api: &Api, wanted: &AdType) -> Fallible<u32> {
        let (found, what, setting) = match wanted {
            AdType::Known(id) => return Ok(*id),
            AdType::Sized(size) => {
                let found = self.listed(api)?.iter().find(|listed| (listed.width, listed.height) == (size.0, size.1));
                (found, format!("of {size}"), "image")
            }
            AdType::Video => (self.named(api, &inferred::VIDEO_AD_TYPES)?, "for video".to_owned(), "video"),
            AdType::Custom => (self.named(api, &inferred::CUSTOM_AD_TYPES)?, "for templates".to_owned(), "custom"),
        };
        found.map(|listed| listed.id).ok_or_else(|| {
            let message = format!(
                "This Kevel network has no ad type {what}. Use one of its sizes and formats, or name the ad type in \
                 ad_types.{setting} of the product's settings."
            );
            Failure::rejected("no_ad_type", message)
        })
    }

    fn listed(&self, api: &Api) -> Fallible<&[Listed]> {
        if self.listed.get().is_none() {
            let listed = api::list(|| api.get("/v1/adtypes")).collect::<Fallible<Vec<Listed>>>()?;
            // It was empty a moment ago, and nothing runs concurrently.
            let _ = self.listed.set(listed);
        }
        Ok(self.listed.get().map(Vec::as_slice).unwrap_or_default())
    }

    fn named(&self, api: &Api, words: &[&str]) -> Fallible<Option<&Listed>> {
        let listed = self.listed(api)?;
        let has =
            |listed: &Listed, word: &str| listed.name.as_deref().is_some_and(|name| name.to_lowercase().contains(word));
        Ok(words.iter().find_map(|word| listed.iter().find(|listed| has(listed, word))))
    }
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::testing::{FakeHost, answer, run};

    use super::*;
    use crate::samples;

    #[test]
    fn ad_types_are_looked_up_once_by_size_or_name() {
        let host = FakeHost::new(|_| {
            let items = r#"{"Id":5,"Width":300,"Height":250,"Name":"Medium Rectangle"},
                {"Id":9,"Width":0,"Height":0,"Name":"Video pre-roll"},{"Id":163,"Width":0,"Height":0,"Name":"Video VAST"},
                {"Id":240,"Width":0,"Height":0,"Name":"Native"}"#;
            Ok(answer(200, &format!(r#"{{"page":1,"totalPages":1,"items":[{items}]}}"#)))
        });
        run(&host, || {
            let api = api::open(&samples::context());
            let catalogue = Catalogue::default();
            assert_eq!(catalogue.id(&api, &AdType::Known(7)).unwrap(), 7);
            assert_eq!(catalogue.id(&api, &AdType::Sized(Size(300, 250))).unwrap(), 5);
            assert_eq!(catalogue.id(&api, &AdType::Video).unwrap(), 163);
            assert_eq!(catalogue.id(&api, &AdType::Custom).unwrap(), 240);
            let failure = catalogue.id(&api, &AdType::Sized(Size(1, 1))).unwrap_err();
            assert!(failure.message.contains("of 1x1") && failure.message.contains("ad_types.image"));
        });
        assert_eq!(host.requests().len(), 1);
    }

    #[test]
    fn settings_come_first() {
        let settings = AdTypes { image: [(Size(1, 2), 3)].into(), video: Some(4), custom: None };
        assert_eq!(AdType::of_image(Size(1, 2), &settings), AdType::Known(3));
        assert_eq!(AdType::of_image(Size(2, 1), &settings).shown(), "the one of 2x1".into());
        assert_eq!(AdType::of_video(&settings), AdType::Known(4));
        assert_eq!(AdType::of_custom(&settings), AdType::Custom);
    }
}

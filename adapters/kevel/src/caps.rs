//! What campaigns and flights have in common: a frequency cap, and being archived.

use flightdeck_adapter::prelude::*;

/// Counts a period in minutes (reference page, flights: 1 hour, 2 day, 3 minute).
const MINUTES: u8 = 3;

/// The longest period, the largest `int32`.
pub const MAX_MINUTES: u32 = i32::MAX.unsigned_abs();

/// How often a person may be shown something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequency(Option<u32>);

impl Frequency {
    /// As often as it comes.
    pub const NONE: Self = Self(None);

    /// Once in so many minutes.
    #[must_use]
    pub const fn once_in(minutes: u32) -> Self {
        Self(Some(minutes))
    }

    /// Writes the fields; all of them, so that a cap that ends is taken away.
    pub fn write(self, fields: &mut Object) {
        fields.set("FreqCap", self.0.map(|_| 1));
        fields.set("FreqCapDuration", self.0);
        fields.set("FreqCapType", self.0.map(|_| MINUTES));
    }

    /// Whether there is a cap.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0.is_some()
    }
}

/// The fields that change when something is archived. It is switched off as well: nothing says that what is archived
/// and active does not deliver.
#[must_use]
pub fn archived() -> Object {
    object! { "IsActive": false, "IsArchived": true }
}

/// Whether there is nothing left to archive of what was read.
#[must_use]
pub fn is_over(read: Option<&Object>) -> bool {
    let says = |name: &str| read.and_then(|read| read.get(name)) == Some(&Json::Bool(true));
    read.is_none() || says("IsDeleted") || says("IsArchived")
}

/// What [`archived`] changes, as it was before.
#[must_use]
pub fn not_archived(active: bool) -> Object {
    object! { "IsActive": active, "IsArchived": false }
}

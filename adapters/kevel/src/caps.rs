//! What campaigns and flights share: frequency caps and archiving.

use flightdeck_adapter::prelude::*;

/// A unit of time for periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unit {
    /// `FreqCapType` (reference page, flights).
    number: u8,
    minutes: u32,
    /// The longest period in this unit (guide, frequency capping).
    most: u32,
}

/// The units, the longest first. A period is written in the first unit that is exact.
const UNITS: [Unit; 3] = [
    Unit { number: 2, minutes: 24 * 60, most: 180 },
    Unit { number: 1, minutes: 60, most: 168 },
    Unit { number: 3, minutes: 1, most: 4_400 },
];

/// The shortest period, in minutes.
pub const MIN_MINUTES: u32 = 1;
/// The longest period, in minutes: that of the longest unit.
pub const MAX_MINUTES: u32 = UNITS[0].minutes * UNITS[0].most;

/// Describes the possible periods for a person.
#[must_use]
pub fn periods() -> String {
    let [days, hours, minutes] = UNITS.map(|unit| unit.most);
    format!("1 to {minutes} minutes, whole hours up to {hours}, whole days up to {days}")
}

/// A period in Kevel's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    duration: u32,
    unit: Unit,
}

impl Period {
    /// Returns the period of this many minutes, if a unit can express it exactly.
    fn of(minutes: u32) -> Option<Self> {
        let exact =
            |unit: &Unit| minutes.is_multiple_of(unit.minutes) && (1..=unit.most).contains(&(minutes / unit.minutes));
        UNITS.into_iter().find(exact).map(|unit| Self { duration: minutes / unit.minutes, unit })
    }
}

/// Returns the nearest periods that Kevel can express, in minutes: the longest one below and the
/// shortest one above, if they exist.
fn nearest(minutes: u32) -> Vec<u32> {
    let below = UNITS.iter().filter_map(|unit| {
        let count = (minutes.saturating_sub(1) / unit.minutes).min(unit.most);
        (count > 0).then(|| count * unit.minutes)
    });
    let above = UNITS.iter().filter_map(|unit| {
        let count = (minutes / unit.minutes).saturating_add(1);
        (count <= unit.most).then(|| count * unit.minutes)
    });
    below.max().into_iter().chain(above.min()).collect()
}

/// What a frequency cap depends on (guide, frequency capping).
pub const NEEDS_A_USER: &str = "Kevel caps frequency by the user key of an ad request: requests without one are not \
     capped, nor are those of users in the EU who gave no consent.";

/// How often a person may see an ad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequency(Option<Period>);

impl Frequency {
    /// No limit.
    pub const NONE: Self = Self(None);

    /// Once per this many minutes, if Kevel can express the period.
    ///
    /// # Errors
    /// The nearest periods that it can express, in minutes.
    pub fn once_in(minutes: u32) -> Result<Self, Vec<u32>> {
        Period::of(minutes).map(|period| Self(Some(period))).ok_or_else(|| nearest(minutes))
    }

    /// Writes all cap fields, so that a cap that ends is removed.
    pub fn write(self, fields: &mut Object) {
        fields.set("FreqCap", self.0.map(|_| 1));
        fields.set("FreqCapDuration", self.0.map(|period| period.duration));
        fields.set("FreqCapType", self.0.map(|period| period.unit.number));
    }

    /// Whether there is a cap.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0.is_some()
    }
}

/// Returns the fields that archive an object. It is also deactivated, because nothing says that an
/// archived active object doesn't deliver.
#[must_use]
pub fn archived() -> Object {
    object! { "IsActive": false, "IsArchived": true }
}

/// Archives the object at a path, unless it is already archived or deleted. Returns whether it
/// existed.
///
/// # Errors
/// When Kevel can't be reached or refuses.
pub fn unless_over(api: &Api, path: String, archive: impl FnOnce() -> Fallible<bool>) -> Fallible<bool> {
    let Some(read) = api.get(path).fetch_if_any::<Object>()? else { return Ok(false) };
    let says = |name: &str| read.get(name) == Some(&Json::Bool(true));
    if says("IsDeleted") || says("IsArchived") { Ok(true) } else { archive() }
}

/// Returns the fields that [`archived`] changes, with their values before.
#[must_use]
pub fn not_archived(active: bool) -> Object {
    object! { "IsActive": active, "IsArchived": false }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every period of the platform's guide in minutes, listed independently of the code.
    fn counted() -> BTreeSet<u32> {
        (1..=4_400).chain((1..=168).map(|hours| hours * 60)).chain((1..=180).map(|days| days * 1_440)).collect()
    }

    #[test]
    fn every_number_of_minutes_is_counted_exactly_or_told_its_neighbours() {
        let counted = counted();
        for minutes in 1..=300_000 {
            match Frequency::once_in(minutes) {
                Ok(Frequency(period)) => {
                    let Period { duration, unit } = period.unwrap();
                    let (length, most) = match unit.number {
                        1 => (60, 168),
                        2 => (1_440, 180),
                        3 => (1, 4_400),
                        other => panic!("{minutes}: {other}"),
                    };
                    assert_eq!(duration * length, minutes);
                    assert!((1..=most).contains(&duration), "{minutes}: {duration}");
                }
                Err(nearest) => {
                    assert!(!counted.contains(&minutes), "{minutes}");
                    let around = [counted.range(..minutes).next_back(), counted.range(minutes..).next()];
                    assert_eq!(nearest, around.into_iter().flatten().copied().collect::<Vec<_>>(), "{minutes}");
                }
            }
        }
        assert_eq!(counted.last(), Some(&MAX_MINUTES));
        assert_eq!(Frequency::once_in(0), Err(vec![1]));
        assert_eq!(Frequency::once_in(u32::MAX), Err(vec![MAX_MINUTES]));
    }

    #[test]
    fn the_longest_exact_unit_is_taken() {
        let written = |minutes| {
            let mut fields = Object::default();
            Frequency::once_in(minutes).unwrap().write(&mut fields);
            fields.to_string()
        };
        assert_eq!(written(90), r#"{"FreqCap":1,"FreqCapDuration":90,"FreqCapType":3}"#);
        assert_eq!(written(120), r#"{"FreqCap":1,"FreqCapDuration":2,"FreqCapType":1}"#);
        assert_eq!(written(10_080), r#"{"FreqCap":1,"FreqCapDuration":7,"FreqCapType":2}"#);
        assert_eq!(written(20_160), r#"{"FreqCap":1,"FreqCapDuration":14,"FreqCapType":2}"#);
    }

    #[test]
    fn people_are_told_the_numbers_of_the_table() {
        assert_eq!(periods(), "1 to 4400 minutes, whole hours up to 168, whole days up to 180");
    }
}

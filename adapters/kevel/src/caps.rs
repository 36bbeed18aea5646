//! What campaigns and flights have in common: a frequency cap, and being archived.

use flightdeck_adapter::prelude::*;

/// A unit that periods are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unit {
    /// `FreqCapType` (reference page, flights).
    number: u8,
    minutes: u32,
    /// The longest period in this unit (guide, frequency capping).
    most: u32,
}

/// The units, the longest first: a period is written in the first that is exact.
const UNITS: [Unit; 3] = [
    Unit { number: 2, minutes: 24 * 60, most: 180 },
    Unit { number: 1, minutes: 60, most: 168 },
    Unit { number: 3, minutes: 1, most: 4_400 },
];

/// The shortest period, in minutes.
pub const MIN_MINUTES: u32 = 1;
/// The longest period, in minutes: that of the longest unit.
pub const MAX_MINUTES: u32 = UNITS[0].minutes * UNITS[0].most;

/// What periods can be, for people.
#[must_use]
pub fn periods() -> String {
    let [days, hours, minutes] = UNITS.map(|unit| unit.most);
    format!("1 to {minutes} minutes, whole hours up to {hours}, whole days up to {days}")
}

/// A period as Kevel counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    duration: u32,
    unit: Unit,
}

impl Period {
    /// So many minutes, if a unit counts them exactly.
    fn of(minutes: u32) -> Option<Self> {
        let exact =
            |unit: &Unit| minutes.is_multiple_of(unit.minutes) && (1..=unit.most).contains(&(minutes / unit.minutes));
        UNITS.into_iter().find(exact).map(|unit| Self { duration: minutes / unit.minutes, unit })
    }
}

/// The nearest periods that Kevel counts, in minutes: the longest below and the shortest above, where there are any.
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

/// How often a person may be shown something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequency(Option<Period>);

impl Frequency {
    /// As often as it comes.
    pub const NONE: Self = Self(None);

    /// Once in so many minutes, if Kevel counts them.
    ///
    /// # Errors
    /// The nearest numbers of minutes that it counts.
    pub fn once_in(minutes: u32) -> Result<Self, Vec<u32>> {
        Period::of(minutes).map(|period| Self(Some(period))).ok_or_else(|| nearest(minutes))
    }

    /// Writes the fields; all of them, so that a cap that ends is taken away.
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

/// The fields that change when something is archived. It is switched off as well: nothing says that what is archived
/// and active does not deliver.
#[must_use]
pub fn archived() -> Object {
    object! { "IsActive": false, "IsArchived": true }
}

/// Archives what is at a path, unless it is archived or deleted already. Answers whether it was there.
///
/// # Errors
/// When Kevel can't be asked or refuses.
pub fn unless_over(api: &Api, path: String, archive: impl FnOnce() -> Fallible<bool>) -> Fallible<bool> {
    let Some(read) = api.get(path).fetch_if_any::<Object>()? else { return Ok(false) };
    let says = |name: &str| read.get(name) == Some(&Json::Bool(true));
    if says("IsDeleted") || says("IsArchived") { Ok(true) } else { archive() }
}

/// What [`archived`] changes, as it was before.
#[must_use]
pub fn not_archived(active: bool) -> Object {
    object! { "IsActive": active, "IsArchived": false }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every period of the platform's guide, in minutes, written out on its own.
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

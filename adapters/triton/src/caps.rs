//! Frequency caps: the periods that Triton counts (help pages, frequency caps: usage notes).
//!
//! | unit | numbers |
//! |---|---|
//! | hours | 1, 2, 3, 4, 6, 8, 12 |
//! | days | 1 to 28 |
//! | weeks | 1 to 4 |
//!
//! Triton also caps by lifetime, break and download. A number of minutes doesn't say that, so a product's
//! `once_per` or the buyer's `custom.triton.once_per` does.

use flightdeck_adapter::prelude::*;

use crate::{inferred::cap_unit, settings::OncePer};

/// Minutes of an hour and a day.
const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;
/// The hours that Triton counts.
const HOURS: [u32; 7] = [1, 2, 3, 4, 6, 8, 12];
/// The most days and weeks.
const MOST_DAYS: u32 = 28;
const MOST_WEEKS: u32 = 4;

/// The shortest period, in minutes.
pub const MIN_MINUTES: u32 = HOUR;
/// The longest period, in minutes.
pub const MAX_MINUTES: u32 = MOST_DAYS * DAY;

/// What buyers are told about caps.
pub const NOTE: &str = "Counted are 1, 2, 3, 4, 6, 8 and 12 hours, 1 to 28 days, and 1 to 4 weeks. Where a station keeps \
     spots of one advertiser or industry further apart, the stricter of the two holds.";

/// Returns the periods in minutes, the shortest first, with unit and number. A period of whole weeks
/// is written in weeks.
fn periods() -> impl Iterator<Item = (u32, &'static str, u32)> {
    let hours = HOURS.iter().map(|count| (count * HOUR, cap_unit::HOUR, *count));
    let days = (1..=MOST_DAYS).map(|count| match count {
        weeks if weeks.is_multiple_of(7) && weeks / 7 <= MOST_WEEKS => (count * DAY, cap_unit::WEEK, weeks / 7),
        _ => (count * DAY, cap_unit::DAY, count),
    });
    hours.chain(days)
}

/// Returns the cap of one impression per this many minutes, in Triton's form.
///
/// # Errors
/// The nearest periods that Triton counts, in minutes.
pub fn once_in(minutes: u32) -> Result<Object, Vec<u32>> {
    match periods().find(|(length, ..)| *length == minutes) {
        Some((_, unit, count)) => Ok(object! { "impressions": 1, "periodUnit": unit, "period": count }),
        None => {
            let below = periods().map(|(length, ..)| length).filter(|length| *length < minutes).max();
            let above = periods().map(|(length, ..)| length).find(|length| *length > minutes);
            Err(below.into_iter().chain(above).collect())
        }
    }
}

/// Returns the cap of one impression per lifetime, break or download, in Triton's form.
#[must_use]
pub fn once_per(of: OncePer) -> Object {
    let unit = match of {
        OncePer::Lifetime => cap_unit::LIFETIME,
        OncePer::Break => cap_unit::BREAK,
        OncePer::Download => cap_unit::DOWNLOAD,
    };
    object! { "impressions": 1, "periodUnit": unit, "period": 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_unit_and_a_number_that_triton_counts() {
        for (minutes, unit, count) in [
            (60, "HOUR", 1),
            (720, "HOUR", 12),
            (1_440, "DAY", 1),
            (10_080, "WEEK", 1),
            (27 * 1_440, "DAY", 27),
            (40_320, "WEEK", 4),
        ] {
            let cap = once_in(minutes).unwrap().to_string();
            assert_eq!(cap, format!(r#"{{"impressions":1,"periodUnit":"{unit}","period":{count}}}"#));
        }
        assert_eq!(MOST_WEEKS * 7 * 1_440, MAX_MINUTES);
    }

    #[test]
    fn any_other_is_refused_with_its_neighbours() {
        for (minutes, nearest) in [
            (0, vec![60]),
            (59, vec![60]),
            (90, vec![60, 120]),
            (300, vec![240, 360]),
            (24 * 60 + 1, vec![1_440, 2_880]),
            (30 * 1_440, vec![40_320]),
            (u32::MAX, vec![40_320]),
        ] {
            assert_eq!(once_in(minutes), Err(nearest), "{minutes}");
        }
    }
}

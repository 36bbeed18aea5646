//! The flight of a new buy.

use std::time::Duration;

use super::{Moment, NewMediaBuy};
use crate::domain::{field::Field, media_buy, problem::Problem, terms, time::Timestamp};

/// The length of a flight whose end was omitted.
const DEFAULT_FLIGHT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The start and end of a new buy.
pub(super) struct Flight {
    /// The first second.
    pub(super) start: Timestamp,
    /// The last second.
    pub(super) end: Timestamp,
    /// A note for each default that was filled in.
    pub(super) notes: Vec<String>,
}

/// Returns the flight that a request asks for. `review_leads_ms` has the review lead time of each
/// package's creatives.
pub(super) fn of(
    new: &NewMediaBuy,
    now: Timestamp,
    review_leads_ms: impl Iterator<Item = i64>,
    problems: &mut Vec<Problem>,
) -> Flight {
    let mut notes = Vec::new();
    let start = match new.start {
        None => {
            let start = media_buy::default_start(now, review_leads_ms);
            notes.push(format!(
                "no flight_start_date was given: it starts {start}, which leaves time for creatives and their review"
            ));
            start
        }
        Some(Moment::Day(day)) if day == now.day() => now.floor_second().plus_millis(1_000),
        Some(Moment::Day(day)) => day.start(),
        Some(Moment::At(moment)) => moment.floor_second(),
    };
    if start < now.floor_second() {
        problems.push(Problem::new(Field::FlightStart, format!("{start} is in the past")));
    }
    let end = match new.end {
        None => {
            let end = start.plus(DEFAULT_FLIGHT).plus_millis(-1_000);
            notes.push(format!("no flight_end_date was given: it ends {end}, after 30 days"));
            end
        }
        Some(end) => end_of(end),
    };
    if end <= start {
        let hint = match new.start {
            None => ", which is the default; give flight_start_date to start earlier",
            Some(_) => "",
        };
        problems.push(Problem::new(Field::FlightEnd, format!("{end} is not after the start, {start}{hint}")));
    }
    for (field, moment) in [(Field::FlightStart, start), (Field::FlightEnd, end)] {
        problems.extend(terms::too_late(moment).map(|refusal| Problem::new(field, refusal)));
    }
    Flight { start, end, notes }
}

/// The time at which a flight ends. A day ends with its last second.
pub fn end_of(end: Moment) -> Timestamp {
    match end {
        Moment::Day(day) => day.end(),
        Moment::At(moment) => moment.floor_second(),
    }
}

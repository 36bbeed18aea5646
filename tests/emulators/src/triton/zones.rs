//! Days of stations: a flight runs from midnight to midnight in its station's time zone.

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

use super::{fields::DAY, seed};
use crate::control::clock::Millis;

/// Returns the time zone of a flight's days: that of its first station; without one, UTC.
pub(super) fn of_flight(stations: &[i64]) -> TimeZone {
    let station = stations.iter().find_map(|id| seed::STATIONS.iter().find(|station| station.id == *id));
    let name = station.map(|station| station.time_zone);
    name.and_then(|name| TimeZoneDatabase::bundled().get(name).ok()).unwrap_or(TimeZone::UTC)
}

/// Returns the instant at which a day begins in a time zone. The day is given by its midnight in
/// UTC.
pub(super) fn midnight(day: Millis, zone: &TimeZone) -> Millis {
    let Ok(named) = Timestamp::from_millisecond(day) else { return day };
    let date = TimeZone::UTC.to_datetime(named).date();
    date.to_zoned_datetime(zone.clone()).map_or(day, |midnight| midnight.timestamp().as_millisecond())
}

/// Returns the current day in a time zone, by its midnight in UTC.
pub(super) fn today(now: Millis, zone: &TimeZone) -> Millis {
    let Ok(instant) = Timestamp::from_millisecond(now) else { return now.div_euclid(DAY) * DAY };
    let date = zone.to_datetime(instant).date();
    date.to_zoned_datetime(TimeZone::UTC).map_or(now, |midnight| midnight.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triton::fields::day;

    #[test]
    fn days_begin_at_the_midnight_of_their_zone() {
        let zone = |station| of_flight(&[station]);
        let begins = |text: &str, zone: &TimeZone| {
            Timestamp::from_millisecond(midnight(day(text).unwrap(), zone)).unwrap().to_string()
        };
        // Clocks went forward on 14 March 2027 and go back on 7 November.
        assert_eq!(begins("2027-03-01", &zone(7001)), "2027-03-01T05:00:00Z");
        assert_eq!(begins("2027-04-01", &zone(7001)), "2027-04-01T04:00:00Z");
        assert_eq!(begins("2027-11-08", &zone(7004)), "2027-11-08T08:00:00Z");
        assert_eq!(begins("2027-03-01", &of_flight(&[])), "2027-03-01T00:00:00Z");
        let late = Timestamp::from_second(day("2027-03-01").unwrap() / 1000 + 3_600).unwrap().as_millisecond();
        assert_eq!(today(late, &zone(7001)), day("2027-02-28").unwrap());
    }
}

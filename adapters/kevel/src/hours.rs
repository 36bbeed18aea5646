//! The hours in which a flight may deliver: its day parts.
//!
//! A day part is a resource below the flight, `{StartTime, EndTime, WeekDays}` (OpenAPI document,
//! day parting). A flight may have several, any of which may match, and none of which may overlap
//! another. The hours are in the flight's `TimeZone`, if the network honours that.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use crate::{inferred, settings::DayPartClock};

const MIDNIGHT: &str = "00:00:00";

/// Hours on some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    days: Vec<&'static str>,
    start: String,
    end: String,
}

/// The days in Kevel's form and order.
const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Sunday, "SU"),
    (Weekday::Monday, "MO"),
    (Weekday::Tuesday, "TU"),
    (Weekday::Wednesday, "WE"),
    (Weekday::Thursday, "TH"),
    (Weekday::Friday, "FR"),
    (Weekday::Saturday, "SA"),
];

impl Window {
    /// Returns a day part of the platform.
    #[must_use]
    pub fn listed(listed: &Object) -> Self {
        let text = |name: &str| listed.get(name).and_then(Json::as_text).unwrap_or_default().to_owned();
        let listed_days = listed.get(inferred::WEEK_DAYS).map(Json::items).unwrap_or_default();
        let has = |word: &str| listed_days.iter().filter_map(Json::as_text).any(|day| day == word);
        let (start, mut end) = (text(inferred::START_TIME), text(inferred::END_TIME));
        // An earlier release ended every window at midnight with the last second.
        if end == inferred::END_OF_DAY && start != MIDNIGHT {
            MIDNIGHT.clone_into(&mut end);
        }
        Self { days: DAYS.into_iter().map(|(_, word)| word).filter(|word| has(word)).collect(), start, end }
    }

    /// Returns the day part as it is sent.
    #[must_use]
    pub fn object(&self) -> Object {
        object! { "StartTime": &self.start, "EndTime": &self.end, "WeekDays": self.days.clone() }
    }

    /// Returns the hours of a week, from Sunday's midnight.
    fn hours(&self) -> [bool; 168] {
        let hour = |text: &str| text.get(..2).and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let start = hour(&self.start);
        let end = if self.end == inferred::END_OF_DAY { 24 } else { hour(&self.end) };
        let length = if end > start { end - start } else { end + 24 - start };
        let mut hours = [false; 168];
        for number in DAYS.iter().enumerate().filter(|(_, (_, word))| self.days.contains(word)).map(|(at, _)| at) {
            for at in 0..length {
                hours[(number * 24 + start + at) % 168] = true;
            }
        }
        hours
    }

    /// Whether both have an hour in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.hours().iter().zip(other.hours()).any(|(one, other)| *one && other)
    }

    /// Returns the display name, which is also the key under which the id is remembered:
    /// `06:00:00-10:00:00 MO FR`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{} {}", self.start, self.end, self.days.join(" "))
    }
}

/// Returns the content of a day part from the platform in the form of [`Window::name`]. Its days
/// may be in any order.
#[must_use]
pub fn says(listed: &Object) -> String {
    Window::listed(listed).name()
}

/// The hours of a package on Kevel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// The day parts, none of which overlaps another.
    pub windows: Vec<Window>,
    /// The flight's `TimeZone`.
    pub time_zone: Option<String>,
}

/// Translates the hours of a package.
pub fn translate(
    clock: DayPartClock,
    package: &PackageOrder,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Hours {
    let none = Hours { windows: Vec::new(), time_zone: None };
    let Some(dayparting) = &package.targeting.dayparting else { return none };
    let pointer = format!("/packages/{}/targeting_overlay/dayparting", pointer_segment(&package.package_id));
    for preset in &dayparting.presets {
        let message = "Kevel has no named hours. Write them as schedules.";
        problems.unsupported("unsupported_targeting", format!("{pointer}/presets"), preset, message, &[]);
    }
    let zone = dayparting.timezone.as_str();
    if zone.is_empty() {
        problems.invalid("invalid_dayparting", format!("{pointer}/timezone"), "", "Name a time zone, as Europe/Paris.");
    } else if clock == DayPartClock::Utc && !UTC.contains(&zone) {
        let message = "The hours of this Kevel network follow UTC. Write the hours in UTC.";
        problems.unsupported("unsupported_time_zone", format!("{pointer}/timezone"), zone, message, &["UTC"]);
    }
    let mut week = [[false; 24]; 7];
    for (index, part) in dayparting.schedules.iter().enumerate() {
        if problems.check_hours(part, &pointer, index) {
            for number in DAYS.iter().enumerate().filter(|(_, (day, _))| part.days.contains(day)).map(|(at, _)| at) {
                week[number][usize::from(part.start_hour)..usize::from(part.end_hour)].fill(true);
            }
        }
    }
    let windows = windows(&week);
    if windows.is_empty() {
        return none;
    }
    let time_zone = (clock == DayPartClock::Flight).then(|| zone.to_owned());
    if time_zone.is_some() && !UTC.contains(&zone) {
        notes.push(CLOCK.to_owned());
    }
    Hours { windows, time_zone }
}

/// Names of UTC.
const UTC: [&str; 3] = ["UTC", "Etc/UTC", "Z"];

/// What nobody has confirmed about day parts, for the reviewer.
pub const CLOCK: &str = "Kevel's reference has a time zone for a flight's hours, but an older page of Kevel's says that \
     hours are UTC: check on Kevel when the flight runs, and set day_part_clock if it is so.";

/// A stretch of hours that begins on one of the days. An end that is not later than the start is on
/// the following day.
type Stretch = (usize, usize);

/// Returns the fewest day parts that have these hours. Day parts may not overlap (reference page,
/// create day part), and one that ends before it starts lasts until the next day, so the hours
/// around a midnight are one day part.
fn windows(week: &[[bool; 24]; 7]) -> Vec<Window> {
    let mut days: Vec<Vec<Stretch>> = week.iter().map(stretches).collect();
    for number in 0..7 {
        let next = (number + 1) % 7;
        // The evening of a day and the morning of the next, if there is a gap between the two.
        let evening = days[number].iter().position(|(start, end)| *end == 24 && *start > 0);
        let morning = days[next].iter().position(|(start, end)| *start == 0 && *end < 24);
        if let (Some(evening), Some(morning)) = (evening, morning)
            && days[next][morning].1 <= days[number][evening].0
        {
            days[number][evening].1 = days[next][morning].1;
            days[next].remove(morning);
        }
    }
    let mut kinds: Vec<Stretch> = days.iter().flatten().copied().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let window = |stretch: Stretch| Window {
        days: DAYS.iter().zip(&days).filter(|(_, day)| day.contains(&stretch)).map(|((_, word), _)| *word).collect(),
        start: format!("{:02}:00:00", stretch.0),
        end: match stretch {
            (0, 24) => inferred::END_OF_DAY.to_owned(),
            (_, end) => format!("{:02}:00:00", end % 24),
        },
    };
    kinds.into_iter().map(window).collect()
}

/// Returns the stretches of one day's hours.
fn stretches(day: &[bool; 24]) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for hour in (0..24).filter(|hour| day[*hour]) {
        match found.last_mut() {
            Some((_, end)) if *end == hour => *end = hour + 1,
            _ => found.push((hour, hour + 1)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::types::Weekday::{Friday, Monday, Sunday};

    use flightdeck_adapter::types::Weekday::{Saturday, Thursday, Tuesday, Wednesday};
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{hours, package};

    fn of(timezone: &str, schedules: Vec<Daypart>, presets: &[&str]) -> Fallible<Vec<Window>> {
        on(DayPartClock::Flight, timezone, schedules, presets).map(|hours| hours.windows)
    }

    fn on(clock: DayPartClock, timezone: &str, schedules: Vec<Daypart>, presets: &[&str]) -> Fallible<Hours> {
        let mut package = package("news");
        package.targeting.dayparting = Some(Dayparting {
            timezone: timezone.to_owned(),
            schedules,
            presets: presets.iter().map(|&preset| preset.to_owned()).collect(),
        });
        let mut problems = Problems::default();
        let hours = translate(clock, &package, &mut problems, &mut Vec::new());
        problems.check().map(|()| hours)
    }

    #[test]
    fn hours_are_day_parts_and_equal_ones_are_sent_once() {
        let windows = of(
            "America/New_York",
            vec![hours(&[Friday, Monday], 6, 10), hours(&[Monday, Friday], 6, 10), hours(&[Sunday], 0, 24)],
            &[],
        );
        let windows = windows.unwrap();
        let sent: Vec<String> = windows.iter().map(|window| window.object().to_string()).collect();
        assert_eq!(
            sent,
            [
                r#"{"StartTime":"00:00:00","EndTime":"23:59:59","WeekDays":["SU"]}"#,
                r#"{"StartTime":"06:00:00","EndTime":"10:00:00","WeekDays":["MO","FR"]}"#,
            ]
        );
        assert_eq!(windows[1].name(), "06:00:00-10:00:00 MO FR");
    }

    fn names(schedules: Vec<Daypart>) -> Vec<String> {
        of("UTC", schedules, &[]).unwrap().iter().map(Window::name).collect()
    }

    #[test]
    fn hours_around_a_midnight_are_one_day_part() {
        let night = vec![hours(&[Friday, Saturday], 22, 24), hours(&[Saturday, Sunday], 0, 6)];
        assert_eq!(names(night), ["22:00:00-06:00:00 FR SA"]);
        let week = [Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday];
        assert_eq!(names(vec![hours(&week, 20, 24), hours(&week, 0, 4)]), ["20:00:00-04:00:00 SU MO TU WE TH FR SA"]);
        assert_eq!(names(vec![hours(&[Sunday], 18, 24)]), ["18:00:00-00:00:00 SU"], "until midnight, to the second");
        let long = vec![hours(&[Monday], 6, 24), hours(&[Tuesday], 0, 8)];
        assert_eq!(names(long), ["00:00:00-08:00:00 TU", "06:00:00-00:00:00 MO"], "more than a day is two");
    }

    #[test]
    fn hours_that_overlap_are_joined() {
        assert_eq!(names(vec![hours(&[Monday], 6, 10), hours(&[Monday], 8, 12)]), ["06:00:00-12:00:00 MO"]);
        assert_eq!(names(vec![hours(&[Monday], 6, 10), hours(&[Monday], 10, 12)]), ["06:00:00-12:00:00 MO"]);
    }

    #[test]
    fn a_network_whose_hours_are_utc_takes_no_other_zone() {
        let morning = || vec![hours(&[Monday], 6, 10)];
        let failure = on(DayPartClock::Utc, "America/New_York", morning(), &[]).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.items[0].supported.clone()),
            ("unsupported_time_zone", vec!["UTC".to_owned()])
        );
        assert_eq!(on(DayPartClock::Utc, "UTC", morning(), &[]).unwrap().time_zone, None);
        assert_eq!(on(DayPartClock::Flight, "UTC", morning(), &[]).unwrap().time_zone.as_deref(), Some("UTC"));
    }

    proptest! {
        #[test]
        fn day_parts_are_exactly_the_hours(flat in prop::collection::vec(any::<bool>(), 168)) {
            let mut week = [[false; 24]; 7];
            for (at, on) in flat.iter().enumerate() {
                week[at / 24][at % 24] = *on;
            }
            let mut times = [0_u8; 168];
            for window in windows(&week) {
                for (time, on) in times.iter_mut().zip(window.hours()) {
                    *time += u8::from(on);
                }
            }
            let expected: Vec<u8> = flat.iter().map(|on| u8::from(*on)).collect();
            prop_assert_eq!(times.to_vec(), expected, "each hour once, and no other");
        }
    }

    #[test]
    fn a_day_part_is_known_by_its_hours_and_days() {
        let window = of("UTC", vec![hours(&[Monday, Friday], 6, 10)], &[]).unwrap().remove(0);
        let listed =
            |end: &str, days: Vec<&str>| object! { "Id": 5, "StartTime": "06:00:00", "EndTime": end, "WeekDays": days };
        assert_eq!(says(&listed("10:00:00", vec!["FR", "MO"])), window.name());
        assert_ne!(says(&listed("11:00:00", vec!["MO", "FR"])), window.name());
        assert_ne!(says(&listed("10:00:00", vec!["MO", "FR", "SA"])), window.name());
        assert_ne!(says(&object! { "Id": 5 }), window.name());
        let evening = of("UTC", vec![hours(&[Sunday], 18, 24)], &[]).unwrap().remove(0);
        let listed = |end: &str| object! { "Id": 5, "StartTime": "18:00:00", "EndTime": end, "WeekDays": vec!["SU"] };
        for end in ["00:00:00", "23:59:59"] {
            assert_eq!(says(&listed(end)), evening.name(), "as this release writes it, and an earlier one");
        }
    }

    #[test]
    fn presets_and_impossible_hours_are_refused() {
        let failure = of("", vec![hours(&[], 6, 10), hours(&[Monday], 10, 10)], &["evening"]).unwrap_err();
        let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
        let base = "/packages/news/targeting_overlay/dayparting";
        let expected = ["presets", "timezone", "schedules/0", "schedules/1"].map(|name| format!("{base}/{name}"));
        assert_eq!(fields, expected);
    }
}

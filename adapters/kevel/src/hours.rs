//! The hours in which a flight may deliver: its day parts.
//!
//! A day part is a resource below the flight, `{StartTime, EndTime, WeekDays}` (OpenAPI document,
//! day parting). A flight may have several, any of which may match. The hours are in the flight's
//! `TimeZone`.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use crate::inferred;

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
    fn of(part: &Daypart) -> Self {
        let days = DAYS.iter().filter(|(day, _)| part.days.contains(day)).map(|(_, word)| *word).collect();
        let end =
            if part.end_hour >= 24 { inferred::END_OF_DAY.to_owned() } else { format!("{:02}:00:00", part.end_hour) };
        Self { days, start: format!("{:02}:00:00", part.start_hour), end }
    }

    /// Returns the day part as it is sent.
    #[must_use]
    pub fn object(&self) -> Object {
        object! { "StartTime": &self.start, "EndTime": &self.end, "WeekDays": self.days.clone() }
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
    let text = |name: &str| listed.get(name).and_then(Json::as_text).unwrap_or_default();
    let listed_days = listed.get(inferred::WEEK_DAYS).map(Json::items).unwrap_or_default();
    let has = |word: &str| listed_days.iter().filter_map(Json::as_text).any(|day| day == word);
    let days: Vec<&str> = DAYS.into_iter().map(|(_, word)| word).filter(|word| has(word)).collect();
    format!("{}-{} {}", text(inferred::START_TIME), text(inferred::END_TIME), days.join(" "))
}

/// Returns the day parts of a package, without duplicates.
pub fn windows(package: &PackageOrder, problems: &mut Problems) -> Vec<Window> {
    let Some(dayparting) = &package.targeting.dayparting else { return Vec::new() };
    let pointer = format!("/packages/{}/targeting_overlay/dayparting", pointer_segment(&package.package_id));
    for preset in &dayparting.presets {
        let message = "Kevel has no named hours. Write them as schedules.";
        problems.unsupported("unsupported_targeting", format!("{pointer}/presets"), preset, message, &[]);
    }
    if dayparting.timezone.is_empty() {
        problems.invalid("invalid_dayparting", format!("{pointer}/timezone"), "", "Name a time zone, as Europe/Paris.");
    }
    let mut windows = Vec::new();
    for (index, part) in dayparting.schedules.iter().enumerate() {
        if !problems.check_hours(part, &pointer, index) {
            continue;
        }
        let window = Window::of(part);
        if !windows.contains(&window) {
            windows.push(window);
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::types::Weekday::{Friday, Monday, Sunday};

    use super::*;
    use crate::samples::{hours, package};

    fn of(timezone: &str, schedules: Vec<Daypart>, presets: &[&str]) -> Fallible<Vec<Window>> {
        let mut package = package("news");
        package.targeting.dayparting = Some(Dayparting {
            timezone: timezone.to_owned(),
            schedules,
            presets: presets.iter().map(|&preset| preset.to_owned()).collect(),
        });
        let mut problems = Problems::default();
        let windows = windows(&package, &mut problems);
        problems.check().map(|()| windows)
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
                r#"{"StartTime":"06:00:00","EndTime":"10:00:00","WeekDays":["MO","FR"]}"#,
                r#"{"StartTime":"00:00:00","EndTime":"23:59:59","WeekDays":["SU"]}"#,
            ]
        );
        assert_eq!(windows[0].name(), "06:00:00-10:00:00 MO FR");
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

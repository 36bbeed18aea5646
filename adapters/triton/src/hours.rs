//! The hours in which a flight may play: its day parts, `{days, startTime, endTime}` in the
//! flight's time zone.
//!
//! The host has already added the hours of presets to the buyer's own. A product may have default
//! hours for buyers that ask for none.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use crate::settings::Product;

/// The days in Triton's form.
const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "MON"),
    (Weekday::Tuesday, "TUE"),
    (Weekday::Wednesday, "WED"),
    (Weekday::Thursday, "THU"),
    (Weekday::Friday, "FRI"),
    (Weekday::Saturday, "SAT"),
    (Weekday::Sunday, "SUN"),
];

/// Named hours on weekdays: name, first hour, hour at which they end (PLATFORMS: drive times as in
/// radio).
pub const PRESETS: [(&str, u8, u8); 4] =
    [("drive_time_morning", 6, 10), ("midday", 10, 15), ("drive_time_afternoon", 15, 19), ("evening", 19, 24)];

/// Monday to Friday.
pub const WEEKDAYS: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

/// Returns the hours of a preset.
#[must_use]
pub fn preset(name: &str) -> Option<Daypart> {
    let (_, start_hour, end_hour) = *PRESETS.iter().find(|(known, ..)| *known == name)?;
    Some(Daypart { days: WEEKDAYS.to_vec(), start_hour, end_hour })
}

fn object(part: &Daypart) -> Object {
    let days: Vec<&str> = DAYS.iter().filter(|(day, _)| part.days.contains(day)).map(|(_, word)| *word).collect();
    let time = |hour: u8| format!("{hour:02}:00");
    object! { "days": days, "startTime": time(part.start_hour), "endTime": time(part.end_hour) }
}

/// Returns the day parts of a package, without duplicates, and their time zone. `None` means that
/// it plays at any hour.
pub fn hours(product: &Product, package: &PackageOrder, problems: &mut Problems) -> Option<(Vec<Object>, String)> {
    let pointer = format!("/packages/{}/targeting_overlay/dayparting", pointer_segment(&package.package_id));
    let Some(dayparting) = &package.targeting.dayparting else { return of_product(product, package, problems) };
    for name in dayparting.presets.iter().filter(|name| preset(name).is_none()) {
        let known: Vec<&str> = PRESETS.iter().map(|(name, ..)| *name).collect();
        let message = "Triton's adapter has no hours of this name.";
        problems.unsupported("unsupported_targeting", format!("{pointer}/presets"), name, message, &known);
    }
    if dayparting.timezone.is_empty() {
        let message = "Name the stations' time zone, as America/New_York.";
        problems.invalid("invalid_dayparting", format!("{pointer}/timezone"), "", message);
    }
    let mut parts: Vec<Object> = Vec::new();
    let expanded = dayparting.presets.iter().filter_map(|name| preset(name));
    for (index, part) in dayparting.schedules.iter().cloned().chain(expanded).enumerate() {
        if !problems.check_hours(&part, &pointer, index) {
            continue;
        }
        let part = object(&part);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| (parts, dayparting.timezone.clone()))
}

/// Returns the hours of a product, for buyers that ask for none.
fn of_product(product: &Product, package: &PackageOrder, problems: &mut Problems) -> Option<(Vec<Object>, String)> {
    let parts: Vec<Object> =
        product.dayparts.iter().filter_map(|name| preset(name)).map(|part| object(&part)).collect();
    if parts.is_empty() {
        return None;
    }
    let Some(zone) = &product.time_zone else {
        let pointer = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
        let message = "The product has hours and no time zone: set time_zone in its settings.";
        problems.invalid("time_zone_missing", pointer, &package.package_id, message);
        return None;
    };
    Some((parts, zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{hours as part, package};

    fn of(settings: &str, dayparting: Option<Dayparting>) -> Fallible<Option<(String, String)>> {
        let mut package = package("drive");
        package.targeting.dayparting = dayparting;
        let product: Product = serde_json::from_str(settings).unwrap();
        let mut problems = Problems::default();
        let hours = hours(&product, &package, &mut problems);
        problems.check().map(|()| hours.map(|(parts, zone)| (Json::from(parts).to_string(), zone)))
    }

    fn asked(schedules: Vec<Daypart>, presets: &[&str]) -> Option<Dayparting> {
        let presets = presets.iter().map(|&name| name.to_owned()).collect();
        Some(Dayparting { timezone: "America/New_York".to_owned(), schedules, presets })
    }

    #[test]
    fn presets_and_schedules_become_day_parts_once() {
        let morning = preset("drive_time_morning").unwrap();
        let (parts, zone) = of("{}", asked(vec![morning], &["drive_time_morning", "evening"])).unwrap().unwrap();
        assert_eq!(
            parts,
            [
                r#"[{"days":["MON","TUE","WED","THU","FRI"],"startTime":"06:00","endTime":"10:00"},"#,
                r#"{"days":["MON","TUE","WED","THU","FRI"],"startTime":"19:00","endTime":"24:00"}]"#,
            ]
            .concat()
        );
        assert_eq!(zone, "America/New_York");
        assert_eq!(of("{}", None).unwrap(), None);
    }

    #[test]
    fn a_product_has_hours_of_its_own() {
        let settings = r#"{"dayparts":["midday"],"time_zone":"America/Toronto"}"#;
        let (parts, zone) = of(settings, None).unwrap().unwrap();
        assert!(parts.contains("10:00") && zone == "America/Toronto");
        let (parts, _) = of(settings, asked(vec![part(&[Weekday::Sunday], 0, 24)], &[])).unwrap().unwrap();
        assert!(parts.contains("SUN") && !parts.contains("10:00"), "the buyer's come first");
        assert_eq!(of(r#"{"dayparts":["midday"]}"#, None).unwrap_err().code, "time_zone_missing");
    }

    #[test]
    fn what_is_no_hour_is_refused() {
        assert_eq!(of("{}", asked(vec![], &["tea_time"])).unwrap_err().items[0].supported.len(), 4);
        assert!(of("{}", asked(vec![part(&[], 6, 10)], &[])).is_err());
        assert!(of("{}", asked(vec![part(&[Weekday::Monday], 10, 10)], &[])).is_err());
        let nowhere = Dayparting { timezone: String::new(), ..asked(vec![], &["midday"]).unwrap() };
        assert!(of("{}", Some(nowhere)).is_err());
    }
}

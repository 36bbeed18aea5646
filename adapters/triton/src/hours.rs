//! The hours in which a flight may play: its day parts, `{days, startTime, endTime}`.
//!
//! Hours on Triton are those of each station's own clock (help pages, targeting), and a flight has no
//! time zone. So a buyer's hours are taken only where all stations of the product have the zone that
//! the buyer names, which the product's settings say, or where the publisher has set that hours are
//! each station's own.
//!
//! The host has already added the hours of presets to the buyer's own. A product may have default
//! hours for buyers that ask for none.

use flightdeck_adapter::{prelude::*, words::pointer_segment};

use crate::{
    days::Zone,
    settings::{BuyerHours, Product},
};

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

/// Returns the day parts of a package, without duplicates. `None` means that it plays at any hour.
pub fn hours(
    product: &Product,
    package: &PackageOrder,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<Vec<Object>> {
    let pointer = format!("/packages/{}/targeting_overlay/dayparting", pointer_segment(&package.package_id));
    let Some(dayparting) = &package.targeting.dayparting else { return of_product(product) };
    for name in dayparting.presets.iter().filter(|name| preset(name).is_none()) {
        let known: Vec<&str> = PRESETS.iter().map(|(name, ..)| *name).collect();
        let message = "Triton's adapter has no hours of this name.";
        problems.unsupported("unsupported_targeting", format!("{pointer}/presets"), name, message, &known);
    }
    if product.buyer_hours == BuyerHours::OnStationClock {
        notes.push(format!(
            "The hours of {} are those of each station's own clock, and not of {}.",
            package.package_id, dayparting.timezone
        ));
    } else {
        check_zone(product, &dayparting.timezone, &format!("{pointer}/timezone"), problems);
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
    (!parts.is_empty()).then_some(parts)
}

/// Refuses hours in another zone than that of the product's stations.
fn check_zone(product: &Product, asked: &str, pointer: &str, problems: &mut Problems) {
    const CODE: &str = "unsupported_time_zone";
    let Some(own) = &product.time_zone else {
        let message = "Hours on Triton are those of each station's own clock, and this product's stations have no \
                       common one. Leave the hours out, or ask the publisher to set time_zone.";
        return problems.unsupported(CODE, pointer, asked, message, &[]);
    };
    let name = |zone: &str| Zone::named(zone).map(|zone| zone.name);
    if name(asked).is_none() || name(asked) != name(own) {
        let message = format!("Hours on Triton are those of the stations' clock, which is {own} for this product.");
        problems.unsupported(CODE, pointer, asked, message, &[own]);
    }
}

/// Returns the hours of a product, for buyers that ask for none: those of each station's clock.
fn of_product(product: &Product) -> Option<Vec<Object>> {
    let parts: Vec<Object> =
        product.dayparts.iter().filter_map(|name| preset(name)).map(|part| object(&part)).collect();
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{hours as part, package};

    fn of(settings: &str, dayparting: Option<Dayparting>) -> Fallible<Option<String>> {
        let mut package = package("drive");
        package.targeting.dayparting = dayparting;
        let product: Product = serde_json::from_str(settings).unwrap();
        let mut problems = Problems::default();
        let hours = hours(&product, &package, &mut problems, &mut Vec::new());
        problems.check().map(|()| hours.map(|parts| Json::from(parts).to_string()))
    }

    fn asked(schedules: Vec<Daypart>, presets: &[&str]) -> Option<Dayparting> {
        let presets = presets.iter().map(|&name| name.to_owned()).collect();
        Some(Dayparting { timezone: "America/New_York".to_owned(), schedules, presets })
    }

    const NEW_YORK: &str = r#"{"time_zone":"America/New_York"}"#;

    #[test]
    fn presets_and_schedules_become_day_parts_once() {
        let morning = preset("drive_time_morning").unwrap();
        let parts = of(NEW_YORK, asked(vec![morning], &["drive_time_morning", "evening"])).unwrap().unwrap();
        assert_eq!(
            parts,
            [
                r#"[{"days":["MON","TUE","WED","THU","FRI"],"startTime":"06:00","endTime":"10:00"},"#,
                r#"{"days":["MON","TUE","WED","THU","FRI"],"startTime":"19:00","endTime":"24:00"}]"#,
            ]
            .concat()
        );
        assert_eq!(of("{}", None).unwrap(), None);
    }

    #[test]
    fn a_product_has_hours_of_its_own() {
        let settings = r#"{"dayparts":["midday"],"time_zone":"America/New_York"}"#;
        assert!(of(settings, None).unwrap().unwrap().contains("10:00"));
        let parts = of(settings, asked(vec![part(&[Weekday::Sunday], 0, 24)], &[])).unwrap().unwrap();
        assert!(parts.contains("SUN") && !parts.contains("10:00"), "the buyer's come first");
        assert!(of(r#"{"dayparts":["midday"]}"#, None).unwrap().is_some(), "each station's own clock");
    }

    #[test]
    fn a_buyers_hours_are_those_of_the_stations_clock() {
        let midday = || asked(vec![], &["midday"]);
        let failure = of(r#"{"time_zone":"America/Los_Angeles"}"#, midday()).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.items[0].supported.clone()),
            ("unsupported_time_zone", vec!["America/Los_Angeles".to_owned()])
        );
        assert_eq!(of("{}", midday()).unwrap_err().code, "unsupported_time_zone");
        assert!(of(r#"{"buyer_hours":"on_station_clock"}"#, midday()).unwrap().is_some());
    }

    #[test]
    fn what_is_no_hour_is_refused() {
        assert_eq!(of(NEW_YORK, asked(vec![], &["tea_time"])).unwrap_err().items[0].supported.len(), 4);
        assert!(of(NEW_YORK, asked(vec![part(&[], 6, 10)], &[])).is_err());
        assert!(of(NEW_YORK, asked(vec![part(&[Weekday::Monday], 10, 10)], &[])).is_err());
        let nowhere = Dayparting { timezone: String::new(), ..asked(vec![], &["midday"]).unwrap() };
        assert!(of(NEW_YORK, Some(nowhere)).is_err());
    }
}

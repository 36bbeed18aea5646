//! Hours on some days in which a flight may run: `{days: ["MON"], startTime: "06:00", endTime:
//! "10:00"}`.

use serde_json::Value;

use super::{
    fields::{Fields, Object},
    refusal::Refusal,
};

/// The days, Monday first.
const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/// Returns the days that some day parts name; all days if there are none.
///
/// # Errors
/// [`Refusal`] with the path of what is wrong.
pub(super) fn check(parts: &[&Object]) -> Result<[bool; 7], Refusal> {
    if parts.is_empty() {
        return Ok([true; 7]);
    }
    let mut named = [false; 7];
    for (number, part) in parts.iter().enumerate() {
        let at = |refusal: Refusal| Refusal::field(&format!("dayparts[{number}]"), refusal);
        let fields = Fields::of(part, &["days", "startTime", "endTime"]).map_err(at)?;
        let days = fields.get("days").and_then(Value::as_array).filter(|days| !days.is_empty());
        let days = days.ok_or_else(|| at(Refusal::field("days", "must be a list of days, MON to SUN")))?;
        for day in days {
            let place = day.as_str().and_then(|day| DAYS.iter().position(|known| *known == day));
            let place = place.ok_or_else(|| at(Refusal::field("days", format!("{day} is none of MON to SUN"))))?;
            named[place] = true;
        }
        let start = time(fields.required_text("startTime", 5).map_err(at)?);
        let end = time(fields.required_text("endTime", 5).map_err(at)?);
        match (start, end) {
            (Some(start), Some(end)) if start < end => {}
            (None, _) => return Err(at(Refusal::field("startTime", "must be a time as 06:00"))),
            (_, None) => return Err(at(Refusal::field("endTime", "must be a time as 10:00, at most 24:00"))),
            _ => return Err(at(Refusal::field("endTime", "must be after startTime"))),
        }
    }
    Ok(named)
}

/// Parses a time of day into minutes since midnight.
fn time(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let at = hours * 60 + minutes;
    (minutes < 60 && at <= 24 * 60).then_some(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(parts: Value) -> Result<[bool; 7], String> {
        let parts: Vec<Object> =
            parts.as_array().unwrap().iter().map(|part| part.as_object().unwrap().clone()).collect();
        check(&parts.iter().collect::<Vec<_>>()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn days_are_gathered() {
        assert_eq!(of(json!([])), Ok([true; 7]));
        let parts = json!([
            { "days": ["MON", "TUE"], "startTime": "06:00", "endTime": "10:00" },
            { "days": ["SUN"], "startTime": "19:30", "endTime": "24:00" },
        ]);
        assert_eq!(of(parts), Ok([true, true, false, false, false, false, true]));
    }

    #[test]
    fn wrong_parts_are_refused_by_their_place() {
        for (part, said) in [
            (json!({ "days": [], "startTime": "06:00", "endTime": "10:00" }), "days"),
            (json!({ "days": ["MO"], "startTime": "06:00", "endTime": "10:00" }), "days"),
            (json!({ "days": ["MON"], "startTime": "6:00", "endTime": "10:00" }), "startTime"),
            (json!({ "days": ["MON"], "startTime": "+6:00", "endTime": "10:00" }), "startTime"),
            (json!({ "days": ["MON"], "startTime": "06:00", "endTime": "24:01" }), "endTime"),
            (json!({ "days": ["MON"], "startTime": "10:00", "endTime": "10:00" }), "endTime"),
            (json!({ "days": ["MON"], "startTime": "10:00" }), "endTime"),
            (json!({ "days": ["MON"], "startTime": "10:00", "endTime": "11:00", "zone": 1 }), "zone"),
        ] {
            let refusal = of(json!([part])).unwrap_err();
            assert!(refusal.starts_with("dayparts[0]") && refusal.contains(said), "{refusal}");
        }
    }
}

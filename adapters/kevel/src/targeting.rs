//! The audience of a flight: the rules that become its `CustomTargeting`, an expression in
//! [Zerkel](crate::zerkel).
//!
//! | dimension | key | values |
//! |---|---|---|
//! | `geo_city` | `$location.city` with country and region | `Toronto, CA-ON` |
//! | `geo_postal` | `$location.postalCode` with country | `US:10001` |
//! | `device_type` | `$device.formFactor` | mobile, desktop, tablet |
//! | `os` | `$device.os` | android, ios, linux, macos, windows |
//! | `browser` | `$device.browser` | chrome, edge, firefox, opera, safari |
//! | `language` | `$language` | `en` |
//!
//! Countries, regions and metro areas are [places]. A dimension in neither group is refused, value
//! by value.
//!
//! A buyer's `custom.kevel` may narrow the targeting further: with `keywords`, one of which the
//! request must have, and with `zerkel`, an expression of the buyer's own. Both are joined with
//! `and`, so they can't include what the rest excludes.

use flightdeck_adapter::{
    prelude::*,
    words::{pointer_segment, postal_code},
};

use crate::{
    inferred, keywords, places, shares,
    zerkel::{Expression, MAX_LENGTH, Text},
};

/// All supported dimensions.
pub const DIMENSIONS: [Dimension; 9] = [
    Dimension::GeoCountry,
    Dimension::GeoRegion,
    Dimension::GeoMetro,
    Dimension::GeoCity,
    Dimension::GeoPostal,
    Dimension::DeviceType,
    Dimension::Os,
    Dimension::Browser,
    Dimension::Language,
];

/// The keys of a buyer's `custom.kevel`.
const CUSTOM: [&str; 3] = ["keywords", "zerkel", shares::PART];

const CODE: &str = "unsupported_targeting";

/// Returns the expression of a package's rules, if it has any that are not places.
pub fn expression(platform: &str, package: &PackageOrder, problems: &mut Problems) -> Option<String> {
    let mut parts = Vec::new();
    for rule in package.targeting.rules.iter().filter(|rule| !places::is_place(&rule.dimension)) {
        let pointer = rule.pointer(&package.package_id);
        if !DIMENSIONS.contains(&rule.dimension) {
            let known: Vec<&str> = DIMENSIONS.iter().map(Dimension::word).collect();
            let message = format!("Kevel can't target by {}.", rule.dimension.word());
            for value in &rule.values {
                problems.unsupported(CODE, &pointer, value, &message, &known);
            }
            continue;
        }
        let values: Vec<Expression> =
            rule.values.iter().filter_map(|value| one(&rule.dimension, value, &pointer, problems)).collect();
        if values.is_empty() {
            continue;
        }
        parts.push(match rule.operator {
            Operator::AnyOf => Expression::Any(values),
            Operator::NoneOf => Expression::Not(Box::new(Expression::Any(values))),
        });
    }
    let overlay = format!("/packages/{}/targeting_overlay", pointer_segment(&package.package_id));
    if let Some(custom) = &package.targeting.custom {
        parts.extend(own(custom, &format!("{overlay}/custom/{}", pointer_segment(platform)), problems));
    }
    let text = (!parts.is_empty()).then(|| Expression::All(parts).to_string())?;
    let length = text.chars().count();
    if length > MAX_LENGTH {
        let message = format!(
            "Written for Kevel, this targeting has {length} characters; at most {MAX_LENGTH} are taken. Name fewer \
             values, or target places by country, region or metro area."
        );
        problems.unsupported("targeting_too_long", overlay, length.to_string(), message, &[]);
    }
    Some(text)
}

/// Returns the expression for one value of a rule.
fn one(dimension: &Dimension, value: &str, pointer: &str, problems: &mut Problems) -> Option<Expression> {
    let (read, message, supported) = match dimension {
        Dimension::DeviceType => {
            let known = inferred::FORM_FACTORS.map(|(word, _)| word).to_vec();
            let form = inferred::FORM_FACTORS.iter().find(|(word, _)| *word == value);
            let form = form.and_then(|(_, form)| Text::new(form));
            (form.map(inferred::form_factor), "Kevel knows no such type of device.", known)
        }
        Dimension::Os => named(value, &inferred::SYSTEMS, inferred::system, "Kevel knows no such operating system."),
        Dimension::Browser => named(value, &inferred::BROWSERS, inferred::browser, "Kevel knows no such browser."),
        Dimension::GeoCity => {
            (city(value), "Kevel takes a city with its region or country, as Toronto, CA-ON.", Vec::new())
        }
        Dimension::GeoPostal => (postal(value), "Kevel takes country and postal code, as US:10001.", Vec::new()),
        _ => (language(value), "Kevel takes a language by its two letters, as en.", Vec::new()),
    };
    if read.is_none() {
        problems.unsupported(CODE, pointer, value, message, &supported);
    }
    read
}

/// Looks up a word that means that the key contains one of several texts.
fn named<'m>(
    value: &str,
    known: &[(&'static str, &[&str])],
    contains: fn(Text) -> Expression,
    message: &'m str,
) -> (Option<Expression>, &'m str, Vec<&'static str>) {
    let parts = known.iter().find(|(word, _)| *word == value).map(|(_, parts)| *parts);
    let read = parts.map(|parts| {
        let mut parts: Vec<Expression> = parts.iter().copied().filter_map(Text::new).map(contains).collect();
        if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) }
    });
    (read, message, known.iter().map(|(word, _)| *word).collect())
}

/// Parses `Toronto, CA-ON` or `Toronto, CA`. Kevel has no ids of cities.
fn city(value: &str) -> Option<Expression> {
    let (city, area) = value.rsplit_once(',')?;
    let (city, area) = (Text::new(city.trim())?, area.trim());
    let (country, region) = match places::region(area) {
        Some((country, region)) => (country, Some(Text::new(&region)?)),
        None => (places::country(area)?, None),
    };
    Some(inferred::city(city, Text::new(&country)?, region))
}

/// Parses `US:10001`.
fn postal(value: &str) -> Option<Expression> {
    let (country, code) = postal_code(value)?;
    Some(inferred::postal(Text::new(&places::country(country)?)?, Text::new(code)?))
}

/// Parses `en`.
fn language(value: &str) -> Option<Expression> {
    let known = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_lowercase());
    known.then(|| Text::new(value))?.map(inferred::language)
}

/// Parses a buyer's `custom.kevel`.
fn own(custom: &str, pointer: &str, problems: &mut Problems) -> Vec<Expression> {
    const CODE: &str = "invalid_custom_targeting";
    let Ok(Json::Object(custom)) = Json::parse(custom) else {
        problems.invalid(CODE, pointer, custom, "Kevel's custom targeting is an object.");
        return Vec::new();
    };
    let mut parts = Vec::new();
    for (name, value) in custom.iter() {
        let pointer = format!("{pointer}/{}", pointer_segment(name));
        match name {
            "zerkel" => match value.as_text().map(Expression::own) {
                Some(Ok(expression)) => parts.push(expression),
                Some(Err(why)) => {
                    problems.invalid(CODE, pointer, value.to_string(), format!("This is no Zerkel expression: {why}."));
                }
                None => problems.invalid(CODE, pointer, value.to_string(), "A Zerkel expression is a text."),
            },
            "keywords" => {
                let known =
                    |keyword: &Json| keyword.as_text().filter(|text| keywords::is_keyword(text)).and_then(Text::new);
                let read = |keyword: &Json| known(keyword).map(Expression::keyword);
                match value.items().iter().map(read).collect::<Option<Vec<_>>>() {
                    Some(keywords) if !keywords.is_empty() => parts.push(Expression::Any(keywords)),
                    _ => problems.invalid(
                        CODE,
                        pointer,
                        value.to_string(),
                        format!("Keywords are a list of texts without quotes and backslashes. {}", keywords::rule()),
                    ),
                }
            }
            shares::PART => shares::check(value, &pointer, problems),
            _ => problems.unsupported(
                "unsupported_targeting",
                pointer,
                value.to_string(),
                "Kevel's custom targeting has no such part.",
                &CUSTOM,
            ),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::types::{
        Dimension::{Browser, ContentGenre, DeviceType, GeoCity, GeoPostal, GeoRegion, Language, Os},
        Operator::{AnyOf, NoneOf},
    };

    use super::*;
    use crate::samples::{package, rule};

    fn of(rules: Vec<TargetingRule>, custom: Option<&str>) -> Fallible<Option<String>> {
        let mut package = package("news");
        package.targeting.rules = rules;
        package.targeting.custom = custom.map(str::to_owned);
        let mut problems = Problems::default();
        let expression = expression("kevel", &package, &mut problems);
        problems.check().map(|()| expression)
    }

    #[test]
    fn every_dimension_is_written_in_its_own_way() {
        for (dimension, values, written) in [
            (DeviceType, ["mobile"], r#"$device.formFactor contains "mobile""#),
            (Os, ["ios"], r#"$device.os contains "iOS""#),
            (Browser, ["firefox"], r#"$device.browser contains "Firefox""#),
            (Language, ["en"], r#"$language like "en*""#),
            (GeoPostal, ["US-94105"], r#"$location.countryCode = "US" and $location.postalCode = "94105""#),
            (GeoPostal, ["us:10001"], r#"$location.countryCode = "US" and $location.postalCode = "10001""#),
            (
                GeoCity,
                ["Toronto, CA-ON"],
                r#"$location.city = "Toronto" and $location.countryCode = "CA" and $location.regionCode = "ON""#,
            ),
            (GeoCity, ["Köln,de"], r#"$location.city = "Köln" and $location.countryCode = "DE""#),
        ] {
            let written_now = of(vec![rule(dimension, AnyOf, &values)], None).unwrap().unwrap();
            assert_eq!(written_now.trim_start_matches('(').trim_end_matches(')'), written);
        }
        assert_eq!(of(vec![rule(GeoRegion, AnyOf, &["US-CA"])], None).unwrap(), None, "a place");
    }

    #[test]
    fn rules_are_joined_and_values_are_alternatives() {
        let rules = vec![rule(DeviceType, AnyOf, &["mobile", "desktop"]), rule(Os, NoneOf, &["macos", "linux"])];
        assert_eq!(
            of(rules, None).unwrap().unwrap(),
            r#"($device.formFactor contains "mobile" or $device.formFactor contains "desktop") and not (($device.os contains "Mac OS" or $device.os contains "macOS" or $device.os contains "OS X") or $device.os contains "Linux")"#
        );
    }

    #[test]
    fn what_kevel_cannot_do_is_refused_value_by_value() {
        let failure = of(
            vec![
                rule(DeviceType, AnyOf, &["mobile", "ctv", "audio"]),
                rule(ContentGenre, AnyOf, &["rock", "jazz"]),
                rule(GeoCity, NoneOf, &["Paris", "A\"b, FR"]),
                rule(Language, AnyOf, &["eng"]),
            ],
            None,
        )
        .unwrap_err();
        let said: Vec<(String, String)> = failure.items.into_iter().map(|item| (item.field, item.value)).collect();
        let at = |name: &str, value: &str| (format!("/packages/news/targeting_overlay/{name}"), value.to_owned());
        assert_eq!(
            said,
            [
                at("device_type_any_of", "ctv"),
                at("device_type_any_of", "audio"),
                at("content_genre_any_of", "rock"),
                at("content_genre_any_of", "jazz"),
                at("geo_city_none_of", "Paris"),
                at("geo_city_none_of", "A\"b, FR"),
                at("language_any_of", "eng"),
            ]
        );
        let failure = of(vec![rule(DeviceType, AnyOf, &["ctv"])], None).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.kind), ("unsupported_targeting", FailureKind::Unsupported));
        assert_eq!(failure.items[0].supported, ["mobile", "desktop", "tablet"]);
    }

    #[test]
    fn a_buyers_own_targeting_only_narrows() {
        let custom = r#"{"keywords": ["sport", "news"], "zerkel": "a = 1 or b = 2"}"#;
        assert_eq!(
            of(vec![rule(DeviceType, AnyOf, &["mobile"])], Some(custom)).unwrap().unwrap(),
            r#"($device.formFactor contains "mobile") and ($keywords contains "sport" or $keywords contains "news") and (a = 1 or b = 2)"#
        );
        for custom in [
            r#"{"zerkel": "a = 1) or (b = 2"}"#,
            r#"{"keywords": ["a\"b"]}"#,
            r#"{"keywords": ["a,b"]}"#,
            r#"{"zerkel": "not a = 1"}"#,
            r#"{"sites": [1]}"#,
            "[]",
        ] {
            assert!(of(Vec::new(), Some(custom)).is_err(), "{custom}");
        }
    }

    #[test]
    fn an_expression_has_a_limit() {
        let codes: Vec<String> = (10_000..10_100).map(|code| format!("US:{code}")).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let failure = of(vec![rule(GeoPostal, AnyOf, &codes)], None).unwrap_err();
        assert_eq!(failure.code, "targeting_too_long");
    }
}

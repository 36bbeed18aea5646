//! What another release of an adapter can do more or less, for the person who activates it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Capabilities;

/// What changes with another release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// What it can do more, and what it no longer asks for.
    pub gained: Vec<String>,
    /// What it can do less. What buyers were offered so far may be refused.
    pub lost: Vec<String>,
    /// What it asks for more: requests, settings.
    pub asks: Vec<String>,
}

impl Difference {
    /// Returns the difference between the release that serves and one that is to serve.
    pub fn between(serving: &Capabilities, next: &Capabilities) -> Self {
        let mut difference = Self::default();
        for (what, facts) in FACTS {
            let (before, after): (BTreeSet<String>, BTreeSet<String>) =
                (facts(serving).into_iter().collect(), facts(next).into_iter().collect());
            difference.gained.extend(after.difference(&before).map(|fact| format!("{what} {fact}")));
            difference.lost.extend(before.difference(&after).map(|fact| format!("{what} {fact}")));
        }
        let new_in = |mine: &[String], other: &[String]| -> Vec<String> {
            mine.iter().filter(|text| !other.contains(text)).cloned().collect()
        };
        for pattern in new_in(&next.read_requests, &serving.read_requests) {
            difference.asks.push(format!("asks for {pattern} to pass as a read"));
        }
        for pattern in new_in(&serving.write_requests, &next.write_requests) {
            difference.asks.push(format!("no longer declares the write {pattern}"));
        }
        for (what, schema) in [
            ("setting", (&serving.settings_schema, &next.settings_schema)),
            ("product setting", (&serving.product_settings_schema, &next.product_settings_schema)),
        ] {
            let added = new_in(&required(schema.1), &required(schema.0));
            difference.asks.extend(added.into_iter().map(|name| format!("needs the {what} {name}")));
        }
        difference
    }

    /// Whether nothing changes that a person should know of.
    pub fn is_nothing(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && self.asks.is_empty()
    }
}

/// Facts about capabilities, each with the words that stand before it.
type Facts = (&'static str, fn(&Capabilities) -> Vec<String>);

const FACTS: [Facts; 9] = [
    ("the format", |can| can.formats.iter().map(ToString::to_string).collect()),
    ("targeting by", |can| {
        let operators = can.targeting.iter().flat_map(|support| {
            support.operators.iter().map(move |operator| format!("{} {operator}", support.dimension))
        });
        operators.collect()
    }),
    ("the targeting value", |can| {
        let values = can
            .targeting
            .iter()
            .flat_map(|support| support.values.iter().map(move |value| format!("{} {value:?}", support.dimension)));
        values.collect()
    }),
    ("any value of", |can| {
        let open = can.targeting.iter().filter(|support| support.values.is_empty());
        open.map(|support| support.dimension.to_string()).collect()
    }),
    ("the pacing", |can| can.pacing.iter().map(ToString::to_string).collect()),
    ("the price model", |can| can.price_models.clone()),
    ("the update", |can| can.updates.clone()),
    ("the", |can| can.cancels.then(|| "cancel of what was made".to_owned()).into_iter().collect()),
    ("hours and caps:", |can| {
        let mut facts = Vec::new();
        if let Some(hours) = &can.dayparting {
            facts.push("dayparting".to_owned());
            facts.extend(hours.custom_schedules.then(|| "hours of the buyer's own".to_owned()));
            facts.extend(hours.presets.iter().map(|preset| format!("the preset {}", preset.name)));
        }
        if let Some(cap) = &can.frequency_cap {
            facts.extend(cap.scopes.iter().map(|scope| format!("a frequency cap by {scope}")));
        }
        facts
    }),
];

/// Returns the names of the required settings.
fn required(schema: &Value) -> Vec<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        capability::{Counting, DimensionSupport},
        creative::Format,
        media_buy::Pacing,
        targeting::{Dimension, Operator},
    };

    fn capabilities() -> Capabilities {
        Capabilities {
            platform: "acme".to_owned(),
            title: "Acme".to_owned(),
            adapter_version: "1.0.0".to_owned(),
            formats: vec![Format::Image, Format::Video],
            targeting: vec![DimensionSupport {
                dimension: Dimension::GeoCountry,
                operators: vec![Operator::AnyOf, Operator::NoneOf],
                values: vec!["US".to_owned()],
                note: String::new(),
            }],
            dayparting: None,
            frequency_cap: None,
            pacing: vec![Pacing::Even],
            price_models: vec!["cpm".to_owned()],
            updates: vec!["budget".to_owned()],
            settings_schema: json!({}),
            product_settings_schema: json!({}),
            read_requests: vec!["POST /report".to_owned()],
            write_requests: vec!["GET /delete".to_owned()],
            lookup_lag_ms: 1,
            batch_size: 1,
            cancels: true,
            counting: Counting::Daily,
        }
    }

    #[test]
    fn the_same_can_do_the_same() {
        let other = Capabilities { adapter_version: "2.0.0".to_owned(), lookup_lag_ms: 9, ..capabilities() };
        assert!(Difference::between(&capabilities(), &other).is_nothing());
    }

    #[test]
    fn what_is_lost_and_gained_is_said_in_words() {
        let mut next = capabilities();
        next.formats = vec![Format::Image, Format::Audio];
        next.targeting[0].operators.pop();
        next.targeting[0].values.clear();
        next.pacing.push(Pacing::Asap);
        let difference = Difference::between(&capabilities(), &next);
        assert_eq!(difference.gained, ["the format audio", "any value of geo_country", "the pacing asap"]);
        assert_eq!(
            difference.lost,
            ["the format video", "targeting by geo_country none_of", r#"the targeting value geo_country "US""#]
        );
        let back = Difference::between(&next, &capabilities());
        assert_eq!((back.gained, back.lost), (difference.lost, difference.gained));
    }

    #[test]
    fn what_it_asks_for_more_is_said() {
        let mut next = capabilities();
        next.read_requests.push("POST /search".to_owned());
        next.write_requests.clear();
        next.settings_schema = json!({ "required": ["network"] });
        next.product_settings_schema = json!({ "required": ["site"] });
        let difference = Difference::between(&capabilities(), &next);
        assert_eq!(
            difference.asks,
            [
                "asks for POST /search to pass as a read",
                "no longer declares the write GET /delete",
                "needs the setting network",
                "needs the product setting site",
            ]
        );
        assert!(difference.lost.is_empty());
    }
}

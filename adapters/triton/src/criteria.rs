//! The criteria tree of Triton's public page on targeting rules: `and`, `or`, `not`, `in`,
//! `equals`, `bound`. All values are strings.

use flightdeck_adapter::prelude::*;

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Criteria {
    /// All of the conditions hold.
    All(Vec<Criteria>),
    /// Any of the conditions holds.
    Any(Vec<Criteria>),
    /// The condition doesn't hold.
    Not(Box<Criteria>),
    /// A dimension has one of some values.
    In(&'static str, Vec<String>),
    /// A dimension is between two numbers, both included.
    Between(&'static str, Option<i64>, Option<i64>),
}

impl Criteria {
    /// Returns the tree as it is sent. A list with one part becomes that part.
    #[must_use]
    pub fn object(&self) -> Object {
        let list = |kind: &str, parts: &[Self]| match parts {
            [one] => one.object(),
            parts => object! { "type": kind, "fields": parts.iter().map(Self::object).collect::<Vec<_>>() },
        };
        match self {
            Self::All(parts) => list("and", parts),
            Self::Any(parts) => list("or", parts),
            Self::Not(part) => object! { "type": "not", "field": part.object() },
            Self::In(dimension, values) => match values.as_slice() {
                [one] => object! { "type": "equals", "dimension": *dimension, "value": one },
                values => object! { "type": "in", "dimension": *dimension, "values": values.to_vec() },
            },
            Self::Between(dimension, lower, upper) => {
                let text = |bound: &Option<i64>| bound.map(|bound| bound.to_string());
                object! { "type": "bound", "dimension": *dimension, "lower": text(lower), "upper": text(upper) }
                    .without_nulls()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_as_flat_as_it_can_be() {
        let some = |values: &[&str]| Criteria::In("dma", values.iter().map(|&value| value.to_owned()).collect());
        assert_eq!(some(&["501"]).object().to_string(), r#"{"type":"equals","dimension":"dma","value":"501"}"#);
        let both = Criteria::All(vec![some(&["501", "803"]), Criteria::Not(Box::new(some(&["602"])))]);
        assert_eq!(
            both.object().to_string(),
            [
                r#"{"type":"and","fields":[{"type":"in","dimension":"dma","values":["501","803"]},"#,
                r#"{"type":"not","field":{"type":"equals","dimension":"dma","value":"602"}}]}"#,
            ]
            .concat()
        );
        let adults = Criteria::Between("age", Some(18), None).object().to_string();
        assert_eq!(adults, r#"{"type":"bound","dimension":"age","lower":"18"}"#);
        assert_eq!(Criteria::Any(vec![some(&["501"])]).object(), some(&["501"]).object());
    }
}

//! Templates of the names of orders and line items: `{po_number} {name} {start}`.

use serde::{Deserialize, Deserializer, de};

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// The media buy's id.
    MediaBuyId,
    /// The media buy's name.
    Name,
    /// The buyer's PO number; empty if there is none.
    PoNumber,
    /// The id of the buyer's company on Ad Manager.
    AdvertiserId,
    /// The product's id, which is the package's.
    Product,
    /// The package's name.
    Package,
    /// The first day, of the media buy or of the package.
    Start,
    /// The last day.
    End,
}

const PLACEHOLDERS: [(&str, Named); 8] = [
    ("media_buy_id", Named::MediaBuyId),
    ("name", Named::Name),
    ("po_number", Named::PoNumber),
    ("advertiser_id", Named::AdvertiserId),
    ("product", Named::Product),
    ("package", Named::Package),
    ("start", Named::Start),
    ("end", Named::End),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Named(Named),
}

/// A template of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    fn read(mut text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        while let Some((before, rest)) = text.split_once('{') {
            let (word, after) = rest.split_once('}').ok_or_else(|| format!("{{{rest} has no closing brace"))?;
            let known = PLACEHOLDERS.into_iter().find(|(name, _)| *name == word);
            let (_, named) = known.ok_or_else(|| {
                let known: Vec<&str> = PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
                format!("{{{word}}} is none of {}", known.join(", "))
            })?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Named(named));
            text = after;
        }
        parts.push(Part::Text(text.to_owned()));
        Ok(Self(parts))
    }

    /// Fills the template in. What is empty leaves no double space behind.
    #[must_use]
    pub fn fill(&self, value: impl Fn(Named) -> String) -> String {
        let filled: String = self
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Named(named) => value(*named),
            })
            .collect();
        filled.split_whitespace().collect::<Vec<&str>>().join(" ")
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in() {
        let template = Template::read("{po_number} {name}, {start}").unwrap();
        let filled = template.fill(|named| match named {
            Named::Name => "Spring".to_owned(),
            Named::Start => "2026-12-01".to_owned(),
            _ => String::new(),
        });
        assert_eq!(filled, "Spring, 2026-12-01");
        assert!(Template::read("{colour}").unwrap_err().contains("media_buy_id"));
        assert!(Template::read("{name").is_err());
    }
}

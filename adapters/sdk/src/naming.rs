//! Templates of the names of orders and line items: `{po_number} {buyer} {product} {start}`.
//!
//! Publishers set them in the platform's settings. An adapter cuts a name to the platform's limit and
//! adds the reference itself, so that a template can neither lose nor forge one.

use serde::{Deserialize, Deserializer, de};

use crate::{
    types::{Context, MediaBuy, PackageOrder},
    words::extension,
};

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    MediaBuyId,
    Name,
    PoNumber,
    Buyer,
    AdvertiserId,
    /// The product's id, which is the package's.
    Product,
    Package,
    /// The first day, of the media buy or of the package.
    Start,
    End,
}

const PLACEHOLDERS: [(&str, Named); 9] = [
    ("media_buy_id", Named::MediaBuyId),
    ("name", Named::Name),
    ("po_number", Named::PoNumber),
    ("buyer", Named::Buyer),
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

    /// Returns the name of an order.
    #[must_use]
    pub fn order(&self, buyer: &Buyer, buy: &MediaBuy) -> String {
        self.fill(|named| of_buy(buyer, buy, named))
    }

    /// Returns the name of a line item.
    #[must_use]
    pub fn item(&self, buyer: &Buyer, buy: &MediaBuy, package: &PackageOrder) -> String {
        self.fill(|named| match named {
            Named::Product => package.package_id.clone(),
            Named::Package => package.name.clone(),
            Named::Start => day(&package.start),
            Named::End => day(&package.end),
            of_the_buy => of_buy(buyer, buy, of_the_buy),
        })
    }

    /// Fills the template in. What is empty leaves no double space behind.
    fn fill(&self, value: impl Fn(Named) -> String) -> String {
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

/// Who buys, as names may tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buyer {
    /// The buyer's name in the publisher's configuration; empty if the host does not tell it.
    pub name: String,
    /// The id of the buyer's advertiser on the platform.
    pub advertiser_id: String,
}

impl Buyer {
    /// Returns the buyer of a context.
    #[must_use]
    pub fn of(ctx: &Context) -> Self {
        let name = extension(&ctx.extensions, "buyer-name").unwrap_or_default();
        Self { name: name.to_owned(), advertiser_id: ctx.advertiser_id.clone() }
    }
}

fn of_buy(buyer: &Buyer, buy: &MediaBuy, named: Named) -> String {
    match named {
        Named::MediaBuyId => buy.media_buy_id.clone(),
        Named::Name => buy.name.clone(),
        Named::PoNumber => buy.po_number.clone().unwrap_or_default(),
        Named::Buyer => buyer.name.clone(),
        Named::AdvertiserId => buyer.advertiser_id.clone(),
        Named::Start => day(&buy.start),
        Named::End => day(&buy.end),
        // Of line items only.
        Named::Product | Named::Package => String::new(),
    }
}

/// Returns the day of an instant: its first ten characters.
fn day(instant: &str) -> String {
    instant.chars().take(10).collect()
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::samples;

    #[test]
    fn a_template_is_filled_in() {
        let package = samples::package("news");
        let buy =
            MediaBuy { media_buy_id: "acme_1".to_owned(), po_number: None, ..samples::buy(vec![package.clone()]) };
        let buyer = Buyer { name: "Agency".to_owned(), advertiser_id: "77".to_owned() };
        let of = |text: &str| Template::read(text).unwrap();
        assert_eq!(of("{po_number} {buyer} {start}").order(&buyer, &buy), format!("Agency {}", &buy.start[..10]));
        assert_eq!(of("{media_buy_id}/{advertiser_id} {product}").order(&buyer, &buy), "acme_1/77");
        assert_eq!(of("{buyer}: {product}").item(&buyer, &buy, &package), "Agency: news");
        assert!(Template::read("{colour}").unwrap_err().contains("media_buy_id"));
        assert!(Template::read("{name").is_err());
    }
}

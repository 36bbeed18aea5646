//! The products for sale.

use std::time::Duration;

use serde_json::Value;

use super::{Config, mistake::Place, reader::Kind, section::Section, values};
use crate::domain::{
    creative::Format,
    id::{PackageId, PlatformName, PrincipalId},
    money::Micros,
    price::{Price, PriceModel},
    product::{Catalogue, Offer},
};

/// Publishers that review creatives take one or two working days.
const DEFAULT_REVIEW_LEAD: Duration = Duration::from_secs(48 * 3_600);

/// `[[products]]`: a product that buyers can buy as a package.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// `id`: the id that buyers name in `packages`.
    pub id: PackageId,
    /// `name`: for people.
    pub name: String,
    /// `description`: for people.
    pub description: Option<String>,
    /// `platform`: the platform that delivers it.
    pub platform: PlatformName,
    /// `formats`: the creative formats that it accepts. Never empty.
    pub formats: Vec<Format>,
    /// `cpm`, `cpc`, `cpcv` or `flat_price`: the price, in `currency`.
    pub price: Price,
    /// `floor_cpm`, `floor_cpc`, `floor_cpcv` or `floor_flat_price`: the lowest price that a buyer may
    /// offer. Default: the price.
    pub floor: Micros,
    /// `currency`: ISO 4217. Default: the publisher's.
    pub currency: String,
    /// `review_lead`: how long before the flight starts the creatives must arrive, in milliseconds.
    /// Default `48h`.
    pub review_lead_ms: i64,
    /// `settings`: an object that matches the adapter's schema of product settings. Default: empty.
    pub settings: Value,
    /// The position of `settings`. Whether they match the schema is known only once the adapter is
    /// loaded.
    pub settings_at: Place,
}

impl Config {
    /// What a principal can buy: the products on platforms where it has an advertiser.
    pub fn catalogue(&self, principal: &PrincipalId) -> Catalogue<'_> {
        let sellable = self.products.iter().filter(|product| self.advertiser(principal, &product.platform).is_some());
        Catalogue { offers: sellable.map(Product::offer).collect(), currency: &self.publisher.currency }
    }
}

impl Product {
    /// The product as an offer to buyers.
    pub fn offer(&self) -> Offer<'_> {
        Offer {
            id: &self.id,
            name: &self.name,
            platform: &self.platform,
            formats: &self.formats,
            price: self.price,
            floor: self.floor,
            currency: &self.currency,
            review_lead_ms: self.review_lead_ms,
            settings: &self.settings,
        }
    }

    pub(super) fn read(section: &Section<'_>, publishers_currency: &str) -> Option<Self> {
        let id = section.defined("id", Kind::Product, "\"premium_sports\"", values::id);
        let name = section.required("name", "\"Premium sports\"", values::title);
        let description = section.optional("description", values::description);
        if section.get("platform").is_none() {
            section.missing("platform", "\"acme\"");
        }
        let platform = section.referred("platform", Kind::Platform, values::identifier);
        let formats = formats(section);
        let sold = price(section);
        if let (Some((price, _)), Some(formats)) = (sold, &formats) {
            check_completions(section, price.model, formats);
        }
        let currency = section.or("currency", publishers_currency.to_owned(), values::currency);
        let review_lead = section.or("review_lead", DEFAULT_REVIEW_LEAD, values::duration_or_none);
        let settings = section.or("settings", values::empty_object(), values::object);
        Some(Self {
            id: PackageId::from(id?),
            name: name?,
            description,
            platform: PlatformName::from(platform?),
            formats: formats?,
            price: sold?.0,
            floor: sold?.1,
            currency,
            review_lead_ms: i64::try_from(review_lead.as_millis()).unwrap_or(i64::MAX),
            settings,
            settings_at: section.place("settings"),
        })
    }
}

/// The keys of a price and of its floor.
struct PriceKeys {
    model: PriceModel,
    price: &'static str,
    floor: &'static str,
}

const PRICE_KEYS: [PriceKeys; 4] = [
    PriceKeys { model: PriceModel::Cpm, price: "cpm", floor: "floor_cpm" },
    PriceKeys { model: PriceModel::Cpc, price: "cpc", floor: "floor_cpc" },
    PriceKeys { model: PriceModel::Cpcv, price: "cpcv", floor: "floor_cpcv" },
    PriceKeys { model: PriceModel::Flat, price: "flat_price", floor: "floor_flat_price" },
];

/// Returns the key of a price of this model.
pub fn price_key(model: PriceModel) -> &'static str {
    PRICE_KEYS.iter().find(|keys| keys.model == model).map_or("cpm", |keys| keys.price)
}

/// Reads the price and its floor. A product has one price.
fn price(section: &Section<'_>) -> Option<(Price, Micros)> {
    let named: Vec<&PriceKeys> = PRICE_KEYS.iter().filter(|keys| section.get(keys.price).is_some()).collect();
    // Whatever is wrong with the number of prices, each is read, so that all mistakes are told at once.
    let read: Vec<Option<(Price, Micros)>> = named.iter().map(|keys| price_of(section, keys)).collect();
    let floors = PRICE_KEYS.iter().filter(|keys| section.get(keys.floor).is_some());
    for alone in floors.filter(|keys| !named.iter().any(|named| named.price == keys.price)) {
        let instead = match named.first() {
            Some(named) => format!("its price is `{}`, and its floor `{}`", named.price, named.floor),
            None => format!("add `{}`, or leave it out", alone.price),
        };
        let message =
            format!("`{}` is the floor of `{}`, which this product does not have: {instead}", alone.floor, alone.price);
        section.wrong(section.place_of(alone.floor), message);
    }
    match named.as_slice() {
        [] => {
            let message = "[[products]] needs a price: `cpm`, `cpc`, `cpcv` or `flat_price`; add one, like cpm = 12.50";
            section.wrong(section.at(), message);
            None
        }
        [_] => read.into_iter().next().flatten(),
        [first, others @ ..] => {
            for other in others {
                let message = format!(
                    "`{}` can't be given together with `{}`: a product has one price",
                    other.price, first.price
                );
                section.wrong(section.place_of(other.price), message);
            }
            None
        }
    }
}

/// Reads a price of one model and its floor.
fn price_of(section: &Section<'_>, keys: &PriceKeys) -> Option<(Price, Micros)> {
    let rate = section.optional(keys.price, values::positive_amount);
    let floor = section.optional(keys.floor, values::positive_amount);
    if let (Some(rate), Some(floor)) = (rate, floor)
        && floor > rate
    {
        section.wrong(
            section.place_of(keys.floor),
            format!(
                "`{}` ({floor}) must not be more than `{}` ({rate}): nobody could buy at the price",
                keys.floor, keys.price
            ),
        );
    }
    Some((Price { model: keys.model, rate: rate? }, floor.or(rate)?))
}

/// Refuses a price per completed view for what has no end to be played to.
fn check_completions(section: &Section<'_>, model: PriceModel, formats: &[Format]) {
    if model == PriceModel::Cpcv && formats.contains(&Format::Image) {
        let message = "`cpcv` pays for videos and audios that are played to their end, and `formats` has `image`; leave \
                       that out, or sell it by `cpm` or `cpc`";
        section.wrong(section.place_of("cpcv"), message);
    }
}

/// Reads `formats`.
fn formats(section: &Section<'_>) -> Option<Vec<Format>> {
    if section.get("formats").is_none() {
        section.missing("formats", "[\"image\"]");
    }
    let formats = section.some_of("formats", "name one at least, like [\"image\"]", |node| {
        values::choice(node, Format::ALL, Format::as_str)
    })?;
    let mut once: Vec<Format> = Vec::new();
    for format in formats {
        if once.contains(&format) {
            section.wrong(section.place_of("formats"), format!("`formats` has `{format}` twice; leave one out"));
        } else {
            once.push(format);
        }
    }
    Some(once)
}

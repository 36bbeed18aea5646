//! The products for sale.

use super::{
    creative::Format,
    field::FieldPath,
    id::{PackageId, PlatformName},
    money::Micros,
    price::Price,
    problem::Problem,
};

/// A product as an offer to a buyer.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The id that buyers name as a package.
    pub id: &'a PackageId,
    /// The display name.
    pub name: &'a str,
    /// The platform that delivers it.
    pub platform: &'a PlatformName,
    /// The creative formats that it accepts.
    pub formats: &'a [Format],
    /// The price.
    pub price: Price,
    /// The lowest rate of that price that a buyer may offer.
    pub floor: Micros,
    /// The currency of both, ISO 4217.
    pub currency: &'a str,
    /// How long before the flight starts the creatives must arrive, in milliseconds.
    pub review_lead_ms: i64,
    /// The publisher's settings for the adapter, a JSON object.
    pub settings: &'a serde_json::Value,
}

/// The offers to one buyer.
#[derive(Debug, Clone)]
pub struct Catalogue<'a> {
    /// The offers, in the publisher's order.
    pub offers: Vec<Offer<'a>>,
    /// The publisher's currency, ISO 4217.
    pub currency: &'a str,
}

impl<'a> Catalogue<'a> {
    /// Returns the offer for a package of a new buy.
    ///
    /// # Errors
    /// When the buyer can't buy this package. The problem names `field`.
    pub fn offer(&self, package: &str, field: FieldPath) -> Result<Offer<'a>, Problem> {
        self.offers.iter().copied().find(|offer| offer.id.as_str() == package).ok_or_else(|| {
            Problem::new(field, "is no package that you can buy; see list_products")
                .value(package)
                .supported(self.offers.iter().map(|offer| offer.id.as_str()))
        })
    }
}

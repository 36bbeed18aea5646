//! What is for sale.

use super::{
    creative::Format,
    field::FieldPath,
    id::{PackageId, PlatformName},
    money::Micros,
    problem::Problem,
};

/// A product as a buyer can buy it.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// What buyers name as a package.
    pub id: &'a PackageId,
    /// For people.
    pub name: &'a str,
    /// Where it is delivered.
    pub platform: &'a PlatformName,
    /// The creatives that it takes.
    pub formats: &'a [Format],
    /// The price of a thousand impressions.
    pub cpm: Micros,
    /// The least that a buyer may offer.
    pub floor_cpm: Micros,
    /// The currency of both, ISO 4217.
    pub currency: &'a str,
    /// How long before the flight creatives must be there, in milliseconds.
    pub review_lead_ms: i64,
    /// The publisher's settings for the adapter, a JSON object.
    pub settings: &'a serde_json::Value,
}

/// What one buyer can buy.
#[derive(Debug, Clone)]
pub struct Catalogue<'a> {
    /// In the publisher's order.
    pub offers: Vec<Offer<'a>>,
    /// The publisher's currency, ISO 4217.
    pub currency: &'a str,
}

impl<'a> Catalogue<'a> {
    /// The offer that a package of a new buy names.
    ///
    /// # Errors
    /// What is wrong with the id of a package that stands at `field`.
    pub fn offer(&self, package: &str, field: FieldPath) -> Result<Offer<'a>, Problem> {
        self.offers.iter().copied().find(|offer| offer.id.as_str() == package).ok_or_else(|| {
            Problem::new(field, "is no package that you can buy; see list_products")
                .value(package)
                .supported(self.offers.iter().map(|offer| offer.id.as_str()))
        })
    }
}

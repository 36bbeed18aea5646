//! The products for sale.

use std::time::Duration;

use serde_json::Value;

use super::{mistake::Place, reader::Kind, section::Section, values};
use crate::domain::{
    creative::Format,
    id::{PackageId, PlatformName},
    money::Micros,
    product::Offer,
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
    /// `cpm`: the price of a thousand impressions, in `currency`.
    pub cpm: Micros,
    /// `floor_cpm`: the lowest CPM that a buyer may offer. Default: `cpm`.
    pub floor_cpm: Micros,
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

impl Product {
    /// The product as an offer to buyers.
    pub fn offer(&self) -> Offer<'_> {
        Offer {
            id: &self.id,
            name: &self.name,
            platform: &self.platform,
            formats: &self.formats,
            cpm: self.cpm,
            floor_cpm: self.floor_cpm,
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
        let cpm = section.required("cpm", "12.50", values::positive_amount);
        let floor_cpm = section.optional("floor_cpm", values::positive_amount);
        if let (Some(cpm), Some(floor)) = (cpm, floor_cpm)
            && floor > cpm
        {
            section.wrong(
                section.place_of("floor_cpm"),
                format!("`floor_cpm` ({floor}) must not be more than `cpm` ({cpm}): nobody could buy at the price"),
            );
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
            cpm: cpm?,
            floor_cpm: floor_cpm.or(cpm)?,
            currency,
            review_lead_ms: i64::try_from(review_lead.as_millis()).unwrap_or(i64::MAX),
            settings,
            settings_at: section.place("settings"),
        })
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

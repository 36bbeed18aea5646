//! The request of `create_media_buy`.

use std::{collections::HashSet, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::targeting::TargetingOverlay;
use crate::{
    app::{NewMediaBuy, NewPackage, error::AppError},
    domain::{media_buy::Pacing, problem::Problem, targeting::Targeting, terms},
    web::json::{
        self, refuse,
        text::{CreativeKey, Currency, Id, IdempotencyKey, Line, MAX_ID, MAX_PO_NUMBER},
        values::{Amount, Count, List, MAX_CREATIVES, MAX_PACKAGES, TextOf, When},
    },
};

/// A new media buy: one or more packages, a budget, a flight, and whom to reach.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateMediaBuy {
    /// The packages to buy, each once: package ids as `list_products` gives them, or objects where a package needs a budget,
    /// price, pacing or targeting of its own. They may live on several platforms.
    pub packages: List<PackageItem, 1, MAX_PACKAGES>,
    /// Budget of the whole buy in its currency, a decimal number with at most 6 decimal places. Packages without a budget of
    /// their own share what is left of it equally.
    pub total_budget: Amount,
    /// Your purchase order number, at most 63 characters.
    pub po_number: Option<Line<MAX_PO_NUMBER>>,
    /// Targeting for all packages; a package's own overlay refines it.
    pub targeting_overlay: Option<TargetingOverlay>,
    /// First day (`2026-12-01`, from 00:00 UTC) or first moment (`2026-12-01T09:00:00Z`). Default: the
    /// first midnight UTC after now, 24 hours and the longest review lead time of the packages, so that `creative_deadline` lies a day ahead.
    pub flight_start_date: Option<When>,
    /// Last day (until its last second, UTC) or last moment. Default: 30 days after the start.
    pub flight_end_date: Option<When>,
    /// How impressions are spread over the flight. Default: `even`.
    pub pacing: Option<Pacing>,
    /// The most that the whole buy may spend in a day.
    pub daily_budget: Option<Amount>,
    /// ISO 4217 code. Default: the currency in which the packages are sold.
    pub currency: Option<Currency>,
    /// A key of your own for this request. Sent again with the same key and body, the first answer comes again and nothing
    /// is bought twice.
    pub idempotency_key: Option<IdempotencyKey>,
    /// `true`: check and plan only. Nothing is stored or bought, and the answer shows the plan. Default: `false`.
    pub dry_run: Option<bool>,
}

/// A package of a new buy: its id alone, or with what is its own.
#[derive(Debug, Clone, PartialEq)]
pub enum PackageItem {
    /// Only its id.
    Id(Id),
    /// With more.
    Full(Box<PackageRequest>),
}

/// A package with a budget, price, pacing or targeting of its own.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = {
    "required": ["budget", "impressions"], "properties": {"budget": {"type": "number"}, "impressions": {"type": "number"}},
}))]
pub struct PackageRequest {
    /// The package, as `list_products` names it.
    pub package_id: Id,
    /// Its budget; impressions follow from it. Not together with `impressions`. Default: an equal share of what is left of
    /// `total_budget`.
    pub budget: Option<Amount>,
    /// Its goal; the budget follows from it. Not together with `budget`.
    pub impressions: Option<Count>,
    /// Price of a thousand impressions, at least the product's floor price. Default: the product's price.
    pub cpm: Option<Amount>,
    /// Its pacing. Default: the buy's.
    pub pacing: Option<Pacing>,
    /// The most that it may spend in a day.
    pub daily_budget: Option<Amount>,
    /// The most impressions in a day.
    pub daily_impressions: Option<Count>,
    /// Its own targeting, which refines the buy's.
    pub targeting_overlay: Option<TargetingOverlay>,
    /// Leave it out: creatives are uploaded with `add_creative_assets` once the buy is created.
    pub creative_ids: Option<List<CreativeKey, 0, MAX_CREATIVES>>,
}

impl PackageItem {
    fn id(&self) -> &str {
        match self {
            Self::Id(id) => &id.0,
            Self::Full(package) => &package.package_id.0,
        }
    }
}

impl<'de> Deserialize<'de> for PackageItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not serde's `untagged`, which forgets where in the package a mistake is.
        deserializer.deserialize_any(PackageVisitor)
    }
}

struct PackageVisitor;

impl<'de> Visitor<'de> for PackageVisitor {
    type Value = PackageItem;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a package id or an object with a package_id")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match TextOf::read(text) {
            Some(TextOf::Object) => {
                return Err(E::custom("must be a package id or an object: send an object, not its text"));
            }
            Some(TextOf::List) => {
                return Err(E::custom(
                    "must be a package id or an object, not the text of a list: give each package by itself",
                ));
            }
            _ => {}
        }
        // The same rule as for a `package_id`, in other words.
        let id = Id::deserialize(text.into_deserializer());
        id.map(PackageItem::Id).map_err(|wrong: de::value::Error| E::custom(format!("{wrong}, for a package id")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        PackageRequest::deserialize(MapAccessDeserializer::new(map)).map(|package| PackageItem::Full(Box::new(package)))
    }
}

impl JsonSchema for PackageItem {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PackageItem".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let full = generator.subschema_for::<PackageRequest>();
        json_schema!({
            "anyOf": [
                {"type": "string", "description": "A package id.", "minLength": 1, "maxLength": MAX_ID},
                full,
            ],
        })
    }
}

impl CreateMediaBuy {
    /// What the application core is asked for.
    ///
    /// # Errors
    /// `INVALID_PARAMETER`: a package named twice, impossible targeting.
    pub fn into_new(self) -> Result<NewMediaBuy, AppError> {
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        for (index, package) in self.packages.0.iter().enumerate() {
            if !seen.insert(package.id()) {
                let field = format!("/packages/{index}");
                problems.push(json::mistake(field, terms::NAMED_TWICE).value(package.id()));
            }
        }
        let targeting = overlay(self.targeting_overlay, "", &mut problems);
        let packages = self
            .packages
            .0
            .into_iter()
            .enumerate()
            .map(|(index, package)| new_package(package, &format!("/packages/{index}"), &mut problems))
            .collect();
        refuse(&problems)?;
        Ok(NewMediaBuy {
            packages,
            total_budget: self.total_budget.0,
            po_number: self.po_number.map(|number| number.0),
            targeting,
            start: self.flight_start_date.map(|when| when.0),
            end: self.flight_end_date.map(|when| when.0),
            pacing: self.pacing,
            daily_budget: self.daily_budget.map(|amount| amount.0),
            currency: self.currency.map(|currency| currency.0),
        })
    }
}

/// An overlay as targeting; none restricts nothing.
pub(super) fn overlay(overlay: Option<TargetingOverlay>, at: &str, problems: &mut Vec<Problem>) -> Targeting {
    overlay.map(|overlay| overlay.into_targeting(&format!("{at}/targeting_overlay"), problems)).unwrap_or_default()
}

fn new_package(package: PackageItem, at: &str, problems: &mut Vec<Problem>) -> NewPackage {
    match package {
        PackageItem::Id(id) => NewPackage { package_id: id.0, ..NewPackage::default() },
        PackageItem::Full(package) => NewPackage {
            package_id: package.package_id.0,
            budget: package.budget.map(|amount| amount.0),
            impressions: package.impressions.map(|count| count.0),
            cpm: package.cpm.map(|amount| amount.0),
            pacing: package.pacing,
            daily_budget: package.daily_budget.map(|amount| amount.0),
            daily_impressions: package.daily_impressions.map(|count| count.0),
            targeting: overlay(package.targeting_overlay, at, problems),
            creative_ids: package
                .creative_ids
                .map(|ids| ids.0)
                .unwrap_or_default()
                .into_iter()
                .map(|id| id.0)
                .collect(),
        },
    }
}

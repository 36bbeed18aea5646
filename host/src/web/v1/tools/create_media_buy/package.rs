//! A package of a new media buy: its id alone, or an object.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    app::NewPackage,
    domain::{
        media_buy::Pacing,
        price::{PriceModel, Unit},
        problem::Problem,
    },
    web::{
        json::{
            text::{CreativeKey, Id, MAX_ID},
            values::{Amount, Count, List, MAX_CREATIVES, TextOf},
        },
        v1::{price, targeting::TargetingOverlay, tools::create_media_buy::overlay},
    },
};

/// A package of a new buy: its id alone, or with its own options.
#[derive(Debug, Clone, PartialEq)]
pub enum PackageItem {
    /// Only its id.
    Id(Id),
    /// With options.
    Full(Box<PackageRequest>),
}

/// A package with a budget, price, pacing or targeting of its own.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = price::budget_and_goal()))]
pub struct PackageRequest {
    /// The package, as `list_products` names it.
    pub package_id: Id,
    /// Its budget, which determines impressions. Not with `impressions`. Default: an equal share of
    /// the rest of `total_budget`.
    pub budget: Option<Amount>,
    /// Its goal, which determines the budget. Not with `budget`. Of a product with a `cpm`.
    pub impressions: Option<Count>,
    /// Like `impressions`, of a product with a `cpc`.
    pub clicks: Option<Count>,
    /// Like `impressions`, of a product with a `cpcv`.
    pub video_completions: Option<Count>,
    /// Price of a thousand impressions, at least the product's floor price. Default: the product's
    /// price.
    pub cpm: Option<Amount>,
    /// Price of a click, like `cpm`.
    pub cpc: Option<Amount>,
    /// Price of a completed view, like `cpm`.
    pub cpcv: Option<Amount>,
    /// Price of the whole flight, like `cpm`. It is the package's budget.
    pub flat_price: Option<Amount>,
    /// Its pacing. Default: the buy's.
    pub pacing: Option<Pacing>,
    /// Its maximum spend per day.
    pub daily_budget: Option<Amount>,
    /// Maximum impressions per day.
    pub daily_impressions: Option<Count>,
    /// Maximum clicks per day, of a product with a `cpc`.
    pub daily_clicks: Option<Count>,
    /// Maximum completed views per day, of a product with a `cpcv`.
    pub daily_video_completions: Option<Count>,
    /// Its own targeting, which refines the buy's.
    pub targeting_overlay: Option<TargetingOverlay>,
    /// Leave this out: upload creatives with `add_creative_assets` once the buy is created.
    pub creative_ids: Option<List<CreativeKey, 0, MAX_CREATIVES>>,
}

impl PackageItem {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Id(id) => &id.0,
            Self::Full(package) => &package.package_id.0,
        }
    }
}

impl<'de> Deserialize<'de> for PackageItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde's `untagged` would lose the position of a mistake within the package.
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
        // The same rule as for a `package_id`, worded for a bare id.
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

pub(super) fn new_package(package: PackageItem, at: &str, problems: &mut Vec<Problem>) -> NewPackage {
    match package {
        PackageItem::Id(id) => NewPackage { package_id: id.0, ..NewPackage::default() },
        PackageItem::Full(package) => NewPackage {
            package_id: package.package_id.0,
            budget: package.budget.map(|amount| amount.0),
            goal: price::goal(
                [
                    (Unit::Impressions, package.impressions.map(|count| count.0)),
                    (Unit::Clicks, package.clicks.map(|count| count.0)),
                    (Unit::VideoCompletions, package.video_completions.map(|count| count.0)),
                ],
                at,
                problems,
            ),
            price: price::price(
                [
                    (PriceModel::Cpm, package.cpm.map(|amount| amount.0)),
                    (PriceModel::Cpc, package.cpc.map(|amount| amount.0)),
                    (PriceModel::Cpcv, package.cpcv.map(|amount| amount.0)),
                    (PriceModel::Flat, package.flat_price.map(|amount| amount.0)),
                ],
                at,
                problems,
            ),
            pacing: package.pacing,
            daily_budget: package.daily_budget.map(|amount| amount.0),
            daily_goal: price::daily_goal(
                [
                    (Unit::Impressions, package.daily_impressions.map(|count| count.0)),
                    (Unit::Clicks, package.daily_clicks.map(|count| count.0)),
                    (Unit::VideoCompletions, package.daily_video_completions.map(|count| count.0)),
                ],
                at,
                problems,
            ),
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

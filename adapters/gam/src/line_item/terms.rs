//! The goal of a line item and its price.
//!
//! | line item type | price of the buyer | `costType` | `goal` |
//! |---|---|---|---|
//! | STANDARD, BULK, PRICE_PRIORITY | CPM | CPM | LIFETIME, impressions |
//! | STANDARD with `cost_type` VCPM | CPM | VCPM | LIFETIME, viewable impressions |
//! | STANDARD, BULK, PRICE_PRIORITY | CPC | CPC | LIFETIME, clicks |
//! | STANDARD, video | CPCV | CPCV | LIFETIME, completed views |
//! | SPONSORSHIP, NETWORK, HOUSE | CPM, CPC | CPM, CPC | DAILY, `share_percent` of the impressions |
//! | SPONSORSHIP | flat | CPF | DAILY, `share_percent` |
//! | SPONSORSHIP, NETWORK | `cpd`, a day | CPD | DAILY, `share_percent` |
//!
//! These are the tables of the types `LineItemCostType`, `GoalType` and `UnitType`. A SPONSORSHIP at
//! a CPM also has a secondary goal, which is required: the impressions that were booked. The goal of a
//! package counts what its price pays for.

use flightdeck_adapter::{money, prelude::*, words::pointer_segment};

use crate::settings::{CostType, Environment, LineItemType, Product};

/// The word for a price per day, which the contract has no name of its own for.
pub const CPD: &str = "cpd";

/// What is bought, and for how much.
struct Bought {
    cost: &'static str,
    unit: &'static str,
    units: i64,
}

/// Translates goal and price, and writes them into the fields of a line item.
pub(super) fn write(
    fields: &mut Object,
    product: &Product,
    currency: &str,
    package: &PackageOrder,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) {
    let pointer = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    if package.price.rate <= 0 {
        let message = "A price is more than nothing.";
        problems.invalid(
            "invalid_price",
            pointer(package.price.model.field()),
            money::decimal(package.price.rate),
            message,
        );
    }
    let Some(bought) = bought(product, package, problems) else { return };
    let kind = product.line_item_type;
    fields.set("costType", bought.cost);
    fields.set("rate", rate(currency, package.price.rate));
    if !kind.is_share() {
        fields.set("goal", goal("LIFETIME", bought.unit, bought.units));
        return;
    }
    let Some(percent) = product.share_percent else {
        let message = format!("A product of the type {} needs share_percent: its share in percent.", kind.name());
        problems.invalid("share_missing", pointer("package_id"), &package.package_id, message);
        return;
    };
    fields.set("goal", goal("DAILY", "IMPRESSIONS", i64::from(percent)));
    if bought.cost == "CPM" && kind == LineItemType::Sponsorship {
        fields.set("secondaryGoals", vec![goal("LIFETIME", "IMPRESSIONS", package.impressions)]);
    }
    notes.push(format!(
        "{} gets {percent} % of the inventory each day: its impressions and its budget are no limit on Ad Manager.",
        package.package_id
    ));
}

fn bought(product: &Product, package: &PackageOrder, problems: &mut Problems) -> Option<Bought> {
    let kind = product.line_item_type;
    let of = |cost, unit, units| Some(Bought { cost, unit, units });
    let known: &[&str] = match &package.price.model {
        PriceModel::Cpm if product.cost_type == CostType::Cpm => {
            return of("CPM", "IMPRESSIONS", package.impressions);
        }
        PriceModel::Cpm if kind == LineItemType::Standard => {
            return of("VCPM", "VIEWABLE_IMPRESSIONS", package.impressions);
        }
        PriceModel::Cpm => {
            let pointer = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
            let message = format!("Ad Manager has no VCPM for line items of the type {}.", kind.name());
            problems.invalid("invalid_cost_type", pointer, &package.package_id, message);
            return None;
        }
        PriceModel::Cpc => return of("CPC", "CLICKS", package.impressions),
        PriceModel::Cpcv if kind == LineItemType::Standard && product.shown_in() == Environment::VideoPlayer => {
            return of("CPCV", "COMPLETED_VIEWS", package.impressions);
        }
        PriceModel::Flat if kind == LineItemType::Sponsorship => return of("CPF", "IMPRESSIONS", package.impressions),
        PriceModel::Other(word) if word == CPD && matches!(kind, LineItemType::Sponsorship | LineItemType::Network) => {
            return of("CPD", "IMPRESSIONS", package.impressions);
        }
        PriceModel::Cpcv | PriceModel::Flat | PriceModel::Other(_) => match kind {
            LineItemType::Sponsorship => &["cpm", "cpc", "flat", CPD],
            LineItemType::Network => &["cpm", "cpc", CPD],
            LineItemType::Standard if product.shown_in() == Environment::VideoPlayer => &["cpm", "cpc", "cpcv"],
            _ => &["cpm", "cpc"],
        },
    };
    let field = package.price.model.field();
    let pointer = format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    let message = format!("Ad Manager has no such price for line items of the type {}.", kind.name());
    problems.unsupported("unsupported_price_model", pointer, package.price.model.word(), message, known);
    None
}

fn goal(kind: &str, unit: &str, units: i64) -> Object {
    object! { "goalType": kind, "unitType": unit, "units": units.to_string() }
}

/// Returns a rate as `google.type.Money`: whole units and nano-units.
fn rate(currency: &str, micros: i64) -> Object {
    let (units, nanos) = (micros.div_euclid(money::UNIT), micros.rem_euclid(money::UNIT) * 1000);
    object! { "currencyCode": currency, "units": units.to_string(), "nanos": nanos }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::package;

    fn of(settings: &str, model: PriceModel) -> Result<String, String> {
        let product: Product = serde_json::from_str(settings).unwrap();
        let mut one = package("news");
        // With a budget of 100, a rate of 2 pays for 50 clicks.
        if matches!(model, PriceModel::Cpc | PriceModel::Cpcv) {
            one.impressions = 50;
        }
        one.price.model = model;
        (one.price.rate, one.budget) = (2_000_000, 100_000_000);
        let (mut problems, mut fields, mut notes) = (Problems::default(), Object::default(), Vec::new());
        write(&mut fields, &product, "USD", &one, &mut problems, &mut notes);
        problems.check().map_err(|failure| failure.code)?;
        fields.remove("rate");
        Ok(format!("{fields} {}", notes.len()))
    }

    #[test]
    fn goals_and_prices_are_those_of_the_type() {
        let goal = |kind: &str, unit: &str, units: &str| {
            format!(r#""goal":{{"goalType":"{kind}","unitType":"{unit}","units":"{units}"}}"#)
        };
        let video = r#"{"environment": "video_player"}"#;
        let share = r#"{"line_item_type": "SPONSORSHIP", "share_percent": 25}"#;
        let house = r#"{"line_item_type": "HOUSE", "share_percent": 100}"#;
        let secondary =
            r#""secondaryGoals":[{"goalType":"LIFETIME","unitType":"IMPRESSIONS","units":"1000000"}]"#.to_owned();
        for (settings, model, cost, goals, notes) in [
            ("{}", PriceModel::Cpm, "CPM", goal("LIFETIME", "IMPRESSIONS", "1000000"), 0),
            (
                r#"{"cost_type": "VCPM"}"#,
                PriceModel::Cpm,
                "VCPM",
                goal("LIFETIME", "VIEWABLE_IMPRESSIONS", "1000000"),
                0,
            ),
            (r#"{"line_item_type": "BULK"}"#, PriceModel::Cpc, "CPC", goal("LIFETIME", "CLICKS", "50"), 0),
            (video, PriceModel::Cpcv, "CPCV", goal("LIFETIME", "COMPLETED_VIEWS", "50"), 0),
            (share, PriceModel::Cpm, "CPM", format!("{},{secondary}", goal("DAILY", "IMPRESSIONS", "25")), 1),
            (share, PriceModel::Flat, "CPF", goal("DAILY", "IMPRESSIONS", "25"), 1),
            (share, PriceModel::Other("cpd".to_owned()), "CPD", goal("DAILY", "IMPRESSIONS", "25"), 1),
            (house, PriceModel::Cpm, "CPM", goal("DAILY", "IMPRESSIONS", "100"), 1),
        ] {
            let wanted = format!(r#"{{"costType":"{cost}",{goals}}} {notes}"#);
            assert_eq!(of(settings, model), Ok(wanted), "{settings}");
        }
        for (settings, model, code) in [
            (r#"{"line_item_type": "BULK", "cost_type": "VCPM"}"#, PriceModel::Cpm, "invalid_cost_type"),
            ("{}", PriceModel::Cpcv, "unsupported_price_model"),
            (house, PriceModel::Flat, "unsupported_price_model"),
            ("{}", PriceModel::Other("cpa".to_owned()), "unsupported_price_model"),
            (r#"{"line_item_type": "NETWORK"}"#, PriceModel::Cpm, "share_missing"),
        ] {
            assert_eq!(of(settings, model), Err(code.to_owned()), "{settings}");
        }
    }
}

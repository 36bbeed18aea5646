//! Describes what a change clears, because clients that send `null` for omitted fields clear them
//! by accident.

use super::{BuyPatch, PackagePatch};
use crate::domain::{
    id::PlatformName,
    media_buy::{MediaBuy, Package},
    price::DailyGoal,
    targeting::Targeting,
};

/// The maximum length of the description of one cleared value, in characters.
const SHOWN: usize = 300;

impl BuyPatch {
    /// Describes the existing values that the patch clears. With a platform, only values that
    /// affect its packages.
    pub fn cleared(&self, buy: &MediaBuy, platform: Option<&PlatformName>) -> Vec<String> {
        let mut words = Vec::new();
        let whole = "of the media buy";
        if matches!(self.targeting, Some(None)) && !buy.targeting.is_empty() {
            words.push(format!("targeting {whole} cleared: it was {}", in_words(&buy.targeting)));
        }
        if let (Some(None), Some(daily)) = (self.daily_budget, buy.daily_budget) {
            words.push(format!("daily_budget {whole} cleared: it was {daily} {}", buy.currency));
        }
        for patch in &self.packages {
            let package = patch.package.as_ref().and_then(|id| buy.package(id));
            if let Some(package) = package.filter(|package| platform.is_none_or(|only| &package.platform == only)) {
                patch.tell_cleared(buy, package, &mut words);
            }
        }
        words
    }
}

impl PackagePatch {
    fn tell_cleared(&self, buy: &MediaBuy, package: &Package, words: &mut Vec<String>) {
        let whole = format!("of package {}", package.id);
        if matches!(self.targeting, Some(None)) && !package.targeting.is_empty() {
            words.push(format!("targeting {whole} cleared: it was {}", in_words(&package.targeting)));
        }
        if let (Some(None), Some(daily)) = (self.daily_budget, package.daily_budget) {
            words.push(format!("daily_budget {whole} cleared: it was {daily} {}", buy.currency));
        }
        if let (Some(DailyGoal { unit, most: None }), Some(daily)) = (self.daily_goal, package.daily_goal) {
            words.push(format!("{} {whole} cleared: it was {daily}", unit.daily_field()));
        }
        if let (Some(None), Some(pacing)) = (self.pacing, package.pacing) {
            words.push(format!("pacing {whole} cleared: it was {pacing}, and is the media buy's now"));
        }
        if self.creatives.as_ref().is_some_and(Vec::is_empty) && !package.creatives.is_empty() {
            let were: Vec<&str> = package.creatives.iter().map(|id| id.as_str()).collect();
            words.push(format!("creative_ids {whole} cleared: they were {}", cut(were.join(", "))));
        }
    }
}

/// Describes targeting by the names of its fields, with their values.
fn in_words(targeting: &Targeting) -> String {
    let rules = targeting.rules.iter().map(|rule| {
        let field = format!("{}_{}", rule.dimension, rule.operator);
        format!("{field} {}", rule.values.join(", "))
    });
    let mut parts: Vec<String> = rules.collect();
    parts.extend(targeting.dayparting.as_ref().map(|_| "dayparting".to_owned()));
    parts.extend(targeting.frequency_cap.map(|cap| format!("frequency_cap of {} minutes", cap.suppress_minutes)));
    parts.extend(targeting.custom.keys().map(|platform| format!("custom.{platform}")));
    cut(parts.join("; "))
}

fn cut(words: String) -> String {
    if words.chars().count() <= SHOWN { words } else { words.chars().take(SHOWN).chain(['…']).collect() }
}

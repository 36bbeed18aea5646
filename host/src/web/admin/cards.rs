//! What a change means, package by package, in the buyer's terms.

use super::words::{self, Tag};
use crate::domain::media_buy::{MediaBuy, Package};

/// What a person decides on: one package, or the buy as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) title: String,
    /// The platform of a package.
    pub(super) place: Option<String>,
    pub(super) money: String,
    pub(super) lines: Vec<Line>,
}

/// A fact. With `before`, the change makes it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) label: &'static str,
    pub(super) before: Option<String>,
    pub(super) value: String,
    pub(super) tags: Vec<Tag>,
}

type Facts = Vec<(&'static str, String)>;

fn of_buy(buy: &MediaBuy) -> Facts {
    let mut facts = vec![
        ("Budget", words::money(buy.total_budget, &buy.currency)),
        ("Flight", words::flight(buy.start, buy.end)),
        ("Delivers", if buy.active { "yes".to_owned() } else { "paused".to_owned() }),
    ];
    facts.push(("Daily budget", daily(buy.daily_budget.map(|amount| words::money(amount, &buy.currency)))));
    facts
}

fn of_package(buy: &MediaBuy, package: &Package) -> Facts {
    let pacing = match buy.pacing_of(package).as_str() {
        "even" => "evenly".to_owned(),
        "asap" => "as fast as possible".to_owned(),
        other => other.replace('_', " "),
    };
    let creatives: Vec<&str> = package.creatives.iter().map(|id| id.as_str()).collect();
    vec![
        ("Goal", words::goal(package, &buy.currency)),
        ("Budget", words::money(package.budget, &buy.currency)),
        ("When", format!("{}, {pacing}", words::flight(buy.start, buy.end))),
        ("Where", words::targeting(&buy.targeting_of(package))),
        ("Daily budget", daily(package.daily_budget.map(|amount| words::money(amount, &buy.currency)))),
        ("Daily goal", daily(package.daily_goal.map(words::number))),
        ("Delivers", if package.active { "yes".to_owned() } else { "paused".to_owned() }),
        ("Creatives", if creatives.is_empty() { "none yet".to_owned() } else { words::visible(&creatives.join(", ")) }),
    ]
}

/// The words for a limit that is not set.
const NO_LIMIT: &str = "no limit";

fn daily(limit: Option<String>) -> String {
    limit.unwrap_or_else(|| NO_LIMIT.to_owned())
}

/// What goes without saying about a package that is created.
fn is_ordinary(label: &str, value: &str) -> bool {
    value == NO_LIMIT || (label == "Delivers" && value == "yes") || label == "Budget"
}

fn card(buy: &MediaBuy, package: &Package, lines: Vec<Line>) -> Card {
    Card {
        title: words::visible(&package.name),
        place: Some(package.platform.to_string()),
        money: words::money(package.budget, &buy.currency),
        lines,
    }
}

/// Describes a buy as it is, or as it will be created: a card for each package.
pub(super) fn whole(buy: &MediaBuy) -> Vec<Card> {
    let lines = |package: &Package| {
        let facts = of_package(buy, package).into_iter().filter(|(label, value)| !is_ordinary(label, value));
        let floor = || if package.price.rate == package.floor { vec![Tag::new("warn", "floor price")] } else { vec![] };
        facts
            .map(|(label, value)| Line {
                label,
                before: None,
                value,
                tags: if label == "Goal" { floor() } else { Vec::new() },
            })
            .collect()
    };
    buy.packages.iter().map(|package| card(buy, package, lines(package))).collect()
}

/// Describes a change: only what differs, and a line that names what stays.
pub(super) fn changes(before: &MediaBuy, after: &MediaBuy) -> Vec<Card> {
    let mut cards = Vec::new();
    let lines = differing(of_buy(before), of_buy(after));
    if !lines.is_empty() {
        let money = words::money(after.total_budget, &after.currency);
        cards.push(Card { title: "The whole buy".to_owned(), place: None, money, lines });
    }
    for package in &after.packages {
        let Some(earlier) = before.package(&package.id) else { continue };
        let lines = differing(of_package(before, earlier), of_package(after, package));
        if !lines.is_empty() {
            cards.push(card(after, package, lines));
        }
    }
    cards
}

fn differing(before: Facts, after: Facts) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut same = Vec::new();
    for ((label, before), (_, value)) in before.into_iter().zip(after) {
        if before == value {
            same.push(label.to_lowercase());
        } else {
            lines.push(Line { label, before: Some(before), value, tags: Vec::new() });
        }
    }
    if !lines.is_empty() && !same.is_empty() {
        lines.push(Line { label: "Unchanged", before: None, value: same.join(", "), tags: Vec::new() });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{money::Micros, testing};

    #[test]
    fn a_change_shows_only_what_differs() {
        let before = testing::buy(2);
        assert_eq!(changes(&before, &before), []);
        let mut after = before.clone();
        after.packages[1].daily_budget = Some(Micros::new(40_000_000).unwrap());
        let cards = changes(&before, &after);
        assert_eq!(cards.len(), 1);
        assert_eq!(cards[0].title, after.packages[1].name);
        assert_eq!(cards[0].lines[0].before.as_deref(), Some("no limit"));
        assert_eq!(cards[0].lines[0].value, format!("40.00 {}", after.currency));
        assert_eq!(cards[0].lines[1].label, "Unchanged");
    }
}

//! The rules that decide which changes need a reviewer's approval, as they are written in the file.
//! `domain/approval.rs` evaluates them.
//!
//! | in the file | means |
//! |---|---|
//! | no `approvals` at all | one rule with `grows`: a create, and any change that makes a buy larger, needs one reviewer |
//! | `approvals = []` | nothing needs approval |
//! | `[[approvals]]`, once or more | exactly these rules apply |

use std::time::Duration;

use super::{
    Config,
    reader::{Kind, Node, Read},
    section::Section,
    values,
};
use crate::domain::{
    approval::{ApprovalQuestion, ApprovalRule, Conditions, Evaluation, Needed},
    creative::Format,
    id::GroupId,
    money::Micros,
    operation::OperationKind,
    task::Priority,
};

/// A publisher seldom has more reviewers than this, and more of them would never agree.
const MOST_REVIEWERS: i64 = 10;

/// What a rule that asks nobody has no use for.
const OF_A_TASK: [&str; 5] = ["groups", "priority", "due_in", "escalate_to", "expires_in"];

/// Reads one of the `[[approvals]]`. Its name is empty if it has none.
fn read_rule(section: &Section<'_>) -> Option<ApprovalRule> {
    let all = ApprovalRule::new("");
    let name = section.optional("name", values::short);
    if let Some(name) = &name {
        section.reader().define(Kind::Approval, name, section.place_of("name"));
    }
    let rule = ApprovalRule {
        name: name.unwrap_or_default(),
        when: read_conditions(section),
        reviewers: section.or("reviewers", all.reviewers, |node| values::whole(node, 0, MOST_REVIEWERS)),
        groups: named::<GroupId>(section, "groups", Kind::Group, "leave it out if any reviewer may decide")
            .unwrap_or_default(),
        priority: section.or("priority", all.priority, |node| values::choice(node, Priority::ALL, Priority::as_str)),
        due_in: section.or("due_in", all.due_in, values::duration),
        escalate_to: section.optional("escalate_to", values::short),
        expires_in: section.optional("expires_in", values::duration),
    };
    if let Some(to) = &rule.escalate_to {
        section.reader().mention_group_or_person(to, section.place_of("escalate_to"));
    }
    if rule.expires_in.is_some_and(|expires_in| expires_in <= rule.due_in) {
        let due_in = values::written(rule.due_in);
        let message = format!("`expires_in` must be longer than `due_in`, which is \"{due_in}\"");
        section.wrong(section.place_of("expires_in"), message);
    }
    if rule.reviewers == 0 {
        for key in section.present(&OF_A_TASK) {
            let message = format!("`{key}` is of no use with reviewers = 0, which asks nobody; leave it out");
            section.wrong(section.place_of(key), message);
        }
    }
    Some(rule)
}

fn read_conditions(section: &Section<'_>) -> Conditions {
    let everything = "leave it out for all of them";
    let conditions = Conditions {
        operations: section.some_of("operations", everything, |node| {
            values::choice(node, OperationKind::REQUESTED, OperationKind::as_str)
        }),
        principals: named(section, "principals", Kind::Principal, everything),
        platforms: named(section, "platforms", Kind::Platform, everything),
        products: named(section, "products", Kind::Product, everything),
        formats: section.some_of("formats", everything, |node| values::choice(node, Format::ALL, Format::as_str)),
        above_budget: section.optional("above_budget", values::amount),
        raises_budget_by: section.optional("raises_budget_by", values::positive_amount),
        raises_budget_by_percent: section.optional("raises_budget_by_percent", percentage),
        grows: section.or("grows", false, values::flag),
        extends_flight: section.optional("extends_flight", flag_or_duration).flatten(),
        widens_targeting: section.or("widens_targeting", false, values::flag),
        first_buy: section.or("first_buy", false, values::flag),
    };
    // Such a rule would look like a safeguard and never apply.
    let is_for = |kind: OperationKind| conditions.operations.as_ref().is_none_or(|named| named.contains(&kind));
    let only_creates = conditions.operations.as_ref().is_some_and(|named| *named == [OperationKind::Create]);
    if conditions.first_buy && !is_for(OperationKind::Create) {
        let message = "`first_buy` never holds here: add \"create_media_buy\" to `operations`, or leave them out";
        section.wrong(section.place_of("first_buy"), message);
    }
    for (key, set) in
        [("extends_flight", conditions.extends_flight.is_some()), ("widens_targeting", conditions.widens_targeting)]
    {
        if set && (conditions.first_buy || only_creates) {
            let message = format!("`{key}` never holds for a new media buy, and this rule is for no other");
            section.wrong(section.place_of(key), message);
        }
    }
    conditions
}

/// Reads `true`, for anything, `false`, or a least duration.
fn flag_or_duration(node: Node<'_>) -> Read<Option<Duration>> {
    match node.value.as_bool() {
        Some(flag) => Ok(flag.then_some(Duration::ZERO)),
        None => values::duration(node)
            .map(Some)
            .map_err(|_| "must be true, or the least duration with its unit in quotes, like \"7d\"".to_owned()),
    }
}

/// Reads a percentage above zero, like 12.5.
fn percentage(node: Node<'_>) -> Read<Micros> {
    values::positive_amount(node).map_err(|_| "must be a percentage above 0 without quotes, like 12.5".to_owned())
}

/// Reads a list of names that are defined elsewhere in the file.
fn named<T: From<String>>(section: &Section<'_>, key: &'static str, kind: Kind, instead: &str) -> Option<Vec<T>> {
    section.some_of(key, instead, |node| {
        let name = values::id(node)?;
        section.reader().refer(kind, &name, node.at);
        Ok(T::from(name))
    })
}

/// Reads the rules. Without `approvals`, returns the default rule.
pub(super) fn read(root: &Section<'_>) -> Vec<ApprovalRule> {
    if root.get("approvals").is_none() {
        let mut rule = ApprovalRule::new("default");
        rule.when.grows = true;
        return vec![rule];
    }
    let mut rules = root.tables("approvals", read_rule);
    for (index, rule) in rules.iter_mut().enumerate().filter(|(_, rule)| rule.name.is_empty()) {
        rule.name = format!("approvals[{}]", index + 1);
    }
    rules
}

impl Config {
    /// The approval that a change needs before it is carried out, or `None` if it needs none.
    pub fn approvals_needed(&self, question: &ApprovalQuestion) -> Option<Needed> {
        Evaluation::of(&self.approvals, question).needed()
    }

    /// Whether a rule asks whether a buy is the buyer's first.
    pub fn asks_for_first_buys(&self) -> bool {
        self.approvals.iter().any(|rule| rule.when.first_buy)
    }
}

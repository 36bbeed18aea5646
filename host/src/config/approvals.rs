//! The rules that decide which changes need a reviewer's approval.
//!
//! If several rules match, a change needs the strictest of each: the most reviewers, the highest
//! priority, the shortest time. Every change passes these rules before it reaches an ad server.
//! They are evaluated when a change is accepted, and again before it is carried out.
//!
//! | in the file | means |
//! |---|---|
//! | no `approvals` at all | one rule with `grows`: a create, and any change that makes a buy larger, needs one reviewer |
//! | `approvals = []` | nothing needs approval |
//! | `[[approvals]]`, once or more | exactly these rules apply |

use std::{collections::BTreeSet, time::Duration};

use super::{reader::Kind, section::Section, values};
use crate::domain::{
    change::ProposedChange,
    growth::{self, Growth},
    id::{PlatformName, PrincipalId},
    money::Micros,
    operation::OperationKind,
    task::Priority,
};

/// One day.
const DEFAULT_DUE_IN: Duration = Duration::from_secs(24 * 3_600);

/// A publisher seldom has more reviewers than this, and more of them would never agree.
const MOST_REVIEWERS: i64 = 10;

/// `[[approvals]]`: a rule. It matches if every condition that it names matches. A condition that
/// it omits always matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// `operations`: the kinds of changes. Default: all that buyers can request.
    pub operations: Vec<OperationKind>,
    /// `above_budget`: matches only buys with a larger total budget, in the buy's currency.
    pub above_budget: Option<Micros>,
    /// `raises_budget_by`: matches only changes that raise a total budget by at least this much
    /// above the amount that a person last approved.
    pub raises_budget_by: Option<Micros>,
    /// `grows`: matches only changes that make a buy larger; see [`growth`]. Default `false`.
    pub grows: bool,
    /// `principals`: matches only changes by these buyers.
    pub principals: Option<Vec<PrincipalId>>,
    /// `platforms`: matches only changes that affect at least one of these platforms.
    pub platforms: Option<Vec<PlatformName>>,
    /// `reviewers`: how many different reviewers must approve. Default 1.
    pub reviewers: u32,
    /// `priority`: the priority of the task. Default `medium`.
    pub priority: Priority,
    /// `due_in`: the time after which the task escalates automatically. Default `24h`.
    pub due_in: Duration,
}

impl Default for ApprovalRule {
    /// One reviewer for every change.
    fn default() -> Self {
        Self {
            operations: OperationKind::REQUESTED.to_vec(),
            above_budget: None,
            raises_budget_by: None,
            grows: false,
            principals: None,
            platforms: None,
            reviewers: 1,
            priority: Priority::Medium,
            due_in: DEFAULT_DUE_IN,
        }
    }
}

/// A change, as the rules look at it.
#[derive(Debug, Clone)]
pub struct ApprovalQuestion<'a> {
    /// The kind of change.
    pub operation: OperationKind,
    /// The buyer that asks for it.
    pub principal: &'a PrincipalId,
    /// Every platform that it affects.
    pub platforms: &'a [PlatformName],
    /// The buy's total budget after the change.
    pub budget: Micros,
    /// The increase of the total budget over the amount that was last approved; see
    /// [`growth::raise`].
    pub raise: Micros,
    /// The aspects in which the buy is larger after the change.
    pub grown: BTreeSet<Growth>,
}

impl<'a> ApprovalQuestion<'a> {
    /// Describes a change that affects `platforms`.
    pub fn about(operation: OperationKind, proposed: ProposedChange<'a>, platforms: &'a [PlatformName]) -> Self {
        let ProposedChange { change, current: before, desired: after } = proposed;
        Self {
            operation,
            principal: &before.principal,
            platforms,
            budget: after.total_budget,
            raise: growth::raise(change, before, after),
            grown: growth::of(change, before, after),
        }
    }

    /// The reason why the change waits, for a reviewer.
    pub fn reason(&self) -> String {
        let mut reason = format!("{} needs approval by the publisher", self.operation);
        if self.operation != OperationKind::Create && !self.grown.is_empty() {
            reason = format!("{reason}: after it, {}", growth::words(&self.grown));
        }
        reason
    }
}

/// The approval that a change needs before it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// How many different reviewers must approve.
    pub reviewers: u32,
    /// The priority of the task.
    pub priority: Priority,
    /// The time after which the task escalates.
    pub due_in: Duration,
}

impl ApprovalRule {
    fn read(section: &Section<'_>) -> Option<Self> {
        let all = Self::default();
        Some(Self {
            operations: section
                .some_of("operations", "leave it out for all of them", |node| {
                    values::choice(node, OperationKind::REQUESTED, OperationKind::as_str)
                })
                .unwrap_or(all.operations),
            above_budget: section.optional("above_budget", values::amount),
            raises_budget_by: section.optional("raises_budget_by", values::positive_amount),
            grows: section.or("grows", all.grows, values::flag),
            principals: names(section, "principals", Kind::Principal),
            platforms: names(section, "platforms", Kind::Platform),
            reviewers: section.or("reviewers", all.reviewers, |node| values::whole(node, 1, MOST_REVIEWERS)),
            priority: section
                .or("priority", all.priority, |node| values::choice(node, Priority::ALL, Priority::as_str)),
            due_in: section.or("due_in", all.due_in, values::duration),
        })
    }

    fn matches(&self, question: &ApprovalQuestion<'_>) -> bool {
        if self.grows && question.grown.is_empty() {
            return false;
        }
        self.operations.iter().any(|named| is_one_kind(*named, question.operation))
            && self.above_budget.is_none_or(|limit| question.budget > limit)
            && self.raises_budget_by.is_none_or(|limit| question.raise >= limit)
            && self.principals.as_ref().is_none_or(|named| named.contains(question.principal))
            && self.platforms.as_ref().is_none_or(|named| question.platforms.iter().any(|one| named.contains(one)))
    }
}

/// Whether rules treat both kinds as the same. Two tools can change a buy's packages, and a rule
/// for one of them must also hold for the other.
fn is_one_kind(named: OperationKind, asked: OperationKind) -> bool {
    use OperationKind::{Update, UpdatePackage};
    named == asked || matches!((named, asked), (Update, UpdatePackage) | (UpdatePackage, Update))
}

/// Reads a list of names that are defined elsewhere in the file.
fn names<T: From<String>>(section: &Section<'_>, key: &'static str, kind: Kind) -> Option<Vec<T>> {
    let named = section.some_of(key, "leave it out for all of them", |node| {
        let name = values::id(node)?;
        section.reader().refer(kind, &name, node.at);
        Ok(T::from(name))
    })?;
    Some(named)
}

/// Reads the rules. Without `approvals`, returns the default rule.
pub(super) fn read(root: &Section<'_>) -> Vec<ApprovalRule> {
    if root.get("approvals").is_none() {
        return vec![ApprovalRule { grows: true, ..ApprovalRule::default() }];
    }
    root.tables("approvals", ApprovalRule::read)
}

/// Combines the matching rules into the strictest requirement. Returns `None` if no rule matches.
pub(super) fn strictest(rules: &[ApprovalRule], question: &ApprovalQuestion<'_>) -> Option<Needed> {
    let matching = rules.iter().filter(|rule| rule.matches(question));
    matching.map(|rule| Needed { reviewers: rule.reviewers, priority: rule.priority, due_in: rule.due_in }).reduce(
        |one, other| Needed {
            reviewers: one.reviewers.max(other.reviewers),
            priority: one.priority.max(other.priority),
            due_in: one.due_in.min(other.due_in),
        },
    )
}

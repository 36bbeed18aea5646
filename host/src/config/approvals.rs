//! Which changes need a reviewer's word.
//!
//! A change needs what the strictest of the matching rules say: most reviewers, highest priority, shortest time. No path
//! to an ad server leads around them; they are asked when a change is accepted, and again when it is about to be made.
//!
//! | in the file | means |
//! |---|---|
//! | no `approvals` at all | one rule with `grows`: a create, and whatever makes a buy larger, needs one reviewer |
//! | `approvals = []` | nothing needs anybody |
//! | `[[approvals]]`, once or more | what these rules say, and nothing else |

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

/// One working day.
const DEFAULT_DUE_IN: Duration = Duration::from_secs(24 * 3_600);

/// More people than this never agree, and a publisher seldom has more.
const MOST_REVIEWERS: i64 = 10;

/// `[[approvals]]`: a rule. It matches when all of what it names matches; what it does not name always does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// `operations`: kinds of changes. Default: all.
    pub operations: Vec<OperationKind>,
    /// `above_budget`: only buys with a larger total budget, in the buy's currency.
    pub above_budget: Option<Micros>,
    /// `raises_budget_by`: only what raises a total budget by so much or more above what it was when a person last approved it.
    pub raises_budget_by: Option<Micros>,
    /// `grows`: only what makes a buy larger; see [`growth`]. Default `false`.
    pub grows: bool,
    /// `principals`: only theirs.
    pub principals: Option<Vec<PrincipalId>>,
    /// `platforms`: only what touches one of them.
    pub platforms: Option<Vec<PlatformName>>,
    /// `reviewers`: how many must say yes, each another one. Default 1.
    pub reviewers: u32,
    /// `priority` of the task. Default `medium`.
    pub priority: Priority,
    /// `due_in`: after this the task escalates by itself. Default `24h`.
    pub due_in: Duration,
}

impl Default for ApprovalRule {
    /// One reviewer for everything.
    fn default() -> Self {
        Self {
            operations: OperationKind::ALL.to_vec(),
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

/// What the rules are asked.
#[derive(Debug, Clone)]
pub struct ApprovalQuestion<'a> {
    /// The kind of change.
    pub operation: OperationKind,
    /// Who asks for it.
    pub principal: &'a PrincipalId,
    /// Every platform that it touches.
    pub platforms: &'a [PlatformName],
    /// The buy's total budget after it.
    pub budget: Micros,
    /// By how much it raises that above what was last approved; see [`growth::raise`].
    pub raise: Micros,
    /// What of the buy is larger after it.
    pub grown: BTreeSet<Growth>,
}

impl<'a> ApprovalQuestion<'a> {
    /// The question about a change that touches `platforms`.
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

    /// For a reviewer: why the change waits.
    pub fn reason(&self) -> String {
        let mut reason = format!("{} needs approval by the publisher", self.operation);
        if self.operation != OperationKind::Create && !self.grown.is_empty() {
            reason = format!("{reason}: after it, {}", growth::words(&self.grown));
        }
        reason
    }
}

/// What a change needs before it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// How many reviewers must say yes.
    pub reviewers: u32,
    /// How urgent the task is.
    pub priority: Priority,
    /// After this it escalates.
    pub due_in: Duration,
}

impl ApprovalRule {
    fn read(section: &Section<'_>) -> Option<Self> {
        let all = Self::default();
        Some(Self {
            operations: section
                .some_of("operations", "leave it out for all of them", |node| {
                    values::choice(node, OperationKind::ALL, OperationKind::as_str)
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

/// Whether rules treat both alike. A buy's packages can be changed by either of two tools, and nobody gets round a rule by taking
/// the other one.
fn is_one_kind(named: OperationKind, asked: OperationKind) -> bool {
    use OperationKind::{Update, UpdatePackage};
    named == asked || matches!((named, asked), (Update, UpdatePackage) | (UpdatePackage, Update))
}

/// Reads a list of names that are defined elsewhere.
fn names<T: From<String>>(section: &Section<'_>, key: &'static str, kind: Kind) -> Option<Vec<T>> {
    let named = section.some_of(key, "leave it out for all of them", |node| {
        let name = values::id(node)?;
        section.reader().refer(kind, &name, node.at);
        Ok(T::from(name))
    })?;
    Some(named)
}

/// Reads the rules, or takes the one that stands for none.
pub(super) fn read(root: &Section<'_>) -> Vec<ApprovalRule> {
    if root.get("approvals").is_none() {
        return vec![ApprovalRule { grows: true, ..ApprovalRule::default() }];
    }
    root.tables("approvals", ApprovalRule::read)
}

/// The strictest of the rules that match; `None` if none does.
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

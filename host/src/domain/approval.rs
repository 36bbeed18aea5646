//! Which changes need the verdicts of people, whose, and how many.
//!
//! - [`rule`]: the publisher's rules, and which of them apply to a change, with the reasons.
//! - [`question`]: a change as the rules look at it.
//! - [`verdicts`]: who may decide, whether the verdicts that were demanded are there, and whether an
//!   operation may run.
//!
//! Every rule that applies is met by itself: if one demands a person of the group `finance` and
//! another one two people of any, both must be satisfied. A person counts for every rule that they
//! are a candidate of. Of the times and the priority, the strictest apply.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{id::GroupId, person::Person, task::Priority};

pub mod question;
pub mod rule;
pub mod verdicts;

#[cfg(test)]
mod every_order;

pub use question::ApprovalQuestion;
pub use rule::{ApprovalRule, Conditions, Evaluated, Evaluation, Finding};
pub use verdicts::{Gate, Lack, NotACandidate, Voter, gate, may_approve, may_decide, unmet};

/// People who may be asked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Identifies it in rules and tasks.
    pub id: GroupId,
    /// Its name, for people.
    pub name: String,
    /// Its people.
    pub people: Vec<Person>,
}

/// What a rule that applies demands: so many different people, of these groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The name of the rule.
    pub rule: String,
    /// Why it applies.
    pub because: String,
    /// How many different people must approve. Zero: the rule applies and asks nobody.
    pub reviewers: u32,
    /// The groups whose people count; empty: every reviewer counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
}

impl fmt::Display for Demand {
    /// `2 of finance or legal`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        of_whom(self.reviewers, &self.groups, f)
    }
}

/// Writes `2 of finance or legal`, or `2 reviewers`.
fn of_whom(people: u32, groups: &[GroupId], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let names: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
    match names.split_last() {
        None if people == 1 => write!(f, "1 reviewer"),
        None => write!(f, "{people} reviewers"),
        Some((last, [])) => write!(f, "{people} of {last}"),
        Some((last, others)) => write!(f, "{people} of {} or {last}", others.join(", ")),
    }
}

/// The approval that a change needs before it is carried out: the demands of all rules that apply,
/// and the strictest of their other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// What each rule demands. At least one of them asks somebody.
    pub demands: Vec<Demand>,
    /// The priority of the task.
    pub priority: Priority,
    /// The time after which the task escalates.
    pub due_in: Duration,
    /// To whom it escalates then: a group or a person.
    pub escalate_to: Option<String>,
    /// The time after which the task fails, if that is sooner than usual.
    pub expires_in: Option<Duration>,
}

impl Needed {
    /// How many different people must approve at least. More are needed if no person is a candidate
    /// of every rule.
    pub fn reviewers(&self) -> u32 {
        most(&self.demands)
    }

    /// What an ad server's own question demands while these rules apply: one person, of any of the
    /// groups that they name. The verdicts on the change itself were given before, so their number
    /// does not count again.
    #[must_use]
    pub fn joined_by_platform(self, asks: &str, priority: Priority) -> Self {
        let mut rules: Vec<&str> = Vec::new();
        let mut groups: Vec<GroupId> = Vec::new();
        for demand in self.demands.iter().filter(|demand| demand.reviewers > 0 && !demand.groups.is_empty()) {
            rules.push(&demand.rule);
            groups.extend(demand.groups.iter().filter(|group| !groups.contains(group)).cloned().collect::<Vec<_>>());
        }
        let whose = match rules.is_empty() {
            true => String::new(),
            false => format!("; its people are those of {}", rules.join(", ")),
        };
        let demand = Demand {
            rule: "the ad server's own".to_owned(),
            because: format!("{}{whose}", asks.trim_end_matches('.')),
            reviewers: 1,
            groups,
        };
        Self { demands: vec![demand], priority: self.priority.max(priority), ..self }
    }
}

/// The largest number of people that one of the demands asks for.
pub fn most(demands: &[Demand]) -> u32 {
    demands.iter().map(|demand| demand.reviewers).max().unwrap_or(0)
}

/// The groups whose people may decide, without duplicates. Empty if every reviewer may.
pub fn candidate_groups(demands: &[Demand]) -> Vec<GroupId> {
    let asking = || demands.iter().filter(|demand| demand.reviewers > 0);
    if asking().any(|demand| demand.groups.is_empty()) {
        return Vec::new();
    }
    let mut groups: Vec<GroupId> = Vec::new();
    for group in asking().flat_map(|demand| &demand.groups) {
        if !groups.contains(group) {
            groups.push(group.clone());
        }
    }
    groups
}

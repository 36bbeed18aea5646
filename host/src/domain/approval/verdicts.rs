//! Who may decide, whether the verdicts that were demanded are there, and whether an operation may
//! run.

use std::fmt;

use super::{Demand, Group, Needed, of_whom};
use crate::domain::{id::GroupId, person::Person};

/// A person whose verdict counts, under each name that the records have for them: the one behind
/// the token when it was given, and the one behind it now. To count for a group, all of them must be
/// in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    names: Vec<Person>,
}

impl Voter {
    /// A person with one name.
    pub fn new(person: Person) -> Self {
        Self { names: vec![person] }
    }

    /// A person who was called `then` and is called `now`.
    pub fn renamed(then: Person, now: Person) -> Self {
        Self { names: if then == now { vec![now] } else { vec![then, now] } }
    }

    fn is_in(&self, group: &Group) -> bool {
        self.names.iter().all(|name| group.people.contains(name))
    }
}

/// Verdicts that are still missing for a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unmet<'d> {
    /// What the rule demands.
    pub demand: &'d Demand,
    /// How many people are missing.
    pub missing: u32,
}

impl fmt::Display for Unmet<'_> {
    /// `1 of finance`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        of_whom(self.missing, &self.demand.groups, f)
    }
}

/// Why a person may not decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotACandidate {
    /// They are in none of the groups that are asked.
    #[error("only people of {} decide on this, and you are none of them: ask one of them", or(.0))]
    OfNoGroup(Vec<GroupId>),
    /// Enough people of their groups have approved.
    #[error("enough of your groups have approved: what is missing is {0}")]
    EnoughOfThese(String),
}

fn or(groups: &[GroupId]) -> String {
    let names: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
    names.join(" or ")
}

/// Whether a person counts for a demand.
///
/// A demand whose groups are all gone from the configuration is open to every reviewer. Nobody could
/// ever meet it otherwise, and before anything is carried out, the rules are asked again as they are
/// then.
fn counts(demand: &Demand, groups: &[Group], voter: &Voter) -> bool {
    let mut known = groups.iter().filter(|group| demand.groups.contains(&group.id)).peekable();
    known.peek().is_none() || known.any(|group| voter.is_in(group))
}

/// Returns the demands that the people who approved don't meet, and how many are missing for each.
/// The voters must be different people.
pub fn unmet<'d>(demands: &'d [Demand], groups: &[Group], voters: &[Voter]) -> Vec<Unmet<'d>> {
    let missing = |demand: &'d Demand| {
        let there = voters.iter().filter(|voter| counts(demand, groups, voter)).count();
        let missing = demand.reviewers.saturating_sub(u32::try_from(there).unwrap_or(u32::MAX));
        (missing > 0).then_some(Unmet { demand, missing })
    };
    demands.iter().filter_map(missing).collect()
}

/// Checks that a person is a candidate of at least one of the rules.
///
/// # Errors
/// When they are of none.
pub fn may_decide(demands: &[Demand], groups: &[Group], voter: &Voter) -> Result<(), NotACandidate> {
    let mut asking = demands.iter().filter(|demand| demand.reviewers > 0).peekable();
    if asking.peek().is_none() || asking.any(|demand| counts(demand, groups, voter)) {
        return Ok(());
    }
    Err(NotACandidate::OfNoGroup(super::candidate_groups(demands)))
}

/// Checks that the approval of a person brings a demand nearer. `voters` have approved already.
///
/// # Errors
/// When they are no candidate, or enough of their groups have approved.
pub fn may_approve(demands: &[Demand], groups: &[Group], voters: &[Voter], voter: &Voter) -> Result<(), NotACandidate> {
    may_decide(demands, groups, voter)?;
    let unmet = unmet(demands, groups, voters);
    if unmet.is_empty() || unmet.iter().any(|unmet| counts(unmet.demand, groups, voter)) {
        return Ok(());
    }
    let missing: Vec<String> = unmet.iter().map(ToString::to_string).collect();
    Err(NotACandidate::EnoughOfThese(missing.join(" and ")))
}

/// Whether an operation that was accepted may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// It needs approval, and nobody was asked yet.
    AskFirst,
    /// What was approved is not what would happen, or its approvals are not those that are needed.
    AskAgain(Lack),
}

/// What an approval lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// It was of something else.
    OtherDigest,
    /// Verdicts.
    Verdicts,
}

/// Decides whether an operation may run. This is asked each time before an operation begins.
///
/// - `approved`: the digest of what was approved, if anything was.
/// - `digest`: the digest of what would happen now.
/// - `needed`: what the rules demand now.
/// - `voters`: the people whose approvals count now.
///
/// Even if no rule demands an approval any more, one was asked for, so one must stand.
pub fn gate(approved: Option<&str>, digest: &str, needed: Option<&Needed>, groups: &[Group], voters: &[Voter]) -> Gate {
    match (approved, needed) {
        (Some(approved), _) if approved != digest => Gate::AskAgain(Lack::OtherDigest),
        (Some(_), _) if voters.is_empty() => Gate::AskAgain(Lack::Verdicts),
        (Some(_), Some(needed)) if !unmet(&needed.demands, groups, voters).is_empty() => Gate::AskAgain(Lack::Verdicts),
        (None, Some(_)) => Gate::AskFirst,
        (Some(_), _) | (None, None) => Gate::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(rule: &str, reviewers: u32, groups: &[&str]) -> Demand {
        let groups = groups.iter().map(|id| GroupId::from(*id)).collect();
        Demand { rule: rule.to_owned(), because: String::new(), reviewers, groups }
    }

    fn groups() -> Vec<Group> {
        let group = |id: &str, people: &[&str]| Group {
            id: id.into(),
            name: id.to_owned(),
            people: people.iter().map(|name| Person::new(*name)).collect(),
        };
        vec![group("finance", &["fay", "Both"]), group("legal", &["lee", "both"])]
    }

    fn voters(names: &[&str]) -> Vec<Voter> {
        names.iter().map(|name| Voter::new(Person::new(*name))).collect()
    }

    fn missing(demands: &[Demand], names: &[&str]) -> Vec<String> {
        unmet(demands, &groups(), &voters(names)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_rule_is_met_by_itself_and_a_person_counts_for_each() {
        let demands = [demand("a", 1, &["finance"]), demand("b", 2, &[]), demand("c", 1, &["legal", "finance"])];
        assert_eq!(missing(&demands, &[]), ["1 of finance", "2 reviewers", "1 of legal or finance"]);
        assert_eq!(missing(&demands, &["ann", "ben", "cat"]), ["1 of finance", "1 of legal or finance"]);
        assert_eq!(missing(&demands, &["lee", "ben"]), ["1 of finance"]);
        assert_eq!(missing(&demands, &["FAY "]), ["1 reviewer"]);
        assert_eq!(missing(&demands, &["fay", "ben"]), [""; 0]);
        assert_eq!(missing(&[demand("a", 1, &["finance"]), demand("b", 1, &["legal"])], &["both"]), [""; 0]);
    }

    #[test]
    fn only_candidates_decide_and_only_as_long_as_their_word_is_missing() {
        let who = |name: &str| Voter::new(Person::new(name));
        let demands = [demand("a", 1, &["finance"]), demand("b", 1, &["legal"])];
        let refused = may_decide(&demands, &groups(), &who("ann")).unwrap_err().to_string();
        assert_eq!(
            refused,
            "only people of finance or legal decide on this, and you are none of them: ask one of them"
        );
        assert_eq!(may_decide(&demands, &groups(), &who("fay")), Ok(()));
        assert_eq!(may_approve(&demands, &groups(), &[], &who("fay")), Ok(()));
        let refused = may_approve(&demands, &groups(), &voters(&["fay"]), &who("Both"));
        assert_eq!(refused, Ok(()), "both is in legal, too");
        let demands = [demand("a", 1, &["finance"]), demand("b", 2, &[])];
        assert_eq!(may_approve(&demands, &groups(), &voters(&["ann"]), &who("ben")), Ok(()));
        let refused = may_approve(&demands, &groups(), &voters(&["ann", "ben"]), &who("cat")).unwrap_err();
        assert_eq!(refused.to_string(), "enough of your groups have approved: what is missing is 1 of finance");
        assert_eq!(may_decide(&demands, &groups(), &who("cat")), Ok(()), "cat may still reject");
    }

    #[test]
    fn who_is_called_otherwise_now_counts_for_a_group_only_under_both_names() {
        let demands = [demand("a", 1, &["finance"])];
        let renamed = |then, now| Voter::renamed(Person::new(then), Person::new(now));
        assert!(unmet(&demands, &groups(), &[renamed("fay", "both")]).is_empty());
        assert!(!unmet(&demands, &groups(), &[renamed("fay", "fay ström")]).is_empty());
        assert!(!unmet(&demands, &groups(), &[renamed("ann", "fay")]).is_empty());
    }

    #[test]
    fn a_demand_of_groups_that_are_gone_can_still_be_met() {
        let demands = [demand("a", 1, &["gone"]), demand("b", 1, &["gone", "legal"])];
        assert_eq!(missing(&demands, &["ann"]), ["1 of gone or legal"]);
        assert_eq!(missing(&demands, &["lee"]), [""; 0]);
    }
}

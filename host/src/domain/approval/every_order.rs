//! Whatever happens in whatever order, nothing runs without the verdicts that the rules demand at
//! that time.
//!
//! The test plays the whole life of a change: people decide, tokens are revoked, rules and groups
//! change, the task escalates or expires, other changes come in between, and a worker tries to run
//! it. The decisions are those of the functions and tables of the domain; what the host does between
//! them is repeated here in short. Whenever something runs, an oracle that knows nothing of all this
//! counts who said yes to what.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    ApprovalQuestion, ApprovalRule, Conditions, Demand, Evaluation, Gate, Group, Needed, Voter, gate, may_approve,
    may_decide, unmet,
};
use crate::domain::{
    change::{Change, ProposedChange},
    media_buy::MediaBuy,
    operation::{OperationKind, OperationState},
    person::Person,
    task::{TaskMove, TaskStatus},
    testing::{self, units},
    update::{BuyPatch, When},
};

/// The first one requested the change.
const PEOPLE: [&str; 5] = ["ann", "ben", "cat", "dan", "eve"];

#[derive(Debug, Clone)]
enum Happens {
    Approve(usize),
    Reject(usize),
    Revoke(usize),
    Restore(usize),
    Rules(usize),
    Groups(usize),
    Escalate,
    Expire,
    /// Another change sets the budget.
    Other(i64),
    Run,
}

fn happens() -> impl Strategy<Value = Happens> {
    let person = 0..PEOPLE.len();
    prop_oneof![
        8 => person.clone().prop_map(Happens::Approve),
        1 => person.clone().prop_map(Happens::Reject),
        2 => person.clone().prop_map(Happens::Revoke),
        2 => person.prop_map(Happens::Restore),
        2 => (0..rule_sets().len()).prop_map(Happens::Rules),
        2 => (0..memberships().len()).prop_map(Happens::Groups),
        1 => Just(Happens::Escalate),
        1 => Just(Happens::Expire),
        2 => (800i64..1_600).prop_map(Happens::Other),
        6 => Just(Happens::Run),
    ]
}

fn rule_sets() -> Vec<Vec<ApprovalRule>> {
    let rule = |name: &str, reviewers, groups: &[&str], when| ApprovalRule {
        reviewers,
        groups: groups.iter().map(|id| (*id).into()).collect(),
        when,
        ..ApprovalRule::new(name)
    };
    let always = Conditions::default;
    let raised = |by| Conditions { raises_budget_by: Some(units(by)), ..Conditions::default() };
    vec![
        vec![],
        vec![rule("any", 1, &[], always())],
        vec![rule("two", 2, &[], always())],
        vec![rule("finance", 1, &["finance"], always()), rule("two", 2, &[], raised(100))],
        vec![rule("finance", 1, &["finance"], raised(200)), rule("legal", 1, &["legal"], always())],
        vec![rule("none", 0, &[], always()), rule("either", 2, &["legal", "finance"], raised(1))],
    ]
}

fn memberships() -> Vec<Vec<Group>> {
    let group = |id: &str, people: &[usize]| Group {
        id: id.into(),
        name: id.to_owned(),
        people: people.iter().map(|index| Person::new(PEOPLE[*index])).collect(),
    };
    vec![
        vec![group("finance", &[0, 1]), group("legal", &[2, 3])],
        vec![group("finance", &[1, 2]), group("legal", &[2])],
        vec![group("finance", &[4]), group("legal", &[0])],
        vec![group("legal", &[1, 3])],
        vec![],
    ]
}

/// An approval as it was given.
#[derive(Debug, Clone, PartialEq)]
struct Yes {
    person: usize,
    digest: String,
}

struct World {
    rules: Vec<ApprovalRule>,
    groups: Vec<Group>,
    revoked: BTreeSet<usize>,
    buy: MediaBuy,
    state: OperationState,
    task: Option<TaskStatus>,
    demands: Vec<Demand>,
    asked: String,
    yes: Vec<Yes>,
    approved: Option<String>,
    /// Everything that anybody ever said yes to, for the oracle.
    said: Vec<Yes>,
}

impl World {
    fn accepted(rules: usize, groups: usize) -> Self {
        let mut buy = testing::buy(1);
        buy.approved_budget = Some(buy.total_budget);
        let mut world = Self {
            rules: rule_sets()[rules].clone(),
            groups: memberships()[groups].clone(),
            revoked: BTreeSet::new(),
            buy,
            state: OperationState::Queued,
            task: None,
            demands: Vec::new(),
            asked: String::new(),
            yes: Vec::new(),
            approved: None,
            said: Vec::new(),
        };
        if let Some(needed) = world.needed() {
            world.state = OperationState::AwaitingApproval;
            world.ask(needed.demands);
        }
        world
    }

    fn question(&self) -> ApprovalQuestion {
        let change = Change::Update(BuyPatch { total_budget: Some(units(1_200)), ..BuyPatch::default() });
        let desired = change.apply(&self.buy, When::at_once(self.buy.start)).unwrap();
        let proposed = ProposedChange { change: &change, current: &self.buy, desired: &desired };
        ApprovalQuestion::about(OperationKind::Update, proposed, false)
    }

    fn needed(&self) -> Option<Needed> {
        Evaluation::of(&self.rules, &self.question()).needed()
    }

    fn digest(&self) -> String {
        format!("to 1200 at revision {}", self.buy.revision)
    }

    fn ask(&mut self, demands: Vec<Demand>) {
        (self.demands, self.asked) = (demands, self.digest());
        self.yes.clear();
    }

    fn voters(&self) -> Vec<Voter> {
        let valid = self.yes.iter().filter(|yes| !self.revoked.contains(&yes.person));
        valid.map(|yes| Voter::new(Person::new(PEOPLE[yes.person]))).collect()
    }

    fn moves(&mut self, step: TaskMove) -> bool {
        let next = self.task.unwrap_or(TaskStatus::Pending).after(step);
        self.task = next.or(self.task);
        next.is_some()
    }

    fn becomes(&mut self, next: OperationState) {
        assert!(self.state.may_become(next), "{} -> {next}", self.state);
        self.state = next;
    }

    fn happens(&mut self, what: &Happens) {
        let waits = self.state == OperationState::AwaitingApproval;
        match *what {
            Happens::Revoke(person) => drop(self.revoked.insert(person)),
            Happens::Restore(person) => drop(self.revoked.remove(&person)),
            Happens::Rules(index) => self.rules.clone_from(&rule_sets()[index]),
            Happens::Groups(index) => self.groups.clone_from(&memberships()[index]),
            Happens::Other(budget) => {
                // Others are carried out before, or wait as this one does.
                self.buy.total_budget = units(budget);
                self.buy.packages[0].budget = units(budget);
                self.buy.revision += 1;
            }
            Happens::Escalate => drop(waits && self.moves(TaskMove::Escalate)),
            Happens::Expire if waits => self.becomes(OperationState::Failed),
            Happens::Reject(person) if waits && self.may_speak(person) => {
                let voter = Voter::new(Person::new(PEOPLE[person]));
                if may_decide(&self.demands, &self.groups, &voter).is_ok() {
                    self.becomes(OperationState::Failed);
                }
            }
            Happens::Approve(person) if waits && self.may_speak(person) => self.approve(person),
            Happens::Run if self.state == OperationState::Queued => self.run(),
            Happens::Expire | Happens::Reject(_) | Happens::Approve(_) | Happens::Run => {}
        }
    }

    fn may_speak(&self, person: usize) -> bool {
        person != 0 && !self.revoked.contains(&person)
    }

    fn approve(&mut self, person: usize) {
        let already = self.yes.iter().any(|yes| yes.person == person && !self.revoked.contains(&yes.person));
        let voter = Voter::new(Person::new(PEOPLE[person]));
        let mut voters = self.voters();
        if already || may_approve(&self.demands, &self.groups, &voters, &voter).is_err() {
            return;
        }
        // The host drops lapsed approvals with the next one.
        self.yes.retain(|yes| !self.revoked.contains(&yes.person));
        let yes = Yes { person, digest: self.asked.clone() };
        self.yes.push(yes.clone());
        self.said.push(yes);
        voters.push(voter);
        let started = matches!(self.task, Some(TaskStatus::InProgress));
        assert!(started || (self.moves(TaskMove::Assign) && self.moves(TaskMove::Start)));
        if unmet(&self.demands, &self.groups, &voters).is_empty() {
            self.approved = Some(self.asked.clone());
            self.becomes(OperationState::Queued);
        }
    }

    fn run(&mut self) {
        self.becomes(OperationState::Running);
        let (digest, needed) = (self.digest(), self.needed());
        let gate = gate(self.approved.as_deref(), &digest, needed.as_ref(), &self.groups, &self.voters());
        match (gate, needed) {
            (Gate::Open, _) => {
                self.oracle(&digest);
                self.becomes(OperationState::Succeeded);
            }
            (Gate::AskAgain(_), needed) => {
                assert!(self.moves(TaskMove::Reopen));
                self.approved = None;
                self.becomes(OperationState::AwaitingApproval);
                self.ask(needed.map_or_else(|| self.demands.clone(), |needed| needed.demands));
            }
            (Gate::AskFirst, needed) => {
                self.task = None;
                self.becomes(OperationState::AwaitingApproval);
                self.ask(needed.expect("somebody to ask").demands);
            }
        }
    }

    /// Counts who said yes, for each rule that applies now.
    fn oracle(&self, digest: &str) {
        let raise = 1_200 - self.buy.total_budget.get() / 1_000_000;
        // Nobody approved a budget since the first one of 1,000.
        let raise = if raise > 0 { 200 } else { 0 };
        let to_this: BTreeSet<usize> = self
            .said
            .iter()
            .filter(|yes| yes.digest == digest && yes.person != 0 && !self.revoked.contains(&yes.person))
            .map(|yes| yes.person)
            .collect();
        for rule in &self.rules {
            let least = rule.when.raises_budget_by.map_or(0, |by| by.get() / 1_000_000);
            let counts = |person: &&usize| {
                let in_group = |group: &&Group| {
                    rule.groups.contains(&group.id) && group.people.contains(&Person::new(PEOPLE[**person]))
                };
                let known = self.groups.iter().any(|group| rule.groups.contains(&group.id));
                !known || self.groups.iter().any(|group| in_group(&group))
            };
            let people = to_this.iter().filter(counts).count();
            assert!(
                raise < least || people >= rule.reviewers as usize,
                "{} demands {} and has {people}: {to_this:?}",
                rule.name,
                rule.reviewers
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_runs_without_the_verdicts_that_the_rules_demand(
        rules in 0..rule_sets().len(),
        groups in 0..memberships().len(),
        events in prop::collection::vec(happens(), 1..40),
    ) {
        let mut world = World::accepted(rules, groups);
        for event in &events {
            world.happens(event);
        }
    }

    /// The rules must not make it impossible to carry anything out.
    #[test]
    fn whatever_happened_before_it_runs_once_all_candidates_approve(
        rules in 0..rule_sets().len(),
        groups in 0..memberships().len(),
        events in prop::collection::vec(happens(), 0..20),
    ) {
        let mut world = World::accepted(rules, groups);
        for event in events.iter().filter(|event| !matches!(event, Happens::Expire | Happens::Reject(_))) {
            world.happens(event);
        }
        world.revoked.clear();
        world.groups.clone_from(&memberships()[0]);
        // Twice: the first run may find that others must be asked.
        for _ in 0..2 {
            for person in 1..PEOPLE.len() {
                world.happens(&Happens::Approve(person));
            }
            world.happens(&Happens::Run);
        }
        for person in 1..PEOPLE.len() {
            world.happens(&Happens::Approve(person));
        }
        world.happens(&Happens::Run);
        prop_assert_eq!(world.state, OperationState::Succeeded);
    }
}

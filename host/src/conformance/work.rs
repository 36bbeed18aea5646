//! One operation of the sample on the ad server, and what is there afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    bench::{Bench, Lane, shown},
    journal::KitJournal,
    sample::{self, Sample},
};
use crate::{
    adapters::AdapterChange,
    domain::{
        change::{Change, ProposedChange},
        creative::AssetState,
        failure::Failure,
        id::OperationId,
        media_buy::MediaBuy,
        operation::LegOutcome,
        step::Step,
    },
};

/// The kinds of operations that are interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Create,
    Creatives,
    Update,
    Cancel,
}

impl Work {
    /// What must be there before it.
    pub(super) const fn before(self) -> &'static [Self] {
        match self {
            Self::Create => &[],
            Self::Creatives => &[Self::Create],
            Self::Update | Self::Cancel => &[Self::Create, Self::Creatives],
        }
    }

    /// Returns the change that it makes of a sample.
    fn change(self, bench: &Bench, sample: &Sample) -> Option<Change> {
        match self {
            Self::Create => Some(Change::Create),
            Self::Creatives => Some(Change::AddCreatives(sample.creatives.clone())),
            Self::Update => Some(Change::Update(sample::large_update(bench, sample))),
            Self::Cancel => None,
        }
    }
}

/// An operation. It may be run again, with the same journal.
#[derive(Debug)]
pub(super) struct Task {
    /// `None`: a cancel.
    change: Option<Change>,
    current: MediaBuy,
    desired: MediaBuy,
    pub(super) journal: Arc<KitJournal>,
}

impl Task {
    /// # Errors
    /// When the host itself would refuse the change, in words.
    pub(super) fn new(bench: &Bench, sample: &Sample, change: Option<Change>) -> Result<Self, String> {
        let desired = change.as_ref().map_or(Ok(sample.buy.clone()), |change| sample.after(change))?;
        let known = sample.buy.remote_on(&bench.name).to_vec();
        let journal = KitJournal::new(OperationId::mint(), bench.name.clone(), known);
        Ok(Self { change, current: sample.buy.clone(), desired, journal })
    }

    /// # Errors
    /// As [`Task::new`].
    pub(super) fn of(work: Work, bench: &Bench, sample: &Sample) -> Result<Self, String> {
        Self::new(bench, sample, work.change(bench, sample))
    }

    pub(super) fn change(&self) -> AdapterChange<'_> {
        match &self.change {
            None => AdapterChange::Cancel(&self.current),
            Some(change) => ProposedChange { change, current: &self.current, desired: &self.desired }.into(),
        }
    }

    /// Runs it once, within its usual time or a shorter one.
    pub(super) async fn run(&self, lane: &Lane<'_>, within: Option<Duration>) -> Result<LegOutcome, Failure> {
        let outcome = lane.execute(self.change(), &self.journal, within).await?;
        match outcome.failed_package {
            Some((_, failure)) => Err(failure),
            None => Ok(outcome),
        }
    }

    /// Returns the buy as it is after the operation.
    pub(super) fn buy(&self, bench: &Bench) -> MediaBuy {
        let mut buy = self.desired.clone();
        buy.remote.insert(bench.name.clone(), self.journal.objects());
        buy
    }
}

/// Carries an operation out without any trouble, and keeps what became of the sample.
///
/// # Errors
/// What went wrong, in words.
pub(super) async fn carry_out(lane: &Lane<'_>, sample: &mut Sample, task: &Task) -> Result<LegOutcome, String> {
    let outcome = task.run(lane, None).await.map_err(|failure| shown(&failure))?;
    sample.buy = task.buy(lane.bench);
    Ok(outcome)
}

/// Makes a sample with everything that must be there before an operation.
///
/// # Errors
/// What went wrong, in words.
pub(super) async fn prepared(lane: &Lane<'_>, work: Work) -> Result<Sample, String> {
    lane.proxy.arm(None);
    let mut sample = lane.bench.sample();
    for before in work.before() {
        if *before == Work::Creatives && sample.creatives.is_empty() {
            continue;
        }
        let task = Task::of(*before, lane.bench, &sample)?;
        carry_out(lane, &mut sample, &task).await.map_err(|why| format!("the sample can't be prepared: {why}"))?;
    }
    Ok(sample)
}

/// What is on the ad server after an operation, in a form that is the same for every sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The objects that carry the references of the operation's steps and may deliver, by type and
    /// key.
    pub(super) found: BTreeMap<String, usize>,
    /// The remembered objects, by kind and key.
    pub(super) remembered: BTreeSet<String>,
    /// What check-status says.
    pub(super) states: Vec<String>,
    /// The assets that were refused.
    pub(super) rejected: BTreeSet<String>,
}

/// Counts what an operation has left.
///
/// # Errors
/// When a read fails, in words.
pub(super) async fn tally(lane: &Lane<'_>, task: &Task, outcome: &LegOutcome) -> Result<Tally, String> {
    let buy = task.buy(lane.bench);
    let mut tally = Tally { rejected: rejected(outcome), ..Tally::default() };
    for step in task.journal.steps() {
        for (what, active) in found(lane, &buy, &step).await? {
            *tally.found.entry(what).or_default() += usize::from(active);
        }
    }
    for object in task.journal.objects() {
        tally.remembered.insert(without_ids(&format!("{} {:?}", object.kind, object.key)));
    }
    let status = lane.status(&buy).await.map_err(|why| format!("check-status: {why}"))?;
    tally.states.push(format!("{:?}", status.state));
    let mut packages: Vec<_> = status.packages.iter().collect();
    packages.sort_by(|one, other| one.package.cmp(&other.package));
    tally.states.extend(packages.iter().map(|package| format!("{} {:?}", package.package, package.state)));
    Ok(tally)
}

async fn found(lane: &Lane<'_>, buy: &MediaBuy, step: &Step) -> Result<Vec<(String, bool)>, String> {
    let made = lane.find_made(buy, step).await;
    let made = made.map_err(|failure| format!("find-made of the step {:?}: {}", step.name, shown(&failure)))?;
    let each = made.into_iter().map(|made| {
        (without_ids(&format!("{} ({} {:?})", made.remote_type, made.object.kind, made.object.key)), made.active)
    });
    Ok(each.collect())
}

/// Returns the assets that were refused.
pub(super) fn rejected(outcome: &LegOutcome) -> BTreeSet<String> {
    let refused = outcome.assets.iter().filter(|asset| asset.state == AssetState::Rejected);
    refused.map(|asset| format!("{}: {}", asset.creative, asset.feedback.as_deref().unwrap_or("no reason"))).collect()
}

impl Tally {
    fn count(&self, what: &str) -> usize {
        self.found.get(what).copied().unwrap_or(0)
    }

    fn counted(&self, expected: &Self, is_wrong: impl Fn(usize, usize) -> bool) -> Vec<String> {
        let all: BTreeSet<&String> = self.found.keys().chain(expected.found.keys()).collect();
        let counts = all.into_iter().map(|what| (what, self.count(what), expected.count(what)));
        let wrong = counts.filter(|(_, mine, theirs)| is_wrong(*mine, *theirs));
        let line = |(what, mine, theirs): (&String, usize, usize)| {
            format!("the ad server has {mine} × {what} with the steps' references, and should have {theirs}")
        };
        wrong.map(line).collect()
    }

    /// Returns what there is more than expected, in words.
    pub(super) fn exceeds(&self, expected: &Self) -> Vec<String> {
        self.counted(expected, |mine, theirs| mine > theirs)
    }

    /// Returns how this differs from what is expected, in words.
    pub(super) fn differs(&self, expected: &Self) -> Vec<String> {
        let mut lines = self.counted(expected, |mine, theirs| mine != theirs);
        for lost in expected.remembered.difference(&self.remembered) {
            lines.push(format!("{lost} is not remembered"));
        }
        for more in self.remembered.difference(&expected.remembered) {
            lines.push(format!("{more} is remembered, and is not without trouble"));
        }
        if self.states != expected.states {
            lines.push(format!(
                "check-status says {}, and should say {}",
                self.states.join(", "),
                expected.states.join(", ")
            ));
        }
        lines.extend(
            self.rejected.difference(&expected.rejected).map(|asset| format!("an asset was rejected: {asset}")),
        );
        lines
    }
}

/// Replaces numbers of three digits and more, which are ids of the ad server.
fn without_ids(text: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    for char in text.chars().chain(['\0']) {
        if char.is_ascii_digit() {
            digits.push(char);
            continue;
        }
        shown.push_str(if digits.len() > 2 { "#" } else { &digits });
        digits.clear();
        if char != '\0' {
            shown.push(char);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_left_out_and_small_numbers_stay() {
        assert_eq!(without_ids("part 5001/2 of p10"), "part #/2 of p10");
    }

    #[test]
    fn what_is_too_much_or_missing_is_said() {
        let expected = Tally {
            found: [("Flight".to_owned(), 1)].into(),
            remembered: ["order \"\"".to_owned()].into(),
            ..Tally::default()
        };
        let two = Tally { found: [("Flight".to_owned(), 2)].into(), ..Tally::default() };
        assert_eq!(
            two.differs(&expected),
            [
                "the ad server has 2 × Flight with the steps' references, and should have 1",
                "order \"\" is not remembered"
            ]
        );
        assert!(expected.differs(&expected).is_empty());
    }
}

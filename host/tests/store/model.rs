//! The same random sequence of acts on the store and on a model of a page's length: they must agree on every outcome.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use flightdeck::{
    domain::{
        lane::{Lane, Openings},
        operation::{Change, Frozen, OperationState},
        plan::PlatformPlan,
        step::{Step, StepState},
        time::Timestamp,
        update::BuyPatch,
    },
    store::{Fence, FinishedStep, JournalWrite, NewStep, NextLookup, Recording, SettledStep, StoreError},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use uuid::Uuid;

use super::fixtures::{Store, add_operation, at, buy, journal, next_due, operation, platform, stored_operation};

const BUYS: usize = 3;

/// What happens next. Numbers name one of what there is, whatever their size.
#[derive(Debug, Clone)]
enum Act {
    Accept {
        buy: usize,
        awaiting: bool,
        pauses: bool,
        delay: i64,
        lane: usize,
    },
    Decide {
        operation: usize,
        to: OperationState,
        delay: i64,
    },
    Wait {
        seconds: i64,
    },
    /// While these lanes have all that they may have, and these platforms, too.
    Claim {
        lease: i64,
        busy: Vec<usize>,
        full: Vec<usize>,
        all_busy: bool,
    },
    Prolong {
        grant: usize,
        lease: i64,
    },
    Record {
        grant: usize,
        to: OperationState,
        delay: i64,
        release: bool,
        stale: bool,
        begins: bool,
        cut_off: bool,
    },
    Begin {
        grant: usize,
        name: u8,
        sends: bool,
    },
    Finish {
        grant: usize,
        name: u8,
        outcome: u8,
        lost: bool,
    },
    Settle {
        grant: usize,
        name: u8,
        fresh: bool,
        lost: bool,
    },
    Reset {
        operation: usize,
    },
}

/// Where an operation has something to do.
const LANES: [&str; 4] = ["", "north", "south", "north south"];

const PLATFORMS: [&str; 2] = ["north", "south"];

/// Some numbers, mostly none.
fn some_of(count: usize) -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(Vec::new()), prop::collection::vec(0..count, 0..6)]
}

/// What may begin while these lanes are in use and these platforms are full; even numbers are those of switches.
fn openings(busy: &[usize], full: &[usize], all_busy: bool) -> Openings {
    let lane = |number: &usize| Lane::with_key(number.is_multiple_of(2), LANES[number / 2]);
    let of = |switches: bool| {
        let mine = full.iter().filter(|number| (*number % 2 == 0) == switches);
        mine.map(|number| platform(PLATFORMS[number / 2])).collect()
    };
    Openings { in_use: busy.iter().map(lane).collect(), full: of(false), full_for_switches: of(true), all_busy }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let states = || prop::sample::select(OperationState::ALL);
    let which = || 0..64usize;
    let act = prop_oneof![
        3 => (0..BUYS, any::<bool>(), any::<bool>(), 0..9i64, 0..LANES.len())
            .prop_map(|(buy, awaiting, pauses, delay, lane)| Act::Accept { buy, awaiting, pauses, delay, lane }),
        2 => (which(), states(), 0..9i64).prop_map(|(operation, to, delay)| Act::Decide { operation, to, delay }),
        3 => (0..12i64).prop_map(|seconds| Act::Wait { seconds }),
        6 => (1..15i64, some_of(2 * LANES.len()), some_of(2 * PLATFORMS.len()), prop::bool::weighted(0.2))
            .prop_map(|(lease, busy, full, all_busy)| Act::Claim { lease, busy, full, all_busy }),
        1 => (which(), 1..15i64).prop_map(|(grant, lease)| Act::Prolong { grant, lease }),
        3 => (which(), states(), 0..9i64, any::<bool>(), prop::bool::weighted(0.2), any::<bool>(), any::<bool>()).prop_map(
            |(grant, to, delay, release, stale, begins, cut_off)| {
                Act::Record { grant, to, delay, release, stale, begins, cut_off }
            }
        ),
        4 => (which(), 0..3u8, prop::bool::weighted(0.7)).prop_map(|(grant, name, sends)| Act::Begin { grant, name, sends }),
        3 => (which(), 0..3u8, 0..2u8, any::<bool>())
            .prop_map(|(grant, name, outcome, lost)| Act::Finish { grant, name, outcome, lost }),
        2 => (which(), 0..3u8, any::<bool>(), any::<bool>())
            .prop_map(|(grant, name, fresh, lost)| Act::Settle { grant, name, fresh, lost: lost && !fresh }),
        1 => which().prop_map(|operation| Act::Reset { operation }),
    ];
    prop::collection::vec(act, 1..60)
}

/// An operation as the model knows it.
#[derive(Debug)]
struct Known {
    buy: usize,
    state: OperationState,
    pauses: bool,
    lane: Lane,
    begun: bool,
    run_at: i64,
    fence: i64,
    lease_until: Option<i64>,
    claims: u32,
    steps: Vec<Step>,
    /// The steps in which a run may send.
    sending: HashSet<String>,
    /// The steps that are looked for again.
    lookups: BTreeSet<String>,
}

impl Known {
    /// Whoever ran it may have sent something until now.
    fn doubt(&mut self, now: Timestamp) {
        for step in self.steps.iter_mut().filter(|step| step.state == StepState::Open) {
            step.begun_at = now;
            if self.sending.remove(&step.name) {
                (step.sent_at, step.lost) = (Some(now), step.lost + 1);
                self.lookups.insert(step.name.clone());
            }
        }
    }

    /// A request of a step got no answer.
    fn lose(&mut self, name: &str, now: Timestamp) {
        let step = self.steps.iter_mut().find(|step| step.name == name).expect("it was begun");
        (step.sent_at, step.lost) = (Some(now), step.lost + 1);
        self.lookups.insert(name.to_owned());
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Refusal {
    Stale,
    Fenced,
}

/// One run: the store, the model, and what both were told.
struct Run {
    store: Store,
    /// Runs share a store, so each has its own names.
    prefix: String,
    now: i64,
    operations: Vec<Known>,
    grants: Vec<(usize, Fence)>,
}

fn kind<T>(outcome: Result<T, StoreError>) -> Result<T, Refusal> {
    outcome.map_err(|error| match error {
        StoreError::Stale(_) => Refusal::Stale,
        StoreError::Fenced(_) => Refusal::Fenced,
        other => panic!("{other:?}"),
    })
}

impl Run {
    fn buy_id(&self, buy: usize) -> String {
        format!("{}-b{buy}", self.prefix)
    }

    fn id(&self, index: usize) -> flightdeck::domain::id::OperationId {
        format!("{}-op{index}", self.prefix).into()
    }

    /// Since when each operation may be claimed; `None` for those that may not, however long one waits.
    fn due(&self, index: usize) -> Option<i64> {
        let mine = &self.operations[index];
        let siblings =
            || self.operations.iter().enumerate().filter(|(other, it)| *other != index && it.buy == mine.buy);
        if siblings().any(|(_, other)| other.state == OperationState::Running) {
            return None;
        }
        match mine.state {
            OperationState::Running => Some(mine.lease_until.unwrap_or(mine.run_at)),
            OperationState::Queued => {
                let waits = siblings().any(|(other, it)| {
                    let older = other < index && it.state == OperationState::Queued;
                    match (mine.begun, mine.pauses) {
                        (true, _) => false,
                        (false, true) => older && it.pauses,
                        (false, false) => older || (it.begun && !it.state.is_final()),
                    }
                });
                (!waits).then_some(mine.run_at)
            }
            _ => None,
        }
    }

    fn next_due(&self) -> Option<i64> {
        self.next_due_within(&Openings::default())
    }

    fn next_due_within(&self, openings: &Openings) -> Option<i64> {
        let admitted = (0..self.operations.len()).filter(|index| openings.admit(&self.operations[*index].lane));
        admitted.filter_map(|index| self.due(index)).min()
    }

    fn claimable(&self, openings: &Openings) -> Option<usize> {
        let is_due = |index: &usize| self.due(*index).is_some_and(|due| due <= self.now);
        let admitted = |index: &usize| openings.admit(&self.operations[*index].lane);
        (0..self.operations.len()).filter(is_due).filter(admitted).min_by_key(|index| {
            let known = &self.operations[*index];
            (!known.pauses, known.run_at, *index)
        })
    }

    fn holds(&self, grant: usize) -> Result<(), Refusal> {
        let (index, fence) = &self.grants[grant];
        let known = &self.operations[*index];
        if known.fence == fence.number && known.lease_until.is_some() { Ok(()) } else { Err(Refusal::Fenced) }
    }

    fn grant(&self, number: usize) -> Option<(usize, usize, Fence)> {
        let grant = number.checked_rem(self.grants.len())?;
        let (index, fence) = self.grants[grant].clone();
        Some((grant, index, fence))
    }

    async fn act(&mut self, act: &Act) {
        match act.clone() {
            Act::Accept { buy, awaiting, pauses, delay, lane } => {
                self.accept(buy, awaiting, pauses, delay, LANES[lane]).await
            }
            Act::Decide { operation, to, delay } => self.decide(operation, to, delay).await,
            Act::Wait { seconds } => self.now += seconds,
            Act::Claim { lease, busy, full, all_busy } => self.claim(lease, &openings(&busy, &full, all_busy)).await,
            Act::Prolong { grant, lease } => self.prolong(grant, lease).await,
            Act::Record { .. } => self.record(act).await,
            Act::Begin { grant, name, sends } => self.begin(grant, name, sends).await,
            Act::Finish { .. } => self.finish(act).await,
            Act::Settle { .. } => self.settle(act).await,
            Act::Reset { operation } => self.reset(operation).await,
        }
    }

    async fn accept(&mut self, buy: usize, awaiting: bool, pauses: bool, delay: i64, key: &str) {
        let state = if awaiting { OperationState::AwaitingApproval } else { OperationState::Queued };
        let run_at = self.now + delay;
        let mut new = operation(self.id(self.operations.len()).as_str(), &self.buy_id(buy));
        (new.state, new.run_at) = (state, at(run_at));
        let lane = Lane::with_key(pauses, key);
        new.plan.platforms = lane
            .platforms
            .iter()
            .map(|name| PlatformPlan {
                platform: name.clone(),
                release: String::new(),
                changes: Vec::new(),
                notes: Vec::new(),
            })
            .collect();
        if pauses {
            new.change = Change::Update(BuyPatch { active: Some(false), ..BuyPatch::default() });
        }
        add_operation(&self.store, new).await;
        let begun = false;
        let known = Known {
            buy,
            state,
            pauses,
            lane,
            begun,
            run_at,
            fence: 0,
            lease_until: None,
            claims: 0,
            steps: Vec::new(),
            sending: HashSet::new(),
            lookups: BTreeSet::new(),
        };
        self.operations.push(known);
    }

    /// Somebody without a fence moves an operation.
    async fn decide(&mut self, number: usize, to: OperationState, delay: i64) {
        let Some(index) = number.checked_rem(self.operations.len()) else { return };
        let mut stored = stored_operation(&self.store, &self.id(index)).await;
        if to == OperationState::Running || stored.value.become_state(to, at(self.now)).is_err() {
            return;
        }
        stored.value.run_at = at(self.now + delay);
        self.store.record(Recording { operations: vec![stored], ..Recording::default() }).await.unwrap();
        let known = &mut self.operations[index];
        (known.state, known.run_at, known.lease_until) = (to, self.now + delay, None);
    }

    async fn claim(&mut self, lease: i64, openings: &Openings) {
        let soonest = self.store.next_due_within(at(-1_000_000), openings).await.unwrap();
        assert_eq!(soonest.map(|due| at(-1_000_000).plus(due)), self.next_due_within(openings).map(at));
        let wanted = self.claimable(openings);
        let length = Duration::from_secs(lease.unsigned_abs());
        let got = self.store.claim_within("worker", at(self.now), length, openings).await.unwrap();
        let Some(index) = wanted else {
            assert!(got.is_none(), "{got:?}");
            return;
        };
        let got = got.expect("the model finds something to claim");
        let now = at(self.now);
        let known = &mut self.operations[index];
        if known.state == OperationState::Running {
            known.doubt(now);
        }
        known.state = OperationState::Running;
        known.fence += 1;
        known.claims += 1;
        known.lease_until = Some(self.now + lease);
        let fence = Fence { operation: format!("{}-op{index}", self.prefix).into(), number: known.fence };
        assert_eq!(got.fence, fence);
        assert_eq!(got.operation.value.claims, known.claims);
        self.grants.push((index, fence));
    }

    async fn prolong(&mut self, number: usize, lease: i64) {
        let Some((grant, index, fence)) = self.grant(number) else { return };
        let outcome = self.store.prolong(&fence, at(self.now), Duration::from_secs(lease.unsigned_abs())).await;
        assert_eq!(kind(outcome), self.holds(grant));
        if self.holds(grant).is_ok() {
            self.operations[index].lease_until = Some(self.now + lease);
        }
    }

    async fn record(&mut self, act: &Act) {
        let Act::Record { grant, to, delay, release, stale, begins, cut_off } = *act else { return };
        let Some((grant, index, fence)) = self.grant(grant) else { return };
        let mut stored = stored_operation(&self.store, &self.id(index)).await;
        if stored.value.become_state(to, at(self.now)).is_err() && self.holds(grant).is_ok() {
            return;
        }
        stored.value.run_at = at(self.now + delay);
        if begins && stored.value.frozen.is_none() {
            let (current, desired) = (buy("frozen"), buy("frozen"));
            stored.value.frozen =
                Some(Frozen { current, desired, releases: BTreeMap::new(), platforms: BTreeMap::new() });
        }
        stored.version -= i64::from(stale);
        let cut_off = cut_off.then_some(at(self.now));
        let operations = vec![stored];
        let recording = Recording { fence: Some(fence), release, cut_off, operations, ..Recording::default() };
        let wanted = self.holds(grant).and(if stale { Err(Refusal::Stale) } else { Ok(()) });
        assert_eq!(kind(self.store.record(recording).await), wanted);
        if wanted.is_ok() {
            let known = &mut self.operations[index];
            (known.state, known.run_at, known.begun) = (to, self.now + delay, known.begun || begins);
            if release || to != OperationState::Running {
                known.lease_until = None;
            }
            if let Some(since) = cut_off {
                known.doubt(since);
            }
        }
    }

    async fn begin(&mut self, number: usize, name: u8, sends: bool) {
        let Some((grant, index, fence)) = self.grant(number) else { return };
        let fresh = Step {
            operation: fence.operation.clone(),
            platform: platform("north"),
            name: name.to_string(),
            reference: Uuid::now_v7().to_string(),
            state: StepState::Fresh,
            outcome: None,
            begun_at: Timestamp::NEVER,
            sent_at: None,
            lost: 0,
        };
        let begin = Some(NewStep { name: fresh.name.clone(), reference: fresh.reference.clone(), sends });
        let got = kind(self.store.journal(JournalWrite { begin, ..self.write(&fence, index) }).await);
        if self.holds(grant).is_err() {
            assert_eq!(got, Err(Refusal::Fenced));
            return;
        }
        let begun_at = at(self.now);
        let operation = &mut self.operations[index];
        let Some(known) = operation.steps.iter_mut().find(|step| step.name == fresh.name) else {
            if sends {
                operation.steps.push(Step { state: StepState::Open, begun_at, ..fresh.clone() });
                operation.sending.insert(fresh.name.clone());
            }
            assert_eq!(got, Ok(Some(fresh)));
            return;
        };
        assert_eq!(got, Ok(Some(known.clone())));
        if known.state != StepState::Done && sends {
            (known.state, known.begun_at) = (StepState::Open, begun_at);
            operation.sending.insert(fresh.name);
        }
    }

    async fn finish(&mut self, act: &Act) {
        let Act::Finish { grant, name, outcome, lost } = *act else { return };
        let Some((grant, index, fence)) = self.grant(grant) else { return };
        let now = at(self.now);
        let finished = vec![FinishedStep { name: name.to_string(), outcome: vec![outcome], lost }];
        let got = kind(self.store.journal(JournalWrite { finished, ..self.write(&fence, index) }).await);
        let holds = self.holds(grant);
        let step = self.operations[index].steps.iter_mut().find(|step| step.name == name.to_string());
        let step = step.filter(|step| {
            step.state == StepState::Open || (step.state == StepState::Done && step.outcome == Some(vec![outcome]))
        });
        let wanted = holds.and(if step.is_some() { Ok(None) } else { Err(Refusal::Stale) });
        assert_eq!(got, wanted);
        if let (Ok(_), Some(step)) = (wanted, step) {
            (step.state, step.outcome) = (StepState::Done, Some(vec![outcome]));
            self.operations[index].sending.remove(&name.to_string());
            if lost {
                self.operations[index].lose(&name.to_string(), now);
            }
        }
    }

    async fn settle(&mut self, act: &Act) {
        let Act::Settle { grant, name, fresh, lost } = *act else { return };
        let Some((grant, index, fence)) = self.grant(grant) else { return };
        let to = if fresh { StepState::Fresh } else { StepState::Open };
        let settled = Some(SettledStep { name: name.to_string(), state: to, lost });
        let got = kind(self.store.journal(JournalWrite { settled, ..self.write(&fence, index) }).await);
        let holds = self.holds(grant);
        let now = at(self.now);
        let step = self.operations[index].steps.iter_mut().find(|step| step.name == name.to_string());
        let step = step.filter(|step| step.state == StepState::Open || (fresh && step.state == StepState::Fresh));
        let wanted = holds.and(if step.is_some() { Ok(None) } else { Err(Refusal::Stale) });
        assert_eq!(got, wanted);
        if let (Ok(_), Some(step)) = (wanted, step) {
            step.state = to;
            match to {
                StepState::Open => step.begun_at = now,
                _ => step.sent_at = None,
            }
            self.operations[index].sending.remove(&name.to_string());
            if lost {
                self.operations[index].lose(&name.to_string(), now);
            }
        }
    }

    async fn reset(&mut self, number: usize) {
        let Some(index) = number.checked_rem(self.operations.len()) else { return };
        let reset_steps = vec![(self.id(index), platform("north"))];
        self.store.record(Recording { reset_steps, ..Recording::default() }).await.unwrap();
        let operation = &mut self.operations[index];
        for step in operation.steps.iter_mut().filter(|step| step.state == StepState::Open) {
            (step.state, step.sent_at) = (StepState::Fresh, None);
            operation.sending.remove(&step.name);
        }
    }

    fn write(&self, fence: &Fence, index: usize) -> JournalWrite {
        journal(fence, &self.buy_id(self.operations[index].buy), self.now)
    }

    async fn compare(&self) {
        assert_eq!(next_due(&self.store).await, self.next_due().map(at));
        for (index, known) in self.operations.iter().enumerate() {
            let stored = stored_operation(&self.store, &self.id(index)).await.value;
            assert_eq!((stored.state, stored.run_at), (known.state, at(known.run_at)));
            assert_eq!(stored.claims, known.claims);
            assert_eq!(self.store.steps(&self.id(index)).await.unwrap(), known.steps);
        }
    }

    /// What is looked for again is what lost something; the next run finds none of it.
    async fn compare_lookups(&self) {
        let due = self.store.take_lookups(at(self.now), Duration::from_secs(1), 10_000).await.unwrap();
        let mut found: BTreeSet<(usize, String)> = BTreeSet::new();
        for due in due {
            let Some(index) = (0..self.operations.len()).find(|index| self.id(*index) == due.step.operation) else {
                continue;
            };
            found.insert((index, due.step.name.clone()));
            let (operation, platform, name) = (due.step.operation, due.step.platform, due.step.name);
            let none = NextLookup { operation, platform, name, after: None, round: 0, told: Vec::new() };
            let lookup = Some((none, at(self.now)));
            self.store.record(Recording { lookup, ..Recording::default() }).await.unwrap();
        }
        let known = self.operations.iter().enumerate();
        let known = known.flat_map(|(index, known)| known.lookups.iter().map(move |name| (index, name.clone())));
        assert_eq!(found, known.collect());
    }

    /// Ends every operation, so that the next run finds nothing to claim.
    async fn end(&self) {
        self.compare_lookups().await;
        for index in 0..self.operations.len() {
            let mut stored = stored_operation(&self.store, &self.id(index)).await;
            if stored.value.become_state(OperationState::Failed, at(self.now)).is_ok() {
                self.store.record(Recording { operations: vec![stored], ..Recording::default() }).await.unwrap();
            }
        }
    }
}

async fn run(store: Store, acts: &[Act]) {
    let prefix = Uuid::now_v7().simple().to_string();
    let mut run = Run { store, prefix, now: 0, operations: Vec::new(), grants: Vec::new() };
    for index in 0..BUYS {
        let new_buy = Some(buy(&run.buy_id(index)));
        run.store.record(Recording { new_buy, ..Recording::default() }).await.unwrap();
    }
    let outcome = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(async {
        for act in acts {
            run.act(act).await;
            assert_eq!(next_due(&run.store).await, run.next_due().map(at), "after {act:?}");
        }
        run.compare().await;
    }))
    .await;
    run.end().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

pub(crate) async fn the_store_does_what_the_model_does(store: Store) {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
        TestRunner::new(config)
            .run(&acts(), |acts| {
                runtime.block_on(run(store.clone(), &acts));
                Ok(())
            })
            .unwrap();
    });
}

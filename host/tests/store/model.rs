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
    store::{
        Author, Fence, FinishedStep, JournalWrite, LeaseAfter, NewStep, Recording, SettledStep, StoreError, Write,
    },
};
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use self::{
    acts::{Act, BUYS, LANES, acts, openings},
    known::Known,
};
use super::fixtures::{Store, add_operation, at, buy, journal, next_due, operation, platform, stored_operation};

mod acts;
mod compare;
mod known;

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
        self.store.record(Write::Operation(stored)).await.unwrap();
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
        let Act::Record { grant, to, delay, after, stale, begins } = *act else { return };
        let lease = [LeaseAfter::Kept, LeaseAfter::Released, LeaseAfter::CutOff(at(self.now))][usize::from(after)];
        let Some((grant, index, fence)) = self.grant(grant) else { return };
        let mut stored = stored_operation(&self.store, &self.id(index)).await;
        if stored.value.become_state(to, at(self.now)).is_err() && self.holds(grant).is_ok() {
            return;
        }
        stored.value.run_at = at(self.now + delay);
        if begins && stored.value.frozen.is_none() {
            let (current, desired) = (buy("frozen"), buy("frozen"));
            stored.value.frozen = Some(Frozen {
                current,
                desired,
                earlier: Vec::new(),
                releases: BTreeMap::new(),
                platforms: BTreeMap::new(),
            });
        }
        stored.version -= i64::from(stale);
        let recording = Recording::by(Author::Worker(fence, lease)).with(Write::Operation(stored));
        let wanted = self.holds(grant).and(if stale { Err(Refusal::Stale) } else { Ok(()) });
        assert_eq!(kind(self.store.record(recording).await), wanted);
        if wanted.is_ok() {
            let known = &mut self.operations[index];
            (known.state, known.run_at, known.begun) = (to, self.now + delay, known.begun || begins);
            if lease != LeaseAfter::Kept || to != OperationState::Running {
                known.lease_until = None;
            }
            if let LeaseAfter::CutOff(since) = lease {
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
        self.store.record(Write::ResetSteps(self.id(index), platform("north"))).await.unwrap();
        let operation = &mut self.operations[index];
        for step in operation.steps.iter_mut().filter(|step| step.state == StepState::Open) {
            (step.state, step.sent_at) = (StepState::Fresh, None);
            operation.sending.remove(&step.name);
        }
    }

    fn write(&self, fence: &Fence, index: usize) -> JournalWrite {
        journal(fence, &self.buy_id(self.operations[index].buy), self.now)
    }
}

async fn run(store: Store, acts: &[Act]) {
    let prefix = Uuid::now_v7().simple().to_string();
    let mut run = Run { store, prefix, now: 0, operations: Vec::new(), grants: Vec::new() };
    for index in 0..BUYS {
        run.store.record(Write::NewBuy(buy(&run.buy_id(index)))).await.unwrap();
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

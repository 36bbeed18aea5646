//! Whether the store and its model agree.

use std::{collections::BTreeSet, time::Duration};

use flightdeck::{
    domain::operation::OperationState,
    store::{NextLookup, Write},
};

use super::{
    super::fixtures::{at, next_due, stored_operation},
    Run,
};

impl Run {
    pub(super) async fn compare(&self) {
        assert_eq!(next_due(&self.store).await, self.next_due().map(at));
        for (index, known) in self.operations.iter().enumerate() {
            let stored = stored_operation(&self.store, &self.id(index)).await.value;
            assert_eq!((stored.state, stored.run_at), (known.state, at(known.run_at)));
            assert_eq!(stored.claims, known.claims);
            assert_eq!(self.store.steps(&self.id(index)).await.unwrap(), known.steps);
        }
    }

    /// What is looked for again is what lost something; the next run finds none of it.
    pub(super) async fn compare_lookups(&self) {
        let due = self.store.take_lookups(at(self.now), Duration::from_secs(1), 10_000).await.unwrap();
        let mut found: BTreeSet<(usize, String)> = BTreeSet::new();
        for due in due {
            let Some(index) = (0..self.operations.len()).find(|index| self.id(*index) == due.step.operation) else {
                continue;
            };
            found.insert((index, due.step.name.clone()));
            let (fence, step) = (due.fence, due.step);
            let (operation, platform, name) = (step.operation, step.platform, step.name);
            let none =
                NextLookup { operation, platform, name, after: None, round: 0, told: Vec::new(), fence, held: false };
            self.store.record(Write::Lookup(none, at(self.now))).await.unwrap();
        }
        let known = self.operations.iter().enumerate();
        let known = known.flat_map(|(index, known)| known.lookups.iter().map(move |name| (index, name.clone())));
        assert_eq!(found, known.collect());
    }

    /// Ends every operation, so that the next run finds nothing to claim.
    pub(super) async fn end(&self) {
        self.compare_lookups().await;
        for index in 0..self.operations.len() {
            let mut stored = stored_operation(&self.store, &self.id(index)).await;
            if stored.value.become_state(OperationState::Failed, at(self.now)).is_ok() {
                self.store.record(Write::Operation(stored)).await.unwrap();
            }
        }
    }
}

//! What a call that changes something leaves behind, seen by the host: an adapter that says "done" is believed only if its steps say
//! so, too.
//!
//! | the adapter answers well and | is |
//! |---|---|
//! | a create has not remembered its order or one of its packages | `create_incomplete` |
//! | a step is open that may have happened | `step_left_open` |
//!
//! Both are faults: the operation is run again, which looks up what is in doubt. If that does not help, what was made is taken back, or a
//! person is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{Begun, Journal, JournalError, StepJournal, verdict};
use crate::domain::{
    failure::Failure,
    id::PlatformName,
    media_buy::{MediaBuy, RemoteKind, RemoteObject},
    step::{self, SentRequest, StepState},
};

/// A journal that remembers how its call left it.
#[derive(Debug)]
pub(super) struct Witness {
    journal: Journal,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    open: Option<OpenStep>,
    /// What is known to exist: from before the call, and from it.
    known: BTreeSet<(RemoteKind, String)>,
}

#[derive(Debug)]
struct OpenStep {
    name: String,
    in_doubt: bool,
    requests: BTreeMap<u64, SentRequest>,
}

impl Witness {
    /// Watches over a journal. `remote` is what was known before the call.
    pub(super) fn of(journal: Journal, remote: &[RemoteObject]) -> Arc<Self> {
        let known = remote.iter().map(|object| (object.kind, object.key.clone())).collect();
        Arc::new(Self { journal, seen: Mutex::new(Seen { open: None, known }) })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing panics while it holds the lock.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses the good end of a call that left a step open which may have happened.
    ///
    /// # Errors
    /// The adapter's fault.
    pub(super) fn no_step_is_open(&self, adapter: &PlatformName) -> Result<(), Failure> {
        let seen = self.seen();
        let Some(open) = &seen.open else { return Ok(()) };
        let requests: Vec<SentRequest> = open.requests.values().copied().collect();
        if step::after_failure(open.in_doubt, &requests) == StepState::Fresh {
            return Ok(());
        }
        let what =
            format_args!("answered that all is done and left the step {:?} open, which may have happened", open.name);
        Err(verdict::fault("step_left_open", adapter.as_str(), what))
    }

    /// Refuses the good end of a create of which the host does not know what was made.
    ///
    /// # Errors
    /// The adapter's fault.
    pub(super) fn all_is_remembered(&self, adapter: &PlatformName, buy: &MediaBuy) -> Result<(), Failure> {
        let seen = self.seen();
        let is_known = |kind, key: &str| seen.known.contains(&(kind, key.to_owned()));
        let order = (!is_known(RemoteKind::Order, "")).then(|| "the order".to_owned());
        let packages = buy.packages_on(adapter).filter(|package| !is_known(RemoteKind::Package, package.id.as_str()));
        let missing: Vec<String> =
            order.into_iter().chain(packages.map(|package| format!("the package {}", package.id))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let what = format_args!("answered that the media buy is made and did not remember {}", missing.join(", "));
        Err(verdict::fault("create_incomplete", adapter.as_str(), what))
    }
}

#[async_trait]
impl StepJournal for Witness {
    async fn begin(&self, name: &str) -> Result<Begun, JournalError> {
        let begun = self.journal.begin(name).await?;
        let in_doubt = match begun {
            Begun::Done(_) => return Ok(begun),
            Begun::InDoubt(_) => true,
            Begun::Fresh(_) => false,
        };
        self.seen().open = Some(OpenStep { name: name.to_owned(), in_doubt, requests: BTreeMap::new() });
        Ok(begun)
    }

    async fn absent(&self, name: &str) -> Result<(), JournalError> {
        self.journal.absent(name).await?;
        if let Some(open) = &mut self.seen().open {
            open.in_doubt = false;
            open.requests.clear();
        }
        Ok(())
    }

    async fn finish(&self, name: &str, outcome: Vec<u8>) -> Result<(), JournalError> {
        self.journal.finish(name, outcome).await?;
        self.seen().open = None;
        Ok(())
    }

    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        let known = (object.kind, object.key.clone());
        self.journal.remember(object).await?;
        self.seen().known.insert(known);
        Ok(())
    }

    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError> {
        let known = (object.kind, object.key.clone());
        self.journal.forget(object).await?;
        self.seen().known.remove(&known);
        Ok(())
    }

    fn may_write(&self, leaves_within: Duration) -> Result<(), JournalError> {
        self.journal.may_write(leaves_within)
    }

    fn step_is_open(&self) -> bool {
        self.journal.step_is_open()
    }

    fn sending(&self) -> u64 {
        let number = self.journal.sending();
        if let Some(open) = &mut self.seen().open {
            open.requests.insert(number, SentRequest::Lost);
        }
        number
    }

    fn sent(&self, request: u64, became: SentRequest) {
        self.journal.sent(request, became);
        if let Some(place) = self.seen().open.as_mut().and_then(|open| open.requests.get_mut(&request)) {
            *place = became;
        }
    }

    fn progressed(&self) -> bool {
        self.journal.progressed()
    }
}

//! Listens to one call.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{Content, RecordedExchange, RecordedRead, RecordedState, RecordedStep};
use crate::{
    adapters::{
        Begun, Journal, JournalError, StepJournal,
        by_hand::Function,
        egress::{Answer, CallSeen, Exchange, Tap, replay::Replay},
    },
    clock,
    domain::{media_buy::RemoteObject, step::OpenStep, time::Timestamp},
};

/// The bytes of one body that are recorded. Only reports are larger.
const BODY_BYTES: usize = 2 * 1024 * 1024;

/// The bytes of all bodies of one call that are recorded. A host may have a hundred calls at a time.
const BODIES_BYTES: usize = 8 * 1024 * 1024;

/// Who records a call, and what answers its requests instead of the ad server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listening {
    pub(crate) recorder: Option<Arc<CallRecorder>>,
    pub(crate) replay: Option<Arc<Replay>>,
}

impl Listening {
    /// Returns what a call reads of the cache: in a replay what it read then, and otherwise the value.
    pub(crate) fn read(&self, key: &str, value: impl FnOnce() -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let value = match &self.replay {
            Some(replay) => replay.cached(key),
            None => value(),
        };
        if let Some(recorder) = &self.recorder {
            recorder.read(key, value.as_deref());
        }
        value
    }
}

/// What a call has been seen to do.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The function with its arguments in the form of the generated types.
    pub(crate) given: Option<(Function, Map<String, Value>)>,
    /// When it began.
    pub(crate) began: Option<Timestamp>,
    pub(crate) steps: Vec<RecordedStep>,
    pub(crate) exchanges: Vec<RecordedExchange>,
    pub(crate) cached: Vec<RecordedRead>,
    pub(crate) printed: String,
}

#[derive(Debug, Default)]
struct Seen {
    told: Told,
    exchanges: Vec<(u32, RecordedExchange)>,
    bytes: usize,
}

/// Records one call.
#[derive(Debug, Default)]
pub(crate) struct CallRecorder(Mutex<Seen>);

impl CallRecorder {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call begins, with these arguments.
    pub(crate) fn given(&self, function: Function, arguments: Map<String, Value>) {
        let told = &mut self.seen().told;
        (told.given, told.began) = (Some((function, arguments)), Some(clock::now()));
    }

    /// The call has read this of the cache. A value for which there is no room counts as missing:
    /// the guest fetches it again.
    fn read(&self, key: &str, value: Option<&[u8]>) {
        let mut seen = self.seen();
        let size = value.map_or(0, <[u8]>::len);
        let value = value.filter(|_| seen.bytes + size <= BODIES_BYTES);
        seen.bytes += value.map_or(0, <[u8]>::len);
        seen.told.cached.push(RecordedRead { key: key.to_owned(), value: value.map(Content::of) });
    }

    /// The call has ended, and the guest has printed this.
    pub(crate) fn printed(&self, printed: &str) {
        printed.clone_into(&mut self.seen().told.printed);
    }

    /// Returns what the call did. Its requests are in the order in which they were sent.
    pub(crate) fn take(&self) -> Told {
        let mut seen = std::mem::take(&mut *self.seen());
        seen.exchanges.sort_by_key(|(number, _)| *number);
        Told { exchanges: seen.exchanges.into_iter().map(|(_, exchange)| exchange).collect(), ..seen.told }
    }

    /// Returns a journal that tells this recorder what another one answers.
    pub(crate) fn beside(self: &Arc<Self>, journal: Journal) -> Journal {
        Arc::new(Beside { journal, recorder: Arc::clone(self) })
    }

    fn began(&self, name: &str, begun: &Result<Begun, JournalError>) {
        let step = |state| RecordedStep {
            name: name.to_owned(),
            state,
            reference: None,
            outcome: None,
            refused: None,
            under_way: false,
            repeated: false,
        };
        let step = match begun {
            Ok(Begun::Done(outcome)) => {
                RecordedStep { outcome: Some(Content::of(outcome)), ..step(RecordedState::Done) }
            }
            Ok(Begun::Open(open)) => RecordedStep {
                reference: Some(open.reference().to_owned()),
                under_way: open.is_under_way(),
                repeated: open.is_repeated(),
                ..step(if open.is_in_doubt() { RecordedState::InDoubt } else { RecordedState::Fresh })
            },
            Err(error) => RecordedStep { refused: Some(error.to_string()), ..step(RecordedState::Refused) },
        };
        self.seen().told.steps.push(step);
    }
}

impl Tap for CallRecorder {
    fn called(&self, _: CallSeen) {}

    fn exchanged(&self, mut exchange: Exchange) {
        let mut seen = self.seen();
        let mut size = exchange.request.len();
        if let Answer::Answered { body, .. } = &exchange.answer {
            size += body.len();
        }
        if seen.bytes + size > BODIES_BYTES {
            exchange.is_cut = true;
            exchange.request.clear();
            if let Answer::Answered { body, .. } = &mut exchange.answer {
                body.clear();
            }
        } else {
            seen.bytes += size;
        }
        seen.exchanges.push((exchange.number, exchange.into()));
    }

    fn body_bytes(&self) -> usize {
        BODY_BYTES
    }
}

/// A journal whose answers are recorded.
#[derive(Debug)]
struct Beside {
    journal: Journal,
    recorder: Arc<CallRecorder>,
}

#[async_trait]
impl StepJournal for Beside {
    async fn begin(&self, name: &str) -> Result<Begun, JournalError> {
        let begun = self.journal.begin(name).await;
        self.recorder.began(name, &begun);
        begun
    }

    async fn finish(&self, step: OpenStep, outcome: Vec<u8>) -> Result<(), JournalError> {
        self.journal.finish(step, outcome).await
    }

    fn leave(&self, step: OpenStep) {
        self.journal.leave(step);
    }

    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        self.journal.remember(object).await
    }

    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError> {
        self.journal.forget(object).await
    }

    fn may_write(&self, leaves_within: Duration) -> Result<(), JournalError> {
        self.journal.may_write(leaves_within)
    }
}

//! Adapters: ad servers behind sandboxed WebAssembly components.
//!
//! - [`Adapters`]: the API for the rest of the host, in domain types. Types generated from `wit/`
//!   don't leave this folder.
//! - [`StepJournal`]: what the caller supplies to a call that makes changes: the durable record of
//!   its steps.
//!
//! From the outside in:
//!
//! - `calling`, `calls`, `reads`, `lookups`, `accounts`, `registry`, `config`: the calls, the platforms and their
//!   releases, and their configuration.
//! - `release`, `signature`, `compile`, `cache`, `compatibility`, `linked`, `settings`: turning a
//!   component file into something callable.
//! - `sandbox`, `limits`, `failures`, `wait_times`, `breaker`: running one call in a fresh
//!   instance, what ends it, and whose fault a failure is.
//! - `admission`, `resources`, `usage`: how many calls run at a time, the machine resources they may
//!   use, and what they have used.
//! - `steps`, `completeness`, `egress`, `call_cache`: what a guest may do: record its steps, which are
//!   checked against its answer, send requests to its own platform, and keep values between calls.
//! - `by_hand`: calls of single functions, for an adapter's author. `recording`: calls as files, and
//!   the failed ones that a host keeps.
//! - `contract`: conversions between the generated types and the domain's.
//! - `engine`: the only place that configures wasmtime.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::domain::{
    change::{Change, ProposedChange},
    id::OperationId,
    media_buy::{MediaBuy, RemoteObject},
    operation::FrozenPlatform,
    step::{OpenStep, StepError},
    time::Timestamp,
};

mod accounts;
mod admission;
mod breaker;
mod by_hand;
mod cache;
mod call_cache;
mod calling;
mod calls;
mod compatibility;
mod compile;
mod completeness;
mod config;
mod contract;
mod description;
mod egress;
mod engine;
mod failures;
mod inspect;
mod limits;
mod linked;
mod lookups;
mod probation;
mod reads;
mod recording;
mod registry;
mod release;
mod resources;
mod sandbox;
mod settings;
mod shared;
mod signature;
mod steps;
mod usage;
mod wait_times;

pub use admission::SlotUsage;
pub(crate) use by_hand::{Again, known_objects};
pub use by_hand::{Answered as AnsweredByHand, ArgumentError, Function};
pub use cache::Loaded;
pub use compile::{CompileError, compile_main};
pub use config::{AdapterSetupError, AdaptersConfig, PlatformConfig, PlatformError, PlatformErrorReason};
#[cfg(feature = "fuzzing")]
pub use contract::fuzzing;
pub(crate) use description::sample::{PACKAGES as SAMPLE_PACKAGES, buy as sample_buy};
pub use description::{DescriptionError, Printed};
pub(crate) use egress::replay::Replay;
pub use egress::{
    Answer, CallSeen, EgressError, Exchange, PatternError, ReadRequest, Tap, Unanswered, WriteRequest,
    credentials::{Credentials, CredentialsError, Secret},
    tokens::{Grant, ServiceAccountKey, ServiceAccountKeyError, TokenGrant},
};
pub use engine::EngineOptions;
pub use inspect::{Inspection, inspect};
pub use limits::Limits;
pub use probation::{PROBATION, Unhealthy};
pub use reads::Answered;
pub use recording::{
    Content, Kept, KeptCall, RecordedAnswer, RecordedExchange, RecordedFailure, RecordedState, RecordedStep, Recording,
    RecordingError,
};
pub use registry::{Adapters, ReleaseInfo};
pub use release::{COMPONENT_BYTES, InstallError};
pub(crate) use settings::check as check_settings;
pub use shared::Shared;
pub use signature::{
    ComponentSignature, PrivateKey, PrivateKeyError, PublicKey, PublicKeyError, SignatureError, sign as sign_component,
    verify as verify_component,
};
pub use steps::{CallSteps, FoundStep};
pub use usage::Usage;

/// The journal's answer to `begin`.
#[derive(Debug, PartialEq, Eq)]
pub enum Begun {
    /// The step is open: carry it out, or look it up first if it is in doubt.
    Open(OpenStep),
    /// The step already happened; this is its recorded outcome.
    Done(Vec<u8>),
}

/// Why the journal refuses a request. The call must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The adapter broke the rules for steps; the text describes how.
    #[error("{0}")]
    Misuse(String),
    /// The lease is lost, or another worker has recorded something. This run of the operation must
    /// stop; another will continue it.
    #[error("the operation can't be recorded: {0}")]
    Interrupted(String),
    /// The database is unavailable, or the host is stopping. This run of the operation must stop;
    /// another will continue it.
    #[error("the operation can't be recorded now: {0}")]
    Unavailable(String),
    /// An earlier request of the open step got no answer, and the ad server may still be carrying
    /// it out. The step can't be taken as absent or made again yet; another run of the operation
    /// will look again.
    #[error("an earlier request got no answer and may still be carried out")]
    UnderWay,
    /// The ad server does not have what is recorded for the buy, in a call that may create nothing.
    #[error("{0}")]
    NotAsRecorded(String),
}

impl From<StepError> for JournalError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::UnderWay => Self::UnderWay,
            missing @ StepError::OnlyRepeated(_) => Self::NotAsRecorded(missing.to_string()),
            misuse => Self::Misuse(misuse.to_string()),
        }
    }
}

/// The durable record of an operation's steps on one platform. Everything it returns has already
/// been committed.
///
/// It hands out an open step as a value, which goes back through [`StepJournal::finish`] or
/// [`StepJournal::leave`].
#[async_trait]
pub trait StepJournal: Send + Sync + std::fmt::Debug {
    /// Opens a step, or returns its outcome if it is already done.
    async fn begin(&self, name: &str) -> Result<Begun, JournalError>;
    /// Closes an open step with its outcome. The journal owns the step from then on, even if this
    /// fails.
    async fn finish(&self, step: OpenStep, outcome: Vec<u8>) -> Result<(), JournalError>;
    /// Takes back a step that the call did not finish.
    fn leave(&self, step: OpenStep);
    /// Records that an object belongs to the buy.
    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError>;
    /// Records that an object no longer exists.
    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError>;
    /// Checks that a request of an open step may be sent now, that is, that the lease holds for
    /// `leaves_within`. Within that time the last byte of the request leaves the host, or its
    /// connection attempt is abandoned.
    ///
    /// # Errors
    /// When the step may not write, with the reason.
    fn may_write(&self, leaves_within: Duration) -> Result<(), JournalError>;
}

/// The context of a call: the operation, the buyer, what exists remotely, and the deadline.
#[derive(Debug, Clone)]
pub struct Call {
    /// The operation's id, for logs and for the adapter.
    pub operation: OperationId,
    /// The buyer's advertiser on the platform.
    pub advertiser_id: String,
    /// The buyer's name in the configuration.
    pub buyer: Option<String>,
    /// The objects known to exist for the buy on the platform.
    pub remote: Vec<RemoteObject>,
    /// When the caller gives up.
    pub deadline: Timestamp,
    /// The platform settings frozen when the operation began. `None` if it has not begun: the
    /// current configuration applies.
    pub frozen: Option<FrozenPlatform>,
}

/// A change to plan or to carry out. The buy is complete here; an adapter receives only the
/// packages on its own platform.
#[derive(Debug, Clone, Copy)]
pub enum AdapterChange<'a> {
    /// Carry out a buyer's change.
    Make(ProposedChange<'a>),
    /// Undo a create.
    Cancel(&'a MediaBuy),
    /// Complete a buy after somebody else changed something on its platform, for this reason.
    FollowUp(&'a MediaBuy, &'a str),
}

impl<'a> From<ProposedChange<'a>> for AdapterChange<'a> {
    fn from(proposed: ProposedChange<'a>) -> Self {
        match proposed.change {
            Change::FollowUp(follow_up) => Self::FollowUp(proposed.desired, &follow_up.reason),
            _ => Self::Make(proposed),
        }
    }
}

impl<'a> AdapterChange<'a> {
    /// Returns the buy that the change concerns, as it will be afterwards.
    pub(crate) fn buy(self) -> &'a MediaBuy {
        match self {
            Self::Make(proposed) => proposed.desired,
            Self::Cancel(buy) | Self::FollowUp(buy, _) => buy,
        }
    }

    /// Returns the buy that the change creates, if it is a create.
    pub(crate) fn created(self) -> Option<&'a MediaBuy> {
        match self {
            Self::Make(ProposedChange { change: Change::Create, desired, .. }) => Some(desired),
            Self::Make(_) | Self::Cancel(_) | Self::FollowUp(..) => None,
        }
    }
}

/// A buy to read the status or delivery of.
#[derive(Debug, Clone)]
pub struct RemoteBuy<'a> {
    /// The buy as the host knows it.
    pub buy: &'a MediaBuy,
    /// The advertiser on the platform that belongs to the buyer.
    pub advertiser_id: String,
}

/// A shared journal, as calls take it.
pub type Journal = Arc<dyn StepJournal>;

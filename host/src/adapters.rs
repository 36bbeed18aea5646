//! Adapters: ad servers behind sandboxed WebAssembly components.
//!
//! - [`Adapters`]: what the rest of the host calls, in the domain's own types; what `wit/` generates stops in this folder.
//! - [`StepJournal`]: what a call that changes something needs from its caller: the durable record of its steps.
//!
//! From the outside in:
//!
//! - `calls`, `reads`, `lookups`, `registry`, `config`: the calls, the platforms and their releases, what the configuration says of them.
//! - `release`, `compile`, `cache`, `compatibility`, `settings`: from a file to something that can be called.
//! - `sandbox`, `limits`, `failures`, `wait_times`, `breaker`: one call in a fresh instance, what ends it, and whose fault that is.
//! - `admission`, `resources`: how many calls run at a time, and what the machine has for them.
//! - `steps`, `completeness`, `egress`: what a guest may do: record its steps, which are held against its answer, and send requests to
//!   its own platform.
//! - `contract`: the generated types and the domain's, both ways. `engine`: the one place that sets wasmtime up.

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

mod admission;
mod breaker;
mod cache;
mod calls;
mod compatibility;
mod compile;
mod completeness;
mod config;
mod contract;
mod egress;
mod engine;
mod failures;
mod inspect;
mod limits;
mod lookups;
mod reads;
mod registry;
mod release;
mod resources;
mod sandbox;
mod settings;
mod shared;
mod steps;
mod wait_times;

pub use admission::SlotUsage;
pub use cache::Loaded;
pub use compile::{CompileError, compile_main};
pub use config::{AdapterSetupError, AdaptersConfig, PlatformConfig, PlatformError, PlatformErrorReason};
pub use egress::{
    EgressError, PatternError, ReadRequest, WriteRequest,
    credentials::{Credentials, CredentialsError, Secret},
    tokens::{Grant, ServiceAccountKey, ServiceAccountKeyError, TokenGrant},
};
pub use engine::EngineOptions;
pub use inspect::{Inspection, inspect};
pub use limits::Limits;
pub use reads::Answered;
pub use registry::{Adapters, ReleaseInfo};
pub use release::InstallError;
pub use shared::Shared;
pub use steps::{CallSteps, FoundStep};

/// What the journal has of a step that is begun.
#[derive(Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is open now: make it, or look it up first if it is in doubt.
    Open(OpenStep),
    /// It happened; its outcome.
    Done(Vec<u8>),
}

/// Why the journal refuses. The call that meets it must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The adapter broke the rules of steps; what it did.
    #[error("{0}")]
    Misuse(String),
    /// The lease is gone, or another worker has recorded something: this run of the operation must stop, another will go on.
    #[error("the operation can't be recorded: {0}")]
    Interrupted(String),
    /// The database can't be used now, or the host stops: this run of the operation must stop, another will go on.
    #[error("the operation can't be recorded now: {0}")]
    Unavailable(String),
    /// An earlier request of the open step got no answer and may still be carried out by the ad server: the step can't be taken for
    /// absent yet, nor made again. Another run of the operation looks again.
    #[error("an earlier request got no answer and may still be carried out")]
    UnderWay,
}

impl From<StepError> for JournalError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::UnderWay => Self::UnderWay,
            misuse => Self::Misuse(misuse.to_string()),
        }
    }
}

/// The durable record of an operation's steps on one platform. What it answers was committed before.
///
/// It hands an open step on as a value: [`StepJournal::finish`] or [`StepJournal::leave`] takes it back.
#[async_trait]
pub trait StepJournal: Send + Sync + std::fmt::Debug {
    /// Opens a step.
    async fn begin(&self, name: &str) -> Result<Begun, JournalError>;
    /// Closes an open step with its outcome. The step is the journal's from then on, also if this fails.
    async fn finish(&self, step: OpenStep, outcome: Vec<u8>) -> Result<(), JournalError>;
    /// Takes back a step that its call did not finish.
    fn leave(&self, step: OpenStep);
    /// An object belongs to the buy.
    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError>;
    /// An object is gone.
    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError>;
    /// Whether a request of an open step may be sent now: the lease holds for `leaves_within`. Until then the last byte of the request
    /// has left the host, or the connection that it needs was not made.
    ///
    /// # Errors
    /// Why not.
    fn may_write(&self, leaves_within: Duration) -> Result<(), JournalError>;
}

/// Who asks, about what, with how much time.
#[derive(Debug, Clone)]
pub struct Call {
    /// The operation, for logs and for the adapter.
    pub operation: OperationId,
    /// The buyer's advertiser on the platform.
    pub advertiser_id: String,
    /// What is known to exist for the buy on the platform.
    pub remote: Vec<RemoteObject>,
    /// When the caller gives up.
    pub deadline: Timestamp,
    /// What the operation began with; `None`: it has not begun, and what is configured now counts.
    pub frozen: Option<FrozenPlatform>,
}

/// A change to plan or to carry out. The buy is whole; an adapter is given the packages of its platform only.
#[derive(Debug, Clone, Copy)]
pub enum AdapterChange<'a> {
    /// Carry out what a buyer asks for.
    Make(ProposedChange<'a>),
    /// Undo a create.
    Cancel(&'a MediaBuy),
}

impl<'a> From<ProposedChange<'a>> for AdapterChange<'a> {
    fn from(proposed: ProposedChange<'a>) -> Self {
        Self::Make(proposed)
    }
}

impl<'a> AdapterChange<'a> {
    /// The buy that it is about, as it is to be.
    pub(crate) fn buy(self) -> &'a MediaBuy {
        match self {
            Self::Make(proposed) => proposed.desired,
            Self::Cancel(buy) => buy,
        }
    }

    /// The buy that it makes, if it makes one.
    pub(crate) fn created(self) -> Option<&'a MediaBuy> {
        match self {
            Self::Make(ProposedChange { change: Change::Create, desired, .. }) => Some(desired),
            Self::Make(_) | Self::Cancel(_) => None,
        }
    }
}

/// A buy that is asked about.
#[derive(Debug, Clone)]
pub struct RemoteBuy<'a> {
    /// The buy.
    pub buy: &'a MediaBuy,
    /// Its buyer's advertiser on the platform.
    pub advertiser_id: String,
}

/// A journal behind a pointer, as calls take it.
pub type Journal = Arc<dyn StepJournal>;

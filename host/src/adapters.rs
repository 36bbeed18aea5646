//! Adapters: ad servers behind sandboxed WebAssembly components.
//!
//! - [`Adapters`]: what the rest of the host calls, in the domain's own types; what `wit/` generates stops in this folder.
//! - [`StepJournal`]: what a call that changes something needs from its caller: the durable record of its steps.
//!
//! Inside, from the outside in:
//!
//! - `calls`, `reads`, `lookups`, `registry`, `config`: the calls, the platforms and their releases, what the configuration says of them.
//! - `release`, `compile`, `cache`, `fit`, `settings`: from a file to something that can be called.
//! - `sandbox`, `limits`, `verdict`, `waiting`, `breaker`: one call in a fresh instance, what ends it, and whose fault that is.
//! - `room`, `machine`: how many calls run at a time, and what the machine has for them.
//! - `steps`, `witness`, `egress`: what a guest may do: record its steps, which are held against its answer, and send requests to its
//!   own platform.
//! - `contract`: the generated types and the domain's, both ways. `engine`: the one place that sets wasmtime up.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::domain::{
    change::{Change, ProposedChange},
    id::OperationId,
    media_buy::{MediaBuy, RemoteObject},
    operation::FrozenPlatform,
    step::SentRequest,
    time::Timestamp,
};

mod breaker;
mod cache;
mod calls;
mod compile;
mod config;
mod contract;
mod egress;
mod engine;
mod fit;
mod inspect;
mod limits;
mod lookups;
mod machine;
mod reads;
mod registry;
mod release;
mod room;
mod sandbox;
mod settings;
mod shared;
mod steps;
mod verdict;
mod waiting;
mod witness;

pub use cache::Loaded;
pub use compile::{CompileError, compile_main};
pub use config::{AdapterSetupError, AdaptersConfig, PlatformConfig, PlatformError, PlatformErrorReason};
pub use egress::{
    EgressError, PatternError, check_read_request, check_write_request,
    credentials::{Credentials, CredentialsError, Secret},
    tokens::{Grant, ServiceAccountKey, ServiceAccountKeyError, TokenGrant},
};
pub use engine::EngineOptions;
pub use inspect::{Inspection, inspect};
pub use limits::Limits;
pub use reads::Answered;
pub use registry::{Adapters, ReleaseInfo};
pub use release::InstallError;
pub use room::Occupied;
pub use shared::Shared;

/// How a step stands when it is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It never happened: make it, with this reference on it.
    Fresh(String),
    /// It may have happened: look the reference up first.
    InDoubt(String),
    /// It happened; its outcome.
    Done(Vec<u8>),
}

/// Why the journal did not take it. The call that met it must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The adapter broke the rules of steps; what it did.
    #[error("{0}")]
    Misuse(String),
    /// The lease is gone, or somebody else has recorded something: this run of the operation must stop, another will go on.
    #[error("the operation can't be recorded: {0}")]
    Interrupted(String),
    /// The database can't be used now, or the host stops: this run of the operation must stop, another will go on.
    #[error("the operation can't be recorded now: {0}")]
    Unavailable(String),
    /// An earlier request of the open step got no answer and may still be carried out by the ad server: the step can't be taken for absent
    /// yet, nor made again. Another run of the operation looks again.
    #[error("an earlier request got no answer and may still be carried out")]
    UnderWay,
}

/// The durable record of an operation's steps on one platform. Everything it says is committed before it says it.
#[async_trait]
pub trait StepJournal: Send + Sync + std::fmt::Debug {
    /// Opens a step.
    async fn begin(&self, name: &str) -> Result<Begun, JournalError>;
    /// The open step was in doubt; it was looked up and did not happen.
    async fn absent(&self, name: &str) -> Result<(), JournalError>;
    /// Closes the open step.
    async fn finish(&self, name: &str, outcome: Vec<u8>) -> Result<(), JournalError>;
    /// An object belongs to the buy.
    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError>;
    /// An object is gone.
    async fn forget(&self, object: RemoteObject) -> Result<(), JournalError>;
    /// Whether a request that writes may be sent now: a step is open, its begin is committed, nothing of it may be under way, and the lease
    /// holds for `leaves_within`: until then the last byte of it has left the host, or the connection that it needs was not made.
    ///
    /// # Errors
    /// Why not.
    fn may_write(&self, leaves_within: Duration) -> Result<(), JournalError>;
    /// Whether a step is open.
    fn step_is_open(&self) -> bool;
    /// A request that writes is about to leave. It counts as lost until [`StepJournal::sent`] says otherwise.
    fn sending(&self) -> u64;
    /// What became of it.
    fn sent(&self, request: u64, became: SentRequest);
    /// Whether this call has finished a step: another one would come further.
    fn progressed(&self) -> bool;
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

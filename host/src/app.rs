//! The use cases: each operation of the interface once, as a function of the caller and a typed request.
//!
//! Every face (HTTP, MCP, pages) calls these and only translates. A use case authorises, validates, decides, records and
//! answers, in that order; nothing is stored before the whole request is known to be possible.
//!
//! - [`authentication`]: from a bearer token to a caller, and what happens to those who have none. [`caller`]: roles and what
//!   they may do. [`callers`]: how much they may ask.
//! - [`error`]: the coded errors of the interface.
//! - [`write`], [`acceptance`], `preconditions`, `commit_retry`: what all writes have in common.
//! - [`create_media_buy`], [`add_creative_assets`], [`update_media_buy`], [`performance_index`]: the writes.
//! - [`status`], [`delivery`], [`lists`]: the reads.
//! - [`tasks`], [`decide_task`]: what reviewers do.
//! - [`webhooks`]: endpoints to which events are delivered.

use std::sync::Arc;

use crate::{
    adapters::Adapters,
    config::Config,
    operations::{Signals, status_cache::StatusCache},
    store::Store,
};

pub mod acceptance;
pub mod add_creative_assets;
pub mod authentication;
pub mod caller;
pub mod callers;
mod commit_retry;
pub mod create_media_buy;
pub mod decide_task;
pub mod delivery;
pub mod error;
pub mod lists;
pub mod new_media_buy;
pub mod performance_index;
pub mod pointers;
mod preconditions;
pub mod status;
pub mod tasks;
pub mod update_media_buy;
pub mod webhooks;
pub mod write;

pub use add_creative_assets::NewCreatives;
pub use decide_task::Decide;
pub use delivery::Delivery;
pub use lists::{ListBuys, ListProducts, OperationView, Page, ProductList, ProductView};
pub use new_media_buy::{Moment, NewMediaBuy, NewPackage};
pub use performance_index::NewPerformance;
pub use status::{BuyStanding, PackageStanding};
pub use tasks::{ListTasks, TaskList, TaskView};
pub use write::{ChangeMediaBuy, WriteAnswer, WriteOptions};

/// The application core. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// Persistence.
    pub store: Store,
    /// The ad servers.
    pub adapters: Arc<Adapters>,
    /// What the operator configured.
    pub config: Arc<Config>,
    /// Wakes workers, and those who wait for an operation.
    pub signals: Arc<Signals>,
    /// What the ad servers last said about buys.
    pub status_cache: Arc<StatusCache>,
    /// How much callers have asked of late, and what is being asked.
    pub callers: Arc<callers::Callers>,
    /// Which tokens are revoked, and which logins failed.
    pub authentication: Arc<authentication::Authentication>,
}

//! The use cases: each operation of the interface once, as a function of the caller and a typed request.
//!
//! Every face (HTTP, MCP, pages) calls these and only translates. A use case authorises, validates, decides, records and
//! answers, in that order; nothing is stored before the whole request is known to be possible.
//!
//! - [`authentication`]: from a bearer token to a caller, and what happens to those who have none. [`caller`]: roles and what
//!   they may do. [`callers`]: how much they may ask.
//! - [`error`]: the coded errors of the interface.
//! - [`write`], [`acceptance`], `preconditions`, `commit_retry`: what all writes have in common.
//! - [`create_media_buy`], [`add_creative_assets`], [`update_media_buy`], [`update_media_buy_performance_index`]: the writes.
//! - [`check_media_buy_status`], [`get_media_buy_delivery`], [`lists`]: the reads.
//! - [`tasks`], [`complete_task`]: what reviewers do.
//! - [`webhooks`]: endpoints to which events are delivered.

use std::sync::Arc;

use crate::{
    adapters::Adapters,
    config::Config,
    operations::{Signals, status_cache::StatusCache},
    store::Store,
};

pub use crate::domain::create::{Moment, NewMediaBuy, NewPackage};

pub mod acceptance;
pub mod add_creative_assets;
pub mod authentication;
pub mod caller;
pub mod callers;
pub mod check_media_buy_status;
mod commit_retry;
pub mod complete_task;
pub mod create_media_buy;
pub mod error;
pub mod get_media_buy_delivery;
pub mod lists;
mod preconditions;
pub mod tasks;
pub mod update_media_buy;
pub mod update_media_buy_performance_index;
pub mod webhooks;
pub mod write;

pub use add_creative_assets::NewCreatives;
pub use check_media_buy_status::{BuyStanding, PackageStanding};
pub use complete_task::Decide;
pub use get_media_buy_delivery::Delivery;
pub use lists::{ListBuys, ListProducts, OperationView, Page, ProductList, ProductView};
pub use tasks::{ListTasks, TaskList, TaskView};
pub use update_media_buy_performance_index::NewPerformance;
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

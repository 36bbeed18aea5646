//! The use cases: each operation of the interface, once, as a function of the caller and a typed
//! request.
//!
//! Every face (HTTP, MCP, pages) calls these and only translates. A use case authorises, validates,
//! decides, records and answers, in that order; nothing is stored before the whole request is known
//! to be possible.
//!
//! - [`authentication`]: from a bearer token to a caller, and how failed logins are handled.
//! - [`caller`]: roles and what they may do.
//! - [`callers`]: rate limits and shared requests.
//! - [`error`]: the coded errors of the interface.
//! - [`write`], [`acceptance`], `preconditions`, `commit_retry`: what all writes have in common.
//! - [`create_media_buy`], [`add_creative_assets`], [`update_media_buy`],
//!   [`update_media_buy_performance_index`]: the writes.
//! - [`check_media_buy_status`], [`get_media_buy_delivery`], [`lists`]: the reads.
//! - [`tasks`], [`complete_task`]: what reviewers do.
//! - [`desk`]: what the review desk shows.
//! - [`releases`]: which release of an adapter serves each platform, for operators.
//! - [`reload`]: reloads the configuration while the host serves.
//! - [`single_sign_on`]: signing in at an OpenID provider.
//! - [`sessions`]: browsers that are signed in to the review desk.
//! - [`webhooks`]: endpoints to which events are delivered.

use std::sync::Arc;

use crate::{
    adapters::Adapters,
    config::Config,
    operations::{Signals, setup::Setup, status_cache::StatusCache},
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
pub mod complete_tasks;
pub mod create_media_buy;
pub mod desk;
pub mod error;
pub mod explain_rules;
pub mod get_media_buy_delivery;
pub mod inquiries;
pub mod lists;
mod preconditions;
pub mod releases;
pub mod reload;
pub mod sessions;
pub mod single_sign_on;
pub mod tasks;
pub mod tokens;
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
    /// The host's database.
    pub store: Store,
    /// The adapters of the ad servers.
    pub adapters: Arc<Adapters>,
    /// The host's configuration.
    pub config: Arc<Config>,
    /// Wakes workers, and callers that wait for an operation.
    pub signals: Arc<Signals>,
    /// The last answers of the ad servers about buys.
    pub status_cache: Arc<StatusCache>,
    /// The rate limits of callers, and the requests that they share.
    pub callers: Arc<callers::Callers>,
    /// The revoked tokens of the configuration, and failed logins.
    pub authentication: Arc<authentication::Authentication>,
    /// News for open pages of the desk.
    pub news: Arc<desk::news::News>,
    /// Reloads the configuration.
    pub reloader: Arc<reload::Reloader>,
}

impl App {
    /// Returns the application with the configuration and the adapters that serve now. Every request
    /// is answered with one of these.
    #[must_use]
    pub fn current(&self) -> Self {
        let Setup { config, adapters } = self.reloader.live.current();
        Self { config, adapters, ..self.clone() }
    }
}

//! The use cases: each operation of the interface once, as a function of who asks and a typed request.
//!
//! Every face (HTTP, MCP, pages) calls these and only translates. A use case authorises, validates, decides, records and
//! answers, in that order; nothing is stored before the whole request is known to be possible.
//!
//! - [`caller`]: who asks, by which token, in which role; [`callers`]: how much they may ask.
//! - [`door`]: which tokens are refused by now, and who knocked in vain.
//! - [`error`]: the coded errors of the interface.
//! - [`acceptance`]: what all writes have in common: idempotency, plan, approval, one transaction, waiting for the outcome.
//! - `changing`: what a change of a buy begins with: the buy, and the buyer's place in the order of words.
//! - [`create_media_buy`], [`add_creative_assets`], [`update_media_buy`], [`performance_index`]: the writes.
//! - [`status`], [`delivery`], [`lists`]: the reads.
//! - [`tasks`], [`decide_task`]: what reviewers do.
//! - [`webhooks`]: who is told of what happens.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    adapters::Adapters,
    config::Config,
    domain::{
        capability::Capabilities,
        creative::{Creative, Format},
        delivery::{DeliveryRow, DeliveryState},
        id::{MediaBuyId, PackageId, PlatformName, TaskId},
        media_buy::MediaBuy,
        operation::{Operation, Performance},
        status::{BuyStatus, Standing},
        step::Step,
        task::{HistoryEntry, Priority, Resolution, Task, TaskKind, TaskStatus},
        time::{Day, Timestamp},
        update::BuyPatch,
    },
    operations::{Signals, status_cache::LiveCache},
    store::Store,
};
use door::Door;

pub use crate::domain::create::{Moment, NewMediaBuy, NewPackage};

pub mod acceptance;
pub mod add_creative_assets;
pub mod caller;
pub mod callers;
mod changing;
pub mod create_media_buy;
pub mod decide_task;
pub mod delivery;
pub mod door;
pub mod error;
pub mod lists;
pub mod performance_index;
mod recording;
pub mod status;
pub mod tasks;
pub mod update_media_buy;
pub mod webhooks;

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
    pub live: Arc<LiveCache>,
    /// How much callers have asked of late, and what is being asked.
    pub callers: Arc<callers::Callers>,
    /// Which tokens are refused by now, and who was not let in.
    pub door: Arc<Door>,
}

/// How a write is to be accepted.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    /// How long to wait for the outcome before answering.
    pub wait: Duration,
    /// Plan only; change nothing.
    pub dry_run: bool,
    /// The request as it came, for reviewers and for the fingerprint of the idempotency key. Without the key itself.
    pub request: serde_json::Value,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteAnswer {
    /// The buy as it stands when the answer is given. For a dry run: as it would be.
    pub buy: MediaBuy,
    /// The buy's status as it stands.
    pub standing_status: BuyStatus,
    /// The words that explain it.
    pub standing_detail: String,
    /// The operation. For a dry run it was not stored and never will be.
    pub operation: Operation,
    /// Whether nothing was stored.
    pub dry_run: bool,
    /// Whether this is the first answer again.
    #[serde(default)]
    pub replayed: bool,
    /// When it was given.
    pub at: Timestamp,
    /// What the caller left out and the host filled in, in words: default dates.
    pub notes: Vec<String>,
}

/// A change of a buy. The patch's `end` is left `None` and given here as the caller gave it.
#[derive(Debug, Clone)]
pub struct ChangeMediaBuy {
    /// Which buy.
    pub buy: MediaBuyId,
    /// What changes.
    pub patch: BuyPatch,
    /// A new end.
    pub end: Option<Moment>,
    /// Whether it came as `update_package`.
    pub packages_only: bool,
}

/// New creatives for a buy.
#[derive(Debug, Clone)]
pub struct NewCreatives {
    /// Which buy.
    pub buy: MediaBuyId,
    /// The creatives.
    pub assets: Vec<Creative>,
}

/// Performance indices for a buy.
#[derive(Debug, Clone)]
pub struct NewPerformance {
    /// Which buy.
    pub buy: MediaBuyId,
    /// Package by package.
    pub performance: Vec<Performance>,
}

/// How a package stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageStanding {
    /// Which package.
    pub package: PackageId,
    /// Where it lives.
    pub platform: PlatformName,
    /// Its status.
    pub status: BuyStatus,
    /// `on_track`, `ahead`, `behind`, `not_started`, `completed` or `unknown`.
    pub pacing: &'static str,
    /// Delivered of its goal, in millionths (1_000_000 is all of it), if the platform counts.
    pub delivered_millionths: Option<i64>,
    /// What the platform says.
    pub platform_state: Option<DeliveryState>,
}

/// How a buy stands.
#[derive(Debug, Clone)]
pub struct BuyStanding {
    /// The buy.
    pub buy: MediaBuy,
    /// Its status.
    pub standing: Standing,
    /// When the ad servers were asked.
    pub last_updated: Timestamp,
    /// Its packages.
    pub packages: Vec<PackageStanding>,
    /// The operations that have not ended.
    pub pending: Vec<Operation>,
}

/// What a buy delivered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The buy.
    pub buy: MediaBuy,
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
    /// Package by package and day by day.
    pub rows: Vec<DeliveryRow>,
    /// Up to when the platforms had counted.
    pub as_of: Timestamp,
}

/// A sellable package.
#[derive(Debug, Clone)]
pub struct ProductView {
    /// As the operator configured it.
    pub product: crate::config::Product,
    /// What its platform can do.
    pub capabilities: Arc<Capabilities>,
}

/// Which products to list.
#[derive(Debug, Clone, Default)]
pub struct ListProducts {
    /// Only on this platform.
    pub platform: Option<String>,
    /// Only those that take this format.
    pub format: Option<Format>,
    /// At most so many; default 50, at most 200.
    pub limit: Option<u32>,
    /// From where the page before ended.
    pub cursor: Option<String>,
}

/// Sellable packages.
#[derive(Debug, Clone)]
pub struct ProductList {
    /// The page.
    pub page: Page<ProductView>,
    /// How many there are on all pages.
    pub total: usize,
}

/// Which buys to list.
#[derive(Debug, Clone, Default)]
pub struct ListBuys {
    /// Only in this status.
    pub status: Option<BuyStatus>,
    /// Only on this platform.
    pub platform: Option<String>,
    /// Only with this purchase order number.
    pub po_number: Option<String>,
    /// At most so many; default 50, at most 200.
    pub limit: Option<u32>,
    /// From where the page before ended.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins, if there is more.
    pub next_cursor: Option<String>,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default)]
pub struct ListTasks {
    /// Only of this kind.
    pub kind: Option<TaskKind>,
    /// Only of this priority.
    pub priority: Option<Priority>,
    /// Only in this status.
    pub status: Option<TaskStatus>,
    /// Only about this buy.
    pub buy: Option<MediaBuyId>,
    /// `Some(false)`: without those past their due date.
    pub include_overdue: Option<bool>,
    /// At most so many; default 50, at most 200.
    pub limit: Option<u32>,
    /// From where the page before ended.
    pub cursor: Option<String>,
}

/// Tasks, and how many there are.
#[derive(Debug, Clone)]
pub struct TaskList {
    /// The page.
    pub page: Page<Task>,
    /// In all pages.
    pub total: u64,
    /// Open and past their due date, in all pages.
    pub overdue: u64,
    /// When the question was answered.
    pub now: Timestamp,
    /// Whether who asked belongs to the publisher.
    pub staff: bool,
}

/// A task with its history.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// The task.
    pub task: Task,
    /// Its history, oldest first.
    pub history: Vec<HistoryEntry>,
    /// When the question was answered.
    pub now: Timestamp,
    /// Whether who asked belongs to the publisher.
    pub staff: bool,
}

/// An operation with its journal.
#[derive(Debug, Clone)]
pub struct OperationView {
    /// The operation.
    pub operation: Operation,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Whether who asked belongs to the publisher.
    pub staff: bool,
}

/// A reviewer's decision.
#[derive(Debug, Clone)]
pub struct Decide {
    /// Which task.
    pub task: TaskId,
    /// What.
    pub resolution: Resolution,
    /// Why, in the reviewer's words.
    pub words: Option<String>,
    /// The version of the task that it was made on.
    pub version: Option<i64>,
}

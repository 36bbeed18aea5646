//! What the review desk shows: the queue, and a task with everything that a decision is based on.

use std::collections::HashMap;

use crate::{
    app::{App, TaskView, caller::Caller, error::AppError, lists::page_size},
    domain::{
        approval::{self, Voter},
        caution::{self, Caution},
        id::{GroupId, MediaBuyId, TaskId},
        media_buy::MediaBuy,
        operation::Change,
        status::BuyStatus,
        task::{CLOSED_LISTED_FOR, Task, TaskStatus},
        time::Timestamp,
        update::When,
    },
    operations::{now, people},
    store::{BuyFilter, TaskFilter},
};

pub mod news;
pub mod setup;
pub mod trail;

/// How many of a buyer's buys a task is compared with, the latest first.
const COMPARED: u32 = 200;

/// Which tasks the queue shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueView {
    /// Those that wait for somebody.
    Open,
    /// Those that the caller has.
    Mine,
    /// Those that were escalated.
    Escalated,
    /// Those that somebody works on, or that are being carried out.
    InProgress,
    /// Those that were approved and carried out in the last 7 days.
    Completed,
    /// Those that were rejected, expired or failed in the last 7 days.
    Failed,
}

/// A page of the queue.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The tasks, the most urgent first, then the oldest.
    pub tasks: Vec<Task>,
    /// The media buys that they are about.
    pub buys: HashMap<MediaBuyId, MediaBuy>,
    /// Why the caller may not decide on some of them.
    pub not_yours: HashMap<TaskId, NotYours>,
    /// The number of tasks on all pages.
    pub total: u64,
    /// The number of those that are late.
    pub overdue: u64,
    /// The time of the answer.
    pub now: Timestamp,
}

/// Why a person may not decide on a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotYours {
    /// They requested it.
    Own,
    /// They have approved it, and others must.
    Approved,
    /// It is for the people of these groups.
    Groups(Vec<GroupId>),
}

/// A buyer's record, from their latest 200 buys.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The other buys of the buyer.
    pub buys: Vec<MediaBuy>,
    /// Whether there are more.
    pub more: bool,
}

/// Everything that a decision is based on.
#[derive(Debug, Clone)]
pub struct Review {
    /// The task with its history.
    pub view: TaskView,
    /// The media buy as it is.
    pub buy: MediaBuy,
    /// The media buy as the change leaves it; `None` if the change can't be applied any more.
    pub desired: Option<MediaBuy>,
    /// Whether the change creates the buy.
    pub creates: bool,
    /// What to look at first.
    pub cautions: Vec<Caution>,
    /// The buyer's other buys.
    pub record: Record,
    /// How many people have approved it so far, counting only approvals that still hold.
    pub approvals: u32,
    /// Whether the caller requested the change, and so may not decide on it.
    pub is_own: bool,
    /// Why the rules do not ask the caller, if they don't.
    pub not_asked: Option<String>,
    /// Whose approvals are missing, in words.
    pub missing: Vec<String>,
}

impl App {
    /// Returns how many tasks wait for somebody.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn waiting_tasks(&self) -> Result<u64, AppError> {
        let filter = TaskFilter { now: Some(now()), limit: 1, ..TaskFilter::default() };
        Ok(self.store.tasks(&filter).await?.total)
    }

    /// Returns a page of the queue, with the media buys that its tasks are about.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, or when the store can't be read.
    pub async fn queue(&self, caller: &Caller, view: QueueView, offset: u32) -> Result<Queue, AppError> {
        caller.reviewer()?;
        let at = now();
        let listed_since = at.plus_millis(-i64::try_from(CLOSED_LISTED_FOR.as_millis()).unwrap_or(i64::MAX));
        let (status, closed_since) = match view {
            QueueView::Open | QueueView::Mine => (None, None),
            QueueView::Escalated => (Some(TaskStatus::Escalated), None),
            QueueView::InProgress => (Some(TaskStatus::InProgress), None),
            QueueView::Completed => (Some(TaskStatus::Completed), Some(listed_since)),
            QueueView::Failed => (Some(TaskStatus::Failed), Some(listed_since)),
        };
        let filter = TaskFilter {
            status,
            closed_since,
            assigned_to: (view == QueueView::Mine).then(|| caller.name.clone()),
            now: Some(at),
            offset,
            limit: page_size(None)?,
            ..TaskFilter::default()
        };
        let found = self.store.tasks(&filter).await?;
        let ids: Vec<MediaBuyId> = found.tasks.iter().map(|task| task.buy.clone()).collect();
        let buys = self.store.buys_named(&ids).await?;
        let not_yours = found.tasks.iter().filter_map(|task| Some((task.id.clone(), self.not_yours(caller, task)?)));
        Ok(Queue {
            not_yours: not_yours.collect(),
            buys: buys.into_iter().map(|buy| (buy.id.clone(), buy)).collect(),
            tasks: found.tasks,
            total: found.total,
            overdue: found.overdue,
            now: at,
        })
    }

    /// Returns why a caller may not decide on an open task, as far as the task and the groups say it.
    fn not_yours(&self, caller: &Caller, task: &Task) -> Option<NotYours> {
        if !task.status.is_open() || task.decision.is_some() {
            return None;
        }
        if task.requester() == caller.person {
            return Some(NotYours::Own);
        }
        if task.approvals.iter().any(|approval| approval.person() == caller.person) {
            return Some(NotYours::Approved);
        }
        let voter = Voter::new(caller.person.clone());
        let asked = approval::may_decide(&task.demanded(), &self.config.groups, &voter);
        asked.is_err().then(|| NotYours::Groups(task.candidate_groups()))
    }

    /// Returns a task with everything that a decision is based on.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, or when the store can't be read.
    pub async fn review(&self, caller: &Caller, id: &TaskId) -> Result<Review, AppError> {
        caller.reviewer()?;
        let view = self.get_task(caller, id).await?;
        let at = now();
        let buy = self.visible_buy(caller, &view.task.buy).await?.value;
        let operation = self.get_operation(caller, &view.task.operation).await?.operation;
        let creates = matches!(operation.change, Change::Create);
        let desired = if view.task.status.is_open() {
            operation.change.apply(&buy, When { asked: operation.created_at, now: at }).ok()
        } else {
            None
        };
        let filter = BuyFilter { principal: Some(buy.principal.clone()), limit: COMPARED + 1, ..BuyFilter::default() };
        let mut buys = self.store.buys(&filter).await?;
        let more = buys.len() > COMPARED as usize;
        buys.truncate(COMPARED as usize);
        buys.retain(|other| other.id != buy.id);
        let cautions = match &desired {
            Some(desired) => caution::of(desired, &buys, at),
            None => Vec::new(),
        };
        let counted = people::counted(&self.config, &self.store, &view.task, at).await?;
        let (demands, groups) = (view.task.demanded(), &self.config.groups);
        let missing = approval::unmet(&demands, groups, &counted.voters).iter().map(ToString::to_string).collect();
        let voter = Voter::new(caller.person.clone());
        let not_asked = approval::may_decide(&demands, groups, &voter).err().map(|refused| refused.to_string());
        let approvals = counted.people();
        let is_own = people::asked_for(&self.config, &self.store, &view.task, &caller.person, at).await?;
        Ok(Review {
            view,
            buy,
            desired,
            creates,
            cautions,
            record: Record { buys, more },
            approvals,
            is_own,
            not_asked,
            missing,
        })
    }

    /// Returns the tasks about a media buy, and the buy itself.
    ///
    /// # Errors
    /// `NOT_FOUND`, or when the store can't be read.
    pub async fn buy_with_tasks(&self, caller: &Caller, id: &MediaBuyId) -> Result<(MediaBuy, Vec<Task>), AppError> {
        let buy = self.visible_buy(caller, id).await?.value;
        let filter = TaskFilter {
            buy: Some(id.clone()),
            closed_since: Some(Timestamp::from_micros(0)),
            now: Some(now()),
            limit: page_size(None)?,
            ..TaskFilter::default()
        };
        Ok((buy, self.store.tasks(&filter).await?.tasks))
    }
}

impl Record {
    /// The buys that were not rejected and did not fail.
    pub fn good(&self) -> impl Iterator<Item = &MediaBuy> {
        self.buys.iter().filter(|buy| buy.status != BuyStatus::Failed)
    }
}

//! The queue: what waits for a person, how late it is, and how much money it is about.

use askama::Template;
use axum::{extract::Query, response::Response};
use serde::Deserialize;

use super::{
    frame::{Frame, Halt, rendered},
    visitor::Visitor,
    words::{self, Tag},
};
use crate::{
    app::desk::{NotYours, Queue, QueueView},
    app::lists::DEFAULT_LIMIT,
    domain::task::{ReasonCode, Task, TaskKind},
};

/// The views, with their names in the address and for people.
const VIEWS: [(QueueView, &str, &str); 6] = [
    (QueueView::Open, "open", "Waiting"),
    (QueueView::Mine, "mine", "Mine"),
    (QueueView::Escalated, "escalated", "Escalated"),
    (QueueView::InProgress, "in_progress", "In progress"),
    (QueueView::Completed, "completed", "Done"),
    (QueueView::Failed, "failed", "Not done"),
];

#[derive(Template)]
#[template(path = "desk/queue.html")]
struct QueuePage {
    frame: Frame,
    heading: String,
    lead: String,
    views: Vec<View>,
    rows: Vec<Row>,
    /// Whether any row can be decided here.
    selectable: bool,
    codes: Vec<(&'static str, String)>,
    empty: &'static str,
    last: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// A link to one view of a list.
pub(super) struct View {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) here: bool,
}

/// A row of a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) buyer: String,
    pub(super) places: String,
    pub(super) tags: Vec<Tag>,
    pub(super) money: String,
    pub(super) age: String,
    /// The version of a task that the visitor can decide here.
    pub(super) version: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    view: String,
    #[serde(default)]
    skip: u32,
}

/// `GET /admin/queue`.
pub(super) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Halt> {
    let (view, name, _) = VIEWS.into_iter().find(|(_, name, _)| *name == asked.view).unwrap_or(VIEWS[0]);
    let queue = visitor.app.queue(&visitor.caller, view, asked.skip).await?;
    let (heading, lead) = sentence(view, &queue);
    let last = match queue.tasks.is_empty() && view == QueueView::Open {
        true => last_decision(&visitor).await?,
        false => None,
    };
    let link = |skip: u32| format!("/admin/queue?view={name}&skip={skip}");
    let end = asked.skip.saturating_add(DEFAULT_LIMIT);
    let rows = rows(&visitor, &queue);
    let page = QueuePage {
        frame: Frame::of(&visitor, "queue").await?,
        heading,
        lead,
        views: VIEWS.into_iter().map(|(of, name, label)| View { name, label, here: of == view }).collect(),
        selectable: rows.iter().any(|row| row.version.is_some()),
        codes: ReasonCode::ALL.iter().map(|code| (code.as_str(), words::sentence(code.as_str()))).collect(),
        rows,
        empty: match view {
            QueueView::Open => "Nothing waits.",
            QueueView::Mine => "You have nothing.",
            QueueView::Escalated => "Nothing is escalated.",
            QueueView::InProgress => "Nobody works on anything.",
            QueueView::Completed => "Nothing was carried out in the last 7 days.",
            QueueView::Failed => "Nothing was rejected in the last 7 days.",
        },
        last,
        before: (asked.skip > 0).then(|| link(asked.skip.saturating_sub(DEFAULT_LIMIT))),
        after: (u64::from(end) < queue.total).then(|| link(end)),
    };
    Ok(rendered(&page))
}

fn sentence(view: QueueView, queue: &Queue) -> (String, String) {
    let total = queue.total;
    let late = match queue.overdue {
        0 => "None is late.".to_owned(),
        late => format!("{} late.", words::count(late, "is", "are")),
    };
    match view {
        QueueView::Open if total == 0 => ("Nothing waits".to_owned(), String::new()),
        QueueView::Open => (format!("{} for you", words::count(total, "task waits", "tasks wait")), late),
        QueueView::Mine => (format!("You have {}", words::count(total, "task", "tasks")), late),
        QueueView::Escalated => (format!("{} escalated", words::count(total, "task is", "tasks are")), late),
        QueueView::InProgress => (format!("{} in progress", words::count(total, "task is", "tasks are")), late),
        QueueView::Completed => {
            (format!("{} carried out", words::count(total, "task was", "tasks were")), "In the last 7 days.".to_owned())
        }
        QueueView::Failed => {
            let heading = format!("{} not carried out", words::count(total, "task was", "tasks were"));
            (heading, "Rejected, expired or failed in the last 7 days.".to_owned())
        }
    }
}

fn rows(visitor: &Visitor, queue: &Queue) -> Vec<Row> {
    let row = |task: &Task| {
        let buy = queue.buys.get(&task.buy);
        Row {
            id: task.id.to_string(),
            title: words::title(task, buy.and_then(|buy| buy.po_number.as_deref())),
            buyer: visitor.buyer(&task.principal),
            places: buy.map(words::places).unwrap_or_default(),
            tags: words::tags(task, queue.now)
                .into_iter()
                .chain(queue.not_yours.get(&task.id).map(not_yours))
                .collect(),
            money: buy.map(|buy| words::money(buy.total_budget, &buy.currency)).unwrap_or_default(),
            age: words::length(task.created_at.until(queue.now)),
            version: is_selectable(task, queue).then_some(task.version),
        }
    };
    queue.tasks.iter().map(row).collect()
}

/// Whether a task can be decided together with others: an approval that the visitor may give. What an
/// ad server lacks, or what nobody could establish, is looked at one by one.
fn is_selectable(task: &Task, queue: &Queue) -> bool {
    let is_approval = matches!(task.kind, TaskKind::ManualApproval | TaskKind::CreativeApproval);
    is_approval && task.status.is_open() && task.decision.is_none() && !queue.not_yours.contains_key(&task.id)
}

/// Says why the person who looks may not decide.
fn not_yours(why: &NotYours) -> Tag {
    match why {
        NotYours::Own => Tag::new("", "you asked for it"),
        NotYours::Approved => Tag::new("", "you approved it"),
        NotYours::Groups(groups) => {
            let names: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
            Tag::new("", format!("for {} only", names.join(" or ")))
        }
    }
}

/// Describes the last decision of the last 7 days.
async fn last_decision(visitor: &Visitor) -> Result<Option<String>, Halt> {
    let mut decided = Vec::new();
    for view in [QueueView::Completed, QueueView::Failed] {
        decided.extend(visitor.app.queue(&visitor.caller, view, 0).await?.tasks);
    }
    let last = decided.into_iter().filter(|task| task.resolved_by.is_some()).max_by_key(|task| task.resolved_at);
    Ok(last.and_then(|task| {
        let by = words::visible(task.resolved_by.as_deref()?);
        Some(format!("by {by}, {}", words::moment(task.resolved_at?)))
    }))
}

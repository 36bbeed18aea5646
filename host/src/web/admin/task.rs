//! A task: what will be made if a person says yes, and what is odd about it.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use serde::Deserialize;

use super::{
    cards::{self, Card},
    frame::{Frame, Halt, rendered},
    plan::{self, Part},
    visitor::Visitor,
    words::{self, Tag},
};
use crate::{
    app::desk::Review,
    domain::{
        caution::Caution,
        id::TaskId,
        inquiry::Inquiry,
        media_buy::MediaBuy,
        task::{ReasonCode, TaskKind, TaskStatus},
    },
};

#[derive(Template)]
#[template(path = "desk/task.html")]
struct TaskPage {
    frame: Frame,
    id: String,
    title: String,
    tags: Vec<Tag>,
    lead: String,
    notice: Option<Tag>,
    changed: Option<String>,
    warnings: Vec<String>,
    cards: Vec<Card>,
    plan: Vec<Part>,
    open: bool,
    why_not: Option<String>,
    can_take: bool,
    /// Who else has it.
    holder: Option<String>,
    questions: Vec<Question>,
    can_ask: bool,
    codes: Vec<(&'static str, String)>,
    can_finish: bool,
    approve: &'static str,
    version: i64,
    votes: String,
    missing: Option<String>,
    rules: Vec<Rule>,
    reason: String,
    due: String,
    buyer: String,
    record: String,
    buy: String,
    operation: String,
    history: Vec<HistoryLine>,
    request: String,
}

/// A question to the buyer.
struct Question {
    at: String,
    shown: String,
    by: String,
    words: String,
    answer: Option<String>,
}

/// A rule that applied.
struct Rule {
    name: String,
    because: String,
    asks: String,
}

struct HistoryLine {
    /// RFC 3339.
    at: String,
    shown: String,
    by: String,
    action: String,
    words: Option<String>,
}

/// What was done on the page before, for the notice.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

/// `GET /admin/tasks/{id}`.
pub(super) async fn page(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(Asked { done }): Query<Asked>,
) -> Result<Response, Halt> {
    let notice = match &*done {
        "approved" => Some(Tag::new("good", "You approved it. It is carried out as soon as all approvals are there.")),
        "rejected" => Some(Tag::new("good", "You rejected it. The buyer reads your reason; nothing was made.")),
        "completed" => Some(Tag::new("good", "It is recorded as done by hand.")),
        "taken" => Some(Tag::new("good", "It is yours. Nothing was decided yet.")),
        "escalated" => Some(Tag::new("good", "It is escalated.")),
        "asked" => Some(Tag::new("good", "The buyer is asked. The due date stands still until the answer.")),
        "assigned" => Some(Tag::new("good", "It is assigned.")),
        _ => None,
    };
    show(&visitor, &TaskId::from(id), notice).await
}

pub(super) async fn show(visitor: &Visitor, id: &TaskId, notice: Option<Tag>) -> Result<Response, Halt> {
    let review = visitor.app.review(&visitor.caller, id).await?;
    let frame = Frame::of(visitor, "queue").await?;
    Ok(rendered(&TaskPage::of(visitor, frame, &review, notice)))
}

impl TaskPage {
    fn of(visitor: &Visitor, frame: Frame, review: &Review, notice: Option<Tag>) -> Self {
        let Review { view, buy, desired, creates, .. } = review;
        let task = &view.task;
        let after = desired.as_ref().unwrap_or(buy);
        let undecided = task.status.is_open() && task.decision.is_none();
        let buyer = visitor.buyer(&buy.principal);
        Self {
            frame,
            id: task.id.to_string(),
            title: words::title(task, buy.po_number.as_deref()),
            tags: words::tags(task, view.now),
            lead: lead(&buyer, after, *creates, undecided),
            notice,
            changed: task.changed.as_deref().map(words::visible),
            warnings: match undecided {
                true => review.cautions.iter().map(|caution| warning(caution, after)).collect(),
                false => Vec::new(),
            },
            cards: match (desired, creates) {
                (Some(desired), false) => cards::changes(buy, desired),
                _ => cards::whole(after),
            },
            plan: task.plan.platforms.iter().map(plan::part).collect(),
            open: undecided,
            why_not: match (review.is_own, &review.not_asked) {
                (true, _) => Some("You asked for this yourself, so another person must decide.".to_owned()),
                (false, Some(why)) => Some(format!("You can't decide here: {why}.")),
                (false, None) => None,
            },
            can_take: matches!(task.status, TaskStatus::Pending | TaskStatus::Assigned | TaskStatus::Escalated),
            holder: task
                .assigned_to
                .as_deref()
                .filter(|holder| *holder != visitor.caller.name && task.status != TaskStatus::Pending)
                .map(words::visible),
            questions: task.inquiries.iter().map(question).collect(),
            can_ask: task.open_inquiry().is_none(),
            codes: ReasonCode::ALL.iter().map(|code| (code.as_str(), words::sentence(code.as_str()))).collect(),
            can_finish: matches!(task.kind, TaskKind::PermissionException | TaskKind::Reconciliation),
            approve: match task.kind {
                TaskKind::PermissionException => "The permission is there: go on",
                TaskKind::Reconciliation => "It did not happen: go on",
                TaskKind::ManualApproval | TaskKind::CreativeApproval => "Approve",
            },
            version: task.version,
            votes: format!("{} of {} approvals", review.approvals, task.approvals_needed),
            missing: (undecided && !review.missing.is_empty()).then(|| review.missing.join(" and ")),
            rules: task
                .demands
                .iter()
                .map(|demand| Rule {
                    name: words::visible(&demand.rule),
                    because: words::visible(&demand.because),
                    asks: if demand.reviewers == 0 { "asks nobody".to_owned() } else { format!("asks for {demand}") },
                })
                .collect(),
            reason: words::visible(task.reason.staff()),
            due: due(review),
            buyer,
            record: record(review),
            buy: buy.id.to_string(),
            operation: task.operation.to_string(),
            history: view
                .history
                .iter()
                .map(|entry| HistoryLine {
                    at: entry.at.to_string(),
                    shown: words::moment(entry.at),
                    by: words::visible(&entry.by),
                    action: entry.action.replace('_', " "),
                    words: entry.words.as_deref().map(words::visible),
                })
                .collect(),
            request: words::visible(&serde_json::to_string_pretty(&task.request).unwrap_or_default()),
        }
    }
}

fn question(inquiry: &Inquiry) -> Question {
    Question {
        at: inquiry.at.to_string(),
        shown: words::moment(inquiry.at),
        by: words::visible(&inquiry.by),
        words: words::visible(&inquiry.words),
        answer: inquiry.answer.as_ref().map(|answer| words::visible(&answer.words)),
    }
}

fn lead(buyer: &str, buy: &MediaBuy, creates: bool, undecided: bool) -> String {
    let what = format!(
        "{buyer}, {} for {}, {}.",
        words::money(buy.total_budget, &buy.currency),
        words::places(buy),
        words::flight(buy.start, buy.end)
    );
    match (undecided, creates) {
        (false, _) => what,
        (true, true) => format!("{what} If you approve, exactly this is made."),
        (true, false) => format!("{what} If you approve, exactly this is changed."),
    }
}

fn warning(caution: &Caution, buy: &MediaBuy) -> String {
    let name = |id| buy.package(id).map_or_else(String::new, |package| words::visible(&package.name));
    match caution {
        Caution::FirstBuy => "This is the buyer's first buy.".to_owned(),
        Caution::LargestBudget { times, before } => {
            format!("{times} times the largest buy of this buyer so far ({}).", words::money(*before, &buy.currency))
        }
        Caution::NearFloor { package, floor } => {
            format!("{} sells at or near its floor price of {}.", name(package), words::price(*floor, &buy.currency))
        }
        Caution::StartsSoon { start } => format!("The flight starts {}.", words::moment(*start)),
        Caution::Ended => "The flight is over already.".to_owned(),
        Caution::Overlaps { buy: other, package } => {
            format!("{} runs at the same time in {other} of the same buyer.", name(package))
        }
    }
}

fn due(review: &Review) -> String {
    let task = &review.view.task;
    if !task.status.is_open() {
        return task.resolved_at.map(|at| format!("Closed {}.", words::moment(at))).unwrap_or_default();
    }
    match task.open_inquiry() {
        Some(inquiry) => {
            let since = words::moment(inquiry.at);
            format!(
                "The buyer was asked {since}: the due date stands still. It fails by itself {}.",
                words::moment(task.expires_at)
            )
        }
        None => format!("Due {}. It fails by itself {}.", words::moment(task.due_by), words::moment(task.expires_at)),
    }
}

fn record(review: &Review) -> String {
    let record = &review.record;
    let (good, all) = (record.good().count(), record.buys.len());
    if all == 0 {
        return "no other buys".to_owned();
    }
    let same: Vec<&MediaBuy> = record.good().filter(|other| other.currency == review.buy.currency).collect();
    let spent = crate::domain::money::Micros::sum(same.iter().map(|other| other.total_budget));
    let more = if record.more { "at least " } else { "" };
    let money = spent.map(|sum| format!(", {}", words::money(sum, &review.buy.currency))).unwrap_or_default();
    let failed = match all - good {
        0 => String::new(),
        failed => format!(" · {} rejected or failed", words::number(i64::try_from(failed).unwrap_or(i64::MAX))),
    };
    format!("{more}{}{money}{failed}", words::count(good as u64, "other buy", "other buys"))
}

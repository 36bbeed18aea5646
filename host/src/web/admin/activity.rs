//! The activity feed: what happened to media buys, tasks and adapters, the newest first.

use askama::Template;
use axum::{extract::Query, response::Response};
use serde::Deserialize;

use super::{
    frame::{Frame, Halt, rendered},
    visitor::Visitor,
    words::{self, Tag},
};
use crate::domain::{
    event::{Event, EventData},
    task::TaskStatus,
};

#[derive(Template)]
#[template(path = "desk/activity.html")]
struct ActivityPage {
    frame: Frame,
    lines: Vec<Line>,
    older: Option<String>,
}

struct Line {
    at: String,
    shown: String,
    tag: Tag,
    what: String,
    buyer: Option<String>,
    /// Where to look, and the words of the link.
    link: Option<(String, String)>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    before: Option<i64>,
}

/// `GET /admin/activity`.
pub(super) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Halt> {
    let feed = visitor.app.activity(&visitor.caller, asked.before).await?;
    let page = ActivityPage {
        frame: Frame::of(&visitor, "activity").await?,
        lines: feed.events.iter().map(|event| line(&visitor, event)).collect(),
        older: feed.older.map(|before| format!("/admin/activity?before={before}")),
    };
    Ok(rendered(&page))
}

fn line(visitor: &Visitor, event: &Event) -> Line {
    let buy =
        (!event.buy.as_str().is_empty()).then(|| (format!("/admin/media-buys/{}", event.buy), event.buy.to_string()));
    let link = match &event.data {
        EventData::Task { task, .. } | EventData::Inquiry { task, .. } => {
            Some((format!("/admin/tasks/{task}"), task.to_string()))
        }
        EventData::OperationEnd { operation, .. } | EventData::Duplicates { operation, .. } => {
            Some((format!("/admin/operations/{operation}"), operation.to_string()))
        }
        EventData::Release { .. } => Some(("/admin/adapters".to_owned(), "Adapters".to_owned())),
        EventData::Test { webhook, .. } => Some((format!("/admin/webhooks/{webhook}"), webhook.to_string())),
        EventData::BuyStatus { .. } | EventData::Creative { .. } | EventData::Earlier(_) => buy,
    };
    let has_buyer = !event.principal.as_str().is_empty();
    Line {
        at: event.at.to_string(),
        shown: words::moment(event.at),
        tag: Tag::new(tone(event), event.kind.as_str()),
        what: words::sentence(&what(&event.data)),
        buyer: has_buyer.then(|| visitor.buyer(&event.principal)),
        link,
    }
}

fn tone(event: &Event) -> &'static str {
    let kind = event.kind.as_str();
    match () {
        () if kind.ends_with(".failed") || kind.ends_with("unhealthy") || kind.ends_with("duplicate_found") => "bad",
        () if kind.ends_with("escalated") || kind.ends_with("rolled_back") => "warn",
        () if kind.ends_with("completed") || kind.ends_with("succeeded") => "good",
        () if kind.ends_with("created") => "new",
        () => "",
    }
}

/// What happened, in words.
fn what(data: &EventData) -> String {
    let said = |words: &Option<String>| words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
    let plain = |name: &str| name.replace('_', " ");
    match data {
        EventData::BuyStatus { status, before, detail } => {
            let from = before.map(|before| format!("from {} ", plain(before.as_str()))).unwrap_or_default();
            format!("{from}to {}: {detail}", plain(status.as_str()))
        }
        EventData::OperationEnd { kind, reason, .. } => format!("{}{}", plain(kind.as_str()), said(reason)),
        EventData::Duplicates { platform, objects, .. } => {
            let ids: Vec<&str> = objects.iter().map(|object| object.id.as_str()).collect();
            format!("a second object on {platform}: {}", ids.join(", "))
        }
        EventData::Creative { creative, status, feedback } => {
            format!("creative {creative} is {}{}", status.as_str(), said(feedback))
        }
        EventData::Task { kind, status, words, assigned_to, escalated_to, .. } => {
            let whom = match status {
                TaskStatus::Assigned => assigned_to.as_ref(),
                TaskStatus::Escalated => escalated_to.as_ref(),
                _ => None,
            };
            let whom = whom.map(|whom| format!(" to {whom}")).unwrap_or_default();
            format!("{} is {}{whom}{}", plain(kind.as_str()), plain(status.as_str()), said(words))
        }
        EventData::Inquiry { question, answer, .. } => match answer {
            Some(answer) => format!("“{question}” “{answer}”"),
            None => format!("“{question}”"),
        },
        EventData::Release { platform, release, by, reason, .. } => {
            let release: String = release.chars().take(12).collect();
            format!("{platform}: release {release}, by {by}{}", said(reason))
        }
        EventData::Test { by, .. } => format!("asked for by {by}"),
        EventData::Earlier(_) => "of an earlier version".to_owned(),
    }
}

//! Endpoints of webhooks and their deliveries, with tests and replays.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;

use super::{
    frame::{Frame, Halt, rendered},
    queue::View,
    visitor::{Posted, Visitor},
    words::{self, Tag},
};
use crate::{
    app::error::{AppError, ErrorCode},
    domain::{
        id::{EventId, WebhookId},
        webhook::{Delivery, DeliveryStatus, Endpoint},
    },
    operations::now,
    store::webhooks::Replay,
};

#[derive(Template)]
#[template(path = "desk/webhooks.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

struct Line {
    id: String,
    url: String,
    owner: String,
    description: String,
    events: String,
    state: Tag,
}

#[derive(Template)]
#[template(path = "desk/webhook.html")]
struct EndpointPage {
    frame: Frame,
    notice: Option<Tag>,
    line: Line,
    reason: Option<String>,
    enabled: bool,
    dead: u64,
    views: Vec<View>,
    deliveries: Vec<DeliveryLine>,
    older: Option<String>,
}

struct DeliveryLine {
    event: String,
    kind: &'static str,
    buy: String,
    state: Tag,
    attempts: u32,
    at: String,
    shown: String,
    answer: String,
    can_replay: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    done: String,
    status: String,
    before: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Again {
    /// The event to send again; empty: all dead letters.
    #[serde(default)]
    event: String,
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `GET /admin/webhooks`.
pub(super) async fn list(visitor: Visitor) -> Result<Response, Halt> {
    let endpoints = visitor.app.list_webhooks(&visitor.caller).await?;
    let lines = endpoints.iter().map(|endpoint| line(&visitor, endpoint)).collect();
    Ok(rendered(&ListPage { frame: Frame::of(&visitor, "webhooks").await?, lines }))
}

fn line(visitor: &Visitor, endpoint: &Endpoint) -> Line {
    let dead = match endpoint.dead {
        0 => String::new(),
        dead => format!(", {}", words::count(dead, "dead letter", "dead letters")),
    };
    let state = match (&endpoint.disabled, endpoint.failing_since) {
        (Some(_), _) => Tag::new("bad", format!("disabled{dead}")),
        (None, Some(since)) => Tag::new("warn", format!("failing for {}{dead}", words::length(since.until(now())))),
        (None, None) if endpoint.dead > 0 => Tag::new("warn", dead.trim_start_matches(", ")),
        (None, None) => Tag::new("good", "delivers"),
    };
    let events: Vec<&str> = endpoint.events.iter().map(|event| event.as_str()).collect();
    Line {
        id: endpoint.id.to_string(),
        url: words::visible(&endpoint.url),
        owner: endpoint.owner.as_ref().map_or_else(|| "the publisher".to_owned(), |owner| visitor.buyer(owner)),
        description: endpoint.description.as_deref().map(words::visible).unwrap_or_default(),
        events: events.join(", "),
        state,
    }
}

/// `GET /admin/webhooks/{id}`.
pub(super) async fn page(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Halt> {
    let notice = match &*asked.done {
        "tested" => Some(Tag::new("good", "A test event is on its way. This page shows how it fares.")),
        "replayed" => Some(Tag::new("good", "They are sent again, the oldest first.")),
        _ => None,
    };
    show(&visitor, &WebhookId::from(id), &asked, notice).await
}

async fn show(visitor: &Visitor, id: &WebhookId, asked: &Asked, notice: Option<Tag>) -> Result<Response, Halt> {
    let endpoint = visitor.app.get_webhook(&visitor.caller, id).await?;
    let status = DeliveryStatus::parse(&asked.status);
    let deliveries =
        visitor.app.list_webhook_deliveries(&visitor.caller, id, status, None, asked.before.as_deref()).await?;
    let here = status.map_or("", DeliveryStatus::as_str);
    let views = [("", "All"), ("pending", "Pending"), ("delivered", "Delivered"), ("dead", "Dead letters")];
    let enabled = endpoint.disabled.is_none();
    let page = EndpointPage {
        frame: Frame::of(visitor, "webhooks").await?,
        notice,
        line: line(visitor, &endpoint),
        reason: endpoint.disabled.as_ref().map(|disabled| {
            let (by, why) = (words::visible(&disabled.by), words::visible(&disabled.reason));
            format!("Disabled by {by} {}: {why}", words::moment(disabled.at))
        }),
        enabled,
        dead: endpoint.dead,
        views: views.map(|(name, label)| View { name, label, here: name == here }).into(),
        deliveries: deliveries.items.iter().map(|delivery| delivery_line(delivery, enabled)).collect(),
        older: deliveries.next_cursor.map(|before| format!("/admin/webhooks/{id}?status={here}&before={before}")),
    };
    Ok(rendered(&page))
}

fn delivery_line(delivery: &Delivery, enabled: bool) -> DeliveryLine {
    let state = match delivery.status {
        DeliveryStatus::Delivered => Tag::new("good", "delivered"),
        DeliveryStatus::Pending if delivery.attempts > 0 => {
            Tag::new("warn", format!("again {}", words::moment(delivery.due_at)))
        }
        DeliveryStatus::Pending => Tag::new("new", "pending"),
        DeliveryStatus::Dead => Tag::new("bad", "dead letter"),
    };
    let at = delivery.tried_at.unwrap_or(delivery.since);
    let code = delivery.answered.map(|code| format!("answered {code}"));
    let said: Vec<String> = code.into_iter().chain(delivery.error.as_deref().map(words::visible)).collect();
    DeliveryLine {
        event: delivery.event.to_string(),
        kind: delivery.kind.as_str(),
        buy: delivery.buy.to_string(),
        state,
        attempts: delivery.attempts,
        at: at.to_string(),
        shown: words::moment(at),
        answer: said.join(": "),
        can_replay: enabled && delivery.status != DeliveryStatus::Pending,
    }
}

/// `POST /admin/webhooks/{id}/test`.
pub(super) async fn test(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Halt> {
    let (visitor, id) = (posted.visitor, WebhookId::from(id));
    let tested = visitor.app.test_webhook(&visitor.caller, &id).await.map(drop);
    done(&visitor, &id, tested, "tested").await
}

/// `POST /admin/webhooks/{id}/replay`.
pub(super) async fn replay(Path(id): Path<String>, posted: Posted<Again>) -> Result<Response, Halt> {
    let (visitor, id) = (posted.visitor, WebhookId::from(id));
    let what = match posted.form.event {
        event if event.is_empty() => Replay::DeadLetters,
        event => Replay::One(EventId::from(event)),
    };
    let replayed = visitor.app.replay_webhook(&visitor.caller, &id, what).await.map(drop);
    done(&visitor, &id, replayed, "replayed").await
}

async fn done(visitor: &Visitor, id: &WebhookId, result: Result<(), AppError>, done: &str) -> Result<Response, Halt> {
    match result {
        Ok(()) => Ok(Redirect::to(&format!("/admin/webhooks/{id}?done={done}")).into_response()),
        Err(error) if matches!(error.code, ErrorCode::NotFound | ErrorCode::PermissionDenied) => Err(error.into()),
        Err(error) => {
            let notice = Tag::new("bad", format!("Nothing was sent: {}", words::visible(&error.message)));
            let page = show(visitor, id, &Asked::default(), Some(notice)).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
    }
}

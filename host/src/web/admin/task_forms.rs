//! The forms of a task's page: take, take over, assign, ask, escalate, comment, decide.

use axum::{
    extract::Path,
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;

use super::{
    frame::Halt,
    task::show,
    visitor::{Posted, Visitor},
    words::Tag,
};
use crate::{
    app::{
        Decide,
        error::{AppError, ErrorCode},
    },
    domain::{
        id::TaskId,
        task::{ReasonCode, Resolution},
    },
};

#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
pub(super) struct Decision {
    resolution: String,
    version: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
pub(super) struct Reasoned {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub(super) struct Escalation {
    #[serde(default)]
    to: String,
    #[serde(default)]
    reason: String,
}

/// `POST /admin/tasks/{id}/start`.
pub(super) async fn start(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Halt> {
    let (visitor, id) = (posted.visitor, TaskId::from(id));
    let started = visitor.app.start_task(&visitor.caller, &id).await.map(drop);
    answer(&visitor, &id, started, "taken").await
}

/// `POST /admin/tasks/{id}/take-over`.
pub(super) async fn take_over(Path(id): Path<String>, posted: Posted<Reasoned>) -> Result<Response, Halt> {
    let (visitor, id) = (posted.visitor, TaskId::from(id));
    let Some(reason) = readable("reason", &posted.form.reason)? else {
        return refused(&visitor, &id, "Say why you take it over. Nothing was changed.").await;
    };
    let taken = visitor.app.take_over_task(&visitor.caller, &id, &reason).await.map(drop);
    answer(&visitor, &id, taken, "taken").await
}

/// `POST /admin/tasks/{id}/assign`.
pub(super) async fn assign(Path(id): Path<String>, posted: Posted<Escalation>) -> Result<Response, Halt> {
    let (visitor, id, form) = (posted.visitor, TaskId::from(id), posted.form);
    let Some(to) = readable("to", &form.to)? else {
        return refused(&visitor, &id, "Say who gets it. Nothing was changed.").await;
    };
    let reason = readable("reason", &form.reason)?;
    let assigned = visitor.app.assign_task(&visitor.caller, &id, &to, reason.as_deref()).await.map(drop);
    answer(&visitor, &id, assigned, "assigned").await
}

/// `POST /admin/tasks/{id}/ask`.
pub(super) async fn ask(Path(id): Path<String>, posted: Posted<Reasoned>) -> Result<Response, Halt> {
    let (visitor, id) = (posted.visitor, TaskId::from(id));
    let Some(question) = readable("question", &posted.form.reason)? else {
        return refused(&visitor, &id, "The question is empty. Nothing was changed.").await;
    };
    let asked = visitor.app.ask_buyer(&visitor.caller, &id, &question).await.map(drop);
    answer(&visitor, &id, asked, "asked").await
}

/// `POST /admin/tasks/{id}/escalate`.
pub(super) async fn escalate(Path(id): Path<String>, posted: Posted<Escalation>) -> Result<Response, Halt> {
    let (visitor, id, form) = (posted.visitor, TaskId::from(id), posted.form);
    let to = readable("to", &form.to)?;
    let Some(reason) = readable("reason", &form.reason)? else {
        return refused(&visitor, &id, "Say why it is escalated. Nothing was changed.").await;
    };
    let escalated = visitor.app.escalate_task(&visitor.caller, &id, to.as_deref(), &reason).await.map(drop);
    answer(&visitor, &id, escalated, "escalated").await
}

/// `POST /admin/tasks/{id}/comment`.
pub(super) async fn comment(Path(id): Path<String>, posted: Posted<Comment>) -> Result<Response, Halt> {
    let (visitor, id) = (posted.visitor, TaskId::from(id));
    let Some(words) = readable("comment", &posted.form.comment)? else {
        return refused(&visitor, &id, "The comment is empty. Nothing was changed.").await;
    };
    let commented = visitor.app.comment_task(&visitor.caller, &id, &words).await.map(drop);
    answer(&visitor, &id, commented, "commented").await
}

/// `POST /admin/tasks/{id}/decide`.
pub(super) async fn decide(Path(id): Path<String>, posted: Posted<Decision>) -> Result<Response, Halt> {
    let (visitor, id, form) = (posted.visitor, TaskId::from(id), posted.form);
    let (Some(resolution), Ok(version)) = (Resolution::parse(&form.resolution), form.version.parse()) else {
        return refused(&visitor, &id, "The decision could not be read. Nothing was changed.").await;
    };
    let words = readable("detail", &form.detail)?;
    if words.is_none() && resolution != Resolution::Approved {
        return refused(&visitor, &id, "Give a reason in words. Nothing was changed.").await;
    }
    let reason_code = ReasonCode::parse(&form.code);
    let decide = Decide { task: id.clone(), resolution, words, reason_code, version: Some(version) };
    let decided = visitor.app.complete_task(&visitor.caller, decide).await.map(drop);
    answer(&visitor, &id, decided, resolution.as_str()).await
}

/// Checks a text that a person typed. A text of spaces is none.
pub(super) fn readable(field: &str, text: &str) -> Result<Option<String>, AppError> {
    use crate::domain::text::{Lines, readable};

    let text = text.replace("\r\n", "\n").trim().to_owned();
    if text.is_empty() {
        return Ok(None);
    }
    match readable(&text, Lines::Many) {
        Ok(()) => Ok(Some(text)),
        Err(why) => Err(AppError::new(ErrorCode::InvalidParameter, format!("{field} {why}; write it without"))),
    }
}

/// Leads back to the task after a form, so that loading the page again sends nothing again.
async fn answer(visitor: &Visitor, id: &TaskId, result: Result<(), AppError>, done: &str) -> Result<Response, Halt> {
    match result {
        Ok(()) => Ok(Redirect::to(&format!("/admin/tasks/{id}?done={done}")).into_response()),
        // Somebody else was faster: the page shows how the task is now, and what was refused.
        Err(error) if matches!(error.code, ErrorCode::Conflict | ErrorCode::InvalidState) => {
            let words = format!("Nothing was changed: {}. Below is the task as it is now.", error.message);
            refused_with(visitor, id, words, StatusCode::CONFLICT).await
        }
        Err(error) if error.code == ErrorCode::PermissionDenied => {
            refused_with(visitor, id, format!("Nothing was changed: {}.", error.message), StatusCode::FORBIDDEN).await
        }
        Err(error) => Err(error.told_to(&visitor.caller).into()),
    }
}

async fn refused(visitor: &Visitor, id: &TaskId, words: &str) -> Result<Response, Halt> {
    refused_with(visitor, id, words.to_owned(), StatusCode::BAD_REQUEST).await
}

async fn refused_with(visitor: &Visitor, id: &TaskId, words: String, status: StatusCode) -> Result<Response, Halt> {
    let page = show(visitor, id, Some(Tag::new("bad", words))).await?;
    Ok((status, page).into_response())
}

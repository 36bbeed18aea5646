//! Decisions on several tasks that were selected in the queue.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use serde::Deserialize;

use super::{
    frame::{Frame, Halt, rendered},
    task_forms::readable,
    visitor::Posted,
    words::{self, Tag},
};
use crate::{
    app::{
        Decide,
        complete_tasks::MOST_DECISIONS,
        error::{AppError, ErrorCode},
    },
    domain::{
        id::TaskId,
        task::{ReasonCode, Resolution},
    },
};

/// What the name of a selected task begins with in the form; its value is the version that was shown.
const SELECTED: &str = "task.";

#[derive(Template)]
#[template(path = "desk/decided.html")]
struct DecidedPage {
    frame: Frame,
    heading: String,
    lines: Vec<Line>,
}

struct Line {
    id: String,
    tag: Tag,
    words: String,
}

/// The fields of the form: `resolution`, `detail`, `code`, and one for each selected task.
#[derive(Deserialize)]
pub(super) struct Selection(BTreeMap<String, String>);

/// `POST /admin/queue/decide`. The page has a result for each task, and what was decided meanwhile by
/// somebody else is refused there.
pub(super) async fn decide(posted: Posted<Selection>) -> Result<Response, Halt> {
    let (visitor, Selection(fields)) = (posted.visitor, posted.form);
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let resolution = Resolution::parse(field("resolution")).ok_or_else(|| mistaken("choose approve or reject"))?;
    let words = readable("detail", field("detail"))?;
    if words.is_none() && resolution != Resolution::Approved {
        return Err(mistaken("say why not: the buyers read it").into());
    }
    let reason_code = ReasonCode::parse(field("code")).filter(|_| resolution != Resolution::Approved);
    let selected = fields.iter().filter_map(|(name, version)| Some((name.strip_prefix(SELECTED)?, version)));
    let mut decisions = Vec::new();
    for (task, version) in selected {
        let version = version.parse().map_err(|_| mistaken("the form can't be read: a version is no number"))?;
        let task = TaskId::from(task);
        decisions.push(Decide { task, resolution, words: words.clone(), reason_code, version: Some(version) });
    }
    if decisions.is_empty() || decisions.len() > MOST_DECISIONS {
        return Err(mistaken(&format!("select 1 to {MOST_DECISIONS} tasks")).into());
    }
    let decided = visitor.app.complete_tasks(&visitor.caller, decisions).await?;
    let done = decided.iter().filter(|one| one.result.is_ok()).count() as u64;
    let verb = if resolution == Resolution::Approved { "approved" } else { "rejected" };
    let lines = decided.iter().map(|one| match &one.result {
        Ok(view) => {
            Line { id: one.task.to_string(), tag: Tag::new("good", verb), words: words::title(&view.task, None) }
        }
        Err(error) => Line {
            id: one.task.to_string(),
            tag: Tag::new("bad", "not decided"),
            words: words::sentence(&error.message),
        },
    });
    let lines: Vec<Line> = lines.collect();
    let not = match decided.len() as u64 - done {
        0 => String::new(),
        not => format!(", {} not", words::number(i64::try_from(not).unwrap_or(i64::MAX))),
    };
    let heading = format!("{} {verb}{not}", words::count(done, "task", "tasks"));
    Ok(rendered(&DecidedPage { frame: Frame::of(&visitor, "queue").await?, heading, lines }))
}

fn mistaken(cure: &str) -> AppError {
    AppError::new(ErrorCode::InvalidParameter, "nothing was decided").suggest(cure)
}

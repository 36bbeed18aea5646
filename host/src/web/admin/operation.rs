//! An operation: how far it is on each ad server, and its steps.

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{
    frame::{Frame, Halt, rendered},
    visitor::Visitor,
    words::{self, Tag},
};
use crate::domain::{
    id::OperationId,
    operation::{Leg, Operation, OperationState},
    step::{Step, StepState},
};

#[derive(Template)]
#[template(path = "desk/operation.html")]
struct OperationPage {
    frame: Frame,
    id: String,
    buy: String,
    title: String,
    state: Tag,
    lead: String,
    problem: Option<Tag>,
    legs: Vec<LegLine>,
    steps: Vec<StepLine>,
    tasks: Vec<String>,
}

struct LegLine {
    platform: String,
    state: String,
    words: String,
}

struct StepLine {
    name: String,
    platform: String,
    state: Tag,
    reference: String,
}

/// `GET /admin/operations/{id}`.
pub(super) async fn page(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Halt> {
    let view = visitor.app.get_operation(&visitor.caller, &OperationId::from(id)).await?;
    let frame = Frame::of(&visitor, "buys").await?;
    let operation = &view.operation;
    let page = OperationPage {
        frame,
        id: operation.id.to_string(),
        buy: operation.buy.to_string(),
        title: words::sentence(&operation.kind.as_str().replace('_', " ")),
        state: state(operation.state),
        lead: lead(&visitor.buyer(&operation.principal), operation),
        problem: problem(operation),
        legs: operation.legs.iter().map(leg).collect(),
        steps: view.steps.iter().map(step).collect(),
        tasks: operation.tasks.iter().map(ToString::to_string).collect(),
    };
    Ok(rendered(&page))
}

fn lead(buyer: &str, operation: &Operation) -> String {
    let by = words::visible(&operation.requested_by);
    let began = words::moment(operation.created_at);
    let attempts = match operation.attempts {
        0 => String::new(),
        many => format!(
            " {} so far.",
            words::count(u64::from(many), "run failed for the time being", "runs failed for the time being")
        ),
    };
    let end = match operation.ended_at {
        Some(at) => format!("Ended {}.", words::moment(at)),
        None if operation.state == OperationState::Queued => format!("It runs {}.", words::moment(operation.run_at)),
        None => String::new(),
    };
    format!("{buyer}, by {by}, {began}.{attempts} {end}")
}

/// What is wrong with an operation, if anything is.
fn problem(operation: &Operation) -> Option<Tag> {
    if let Some(failure) = &operation.failure {
        return Some(Tag::new("bad", words::sentence(failure.reason.staff())));
    }
    if let Some(undoing) = &operation.undoing {
        let why = words::visible(undoing.reason.staff());
        return Some(Tag::new("warn", format!("It failed, and what was made is being undone: {why}")));
    }
    let last = operation.last_error.as_ref()?;
    (!operation.state.is_final()).then(|| Tag::new("warn", words::sentence(last.staff())))
}

fn state(state: OperationState) -> Tag {
    let tone = match state {
        OperationState::Succeeded => "good",
        OperationState::Failed => "bad",
        OperationState::Parked | OperationState::AwaitingApproval | OperationState::AwaitingPermission => "warn",
        OperationState::Queued | OperationState::Running => "new",
    };
    Tag::new(tone, state.as_str().replace('_', " "))
}

fn leg(leg: &Leg) -> LegLine {
    let notes = leg.outcome.iter().flat_map(|outcome| outcome.notes.iter().cloned());
    let failure = leg.failure.iter().map(|failure| failure.message.clone());
    LegLine {
        platform: leg.platform.to_string(),
        state: leg.state.as_str().replace('_', " "),
        words: words::visible(&failure.chain(notes).collect::<Vec<_>>().join("; ")),
    }
}

fn step(step: &Step) -> StepLine {
    let lost = match step.lost {
        0 => String::new(),
        many => format!(", {} unanswered", words::count(u64::from(many), "request", "requests")),
    };
    let tone = match step.state {
        StepState::Done => "good",
        _ => "warn",
    };
    StepLine {
        name: words::visible(&step.name),
        platform: step.platform.to_string(),
        state: Tag::new(tone, format!("{}{lost}", step.state.as_str().replace('_', " "))),
        reference: step.reference.clone(),
    }
}

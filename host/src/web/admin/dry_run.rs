//! A dry run: what a buyer's request would make, from a request that is pasted into a form.

use askama::Template;
use axum::{extract::Query, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    cards::{self, Card},
    frame::{Frame, Halt, rendered},
    plan::{self, Part},
    visitor::{Posted, Visitor},
    words::{self, Tag},
};
use crate::{
    app::{WriteAnswer, caller::Caller, error::AppError},
    domain::{id::PrincipalId, role::Role},
    web::{
        json::Arguments,
        tool::CallOptions,
        v1::{
            problem,
            tools::{add_creative_assets, create_media_buy, update_media_buy},
        },
    },
};

/// The tools that can be tried.
const TOOLS: [&str; 3] = ["create_media_buy", "update_media_buy", "add_creative_assets"];

/// The largest request, in bytes, that the form takes.
const MOST: usize = 100_000;

#[derive(Template)]
#[template(path = "desk/try.html")]
struct TryPage {
    frame: Frame,
    buyers: Vec<Choice>,
    tools: Vec<Choice>,
    request: String,
    refused: Vec<Refusal>,
    outcome: Option<Outcome>,
}

struct Choice {
    id: String,
    name: String,
    here: bool,
}

/// Why a request is refused.
struct Refusal {
    place: String,
    words: String,
}

struct Outcome {
    verdict: Tag,
    detail: String,
    cards: Vec<Card>,
    plan: Vec<Part>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    buyer: String,
}

#[derive(Deserialize)]
pub(super) struct Attempt {
    #[serde(default)]
    buyer: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    request: String,
}

/// `GET /admin/try`.
pub(super) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Halt> {
    visitor.caller.reviewer()?;
    let attempt = Attempt { buyer: asked.buyer, tool: TOOLS[0].to_owned(), request: example(&visitor) };
    show(&visitor, attempt, Ok(None)).await
}

/// `POST /admin/try`. Nothing is stored, and no ad server is asked to change anything.
pub(super) async fn attempt(posted: Posted<Attempt>) -> Result<Response, Halt> {
    let (visitor, attempt) = (posted.visitor, posted.form);
    visitor.caller.reviewer()?;
    let outcome = plan(&visitor, &attempt).await;
    show(&visitor, attempt, outcome.map(Some)).await
}

async fn plan(visitor: &Visitor, attempt: &Attempt) -> Result<WriteAnswer, AppError> {
    let app = visitor.app.clone();
    if app.config.buyer_name(&PrincipalId::from(&*attempt.buyer)).is_none() {
        return Err(invalid(format!("there is no buyer {:?}; choose one", attempt.buyer)));
    }
    if attempt.request.len() > MOST {
        return Err(invalid(format!("the request has {} bytes; at most {MOST} fit", attempt.request.len())));
    }
    let mut arguments = Arguments::parse(attempt.request.as_bytes()).map_err(|error| invalid(error.to_string()))?;
    if let Some(members) = arguments.value.as_object_mut() {
        members.insert("dry_run".to_owned(), json!(true));
        members.remove("idempotency_key");
    }
    // The buyer's view, for a plan that is never stored.
    let caller =
        Caller { role: Role::Buyer, principal: Some(PrincipalId::from(&*attempt.buyer)), ..visitor.caller.clone() };
    let options = CallOptions::default();
    let answer = match &*attempt.tool {
        "create_media_buy" => create_media_buy::write(app, caller, arguments, options).await,
        "update_media_buy" => update_media_buy::write(app, caller, arguments, options).await,
        "add_creative_assets" => add_creative_assets::write(app, caller, arguments, options).await,
        other => return Err(invalid(format!("{other:?} can't be tried; choose one of {}", TOOLS.join(", ")))),
    }?;
    debug_assert!(answer.dry_run, "only plans are shown");
    Ok(answer)
}

fn invalid(words: String) -> AppError {
    AppError::new(crate::app::error::ErrorCode::InvalidParameter, words)
}

async fn show(
    visitor: &Visitor,
    attempt: Attempt,
    outcome: Result<Option<WriteAnswer>, AppError>,
) -> Result<Response, Halt> {
    let (outcome, refused) = match outcome {
        Ok(answer) => (answer.map(|answer| described(&answer)), Vec::new()),
        Err(error) => (None, refusals(&error)),
    };
    let buyers = visitor.app.config.principals.iter().map(|buyer| Choice {
        id: buyer.id.to_string(),
        name: words::visible(&buyer.name),
        here: buyer.id.as_str() == attempt.buyer,
    });
    let tools = TOOLS.map(|tool| Choice {
        id: tool.to_owned(),
        name: words::sentence(&tool.replace('_', " ")),
        here: tool == attempt.tool,
    });
    let page = TryPage {
        frame: Frame::of(visitor, "try").await?,
        buyers: buyers.collect(),
        tools: tools.into(),
        request: attempt.request,
        refused,
        outcome,
    };
    Ok(rendered(&page))
}

fn described(answer: &WriteAnswer) -> Outcome {
    let waits = matches!(
        answer.operation.state,
        crate::domain::operation::OperationState::AwaitingApproval
            | crate::domain::operation::OperationState::AwaitingPermission
    );
    let verdict = match waits {
        true => Tag::new("warn", "a person would have to approve it"),
        false => Tag::new("good", "it would be carried out at once"),
    };
    let notes = answer.notes.iter().map(|note| words::sentence(note));
    let detail: Vec<String> = std::iter::once(words::sentence(&answer.standing_detail)).chain(notes).collect();
    Outcome {
        verdict,
        detail: detail.join(" "),
        cards: cards::whole(&answer.buy),
        plan: answer.operation.plan.platforms.iter().map(plan::part).collect(),
    }
}

/// Lists everything that is wrong, as the buyer would read it: each with its place in the request.
fn refusals(error: &AppError) -> Vec<Refusal> {
    let told = problem::body(error);
    let text = |item: &Value, key: &str| item[key].as_str().map(words::visible).unwrap_or_default();
    let items = told["details"]["items"].as_array().filter(|items| !items.is_empty());
    match items {
        Some(items) => {
            items.iter().map(|item| Refusal { place: text(item, "field"), words: text(item, "message") }).collect()
        }
        None => {
            let cure = error.suggestion.as_deref().map(|cure| format!(": {cure}")).unwrap_or_default();
            let words = words::visible(&format!("{}{cure}", error.message));
            vec![Refusal { place: text(&told, "field"), words }]
        }
    }
}

/// A request that this installation can take.
fn example(visitor: &Visitor) -> String {
    let package = visitor.app.config.products.first().map_or("homepage", |product| product.id.as_str());
    let example = json!({ "packages": [package], "total_budget": 5000, "po_number": "PO-TEST-1" });
    serde_json::to_string_pretty(&example).unwrap_or_default()
}

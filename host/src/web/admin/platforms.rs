//! Adapters: which release serves each platform, since when and why, and how an operator changes it.

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;

use super::{
    frame::{Frame, Halt, rendered},
    visitor::{Posted, Visitor},
    words::{self, Tag},
};
use crate::{
    app::error::{AppError, ErrorCode},
    domain::{id::PlatformName, release::Activation},
    operations::releases::{Decision, ReleaseView},
};

/// How many digits of a release's digest are shown.
const DIGITS: usize = 12;
/// How many activations of a platform are shown, the latest first.
const SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "desk/platforms.html")]
struct PlatformsPage {
    frame: Frame,
    lead: &'static str,
    notice: Option<Tag>,
    may_change: bool,
    platforms: Vec<PlatformCard>,
}

struct PlatformCard {
    name: String,
    account: String,
    /// The number of the activation that holds.
    number: i64,
    releases: Vec<ReleaseLine>,
    history: Vec<HistoryLine>,
}

struct ReleaseLine {
    version: String,
    digest: String,
    short: String,
    at: String,
    shown: String,
    by: String,
    tags: Vec<Tag>,
    can_serve: bool,
    verb: &'static str,
}

struct HistoryLine {
    at: String,
    shown: String,
    by: String,
    action: String,
    release: String,
    words: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub(super) struct Activate {
    digest: String,
    expected: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    accept_losses: String,
}

/// `GET /admin/adapters`.
pub(super) async fn page(visitor: Visitor, Query(Asked { done }): Query<Asked>) -> Result<Response, Halt> {
    let notice = (done == "activated")
        .then(|| Tag::new("good", "It serves from now on. Operations that began on another release end there."));
    show(&visitor, notice).await
}

async fn show(visitor: &Visitor, notice: Option<Tag>) -> Result<Response, Halt> {
    let frame = Frame::of(visitor, "adapters").await?;
    let mut platforms = Vec::new();
    for name in visitor.app.adapters.platforms() {
        let (releases, _) = visitor.app.list_releases(&visitor.caller, &name).await?;
        let history = visitor.app.list_activations(&visitor.caller, &name).await?;
        platforms.push(card(visitor, &name, &releases, &history));
    }
    let may_change = visitor.caller.operator().is_ok();
    let page = PlatformsPage {
        frame,
        lead: match may_change {
            true => "Which release serves each ad server. Another one serves new calls at once; nothing is restarted.",
            false => "Which release serves each ad server. Operators can change it.",
        },
        notice,
        may_change,
        platforms,
    };
    Ok(rendered(&page))
}

/// `POST /admin/adapters/{platform}/activate`.
pub(super) async fn activate(Path(name): Path<String>, posted: Posted<Activate>) -> Result<Response, Halt> {
    let (visitor, form) = (posted.visitor, posted.form);
    visitor.caller.operator()?;
    let reason = form.reason.trim();
    let Ok(expected) = form.expected.parse() else {
        return Err(AppError::new(ErrorCode::InvalidParameter, "the form can't be read: expected is no number").into());
    };
    if reason.is_empty() {
        let notice = Tag::new("bad", "Say why. Nothing was changed.");
        return Ok((StatusCode::BAD_REQUEST, show(&visitor, Some(notice)).await?).into_response());
    }
    let decision = Decision {
        reason: Some(reason.to_owned()),
        expected: Some(expected),
        accept_losses: form.accept_losses == "yes",
        trial: None,
    };
    let platform = PlatformName::from(name);
    match visitor.app.activate_release(&visitor.caller, &platform, &form.digest, &decision).await {
        Ok(_) => Ok(Redirect::to("/admin/adapters?done=activated").into_response()),
        Err(error) if error.code == ErrorCode::NotFound => Err(error.into()),
        Err(error) => {
            let notice = Tag::new("bad", format!("Nothing was changed: {}", words::visible(&error.message)));
            Ok((StatusCode::CONFLICT, show(&visitor, Some(notice)).await?).into_response())
        }
    }
}

fn card(visitor: &Visitor, name: &PlatformName, releases: &[ReleaseView], history: &[Activation]) -> PlatformCard {
    let serving = releases.iter().find(|view| view.serving).map(|view| view.release.installed_at);
    let account = visitor.app.known_account(name).map(|reading| {
        let account = &reading.account;
        let parts =
            [Some(account.name.clone()), Some(account.id.clone()), account.currency.clone(), account.time_zone.clone()];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    });
    let account = account.unwrap_or_default();
    PlatformCard {
        name: name.to_string(),
        account: words::visible(&account),
        number: history.first().map_or(0, |latest| latest.number),
        releases: releases
            .iter()
            .map(|view| ReleaseLine {
                version: words::visible(&view.release.version),
                digest: view.release.digest.clone(),
                short: short(&view.release.digest),
                at: view.release.installed_at.to_string(),
                shown: words::moment(view.release.installed_at),
                by: words::visible(&view.release.installed_by),
                tags: tags(view),
                can_serve: !view.serving,
                verb: if serving.is_some_and(|at| view.release.installed_at < at) {
                    "Roll back to"
                } else {
                    "Activate"
                },
            })
            .collect(),
        history: history.iter().take(SHOWN).map(line).collect(),
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}

fn tags(view: &ReleaseView) -> Vec<Tag> {
    let mut tags = Vec::new();
    if view.serving {
        tags.push(Tag::new("good", "serves"));
    }
    if let Some(canary) = view.canary {
        tags.push(Tag::new("new", format!("on trial with {} %", canary.percent)));
    }
    if view.release.unhealthy_at.is_some() {
        tags.push(Tag::new("bad", "was unhealthy"));
    }
    if view.rollback {
        tags.push(Tag::new("", "served before"));
    }
    tags
}

fn line(activation: &Activation) -> HistoryLine {
    HistoryLine {
        at: activation.at.to_string(),
        shown: words::moment(activation.at),
        by: words::visible(&activation.actor),
        action: activation.kind.as_str().replace('_', " "),
        release: short(&activation.digest),
        words: activation.reason.as_deref().map(words::visible),
    }
}

//! Buyers and tokens: who buys where, who may sign in, and the revocation of a token.

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
    app::tokens::TokenView,
    domain::person::IDENTITY,
    operations::{now, people::Lapse},
};

#[derive(Template)]
#[template(path = "desk/buyers.html")]
struct BuyersPage {
    frame: Frame,
    notice: Option<Tag>,
    buyers: Vec<Buyer>,
    tokens: Vec<Token>,
}

struct Buyer {
    id: String,
    name: String,
    places: Vec<(String, String)>,
}

struct Token {
    name: String,
    person: String,
    role: String,
    buyer: String,
    origin: &'static str,
    state: Tag,
    fingerprint: String,
    can_end: bool,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub(super) struct Revoke {
    #[serde(default)]
    reason: String,
}

/// `GET /admin/buyers`.
pub(super) async fn page(visitor: Visitor, Query(Asked { done }): Query<Asked>) -> Result<Response, Halt> {
    let notice = (done == "revoked").then(|| {
        Tag::new(
            "good",
            "It is revoked: every host refuses it within seconds. flightdeck token restore takes that back.",
        )
    });
    show(&visitor, notice).await
}

async fn show(visitor: &Visitor, notice: Option<Tag>) -> Result<Response, Halt> {
    let tokens = visitor.app.list_tokens(&visitor.caller).await?;
    let buyers = visitor.app.config.principals.iter().map(|buyer| Buyer {
        id: buyer.id.to_string(),
        name: words::visible(&buyer.name),
        places: buyer
            .platform_mappings
            .iter()
            .map(|(platform, mapping)| (platform.to_string(), words::visible(&mapping.advertiser_id)))
            .collect(),
    });
    let page = BuyersPage {
        frame: Frame::of(visitor, "buyers").await?,
        notice,
        buyers: buyers.collect(),
        tokens: tokens.iter().map(|token| line(visitor, token)).collect(),
    };
    Ok(rendered(&page))
}

fn line(visitor: &Visitor, token: &TokenView) -> Token {
    let soon = token.expires_at.filter(|at| now().until(*at).as_secs() < 14 * 86_400);
    let state = match (token.lapse, token.expires_at) {
        (Some(Lapse::Revoked(at)), _) => Tag::new("bad", format!("revoked {}", words::moment(at))),
        (Some(Lapse::Expired(at)), _) => Tag::new("bad", format!("expired {}", words::moment(at))),
        (None, Some(at)) if soon.is_some() => Tag::new("warn", format!("until {}", words::moment(at))),
        (None, Some(at)) => Tag::new("good", format!("until {}", words::moment(at))),
        (None, None) => Tag::new("good", "valid"),
    };
    Token {
        name: words::visible(&token.name),
        person: words::visible(token.person.as_str()),
        role: token.role.clone(),
        buyer: token.principal.as_ref().map(|buyer| visitor.buyer(buyer)).unwrap_or_default(),
        origin: match (token.configured, token.name.starts_with(IDENTITY)) {
            (true, _) => "configuration",
            (false, true) => "single sign-on",
            (false, false) => "command line",
        },
        state,
        fingerprint: token.fingerprint.clone(),
        // Whoever revoked the own token could not take it back here.
        can_end: token.lapse.is_none() && token.fingerprint != visitor.caller.fingerprint,
    }
}

/// `POST /admin/tokens/{fingerprint}/revoke`.
pub(super) async fn revoke(Path(token): Path<String>, posted: Posted<Revoke>) -> Result<Response, Halt> {
    let (visitor, reason) = (posted.visitor, posted.form.reason);
    visitor.caller.operator()?;
    let reason = reason.trim();
    if reason.is_empty() {
        let notice = Tag::new("bad", "Say why. Nothing was changed.");
        return Ok((StatusCode::BAD_REQUEST, show(&visitor, Some(notice)).await?).into_response());
    }
    visitor.app.revoke_token(&visitor.caller, &token, reason).await?;
    Ok(Redirect::to("/admin/buyers?done=revoked").into_response())
}

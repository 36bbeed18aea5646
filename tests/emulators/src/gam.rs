//! Google Ad Manager: the REST API at `admanager.googleapis.com/v1`, and the OAuth token endpoint
//! for its callers.
//!
//! It uses bearer tokens, JSON in camelCase with 64-bit numbers as strings, and Google's common
//! error form. Bodies, and in debug builds answers, are checked by what Google publishes. The data
//! is in `state`, under one lock, and is lost when the process ends.
//!
//! # Modules
//!
//! - `routes`: the table of paths, and what every handler gets.
//! - `orders`, `line_items`, `targeting`, `creatives`, `associations`, `lookups`: the resources.
//! - `reports`, `report_fields`, `report_rows`: delivery as the platform reports it. `delivery` computes it, and
//!   `status` is the one place where a status is derived.
//! - `rules`: what concerns several fields, or fields and states.
//! - `schema`, `messages`, `mask`, `refusal`: what is accepted, and how everything else is refused.
//! - `lists`, `filter`: how objects are found.
//! - [`oauth`], [`keys`]: the token endpoint, and its service account.
//! - [`settings`], [`seed`]: the controls for tests, and the initial data.
//!
//! # Controls of its own
//!
//! - `GET /__control/gam/key`: the service account's key file.
//! - `GET`, `PUT /__control/gam/settings`: see [`settings::GamSettings`].
//! - `POST /__control/gam/orders/{id}/approve`, `…/disapprove`: a trafficker's decision in the UI.
//! - `POST /__control/gam/tokens/expire`: invalidates all issued tokens.

mod associations;
mod creative_sets;
mod creatives;
mod delivery;
mod filter;
mod geo;
pub mod keys;
mod line_items;
mod lists;
mod lookups;
mod mask;
mod messages;
pub mod oauth;
mod orders;
mod refusal;
mod report_fields;
mod report_rows;
mod reports;
mod routes;
mod rules;
mod schema;
pub mod seed;
pub mod settings;
mod state;
mod status;
mod targeting;

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Method, Response, StatusCode, header},
};
use serde_json::{Value, json as object, value::RawValue};

pub use delivery::{IMPRESSIONS_PER_ABANDONED_VIEW, IMPRESSIONS_PER_CLICK, INVENTORY_PER_DAY, Totals};

use crate::{
    control::{Controls, references::Carrier},
    lock,
    platform::{Call, Credentials, Duplicate, Platform, json},
    server::{Running, StartError},
};
use keys::Account;
use oauth::Tokens;
use refusal::{Refusal, Status};
use settings::{GamChange, GamSettings};
use state::{State, name};

/// The path of the token endpoint.
pub const TOKEN_PATH: &str = "/token";

/// Options for starting an emulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on. Port 0 picks a free port.
    pub listen: String,
    /// The initial settings, which a test may change later.
    pub settings: GamSettings,
    /// Whether the service account has its own key, rather than the one shared by all emulators in
    /// this process.
    pub own_key: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: "127.0.0.1:0".to_owned(), settings: GamSettings::default(), own_key: false }
    }
}

/// Why a filter of orders can't be read; `None` if it can.
#[must_use]
pub fn filter_problem(filter: &str) -> Option<String> {
    filter::Filter::read(filter, "orders", &["displayName"]).err().map(|refusal| refusal.to_string())
}

/// Returns an answer, or the emulator's own error if the schema doesn't allow it. A release build
/// doesn't look.
fn checked(call: &Call, answer: Box<RawValue>) -> routes::Done {
    if !cfg!(debug_assertions) {
        return Ok(answer);
    }
    let read = serde_json::from_str(answer.get()).unwrap_or_default();
    let faults = schema::answer::faults(call.method.as_str(), &call.path, &read);
    if faults.is_empty() {
        Ok(answer)
    } else {
        let why = format!("the emulator's answer is not the platform's: {}", faults.join("; "));
        Err(Refusal::new(Status::Internal, "INVALID_ANSWER", why))
    }
}

/// The emulated platform.
#[derive(Debug)]
pub struct Gam {
    account: Account,
    controls: Arc<Controls>,
    first_settings: GamSettings,
    settings: Mutex<GamSettings>,
    tokens: Mutex<Tokens>,
    state: Mutex<State>,
    /// The base URL, known once the server listens.
    url: OnceLock<String>,
}

impl Gam {
    /// Starts an emulator with the seeded state and a service account key.
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address can't be listened on, [`StartError::Key`] when no
    /// key could be made.
    pub async fn start(options: Options) -> Result<Running<Self>, StartError> {
        let controls = Arc::new(Controls::default());
        let account = if options.own_key { Account::new() } else { Account::of_process() };
        let gam = Arc::new(Self {
            account: account.map_err(|_| StartError::Key)?,
            controls: Arc::clone(&controls),
            first_settings: options.settings,
            settings: Mutex::new(options.settings),
            tokens: Mutex::default(),
            state: Mutex::new(State::seeded(&options.settings)),
            url: OnceLock::new(),
        });
        let running = Running::start(gam, controls, &options.listen).await?;
        // It is only set here.
        let _ = running.platform().url.set(running.url.clone());
        Ok(running)
    }

    /// Returns the URL of the token endpoint, which assertions must name as their audience.
    #[must_use]
    pub fn token_uri(&self) -> String {
        format!("{}{TOKEN_PATH}", self.url.get().map_or("", String::as_str))
    }

    /// Returns the service account's key file, in Google's form.
    #[must_use]
    pub fn key_file(&self) -> Value {
        self.account.file(&self.token_uri())
    }

    /// Returns the settings of this platform.
    #[must_use]
    pub fn settings(&self) -> GamSettings {
        *lock(&self.settings)
    }

    /// Changes the given settings and returns all of them.
    pub fn change(&self, change: GamChange) -> GamSettings {
        let mut held = lock(&self.settings);
        *held = held.with(change);
        lock(&self.state).auto_activate = held.auto_activate;
        *held
    }

    /// Issues a token without the token endpoint, for tests of other things; `None` if the system
    /// provides no randomness.
    #[must_use]
    pub fn give_token(&self) -> Option<String> {
        let lifetime = Duration::from_secs(self.settings().token_lifetime_seconds);
        lock(&self.tokens).give(lifetime)
    }

    /// Invalidates all issued tokens.
    pub fn expire_tokens(&self) {
        lock(&self.tokens).clear();
    }

    /// Returns how many objects of a type exist and are not deleted; 0 for an unknown type.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.counts().into_iter().find(|(name, _)| *name == kind).map_or(0, |(_, count)| count)
    }

    /// Returns what a line item delivered from its start until the emulator's now; `None` if it is
    /// unknown.
    #[must_use]
    pub fn delivered(&self, line_item: i64) -> Option<Totals> {
        let now = self.controls.clock.millis();
        lock(&self.state).items.get(&line_item).map(|item| item.delivery.totals(now))
    }

    /// Approves (or disapproves) an order as a trafficker does in the UI, whatever the account's
    /// permissions.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn decide(&self, order: i64, approve: bool) -> Result<(), String> {
        let now = self.controls.clock.millis();
        let action =
            if approve { orders::Action::Approve(orders::Reserve::Nothing) } else { orders::Action::Disapprove };
        let settings = GamSettings { may_approve: true, ..self.settings() };
        let rules = orders::Rules { now, settings };
        let mut state = lock(&self.state);
        orders::perform(&mut state, &[name("orders", order)], action, &rules).map_err(|refusal| refusal.to_string())?;
        orders::settle(&mut state, order, now);
        Ok(())
    }
}

impl Platform for Gam {
    fn credentials(&self, call: &Call) -> Credentials {
        if call.path == TOKEN_PATH {
            return Credentials::NotNeeded;
        }
        let sent = call.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match sent {
            None => Credentials::Missing,
            Some(sent) => match sent.strip_prefix("Bearer ") {
                Some(token) if lock(&self.tokens).good(token) => Credentials::Right,
                _ => Credentials::Wrong,
            },
        }
    }

    fn unauthorised(&self, credentials: Credentials) -> Response<Body> {
        let (reason, why) = match credentials {
            Credentials::Missing => (
                "CREDENTIALS_MISSING",
                "Request is missing required authentication credential. Expected OAuth 2 access token.",
            ),
            _ => (
                "ACCESS_TOKEN_EXPIRED",
                "Request had invalid authentication credentials. Expected a current OAuth 2 access token.",
            ),
        };
        Refusal::new(Status::Unauthenticated, reason, why).answer()
    }

    fn too_many(&self, _retry_after_seconds: u64) -> Response<Body> {
        let why = "Quota exceeded for quota metric 'Requests' and limit 'Requests per second'; wait and try again.";
        Refusal::new(Status::ResourceExhausted, "RATE_LIMIT_EXCEEDED", why).answer()
    }

    fn refusal(&self, status: u16, reason: &str) -> Value {
        refusal::made_up(status, reason)
    }

    fn act(&self, call: &Call) -> Response<Body> {
        let settings = self.settings();
        if call.path == TOKEN_PATH {
            let lifetime = Duration::from_secs(settings.token_lifetime_seconds);
            return oauth::token(call, &self.account, &self.token_uri(), lifetime, &mut lock(&self.tokens));
        }
        let turned = self.controls.settings.get();
        let mut state = lock(&self.state);
        let mut desk = routes::Desk {
            state: &mut state,
            now: self.controls.clock.millis(),
            settings,
            lag: Duration::from_millis(turned.lookup_lag_ms),
            max_page: usize::try_from(turned.max_page_size).unwrap_or(usize::MAX),
            paging: turned.paging,
            call,
        };
        let read = schema::body::check(call.method.as_str(), &call.path, &call.body);
        match read.and_then(|()| routes::dispatch(&mut desk)).and_then(|answer| checked(call, answer)) {
            Ok(answer) => json(StatusCode::OK, &answer),
            Err(refusal) => refusal.answer(),
        }
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Option<Response<Body>> {
        let refuse = |status, why: String| Some(json(status, &object!({ "error": why })));
        let segments: Vec<&str> = path.strip_prefix("/__control/gam/")?.split('/').collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["key"]) => Some(json(StatusCode::OK, &self.key_file())),
            ("GET", ["settings"]) => Some(json(StatusCode::OK, &self.settings())),
            ("PUT", ["settings"]) => match serde_json::from_slice::<GamChange>(body) {
                Ok(change) => Some(json(StatusCode::OK, &self.change(change))),
                Err(error) => refuse(StatusCode::BAD_REQUEST, error.to_string()),
            },
            ("POST", ["tokens", "expire"]) => {
                self.expire_tokens();
                Some(json(StatusCode::OK, &object!({})))
            }
            ("POST", ["orders", order, how @ ("approve" | "disapprove")]) => {
                match order
                    .parse()
                    .map_err(|_| format!("{order} is no id of an order"))
                    .and_then(|order| self.decide(order, *how == "approve"))
                {
                    Ok(()) => Some(json(StatusCode::OK, &object!({}))),
                    Err(why) => refuse(StatusCode::CONFLICT, why),
                }
            }
            _ => None,
        }
    }

    fn secrets(&self) -> Vec<String> {
        lock(&self.tokens).all()
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        lock(&self.state).counts()
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        lock(&self.state).duplicates()
    }

    fn carriers(&self) -> Vec<Carrier> {
        lock(&self.state).carriers(self.controls.clock.millis())
    }

    fn writes(&self, call: &Call) -> bool {
        // Reports are requested by POST, and so are tokens.
        let reads = call.path == TOKEN_PATH || call.path.contains("/reports");
        call.method != Method::GET && !reads
    }

    fn objects(&self, kind: &str) -> Option<Vec<Value>> {
        let now = self.controls.clock.millis();
        let state = lock(&self.state);
        let objects: Vec<_> = match kind {
            "orders" => state.orders.iter().map(|(id, order)| state.show_order(*id, order, now)).collect(),
            "lineItems" => state.items.iter().map(|(id, item)| state.show_item(*id, item, now)).collect(),
            "creatives" => state.creatives.iter().map(|(id, creative)| State::show_creative(*id, creative)).collect(),
            "creativeSets" => state.creative_sets.iter().map(|(id, set)| creative_sets::show(*id, set)).collect(),
            "associations" => state
                .associations
                .iter()
                .map(|((item, creative), tie)| State::show_tie(*item, *creative, tie))
                .collect(),
            "reports" => state.reports.iter().map(|(id, report)| reports::show(*id, report)).collect(),
            _ => return None,
        };
        Some(objects.into_iter().map(Value::Object).collect())
    }

    fn reset(&self) {
        *lock(&self.state) = State::seeded(&self.first_settings);
        *lock(&self.settings) = self.first_settings;
        lock(&self.tokens).clear();
    }
}

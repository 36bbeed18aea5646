//! Triton Digital: the TAP Booking API, and the login for its callers.
//!
//! The API's reference is behind a login. The emulator follows exactly what is public (the login,
//! the criteria tree, the audio formats, and that a rate is fixed once a flight is in progress).
//! The rest follows the public reference seller, and is as strict as other platforms: unknown
//! fields are refused by name.
//!
//! A flight runs from midnight to midnight in its station's time zone. It is done 48 hours after its
//! days, or once its goal is reached; reports count UTC days.
//!
//! What the user guide says of the interface, the emulator takes to hold for the API, too.
//! `tests/emulators/triton.md` says of every rule where it comes from.
//!
//! It uses bearer tokens, JSON in camelCase, dates without times, and reports as CSV. The data is
//! in `state`, under one lock, and is lost when the process ends.
//!
//! # Modules
//!
//! - `routes`: the table of paths, and what every handler gets.
//! - `campaigns`, `flights` with `criteria`, `dayparts` and `ad_groups`, `creatives`: the resources.
//! - `reports`: delivery as the platform reports it. `delivery` computes it.
//! - `fields`, `refusal`: how bodies are parsed, and how everything else is refused. `lists`:
//!   pagination.
//! - `login`: users and tokens.
//! - [`settings`], [`seed`]: the controls for tests, and the initial data.
//!
//! # Controls of its own
//!
//! - `GET`, `PUT /__control/triton/settings`: see [`settings::TritonSettings`].
//! - `POST /__control/triton/tokens/expire`: invalidates all issued tokens.
//! - `PUT /__control/triton/flights/{id}/status`: gives a flight the status that a person at the
//!   publisher gives it: `"DRAFT"`, `"APPROVED"`, `"DECLINED"`, or `null` for none.

mod ad_groups;
mod campaigns;
mod creatives;
mod criteria;
mod dayparts;
mod delivery;
mod fields;
mod flights;
mod lists;
mod login;
mod refusal;
mod reports;
mod routes;
pub mod seed;
pub mod settings;
mod state;
mod zones;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, Method, Response, StatusCode, header},
};
use serde_json::{Value, json as object};

pub use delivery::{IMPRESSIONS_PER_CLICK, Totals};

use crate::{
    control::{Controls, references::Carrier},
    lock,
    platform::{Call, Credentials, Duplicate, Platform, json},
    server::{Running, StartError},
};
use login::Tokens;
use refusal::Refusal;
use settings::{TritonChange, TritonSettings};
use state::State;

/// The path of the login.
pub const LOGIN_PATH: &str = "/login";

/// Options for starting an emulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on. Port 0 picks a free port.
    pub listen: String,
    /// The user name for the login.
    pub username: String,
    /// The password for the login.
    pub password: String,
    /// The initial settings, which a test may change later.
    pub settings: TritonSettings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            username: "flightdeck".to_owned(),
            password: "demo-password".to_owned(),
            settings: TritonSettings::default(),
        }
    }
}

/// The emulated platform.
#[derive(Debug)]
pub struct Triton {
    username: String,
    password: String,
    controls: Arc<Controls>,
    first_settings: TritonSettings,
    settings: Mutex<TritonSettings>,
    tokens: Mutex<Tokens>,
    state: Mutex<State>,
}

impl Triton {
    /// Starts an emulator with the seeded state.
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address can't be listened on.
    pub async fn start(options: Options) -> Result<Running<Self>, StartError> {
        let controls = Arc::new(Controls::default());
        let triton = Arc::new(Self {
            username: options.username,
            password: options.password,
            controls: Arc::clone(&controls),
            first_settings: options.settings,
            settings: Mutex::new(options.settings),
            tokens: Mutex::default(),
            state: Mutex::new(State::seeded()),
        });
        Running::start(triton, controls, &options.listen).await
    }

    /// Returns the settings of this platform.
    #[must_use]
    pub fn settings(&self) -> TritonSettings {
        *lock(&self.settings)
    }

    /// Changes the given settings and returns all of them.
    pub fn change(&self, change: TritonChange) -> TritonSettings {
        let mut held = lock(&self.settings);
        *held = held.with(change);
        *held
    }

    /// Issues a token without a login, for tests of other things; `None` if the system provides no
    /// randomness.
    #[must_use]
    pub fn give_token(&self) -> Option<String> {
        let lifetime = Duration::from_secs(self.settings().token_lifetime_seconds);
        lock(&self.tokens).give(&self.username, lifetime)
    }

    /// Invalidates all issued tokens.
    pub fn expire_tokens(&self) {
        lock(&self.tokens).clear();
    }

    /// Returns how many objects of a type exist; 0 for an unknown type.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.counts().into_iter().find(|(name, _)| *name == kind).map_or(0, |(_, count)| count)
    }

    /// Returns what a flight delivered from its start until the emulator's now; `None` if it is
    /// unknown.
    #[must_use]
    pub fn delivered(&self, flight: i64) -> Option<Totals> {
        let now = self.controls.clock.millis();
        lock(&self.state).flights.get(&flight).map(|flight| flight.delivery.totals(now))
    }
}

impl Platform for Triton {
    fn credentials(&self, call: &Call) -> Credentials {
        if call.path == LOGIN_PATH {
            return Credentials::NotNeeded;
        }
        let sent = call.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match sent.map(|sent| sent.strip_prefix("Bearer ")) {
            None => Credentials::Missing,
            Some(Some(token)) if lock(&self.tokens).good(token) => Credentials::Right,
            Some(_) => Credentials::Wrong,
        }
    }

    fn unauthorised(&self, credentials: Credentials) -> Response<Body> {
        let why = match credentials {
            Credentials::Missing => "the header Authorization is missing; log in and send Bearer and the token",
            _ => "the token is not valid any more; log in again",
        };
        Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", why).answer()
    }

    fn too_many(&self, retry_after_seconds: u64) -> Response<Body> {
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "too many requests; wait");
        let mut response = refusal.answer();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        response
    }

    fn refusal(&self, _status: u16, reason: &str) -> Value {
        object!({ "error": { "code": reason, "message": format!("refused: {reason}") } })
    }

    fn act(&self, call: &Call) -> Response<Body> {
        let settings = self.settings();
        if call.path == LOGIN_PATH {
            let lifetime = Duration::from_secs(settings.token_lifetime_seconds);
            return login::login(call, (&self.username, &self.password), lifetime, &mut lock(&self.tokens));
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
        match routes::dispatch(&mut desk) {
            Ok(answer) => answer,
            Err(refusal) => refusal.answer(),
        }
    }

    fn control(&self, method: &Method, path: &str, body: &[u8]) -> Option<Response<Body>> {
        match (method.as_str(), path.strip_prefix("/__control/triton/")?) {
            ("GET", "settings") => Some(json(StatusCode::OK, &self.settings())),
            ("PUT", "settings") => Some(match serde_json::from_slice::<TritonChange>(body) {
                Ok(change) => json(StatusCode::OK, &self.change(change)),
                Err(error) => json(StatusCode::BAD_REQUEST, &object!({ "error": error.to_string() })),
            }),
            ("POST", "tokens/expire") => {
                self.expire_tokens();
                Some(json(StatusCode::OK, &object!({})))
            }
            ("PUT", path) => {
                let id = path.strip_prefix("flights/")?.strip_suffix("/status")?.parse().ok()?;
                let given: Option<String> = serde_json::from_slice(body).ok()?;
                let now = self.controls.clock.millis();
                Some(match lock(&self.state).give(id, given.as_deref(), now) {
                    Ok(()) => json(StatusCode::OK, &object!({})),
                    Err(why) => json(StatusCode::BAD_REQUEST, &object!({ "error": why })),
                })
            }
            _ => None,
        }
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = lock(&self.tokens).all();
        secrets.push(self.password.clone());
        secrets
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        lock(&self.state).counts()
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        lock(&self.state).duplicates()
    }

    fn carriers(&self) -> Vec<Carrier> {
        lock(&self.state).carriers()
    }

    fn writes(&self, call: &Call) -> bool {
        // Reports are requested by POST, and so are tokens.
        call.method != Method::GET && call.path != LOGIN_PATH && !call.path.starts_with("/v1/reports")
    }

    fn objects(&self, kind: &str) -> Option<Vec<Value>> {
        let now = self.controls.clock.millis();
        lock(&self.state).objects(kind, now)
    }

    fn reset(&self) {
        *lock(&self.state) = State::seeded();
        *lock(&self.settings) = self.first_settings;
        self.expire_tokens();
    }
}

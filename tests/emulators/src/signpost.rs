//! Signpost: an invented ad server for people who learn to write adapters.
//!
//! It is what a small, modern ad server looks like: orders with lines, creatives that are assigned
//! to lines, plain JSON, amounts as decimal text, instants in UTC, lists with cursors. The example
//! adapters in Rust, JavaScript and Python book on it. It is as strict as the emulators of real
//! platforms: an unknown field is refused by its name, and `external_ref` is *not* unique, so a
//! request that is carried out twice makes two objects.
//!
//! # The API
//!
//! Every request carries the header `X-Signpost-Key`.
//!
//! | path | methods |
//! |---|---|
//! | `/v1/advertisers` | `GET` |
//! | `/v1/orders`, `/v1/orders/{id}` | `POST`, `GET` (`external_ref`, `advertiser_id`); `GET`, `PATCH` |
//! | `/v1/orders/{id}/lines`, `/v1/lines/{id}` | `POST`, `GET` (`external_ref`); `GET`, `PATCH` |
//! | `/v1/creatives`, `/v1/creatives/{id}` | `POST`, `GET` (`external_ref`, `advertiser_id`); `GET`, `PATCH` |
//! | `/v1/lines/{id}/creatives`, `/v1/assignments/{id}` | `POST`, `GET`; `GET`, `PATCH` |
//! | `/v1/status?line_ids=…` | `GET`; at most 50 lines |
//! | `/v1/report?from=…&to=…&line_ids=…` | `GET`; at most 50 lines and 92 days |
//!
//! Lists answer `{"items": […], "next_cursor": "…"}`, at most 50 items at a time. A refusal is
//! `{"errors": [{"code", "field", "message"}]}`.
//!
//! An order is a `draft`, `live` or `archived`. A line delivers if its order is live, the line is
//! active, and one of its assignments is active. Nothing can be deleted. To assign a creative to a
//! line a second time changes nothing but to activate the assignment.
//!
//! # Modules
//!
//! - `routes`: the table of paths, and what every handler gets.
//! - `orders`, `lines`, `creatives`: the resources. `reports`: status and delivery; `delivery`
//!   computes it.
//! - `fields`, `refusal`: how bodies are parsed, and how everything else is refused. `lists`:
//!   pagination.
//! - `state`: the data, under one lock, lost when the process ends.

mod creatives;
mod delivery;
mod fields;
mod lines;
mod lists;
mod orders;
mod refusal;
mod reports;
mod routes;
mod state;

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
    platform::{Call, Credentials, Duplicate, Platform},
    server::{Running, StartError},
};
use refusal::Refusal;
use state::State;

/// The header that carries the key.
pub const KEY_HEADER: &str = "x-signpost-key";
/// The first advertiser of the seeded state.
pub const ADVERTISER: i64 = 701;
/// The second advertiser of the seeded state.
pub const OTHER_ADVERTISER: i64 = 702;

/// Options for starting an emulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on. Port 0 picks a free port.
    pub listen: String,
    /// The key that callers must send.
    pub api_key: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: "127.0.0.1:0".to_owned(), api_key: "demo-key".to_owned() }
    }
}

/// The emulated platform.
#[derive(Debug)]
pub struct Signpost {
    api_key: String,
    controls: Arc<Controls>,
    state: Mutex<State>,
}

impl Signpost {
    /// Starts an emulator with the seeded state.
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address can't be listened on.
    pub async fn start(options: Options) -> Result<Running<Self>, StartError> {
        let controls = Arc::new(Controls::default());
        let signpost = Arc::new(Self {
            api_key: options.api_key,
            controls: Arc::clone(&controls),
            state: Mutex::new(State::seeded()),
        });
        Running::start(signpost, controls, &options.listen).await
    }

    /// Returns how many objects of a type exist; 0 for an unknown type.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.counts().into_iter().find(|(name, _)| *name == kind).map_or(0, |(_, count)| count)
    }

    /// Returns what a line delivered from its start until the emulator's now; `None` if it is
    /// unknown.
    #[must_use]
    pub fn delivered(&self, line: i64) -> Option<Totals> {
        let now = self.controls.clock.millis();
        lock(&self.state).lines.get(&line).map(|line| line.delivery.totals(now))
    }
}

impl Platform for Signpost {
    fn credentials(&self, call: &Call) -> Credentials {
        match call.headers.get(KEY_HEADER).map(HeaderValue::as_bytes) {
            None => Credentials::Missing,
            Some(key) if key == self.api_key.as_bytes() => Credentials::Right,
            Some(_) => Credentials::Wrong,
        }
    }

    fn unauthorised(&self, credentials: Credentials) -> Response<Body> {
        let why = match credentials {
            Credentials::Missing => "the header X-Signpost-Key is missing",
            _ => "the key is not valid",
        };
        Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", why).answer()
    }

    fn too_many(&self, retry_after_seconds: u64) -> Response<Body> {
        let mut response = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "slow_down", "too many requests").answer();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        response
    }

    fn refusal(&self, _status: u16, reason: &str) -> Value {
        object!({ "errors": [{ "code": reason, "field": null, "message": format!("refused: {reason}") }] })
    }

    fn act(&self, call: &Call) -> Response<Body> {
        let turned = self.controls.settings.get();
        let mut state = lock(&self.state);
        let mut desk = routes::Desk {
            state: &mut state,
            now: self.controls.clock.millis(),
            lag: Duration::from_millis(turned.lookup_lag_ms),
            max_page: usize::try_from(turned.max_page_size).unwrap_or(usize::MAX),
            paging: turned.paging,
            call,
        };
        routes::dispatch(&mut desk).unwrap_or_else(|refusal| refusal.answer())
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.api_key.clone()]
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
        call.method != Method::GET
    }

    fn objects(&self, kind: &str) -> Option<Vec<Value>> {
        let now = self.controls.clock.millis();
        lock(&self.state).objects(kind, now)
    }

    fn reset(&self) {
        *lock(&self.state) = State::seeded();
    }
}

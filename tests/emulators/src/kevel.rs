//! The Kevel Management API, according to its OpenAPI document and reference pages.
//!
//! It uses the header `X-Adzerk-ApiKey`, JSON in PascalCase, and paginated lists. Bodies are
//! checked against `fields`. The data is in `state`, under one lock, and is lost when the process
//! ends.
//!
//! # Modules
//!
//! - `routes`: the table of paths, and what every handler gets.
//! - `campaigns`, `flights`, `nested`, `creatives`, `ads`, `targeting`, `lookups`: the resources.
//! - `reports`, `counts`: delivery as the platform reports it. `delivery` computes it.
//! - `openapi`: what the platform's OpenAPI document says of each request.
//! - `schema`, `fields`, `zerkel`, `keywords`, `refusal`: what is accepted, and how everything else is refused.
//! - `state`, `names`, `paging`: the data, and how it is found.
//! - [`seed`]: the initial data.

mod ads;
mod campaigns;
mod counts;
mod creatives;
mod delivery;
mod fields;
mod flights;
pub mod keywords;
mod lookups;
mod names;
mod nested;
mod openapi;
mod paging;
mod refusal;
mod reports;
mod routes;
mod schema;
pub mod seed;
mod state;
mod targeting;
pub mod zerkel;

use std::sync::{Arc, Mutex};

use axum::{
    body::Body,
    http::{HeaderValue, Method, Response, StatusCode, header},
};
use serde_json::{Value, json as object};

pub use delivery::{
    CLICKS_PER_CONVERSION, GOAL_PASSED_BY_ONE_IN, IMPRESSIONS_PER_CLICK, INVENTORY_PER_DAY, SMALL_GOAL_PASSED_BY,
    Totals,
};

use crate::{
    control::{Controls, references::Carrier},
    lock,
    platform::{Call, Credentials, Duplicate, Platform, json},
    server::{Running, StartError},
};
use state::State;

/// The header with the API key (Kevel OpenAPI document, security schemes).
pub const KEY_HEADER: &str = "X-Adzerk-ApiKey";

/// Options for starting an emulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// The API key that callers must send.
    pub api_key: String,
    /// The address to listen on. Port 0 picks a free port.
    pub listen: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { api_key: "demo-key".to_owned(), listen: "127.0.0.1:0".to_owned() }
    }
}

/// The emulated platform.
#[derive(Debug)]
pub struct Kevel {
    api_key: String,
    controls: Arc<Controls>,
    state: Mutex<State>,
}

impl Kevel {
    /// Starts an emulator with the seeded state.
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address can't be listened on.
    pub async fn start(options: Options) -> Result<Running<Self>, StartError> {
        let controls = Arc::new(Controls::default());
        let kevel = Arc::new(Self {
            api_key: options.api_key,
            controls: Arc::clone(&controls),
            state: Mutex::new(State::seeded()),
        });
        Running::start(kevel, controls, &options.listen).await
    }

    /// Returns how many objects of a type exist and are not deleted; 0 for an unknown type.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.counts().into_iter().find(|(name, _)| *name == kind).map_or(0, |(_, count)| count)
    }

    /// Returns what a flight delivered from its start until the emulator's now; `None` if it is
    /// unknown.
    #[must_use]
    pub fn delivered(&self, flight: i64) -> Option<Totals> {
        let now = self.controls.clock.millis();
        lock(&self.state).deliveries.get(&flight).map(|delivery| delivery.totals(now))
    }
}

impl Platform for Kevel {
    fn credentials(&self, call: &Call) -> Credentials {
        match call.headers.get(KEY_HEADER) {
            None => Credentials::Missing,
            Some(key) if key.as_bytes() == self.api_key.as_bytes() => Credentials::Right,
            Some(_) => Credentials::Wrong,
        }
    }

    fn unauthorised(&self, credentials: Credentials) -> Response<Body> {
        let why = match credentials {
            Credentials::Missing => format!("the header {KEY_HEADER} is missing"),
            _ => "the API key is not valid".to_owned(),
        };
        json(StatusCode::UNAUTHORIZED, &object!({ "Error": why }))
    }

    fn too_many(&self, retry_after_seconds: u64) -> Response<Body> {
        let mut response = json(StatusCode::TOO_MANY_REQUESTS, &object!({ "Error": "too many requests" }));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        response
    }

    fn refusal(&self, _status: u16, reason: &str) -> Value {
        object!({ "Error": reason })
    }

    fn act(&self, call: &Call) -> Response<Body> {
        // Without the state: others are not kept waiting.
        let read = openapi::check(call.method.as_str(), &call.path, &call.body);
        let mut state = lock(&self.state);
        let mut desk = routes::Desk {
            state: &mut state,
            now: self.controls.clock.now(),
            settings: self.controls.settings.get(),
            call,
        };
        match read.and_then(|()| routes::dispatch(&mut desk)) {
            Ok(reply) => reply.answer(),
            Err(refusal) => refusal.answer(),
        }
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.api_key.clone()]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        let state = lock(&self.state);
        state.shelves().into_iter().map(|shelf| (shelf.kind, shelf.count())).collect()
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        lock(&self.state).duplicates()
    }

    fn carriers(&self) -> Vec<Carrier> {
        lock(&self.state).carriers()
    }

    fn writes(&self, call: &Call) -> bool {
        let reads = ["/search", "/v1/report/queue", "/v1/instantcounts/bulk"];
        match call.method {
            Method::GET => call.path.ends_with("/delete"),
            _ => !reads.iter().any(|path| call.path.trim_end_matches('/').ends_with(path)),
        }
    }

    fn objects(&self, kind: &str) -> Option<Vec<Value>> {
        let state = lock(&self.state);
        let shelf = state.shelves().into_iter().find(|shelf| shelf.kind == kind)?;
        let whole = |record| {
            let mut value = state.render(kind, record);
            // Targeting doesn't always include its flight's id; here it always does.
            if let Value::Object(map) = &mut value
                && ["geotargeting", "sitezonetargeting", "dayparting"].contains(&kind)
            {
                map.insert("FlightId".to_owned(), record.parent.into());
            }
            value
        };
        Some(shelf.all().map(whole).collect())
    }

    fn reset(&self) {
        *lock(&self.state) = State::seeded();
    }
}

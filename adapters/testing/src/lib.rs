//! Tests of an adapter against the emulator of its ad server, natively: the same code as in the
//! component, with requests over a real connection.
//!
//! - [`Network`]: an emulator, and a fake host connected to it.
//! - [`late`]: an operation in which a request takes effect late, or becomes visible late, so that
//!   its object is made twice.
//! - [`frames`]: scenarios that are the same for every ad server.
//! - [`inspecting`]: inspections of the account.
//! - [`whatever_the_pages`]: a buy on a platform whose lists have empty pages.
//! - [`everywhere`]: an operation, cut off after each of its interactions and run again.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "only tests call this, and a test says what is wrong by failing there"
)]

pub mod frames;
pub mod inspecting;
pub mod late;

use std::{future::Future, marker::PhantomData, rc::Rc};

use flightdeck_adapter::{
    host::{IncomingResponse, OutgoingRequest, TransportError},
    json::Json,
    moment,
    prelude::*,
    testing::{FakeHost, exchange::exchange, run},
};
use flightdeck_emulators::{Running, StartError};

/// The headers that the real host adds to a request after it has left the adapter.
pub type Credentials = Vec<(String, String)>;

/// An emulator and a host for one test.
pub struct Network<A, E> {
    emulator: Running<E>,
    /// The fake host, connected to the emulator.
    pub host: Rc<FakeHost>,
    context: Context,
    credentials: Credentials,
    adapter: PhantomData<A>,
    // Dropped last, because the emulator runs in it.
    _runtime: tokio::runtime::Runtime,
}

impl<A: Adapter, E> Network<A, E> {
    /// Starts an emulator, and a host for the adapter. `credentials` returns what the host adds to
    /// each request. `context` is the adapter's context, except the endpoint, the remembered
    /// objects and the deadline.
    pub fn start<F: Future<Output = Result<Running<E>, StartError>>>(
        emulator: F,
        credentials: impl FnOnce(&Running<E>) -> Credentials,
        context: Context,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let emulator = runtime.block_on(emulator).unwrap();
        let credentials = credentials(&emulator);
        let added = credentials.clone();
        let host = FakeHost::with_description(&A::describe(), move |request| send(request, &added));
        let network = Self { emulator, host, context, credentials, adapter: PhantomData, _runtime: runtime };
        network.at("2026-11-01T00:00:00Z");
        network
    }

    /// Returns the running emulator.
    pub fn emulator(&self) -> &Running<E> {
        &self.emulator
    }

    /// Sets the clocks of host and emulator.
    pub fn at(&self, now: &str) {
        self.host.set_now(moment::parse(now).expect("an instant"));
        self.control("PUT", "clock", &format!(r#"{{"now":"{now}"}}"#));
    }

    /// Returns a context with what the host remembers.
    pub fn context(&self) -> Context {
        Context {
            endpoint: self.emulator.url.clone(),
            remote: self.host.remote(),
            deadline: "2027-12-31T00:00:00Z".to_owned(),
            ..self.context.clone()
        }
    }

    /// Runs a new operation to its end.
    pub fn run<T>(&self, operation: impl FnOnce(Context) -> T) -> T {
        self.host.next_operation();
        let ctx = self.context();
        run(&self.host, || operation(ctx)).expect("the operation was not cut off")
    }

    /// Runs the current operation again, with everything that is remembered by now.
    pub fn again<T>(&self, operation: impl FnOnce(Context) -> T) -> T {
        let ctx = self.context();
        run(&self.host, || operation(ctx)).expect("the operation was not cut off")
    }

    /// Creates a buy.
    pub fn create(&self, buy: &MediaBuy) {
        self.run(|ctx| A::create_media_buy(ctx, buy.clone())).unwrap();
    }

    /// Uploads creatives.
    pub fn upload(&self, buy: &MediaBuy, assets: &[Creative]) -> Vec<AssetStatus> {
        let batch = CreativeBatch { media_buy: buy.clone(), assets: assets.to_vec(), extensions: Vec::new() };
        self.run(|ctx| A::add_creative_assets(ctx, batch)).unwrap().assets
    }

    /// Carries out an update.
    pub fn update(&self, current: &MediaBuy, desired: &MediaBuy, creatives: &[Creative]) -> UpdateOutcome {
        let update = change(current, desired, creatives, &[]);
        self.run(|ctx| A::update_media_buy(ctx, update)).unwrap()
    }

    /// Returns the status of a buy.
    pub fn status(&self, buy: &MediaBuy) -> BuyStatus {
        let answers = self.run(|ctx| A::check_status(ctx, vec![self.remote_buy(buy)])).unwrap();
        answers.into_iter().next().unwrap().status.unwrap()
    }

    /// Returns what a buy delivered, by package and day.
    pub fn delivery(&self, buy: &MediaBuy, first: &str, last: &str) -> Vec<DeliveryRow> {
        let range = DateRange { first: first.to_owned(), last: last.to_owned() };
        let answers = self.run(|ctx| A::get_delivery(ctx, vec![self.remote_buy(buy)], range)).unwrap();
        answers.into_iter().next().unwrap().delivery.unwrap().rows
    }

    /// Returns the objects that carry a step's reference, as in the host's later lookup.
    pub fn find_made(&self, made: &MadeStep) -> Vec<MadeObject> {
        self.run(|ctx| A::find_made(ctx, made.clone())).unwrap()
    }

    /// Stops an unwanted object.
    pub fn stop_made(&self, object: &MadeObject) {
        self.run(|ctx| A::stop_made(ctx, object.clone())).unwrap();
    }

    /// Returns how many objects carry a reference, and how many of them are active, according to
    /// the platform.
    pub fn carried(&self, reference: &str) -> (i64, i64) {
        let answer = self.control("GET", &format!("references/{reference}"), "");
        let count = |name: &str| answer.get(name).and_then(Json::as_i64).expect("carriers are counted");
        (count("total"), count("active"))
    }

    /// Returns a buy in the form in which the host asks about it.
    pub fn remote_buy(&self, buy: &MediaBuy) -> RemoteBuy {
        RemoteBuy {
            media_buy_id: buy.media_buy_id.clone(),
            advertiser_id: self.context.advertiser_id.clone(),
            remote: self.host.remote(),
            start: buy.start.clone(),
            end: buy.end.clone(),
            extensions: Vec::new(),
        }
    }

    /// Returns how many objects of a kind exist, after checking that none of them exists twice.
    pub fn count(&self, kind: &str) -> usize {
        let objects = self.control("GET", "objects", "");
        let duplicates = objects.get("duplicates").expect("duplicates are counted");
        assert!(duplicates.items().is_empty(), "made twice: {duplicates}");
        let counts = objects.get("counts").and_then(Json::as_object).expect("objects are counted");
        let count = counts.get(kind).and_then(Json::as_i64).unwrap_or_else(|| panic!("{kind} are counted"));
        usize::try_from(count).unwrap()
    }

    /// Returns all objects of a kind, as the platform stores them.
    pub fn objects(&self, kind: &str) -> Vec<Object> {
        let answer = self.control("GET", &format!("objects/{kind}"), "");
        answer.get("objects").unwrap().items().iter().map(|item| item.as_object().unwrap().clone()).collect()
    }

    /// Adds a fault rule, by which requests fail.
    pub fn fault(&self, rule: &str) {
        self.control("POST", "faults", rule);
    }

    /// Limits the pages of lists to this many items.
    pub fn page_size(&self, items: u32) {
        self.control("PUT", "settings", &format!(r#"{{"max_page_size":{items}}}"#));
    }

    /// Delays the appearance of new objects in lists.
    pub fn lag(&self, milliseconds: u32) {
        self.control("PUT", "settings", &format!(r#"{{"lookup_lag_ms":{milliseconds}}}"#));
    }

    /// Makes a change that a person makes on the network by hand.
    pub fn by_hand(&self, method: &str, path: &str, body: &Object) -> Object {
        let url = format!("{}{path}", self.emulator.url);
        let body = if method == "GET" { String::new() } else { body.to_string() };
        read(method, path, &exchange(method, &url, &self.credentials, body.as_bytes()).unwrap())
    }

    /// Sends a request to the emulator's control API.
    pub fn control(&self, method: &str, path: &str, body: &str) -> Object {
        let url = format!("{}/__control/{path}", self.emulator.url);
        read(method, path, &exchange(method, &url, &[], body.as_bytes()).unwrap())
    }
}

fn read(method: &str, path: &str, answer: &IncomingResponse) -> Object {
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status < 300, "{method} {path}: {text}");
    Json::parse(&text).ok().and_then(|json| json.as_object().cloned()).unwrap_or_default()
}

fn send(request: &OutgoingRequest, credentials: &Credentials) -> Result<IncomingResponse, TransportError> {
    let body = request.body.as_deref().unwrap_or_default();
    let headers: Credentials = request.headers.iter().chain(credentials).cloned().collect();
    exchange(request.method.as_str(), &request.url, &headers, body)
        .map_err(|error| TransportError::Lost(error.to_string()))
}

/// Returns a field as JSON text.
#[must_use]
pub fn field(object: &Object, name: &str) -> String {
    object.get(name).cloned().unwrap_or_default().to_string()
}

/// Makes an update.
#[must_use]
pub fn change(current: &MediaBuy, desired: &MediaBuy, creatives: &[Creative], touched: &[&str]) -> MediaBuyUpdate {
    MediaBuyUpdate {
        current: current.clone(),
        desired: desired.clone(),
        creatives: creatives.to_vec(),
        touched: touched.iter().map(|&id| id.to_owned()).collect(),
        extensions: Vec::new(),
    }
}

/// Creates a buy with one lost response, uploads its creatives, delivers three of its days, and
/// reads everything about it: once on a platform with full pages, and once on one with one item per
/// page and an empty page before each. Asserts that all results are the same.
pub fn whatever_the_pages<A: Adapter, E>(start: impl Fn() -> Network<A, E>, buy: &MediaBuy, assets: &[Creative]) {
    let told = |settings: &str| {
        let network = start();
        network.control("PUT", "settings", settings);
        network.fault(r#"{"writes":true,"action":"drop_after_acting"}"#);
        let create = |ctx| A::create_media_buy(ctx, buy.clone());
        network.run(create).unwrap_err();
        network.again(create).unwrap();
        let uploaded = network.upload(buy, assets);
        network.at("2026-12-04T00:00:00Z");
        let delivered = network.delivery(buy, "2026-12-01", "2026-12-31");
        assert!(!delivered.is_empty(), "{settings}");
        (network.status(buy), uploaded, delivered, network.host.remote())
    };
    assert_eq!(told(r#"{"paging":"empty_between","max_page_size":1}"#), told("{}"));
}

/// Runs an operation with a cut after each of its interactions, each time on a network of its own.
/// Then runs it again with everything that is remembered by then. It must succeed, name the same
/// steps, and leave what `look` expects. Returns the number of cuts.
pub fn everywhere<A: Adapter, E, T>(
    start: impl Fn() -> Network<A, E>,
    operation: impl Fn(Context) -> Fallible<T>,
    look: impl Fn(&Network<A, E>, u32),
) -> u32 {
    for cut in 1.. {
        let network = start();
        network.host.next_operation();
        let ctx = network.context();
        network.host.cut_after(cut);
        let survived = run(&network.host, || operation(ctx)).is_some();
        let steps = network.host.finished();
        network.again(&operation).unwrap_or_else(|failure| panic!("cut after {cut}: {failure:?}"));
        if survived {
            assert_eq!(network.host.finished(), steps, "the same steps at every run");
        }
        look(&network, cut);
        if survived {
            return cut;
        }
    }
    0
}

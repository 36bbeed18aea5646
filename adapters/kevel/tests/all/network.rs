//! An emulated network for one test, and the host through which the adapter reaches it.

use std::rc::Rc;

use flightdeck_adapter::{
    host::{IncomingResponse, OutgoingRequest, TransportError},
    json::Json,
    moment,
    prelude::*,
    testing::{FakeHost, exchange::exchange, run},
};
use flightdeck_adapter_kevel::Kevel;
use flightdeck_emulators::{
    Running,
    kevel::{Kevel as Emulator, Options},
};

use crate::samples;

const KEY: &str = "demo-key";

/// An emulator and a host.
pub(crate) struct Network {
    emulator: Running<Emulator>,
    pub(crate) host: Rc<FakeHost>,
    // Dropped last: the emulator lives in it.
    _runtime: tokio::runtime::Runtime,
}

impl Network {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = Options { api_key: KEY.to_owned(), ..Options::default() };
        let emulator = runtime.block_on(Emulator::start(options)).unwrap();
        let host = FakeHost::with_description(&Kevel::describe(), send);
        let network = Self { emulator, host, _runtime: runtime };
        network.at("2026-11-01T00:00:00Z");
        network
    }

    /// Sets the clocks of both.
    pub(crate) fn at(&self, now: &str) {
        self.host.set_now(moment::parse(now).unwrap());
        self.control("PUT", "clock", &format!(r#"{{"now":"{now}"}}"#));
    }

    /// A context with what the host remembers.
    pub(crate) fn context(&self) -> Context {
        Context {
            endpoint: self.emulator.url.clone(),
            remote: self.host.remote(),
            deadline: "2027-12-31T00:00:00Z".to_owned(),
            ..samples::context()
        }
    }

    /// Runs an operation of its own, to its end.
    pub(crate) fn run<T>(&self, operation: impl FnOnce(Context) -> T) -> T {
        self.host.next_operation();
        let ctx = self.context();
        run(&self.host, || operation(ctx)).unwrap()
    }

    pub(crate) fn create(&self, buy: &MediaBuy) {
        self.run(|ctx| Kevel::create_media_buy(ctx, buy.clone())).unwrap();
    }

    pub(crate) fn upload(&self, buy: &MediaBuy, assets: &[Creative]) -> Vec<AssetStatus> {
        let batch = CreativeBatch { media_buy: buy.clone(), assets: assets.to_vec() };
        self.run(|ctx| Kevel::add_creative_assets(ctx, batch)).unwrap().assets
    }

    /// How the buy stands.
    pub(crate) fn status(&self, buy: &MediaBuy) -> BuyStatus {
        let answers = self.run(|ctx| Kevel::check_status(ctx, vec![self.remote_buy(buy)])).unwrap();
        answers.into_iter().next().unwrap().status.unwrap()
    }

    pub(crate) fn remote_buy(&self, buy: &MediaBuy) -> RemoteBuy {
        RemoteBuy {
            media_buy_id: buy.media_buy_id.clone(),
            advertiser_id: "1001".to_owned(),
            remote: self.host.remote(),
            start: buy.start.clone(),
            end: buy.end.clone(),
        }
    }

    /// How many of a kind exist, after looking that none exists twice.
    pub(crate) fn count(&self, kind: &str) -> usize {
        let objects = self.control("GET", "objects", "");
        let duplicates = objects.get("duplicates").unwrap();
        assert!(duplicates.items().is_empty(), "made twice: {duplicates}");
        let counts = objects.get("counts").and_then(Json::as_object).unwrap();
        counts.get(kind).and_then(Json::as_i64).and_then(|count| usize::try_from(count).ok()).unwrap()
    }

    /// All objects of a kind, as the platform keeps them.
    pub(crate) fn objects(&self, kind: &str) -> Vec<Object> {
        let answer = self.control("GET", &format!("objects/{kind}"), "");
        answer.get("objects").unwrap().items().iter().map(|item| item.as_object().unwrap().clone()).collect()
    }

    /// Sets a rule by which requests fail.
    pub(crate) fn fault(&self, rule: &str) {
        self.control("POST", "faults", rule);
    }

    /// Lets lists give so many items a page at most.
    pub(crate) fn page_size(&self, items: u32) {
        self.control("PUT", "settings", &format!(r#"{{"max_page_size":{items}}}"#));
    }

    /// What a person does on the network by hand.
    pub(crate) fn by_hand(&self, method: &str, path: &str, body: &Object) -> Object {
        let key = [("X-Adzerk-ApiKey".to_owned(), KEY.to_owned())];
        let url = format!("{}{path}", self.emulator.url);
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let answer = exchange(method, &url, &key, body.as_bytes()).unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        assert!(answer.status < 300, "{method} {path}: {text}");
        Json::parse(&text).ok().and_then(|json| json.as_object().cloned()).unwrap_or_default()
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Object {
        let url = format!("{}/__control/{path}", self.emulator.url);
        let answer = exchange(method, &url, &[], body.as_bytes()).unwrap();
        assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.body));
        let text = String::from_utf8(answer.body).unwrap();
        Json::parse(&text).ok().and_then(|json| json.as_object().cloned()).unwrap_or_default()
    }
}

/// A field as JSON text.
pub(crate) fn field(object: &Object, name: &str) -> String {
    object.get(name).cloned().unwrap_or_default().to_string()
}

fn send(request: &OutgoingRequest) -> Result<IncomingResponse, TransportError> {
    let body = request.body.as_deref().unwrap_or_default();
    // What the real host does after the request left the adapter.
    let mut headers = request.headers.clone();
    headers.push(("X-Adzerk-ApiKey".to_owned(), KEY.to_owned()));
    exchange(request.method.as_str(), &request.url, &headers, body)
        .map_err(|error| TransportError::Lost(error.to_string()))
}

//! A hundred swaps of an adapter under a steady load, ten of them to a release that traps: no request is lost, fails, or is
//! carried out twice. How much longer requests take meanwhile is printed.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use flightdeck::domain::digest;
use flightdeck_test_support::guest;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    acme::{AdServer, acme},
    house::{Answer, BUYER, House, OPERATOR, PATIENCE, today},
    replicas::Replicas,
};

/// Clients at a time.
const CLIENTS: usize = 16;

/// Requests before the first swap, which are what the others are compared to.
const CALM: usize = 20 * CLIENTS;

/// Swaps, and after how many of them one is to a release that traps.
const SWAPS: usize = 100;
const TRAPS_EACH: usize = 10;

pub(crate) async fn install(house: &House, name: &str, traps: bool) -> String {
    let bytes = guest::release(name, traps);
    let digest = digest::sha256(&bytes);
    let request = house.client.post(format!("{}/v1/platforms/acme/releases", house.url())).bearer_auth(OPERATOR);
    let answer = request.header("Content-Type", "application/wasm").body(bytes).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
    digest
}

async fn activate(house: &House, digest: &str) {
    let path = format!("/v1/platforms/acme/releases/{digest}/activate");
    house.post(OPERATOR, &path, json!({})).await.expect(200);
}

async fn serving(house: &House) -> (i64, String) {
    let list = house.get(OPERATOR, "/v1/platforms/acme/releases").await.expect(200).body;
    let number = list["activation"]["number"].as_i64().expect("a number");
    (number, list["activation"]["digest"].as_str().expect("a digest").to_owned())
}

/// What the clients did.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    bought: AtomicUsize,
    /// Milliseconds of each request.
    took: Mutex<Vec<u128>>,
}

impl Load {
    async fn call(&self, house: &House, method: Method, path: &str, body: Value) -> Answer {
        let began = Instant::now();
        let answer = house.call(BUYER, method.clone(), path, body).await;
        self.took.lock().expect("it is whole").push(began.elapsed().as_millis());
        assert!(answer.status.is_success(), "{method} {path}: {} {:#}\n{}", answer.status, answer.body, house.log());
        answer
    }

    /// Creates, changes and reads until it is to stop.
    async fn run(&self, house: &House) {
        while !self.stop.load(Ordering::Relaxed) {
            let request = json!({ "packages": ["acme"], "total_budget": 100, "flight_start_date": today() });
            let bought = self.call(house, Method::POST, "/v1/media-buys", request).await;
            assert_eq!(bought.body["status"], "pending_activation", "{:#}\n{}", bought.body, house.log());
            self.bought.fetch_add(1, Ordering::Relaxed);
            let path = format!("/v1/media-buys/{}", bought.text("/media_buy_id"));
            let paused = self.call(house, Method::PATCH, &path, json!({ "active": false })).await;
            assert_eq!(paused.body["status"], "accepted", "{:#}", paused.body);
            self.call(house, Method::GET, &format!("{path}/status"), Value::Null).await;
            self.call(house, Method::GET, "/v1/products", Value::Null).await;
        }
    }

    /// Waits until the clients have made so many requests.
    async fn until(&self, requests: usize) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while self.took.lock().expect("it is whole").len() < requests {
            assert!(tokio::time::Instant::now() < until, "the clients make no requests");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The median and the 99th percentile of what requests took, in milliseconds, and how many there were.
    fn took(&self) -> (u128, u128, usize) {
        let mut took = std::mem::take(&mut *self.took.lock().expect("it is whole"));
        took.sort_unstable();
        let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
        (at(50), at(99), took.len())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_swaps_under_load_lose_fail_and_double_nothing() {
    let server = AdServer::default();
    let endpoint = server.start().await;
    let mut house = House::with(&[("acme", "7")], |_| acme(&endpoint)).await;
    house.start(&[]).await;
    let first = serving(&house).await.1;
    let second = install(&house, "second", false).await;
    let bad = install(&house, "bad", true).await;
    let load = Load::default();
    let swaps = async {
        load.until(CALM).await;
        let calm = load.took();
        let mut undone = 0;
        for swap in 0..SWAPS {
            let (number, now) = serving(&house).await;
            if swap % TRAPS_EACH == TRAPS_EACH - 1 {
                activate(&house, &bad).await;
                let until = tokio::time::Instant::now() + PATIENCE;
                while serving(&house).await.0 < number + 2 {
                    assert!(tokio::time::Instant::now() < until, "it is never rolled back:\n{}", house.log());
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                assert_eq!(serving(&house).await.1, now, "what served before serves again");
                undone += 1;
            } else {
                activate(&house, if now == first { &second } else { &first }).await;
            }
        }
        load.stop.store(true, Ordering::Relaxed);
        (calm, undone)
    };
    let clients = futures::future::join_all((0..CLIENTS).map(|_| load.run(&house)));
    let ((calm, undone), _) = tokio::join!(swaps, clients);
    assert_eq!(undone, SWAPS / TRAPS_EACH);
    let swapped = load.took();
    println!("without swaps: p50 {} ms, p99 {} ms of {} requests", calm.0, calm.1, calm.2);
    println!("with {SWAPS} swaps: p50 {} ms, p99 {} ms of {} requests", swapped.0, swapped.1, swapped.2);
    let bought = load.bought.load(Ordering::Relaxed);
    assert!(bought > SWAPS, "only {bought} buys: too few to show anything");
    assert_eq!(server.counts(), (2 * bought, 2 * bought), "an order and a line for each of {bought} buys, each once");
}

#[tokio::test]
async fn three_replicas_follow_a_swap() {
    let server = AdServer::default();
    let endpoint = server.start().await;
    let Some(replicas) = Replicas::empty(3, &acme(&endpoint)).await else { return };
    replicas
        .servers
        .house
        .configure("{ advertiser_id = \"1001\" }", "{ advertiser_id = \"1001\" }, acme = { advertiser_id = \"7\" }");
    for index in 0..3 {
        replicas.start(index).await;
    }
    let bytes = guest::release("second", false);
    let digest = digest::sha256(&bytes);
    let file = replicas.servers.house.dir().join("second.wasm");
    std::fs::write(&file, bytes).expect("it is written");
    let file = file.display().to_string();
    let done = replicas.command().args(["adapter", "install", "acme", &file, "--activate"]).output().await;
    let done = done.expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let began = Instant::now();
    let request = json!({ "packages": ["acme"], "total_budget": 100, "flight_start_date": today(), "dry_run": true });
    for index in 0..3 {
        let planned = |answer: &Answer| answer.body["plan"][0]["adapter_release"] == digest.as_str();
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = replicas.ask(index, BUYER, Method::POST, "/v1/media-buys", Some(&request), &[]).await;
            if answer.is_some_and(|answer| planned(&answer)) {
                break;
            }
            assert!(tokio::time::Instant::now() < until, "host {index} never follows:\n{}", replicas.log(index));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("host {index} follows after {} ms", began.elapsed().as_millis());
    }
}

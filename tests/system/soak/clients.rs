//! Clients that buy, change, upload and pause, and reviewers who decide: each insists until it is answered, with the same key. What
//! was acknowledged goes into the ledger.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    house::{Answer, BUYER, REVIEWER, today},
    replicas::Replicas,
};

/// How long a client insists. Hosts are down for seconds, not minutes.
const INSISTENCE: Duration = Duration::from_secs(120);

/// A media buy that was acknowledged, and what was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Bought {
    pub(super) buy: String,
    pub(super) task: String,
    pub(super) approved: bool,
    /// Where each of its packages lives, and its budget at last, in whole dollars.
    pub(super) packages: Vec<(&'static str, u64)>,
    /// Every operation that was acknowledged, the create first.
    pub(super) operations: Vec<String>,
    pub(super) creatives: u64,
    pub(super) paused: bool,
}

/// What was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Vec<Bought>>);

impl Ledger {
    pub(super) fn all(&self) -> Vec<Bought> {
        self.0.lock().unwrap().clone()
    }
}

/// A client.
struct Client {
    replicas: Arc<Replicas>,
    rng: SmallRng,
    name: String,
    asked: u64,
}

/// Buys one thing after the other until it is enough.
pub(super) async fn buy(number: usize, replicas: Arc<Replicas>, ledger: Arc<Ledger>, enough: CancellationToken) {
    let rng = SmallRng::seed_from_u64(0xc11e + number as u64);
    let mut client = Client { replicas, rng, name: format!("client-{number}"), asked: 0 };
    while !enough.is_cancelled() {
        let bought = client.story().await;
        ledger.0.lock().unwrap().push(bought);
    }
}

impl Client {
    /// Asks any host, until one of them answers for good.
    async fn insist(&mut self, token: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.asked += 1;
        let key = format!("{}-{}", self.name, self.asked);
        let until = tokio::time::Instant::now() + INSISTENCE;
        let mut last = None;
        while tokio::time::Instant::now() < until {
            let index = self.rng.random_range(0..self.replicas.all.len());
            let headers = [("Idempotency-Key", key.as_str()), ("Prefer", "wait=2")];
            // A host that is frozen does not answer at all: somebody else is asked.
            let asked = self.replicas.ask(index, token, method.clone(), path, body, &headers);
            match tokio::time::timeout(Duration::from_secs(5), asked).await {
                Ok(Some(answer)) if answer.status.as_u16() < 500 && !in_progress(&answer) => return answer,
                Ok(other) => last = other.or(last),
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!(
            "{}: no answer to {method} {path}; at last: {last:#?}\n{}",
            self.name,
            self.standing(last.as_ref()).await
        );
    }

    /// What stands about the operation that an answer names, and what the hosts say: for whoever must find out what went wrong.
    async fn standing(&self, answer: Option<&Answer>) -> String {
        let mut told = String::new();
        if let Some(operation) = answer.and_then(|answer| answer.body["error"]["details"]["operation_id"].as_str()) {
            let path = format!("/v1/operations/{operation}");
            let stands = self.replicas.ask(0, BUYER, Method::GET, &path, None, &[]).await;
            told = format!("{:#}\n", stands.map_or(Value::Null, |answer| answer.body));
        }
        for index in 0..self.replicas.all.len() {
            told.push_str(&self.replicas.log(index));
        }
        told
    }

    async fn ended(&mut self, operation: &str) -> Answer {
        let until = tokio::time::Instant::now() + INSISTENCE;
        loop {
            let answer =
                self.insist(BUYER, Method::GET, &format!("/v1/operations/{operation}"), None).await.expect(200);
            if matches!(answer.body["state"].as_str(), Some("succeeded" | "failed")) {
                return answer;
            }
            assert!(tokio::time::Instant::now() < until, "{operation} never ended: {:#}", answer.body);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// An acknowledged change of a buy, waited for.
    async fn change(&mut self, bought: &mut Bought, method: Method, path: &str, body: Value) {
        let path = format!("/v1/media-buys/{}{path}", bought.buy);
        let answer = self.insist(BUYER, method, &path, Some(&body)).await;
        assert!(answer.status.is_success(), "{path} {body}: {:#}", answer.body);
        let operation = answer.text("/operation_id");
        bought.operations.push(operation.clone());
        let ended = self.ended(&operation).await;
        assert_eq!(ended.body["state"], "succeeded", "{path} {body}: {:#}", ended.body);
    }

    /// A buy, from its request to its pause.
    async fn story(&mut self) -> Bought {
        let servers = ["kevel", "gam", "triton"];
        let chosen: Vec<&'static str> = match self.rng.random_range(0..10) {
            0..=4 => vec!["kevel"],
            5..=6 => vec!["gam"],
            7..=8 => vec!["triton"],
            _ => servers.to_vec(),
        };
        let replicas = self.replicas.clone();
        let first_package = |name: &str| replicas.servers.server(name).packages[0];
        let mut bought = Bought::default();
        let mut packages = Vec::new();
        for name in chosen {
            let budget = 1_000 * self.rng.random_range(1..10u64);
            bought.packages.push((name, budget));
            packages.push(json!({ "package_id": first_package(name), "budget": budget }));
        }
        let total: u64 = bought.packages.iter().map(|(_, budget)| budget).sum();
        let request = json!({ "packages": packages, "total_budget": total, "flight_start_date": today() });
        let created = self.insist(BUYER, Method::POST, "/v1/media-buys", Some(&request)).await.expect(202);
        bought.buy = created.text("/media_buy_id");
        bought.task = created.text("/task_id");
        let operation = created.text("/operation_id");
        bought.operations.push(operation.clone());
        bought.approved = self.rng.random_bool(0.85);
        let resolution = if bought.approved { "approved" } else { "rejected" };
        let decision = json!({ "resolution": resolution, "resolution_detail": "as it is" });
        let path = format!("/v1/tasks/{}/complete", bought.task);
        self.insist(REVIEWER, Method::POST, &path, Some(&decision)).await.expect(200);
        let ended = self.ended(&operation).await;
        let wanted = if bought.approved { "succeeded" } else { "failed" };
        assert_eq!(ended.body["state"], wanted, "{:#}", ended.body);
        if !bought.approved {
            return bought;
        }
        if self.rng.random_bool(0.5) {
            let (name, budget) = &mut bought.packages[0];
            // Never less: some platforms keep what was booked.
            *budget += 1_000 * self.rng.random_range(1..5u64);
            let patch = json!({ "packages": [{ "package_id": first_package(name), "budget": *budget }] });
            self.change(&mut bought, Method::PATCH, "/packages", patch).await;
        }
        if self.rng.random_bool(0.5) {
            let name = bought.packages[0].0;
            let mut creative = replicas.servers.server(name).creative("banner");
            creative["package_assignments"] = json!([first_package(name)]);
            self.change(&mut bought, Method::POST, "/creative-assets", json!({ "assets": [creative] })).await;
            bought.creatives += 1;
        }
        if self.rng.random_bool(0.5) {
            self.change(&mut bought, Method::PATCH, "", json!({ "active": false })).await;
            bought.paused = true;
        }
        bought
    }
}

/// The first request under this key, or another change of this buy, still runs: the answer comes later.
fn in_progress(answer: &Answer) -> bool {
    answer.status.as_u16() == 409
        && matches!(answer.error_code().as_deref(), Some("OPERATION_IN_PROGRESS" | "INVALID_STATE"))
}

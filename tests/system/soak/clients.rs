//! A client, which insists until it is answered, with the same key, whichever host it asks.

use std::{sync::Arc, time::Duration};

use rand::{RngExt as _, rngs::SmallRng};
use reqwest::Method;
use serde_json::Value;

use super::Seed;
use crate::{
    house::{Answer, BUYER},
    replicas::Replicas,
};

/// How long a client insists. Hosts are down for seconds, not minutes.
const INSISTENCE: Duration = Duration::from_secs(120);

/// How long it waits for the end of an operation. While everything goes wrong, one on three ad servers takes minutes: hosts that are killed
/// every few seconds hold it for a lease each time.
const UNTIL_IT_ENDS: Duration = Duration::from_secs(900);

/// How long it waits for one answer. A host that is frozen does not answer at all: somebody else is asked.
const FOR_AN_ANSWER: Duration = Duration::from_secs(5);

/// What a host answers that can't do it now, or was asked too much; the client asks again. Any other failure is the host's fault.
const COME_BACK: [u16; 5] = [429, 502, 503, 504, 507];

/// A client.
pub(super) struct Client {
    pub(super) replicas: Arc<Replicas>,
    pub(super) dice: SmallRng,
    name: String,
    asked: u64,
}

/// A request: whose, what, and under which key.
#[derive(Debug)]
pub(super) struct Request {
    token: &'static str,
    method: Method,
    path: String,
    body: Option<Value>,
    key: String,
    wait: &'static str,
}

impl Client {
    pub(super) fn new(name: &str, number: usize, seed: Seed, replicas: Arc<Replicas>) -> Self {
        Self { replicas, dice: seed.dice(name, number), name: format!("{name}-{number}"), asked: 0 }
    }

    /// A request under a new key, which waits for its outcome for a moment, or not at all.
    pub(super) fn request(
        &mut self,
        token: &'static str,
        method: Method,
        path: &str,
        body: Option<Value>,
        waits: bool,
    ) -> Request {
        self.asked += 1;
        let key = format!("{}-{}", self.name, self.asked);
        Request { token, method, path: path.to_owned(), body, key, wait: if waits { "wait=2" } else { "wait=0" } }
    }

    /// Asks any host; `None` if it does not answer.
    async fn ask(&mut self, request: &Request, body: Option<&Value>) -> Option<Answer> {
        let index = self.dice.random_range(0..self.replicas.all.len());
        let headers = [("Idempotency-Key", request.key.as_str()), ("Prefer", request.wait)];
        let asked = self.replicas.ask(index, request.token, request.method.clone(), &request.path, body, &headers);
        let answer = tokio::time::timeout(FOR_AN_ANSWER, asked).await.ok().flatten()?;
        let status = answer.status.as_u16();
        assert!(
            status < 500 || COME_BACK.contains(&status),
            "{}: {request:?} was answered with {status} {:#}\n{}",
            self.name,
            answer.body,
            self.replicas.log(index)
        );
        Some(answer)
    }

    /// Asks any host, until one of them answers for good. That the first request under its key still runs is such an answer: it was
    /// accepted, and is named.
    pub(super) async fn insist(&mut self, request: &Request) -> Answer {
        let until = tokio::time::Instant::now() + INSISTENCE;
        let mut last = None;
        while tokio::time::Instant::now() < until {
            match self.ask(request, request.body.as_ref()).await {
                Some(answer) if !COME_BACK.contains(&answer.status.as_u16()) => return answer,
                other => last = other.or(last),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let standing = self.standing(last.as_ref()).await;
        panic!("{}: no answer to {request:?}; at last: {last:#?}\n{standing}", self.name);
    }

    /// Sends a request again that was answered: it is the same operation, and another body under its key is refused.
    pub(super) async fn repeat(&mut self, request: &Request, operation: &str, other: Option<&Value>) {
        let again = self.insist(request).await;
        assert_eq!(operation_of(&again), operation, "{request:?}: {:#}", again.body);
        assert!(
            again.body["replayed"] == true || again.status.as_u16() == 409,
            "{request:?} is no replay: {:#}",
            again.body
        );
        let Some(other) = other else { return };
        let until = tokio::time::Instant::now() + INSISTENCE;
        loop {
            match self.ask(request, Some(other)).await {
                Some(answer) if !COME_BACK.contains(&answer.status.as_u16()) => {
                    let code = answer.error_code();
                    assert_eq!(
                        code.as_deref(),
                        Some("IDEMPOTENCY_CONFLICT"),
                        "{request:?}, {other}: {:#}",
                        answer.body
                    );
                    return;
                }
                _ => assert!(tokio::time::Instant::now() < until, "no answer to {request:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
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

    /// An operation, once it has ended.
    pub(super) async fn ended(&mut self, operation: &str) -> Answer {
        let until = tokio::time::Instant::now() + UNTIL_IT_ENDS;
        loop {
            let path = format!("/v1/operations/{operation}");
            let request = self.request(BUYER, Method::GET, &path, None, false);
            let answer = self.insist(&request).await.expect(200);
            if matches!(answer.body["state"].as_str(), Some("succeeded" | "failed")) {
                return answer;
            }
            assert!(tokio::time::Instant::now() < until, "{operation} never ended: {:#}", answer.body);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The operation that an answer is about.
#[track_caller]
pub(super) fn operation_of(answer: &Answer) -> String {
    if answer.error_code().as_deref() == Some("OPERATION_IN_PROGRESS") {
        return answer.text("/error/details/operation_id");
    }
    assert!(answer.status.is_success(), "{} {:#}", answer.status, answer.body);
    answer.text("/operation_id")
}

//! A single attempt of a delivery: the request, its signatures, and what the answer means.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use crate::{
    domain::{keys::Keyring, time::Timestamp, webhook::Endpoint},
    network::{allow_list::AddressRefused, origins::Origin, receivers::Policy},
    operations::now,
    store::webhooks::DueDelivery,
};

/// The number of origins that keep their connections.
const MOST_CLIENTS: usize = 200;

/// How many bytes of an answer are read, so that its connection can be reused. The contents are
/// ignored.
const MOST_READ: usize = 64 << 10;

/// How long an answer is read. A receiver that trickles it loses the connection, but does not block
/// anybody else.
const READ_FOR: Duration = Duration::from_secs(1);

/// The error that an endpoint's owner sees if its deliveries can't be signed. Owners know nothing
/// about the host's keys.
const UNREADABLE: &str =
    "it could not be signed: its secret can't be read; tell the operator, whose log says why, or rotate it";

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The receiver accepted the delivery with this HTTP status.
    Accepted(u16),
    /// The receiver answered 410: it wants no more deliveries.
    Gone,
    /// The attempt failed and is to be retried.
    Failed {
        /// The HTTP status of the answer, if there was one.
        answered: Option<u16>,
        /// The reason, as shown to the endpoint's owner.
        error: String,
        /// The delay that the receiver asked for.
        retry_after: Option<Duration>,
    },
}

impl DeliveryResult {
    fn failed(error: impl Into<String>) -> Self {
        Self::Failed { answered: None, error: error.into(), retry_after: None }
    }
}

/// Sends webhooks.
#[derive(Debug)]
pub struct Sender {
    policy: Policy,
    clients: Mutex<HashMap<Origin, reqwest::Client>>,
}

impl Sender {
    /// Returns a sender that enforces the policy.
    pub fn new(policy: Policy) -> Self {
        Self { policy, clients: Mutex::default() }
    }

    /// Returns the policy that it enforces.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Attempts a delivery once.
    pub async fn send(&self, due: &DueDelivery, keys: &Keyring, now: Timestamp) -> DeliveryResult {
        // The url is checked again, because the policy may have changed since the endpoint was
        // created.
        let url = match self.policy.judge(&due.endpoint.url) {
            Ok(url) => url,
            Err(refused) => return DeliveryResult::failed(format!("its url {refused}")),
        };
        let seconds = now.as_micros().div_euclid(1_000_000);
        let secrets = secrets(&due.endpoint, keys, now);
        let signature = match signature(&secrets, due.event.as_str(), seconds, &due.body) {
            Ok(signature) if !signature.is_empty() => signature,
            Ok(_) => return DeliveryResult::failed(UNREADABLE),
            Err(error) => return DeliveryResult::failed(format!("it could not be signed: {error}; rotate its secret")),
        };
        let Some(origin) = Origin::of(&url) else { return DeliveryResult::failed("its url has no host") };
        let client = match self.client(origin) {
            Ok(client) => client,
            Err(error) => return DeliveryResult::failed(error.to_string()),
        };
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, due.event.as_str())
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(due.body.clone());
        match request.send().await {
            Ok(response) => classify(response).await,
            Err(error) => {
                tracing::info!(webhook = %due.endpoint.id, event = %due.event, error = last_cause(&error), "a webhook was not answered");
                DeliveryResult::failed(why(&error))
            }
        }
    }

    fn client(&self, origin: Origin) -> Result<reqwest::Client, reqwest::Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&origin) {
            return Ok(client.clone());
        }
        let client = self.policy.client(&origin)?;
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        clients.insert(origin, client.clone());
        Ok(client)
    }
}

/// Returns the plaintext secrets that currently sign. A secret that can't be decrypted is logged
/// for the operator and left out, so that receivers with the other secret of a rotation are served.
fn secrets(endpoint: &Endpoint, keys: &Keyring, now: Timestamp) -> Vec<String> {
    let read = endpoint.signing(now).map(|secret| keys.open(&secret.text, endpoint.id.as_str()));
    read.filter_map(|read| {
        read.inspect_err(|error| tracing::error!(webhook = %endpoint.id, %error, "the secret of an endpoint of webhooks can't be read")).ok()
    })
    .collect()
}

/// Returns one signature per secret, separated by spaces.
fn signature(secrets: &[String], id: &str, seconds: i64, body: &str) -> Result<String, standardwebhooks::WebhookError> {
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| Webhook::new(secret)?.sign(id, seconds, body.as_bytes()))
        .collect::<Result<_, _>>()?;
    Ok(signatures.join(" "))
}

async fn classify(mut response: reqwest::Response) -> DeliveryResult {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| flightdeck_retry_after::read(value.to_str().ok()?, now().into()));
    let reading = async {
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read > MOST_READ {
                break;
            }
        }
    };
    // The status is already known, however much more is sent.
    let _ = tokio::time::timeout(READ_FOR, reading).await;
    match status {
        StatusCode::GONE => DeliveryResult::Gone,
        status if status.is_success() => DeliveryResult::Accepted(status.as_u16()),
        status => DeliveryResult::Failed {
            answered: Some(status.as_u16()),
            error: if status.is_redirection() {
                format!("it answered {status}; redirects are not followed: give its new url")
            } else {
                format!("it answered {status}")
            },
            retry_after,
        },
    }
}

/// Returns the last cause of an error, which says most. For the operator.
fn last_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |error| error.source())
}

/// Returns why there was no answer, for the endpoint's owner. Anybody who learns which names the
/// publisher's network knows, and their addresses, can map it. So a name that resolves to an
/// internal address and one that doesn't resolve get the same message.
fn why(error: &reqwest::Error) -> String {
    if error.is_dns() || causes(error).any(|cause| cause.is::<AddressRefused>()) {
        return "its name leads to no address on the internet".to_owned();
    }
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let what = if error.is_connect() { "it can't be reached" } else { "it did not answer" };
    format!("{what}: {}", last_cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_receiver_asks_for_a_pause_in_seconds_or_by_a_date() {
        let asked = async |value: &str| {
            let answer = http::Response::builder().status(503).header(RETRY_AFTER, value).body("").expect("an answer");
            match classify(answer.into()).await {
                DeliveryResult::Failed { retry_after, .. } => retry_after.map(|pause| pause.as_secs()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(asked("7200").await, Some(7_200));
        assert_eq!(asked("Thu, 01 Jan 1970 00:00:00 GMT").await, Some(0));
        assert_eq!(asked("Fri, 31 Dec 9999 23:59:59 GMT").await, Some(86_400), "as long as is believed");
        assert_eq!(asked("soon").await, None);
    }
}

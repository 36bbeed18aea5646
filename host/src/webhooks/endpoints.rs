//! Webhook endpoints, as their owners manage them.

use base64::Engine as _;

use crate::{
    domain::{
        event::{Event, EventData, EventKind},
        id::{EventId, MediaBuyId, PrincipalId, WebhookId},
        keys::KeyError,
        time::Timestamp,
        webhook::{Delivery, Disabled, Endpoint, MOST_ENDPOINTS, SigningSecret},
    },
    network::receivers::Policy,
    operations::now,
    store::{
        AuditEntry, Store, StoreError, Stored, Write,
        webhooks::{DeliveryFilter, Replay, Replayed},
    },
};

/// Maximum events that one replay sends again.
pub const MOST_REPLAYED: u32 = 10_000;

/// Deliveries removed by one write, limited so that other writes get their turn.
const REMOVED_AT_A_TIME: u32 = 2_000;

/// Maximum such writes in one call: ten million deliveries.
const MOST_REMOVALS: u32 = 5_000;

/// The audit log's reason for a change if no other was given.
const WANTED: &str = "its owner wanted so";

/// The audit log's entry when a secret was shown to somebody.
const SHOWN: &str = "they were shown its secret";

/// 256 bits; the standard recommends at least 192.
const SECRET_BYTES: usize = 32;

/// The endpoints that a caller may see and change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A principal's own endpoints.
    Principal(PrincipalId),
    /// All endpoints. A new one belongs to the publisher and gets everybody's events.
    All,
}

/// Why a request about an endpoint was refused.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// There is no such endpoint for this caller.
    #[error("there is no such endpoint of webhooks")]
    NotFound,
    /// There is no such delivery to this endpoint.
    #[error("this event was never sent to this endpoint; list its deliveries to see which were")]
    NoDelivery,
    /// The URL can't be used.
    #[error("url {0}")]
    Url(String),
    /// The endpoint would get no events.
    #[error("events must name at least one kind of event")]
    NoEvents,
    /// There are too many endpoints.
    #[error("there are {MOST_ENDPOINTS} endpoints already: delete one")]
    TooMany,
    /// Removing its deliveries takes longer than one call.
    #[error("the endpoint is disabled, and its deliveries are still being removed: delete it again")]
    Removing,
    /// The endpoint is disabled.
    #[error("the endpoint is disabled ({0}): enable it first")]
    Disabled(String),
    /// The machine has no randomness.
    #[error("the system gave no random bytes")]
    Random,
    /// The secret can't be encrypted.
    #[error("the secret can't be kept: {0}")]
    Key(#[from] KeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The settings of a new endpoint.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// The URL that events are sent to.
    pub url: String,
    /// The kinds of events that it gets.
    pub events: Vec<EventKind>,
    /// The owner's description.
    pub description: Option<String>,
}

/// A change of an endpoint. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    /// The URL that events are sent to.
    pub url: Option<String>,
    /// The kinds of events that it gets.
    pub events: Option<Vec<EventKind>>,
    /// The owner's description; `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// Whether events are sent to it.
    pub active: Option<bool>,
}

/// An endpoint with its new secret, which is shown only this once.
#[derive(Debug, Clone)]
pub struct EndpointWithSecret {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The secret, as `whsec_…`.
    pub secret: String,
}

/// Manages endpoints on behalf of one caller.
#[derive(Debug)]
pub struct EndpointManager<'m> {
    /// The store of endpoints and deliveries.
    pub store: &'m Store,
    /// The policy on where webhooks may be sent.
    pub policy: &'m Policy,
    /// The caller: the name of a token.
    pub by: &'m str,
    /// The endpoints that the caller may manage.
    pub scope: Scope,
}

impl EndpointManager<'_> {
    /// Creates an endpoint.
    ///
    /// # Errors
    /// When the URL or events are not allowed, or there are too many endpoints.
    pub async fn create(&self, new: NewEndpoint) -> Result<EndpointWithSecret, EndpointError> {
        self.policy.judge(&new.url).map_err(EndpointError::Url)?;
        let owner = match &self.scope {
            Scope::Principal(principal) => Some(principal.clone()),
            Scope::All => None,
        };
        let (id, secret, at) = (WebhookId::mint(), mint()?, now());
        let text = self.store.keys().seal(&secret, id.as_str())?;
        let endpoint = Endpoint {
            id,
            owner,
            url: new.url,
            events: kinds(new.events)?,
            description: new.description,
            secrets: vec![SigningSecret { text, until: None }],
            disabled: None,
            failing_since: None,
            dead: 0,
            created_at: at,
            updated_at: at,
        };
        let line = self.line("webhook.created", &endpoint, format!("{WANTED}; {SHOWN}"), at);
        if self.store.add_webhook(&endpoint, MOST_ENDPOINTS, line).await? {
            Ok(EndpointWithSecret { endpoint, secret })
        } else {
            Err(EndpointError::TooMany)
        }
    }

    /// Returns the endpoints, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<Endpoint>, EndpointError> {
        let owner = match &self.scope {
            Scope::Principal(principal) => Some(principal),
            Scope::All => None,
        };
        Ok(self.store.webhooks(owner).await?)
    }

    /// Returns an endpoint.
    ///
    /// # Errors
    /// When there is no such endpoint for this caller.
    pub async fn get(&self, id: &WebhookId) -> Result<Endpoint, EndpointError> {
        Ok(self.stored(id).await?.value)
    }

    /// Records in the audit log that an endpoint was viewed on the command line, bypassing the
    /// interface and its roles.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit_reading(&self, endpoint: &Endpoint) -> Result<(), EndpointError> {
        let line = self.line("webhook.shown", endpoint, "without its secret".to_owned(), now());
        Ok(self.store.record(Write::Audit(line)).await?)
    }

    async fn stored(&self, id: &WebhookId) -> Result<Stored<Endpoint>, EndpointError> {
        let found = self.store.webhook(id).await?.filter(|stored| match &self.scope {
            Scope::Principal(principal) => stored.value.owner.as_ref() == Some(principal),
            Scope::All => true,
        });
        found.ok_or(EndpointError::NotFound)
    }

    /// Changes an endpoint. Disabling it gives up its pending deliveries; enabling it again does
    /// not by itself send them. A patch that changes nothing writes nothing.
    ///
    /// # Errors
    /// When the URL or events are not allowed, or the endpoint was changed concurrently.
    pub async fn change(&self, id: &WebhookId, patch: EndpointPatch) -> Result<Endpoint, EndpointError> {
        let mut stored = self.stored(id).await?;
        let before = stored.value.clone();
        let (endpoint, at) = (&mut stored.value, now());
        if let Some(url) = patch.url {
            self.policy.judge(&url).map_err(EndpointError::Url)?;
            endpoint.url = url;
        }
        if let Some(events) = patch.events {
            endpoint.events = kinds(events)?;
        }
        if let Some(description) = patch.description {
            endpoint.description = description;
        }
        match patch.active {
            Some(true) => endpoint.disabled = None,
            Some(false) if endpoint.disabled.is_none() => {
                endpoint.disabled = Some(Disabled { at, by: self.by.to_owned(), reason: WANTED.to_owned() });
            }
            Some(false) | None => {}
        }
        if *endpoint == before {
            return Ok(before);
        }
        endpoint.updated_at = at;
        let lines = self.lines(&before, endpoint, at);
        self.store.change_webhook(&stored, lines).await?;
        self.get(id).await
    }

    /// Returns the audit log entries for a change: one that names what is different, and one if the
    /// endpoint is disabled or enabled.
    fn lines(&self, before: &Endpoint, after: &Endpoint, at: Timestamp) -> Vec<AuditEntry> {
        let different = [
            ("url", before.url != after.url),
            ("events", before.events != after.events),
            ("description", before.description != after.description),
        ];
        let different: Vec<&str> = different.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        let mut lines = Vec::new();
        if !different.is_empty() {
            let reason = format!("its owner wanted another {}", different.join(", "));
            lines.push(self.line("webhook.changed", after, reason, at));
        }
        match (&before.disabled, &after.disabled) {
            (None, Some(_)) => lines.push(self.line("webhook.disabled", after, WANTED.to_owned(), at)),
            (Some(_), None) => lines.push(self.line("webhook.enabled", after, WANTED.to_owned(), at)),
            _ => {}
        }
        lines
    }

    /// Removes an endpoint and its deliveries. Nothing more is sent to it once this begins. If the
    /// call fails half-way, another call finishes the removal.
    ///
    /// # Errors
    /// When the endpoint was changed concurrently.
    pub async fn delete(&self, id: &WebhookId) -> Result<(), EndpointError> {
        if self.get(id).await?.disabled.is_none() {
            self.change(id, EndpointPatch { active: Some(false), ..EndpointPatch::default() }).await?;
        }
        let stored = self.stored(id).await?;
        let line = self.line("webhook.deleted", &stored.value, WANTED.to_owned(), now());
        for _ in 0..MOST_REMOVALS {
            if self.store.remove_webhook(&stored, REMOVED_AT_A_TIME, line.clone()).await? {
                return Ok(());
            }
        }
        Err(EndpointError::Removing)
    }

    /// Gives an endpoint a new secret. The old one keeps signing beside it for a day.
    ///
    /// # Errors
    /// When the endpoint was changed concurrently.
    pub async fn rotate(&self, id: &WebhookId) -> Result<EndpointWithSecret, EndpointError> {
        let mut stored = self.stored(id).await?;
        let (secret, at) = (mint()?, now());
        stored.value.rotate(self.store.keys().seal(&secret, id.as_str())?, at);
        let line = self.line("webhook.secret_rotated", &stored.value, format!("{WANTED}; {SHOWN}"), at);
        self.store.change_webhook(&stored, vec![line]).await?;
        Ok(EndpointWithSecret { endpoint: stored.value, secret })
    }

    /// Sends a test event to an endpoint and returns the event's id.
    ///
    /// # Errors
    /// When the endpoint is disabled.
    pub async fn test(&self, id: &WebhookId) -> Result<EventId, EndpointError> {
        let endpoint = self.enabled(id).await?;
        let at = now();
        let event = Event {
            id: EventId::mint(),
            kind: EventKind::WebhookTest,
            principal: endpoint.owner.unwrap_or_else(|| PrincipalId::from("")),
            buy: MediaBuyId::from(""),
            at,
            data: EventData::Test { webhook: id.clone(), by: self.by.to_owned() },
        };
        self.store.add_test_event(id, &event).await?;
        Ok(event.id)
    }

    async fn enabled(&self, id: &WebhookId) -> Result<Endpoint, EndpointError> {
        let endpoint = self.get(id).await?;
        match endpoint.disabled {
            Some(disabled) => Err(EndpointError::Disabled(disabled.reason)),
            None => Ok(endpoint),
        }
    }

    /// Returns past and pending deliveries to an endpoint, newest first.
    ///
    /// # Errors
    /// When there is no such endpoint.
    pub async fn deliveries(&self, id: &WebhookId, filter: &DeliveryFilter) -> Result<Vec<Delivery>, EndpointError> {
        self.stored(id).await?;
        Ok(self.store.deliveries(id, filter).await?)
    }

    /// Sends events again, at most [`MOST_REPLAYED`] of those that the store examines in one call.
    /// Returns how many, and whether there may be more.
    ///
    /// # Errors
    /// When the endpoint is disabled, or the event was never sent to it.
    pub async fn replay(&self, id: &WebhookId, what: Replay) -> Result<Replayed, EndpointError> {
        let endpoint = self.enabled(id).await?;
        let at = now();
        let reason = match &what {
            Replay::One(event) => format!("the event {event}"),
            Replay::DeadLetters => "everything that was given up".to_owned(),
            Replay::Since(since) => format!("everything since {since}"),
        };
        let one = matches!(what, Replay::One(_));
        let line = self.line("webhook.replayed", &endpoint, reason, at);
        let replayed = self.store.replay(id, what, at, MOST_REPLAYED, line).await?;
        if one && replayed.count == 0 { Err(EndpointError::NoDelivery) } else { Ok(replayed) }
    }

    fn line(&self, action: &str, endpoint: &Endpoint, reason: String, at: Timestamp) -> AuditEntry {
        AuditEntry {
            at,
            actor: self.by.to_owned(),
            action: action.to_owned(),
            subject: endpoint.id.to_string(),
            digest: endpoint.digest(),
            reason: Some(reason),
        }
    }
}

fn kinds(mut events: Vec<EventKind>) -> Result<Vec<EventKind>, EndpointError> {
    events.sort();
    events.dedup();
    if events.is_empty() { Err(EndpointError::NoEvents) } else { Ok(events) }
}

fn mint() -> Result<String, EndpointError> {
    let mut bytes = [0u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| EndpointError::Random)?;
    Ok(format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}

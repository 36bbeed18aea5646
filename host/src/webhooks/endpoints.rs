//! Endpoints of webhooks, as their owners manage them.

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

/// The maximum number of events that one replay sends again.
pub const MOST_REPLAYED: u32 = 10_000;

/// How many deliveries one write removes, so that other writes get their turn.
const REMOVED_AT_A_TIME: u32 = 2_000;

/// How many such writes one call makes, for ten million deliveries altogether.
const MOST_REMOVALS: u32 = 5_000;

/// The reason for a change if nobody gave another one.
const WANTED: &str = "its owner wanted so";

/// The reason in the audit log for showing a secret to somebody.
const SHOWN: &str = "they were shown its secret";

/// 256 bits; the standard recommends at least 192.
const SECRET_BYTES: usize = 32;

/// The endpoints that a caller may see and change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The endpoints of this principal.
    Principal(PrincipalId),
    /// All endpoints. A new one belongs to the publisher and receives the events of all principals.
    All,
}

/// Why a request about an endpoint was refused.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// There is no such endpoint for this caller.
    #[error("there is no such endpoint of webhooks")]
    NotFound,
    /// The event was never sent to this endpoint.
    #[error("this event was never sent to this endpoint; list its deliveries to see which were")]
    NoDelivery,
    /// The url can't be used.
    #[error("url {0}")]
    Url(String),
    /// No events were named.
    #[error("events must name at least one kind of event")]
    NoEvents,
    /// Events that only the publisher gets were named for a buyer's endpoint.
    #[error("events: {0} is for the publisher's endpoints; leave it out")]
    ForPublisher(EventKind),
    /// The owner has the maximum number of endpoints.
    #[error("there are {MOST_ENDPOINTS} endpoints already: delete one")]
    TooMany,
    /// Removing the deliveries takes longer than one call.
    #[error("the endpoint is disabled, and its deliveries are still being removed: delete it again")]
    Removing,
    /// The endpoint is disabled, for this reason.
    #[error("the endpoint is disabled ({0}): enable it first")]
    Disabled(String),
    /// The operating system returned no random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// The secret can't be encrypted.
    #[error("the secret can't be kept: {0}")]
    Key(#[from] KeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The properties of a new endpoint.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// The url that events are sent to.
    pub url: String,
    /// The kinds of events that the endpoint receives.
    pub events: Vec<EventKind>,
    /// The owner's description of it.
    pub description: Option<String>,
}

/// A change of an endpoint. Fields that are `None` stay unchanged.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    /// The new url.
    pub url: Option<String>,
    /// The new kinds of events, which replace the old ones.
    pub events: Option<Vec<EventKind>>,
    /// The new description; `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// `Some(false)` disables the endpoint, `Some(true)` enables it.
    pub active: Option<bool>,
}

/// An endpoint and its new secret, which is shown only this once.
#[derive(Debug, Clone)]
pub struct EndpointWithSecret {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The secret, as `whsec_…`.
    pub secret: String,
}

/// Manages endpoints for one caller.
#[derive(Debug)]
pub struct EndpointManager<'m> {
    /// The host's database.
    pub store: &'m Store,
    /// The policy on where webhooks may be sent.
    pub policy: &'m Policy,
    /// The actor: the name of a token.
    pub by: &'m str,
    /// The endpoints that the caller may manage.
    pub scope: Scope,
}

impl EndpointManager<'_> {
    /// Creates an endpoint.
    ///
    /// # Errors
    /// When the url is not allowed, no events are named, or the owner has too many endpoints.
    pub async fn create(&self, new: NewEndpoint) -> Result<EndpointWithSecret, EndpointError> {
        self.policy.judge(&new.url).map_err(EndpointError::Url)?;
        let owner = match &self.scope {
            Scope::Principal(principal) => Some(principal.clone()),
            Scope::All => None,
        };
        let events = kinds(new.events, owner.as_ref())?;
        let (id, secret, at) = (WebhookId::mint(), mint()?, now());
        let text = self.store.keys().seal(&secret, id.as_str())?;
        let endpoint = Endpoint {
            id,
            owner,
            url: new.url,
            events,
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
    /// When the store can't be read.
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
    /// When this caller has no such endpoint.
    pub async fn get(&self, id: &WebhookId) -> Result<Endpoint, EndpointError> {
        Ok(self.stored(id).await?.value)
    }

    /// Records in the audit log that somebody viewed an endpoint on the command line, bypassing the
    /// interface and its roles.
    ///
    /// # Errors
    /// When the store can't be written.
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
    /// not send those. A patch that changes nothing writes nothing.
    ///
    /// # Errors
    /// When the url is not allowed or no events are named, or when somebody else has changed the
    /// endpoint meanwhile.
    pub async fn change(&self, id: &WebhookId, patch: EndpointPatch) -> Result<Endpoint, EndpointError> {
        let mut stored = self.stored(id).await?;
        let before = stored.value.clone();
        let (endpoint, at) = (&mut stored.value, now());
        if let Some(url) = patch.url {
            self.policy.judge(&url).map_err(EndpointError::Url)?;
            endpoint.url = url;
        }
        if let Some(events) = patch.events {
            endpoint.events = kinds(events, endpoint.owner.as_ref())?;
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

    /// Returns the audit lines of a change: one that names what is different, and one if the
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

    /// Removes an endpoint and its deliveries. Nothing more is sent to it from the beginning of
    /// this call. If the call fails halfway, another call finishes the removal.
    ///
    /// # Errors
    /// When somebody else has changed the endpoint meanwhile.
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

    /// Gives an endpoint a new secret. The previous one also signs for another day.
    ///
    /// # Errors
    /// When somebody else has changed the endpoint meanwhile.
    pub async fn rotate(&self, id: &WebhookId) -> Result<EndpointWithSecret, EndpointError> {
        let mut stored = self.stored(id).await?;
        let (secret, at) = (mint()?, now());
        stored.value.rotate(self.store.keys().seal(&secret, id.as_str())?, at);
        let line = self.line("webhook.secret_rotated", &stored.value, format!("{WANTED}; {SHOWN}"), at);
        self.store.change_webhook(&stored, vec![line]).await?;
        Ok(EndpointWithSecret { endpoint: stored.value, secret })
    }

    /// Sends an endpoint a test event without content, and returns the event's id.
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

    /// Returns past and pending deliveries of an endpoint, newest first.
    ///
    /// # Errors
    /// When there is no such endpoint.
    pub async fn deliveries(&self, id: &WebhookId, filter: &DeliveryFilter) -> Result<Vec<Delivery>, EndpointError> {
        self.stored(id).await?;
        Ok(self.store.deliveries(id, filter).await?)
    }

    /// Sends at most [`MOST_REPLAYED`] events again, from the part of the past that the store
    /// searches in one call. Returns how many, and whether there may be more.
    ///
    /// # Errors
    /// When the endpoint is disabled, or the one event was never sent to it.
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

fn kinds(mut events: Vec<EventKind>, owner: Option<&PrincipalId>) -> Result<Vec<EventKind>, EndpointError> {
    events.sort();
    events.dedup();
    if let Some(kind) = events.iter().find(|kind| owner.is_some() && kind.is_for_publisher()) {
        return Err(EndpointError::ForPublisher(*kind));
    }
    if events.is_empty() { Err(EndpointError::NoEvents) } else { Ok(events) }
}

fn mint() -> Result<String, EndpointError> {
    let mut bytes = [0u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| EndpointError::Random)?;
    Ok(format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}

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

/// How many events one replay sends again at most.
pub const MOST_REPLAYED: u32 = 10_000;

/// How many deliveries are removed by one write, so that others get their turn.
const REMOVED_AT_A_TIME: u32 = 2_000;

/// How many such writes one call makes: ten million deliveries.
const MOST_REMOVALS: u32 = 5_000;

/// Why something was changed, where nobody said more.
const WANTED: &str = "its owner wanted so";

/// What the audit log is told where somebody got to see a secret.
const SHOWN: &str = "they were shown its secret";

/// 256 bits, as the standard recommends at least 192.
const SECRET_BYTES: usize = 32;

/// Which endpoints a caller may see and change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A principal's own.
    Principal(PrincipalId),
    /// All of them; a new one is the publisher's and gets everybody's events.
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
    /// The address can't be used.
    #[error("url {0}")]
    Url(String),
    /// It would get no events.
    #[error("events must name at least one kind of event")]
    NoEvents,
    /// There are too many.
    #[error("there are {MOST_ENDPOINTS} endpoints already: delete one")]
    TooMany,
    /// It takes longer than one call.
    #[error("the endpoint is disabled, and its deliveries are still being removed: delete it again")]
    Removing,
    /// It is disabled.
    #[error("the endpoint is disabled ({0}): enable it first")]
    Disabled(String),
    /// The machine has no randomness.
    #[error("the system gave no random bytes")]
    Random,
    /// The secret can't be encrypted.
    #[error("the secret can't be kept: {0}")]
    Key(#[from] KeyError),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new endpoint.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Where it is.
    pub url: String,
    /// The kinds of events that it gets.
    pub events: Vec<EventKind>,
    /// What its owner calls it.
    pub description: Option<String>,
}

/// What changes of an endpoint; `None`: it stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    /// Where it is.
    pub url: Option<String>,
    /// The kinds of events that it gets.
    pub events: Option<Vec<EventKind>>,
    /// What its owner calls it; `Some(None)`: nothing.
    pub description: Option<Option<String>>,
    /// Whether it is sent anything.
    pub active: Option<bool>,
}

/// An endpoint, and its new secret: shown this once.
#[derive(Debug, Clone)]
pub struct EndpointWithSecret {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// `whsec_…`.
    pub secret: String,
}

/// Manages endpoints for one caller.
#[derive(Debug)]
pub struct EndpointManager<'m> {
    /// Persistence.
    pub store: &'m Store,
    /// Where webhooks may be sent.
    pub policy: &'m Policy,
    /// Who: the name of a token.
    pub by: &'m str,
    /// Which endpoints.
    pub scope: Scope,
}

impl EndpointManager<'_> {
    /// Makes an endpoint.
    ///
    /// # Errors
    /// An address or events that can't be; too many endpoints.
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

    /// The endpoints, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self) -> Result<Vec<Endpoint>, EndpointError> {
        let owner = match &self.scope {
            Scope::Principal(principal) => Some(principal),
            Scope::All => None,
        };
        Ok(self.store.webhooks(owner).await?)
    }

    /// An endpoint.
    ///
    /// # Errors
    /// There is none for this caller.
    pub async fn get(&self, id: &WebhookId) -> Result<Endpoint, EndpointError> {
        Ok(self.stored(id).await?.value)
    }

    /// Records in the audit log that somebody looked at an endpoint on the command line, past the
    /// interface and its roles.
    ///
    /// # Errors
    /// The store's.
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

    /// Changes an endpoint. One that is disabled is given up what waits for it; to enable it sends
    /// nothing of that by itself. A patch that changes nothing writes nothing.
    ///
    /// # Errors
    /// An address or events that can't be; somebody else changed it meanwhile.
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

    /// What the audit log is told of a change: one line that names what is different, and one if it
    /// is disabled or enabled.
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

    /// Removes an endpoint and what was sent to it. It is sent nothing more from the beginning of
    /// this on; what fails in the middle is finished by another call.
    ///
    /// # Errors
    /// Somebody else changed it meanwhile.
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

    /// Gives an endpoint another secret; the one that receivers have signs beside it for a day.
    ///
    /// # Errors
    /// Somebody else changed it meanwhile.
    pub async fn rotate(&self, id: &WebhookId) -> Result<EndpointWithSecret, EndpointError> {
        let mut stored = self.stored(id).await?;
        let (secret, at) = (mint()?, now());
        stored.value.rotate(self.store.keys().seal(&secret, id.as_str())?, at);
        let line = self.line("webhook.secret_rotated", &stored.value, format!("{WANTED}; {SHOWN}"), at);
        self.store.change_webhook(&stored, vec![line]).await?;
        Ok(EndpointWithSecret { endpoint: stored.value, secret })
    }

    /// Sends an endpoint an event that tells of nothing; its id.
    ///
    /// # Errors
    /// It is disabled.
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

    /// What was and will be sent to an endpoint, newest first.
    ///
    /// # Errors
    /// There is no such endpoint.
    pub async fn deliveries(&self, id: &WebhookId, filter: &DeliveryFilter) -> Result<Vec<Delivery>, EndpointError> {
        self.stored(id).await?;
        Ok(self.store.deliveries(id, filter).await?)
    }

    /// Sends again, [`MOST_REPLAYED`] at most, of what the store looks through with one call; how
    /// many, and whether there may be more.
    ///
    /// # Errors
    /// It is disabled; the event was never sent to it.
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

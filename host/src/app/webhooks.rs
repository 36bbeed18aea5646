//! The tools that manage endpoints of webhooks.

use super::{
    App, Page,
    caller::Caller,
    error::{AppError, ErrorCode},
    lists::page_size,
};
use crate::{
    domain::{
        field::Field,
        id::{EventId, WebhookId},
        role::Role,
        webhook::{Delivery, DeliveryStatus, Endpoint},
    },
    store::{
        StoreError,
        webhooks::{DeliveryFilter, Replay, Replayed},
    },
    webhooks::endpoints::{EndpointError, EndpointManager, EndpointPatch, EndpointWithSecret, NewEndpoint, Scope},
};

/// What to do if it is unknown whether a call took effect, because these calls take no idempotency
/// key.
const LOOK: &str = "look at the webhook, or list them, before you ask again; of one whose secret you were not shown, rotate it; tell the \
                    operator if it goes on";

impl From<EndpointError> for AppError {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::NotFound => Self::not_found("endpoint of webhooks"),
            EndpointError::NoDelivery => Self::invalid(Field::EventId, error.to_string()),
            EndpointError::Url(_) => Self::invalid(Field::Url, error.to_string()),
            EndpointError::NoEvents | EndpointError::ForPublisher(_) => Self::invalid(Field::Events, error.to_string()),
            EndpointError::TooMany | EndpointError::Disabled(_) | EndpointError::Removing => {
                Self::state(error.to_string())
            }
            EndpointError::Random => Self::new(ErrorCode::Internal, error.to_string()),
            EndpointError::Key(error) => {
                tracing::error!(%error, "the secret of an endpoint of webhooks can't be kept");
                Self::new(ErrorCode::Internal, "secrets of webhooks can't be kept now; nothing was changed")
                    .suggest("tell the operator, whose log says why")
            }
            EndpointError::Store(error @ (StoreError::Unsure(_) | StoreError::Corrupt(_))) => {
                Self::from(error).suggest(LOOK)
            }
            EndpointError::Store(error) => error.into(),
        }
    }
}

impl App {
    fn manager<'m>(&'m self, caller: &'m Caller) -> Result<EndpointManager<'m>, AppError> {
        let scope = match caller.role {
            Role::Operator => Scope::All,
            Role::Buyer => Scope::Principal(caller.buyer()?.clone()),
            Role::Reviewer => return Err(AppError::denied("a buyer's or an operator's token is needed")),
        };
        Ok(EndpointManager { store: &self.store, policy: &self.config.webhooks, by: &caller.name, scope })
    }

    /// Creates an endpoint. A buyer's endpoint receives the events of their own buys; an operator's
    /// belongs to the publisher and receives all events.
    ///
    /// # Errors
    /// When the url is not allowed.
    pub async fn create_webhook(&self, caller: &Caller, new: NewEndpoint) -> Result<EndpointWithSecret, AppError> {
        Ok(self.manager(caller)?.create(new).await?)
    }

    /// Returns the endpoints that the caller may see, oldest first.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`.
    pub async fn list_webhooks(&self, caller: &Caller) -> Result<Vec<Endpoint>, AppError> {
        Ok(self.manager(caller)?.list().await?)
    }

    /// Returns an endpoint.
    ///
    /// # Errors
    /// `NOT_FOUND`, whether the endpoint does not exist or belongs to somebody else.
    pub async fn get_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<Endpoint, AppError> {
        Ok(self.manager(caller)?.get(id).await?)
    }

    /// Changes, disables or enables an endpoint.
    ///
    /// # Errors
    /// `NOT_FOUND`, or when the url is not allowed.
    pub async fn update_webhook(
        &self,
        caller: &Caller,
        id: &WebhookId,
        patch: EndpointPatch,
    ) -> Result<Endpoint, AppError> {
        Ok(self.manager(caller)?.change(id, patch).await?)
    }

    /// Removes an endpoint and its deliveries.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn delete_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<(), AppError> {
        Ok(self.manager(caller)?.delete(id).await?)
    }

    /// Gives an endpoint a new secret.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn rotate_webhook_secret(&self, caller: &Caller, id: &WebhookId) -> Result<EndpointWithSecret, AppError> {
        Ok(self.manager(caller)?.rotate(id).await?)
    }

    /// Sends an endpoint a test event.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `INVALID_STATE` if the endpoint is disabled.
    pub async fn test_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<EventId, AppError> {
        let event = self.manager(caller)?.test(id).await?;
        self.signals.happened();
        Ok(event)
    }

    /// Returns a page of past and pending deliveries of an endpoint, newest first.
    ///
    /// # Errors
    /// `NOT_FOUND`, or an invalid page.
    pub async fn list_webhook_deliveries(
        &self,
        caller: &Caller,
        id: &WebhookId,
        status: Option<DeliveryStatus>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Page<Delivery>, AppError> {
        let limit = page_size(limit)?;
        let wrong = |_| AppError::invalid(Field::Cursor, "cursor must be the next_cursor of the page before");
        let before = cursor.map(str::parse::<i64>).transpose().map_err(wrong)?;
        let filter = DeliveryFilter { status, before, limit: limit + 1 };
        let mut items = self.manager(caller)?.deliveries(id, &filter).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = if more { items.last().map(|last| last.number.to_string()) } else { None };
        Ok(Page { items, next_cursor })
    }

    /// Replays events to an endpoint. Returns how many, and whether there are more.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `INVALID_STATE` if the endpoint is disabled.
    pub async fn replay_webhook(&self, caller: &Caller, id: &WebhookId, what: Replay) -> Result<Replayed, AppError> {
        let replayed = self.manager(caller)?.replay(id, what).await?;
        self.signals.happened();
        Ok(replayed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_can_send_no_idempotency_key_is_not_told_to_repeat_it() {
        for error in [StoreError::Unsure("it went away".to_owned()), StoreError::Corrupt("a row".to_owned())] {
            let told = AppError::from(EndpointError::Store(error)).suggestion.unwrap();
            assert!(told.contains("look at the webhook") && !told.contains("idempotency"), "{told}");
        }
    }
}

//! Follow-ups: what adapters have to do on a platform after somebody else changed something there,
//! such as the approval of an order by a person in the ad server.
//!
//! An adapter reports the reason with the status of a buy, which is only read. The host then begins an
//! operation of its own, which is planned, carried out in steps and recorded like a buyer's. It
//! completes what was approved, so nobody is asked again. A reason is taken once for each buy: the
//! operation's id is derived from it, and the database takes an id once, whichever replica reads the
//! status first.

use serde_json::json;

use crate::{
    domain::{
        change::{Change, FollowUp, ProposedChange},
        delivery::RemoteBuyStatus,
        id::OperationId,
        media_buy::MediaBuy,
        operation::{Operation, OperationKind},
    },
    operations::{
        events::{self, ITSELF},
        now,
        planning::{self, Unplannable},
        status::Observer,
    },
    store::{Recording, StoreError, Write},
};

impl Observer {
    /// Begins the follow-ups that are due according to the statuses of a buy.
    ///
    /// # Errors
    /// When the store fails. The next poll begins what was not begun.
    pub async fn follow_up(&self, buy: &MediaBuy, said: &[RemoteBuyStatus]) -> Result<(), StoreError> {
        for status in said {
            let Some(reason) = &status.follow_up else { continue };
            let (platform, reason) = (status.platform.clone(), reason.clone());
            if !self.adapters.follows_up(&platform).await {
                tracing::warn!(buy = %buy.id, %platform, reason, "an adapter reports a follow-up, and can't run one");
                continue;
            }
            let id = OperationId::of_follow_up(&buy.id, &platform, &reason);
            if self.store.operation(&id).await?.is_none() {
                self.begin_follow_up(id, buy, FollowUp { platform, reason }).await?;
            }
        }
        Ok(())
    }

    async fn begin_follow_up(&self, id: OperationId, buy: &MediaBuy, follow_up: FollowUp) -> Result<(), StoreError> {
        let request = json!({ "media_buy_id": buy.id, "platform": follow_up.platform, "reason": follow_up.reason });
        let change = Change::FollowUp(follow_up);
        let at = now();
        let mut operation = Operation::new(id, buy.id_and_owner(), OperationKind::FollowUp, change, at);
        operation.request = request;
        operation.requested_by = ITSELF.to_owned();
        operation.deadline = at.plus(self.config.operations.deadline);
        let proposed = ProposedChange { change: &operation.change, current: buy, desired: buy };
        let planned =
            planning::plan(&self.adapters, &self.config, &operation.id, proposed, at.plus(planning::PLAN_TIME)).await;
        operation.plan = match planned {
            Ok(plan) => plan,
            Err(Unplannable { first: (platform, failure), .. }) => {
                tracing::warn!(buy = %buy.id, %platform, %failure, "a follow-up can't be planned; the next poll tries again");
                return Ok(());
            }
        };
        let recording = Recording::from(Write::Audit(events::accepted(&operation, ITSELF, at)))
            .with(Write::NewOperation(operation.clone()));
        match self.store.record(recording).await {
            Ok(()) => {
                tracing::info!(buy = %buy.id, operation = %operation.id, request = %operation.request, "a follow-up begins");
                self.signals.work();
                Ok(())
            }
            // Another replica has begun it.
            Err(StoreError::Stale(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

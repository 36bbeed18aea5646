//! Second objects: a person is notified of them, and they are stopped on the ad server.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{LookError, Lookups, Subject, next};
use crate::{
    domain::{
        digest,
        disclosure::Disclosure,
        failure::FailureKind,
        lookup::{Made, MadeObject},
        task::{Priority, TaskKind},
    },
    metrics::DUPLICATES,
    operations::{
        events, now, planning,
        tasks::{self, Question},
    },
    store::{AuditEntry, NextLookup, Recording, StoreError, Write},
};

/// Prefix of an entry about an object that could not be stopped, in the list of what a person was
/// notified of.
const NOT_STOPPED: &str = "not stopped: ";

impl Lookups {
    /// Notifies a person of `news`, objects that nobody was notified of yet, before anything is done
    /// about them.
    pub(super) async fn tell(
        &self,
        subject: &mut Subject,
        made: &Made,
        news: &[&MadeObject],
    ) -> Result<(), StoreError> {
        if news.is_empty() {
            return Ok(());
        }
        // Whoever made one inactive, it may have delivered until then.
        let (standing, priority) = if news.iter().any(|made| made.active) {
            ("It is being stopped there. Look at what it delivered", Priority::Urgent)
        } else {
            ("It can't deliver as it stands. Look whether it delivered before", Priority::Medium)
        };
        let platform = subject.due.step.platform.clone();
        let reason = format!(
            "on {platform}, {} of step {} came into being by a request that got no answer and was carried out after all: {}. {} {standing}, \
             remove it if it should go, then answer `completed`",
            if news.len() == 1 { "a second object" } else { "more objects" },
            subject.due.step.name,
            shown(news),
            made.kept.as_ref().map_or_else(
                || "The media buy has none of its own.".to_owned(),
                |kept| format!("The media buy's own is {}.", shown(&[kept])),
            ),
        );
        let mut recording = Recording::default();
        events::duplicate_found(&subject.operation.value, &platform, news, now(), &mut recording);
        subject.due.told.extend(news.iter().map(|made| made.object.id.clone()));
        tracing::error!(operation = %subject.operation.value.id, %platform, reason, "an ad server has a second object");
        metrics::counter!(DUPLICATES, "platform" => platform.to_string()).increment(news.len() as u64);
        self.ask(subject, priority, reason.into(), recording).await
    }

    /// Records a task for a person, together with what the person was notified of.
    async fn ask(
        &self,
        subject: &mut Subject,
        priority: Priority,
        reason: Disclosure,
        mut recording: Recording,
    ) -> Result<(), StoreError> {
        let at = now();
        let operation = &mut subject.operation.value;
        let question = Question {
            kind: TaskKind::Reconciliation,
            priority,
            reason,
            due_in: tasks::DUE_IN,
            escalate_to: None,
            expires_in: None,
            demands: Vec::new(),
            digest: planning::digest(&operation.request, &operation.plan, subject.buy.revision),
            plan: operation.plan.clone(),
        };
        tasks::ask(operation, &subject.buy, question, at, &mut recording);
        recording.push(Write::Operation(subject.operation.clone()));
        // The lookup stays with this host, which goes on with it.
        let lease = Some(self.config.operations.lease);
        let next = NextLookup { held: true, ..next(&subject.due, lease, subject.due.round) };
        self.put(next, recording).await?;
        subject.operation.version += 1;
        self.signals.happened();
        Ok(())
    }

    /// Stops a second object. If it can't be stopped, a person has to do it.
    pub(super) async fn stop(
        &self,
        subject: &mut Subject,
        made: &MadeObject,
        stop: &CancellationToken,
    ) -> Result<(), LookError> {
        let platform = subject.due.step.platform.clone();
        let stopped = self.adapters.stop_made(&platform, &subject.release, &subject.call, made, stop.clone()).await;
        let (action, reason) = match stopped {
            Ok(()) => ("operation.duplicate_stopped", shown(&[made])),
            Err(failure) if failure.kind == FailureKind::Unavailable => return Err(LookError::Adapter(failure)),
            Err(failure) => ("operation.duplicate_not_stopped", format!("{}: {failure}", shown(&[made]))),
        };
        let line = AuditEntry {
            at: now(),
            actor: events::ITSELF.to_owned(),
            action: action.to_owned(),
            subject: subject.operation.value.id.to_string(),
            digest: digest::canonical(&json!({ "platform": platform, "id": made.object.id })),
            reason: Some(reason.clone()),
        };
        let recording = Recording::from(Write::Audit(line));
        let entry = format!("{NOT_STOPPED}{}", made.object.id);
        if action == "operation.duplicate_stopped" {
            tracing::warn!(operation = %subject.operation.value.id, %platform, reason, "stopped a second object");
            return Ok(self.store.record(recording).await?);
        }
        if subject.due.told.contains(&entry) {
            return Ok(());
        }
        tracing::error!(operation = %subject.operation.value.id, %platform, reason, "a second object can't be stopped");
        subject.due.told.push(entry);
        let words = format!(
            "on {platform}, a second object could not be stopped and may deliver: {reason}. Stop it there by hand, then answer `completed`"
        );
        let buyer = format!(
            "on {platform}, a second object could not be stopped and may deliver; somebody at the publisher stops it"
        );
        Ok(self.ask(subject, Priority::Urgent, Disclosure::apart(buyer, words), recording).await?)
    }
}

/// Lists objects the way a person looks for them on the ad server.
fn shown(made: &[&MadeObject]) -> String {
    let one = |made: &&MadeObject| format!("{} {} ({:?})", made.remote_type, made.object.id, made.name);
    made.iter().map(one).collect::<Vec<_>>().join(", ")
}

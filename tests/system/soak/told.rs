//! Events, their deliveries and the audit log against the ledger.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck::operations::late_results::LATE_RESULT;
use serde_json::Value;

use super::{
    base::Base,
    ledger::{Bought, Fate},
};
use crate::receiver::Receiver;

/// How often an event must fail before later ones of its buy no longer wait for it; see docs/webhooks.md.
const FAILURES_WAITED_FOR: u32 = 3;

/// An event as it was written.
struct Event {
    id: String,
    buy: String,
    kind: String,
    data: Value,
    body: String,
}

/// All of them, in the order in which they happened.
pub(super) struct Events(Vec<Event>);

impl Events {
    pub(super) async fn read(base: &mut Base) -> Self {
        let rows: Vec<[String; 4]> =
            base.texts("SELECT id, buy, kind, body FROM events WHERE buy <> '' ORDER BY seq").await;
        let event = |[id, buy, kind, body]: [String; 4]| {
            let data = serde_json::from_str::<Value>(&body).expect("JSON")["data"].take();
            Event { id, buy, kind, data, body }
        };
        Self(rows.into_iter().map(event).collect())
    }

    /// How often something was told of each subject.
    fn about(&self, field: &str, kinds: [&str; 2]) -> BTreeMap<&str, Vec<&str>> {
        let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        // A second object is told of in a task of its own, which belongs to no request.
        let asked = |event: &&Event| event.data["task_type"] != "reconciliation";
        for event in self.0.iter().filter(asked).filter(|event| kinds.contains(&event.kind.as_str())) {
            told.entry(event.data[field].as_str().expect("a subject")).or_default().push(&event.kind);
        }
        told
    }
}

/// What is to be told of each operation and of each task when they end.
fn ends(all: &[Bought]) -> (BTreeMap<&str, &'static str>, BTreeMap<&str, &'static str>) {
    let (mut operations, mut tasks) = (BTreeMap::new(), BTreeMap::new());
    for bought in all {
        let made = bought.fate == Fate::Made;
        for (index, operation) in bought.operations.iter().enumerate() {
            let succeeds = index > 0 || made;
            operations.insert(operation.as_str(), if succeeds { "operation.succeeded" } else { "operation.failed" });
        }
        tasks.insert(bought.task.as_str(), if made { "task.completed" } else { "task.failed" });
    }
    (operations, tasks)
}

/// Each operation is told of once when it ends, each task once when it is made and once when it ends, and each status of a buy follows
/// the one before it.
pub(super) fn each_thing_was_told_once(events: &Events, all: &[Bought]) {
    let (operations, tasks) = ends(all);
    let once = |wanted: &BTreeMap<&str, &'static str>| -> BTreeMap<String, Vec<String>> {
        wanted.iter().map(|(id, kind)| ((*id).to_owned(), vec![(*kind).to_owned()])).collect()
    };
    let owned = |told: BTreeMap<&str, Vec<&str>>| -> BTreeMap<String, Vec<String>> {
        told.into_iter().map(|(id, kinds)| (id.to_owned(), kinds.into_iter().map(str::to_owned).collect())).collect()
    };
    assert_eq!(
        owned(events.about("operation_id", ["operation.succeeded", "operation.failed"])),
        once(&operations),
        "what was told of operations, and what was to be told"
    );
    assert_eq!(
        owned(events.about("task_id", ["task.completed", "task.failed"])),
        once(&tasks),
        "what was told of tasks' ends, and what was to be told"
    );
    let made = tasks.keys().map(|id| (*id, "task.created")).collect();
    assert_eq!(owned(events.about("task_id", ["task.created", ""])), once(&made), "tasks that were told of");
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for event in events.0.iter().filter(|event| event.kind == "media_buy.status_changed") {
        let before = last.insert(&event.buy, &event.data["status"]).unwrap_or(&Value::Null);
        assert_eq!(&event.data["previous_status"], before, "{}: {}", event.buy, event.body);
    }
    let told: BTreeSet<&str> = last.into_keys().collect();
    assert_eq!(told, all.iter().map(|bought| bought.buy.as_str()).collect(), "buys whose status was told");
}

/// Each event came, always as it was written, and those of one buy for the first time in their order, but for those that failed too
/// often to be waited for. How many events there are, and how many deliveries came.
pub(super) async fn every_event_was_delivered_in_order(
    base: &mut Base,
    events: &Events,
    receiver: &Receiver,
) -> (usize, usize) {
    let written: BTreeMap<&str, &str> = events.0.iter().map(|event| (event.id.as_str(), event.body.as_str())).collect();
    let rows: Vec<[String; 2]> = base.texts("SELECT event, CAST(attempts AS TEXT) FROM webhook_deliveries").await;
    let tries: BTreeMap<String, u32> =
        rows.into_iter().map(|[event, tries]| (event, tries.parse().expect("a number"))).collect();
    let hooks = receiver.hooks();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, hook) in hooks.iter().enumerate() {
        assert_eq!(written.get(hook.id()), Some(&hook.body.as_str()), "{} is not as it was written", hook.id());
        first.entry(hook.id()).or_insert(index);
    }
    let missed: Vec<&&str> = written.keys().filter(|id| !first.contains_key(**id)).collect();
    assert!(missed.is_empty(), "never delivered: {missed:?}");
    // The latest first arrival of each buy's events so far.
    let mut latest: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events.0 {
        let came = first[event.id.as_str()];
        let before = latest.entry(&event.buy).or_insert(0);
        assert!(came >= *before, "{} of {} came before one that happened before it", event.body, event.buy);
        // The last try is the one that was taken.
        if tries[&event.id] <= FAILURES_WAITED_FOR {
            *before = (*before).max(came);
        }
    }
    (written.len(), hooks.len())
}

/// Each operation was accepted once and ended once, and each task was decided once, as the audit log has it. How often it keeps what was
/// learned too late to be recorded.
pub(super) async fn each_thing_is_in_the_audit_log_once(base: &mut Base, all: &[Bought]) -> usize {
    let mut late = Vec::new();
    let rows: Vec<[String; 2]> = base.texts("SELECT subject, doc FROM audit ORDER BY seq").await;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for [subject, doc] in rows {
        let line: Value = serde_json::from_str(&doc).expect("JSON");
        let action = line["action"].as_str().expect("an action").to_owned();
        if action == LATE_RESULT {
            late.push(subject);
        } else if action == "operation.not_set_again" {
            // The ad server may refuse it, and the next lookup tries again: whether the values stand is looked at on the ad server.
            println!("{subject} was not set again: {}", line["reason"]);
        } else if action.starts_with("operation.duplicate") || action == "operation.set_again" {
            continue;
        } else if action.starts_with("operation.") || action.starts_with("task.") {
            told.entry(subject).or_default().push(action);
        }
    }
    let (operations, _) = ends(all);
    let mut wanted: BTreeMap<String, Vec<String>> = operations
        .into_iter()
        .map(|(id, end)| (id.to_owned(), vec!["operation.accepted".to_owned(), end.to_owned()]))
        .collect();
    for bought in all {
        let decision = if bought.fate == Fate::Rejected { "task.rejected" } else { "task.approved" };
        wanted.insert(bought.task.clone(), vec![decision.to_owned()]);
    }
    assert_eq!(told, wanted, "what the audit log says, and what was to be said");
    assert!(late.iter().all(|operation| told.contains_key(operation)), "late results of no operation: {late:?}");
    late.len()
}

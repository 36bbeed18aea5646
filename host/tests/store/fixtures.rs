//! Buys, operations and tasks to write.

use std::{collections::BTreeMap, time::Duration};

pub(crate) use flightdeck::store::Store;
use flightdeck::{
    domain::{
        event::{Event, EventData, EventKind},
        id::{EventId, MediaBuyId, OperationId, PlatformName, PrincipalId, TaskId},
        media_buy::{MediaBuy, Pacing, Package},
        money::Micros,
        operation::{Change, Operation, OperationKind, OperationState},
        plan::Plan,
        price::Price,
        status::BuyStatus,
        step::StepState,
        targeting::Targeting,
        task::{HistoryEntry, Priority, Task, TaskKind, TaskStatus},
        time::Timestamp,
    },
    store::{
        AuditEntry, Claim, Fence, FinishedStep, IdempotencyEntry, JournalWrite, NewStep, Recording, SettledStep,
        Stored, Write,
    },
};
use serde_json::json;

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// So many seconds after the beginning of the tests' time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + seconds * 1_000_000)
}

pub(crate) fn principal() -> PrincipalId {
    PrincipalId::from("acme")
}

pub(crate) fn platform(name: &str) -> PlatformName {
    PlatformName::from(name)
}

pub(crate) fn package(id: &str, on: &str) -> Package {
    Package {
        id: id.into(),
        name: format!("Package {id}"),
        platform: platform(on),
        active: true,
        switched_at: None,
        budget: Micros::new(1_000_000_000).unwrap(),
        goal: Some(100_000),
        price: Price::cpm(Micros::new(10_000_000).unwrap()),
        floor: Micros::new(1_000_000).unwrap(),
        pacing: None,
        daily_budget: None,
        daily_goal: None,
        targeting: Targeting::default(),
        creatives: Vec::new(),
        formats: Vec::new(),
        settings: json!({"site": 7}),
        review_lead_ms: 0,
        performance_index: None,
    }
}

pub(crate) fn buy(id: &str) -> MediaBuy {
    MediaBuy {
        id: id.into(),
        principal: principal(),
        po_number: None,
        currency: "USD".to_owned(),
        active: true,
        switched_at: None,
        total_budget: Micros::new(1_000_000_000).unwrap(),
        approved_budget: None,
        approved_end: None,
        daily_budget: None,
        pacing: Pacing::Even,
        start: at(86_400),
        end: at(40 * 86_400),
        targeting: Targeting::default(),
        packages: vec![package("sports", "north")],
        creatives: Vec::new(),
        assets: BTreeMap::new(),
        absent: BTreeMap::new(),
        remote: BTreeMap::new(),
        status: BuyStatus::PendingActivation,
        detail: String::new(),
        revision: 1,
        booked_at: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn operation(id: &str, buy: &str) -> Operation {
    Operation {
        request: json!({"packages": ["sports"]}),
        requested_by: "acme-token".to_owned(),
        deadline: at(86_400),
        ..Operation::new(id.into(), (buy.into(), principal()), OperationKind::Create, Change::Create, at(0))
    }
}

pub(crate) fn task(id: &str, operation: &Operation) -> Task {
    Task {
        id: id.into(),
        kind: TaskKind::ManualApproval,
        principal: operation.principal.clone(),
        buy: operation.buy.clone(),
        operation: operation.id.clone(),
        operation_name: operation.kind.as_str().to_owned(),
        requested_by: operation.requested_by.clone(),
        requested_by_person: None,
        status: TaskStatus::Pending,
        priority: Priority::Medium,
        reason: "it is large".into(),
        created_at: at(0),
        due_by: at(3_600),
        expires_at: at(7_200),
        assigned_to: None,
        escalated_to: None,
        decision: None,
        resolution_detail: None,
        resolved_by: None,
        resolved_at: None,
        approvals: Vec::new(),
        approvals_needed: 1,
        demands: Vec::new(),
        escalate_to: None,
        version: 1,
        request: operation.request.clone(),
        plan: Plan::default(),
        digest: "d".repeat(64),
        changed: None,
        reopened: 0,
        reason_code: None,
        inquiries: Vec::new(),
    }
}

pub(crate) fn line(action: &str, seconds: i64) -> HistoryEntry {
    HistoryEntry {
        at: at(seconds),
        by: "rita".to_owned(),
        action: action.to_owned(),
        from: TaskStatus::Pending,
        to: TaskStatus::Assigned,
        words: None,
    }
}

/// The payload of a store that serves no protocol.
pub(crate) fn payload(event: &Event) -> String {
    serde_json::to_string(event).unwrap()
}

pub(crate) fn event(buy: &str, kind: EventKind) -> Event {
    Event {
        id: EventId::mint(),
        kind,
        principal: principal(),
        buy: buy.into(),
        at: at(0),
        data: EventData::BuyStatus { status: BuyStatus::Active, before: None, detail: String::new() },
    }
}

pub(crate) fn audit(action: &str, subject: &str) -> AuditEntry {
    AuditEntry {
        at: at(0),
        actor: "rita".to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        digest: "d".repeat(64),
        reason: Some("because".to_owned()),
    }
}

pub(crate) fn key(key: &str, operation: &str) -> IdempotencyEntry {
    IdempotencyEntry {
        principal: principal(),
        key: key.to_owned(),
        fingerprint: format!("print of {key}"),
        operation: operation.into(),
        answer: None,
        created_at: at(0),
        expires_at: at(86_400),
    }
}

/// Writes a buy and the operation `op-<id>` that creates it, due at once.
pub(crate) async fn accept(store: &Store, id: &str) -> OperationId {
    let operation = operation(&format!("op-{id}"), id);
    let id_of_operation = operation.id.clone();
    let recording = Recording::from([Write::NewBuy(buy(id)), Write::NewOperation(operation)]);
    store.record(recording).await.unwrap();
    id_of_operation
}

/// Writes a further operation.
pub(crate) async fn add_operation(store: &Store, operation: Operation) {
    store.record(Write::NewOperation(operation)).await.unwrap();
}

/// Claims what must be there to claim.
pub(crate) async fn claim(store: &Store, seconds: i64) -> Claim {
    store.claim("worker", at(seconds), LEASE).await.unwrap().expect("something to claim")
}

pub(crate) async fn stored_operation(store: &Store, id: &OperationId) -> Stored<Operation> {
    store.operation(id).await.unwrap().expect("the operation")
}

pub(crate) async fn stored_buy(store: &Store, id: &str) -> Stored<MediaBuy> {
    store.buy(&MediaBuyId::from(id)).await.unwrap().expect("the buy")
}

pub(crate) async fn stored_task(store: &Store, id: &str) -> Stored<Task> {
    store.task(&TaskId::from(id)).await.unwrap().expect("the task")
}

/// A write to the journal in which nothing happens yet.
/// A step that is begun by a run that may send.
pub(crate) fn begins(name: &str, reference: &str) -> Option<NewStep> {
    Some(NewStep { name: name.to_owned(), reference: reference.to_owned(), sends: true })
}

/// A step that was left open, every request of it answered.
pub(crate) fn settles(name: &str, state: StepState) -> Option<SettledStep> {
    Some(SettledStep { name: name.to_owned(), state, lost: false })
}

/// A step that was finished, every request of it answered.
pub(crate) fn finishes(name: &str, outcome: &[u8]) -> FinishedStep {
    FinishedStep { name: name.to_owned(), outcome: outcome.to_vec(), lost: false }
}

pub(crate) fn journal(fence: &Fence, buy: &str, seconds: i64) -> JournalWrite {
    JournalWrite {
        fence: fence.clone(),
        buy: buy.into(),
        platform: platform("north"),
        at: at(seconds),
        finished: Vec::new(),
        settled: None,
        remote: Vec::new(),
        begin: None,
    }
}

/// The operation moved on, as its worker would write it.
pub(crate) fn moved(stored: &Stored<Operation>, next: OperationState, seconds: i64) -> Stored<Operation> {
    let mut stored = stored.clone();
    stored.value.become_state(next, at(seconds)).unwrap();
    stored
}

/// When something is due, as a moment.
pub(crate) async fn next_due(store: &Store) -> Option<Timestamp> {
    // Before anything that a test writes.
    let long_ago = at(-1_000_000);
    store.next_due(long_ago).await.unwrap().map(|due| long_ago.plus(due))
}

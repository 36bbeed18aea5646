//! One template document of each kind, made of the host's own types, with placeholders that each
//! row fills in.

use std::collections::BTreeMap;

use flightdeck::{
    domain::{
        audit::AuditEntry,
        creative::{Creative, Format},
        event::{Event, EventData, EventKind},
        id::WebhookId,
        media_buy::{MediaBuy, Pacing, Package},
        money::Micros,
        operation::{Change, Operation, OperationKind, OperationState},
        plan::{FieldChange, Plan, PlanAction, PlannedChange, PlatformPlan},
        price::Price,
        status::BuyStatus,
        targeting::Targeting,
        task::{HistoryEntry, Priority, Task, TaskKind, TaskStatus},
        time::Timestamp,
        webhook::{Endpoint, SigningSecret},
    },
    web::v1::events::payload,
};
use serde_json::json;

/// The placeholder for a row's principal.
pub(crate) const PRINCIPAL: &str = "@principal@";
/// The placeholder for a row's number.
pub(crate) const NUMBER: &str = "@number@";
/// The placeholder for the platform of a buy's packages.
pub(crate) const PLATFORM: &str = "@platform@";
/// The placeholder for a buy's status.
pub(crate) const STATUS: &str = "@status@";

/// The time of all documents. Measurements use later times.
pub(crate) fn at() -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000)
}

/// Returns an endpoint that gets every change of a media buy's status.
pub(crate) fn endpoint(index: usize) -> Endpoint {
    Endpoint {
        id: WebhookId::from(format!("hook{index}").as_str()),
        owner: None,
        url: "https://example.com/hooks".to_owned(),
        events: vec![EventKind::BuyStatusChanged],
        description: None,
        secrets: vec![SigningSecret { text: "whsec_c2VjcmV0".to_owned(), until: None }],
        disabled: None,
        failing_since: None,
        dead: 0,
        created_at: at(),
        updated_at: at(),
    }
}

/// Returns a line of the audit log.
pub(crate) fn audit_entry(action: &str) -> AuditEntry {
    AuditEntry {
        at: at(),
        actor: "scale".to_owned(),
        action: action.to_owned(),
        subject: "scale".to_owned(),
        digest: "d".repeat(64),
        reason: None,
    }
}

/// Formats a value as it is stored.
macro_rules! text {
    ($value:expr) => {
        serde_json::to_string($value)
    };
}

fn amount(units: i64) -> anyhow::Result<Micros> {
    Micros::new(units * 1_000_000).ok_or_else(|| anyhow::anyhow!("{units} is no amount"))
}

fn package(id: &str) -> anyhow::Result<Package> {
    Ok(Package {
        id: id.into(),
        name: format!("Package {id}, run of site, all devices"),
        platform: PLATFORM.into(),
        active: true,
        switched_at: None,
        budget: amount(1_000)?,
        goal: Some(100_000),
        price: Price::cpm(amount(10)?),
        floor: amount(1)?,
        pacing: None,
        daily_budget: None,
        daily_goal: None,
        targeting: Targeting::default(),
        creatives: vec!["banner".into()],
        formats: vec![Format::Image],
        settings: json!({"site": 7, "zones": [1, 2, 3]}),
        review_lead_ms: 172_800_000,
        performance_index: None,
    })
}

/// Returns a buy.
pub(crate) fn buy() -> anyhow::Result<String> {
    let creative = Creative {
        id: "banner".into(),
        name: "Banner of spring".to_owned(),
        format: Format::Image,
        media_url: Some("https://cdn.example/banner-of-spring.png".to_owned()),
        click_url: Some("https://www.example/spring".to_owned()),
        duration_ms: None,
        width: Some(300),
        height: Some(250),
        template_id: None,
        template_values: None,
        packages: vec!["sports".into(), "news".into()],
    };
    let buy = MediaBuy {
        id: format!("mb_{NUMBER}").as_str().into(),
        principal: PRINCIPAL.into(),
        po_number: None,
        currency: "USD".to_owned(),
        active: true,
        switched_at: None,
        total_budget: amount(2_000)?,
        approved_budget: None,
        approved_end: None,
        daily_budget: None,
        pacing: Pacing::Even,
        start: at(),
        end: at().plus_millis(30 * 86_400_000),
        targeting: Targeting::default(),
        packages: vec![package("sports")?, package("news")?],
        creatives: vec![creative],
        assets: BTreeMap::new(),
        remote: BTreeMap::new(),
        status: BuyStatus::Active,
        detail: "it delivers".to_owned(),
        revision: 1,
        booked_at: Some(at()),
        absent: BTreeMap::new(),
        created_at: at(),
        updated_at: at(),
    };
    Ok(text!(&buy)?.replace("\"status\":\"active\"", &format!("\"status\":\"{STATUS}\"")))
}

fn plan() -> Plan {
    let field =
        |field: &str, after: &str| FieldChange { field: field.to_owned(), before: None, after: Some(after.to_owned()) };
    let change = |remote_type: &str, name: &str| PlannedChange {
        action: PlanAction::Create,
        remote_type: remote_type.to_owned(),
        name: name.to_owned(),
        remote_id: None,
        package_id: Some(name.to_owned()),
        fields: vec![
            field("Name", name),
            field("Impressions", "100000"),
            field("Price", "10.00"),
            field("End", "2027-02-14"),
        ],
    };
    let changes = vec![change("campaign", "all"), change("flight", "sports"), change("flight", "news")];
    let plan = PlatformPlan { platform: PLATFORM.into(), release: "a".repeat(64), changes, notes: Vec::new() };
    Plan { platforms: vec![plan] }
}

fn made(id: &str, kind: OperationKind, state: OperationState) -> Operation {
    let (id, buy) = (format!("{id}_{NUMBER}"), format!("mb_{NUMBER}"));
    Operation {
        request: json!({"packages": ["sports", "news"], "total_budget": 2000, "targeting_overlay": {"geography": ["US-CA"]}}),
        requested_by: format!("token of {PRINCIPAL}"),
        state,
        deadline: at().plus_millis(86_400_000),
        claims: 1,
        plan: plan(),
        approved_digest: Some("d".repeat(64)),
        tasks: vec![format!("task_{NUMBER}").into()],
        ended_at: state.is_final().then(at),
        ..Operation::new(id.into(), (buy.into(), PRINCIPAL.into()), kind, Change::Create, at())
    }
}

/// Returns an operation whose id starts with `id`.
pub(crate) fn operation(id: &str, kind: OperationKind, state: OperationState) -> anyhow::Result<String> {
    Ok(text!(&made(id, kind, state))?)
}

/// Returns a task with a status.
pub(crate) fn task(status: TaskStatus) -> anyhow::Result<String> {
    let about = made("op", OperationKind::Create, OperationState::Succeeded);
    let task = Task {
        id: format!("task_{NUMBER}").as_str().into(),
        kind: TaskKind::ManualApproval,
        principal: about.principal.clone(),
        buy: about.buy.clone(),
        operation: about.id.clone(),
        operation_name: about.kind.as_str().to_owned(),
        requested_by: about.requested_by.clone(),
        requested_by_person: None,
        status,
        priority: Priority::Medium,
        reason: "every create needs a reviewer".into(),
        created_at: at(),
        due_by: at(),
        expires_at: at(),
        assigned_to: None,
        escalated_to: None,
        decision: None,
        resolution_detail: None,
        resolved_by: None,
        resolved_at: (!status.is_open()).then(at),
        approvals: Vec::new(),
        approvals_needed: 1,
        demands: Vec::new(),
        escalate_to: None,
        version: 1,
        request: about.request,
        plan: about.plan,
        digest: "d".repeat(64),
        changed: None,
        reopened: 0,
        reason_code: None,
        inquiries: Vec::new(),
    };
    Ok(text!(&task)?)
}

/// Returns a line of a task's history.
pub(crate) fn line() -> anyhow::Result<String> {
    let line = HistoryEntry {
        at: at(),
        by: "anna@publisher.example".to_owned(),
        action: "assign".to_owned(),
        from: TaskStatus::Pending,
        to: TaskStatus::Assigned,
        words: None,
    };
    Ok(text!(&line)?)
}

/// Returns an event whose id starts with `id`, and the body that is sent for it.
pub(crate) fn event(id: &str) -> anyhow::Result<(String, String)> {
    let event = Event {
        id: format!("{id}_{NUMBER}").as_str().into(),
        kind: EventKind::BuyStatusChanged,
        principal: PRINCIPAL.into(),
        buy: format!("mb_{NUMBER}").as_str().into(),
        at: at(),
        data: EventData::BuyStatus { status: BuyStatus::Active, before: None, detail: "it delivers".to_owned() },
    };
    Ok((text!(&event)?, payload(&event)))
}

//! Test fixtures of the domain.

use std::collections::BTreeMap;

use super::{
    creative::Format,
    id::{MediaBuyId, PackageId, PlatformName, PrincipalId},
    media_buy::{MediaBuy, Pacing, Package},
    money::Micros,
    plan::Plan,
    price::{DailyGoal, Goal, Price, Unit},
    status::BuyStatus,
    targeting::Targeting,
    task::{Priority, Task, TaskKind, TaskStatus},
    time::Timestamp,
};

/// An amount in whole units.
pub(crate) fn units(units: i64) -> Micros {
    Micros::new(units * Micros::UNIT).unwrap()
}

/// A goal in impressions.
pub(crate) const fn impressions(count: i64) -> Option<Goal> {
    Some(Goal { unit: Unit::Impressions, count })
}

/// A new daily cap in impressions, or none.
pub(crate) const fn daily_impressions(most: Option<i64>) -> Option<DailyGoal> {
    Some(DailyGoal { unit: Unit::Impressions, most })
}

/// A price of a thousand impressions, in whole units.
pub(crate) fn cpm(rate: i64) -> Option<Price> {
    Some(Price::cpm(units(rate)))
}

/// A buy with packages `p0`, `p1`, ...: each with a budget of 1,000 at a CPM of 10.
pub(crate) fn buy(packages: usize) -> MediaBuy {
    let start = Timestamp::parse("2026-12-01T00:00:00Z").unwrap();
    let package = |index: usize| Package {
        id: PackageId::new(format!("p{index}")),
        name: format!("Package {index}"),
        platform: PlatformName::from("acme"),
        active: true,
        switched_at: None,
        budget: units(1_000),
        goal: Some(100_000),
        price: Price::cpm(units(10)),
        floor: units(5),
        pacing: None,
        daily_budget: None,
        daily_goal: None,
        targeting: Targeting::default(),
        creatives: Vec::new(),
        formats: vec![Format::Image],
        settings: serde_json::Value::Null,
        review_lead_ms: 48 * 3_600_000,
        performance_index: None,
    };
    MediaBuy {
        id: MediaBuyId::from("acme_1"),
        principal: PrincipalId::from("agency"),
        po_number: None,
        currency: "USD".to_owned(),
        active: true,
        switched_at: None,
        total_budget: units(1_000 * i64::try_from(packages).unwrap()),
        approved_budget: None,
        approved_end: None,
        daily_budget: None,
        pacing: Pacing::Even,
        start,
        end: start.plus_millis(30 * 86_400_000 - 1_000),
        targeting: Targeting::default(),
        packages: (0..packages).map(package).collect(),
        creatives: Vec::new(),
        assets: BTreeMap::new(),
        absent: BTreeMap::new(),
        remote: BTreeMap::new(),
        status: BuyStatus::PendingActivation,
        detail: String::new(),
        revision: 1,
        booked_at: None,
        created_at: start,
        updated_at: start,
    }
}

/// A task that waits for an approval.
pub(crate) fn task() -> Task {
    let at = Timestamp::parse("2026-12-01T00:00:00Z").unwrap();
    Task {
        id: "task_1".into(),
        kind: TaskKind::ManualApproval,
        principal: PrincipalId::from("agency"),
        buy: MediaBuyId::from("acme_1"),
        operation: "op_1".into(),
        operation_name: "create_media_buy".to_owned(),
        requested_by: "buyer".to_owned(),
        requested_by_person: None,
        status: TaskStatus::Pending,
        priority: Priority::Medium,
        reason: "it needs approval".to_owned().into(),
        created_at: at,
        due_by: at.plus_millis(86_400_000),
        expires_at: at.plus_millis(30 * 86_400_000),
        assigned_to: None,
        escalated_to: None,
        escalate_to: None,
        decision: None,
        resolution_detail: None,
        reason_code: None,
        inquiries: Vec::new(),
        resolved_by: None,
        resolved_at: None,
        approvals: Vec::new(),
        approvals_needed: 1,
        demands: Vec::new(),
        version: 1,
        request: serde_json::Value::Null,
        plan: Plan::default(),
        digest: "d".to_owned(),
        changed: None,
        reopened: 0,
    }
}

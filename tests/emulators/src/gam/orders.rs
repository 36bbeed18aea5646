//! Orders: written in batches; approved, paused and archived by actions.

use serde_json::{Value, json};

use super::{
    lists::{self, Candidate},
    mask,
    messages::order::ORDER,
    name,
    refusal::{Refusal, Status},
    routes::{Desk, Done, exact, one},
    rules,
    schema::{Object, text},
    settings::GamSettings,
    state::{LineItem, Order, Stage, State, visible},
};
use crate::control::clock::Millis;

/// Fields that filters and orderings of the list may use.
const FIELDS: &[&str] = &[
    "name",
    "orderId",
    "displayName",
    "advertiser",
    "trafficker",
    "poNumber",
    "externalOrderId",
    "status",
    "archived",
    "notes",
    "startTime",
    "endTime",
    "updateTime",
    "salesperson",
    "agency",
    "programmatic",
];

/// The fields of an answer that no stored order has, or not as it is answered.
const MADE: &[&str] = &[
    "status",
    "archived",
    "currencyCode",
    "updateTime",
    "impressionsDelivered",
    "totalClicksDelivered",
    "startTime",
    "endTime",
    "unlimitedEndTime",
];

/// Returns a page of orders.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let alive = desk.state.orders.iter().filter(|(_, order)| order.stage != Stage::Deleted);
    let shown = alive.filter(|(_, order)| visible(order.born, desk.lag));
    let candidates = shown.map(|(id, order)| Candidate {
        name: name("orders", *id),
        id: Some(("orderId", id.to_string())),
        stored: &order.object,
        show: || desk.state.show_order(*id, order, desk.now),
    });
    lists::answer_lazily(desk, "orders", (FIELDS, MADE), candidates)
}

/// Returns one order.
pub(super) fn get(desk: &Desk<'_>, name: &str) -> Done {
    desk.only_params(&[])?;
    let (id, order) = desk.state.order(name)?;
    one(desk.state.show_order(id, order, desk.now))
}

/// Handles a batch of writes or an action.
pub(super) fn act(desk: &mut Desk<'_>, action: &str) -> Done {
    match action {
        "batchCreate" => create(desk),
        "batchUpdate" => update(desk),
        _ => match Action::named(action) {
            Some(action) => {
                let (names, skip_check) = desk.names_and_skip(action.may_skip_check())?;
                let action = if skip_check { action.unchecked() } else { action };
                let ids = perform(desk.state, &names, action, &Rules::of(desk))?;
                for id in ids {
                    settle(desk.state, id, desk.now);
                }
                exact(&json!({}))
            }
            None => Err(super::routes::no_route(desk.call)),
        },
    }
}

fn check(state: &State, order: &Object, own: Option<i64>, staged: &[Object]) -> Result<(), Refusal> {
    ORDER.require("order", order)?;
    let advertiser = text(order, "advertiser").unwrap_or("");
    let company = state.referred("advertiser", "companies", advertiser)?;
    if !text(company, "type").is_some_and(|kind| kind.ends_with("ADVERTISER")) {
        return Err(Refusal::invalid("INVALID_COMPANY_TYPE", "advertiser", format!("{advertiser} is no advertiser")));
    }
    state.referred("trafficker", "users", text(order, "trafficker").unwrap_or(""))?;
    let name = text(order, "displayName");
    let taken = state.orders.iter().any(|(id, other)| {
        Some(*id) != own && other.stage != Stage::Deleted && text(&other.object, "displayName") == name
    });
    if taken || staged.iter().any(|other| text(other, "displayName") == name) {
        let why = format!(
            "displayName: an order called \"{}\" exists in this network already (archived ones count); choose another",
            name.unwrap_or("")
        );
        return Err(Refusal::not_unique(why));
    }
    Ok(())
}

fn create(desk: &mut Desk<'_>) -> Done {
    let mut staged: Vec<Object> = Vec::new();
    for (index, (mut order, _)) in desk.requests(&ORDER, "order")?.into_iter().enumerate() {
        order.remove("name");
        check(desk.state, &order, None, &staged).map_err(|refusal| refusal.of_request(index))?;
        rules::credit::may_book(desk.state, &order, &desk.settings).map_err(|refusal| refusal.of_request(index))?;
        staged.push(order);
    }
    let mut shown = Vec::new();
    for object in staged {
        let id = desk.state.next_id();
        let order = Order {
            object,
            stage: Stage::Draft,
            archived: false,
            updated: desk.now,
            items: Vec::new(),
            born: std::time::Instant::now(),
        };
        shown.push(Value::Object(desk.state.show_order(id, &order, desk.now)));
        desk.state.orders.insert(id, order);
    }
    exact(&json!({ "orders": shown }))
}

fn update(desk: &mut Desk<'_>) -> Done {
    let mut staged: Vec<(i64, Object)> = Vec::new();
    for (index, (sent, request)) in desk.requests(&ORDER, "order")?.into_iter().enumerate() {
        let one = || {
            let name = text(&sent, "name").ok_or_else(|| Refusal::required("order.name"))?;
            let (id, order) = desk.state.order(name)?;
            changeable(name, order)?;
            if staged.iter().any(|(other, _)| *other == id) {
                return Err(Refusal::invalid("DUPLICATE", "order.name", "is in this batch twice"));
            }
            let after = mask::apply(&ORDER, &order.object, &sent, text(&request, "updateMask"))?;
            let others: Vec<Object> = staged.iter().map(|(_, other)| other.clone()).collect();
            check(desk.state, &after, Some(id), &others)?;
            Ok((id, after))
        };
        let read = one().map_err(|refusal: Refusal| refusal.of_request(index))?;
        staged.push(read);
    }
    let mut shown = Vec::new();
    for (id, object) in staged {
        if let Some(order) = desk.state.orders.get_mut(&id) {
            order.object = object;
            order.updated = desk.now;
        }
        if let Some(order) = desk.state.orders.get(&id) {
            shown.push(Value::Object(desk.state.show_order(id, order, desk.now)));
        }
    }
    exact(&json!({ "orders": shown }))
}

/// Refuses to change an immutable order.
pub(super) fn changeable(name: &str, order: &Order) -> Result<(), Refusal> {
    if order.archived {
        let why = format!("{name} is archived and can't be changed; unarchive it first");
        return Err(Refusal::state("UPDATE_ARCHIVED_ORDER_NOT_ALLOWED", why));
    }
    if order.stage == Stage::Pending {
        let why = format!("{name} waits for approval and can't be changed; retract it first");
        return Err(Refusal::state("UPDATE_PENDING_APPROVAL_ORDER_NOT_ALLOWED", why));
    }
    Ok(())
}

/// The actions on orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Approve(Reserve),
    Submit(Reserve),
    Disapprove,
    Retract,
    Pause,
    Resume(Reserve),
    Archive,
    Unarchive,
    Delete,
}

/// Whether an action reserves inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserve {
    /// It does, if there is a forecast and enough inventory.
    Checked,
    /// It does, whatever inventory there is.
    Unchecked,
    /// It does not.
    Nothing,
}

impl Action {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "batchApprove" => Self::Approve(Reserve::Checked),
            "batchApproveAndOverbook" => Self::Approve(Reserve::Unchecked),
            "batchApproveWithoutReservation" => Self::Approve(Reserve::Nothing),
            "batchSubmitForApproval" => Self::Submit(Reserve::Checked),
            "batchSubmitForApprovalAndOverbook" => Self::Submit(Reserve::Unchecked),
            "batchSubmitForApprovalWithoutReservationChanges" => Self::Submit(Reserve::Nothing),
            "batchDisapprove" | "batchDisapproveWithoutReservationChanges" => Self::Disapprove,
            "batchRetract" | "batchRetractWithoutReservationChanges" => Self::Retract,
            "batchPause" => Self::Pause,
            "batchResume" => Self::Resume(Reserve::Checked),
            "batchResumeAndOverbook" => Self::Resume(Reserve::Unchecked),
            "batchArchive" => Self::Archive,
            "batchUnarchive" => Self::Unarchive,
            "batchDelete" => Self::Delete,
            _ => return None,
        })
    }

    /// Whether its request has the field `skipInventoryCheck` (types
    /// `BatchApproveOrdersRequest`, `BatchSubmitOrdersForApprovalRequest`,
    /// `BatchResumeOrdersRequest`, `BatchApproveAndOverbookOrdersRequest`).
    fn may_skip_check(self) -> bool {
        matches!(
            self,
            Self::Approve(Reserve::Checked | Reserve::Unchecked)
                | Self::Submit(Reserve::Checked)
                | Self::Resume(Reserve::Checked)
        )
    }

    fn unchecked(self) -> Self {
        match self {
            Self::Approve(_) => Self::Approve(Reserve::Unchecked),
            Self::Submit(_) => Self::Submit(Reserve::Unchecked),
            Self::Resume(_) => Self::Resume(Reserve::Unchecked),
            other => other,
        }
    }
}

/// What determines whether an action is allowed, besides the order itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub now: Millis,
    pub settings: GamSettings,
}

impl Rules {
    fn of(desk: &Desk<'_>) -> Self {
        Self { now: desk.now, settings: desk.settings }
    }
}

/// Performs an action on all of some orders, or on none. Returns their ids.
pub(super) fn perform(state: &mut State, names: &[String], action: Action, rules: &Rules) -> Result<Vec<i64>, Refusal> {
    let mut ids = Vec::new();
    for name in names {
        let (id, order) = state.order(name)?;
        allowed(state, name, order, action, rules)?;
        ids.push(id);
    }
    for id in &ids {
        carry_out(state, *id, action, rules.now);
    }
    Ok(ids)
}

/// Updates the delivery of an order's line items after an action.
pub(super) fn settle(state: &mut State, id: i64, now: Millis) {
    let items = state.orders.get(&id).map(|order| order.items.clone()).unwrap_or_default();
    for item in items {
        state.settle(item, now);
    }
}

fn allowed(state: &State, name: &str, order: &Order, action: Action, rules: &Rules) -> Result<(), Refusal> {
    let inapplicable = |why: &str| {
        let why = format!("{name} is {}: {why}", order.stage.name());
        Err(Refusal::state("NOT_APPLICABLE", why))
    };
    if matches!(action, Action::Approve(_) | Action::Disapprove) && !rules.settings.may_approve {
        let why = format!("{name}: this account may not approve orders; submit the order for approval");
        return Err(Refusal::new(Status::PermissionDenied, "PERMISSION_DENIED", why));
    }
    if order.archived && !matches!(action, Action::Archive | Action::Unarchive) {
        return Err(Refusal::state("IS_ARCHIVED", format!("{name} is archived; unarchive it first")));
    }
    let items = || order.items.iter().filter_map(|id| state.items.get(id).map(|item| (*id, item)));
    let over = |(id, item): (i64, &LineItem)| state.item_status(id, item, rules.now) == "COMPLETED";
    let forecast = |of: fn(&LineItem) -> bool| {
        items()
            .filter(|(_, item)| of(item))
            .try_for_each(|(_, item)| rules::forecast::check(name, item, rules.now, &rules.settings))
    };
    match action {
        Action::Approve(reserve) => {
            let fresh = items().any(|(_, item)| !item.approved && !item.deleted);
            match order.stage {
                Stage::Draft | Stage::Pending => {}
                Stage::Approved if fresh => {}
                _ => return inapplicable("only drafts and orders that wait for approval can be approved"),
            }
            rules::credit::may_approve(state, &order.object, &rules.settings)?;
            if reserve == Reserve::Checked { forecast(|item| !item.reserved && !item.approved) } else { Ok(()) }
        }
        Action::Submit(_) if order.stage != Stage::Draft => inapplicable("only drafts can be submitted for approval"),
        Action::Submit(Reserve::Checked) => forecast(|item| !item.reserved),
        Action::Disapprove if order.stage != Stage::Pending => {
            inapplicable("only orders that wait for approval can be disapproved")
        }
        Action::Retract if !matches!(order.stage, Stage::Pending | Stage::Approved | Stage::Disapproved) => {
            inapplicable("there is nothing to retract")
        }
        Action::Pause | Action::Resume(_) if order.stage != Stage::Approved => {
            inapplicable("only approved orders can be paused and resumed")
        }
        Action::Pause | Action::Resume(_) if items().all(over) => {
            Err(Refusal::state("HAS_ENDED", format!("{name} has ended")))
        }
        Action::Pause if !items().any(|(id, item)| item.approved && !stopped(item) && !over((id, item))) => {
            inapplicable("none of its line items can be paused")
        }
        Action::Resume(_) if !items().any(|(id, item)| stopped(item) && !over((id, item))) => {
            inapplicable("none of its line items is paused")
        }
        Action::Resume(Reserve::Checked) => forecast(stopped),
        Action::Archive if items().any(|(id, item)| state.item_status(id, item, rules.now) == "DELIVERING") => {
            inapplicable("a line item of it is delivering; pause the order first")
        }
        Action::Delete if items().any(|(_, item)| item.delivery.totals(rules.now).impressions > 0) => {
            let why = format!("{name} has delivered and can't be deleted; archive it");
            Err(Refusal::state("CANNOT_DELETE_ORDER_WITH_DELIVERED_LINEITEMS", why))
        }
        Action::Delete if order.stage != Stage::Draft => inapplicable("only drafts can be deleted; archive it"),
        _ => Ok(()),
    }
}

/// Whether a line item was paused.
fn stopped(item: &LineItem) -> bool {
    (item.paused || item.released) && !item.deleted && !item.archived
}

fn carry_out(state: &mut State, id: i64, action: Action, now: Millis) {
    let statuses: Vec<(i64, &'static str)> = state.orders.get(&id).map_or(Vec::new(), |order| {
        let items = order.items.iter().filter_map(|id| state.items.get(id).map(|item| (*id, item)));
        items.map(|(id, item)| (id, state.item_status(id, item, now))).collect()
    });
    let Some(order) = state.orders.get_mut(&id) else { return };
    order.updated = now;
    match action {
        Action::Approve(_) => order.stage = Stage::Approved,
        Action::Submit(_) => order.stage = Stage::Pending,
        Action::Disapprove => order.stage = Stage::Disapproved,
        Action::Retract => order.stage = Stage::Draft,
        // An order itself is neither paused nor resumed: its line items are (type `OrderStatus`).
        Action::Pause | Action::Resume(_) => {}
        Action::Archive => order.archived = true,
        Action::Unarchive => order.archived = false,
        Action::Delete => order.stage = Stage::Deleted,
    }
    for (item, status) in statuses {
        let Some(item) = state.items.get_mut(&item) else { continue };
        match action {
            Action::Approve(reserve) => {
                item.approved = true;
                item.reserved = item.reserved || (reserve != Reserve::Nothing && rules::is_guaranteed(&item.object));
            }
            Action::Retract => (item.approved, item.reserved) = (false, false),
            Action::Pause if item.approved && status != "COMPLETED" => item.paused = true,
            Action::Resume(_) if status != "COMPLETED" && stopped(item) => {
                (item.paused, item.released) = (false, false);
                item.reserved = rules::is_guaranteed(&item.object);
            }
            Action::Archive | Action::Unarchive => item.archived = action == Action::Archive,
            Action::Delete => item.deleted = true,
            _ => {}
        }
    }
}

//! The credit status of the advertiser (type `CompanyCreditStatus`): unless it is ACTIVE, none of
//! its line items is activated; with INACTIVE, STOP and BLOCKED, no orders or line items are made
//! either. The reasons are those of the SOAP API's `OrderActionError` and `CompanyCreditStatusError`.

use crate::gam::{
    refusal::Refusal,
    schema::{Object, text},
    settings::GamSettings,
    state::State,
};

/// Statuses with the reason that forbids an approval.
const HELD: [(&str, &str); 4] = [
    ("ON_HOLD", "CANNOT_APPROVE_COMPANY_CREDIT_STATUS_ON_HOLD"),
    ("STOP", "CANNOT_APPROVE_COMPANY_CREDIT_STATUS_STOP"),
    ("INACTIVE", "CANNOT_APPROVE_COMPANY_CREDIT_STATUS_INACTIVE"),
    ("BLOCKED", "CANNOT_APPROVE_COMPANY_CREDIT_STATUS_BLOCKED"),
];

fn status<'s>(state: &'s State, order: &Object, settings: &GamSettings) -> &'s str {
    if settings.credit_on_hold {
        return "ON_HOLD";
    }
    let advertiser = text(order, "advertiser").unwrap_or("");
    let company = state.lookup("companies").and_then(|companies| companies.get(advertiser));
    company.and_then(|company| text(company, "creditStatus")).unwrap_or("ACTIVE")
}

/// Refuses an approval of an order.
pub(in crate::gam) fn may_approve(state: &State, order: &Object, settings: &GamSettings) -> Result<(), Refusal> {
    let status = status(state, order, settings);
    match HELD.into_iter().find(|(name, _)| *name == status) {
        Some((_, reason)) => {
            let advertiser = text(order, "advertiser").unwrap_or("");
            Err(Refusal::state(reason, format!("the credit status of {advertiser} is {status}")))
        }
        None => Ok(()),
    }
}

/// Refuses a new order or line item.
pub(in crate::gam) fn may_book(state: &State, order: &Object, settings: &GamSettings) -> Result<(), Refusal> {
    match status(state, order, settings) {
        "ACTIVE" | "ON_HOLD" => Ok(()),
        status => {
            let why = format!("{} has the credit status {status}", text(order, "advertiser").unwrap_or(""));
            Err(Refusal::state("COMPANY_CREDIT_STATUS_NOT_ALLOWED", why))
        }
    }
}

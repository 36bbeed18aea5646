//! A change, as the rules look at it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::domain::{
    change::ProposedChange,
    creative::Format,
    growth::{self, Growth},
    id::{PackageId, PlatformName, PrincipalId},
    money::Micros,
    operation::OperationKind,
};

/// A change, as the rules look at it.
#[derive(Debug, Clone)]
pub struct ApprovalQuestion {
    /// The kind of change.
    pub operation: OperationKind,
    /// The buyer that asks for it.
    pub principal: PrincipalId,
    /// Every platform that it affects.
    pub platforms: Vec<PlatformName>,
    /// The products whose packages it affects.
    pub products: Vec<PackageId>,
    /// The currency of the amounts.
    pub currency: String,
    /// The buy's total budget after the change.
    pub budget: Micros,
    /// The increase of the total budget over the amount that was last approved; see
    /// [`growth::raise`].
    pub raise: Micros,
    /// The amount that was last approved; `None` for a new buy, whose increase has no percentage.
    pub approved_budget: Option<Micros>,
    /// The aspects in which the buy is larger after the change.
    pub grown: BTreeSet<Growth>,
    /// How much longer the flight is than the one that was last approved; see [`growth::longer`].
    pub longer: Duration,
    /// For each package whose targeting may match more than before, what does.
    pub wider: BTreeMap<PackageId, String>,
    /// The formats of the creatives that are new, or run in a package in which they did not run.
    pub formats: BTreeSet<Format>,
    /// Whether it creates a buy for a buyer for whom nothing was ever carried out.
    pub first_buy: bool,
}

impl ApprovalQuestion {
    /// Describes a change. `nothing_booked`: whether no other buy of the buyer was ever carried out.
    pub fn about(operation: OperationKind, proposed: ProposedChange<'_>, nothing_booked: bool) -> Self {
        let ProposedChange { change, current: before, desired: after } = proposed;
        let creates = operation == OperationKind::Create;
        Self {
            operation,
            principal: before.principal.clone(),
            platforms: proposed.platforms(),
            products: change.packages(after).into_iter().cloned().collect(),
            currency: after.currency.clone(),
            budget: after.total_budget,
            raise: growth::raise(change, before, after),
            approved_budget: (!creates).then(|| before.approved_budget.unwrap_or(before.total_budget)),
            grown: growth::of(change, before, after),
            longer: growth::longer(change, before, after),
            wider: growth::wider(change, before, after),
            formats: growth::new_formats(change, before, after),
            first_buy: creates && nothing_booked,
        }
    }

    /// The reason why the change waits, for a reviewer.
    pub fn reason(&self) -> String {
        let mut reason = format!("{} needs approval by the publisher", self.operation);
        if self.operation != OperationKind::Create && !self.grown.is_empty() {
            reason = format!("{reason}: after it, {}", growth::words(&self.grown));
        }
        reason
    }
}

//! Checks that a call that reports success is in fact complete, according to its steps.
//!
//! | the adapter reports success, but | the failure's code |
//! |---|---|
//! | a create has not remembered its order or one of its packages | `create_incomplete` |
//! | a step that may have happened is still open | `step_left_open` |
//!
//! Both are faults: the operation is run again, which looks up what is in doubt. If that does not
//! help, what was made is rolled back, or a person is asked.

use super::{failures, steps::CallSteps};
use crate::domain::{
    failure::Failure,
    id::PlatformName,
    media_buy::{MediaBuy, RemoteKind},
};

/// Checks that a successful call left no step open that may have happened.
///
/// # Errors
/// When it did, which is the adapter's fault.
pub(super) fn no_step_is_open(steps: &CallSteps, adapter: &PlatformName) -> Result<(), Failure> {
    let Some(open) = steps.open_step_that_may_have_happened() else { return Ok(()) };
    let what = format_args!("answered that all is done and left the step {open:?} open, which may have happened");
    Err(failures::fault("step_left_open", adapter.as_str(), what))
}

/// Checks that a successful create has remembered everything it made.
///
/// # Errors
/// When the order or a package is missing, which is the adapter's fault.
pub(super) fn all_is_remembered(steps: &CallSteps, adapter: &PlatformName, buy: &MediaBuy) -> Result<(), Failure> {
    let order = (!steps.knows(RemoteKind::Order, "")).then(|| "the order".to_owned());
    let packages = buy.packages_on(adapter).filter(|package| !steps.knows(RemoteKind::Package, package.id.as_str()));
    let missing: Vec<String> =
        order.into_iter().chain(packages.map(|package| format!("the package {}", package.id))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format_args!("answered that the media buy is made and did not remember {}", missing.join(", "));
    Err(failures::fault("create_incomplete", adapter.as_str(), what))
}

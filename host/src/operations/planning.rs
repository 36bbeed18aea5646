//! What a change will do on each platform, and the digest that an approval is bound to.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use crate::{
    adapters::{Adapters, Call},
    config::Config,
    domain::{
        account,
        change::{Change, ProposedChange},
        digest,
        failure::{Failure, FailureKind},
        id::{OperationId, PlatformName, PrincipalId},
        operation::FrozenPlatform,
        plan::{Plan, PlatformPlan},
        problem::Problem,
        time::Timestamp,
    },
};

/// The time limit of a plan of a change that is accepted. It uses no network.
pub const PLAN_TIME: Duration = Duration::from_secs(10);

/// Returns the context of an adapter call about a change. `frozen` is what the operation began
/// with, if it has begun.
///
/// # Errors
/// When the buyer has no advertiser on the platform.
pub fn call(
    config: &Config,
    proposed: ProposedChange<'_>,
    frozen: Option<&FrozenPlatform>,
    operation: &OperationId,
    platform: &PlatformName,
    deadline: Timestamp,
) -> Result<Call, Failure> {
    let buy = proposed.current;
    let began_as = frozen.map(|frozen| frozen.advertiser_id.as_str());
    let advertiser_id = began_as.or_else(|| config.advertiser(&buy.principal, platform)).ok_or_else(|| {
        Failure::new(
            FailureKind::Invalid,
            "no_advertiser",
            format!("this buyer has no advertiser on {platform}: the publisher must map one"),
        )
    })?;
    let buyer = match frozen {
        Some(frozen) => frozen.buyer.as_deref(),
        None => config.buyer_name(&buy.principal),
    };
    Ok(Call {
        operation: operation.clone(),
        advertiser_id: advertiser_id.to_owned(),
        buyer: buyer.map(str::to_owned),
        remote: buy.remote_on(platform).to_vec(),
        deadline,
        frozen: frozen.cloned(),
    })
}

/// Returns, by platform, the settings that an operation beginning now with this plan keeps to its
/// end.
pub fn frozen(
    adapters: &Adapters,
    config: &Config,
    principal: &PrincipalId,
    plan: &Plan,
) -> BTreeMap<PlatformName, FrozenPlatform> {
    let of = |part: &PlatformPlan| {
        let advertiser_id = config.advertiser(principal, &part.platform)?;
        Some((part.platform.clone(), adapters.frozen(&part.platform, advertiser_id, config.buyer_name(principal))?))
    };
    plan.platforms.iter().filter_map(of).collect()
}

/// Refuses a new buy in another currency than the account's, as far as the account is known. What
/// exists already must still be possible to change and to stop.
fn check_currency(
    adapters: &Adapters,
    platform: &PlatformName,
    advertiser_id: &str,
    proposed: ProposedChange<'_>,
) -> Result<(), Failure> {
    let Change::Create = proposed.change else { return Ok(()) };
    let Some(known) = adapters.known_account(platform) else { return Ok(()) };
    let wanted = &proposed.desired.currency;
    known.currency_of(advertiser_id).map_or(Ok(()), |account| account::check_currency(platform, wanted, account))
}

/// Returns the plan, unless the change uses something that the adapter does not list as a
/// capability. Then the adapter's refusal and the host's are merged into one, without duplicates.
fn check_against_capabilities(
    planned: Result<PlatformPlan, Failure>,
    unlisted: Vec<Problem>,
) -> Result<PlatformPlan, Failure> {
    if unlisted.is_empty() {
        return planned;
    }
    let refused =
        planned.err().filter(|failure| matches!(failure.kind, FailureKind::Unsupported | FailureKind::Invalid));
    let mut failure = refused.unwrap_or_else(|| {
        Failure::new(FailureKind::Unsupported, "unsupported", "the adapter does not list what is asked for")
    });
    // The adapter's wording is the better one.
    let is_said = |problem: &Problem, said: &[Problem]| {
        let per_value = problem.field.is_within_targeting();
        said.iter().any(|item| item.field == problem.field && (!per_value || item.value == problem.value))
    };
    failure.kind = FailureKind::Unsupported;
    let news: Vec<Problem> = unlisted.into_iter().filter(|problem| !is_said(problem, &failure.items)).collect();
    failure.items.extend(news);
    Err(failure)
}

/// The failure of a new buy at prices that the adapter does not list. It is not asked about those: it
/// may be older than the host's way to sell so, and take clicks for impressions.
fn not_sold(unsold: Vec<Problem>) -> Failure {
    let message = "the adapter does not list the price at which this is sold";
    let mut failure = Failure::new(FailureKind::Unsupported, "unsupported_price_model", message);
    failure.items = unsold;
    failure
}

/// Why a change can't be planned: the failures of the platforms that refused it, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Unplannable {
    /// The failure of the first platform in the order of the plan.
    pub first: (PlatformName, Failure),
    /// The failures of the other platforms.
    pub others: Vec<(PlatformName, Failure)>,
}

impl Unplannable {
    /// Returns all failures in the order of the plan.
    pub fn into_failures(self) -> Vec<(PlatformName, Failure)> {
        std::iter::once(self.first).chain(self.others).collect()
    }
}

/// Plans a change on every platform that it touches, with the active release or the one given.
///
/// # Errors
/// The failure of each platform that can't make the change.
pub async fn plan(
    adapters: &Adapters,
    config: &Config,
    operation: &OperationId,
    proposed: ProposedChange<'_>,
    deadline: Timestamp,
) -> Result<Plan, Unplannable> {
    let platforms = proposed.platforms();
    let plans = platforms.iter().map(|platform| async move {
        let named = |failure| (platform.clone(), failure);
        let call = call(config, proposed, None, operation, platform, deadline).map_err(named)?;
        check_currency(adapters, platform, &call.advertiser_id, proposed).map_err(named)?;
        let listed = adapters.capabilities_of(platform, None);
        let unsold = listed.map_or_else(Vec::new, |can| can.unsold(platform, proposed));
        if !unsold.is_empty() {
            return Err(named(not_sold(unsold)));
        }
        let planned = adapters.plan(platform, None, &call, proposed.into()).await;
        let release = planned.as_ref().ok().map(|plan| plan.release.as_str());
        // Whatever the adapter does not list is refused, no matter what the adapter says about the
        // change.
        let capabilities = adapters.capabilities_of(platform, release);
        let unlisted = capabilities.as_ref().map_or_else(Vec::new, |can| can.unsupported(platform, proposed));
        let mut part = check_against_capabilities(planned, unlisted).map_err(named)?;
        part.notes.extend(capabilities.map_or_else(Vec::new, |can| can.irreversible(proposed.change)));
        part.notes.extend(proposed.terms(platform));
        part.notes.extend(proposed.change.cleared(proposed.current, Some(platform)));
        Ok(part)
    });
    let mut plan = Plan::default();
    let mut failures = Vec::new();
    for planned in futures::future::join_all(plans).await {
        match planned {
            Ok(part) => plan.platforms.push(part),
            Err(failure) => failures.push(failure),
        }
    }
    let mut failures = failures.into_iter();
    match failures.next() {
        None => Ok(plan),
        Some(first) => Err(Unplannable { first, others: failures.collect() }),
    }
}

/// Returns the releases that made a plan, by platform.
pub fn releases(plan: &Plan) -> BTreeMap<PlatformName, String> {
    plan.platforms.iter().map(|part| (part.platform.clone(), part.release.clone())).collect()
}

/// Returns the digest that an approval is bound to: of the request, the plan with its releases, and
/// the buy's revision.
pub fn digest(request: &serde_json::Value, plan: &Plan, revision: i64) -> String {
    digest::canonical(&approvable(request, plan, revision))
}

/// Like [`digest`], but returns `approved` unchanged if an earlier release computed it from the
/// same values.
pub fn digest_like(approved: Option<&str>, request: &serde_json::Value, plan: &Plan, revision: i64) -> String {
    let approvable = approvable(request, plan, revision);
    match approved.filter(|approved| digest::is_of(approved, &approvable)) {
        Some(approved) => approved.to_owned(),
        None => digest::canonical(&approvable),
    }
}

fn approvable(request: &serde_json::Value, plan: &Plan, revision: i64) -> serde_json::Value {
    json!({ "request": request, "plan": plan, "revision": revision })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::field::FieldPath;

    fn problem(field: &str, value: &str) -> Problem {
        Problem::new(FieldPath::parse(field), "the host's words").value(value)
    }

    fn refused(items: &[(&str, &str)], kind: FailureKind) -> Failure {
        let items = items
            .iter()
            .map(|(field, value)| Problem::new(FieldPath::parse(field), "the adapter's words").value(*value));
        Failure { items: items.collect(), ..Failure::new(kind, "unsupported_pacing", "no") }
    }

    fn planned() -> PlatformPlan {
        PlatformPlan { platform: "acme".into(), release: "r".to_owned(), changes: Vec::new(), notes: Vec::new() }
    }

    const OS: &str = "/packages/a/targeting_overlay/os_any_of";

    #[test]
    fn what_the_adapter_takes_and_does_not_list_is_refused() {
        assert_eq!(check_against_capabilities(Ok(planned()), Vec::new()), Ok(planned()));
        let failure = check_against_capabilities(Ok(planned()), vec![problem(OS, "ios")]).unwrap_err();
        assert_eq!((failure.kind, failure.items.len()), (FailureKind::Unsupported, 1));
    }

    #[test]
    fn an_approval_of_an_earlier_release_stays_one_of_the_same() {
        let request = json!({ "total_budget": 50000.0 });
        let earlier = r#"{"plan":{"platforms":[]},"request":{"total_budget":50000.0},"revision":3}"#;
        let earlier = digest::sha256(earlier.as_bytes());
        let like = |approved: Option<&str>, revision| digest_like(approved, &request, &Plan::default(), revision);
        assert_ne!(earlier, digest(&request, &Plan::default(), 3));
        assert_eq!(like(Some(&earlier), 3), earlier);
        assert_eq!(like(Some(&earlier), 4), digest(&request, &Plan::default(), 4));
        assert_eq!(like(None, 3), digest(&request, &Plan::default(), 3));
    }

    #[test]
    fn what_both_refuse_is_said_once_in_the_adapters_words() {
        let said = refused(&[(OS, "ios"), ("/packages/a/pacing", "Asap")], FailureKind::Invalid);
        let unlisted = vec![problem(OS, "ios"), problem(OS, "beos"), problem("/packages/a/pacing", "asap")];
        let failure = check_against_capabilities(Err(said), unlisted).unwrap_err();
        let items: Vec<(&str, &str)> = failure
            .items
            .iter()
            .map(|item| (item.value.as_deref().unwrap_or_default(), item.message.as_str()))
            .collect();
        assert_eq!(
            items,
            [("ios", "the adapter's words"), ("Asap", "the adapter's words"), ("beos", "the host's words")]
        );
        assert_eq!(failure.kind, FailureKind::Unsupported);
    }

    #[test]
    fn a_fault_of_the_adapter_does_not_hide_what_it_does_not_list() {
        let trap = Failure::new(FailureKind::Fault, "trap", "stopped");
        let failure = check_against_capabilities(Err(trap.clone()), vec![problem(OS, "ios")]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert_eq!(check_against_capabilities(Err(trap.clone()), Vec::new()), Err(trap));
    }
}

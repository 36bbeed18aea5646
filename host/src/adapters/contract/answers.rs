//! Plans, outcomes and failures that adapters return.

use std::collections::HashSet;

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;
use flightdeck_prose::prose;

use super::{
    Bad, bad,
    check::{self, cut},
    words,
};
use crate::{
    adapters::{AdapterChange, egress::pace::LONGEST_PAUSE},
    domain::{
        creative::{AssetState, AssetStatus},
        failure::{Failure, FailureKind, PlatformAnswer},
        field::FieldPath,
        id::{CreativeId, PackageId, PlatformName},
        lookup::MadeObject,
        media_buy::{MediaBuy, RemoteObject},
        operation::{LegOutcome, Optimization},
        plan::{FieldChange, PlanAction, PlannedChange, PlatformPlan},
        problem::Problem,
    },
};

/// Reads a plan. A reviewer approves exactly what it contains, so a create whose plan omits one of
/// its packages is rejected, and so is a plan for a package that the buy does not have on this
/// platform.
pub(crate) fn plan(
    platform: &PlatformName,
    release: &str,
    change: AdapterChange<'_>,
    plan: wit::ChangePlan,
) -> Result<PlatformPlan, Bad> {
    let mut room = check::PLAN;
    let changes = check::list("planned changes", plan.changes, check::CHANGES)?;
    let changes: Vec<PlannedChange> =
        changes.into_iter().map(|change| planned(change, &mut room)).collect::<Result<_, _>>()?;
    for id in changes.iter().filter_map(|change| change.package_id.clone()) {
        known_package(change.buy(), platform, id)?;
    }
    if let Some(buy) = change.created() {
        let is_planned =
            |id: &PackageId| changes.iter().any(|change| change.package_id.as_deref() == Some(id.as_str()));
        if let Some(package) = buy.packages_on(platform).find(|package| !is_planned(&package.id)) {
            bad!("planned a create without its package `{}`", package.id);
        }
    }
    Ok(PlatformPlan {
        platform: platform.clone(),
        release: release.to_owned(),
        changes,
        notes: check::notes(plan.notes)?,
    })
}

fn planned(change: wit::PlannedChange, room: &mut usize) -> Result<PlannedChange, Bad> {
    let mut fields = Vec::with_capacity(change.fields.len().min(check::ITEMS));
    for field in check::list("fields in one planned change", change.fields, check::ITEMS)? {
        let value = |value: Option<String>| value.map(|v| check::text("field value", v, check::VALUE)).transpose();
        let field = FieldChange {
            field: check::named("field name", field.field)?,
            before: value(field.before)?,
            after: value(field.after)?,
        };
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let size = field.field.len() + length(&field.before) + length(&field.after);
        *room = room
            .checked_sub(size)
            .ok_or_else(|| Bad::new(format!("returned a plan of more than {} bytes", check::PLAN)))?;
        fields.push(field);
    }
    let short = |what, value: Option<String>| value.map(|v| check::named(what, v)).transpose();
    Ok(PlannedChange {
        action: match change.action {
            wit::PlanAction::Create => PlanAction::Create,
            wit::PlanAction::Update => PlanAction::Update,
            wit::PlanAction::Delete => PlanAction::Delete,
            wit::PlanAction::Associate => PlanAction::Associate,
            wit::PlanAction::Other(_) => PlanAction::Other,
        },
        remote_type: check::named("remote type", change.remote_type)?,
        name: check::text("name", change.name, check::SHORT)?,
        remote_id: short("remote id", change.remote_id)?,
        package_id: short("package id", change.package_id)?,
        fields,
    })
}

/// Reads the outcome of a create or a cancel.
pub(crate) fn outcome(outcome: wit::Outcome) -> Result<LegOutcome, Bad> {
    Ok(LegOutcome {
        effective: outcome.effective.map(|text| check::moment("the effective moment", &text)).transpose()?,
        notes: check::notes(outcome.notes)?,
        ..LegOutcome::default()
    })
}

/// Reads the objects that carry a step's reference.
pub(crate) fn made(found: Vec<wit::MadeObject>) -> Result<Vec<MadeObject>, Bad> {
    let read = |made: wit::MadeObject| {
        let id = check::named("remote id", made.object.id.clone())?;
        let object = words::remote_from_guest(made.object).map_err(Bad::new)?;
        check::text("remote key", object.key.clone(), check::SHORT)?;
        Ok(MadeObject {
            object: RemoteObject { id, ..object },
            remote_type: check::named("remote type", made.remote_type)?,
            name: check::text("name", made.name, check::SHORT)?,
            active: made.active,
            made_at: made.made_at.map(|text| check::moment("the moment at which it was made", &text)).transpose()?,
        })
    };
    check::list("objects with one reference", found, check::ITEMS)?.into_iter().map(read).collect()
}

/// Checks that a package id belongs to the buy on this platform.
pub(super) fn known_package(buy: &MediaBuy, platform: &PlatformName, id: String) -> Result<PackageId, Bad> {
    let id = PackageId::new(id);
    if buy.package(&id).is_none_or(|package| &package.platform != platform) {
        bad!("named the package `{}`, which the media buy does not have on this platform", cut(id.as_str(), 100));
    }
    Ok(id)
}

/// Reads the outcome of an update.
pub(crate) fn update_outcome(
    platform: &PlatformName,
    buy: &MediaBuy,
    outcome: wit::UpdateOutcome,
) -> Result<LegOutcome, Bad> {
    let known = |id| known_package(buy, platform, id);
    let affected: Vec<PackageId> = outcome.affected_packages.into_iter().map(known).collect::<Result<_, _>>()?;
    let failed = outcome.failed.map(|failed| Ok::<_, Bad>((known(failed.package_id)?, failure(failed.failure))));
    let failed_package = failed.transpose()?;
    let mut seen = HashSet::new();
    if let Some(twice) = affected.iter().find(|id| !seen.insert(*id)) {
        bad!("named the package `{twice}` twice");
    }
    if let Some((id, _)) = failed_package.as_ref().filter(|(id, _)| affected.contains(id)) {
        bad!("named the package `{id}` both as changed and as failed");
    }
    Ok(LegOutcome {
        effective: outcome.effective.map(|text| check::moment("the effective moment", &text)).transpose()?,
        notes: check::notes(outcome.notes)?,
        affected,
        failed_package,
        ..LegOutcome::default()
    })
}

/// Reads the status of one creative.
pub(crate) fn add_asset(assets: &mut Vec<AssetStatus>, asset: wit::AssetStatus) -> Result<(), Bad> {
    let creative = CreativeId::new(asset.creative_id);
    if assets.iter().any(|known| known.creative == creative) {
        bad!("answered twice for the creative `{creative}`");
    }
    assets.push(AssetStatus {
        creative,
        state: match asset.state {
            wit::AssetState::Approved => AssetState::Approved,
            wit::AssetState::Rejected => AssetState::Rejected,
            // A state unknown to this host is not yet an approval.
            wit::AssetState::Pending | wit::AssetState::Other(_) => AssetState::Pending,
        },
        platform_id: asset.remote_id.map(|id| check::named("remote id", id)).transpose()?,
        feedback: asset.feedback.map(feedback).transpose()?,
    });
    Ok(())
}

/// Reads feedback on a creative, with addresses removed, because an adapter may pass on a page of
/// the ad server's.
fn feedback(said: String) -> Result<String, Bad> {
    let said = check::text("feedback", said, check::LONG)?;
    check::for_buyers("feedback", prose(&said, check::LONG), check::LONG)
}

/// Reads the outcome of sending creatives: exactly one answer for each creative sent.
pub(crate) fn creative_outcome(expected: &HashSet<String>, outcome: wit::CreativeOutcome) -> Result<LegOutcome, Bad> {
    let mut assets: Vec<AssetStatus> = Vec::with_capacity(outcome.assets.len().min(expected.len()));
    for asset in outcome.assets {
        if !expected.contains(&asset.creative_id) {
            bad!("answered for the creative `{}`, which it was not given", cut(&asset.creative_id, 100));
        }
        add_asset(&mut assets, asset)?;
    }
    if let Some(missing) = expected.iter().find(|id| !assets.iter().any(|asset| asset.creative.as_str() == id.as_str()))
    {
        bad!("said nothing about the creative `{missing}`");
    }
    Ok(LegOutcome { notes: check::notes(outcome.notes)?, assets, ..LegOutcome::default() })
}

/// Reads the outcome of a performance update.
pub(crate) fn performance_outcome(
    platform: &PlatformName,
    buy: &MediaBuy,
    outcome: wit::PerformanceOutcome,
) -> Result<LegOutcome, Bad> {
    let read = |action: wit::OptimizationAction| {
        Ok(Optimization {
            package: known_package(buy, platform, action.package_id)?,
            kind: match action.kind {
                wit::OptimizationKind::Applied => "applied".to_owned(),
                wit::OptimizationKind::Advised => "advised".to_owned(),
                wit::OptimizationKind::Unnecessary => "none".to_owned(),
                wit::OptimizationKind::Other(word) => check::named("kind of optimisation", word)?,
            },
            action: check::named("action", action.action)?,
            reason: check::for_buyers("reason", action.reason, check::LONG)?,
        })
    };
    let actions = check::list("optimisation actions", outcome.actions, check::ITEMS)?;
    let optimizations = actions.into_iter().map(read).collect::<Result<_, Bad>>()?;
    Ok(LegOutcome { optimizations, ..LegOutcome::default() })
}

/// Reads a failure. Its texts are truncated, not refused: the reason for a failure must not be lost
/// over a long sentence.
pub(crate) fn failure(failure: wit::Failure) -> Failure {
    let word = |text: &str| -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        cut(text, 64).chars().map(plain).collect()
    };
    let kind = match failure.kind {
        wit::FailureKind::Invalid => FailureKind::Invalid,
        wit::FailureKind::Unsupported => FailureKind::Unsupported,
        wit::FailureKind::Permission => FailureKind::Permission,
        wit::FailureKind::ApprovalRequired => FailureKind::ApprovalRequired,
        wit::FailureKind::Rejected => FailureKind::Rejected,
        wit::FailureKind::Unavailable => FailureKind::Unavailable,
        wit::FailureKind::NotFound => FailureKind::NotFound,
        wit::FailureKind::Unresolved => FailureKind::Unresolved,
    };
    let code = if failure.code.is_empty() { kind.as_str().to_owned() } else { word(&failure.code) };
    let item = |item: wit::FailureItem| {
        let problem = Problem::new(FieldPath::parse(cut(&item.field, check::SHORT)), cut(&item.message, check::LONG))
            .supported(item.supported.iter().take(check::ITEMS).map(|value| cut(value, check::SHORT)));
        if item.value.is_empty() { problem } else { problem.value(cut(&item.value, check::SHORT)) }
    };
    // As with the ad server's own `Retry-After`, a longer wait is cut to this maximum.
    let longest = u64::try_from(LONGEST_PAUSE.as_millis()).unwrap_or(u64::MAX);
    Failure {
        kind,
        code,
        message: cut(&failure.message, check::LONG).to_owned(),
        items: failure.items.into_iter().take(check::ITEMS).map(item).collect(),
        retry_after_ms: failure.retry_after_ms.map(|asked| asked.min(longest)),
        platform: failure.platform.map(|answer| PlatformAnswer {
            status: answer.status,
            code: cut(&answer.code, check::SHORT).to_owned(),
            message: prose(&answer.message, 2_048),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_adapter_passes_on_of_a_page_is_reduced_to_its_words() {
        let page = "<html><head><style>p{}</style></head><body><h1>Not &amp; now</h1></body></html>";
        let said = failure(wit::Failure {
            kind: wit::FailureKind::Rejected,
            code: "no".to_owned(),
            message: "Refused.".to_owned(),
            items: Vec::new(),
            retry_after_ms: None,
            platform: Some(wit::PlatformAnswer { status: 400, code: String::new(), message: page.to_owned() }),
            extensions: Vec::new(),
        });
        assert_eq!(said.platform.unwrap().message, "Not & now");
        let mut assets = Vec::new();
        let refused = wit::AssetStatus {
            creative_id: "banner".to_owned(),
            state: wit::AssetState::Rejected,
            remote_id: None,
            feedback: Some(page.to_owned()),
            extensions: Vec::new(),
        };
        add_asset(&mut assets, refused).unwrap();
        assert_eq!(assets[0].feedback.as_deref(), Some("Not & now"));
    }
}

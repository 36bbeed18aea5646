//! The command `audit object`: who approved what an object on an ad server is.
#![expect(clippy::print_stdout, reason = "the proof is shown here")]

use std::fmt::Write as _;

use anyhow::{bail, ensure};
use clap::Args;

use super::{WithConfig, audit};
use crate::{
    config::Config,
    domain::{audit::key_of, id::PlatformName},
    operations::provenance::{self, Origin, Provenance, Verdict},
    serve,
};

/// Options of `audit object`.
#[derive(Debug, Args)]
pub(crate) struct AuditObject {
    #[command(flatten)]
    pub(super) with: WithConfig,
    /// The platform, as the configuration names it.
    platform: String,
    /// The object's id on the platform.
    id: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints where an object comes from and who approved it.
///
/// # Errors
/// When there is no such object, the audit log is not whole, or something about the object is not
/// proven.
pub(crate) fn run(config: &Config, asked: &AuditObject) -> anyhow::Result<()> {
    let found = serve::runtime()?.block_on(async {
        let store = serve::open_store_beside(config).await?;
        // What the lines say counts only if the whole log is whole.
        let verified = audit::verified(&store, None).await?;
        let unproven = verified.unproven.len();
        verified.end()?;
        ensure!(unproven == 0, "the audit log is not proven: flightdeck audit verify says more");
        let found = provenance::of_object(&store, &PlatformName::from(asked.platform.as_str()), &asked.id).await?;
        store.close().await;
        anyhow::Ok(found)
    })?;
    if found.is_empty() {
        bail!(
            "no media buy has recorded an object {} on {}: it was not made here, or by a request that got no answer",
            asked.id,
            asked.platform
        );
    }
    match asked.json {
        true => println!("{}", serde_json::to_string_pretty(&found)?),
        false => print!("{}", found.iter().map(|object| shown(config, object)).collect::<String>()),
    }
    let unproven = found.iter().flat_map(|object| &object.operations).filter(|one| !one.verdict.is_proven());
    match unproven.map(|one| one.operation.to_string()).collect::<Vec<_>>() {
        unproven if unproven.is_empty() => Ok(()),
        unproven => bail!("not proven: {}", unproven.join(", ")),
    }
}

fn shown(config: &Config, object: &Provenance) -> String {
    let Provenance { platform, kind, key, remote_id, buy, principal, operations } = object;
    let buyer = config.buyer_name(principal).unwrap_or(principal.as_str());
    let name = if key.is_empty() { String::new() } else { format!(" {key}") };
    let mut text = format!("{platform} {remote_id} is the {}{name} of {buy}, of {buyer}\n", kind.as_str());
    for origin in operations {
        text += &operation(origin);
    }
    text.escape_default().to_string().replace("\\n", "\n").replace("\\'", "'").replace("\\\"", "\"")
}

fn operation(origin: &Origin) -> String {
    let Origin { operation, tool, requested_by, accepted_at, state, changes, verdict } = origin;
    let mut text = format!("\n{tool} {operation}: {state}; asked for by {requested_by} {accepted_at}\n");
    match verdict {
        Verdict::NotDemanded => text += "  no rule demanded an approval\n",
        Verdict::ByHand { task, by } => {
            let by = by.as_deref().unwrap_or("somebody");
            let _ = writeln!(text, "  done by hand, as {by} said in {task}");
        }
        Verdict::NotApproved { task } => {
            let _ = writeln!(text, "  NOT APPROVED: {task}");
        }
        Verdict::Approved { task, digest, intact, approvals } => {
            for proof in approvals {
                let key = key_of(&proof.link).map_or_else(String::new, |key| format!(", signed with {key}"));
                let _ = writeln!(text, "  approved by {} {} (audit line {}{key})", proof.by, proof.at, proof.line);
            }
            if approvals.is_empty() {
                let _ = writeln!(text, "  NO LINE of the audit log has an approval of {task} with its digest");
            }
            let state = match intact {
                true => "the request and the plan below have the digest that was approved",
                false => {
                    "CHANGED SINCE: the request or the plan of the task does not have the digest that was approved"
                }
            };
            let _ = writeln!(text, "  {state}: {digest}");
        }
    }
    for change in changes {
        let _ = writeln!(text, "    {} {} {:?}", change.action.as_str(), change.remote_type, change.name);
        for field in &change.fields {
            let after = field.after.as_deref().unwrap_or("nothing");
            let before = field.before.as_deref().map(|before| format!("{before} -> ")).unwrap_or_default();
            let _ = writeln!(text, "      {}: {before}{after}", field.field);
        }
    }
    text
}

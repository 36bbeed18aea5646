//! The command `rules explain`: which approval rules apply to a request, and why.
#![expect(clippy::print_stdout, reason = "what was found is shown here")]

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use super::WithConfig;
use crate::{
    app::{
        error::AppError,
        explain_rules::{Explanation, explain_rules},
    },
    config::{Config, written},
    domain::{
        approval::{Finding, Group, Needed, candidate_groups},
        id::PrincipalId,
        operation::OperationKind,
        problem::Problem,
    },
    operations::now,
    serve,
    web::{
        json::Arguments,
        v1::{explain::read_asked, fields},
    },
};

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Say for each approval rule whether it applies to a request, and why or why not; and whose
    /// approvals the request needs. Stores nothing and asks no ad server. Works while a host is
    /// serving.
    Explain(Explain),
}

/// Options of `rules explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(super) with: WithConfig,
    /// The principal that would send the request.
    #[arg(long)]
    principal: String,
    /// The tool that it would be sent to [default: `create_media_buy`, or `update_media_buy` if the
    /// request has a `media_buy_id`].
    #[arg(long, value_parser = operation)]
    operation: Option<OperationKind>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The request: a file with the JSON that would be sent, with `media_buy_id` for a change.
    request: PathBuf,
}

fn operation(text: &str) -> Result<OperationKind, String> {
    OperationKind::REQUESTED.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let known: Vec<&str> = OperationKind::REQUESTED.iter().map(|kind| kind.as_str()).collect();
        format!("must be one of {}", known.join(", "))
    })
}

/// Explains the rules about a request.
pub(crate) fn explain(config: &Config, asked: &Explain) -> anyhow::Result<()> {
    let principal = PrincipalId::from(asked.principal.as_str());
    if !config.principals.iter().any(|known| known.id == principal) {
        let known: Vec<&str> = config.principals.iter().map(|known| known.id.as_str()).collect();
        bail!("there is no principal {principal}; configured: {}", known.join(", "));
    }
    let shown = asked.request.display();
    let body = std::fs::read(&asked.request).with_context(|| format!("{shown} can't be read"))?;
    let arguments = Arguments::parse(&body).with_context(|| format!("{shown} is no request"))?;
    let changes = arguments.value.get("media_buy_id").is_some();
    let operation = asked.operation.unwrap_or(if changes { OperationKind::Update } else { OperationKind::Create });
    let in_words = |error: AppError| {
        let error = fields::in_request(error, &arguments.value);
        anyhow::anyhow!("{shown}: {}", mistakes(&error))
    };
    let request = read_asked(operation, &arguments).map_err(in_words)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let explained = runtime.block_on(async {
        // Rules can be tried before a host has ever served.
        let store = match config.database_path() {
            Some(path) if !path.exists() => None,
            _ => Some(serve::open_store_beside(config).await?),
        };
        let explained = explain_rules(config, store.as_ref(), &principal, request, now()).await.map_err(in_words);
        if let Some(store) = store {
            store.close().await;
        }
        explained
    })?;
    if asked.json {
        println!("{}", serde_json::to_string_pretty(&as_json(&explained))?);
    } else {
        print!("{}", as_text(config, &explained));
    }
    Ok(())
}

/// All that is wrong with a request, a line each.
fn mistakes(error: &AppError) -> String {
    let line = |problem: &Problem| format!("\n  {} {}", problem.field, problem.message);
    let lines: Vec<String> = error.problems.iter().map(line).collect();
    if lines.is_empty() { error.message.clone() } else { lines.concat() }
}

fn as_text(config: &Config, explained: &Explanation<'_>) -> String {
    let mut lines = vec![format!("{}\n", explained.operation)];
    for (rule, finding) in &explained.rules {
        lines.push(match finding {
            Finding::Applies(because) => format!("applies         {}\n                {because}\n", rule.name),
            Finding::DoesNot(why_not) => format!("does not apply  {}\n                {why_not}\n", rule.name),
        });
    }
    let Some(needed) = &explained.needed else {
        lines.push("\nit waits for nobody\n".to_owned());
        return lines.concat();
    };
    lines.push("\nit waits for\n".to_owned());
    for demand in needed.demands.iter().filter(|demand| demand.reviewers > 0) {
        lines.push(format!("  {demand}  ({})\n", demand.rule));
    }
    let is_asked = |group: &&Group| needed.demands.iter().any(|demand| demand.groups.contains(&group.id));
    for group in config.groups.iter().filter(is_asked) {
        let people: Vec<&str> = group.people.iter().map(|person| person.as_str()).collect();
        lines.push(format!("{:<11} {}\n", group.id.as_str(), people.join(", ")));
    }
    lines.push(format!("priority    {}\ndue in      {}\n", needed.priority, written(needed.due_in)));
    lines.push(format!("escalates   to {}\n", needed.escalate_to.as_deref().unwrap_or("nobody in particular")));
    let latest = "at the start of the flight, or after 30 days";
    lines.push(match needed.expires_in {
        Some(expires_in) => format!("expires in  {}, or {latest}\n", written(expires_in)),
        None => format!("expires     {latest}\n"),
    });
    lines.concat()
}

fn as_json(explained: &Explanation<'_>) -> serde_json::Value {
    let rules: Vec<_> = explained
        .rules
        .iter()
        .map(|(rule, finding)| match finding {
            Finding::Applies(because) => json!({ "name": rule.name, "applies": true, "because": because }),
            Finding::DoesNot(why_not) => json!({ "name": rule.name, "applies": false, "because": why_not }),
        })
        .collect();
    json!({ "operation": explained.operation, "rules": rules, "needed": explained.needed.as_ref().map(needed_json) })
}

fn needed_json(needed: &Needed) -> serde_json::Value {
    json!({
        "demands": needed.demands,
        "approvals_needed": needed.reviewers(),
        "candidate_groups": candidate_groups(&needed.demands),
        "priority": needed.priority,
        "due_in_seconds": needed.due_in.as_secs(),
        "escalate_to": needed.escalate_to,
        "expires_in_seconds": needed.expires_in.map(|time| time.as_secs()),
    })
}

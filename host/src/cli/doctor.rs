//! The command `doctor`: what an installation needs before its first media buy, and what is missing.
#![expect(clippy::print_stdout, reason = "the list is shown here")]

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use anyhow::bail;
use clap::Args;

use super::WithConfig;
use crate::{
    app::single_sign_on,
    config::Config,
    domain::{account::Severity, id::PlatformName},
    operations::{
        accounts,
        checklist::{self, Check, Reached},
        now,
    },
    serve,
};

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub(super) with: WithConfig,
    /// Don't ask the platforms: look at the configuration and the database only.
    #[arg(long)]
    offline: bool,
    /// How many seconds each platform may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints the checklist.
///
/// # Errors
/// When the adapters or the database can't be used, or anything is missing.
pub(super) fn run(config: Config, asked: &Doctor) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let checks = serve::runtime()?.block_on(checks(&config, asked))?;
    match asked.json {
        true => println!("{}", serde_json::to_string_pretty(&checks)?),
        false => print!("{}", table(&checks)),
    }
    match checks.iter().filter(|check| check.severity == Severity::Bad).count() {
        0 => Ok(()),
        1 => bail!("1 thing is missing"),
        missing => bail!("{missing} things are missing"),
    }
}

async fn checks(config: &Arc<Config>, asked: &Doctor) -> anyhow::Result<Vec<Check>> {
    let opened = serve::open_store_beside(config).await;
    let setup = serve::load(config.clone()).await?;
    if let Ok(store) = &opened {
        serve::follow(store, &setup.adapters).await?;
    }
    let mut reached = BTreeMap::new();
    if !asked.offline {
        let time = Duration::from_secs(asked.timeout);
        let platforms = setup.adapters.platforms();
        let asked = platforms.iter().map(|name| accounts::read(config, &setup.adapters, name, now().plus(time)));
        let answers = futures::future::join_all(asked).await;
        for (name, answer) in platforms.iter().cloned().zip(answers) {
            let reading = match answer {
                Ok(Some(reading)) => Reached::Read(Arc::new(reading)),
                Ok(None) => Reached::NotRead,
                Err(failure) => Reached::Refused(failure),
            };
            reached.insert(name, reading);
        }
    }
    let known = |name: &PlatformName| reached.get(name).cloned().unwrap_or(Reached::NotRead);
    let mut checks = checklist::checks(config, &setup.adapters, opened.as_ref().ok(), known).await?;
    if let Some(oidc) = config.desk.oidc.as_ref().filter(|_| !asked.offline) {
        checks.push(single_sign_on::check(oidc).await);
    }
    match opened {
        Ok(store) => store.close().await,
        Err(error) => checks.insert(0, checklist::no_database(format!("{error:#}"))),
    }
    Ok(checks)
}

/// Writes the list for people: one line each, and under it the line that mends it.
fn table(checks: &[Check]) -> String {
    let mut text = String::new();
    let widest = checks.iter().map(|check| check.subject.chars().count()).max().unwrap_or_default();
    for check in checks {
        let state = match check.severity {
            Severity::Fine => "ok",
            Severity::Warning => "look",
            Severity::Bad => "missing",
        };
        let _ = writeln!(text, "{state:<8} {:<widest$}  {}", check.subject, check.found.escape_debug());
        for line in check.cure.iter().flat_map(|cure| cure.lines()) {
            let _ = writeln!(text, "         {:<widest$}    {line}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_followed_by_the_line_that_mends_it() {
        let check = |subject: &str, severity, found: &str, cure: Option<&str>| Check {
            subject: subject.to_owned(),
            severity,
            found: found.to_owned(),
            cure: cure.map(str::to_owned),
        };
        let checks = [
            check("platform acme", Severity::Fine, "account 7 is reached", None),
            check("rules", Severity::Bad, "none\u{1b}[31m", Some("[[approvals]]\ngrows = true")),
        ];
        assert_eq!(
            table(&checks),
            "ok       platform acme  account 7 is reached\n\
             missing  rules          none\\u{1b}[31m\n\
             \u{20}                         [[approvals]]\n\
             \u{20}                         grows = true\n"
        );
    }
}

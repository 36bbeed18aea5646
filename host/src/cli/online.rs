//! `check --online`: asks each platform, with its real credentials, whether what the configuration says
//! holds there. It only reads, and leaves the database alone.
#![expect(clippy::print_stdout, reason = "the report is shown here")]

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use self::report::{PlatformReport, Report, Row};
use crate::{
    adapters::{Adapters, PlatformConfig},
    config::Config,
    domain::{
        account::{Reading, Severity},
        failure::{Failure, FailureKind},
        id::PlatformName,
    },
    operations::{accounts, now, setup::Setup},
    serve,
};

mod report;

/// From how many seconds on a difference of clocks is told. Tokens are valid for minutes, so a larger
/// one is soon refused; a smaller one is usual on machines without a time service.
const CLOCK_SECONDS: u64 = 30;

/// How much later than its time limit a platform is given up. Each call ends by itself before.
const GRACE: Duration = Duration::from_secs(5);

/// Options of `check`.
#[derive(Debug, Args)]
pub(super) struct Online {
    /// Also ask each platform, with its real credentials, whether accounts, ids, currencies and clocks
    /// are right. Only reads, and doesn't touch the database. Fails if anything is bad.
    #[arg(long)]
    online: bool,
    /// Ask only this platform. Can be given several times.
    #[arg(long, value_name = "NAME", requires = "online")]
    platform: Vec<String>,
    /// How many seconds one platform may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Print JSON.
    #[arg(long, requires = "online")]
    json: bool,
}

impl Online {
    /// Whether platforms are to be asked.
    pub(super) const fn is_wanted(&self) -> bool {
        self.online
    }
}

/// Asks the platforms, and prints what they say.
///
/// # Errors
/// When the adapters can't be loaded, or anything is bad.
pub(super) fn run(mut config: Config, asked: &Online) -> anyhow::Result<()> {
    if !asked.platform.is_empty() {
        let known: Vec<String> = config.platforms.iter().map(|platform| platform.name.to_string()).collect();
        for name in &asked.platform {
            ensure!(
                known.contains(name),
                "there is no platform {name} in the configuration; it has: {}",
                known.join(", ")
            );
        }
        config.keep_platforms(|platform| asked.platform.iter().any(|name| platform.as_str() == name));
    }
    let report = serve::runtime()?.block_on(ask(config, Duration::from_secs(asked.timeout)))?;
    match asked.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print!("{}", report.as_table()),
    }
    match report.bad {
        0 => Ok(()),
        1 => bail!("1 check is bad"),
        bad => bail!("{bad} checks are bad"),
    }
}

async fn ask(config: Config, time: Duration) -> anyhow::Result<Report> {
    let compiler = std::env::current_exe().context("the path of this program is not known")?;
    let setup = Setup::load(Arc::new(config), compiler).await?;
    let platforms = setup.config.platforms.iter();
    let asked = platforms.map(|platform| ask_one(&setup.config, &setup.adapters, platform, time));
    Ok(Report::new(futures::future::join_all(asked).await))
}

async fn ask_one(config: &Config, adapters: &Adapters, platform: &PlatformConfig, time: Duration) -> PlatformReport {
    let name = &platform.name;
    let mut rows = vec![rate_limit(platform)];
    if adapters.active_release(name).is_none() {
        let message = "can't be checked: the configuration names no component as `adapter`, and which release serves is \
                       in the database, which is left alone; name it here";
        rows.push(Row::new("adapter", name.as_str(), Severity::Warning, message));
        return PlatformReport::new(name, None, rows);
    }
    let reading = accounts::read(config, adapters, name, now().plus(time));
    let read = match tokio::time::timeout(time + GRACE, reading).await {
        Ok(read) => read,
        Err(_) => Err(Failure::new(
            FailureKind::Unavailable,
            "out_of_time",
            format!(
                "did not answer within {} s; look whether its address is right, or raise --timeout",
                time.as_secs()
            ),
        )),
    };
    rows.extend(clock(adapters, name));
    match read {
        Ok(Some(reading)) => {
            rows.insert(0, credential(platform, Severity::Fine, "is accepted"));
            rows.extend(reading.findings.iter().map(Row::of));
            PlatformReport::new(name, Some(account(&reading)), rows)
        }
        Ok(None) => {
            let message = "can't be checked: the adapter does not export the interface `account` of contract 1.1";
            rows.insert(0, Row::new("adapter", name.as_str(), Severity::Warning, message));
            PlatformReport::new(name, None, rows)
        }
        Err(failure) => {
            rows.insert(0, refused(platform, &failure));
            PlatformReport::new(name, None, rows)
        }
    }
}

fn account(reading: &Reading) -> report::Account {
    let account = reading.account.clone();
    report::Account { id: account.id, name: account.name, currency: account.currency, time_zone: account.time_zone }
}

fn credential(platform: &PlatformConfig, severity: Severity, message: &str) -> Row {
    Row::new("credential", format!("the credential of {}", platform.name), severity, message)
}

/// Returns the row about an account that could not be read.
fn refused(platform: &PlatformConfig, failure: &Failure) -> Row {
    let words = failure.platform.as_ref().map(|answer| answer.message.as_str()).unwrap_or_default();
    let message = match words.is_empty() || failure.message.contains(words) {
        true => failure.message.clone(),
        false => format!("{} ({words})", failure.message),
    };
    match failure.kind {
        FailureKind::Permission => credential(platform, Severity::Bad, &format!("is refused: {message}")),
        FailureKind::NotFound => Row::new(
            "account",
            format!("the account of {}", platform.name),
            Severity::Bad,
            format!("is not found: {message}"),
        ),
        _ => Row::new("answer", platform.endpoint.as_str(), Severity::Bad, format!("can't be asked: {message}")),
    }
}

fn rate_limit(platform: &PlatformConfig) -> Row {
    let pace = match platform.rate_per_second {
        Some(rate) => format!("at most {rate} requests a second"),
        None => "no limit of requests a second (`rate_per_second`)".to_owned(),
    };
    let message = format!("{pace}, {} at a time", platform.max_concurrent_requests);
    Row::new("rate_limit", "requests", Severity::Fine, message)
}

/// Returns the row about the platform's clock, if an answer has told the time.
fn clock(adapters: &Adapters, platform: &PlatformName) -> Option<Row> {
    let ahead = adapters.clock_ahead_seconds(platform)?;
    let (by, side) = (ahead.unsigned_abs(), if ahead < 0 { "behind" } else { "ahead of" });
    Some(match by {
        0..=1 => Row::new("clock", "clock", Severity::Fine, "agrees with this host's"),
        _ if by <= CLOCK_SECONDS => Row::new("clock", "clock", Severity::Fine, format!("is {by} s {side} this host's")),
        _ => Row::new(
            "clock",
            "clock",
            Severity::Warning,
            format!(
                "is {by} s {side} this host's: tokens and the starts of flights go wrong; set this machine's clock by a time service"
            ),
        ),
    })
}

//! `list_releases`: the installed releases of a platform's adapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::{
        account::{Account, Reading, Severity},
        time::Timestamp,
    },
    operations::now,
    web::{
        json::Arguments,
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::release::{ActivationAnswer, ListedRelease, PlatformQuery, platform},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_releases",
    title: "List the releases of an adapter",
    description: "The releases that are installed for a platform, oldest first: which of them serves, and which one \
                  rollback_release activates. Also the account on the platform, as this host last read it.",
    audience: Audience::Operators,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/platforms/{platform}/releases",
    input: PlatformQuery::json_schema,
    output: ReleasesAnswer::json_schema,
    example: r#"{"platform": "acme"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let platform = platform(arguments)?;
    let (releases, activation) = app.list_releases(&caller, &platform).await?;
    let version = activation.as_ref().map(|activation| activation.number);
    let answer = ReleasesAnswer {
        releases: releases.into_iter().map(ListedRelease::from).collect(),
        activation: activation.map(ActivationAnswer::from),
        account: app.known_account(&platform).map(|reading| AccountAnswer::new(&reading, now())),
    };
    Ok(Answer { version, ..Answer::new(&answer)? })
}

/// The releases of a platform.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReleasesAnswer {
    /// The installed releases.
    pub releases: Vec<ListedRelease>,
    /// The decision that holds; `null` if there was none yet.
    pub activation: Option<ActivationAnswer>,
    /// The account on the platform, as this host last read it; `null` if the adapter can't, or it was not
    /// read since the host started.
    pub account: Option<AccountAnswer>,
}

/// The publisher's account on a platform.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AccountAnswer {
    /// Its id on the platform; empty if the platform tells none.
    pub id: String,
    /// Its name on the platform; empty if the platform tells none.
    pub name: String,
    /// The currency of its prices and spend, ISO 4217; `null` if the platform tells none, or has one for
    /// each advertiser.
    pub currency: Option<String>,
    /// The time zone whose days its reports count, by its IANA name.
    pub time_zone: Option<String>,
    /// When it was read.
    pub read_at: Timestamp,
    /// How many seconds ago that was.
    pub age_seconds: u64,
    /// How much of what the configuration names there is fine.
    pub findings: FindingCounts,
}

/// How many findings of each severity a reading has.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FindingCounts {
    /// As it should be.
    pub fine: usize,
    /// Somebody should look at it.
    pub warning: usize,
    /// Buys that use it will fail or not deliver. `flightdeck check --online` lists them.
    pub bad: usize,
}

impl AccountAnswer {
    fn new(reading: &Reading, now: Timestamp) -> Self {
        let Account { id, name, currency, time_zone, .. } = reading.account.clone();
        let count = |severity| reading.count(severity);
        Self {
            id,
            name,
            currency,
            time_zone,
            read_at: reading.read_at,
            age_seconds: reading.read_at.until(now).as_secs(),
            findings: FindingCounts {
                fine: count(Severity::Fine),
                warning: count(Severity::Warning),
                bad: count(Severity::Bad),
            },
        }
    }
}

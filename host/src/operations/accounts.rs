//! Reads the account that the publisher has on each platform, and everything that the configuration
//! names there: once for the account, the settings and the products, and once for the advertiser of
//! each buyer.
//!
//! While the host serves, it reads in the background when it starts, when another release or
//! configuration serves, and once in `account_refresh`. Nothing waits for it: a platform that can't be
//! asked is asked again later. Each host of a fleet reads for itself, because what it knows is in its
//! memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::Adapters,
    config::Config,
    domain::{
        account::{AdvertiserRead, Reading, Severity, SoldProduct},
        failure::{Failure, FailureKind},
        id::{PlatformName, PrincipalId},
        time::Timestamp,
    },
    metrics::PLATFORM_FINDINGS,
    operations::{
        now,
        setup::{LiveSetup, Setup},
    },
};

/// How often the host compares what serves with what was read. The comparison is in memory.
const TICK: Duration = Duration::from_secs(1);

/// The time limit of one reading: some hundred requests at the pace of a slow ad server.
const READ_TIME: Duration = Duration::from_secs(300);

/// How much later than its time limit a reading is given up. Each call ends by itself before.
const GRACE: Duration = Duration::from_secs(10);

/// How soon a platform is asked again that could not be asked.
const AGAIN: Duration = Duration::from_secs(600);

/// The findings of one reading that are logged.
const LOGGED: usize = 20;

/// Reads the account of a platform, and the advertiser of each buyer there. `None` if its adapter
/// can't.
///
/// # Errors
/// When the account can't be read. An advertiser that can't be read is a finding.
pub async fn read(
    config: &Config,
    adapters: &Adapters,
    platform: &PlatformName,
    deadline: Timestamp,
) -> Result<Option<Reading>, Failure> {
    let read_at = now();
    let sold = config.products.iter().filter(|product| product.platform == *platform);
    let products: Vec<SoldProduct> = sold
        .map(|product| SoldProduct {
            id: product.id.clone(),
            currency: product.currency.clone(),
            settings: product.settings.clone(),
        })
        .collect();
    let Some(account) = adapters.inspect_account(platform, "", &products, deadline).await? else { return Ok(None) };
    let mut advertisers = Vec::new();
    for (id, principals) in advertisers_on(config, platform) {
        let read = match now() < deadline {
            true => adapters.inspect_account(platform, &id, &[], deadline).await,
            false => Err(out_of_time()),
        };
        let read = match read {
            Ok(Some(read)) => Ok(read),
            // Another release was activated meanwhile.
            Ok(None) => return Ok(None),
            Err(failure) => Err(failure),
        };
        advertisers.push(AdvertiserRead { id, principals, read });
    }
    Ok(Some(Reading::new(platform, account, &products, &advertisers, read_at)))
}

fn out_of_time() -> Failure {
    let message = "the time was over before it was its turn; give it more, or look at it on the platform";
    Failure::new(FailureKind::Unavailable, "out_of_time", message)
}

/// Returns the advertisers of all buyers on a platform, each with the buyers that have it.
fn advertisers_on(config: &Config, platform: &PlatformName) -> BTreeMap<String, Vec<PrincipalId>> {
    let mut advertisers: BTreeMap<String, Vec<PrincipalId>> = BTreeMap::new();
    for principal in &config.principals {
        if let Some(mapping) = principal.platform_mappings.get(platform) {
            advertisers.entry(mapping.advertiser_id.clone()).or_default().push(principal.id.clone());
        }
    }
    advertisers
}

/// What a platform was read with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct With {
    release: String,
    configuration: String,
}

#[derive(Debug)]
enum Progress {
    Runs,
    /// When it is to be read again.
    Next(Instant),
}

/// Reads the accounts of all platforms, and reads them again when that is due, until `stop`.
pub async fn serve(live: LiveSetup, stop: CancellationToken) {
    let mut known: BTreeMap<PlatformName, (With, Progress)> = BTreeMap::new();
    let mut readings: JoinSet<(PlatformName, bool)> = JoinSet::new();
    loop {
        let setup = live.current();
        forget(&mut known, &setup.adapters);
        let every = setup.config.operations.account_refresh;
        if !every.is_zero() {
            for (platform, with) in due(&setup, &known) {
                known.insert(platform.clone(), (with, Progress::Runs));
                readings.spawn(read_and_keep(setup.clone(), platform));
            }
        }
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => continue,
            Some(ended) = readings.join_next() => ended,
        };
        match ended {
            Ok((platform, done)) => {
                if let Some((_, progress)) = known.get_mut(&platform) {
                    *progress = Progress::Next(Instant::now() + if done { every } else { AGAIN });
                }
            }
            // Which one it was is not known.
            Err(error) => {
                tracing::error!(%error, "the reading of an account was broken off");
                let running = known.values_mut().filter(|(_, progress)| matches!(progress, Progress::Runs));
                running.for_each(|(_, progress)| *progress = Progress::Next(Instant::now() + AGAIN));
            }
        }
    }
}

/// Forgets platforms that are gone, and shows no findings about them.
fn forget(known: &mut BTreeMap<PlatformName, (With, Progress)>, adapters: &Adapters) {
    let gone: Vec<PlatformName> = known.keys().filter(|platform| !adapters.has(platform)).cloned().collect();
    for platform in gone {
        known.remove(&platform);
        Severity::ALL.iter().for_each(|severity| show(&platform, *severity, 0));
    }
}

/// Returns the platforms that are to be read now: never read, read with something else than what
/// serves, or read long ago.
fn due(setup: &Setup, known: &BTreeMap<PlatformName, (With, Progress)>) -> Vec<(PlatformName, With)> {
    let of = |platform: PlatformName| {
        // A platform without an adapter is read when it gets one.
        let release = setup.adapters.active_release(&platform)?;
        let with = With { release, configuration: setup.config.digest.clone() };
        let is_due = match known.get(&platform) {
            None => true,
            Some((_, Progress::Runs)) => false,
            Some((before, Progress::Next(at))) => *before != with || *at <= Instant::now(),
        };
        is_due.then_some((platform, with))
    };
    setup.adapters.platforms().into_iter().filter_map(of).collect()
}

/// Reads an account, keeps what was read, and tells what is bad. Returns whether the platform could be
/// asked.
async fn read_and_keep(setup: Setup, platform: PlatformName) -> (PlatformName, bool) {
    let Setup { config, adapters } = &setup;
    let reading = read(config, adapters, &platform, now().plus(READ_TIME));
    let read = match tokio::time::timeout(READ_TIME + GRACE, reading).await {
        Ok(read) => read,
        Err(_) => Err(out_of_time()),
    };
    match read {
        Ok(Some(reading)) => {
            tell(&platform, &reading);
            adapters.know_account(&platform, Arc::new(reading));
            (platform, true)
        }
        Ok(None) => {
            tracing::debug!(%platform, "the adapter can't read its account");
            (platform, true)
        }
        Err(failure) => {
            tracing::warn!(
                %platform,
                code = failure.code,
                %failure,
                "the account could not be read; `flightdeck check --online` says more"
            );
            (platform, false)
        }
    }
}

fn tell(platform: &PlatformName, reading: &Reading) {
    for severity in Severity::ALL {
        show(platform, *severity, reading.count(*severity));
    }
    let bad: BTreeSet<_> = reading
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Bad)
        .map(|finding| (finding.field.as_str(), finding.subject.as_str(), finding.message.as_str()))
        .collect();
    for (field, subject, message) in bad.iter().take(LOGGED) {
        tracing::warn!(%platform, field, subject, "{subject} {message}");
    }
    if bad.len() > LOGGED {
        tracing::warn!(
            %platform,
            "{} more of what the configuration names are bad; `flightdeck check --online` lists them",
            bad.len() - LOGGED
        );
    }
    tracing::info!(
        %platform,
        account = reading.account.id,
        currency = reading.account.currency,
        time_zone = reading.account.time_zone,
        bad = bad.len(),
        "the account was read"
    );
}

fn show(platform: &PlatformName, severity: Severity, findings: usize) {
    let labels = [("platform", platform.to_string()), ("severity", severity.as_str().to_owned())];
    // A reading has some thousand findings at most, which a float holds exactly.
    metrics::gauge!(PLATFORM_FINDINGS, &labels).set(u32::try_from(findings).unwrap_or(u32::MAX));
}

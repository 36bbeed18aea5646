//! The metrics of `/metrics`: every name and its labels. A test compares this list with the one in
//! `docs/operations.md`.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::domain::audit::Head;

/// A call of a tool, over HTTP or MCP: `tool`, and `outcome`: `ok` or the error's code.
pub const CALLS: &str = "flightdeck_calls_total";
/// How long a call of a tool took, including the wait for its outcome: `tool`.
pub const CALL_SECONDS: &str = "flightdeck_call_seconds";
/// A run of an operation: `outcome`: `ended` (also if it waits for a person or a retry), `interrupted`
/// (the store or the lease failed), `lost` (another worker claimed it).
pub const RUNS: &str = "flightdeck_runs_total";
/// How long a run of an operation took.
pub const RUN_SECONDS: &str = "flightdeck_run_seconds";
/// A call of an adapter: `platform`, `purpose` (`plan`, `change`, `read`) and `outcome`: `ok` or the kind of failure.
pub const ADAPTER_CALLS: &str = "flightdeck_adapter_calls_total";
/// How long a call of an adapter took, including its requests: `platform`, `purpose`.
pub const ADAPTER_SECONDS: &str = "flightdeck_adapter_call_seconds";
/// A request to an ad server: `platform`, and `status`, which is a number, `lost` or `never_sent`.
pub const AD_SERVER_REQUESTS: &str = "flightdeck_ad_server_requests_total";
/// A duplicate object on an ad server, made by a request that got no answer: `platform`. Each has a
/// `reconciliation` task.
pub const DUPLICATES: &str = "flightdeck_duplicates_total";
/// A media buy whose values were set again on an ad server, because a request that got no answer may
/// have put older ones back: `platform`.
pub const SETS_REPEATED: &str = "flightdeck_sets_repeated_total";
/// A request that a changing call made outside of its steps because it only reads: `platform`,
/// `method`.
pub const REQUESTS_OUTSIDE_STEPS: &str = "flightdeck_requests_outside_steps_total";
/// A file in the folder of releases that was dealt with: `platform`, and `outcome`: `activated`,
/// `refused` (the release can't serve) or `failed` (it is tried again).
pub const FOLDER_RELEASES: &str = "flightdeck_folder_releases_total";
/// An attempt to deliver a webhook: `outcome`: `delivered`, `failed`, `gone`.
pub const WEBHOOKS: &str = "flightdeck_webhook_attempts_total";
/// How long a database write took, including the wait for its turn.
pub const WRITE_SECONDS: &str = "flightdeck_store_write_seconds";
/// A database write that failed: `reason`: `full`, `unavailable`, `unsure`.
pub const STORE_ERRORS: &str = "flightdeck_store_errors_total";
/// Operations that have not ended, in the whole database: `state`.
pub const OPERATIONS: &str = "flightdeck_operations";
/// Seconds for which the oldest unclaimed operation has been due, in the whole database.
pub const OVERDUE: &str = "flightdeck_overdue_work_seconds";
/// Open tasks, in the whole database: `type`.
pub const TASKS: &str = "flightdeck_tasks";
/// Open tasks past their due date, in the whole database.
pub const OVERDUE_TASKS: &str = "flightdeck_overdue_tasks";
/// Webhook deliveries, in the whole database: `status`: `pending` or `dead`.
pub const DELIVERIES: &str = "flightdeck_webhook_deliveries";
/// 1 if an adapter's circuit breaker is open, else 0: `platform`, `purpose` (`change` or `read`).
pub const BREAKER: &str = "flightdeck_breaker_open";
/// Calls of adapters: `platform`, `purpose`, `state`: `running`, or `waiting` for a slot.
pub const ADAPTER_SLOTS: &str = "flightdeck_adapter_slots";
/// Bytes of memory reserved for running calls of adapters: `platform`, `purpose`.
pub const ADAPTER_BYTES: &str = "flightdeck_adapter_memory_bytes";

/// A call without a valid token: `reason`: `missing`, `unknown`, `expired`, `revoked`, `orphaned` (its
/// principal or role is gone) or `throttled` (too many came from its address, so the token was not
/// checked).
pub const FAILED_LOGINS: &str = "flightdeck_failed_logins_total";
/// Open connections.
pub const CONNECTIONS: &str = "flightdeck_connections";
/// A connection that the host closed: `reason`: `header_timeout`, `idle`, `stalled`, `displaced`, `refused`.
pub const CONNECTIONS_CLOSED: &str = "flightdeck_connections_closed_total";
/// A database read outside of a write.
pub const STORE_READS: &str = "flightdeck_store_reads_total";
/// The number of the audit log's last line, with the line's link in `link`. Refreshed once a minute.
pub const AUDIT_HEAD: &str = "flightdeck_audit_head";
/// 1 if a platform misses so many buys at once that none of them is taken for gone, else 0, as this
/// host last saw: `platform`.
pub const MISSING_ALARM: &str = "flightdeck_missing_alarm";

/// What the last reading of a platform's account has found: `platform`, `severity` (`fine`, `warning`,
/// `bad`).
pub const PLATFORM_FINDINGS: &str = "flightdeck_platform_findings";

/// Every name.
pub const ALL: &[&str] = &[
    CALLS,
    CALL_SECONDS,
    RUNS,
    RUN_SECONDS,
    ADAPTER_CALLS,
    ADAPTER_SECONDS,
    AD_SERVER_REQUESTS,
    DUPLICATES,
    SETS_REPEATED,
    REQUESTS_OUTSIDE_STEPS,
    FOLDER_RELEASES,
    WEBHOOKS,
    WRITE_SECONDS,
    STORE_ERRORS,
    OPERATIONS,
    OVERDUE,
    TASKS,
    OVERDUE_TASKS,
    DELIVERIES,
    BREAKER,
    FAILED_LOGINS,
    CONNECTIONS,
    CONNECTIONS_CLOSED,
    STORE_READS,
    AUDIT_HEAD,
    MISSING_ALARM,
    PLATFORM_FINDINGS,
    ADAPTER_SLOTS,
    ADAPTER_BYTES,
];

/// Those that are read from the database when they are asked for.
pub const OF_DATABASE: &[&str] = &[OPERATIONS, OVERDUE, TASKS, OVERDUE_TASKS, DELIVERIES];

/// How often measurements are put together. Until then, or until somebody scrapes, each of them takes its place in memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// From a millisecond to a minute.
const SECONDS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Starts to count; what was counted is rendered by what this returns. Called again, it returns the same.
///
/// # Errors
/// Something else counts in this process.
pub fn start() -> Result<PrometheusHandle, BuildError> {
    static STARTED: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = STARTED.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .install_recorder()?;
    Ok(STARTED.get_or_init(|| handle).clone())
}

/// Puts measurements together from time to time, until `stop`: nobody may ever scrape.
pub async fn serve(counted: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        counted.run_upkeep();
    }
}

/// What was counted, as Prometheus reads it; without what is read from the database, unless that was read now.
pub fn rendered(counted: &PrometheusHandle, with_database: bool) -> String {
    let mut text = counted.render();
    text.push_str(&rendered_head());
    if with_database {
        return text;
    }
    let of_database = |line: &&str| {
        let name = line.trim_start_matches("# TYPE ").trim_start_matches("# HELP ");
        let name = name.split([' ', '{']).next().unwrap_or_default();
        OF_DATABASE.contains(&name)
    };
    text.split_inclusive('\n').filter(|line| !of_database(line)).collect()
}

/// How far the audit log goes. A measurement with labels stays for as long as the process, and each head would be another one: so this is
/// none, and the last head alone is shown.
static AUDIT_GOES_TO: Mutex<Option<Head>> = Mutex::new(None);

/// Shows from now on how far the audit log goes.
pub fn audit_goes_to(head: &Head) {
    *AUDIT_GOES_TO.lock().unwrap_or_else(PoisonError::into_inner) = Some(head.clone());
}

fn rendered_head() -> String {
    let shown = AUDIT_GOES_TO.lock().unwrap_or_else(PoisonError::into_inner);
    shown.as_ref().filter(|head| head.number > 0).map_or_else(String::new, |head| {
        // A link has no character that would need escaping.
        format!("# TYPE {AUDIT_HEAD} gauge\n{AUDIT_HEAD}{{link=\"{}\"}} {}\n", head.link, head.number)
    })
}

/// Measures how long something takes.
#[derive(Debug)]
pub struct Watch(Instant);

impl Watch {
    /// From now on.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds until now.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_read_from_the_database_is_left_out_when_it_was_not_read() {
        let counted = start().unwrap();
        metrics::counter!(CALLS, "tool" => "t", "outcome" => "ok").increment(1);
        metrics::gauge!(OPERATIONS, "state" => "parked").set(3.0);
        metrics::gauge!(OVERDUE).set(7.0);
        let whole = rendered(&counted, true);
        assert!(
            whole.contains("flightdeck_operations{state=\"parked\"} 3") && whole.contains("\nflightdeck_overdue_work")
        );
        let rest = rendered(&counted, false);
        assert!(rest.contains("flightdeck_calls_total{tool=\"t\",outcome=\"ok\"} 1"), "{rest}");
        assert!(!OF_DATABASE.iter().any(|name| rest.contains(name)), "{rest}");
    }

    #[tokio::test]
    async fn upkeep_ends_with_the_host() {
        let (counted, stop) = (start().unwrap(), CancellationToken::new());
        let upkeep = tokio::spawn(serve(counted, stop.clone()));
        stop.cancel();
        upkeep.await.unwrap();
    }
}

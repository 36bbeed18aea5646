//! What must be true afterwards, from the ledger, the database, the ad servers and the receiver of webhooks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use serde_json::Value;

use super::{
    base::Base,
    chaos::Counts,
    clients::{Bought, Ledger},
};
use crate::{house::PATIENCE, receiver::Receiver, replicas::Replicas};

/// Waits until a count is zero.
async fn until_none(base: &mut Base, what: &str, sql: &'static str) {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let left = base.number(sql).await;
        if left == 0 {
            return;
        }
        assert!(tokio::time::Instant::now() < until, "{left} {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Holds everything against everything, and prints the counts.
pub(super) async fn balance(
    base: &mut Base,
    replicas: &Replicas,
    ledger: &Ledger,
    receiver: &Receiver,
    chaos: &Counts,
    took: Duration,
) {
    until_none(
        base,
        "operations have not ended",
        "SELECT count(*) FROM operations WHERE state NOT IN ('succeeded', 'failed')",
    )
    .await;
    until_none(base, "deliveries are not done", "SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'")
        .await;
    let all = ledger.all();
    every_acknowledged_operation_ended_as_it_was_told(base, &all).await;
    every_remote_object_belongs_to_a_buy(base, replicas).await;
    every_goal_is_the_one_that_was_asked_for_last(replicas, &all);
    every_decision_was_carried_out_once(base, &all).await;
    let (told, times) = every_event_was_delivered_as_it_is(base, receiver).await;
    let watched = base.watched().await;
    assert!(watched.is_none_or(|(_, trespasses)| trespasses == 0), "a step was written without the lease");
    let verified = replicas.command().args(["audit", "verify"]).output().await.expect("it runs");
    let audit = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{audit}{}", String::from_utf8_lossy(&verified.stderr));

    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let approved = all.iter().filter(|bought| bought.approved).count();
    let claims = base.number("SELECT CAST(coalesce(sum(fence), 0) AS BIGINT) FROM operations").await;
    let steps = base.number("SELECT count(*) FROM steps").await;
    let on = replicas.database_url.split(':').next().unwrap_or_default();
    println!("{:.0} s, hosts on {on}: {}", took.as_secs_f64(), replicas.all.len());
    println!(
        "  {} kills, {} freezes, {} cuts from the database, {} from ad servers, {} faults of ad servers",
        of(&chaos.kills),
        of(&chaos.freezes),
        of(&chaos.database_cuts),
        of(&chaos.ad_server_cuts),
        of(&chaos.faults)
    );
    println!(
        "  {} buys acknowledged: {approved} approved, {} rejected; {} operations acknowledged, all ended",
        all.len(),
        all.len() - approved,
        all.iter().map(|bought| bought.operations.len()).sum::<usize>()
    );
    let written = watched.map(|(written, _)| format!(", written {written} times, never without the lease"));
    println!("  {claims} claims, {steps} steps{}", written.unwrap_or_default());
    for server in replicas.servers.all() {
        let (orders, items) = server.counts();
        println!("  {}: {orders} orders with {items} items, each once and each in a buy", server.name);
    }
    println!(
        "  {told} events delivered, {times} times, each always the same; audit log: {}",
        audit.lines().next().unwrap_or("")
    );
}

async fn every_acknowledged_operation_ended_as_it_was_told(base: &mut Base, all: &[Bought]) {
    let rows = base.texts("SELECT id, state FROM operations").await;
    let states: BTreeMap<String, String> = rows.into_iter().map(|[id, state]| (id, state)).collect();
    for bought in all {
        for (index, operation) in bought.operations.iter().enumerate() {
            let wanted = if index == 0 && !bought.approved { "failed" } else { "succeeded" };
            assert_eq!(states.get(operation).map(String::as_str), Some(wanted), "{operation} of {bought:?}");
        }
    }
    let acknowledged: usize = all.iter().map(|bought| bought.operations.len()).sum();
    assert_eq!(states.len(), acknowledged, "an operation that nobody was told of");
}

/// The last digits of an id, as a platform and an adapter write it.
fn short(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_owned()
}

fn id_of(object: &Value) -> String {
    let id = ["Id", "id", "name"].iter().find_map(|name| object.get(*name).filter(|id| !id.is_null()));
    short(&id.map_or_else(String::new, |id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)))
}

async fn every_remote_object_belongs_to_a_buy(base: &mut Base, replicas: &Replicas) {
    let rows: Vec<[String; 3]> = base.texts("SELECT platform, kind, remote_id FROM remote_objects").await;
    for server in replicas.servers.all() {
        server.counts();
        for (remote, of_kind) in server.kinds.into_iter().zip(["order", "package"]) {
            let mine = rows.iter().filter(|[platform, kind, _]| platform == server.name && kind == of_kind);
            let known: Vec<String> = mine.map(|[.., id]| short(id)).collect();
            let unique: BTreeSet<&String> = known.iter().collect();
            assert_eq!(unique.len(), known.len(), "{} {remote}: one object in two buys", server.name);
            let there: Vec<String> = server.all(remote).iter().map(id_of).collect();
            let there: BTreeSet<&String> = there.iter().collect();
            assert_eq!(there, unique, "{} {remote}: what is there, and what belongs to a buy", server.name);
        }
    }
}

/// At 10 a thousand, a dollar buys a hundred impressions.
fn every_goal_is_the_one_that_was_asked_for_last(replicas: &Replicas, all: &[Bought]) {
    for server in replicas.servers.all() {
        let packages = all.iter().filter(|bought| bought.approved).flat_map(|bought| &bought.packages);
        let mut wanted: Vec<i64> = packages
            .filter(|(name, _)| *name == server.name)
            .map(|(_, budget)| i64::try_from(budget * 100).expect("small"))
            .collect();
        let mut goals = server.goals();
        wanted.sort_unstable();
        goals.sort_unstable();
        assert_eq!(goals, wanted, "{}", server.name);
    }
}

async fn every_decision_was_carried_out_once(base: &mut Base, all: &[Bought]) {
    let rows = base.texts("SELECT id, status, operation FROM tasks").await;
    let tasks: BTreeMap<String, (String, String)> =
        rows.into_iter().map(|[id, status, operation]| (id, (status, operation))).collect();
    let begun: Vec<[String; 1]> = base.texts("SELECT DISTINCT operation FROM steps").await;
    let begun: BTreeSet<String> = begun.into_iter().flatten().collect();
    assert_eq!(tasks.len(), all.len(), "a task that nobody was told of");
    for bought in all {
        let (status, operation) = tasks.get(&bought.task).expect("the task");
        assert_eq!(status, if bought.approved { "completed" } else { "failed" }, "{bought:?}");
        assert_eq!(*operation, bought.operations[0]);
        assert_eq!(begun.contains(operation), bought.approved, "what was rejected was never begun: {bought:?}");
    }
}

/// How many events, and how many deliveries of them.
async fn every_event_was_delivered_as_it_is(base: &mut Base, receiver: &Receiver) -> (usize, usize) {
    let rows = base.texts("SELECT id, body FROM events").await;
    let written: BTreeMap<String, String> = rows.into_iter().map(|[id, body]| (id, body)).collect();
    let hooks = receiver.hooks();
    let mut heard = BTreeSet::new();
    for hook in &hooks {
        assert_eq!(written.get(hook.id()), Some(&hook.body), "{} is not as it was written", hook.id());
        heard.insert(hook.id());
    }
    let missed: Vec<&String> = written.keys().filter(|id| !heard.contains(id.as_str())).collect();
    assert!(missed.is_empty(), "never delivered: {missed:?}");
    (written.len(), hooks.len())
}

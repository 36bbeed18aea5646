//! What must be true afterwards, from the ledger, the database, the ad servers and the receiver of webhooks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::{
    chaos::Counts,
    clients::{Bought, Ledger},
};
use crate::{house::PATIENCE, receiver::Receiver, replicas::Replicas};

/// Has the database itself note every step that was written by a process that does not hold the lease: a session's name has its
/// process id, and so has the worker in the lease.
pub(super) async fn watch(database: &str) {
    let sql = "
        CREATE TABLE trespasses (operation TEXT, worker TEXT, session TEXT);
        CREATE TABLE step_writes (process TEXT);
        CREATE FUNCTION note_trespass() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE holder TEXT;
        BEGIN
            SELECT worker INTO holder FROM operations WHERE id = NEW.operation;
            IF holder IS NULL OR split_part(holder, '-', 1) <> split_part(current_setting('application_name'), '-', 2) THEN
                INSERT INTO trespasses VALUES (NEW.operation, holder, current_setting('application_name'));
            END IF;
            INSERT INTO step_writes VALUES (current_setting('application_name'));
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER steps_are_the_holders AFTER INSERT OR UPDATE ON steps FOR EACH ROW EXECUTE FUNCTION note_trespass();";
    let mut connection = PgConnection::connect(database).await.expect("the database");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("the watch");
}

async fn count(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.expect(sql)
}

/// Waits until a count is zero.
async fn until_none(connection: &mut PgConnection, what: &str, sql: &'static str) {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let left = count(connection, sql).await;
        if left == 0 {
            return;
        }
        assert!(tokio::time::Instant::now() < until, "{left} {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Holds everything against everything, and prints the counts.
pub(super) async fn balance(replicas: &Replicas, ledger: &Ledger, receiver: &Receiver, chaos: &Counts, took: Duration) {
    let mut database = PgConnection::connect(&replicas.database_url).await.expect("the database");
    let database = &mut database;
    until_none(
        database,
        "operations have not ended",
        "SELECT count(*) FROM operations WHERE state NOT IN ('succeeded', 'failed')",
    )
    .await;
    until_none(
        database,
        "deliveries are not done",
        "SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'",
    )
    .await;
    let all = ledger.all();
    every_acknowledged_operation_ended_as_it_was_told(database, &all).await;
    every_remote_object_belongs_to_a_buy(database, replicas).await;
    every_goal_is_the_one_that_was_asked_for_last(replicas, &all);
    every_decision_was_carried_out_once(database, &all).await;
    let (told, times) = every_event_was_delivered_as_it_is(database, receiver).await;
    assert_eq!(count(database, "SELECT count(*) FROM trespasses").await, 0, "a step was written without the lease");
    let verified = replicas.command().args(["audit", "verify"]).output().await.expect("it runs");
    let audit = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{audit}{}", String::from_utf8_lossy(&verified.stderr));

    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let approved = all.iter().filter(|bought| bought.approved).count();
    let steps = count(database, "SELECT count(*) FROM step_writes").await;
    let claims: i64 = count(database, "SELECT coalesce(sum(fence), 0)::bigint FROM operations").await;
    println!("{:.0} s with {} hosts:", took.as_secs_f64(), replicas.all.len());
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
    println!("  {} claims, {steps} writes of steps, none without the lease", claims);
    for server in replicas.servers.all() {
        let (orders, items) = server.counts();
        println!("  {}: {orders} orders with {items} items, each once and each in a buy", server.name);
    }
    println!(
        "  {told} events delivered, {times} times, each always the same; audit log: {}",
        audit.lines().next().unwrap_or("")
    );
}

async fn every_acknowledged_operation_ended_as_it_was_told(database: &mut PgConnection, all: &[Bought]) {
    let rows = sqlx::query("SELECT id, state FROM operations").fetch_all(database).await.expect("operations");
    let states: BTreeMap<String, String> = rows.iter().map(|row| (row.get("id"), row.get("state"))).collect();
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

async fn every_remote_object_belongs_to_a_buy(database: &mut PgConnection, replicas: &Replicas) {
    for server in replicas.servers.all() {
        server.counts();
        for (remote, kind) in server.kinds.into_iter().zip(["order", "package"]) {
            let known: Vec<String> =
                sqlx::query_scalar("SELECT remote_id FROM remote_objects WHERE platform = $1 AND kind = $2")
                    .bind(server.name)
                    .bind(kind)
                    .fetch_all(&mut *database)
                    .await
                    .expect("remote objects");
            let known: Vec<String> = known.iter().map(|id| short(id)).collect();
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

async fn every_decision_was_carried_out_once(database: &mut PgConnection, all: &[Bought]) {
    let rows = sqlx::query("SELECT id, status, operation FROM tasks").fetch_all(&mut *database).await.expect("tasks");
    let tasks: BTreeMap<String, (String, String)> =
        rows.iter().map(|row| (row.get("id"), (row.get("status"), row.get("operation")))).collect();
    assert_eq!(tasks.len(), all.len(), "a task that nobody was told of");
    for bought in all {
        let (status, operation) = tasks.get(&bought.task).expect("the task");
        assert_eq!(status, if bought.approved { "completed" } else { "failed" }, "{bought:?}");
        assert_eq!(*operation, bought.operations[0]);
        let begun: i64 = sqlx::query_scalar("SELECT count(*) FROM steps WHERE operation = $1")
            .bind(operation)
            .fetch_one(&mut *database)
            .await
            .expect("steps");
        assert_eq!(begun > 0, bought.approved, "what was rejected was never begun: {bought:?}");
    }
}

/// How many events, and how many deliveries of them.
async fn every_event_was_delivered_as_it_is(database: &mut PgConnection, receiver: &Receiver) -> (usize, usize) {
    let rows = sqlx::query("SELECT id, body FROM events").fetch_all(database).await.expect("events");
    let written: BTreeMap<String, String> = rows.iter().map(|row| (row.get("id"), row.get("body"))).collect();
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

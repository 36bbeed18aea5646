//! What must be true afterwards, from the ledger, the database, the ad servers and the receiver of webhooks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use super::{
    base::Base,
    chaos::Counts,
    ledger::{Bought, Fate, Ledger},
    remote, told,
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
    began: Instant,
) {
    until_none(
        base,
        "operations have not ended",
        "SELECT count(*) FROM operations WHERE state NOT IN ('succeeded', 'failed')",
    )
    .await;
    // By then every ad server has come to what it was asked for, however slow it is.
    until_none(base, "steps are still looked for", "SELECT count(*) FROM lookups").await;
    until_none(base, "deliveries are not done", "SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'")
        .await;
    println!("everything had ended and was told after {:.0} s", began.elapsed().as_secs_f64());
    for index in 0..replicas.all.len() {
        replicas.assert_well(index);
    }
    let all = ledger.all();
    every_acknowledged_operation_ended_as_it_was_told(base, &all).await;
    every_decision_was_carried_out_once(base, &all).await;
    let owned = remote::Owned::read(base).await;
    let second = remote::every_object_belongs_to_one_buy_or_was_stopped(&owned, replicas);
    every_second_object_was_told(base, second).await;
    remote::every_buy_owns_what_was_asked_for(&owned, &all);
    remote::every_buy_is_as_it_was_asked_for_last(&owned, replicas, &all);
    let events = told::Events::read(base).await;
    told::each_thing_was_told_once(&events, &all);
    let (events, deliveries) = told::every_event_was_delivered_in_order(base, &events, receiver).await;
    let late = told::each_thing_is_in_the_audit_log_once(base, &all).await;
    let writes = every_write_was_made_by_who_may(base).await;
    let verified = replicas.command().args(["audit", "verify"]).output().await.expect("it runs");
    let audit = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{audit}{}", String::from_utf8_lossy(&verified.stderr));

    let on = replicas.database_url.split(':').next().unwrap_or_default();
    println!("hosts on {on}: {}", replicas.all.len());
    println!("{}", befallen(chaos));
    let operations = everything_happened(&all);
    let claims = base.number("SELECT CAST(coalesce(sum(fence), 0) AS BIGINT) FROM operations").await;
    assert!(claims > i64::try_from(operations).expect("small"), "no operation was claimed twice");
    println!("  {claims} claims, {late} with something learned too late, {writes}");
    for server in replicas.servers.all() {
        let [orders, items] = server.kinds.map(|kind| server.all(kind).len());
        assert!(orders > 0, "{}: nobody bought there", server.name);
        println!(
            "  {}: {orders} orders, {items} items and {} creatives in them, each in one buy or stopped",
            server.name,
            server.associations().len()
        );
    }
    println!("  {second} second objects, made by requests that nobody waited for any more: all stopped, and told");
    println!(
        "  {events} events delivered, {deliveries} times, {} of them ill-treated at first; audit log: {}",
        receiver.ill_treated(),
        audit.lines().next().unwrap_or("")
    );
}

/// What befell hosts and ad servers, in words.
fn befallen(chaos: &Counts) -> String {
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let hosts = format!(
        "{} kills, {} stops, {} freezes, {} cuts from the database, {} from ad servers",
        of(&chaos.kills),
        of(&chaos.stops),
        of(&chaos.freezes),
        of(&chaos.database_cuts),
        of(&chaos.ad_server_cuts)
    );
    let servers = format!(
        "{} faults of ad servers: {} answers lost of what was done, {} requests for patience",
        of(&chaos.faults),
        of(&chaos.acted_unheard),
        of(&chaos.pauses)
    );
    format!("  {hosts}\n  {servers}")
}

/// The database noted nobody who may not write, and would have; what it noted, in words.
async fn every_write_was_made_by_who_may(base: &mut Base) -> String {
    let begun_again = base.begun_again().await;
    let (written, forbidden) = base.watched().await;
    assert_eq!(forbidden, 0, "writes of somebody who may not");
    let unnoted = base.unnoted().await;
    assert!(unnoted.is_empty(), "the watch is blind to {unnoted:#?}");
    format!("{begun_again} steps begun again in doubt, {written} writes watched, each by who may")
}

/// Fails if the load was not what it is meant to be, and prints what it was; how many operations there were.
fn everything_happened(all: &[Bought]) -> usize {
    let count = |what: &str, fits: &dyn Fn(&Bought) -> bool| {
        let count = all.iter().filter(|bought| fits(bought)).count();
        assert!(count > 0, "no buy that {what}");
        count
    };
    let operations = all.iter().map(|bought| bought.operations.len()).sum();
    println!("  {} buys acknowledged with {operations} operations, all ended:", all.len());
    println!(
        "    {} made, {} rejected, {} refused by an ad server and undone, {} decided by two at once",
        count("was made", &|bought| bought.fate == Fate::Made),
        count("was rejected", &|bought| bought.fate == Fate::Rejected),
        count("was refused", &|bought| bought.fate == Fate::Refused),
        count("was disputed", &|bought| bought.disputed),
    );
    println!(
        "    {} on several ad servers, {} with creatives, {} paused or resumed, {} paused at last, {} with several changes at once",
        count("is on several ad servers", &|bought| bought.fate == Fate::Made && bought.servers().len() > 1),
        count("has creatives", &|bought| bought.packages.iter().any(|sold| !sold.creatives.is_empty())),
        count("was paused or resumed", &|bought| bought.switched > 0),
        count("is paused", &|bought| bought.paused),
        count("had several changes at once", &|bought| bought.at_once > 1),
    );
    println!("    {} requests sent again", all.iter().map(|bought| bought.repeated).sum::<usize>());
    operations
}

/// Of each second object a person was told, in a task of an operation that has ended.
async fn every_second_object_was_told(base: &mut Base, second: usize) {
    let told = base
        .texts(
            "SELECT tasks.id, operations.state, tasks.doc FROM tasks JOIN operations ON operations.id = tasks.operation
             WHERE tasks.kind = 'reconciliation'",
        )
        .await;
    for [task, state, doc] in &told {
        assert!(doc.contains("got no answer") && ["succeeded", "failed"].contains(&state.as_str()), "{task}: {doc}");
    }
    assert!(second == 0 || !told.is_empty(), "{second} second objects, and nobody was told");
}

async fn every_acknowledged_operation_ended_as_it_was_told(base: &mut Base, all: &[Bought]) {
    let rows = base.texts("SELECT id, state FROM operations").await;
    let states: BTreeMap<String, String> = rows.into_iter().map(|[id, state]| (id, state)).collect();
    for bought in all {
        for (index, operation) in bought.operations.iter().enumerate() {
            let wanted = if index == 0 && bought.fate != Fate::Made { "failed" } else { "succeeded" };
            assert_eq!(states.get(operation).map(String::as_str), Some(wanted), "{operation} of {bought:?}");
        }
    }
    let acknowledged: usize = all.iter().map(|bought| bought.operations.len()).sum();
    assert_eq!(states.len(), acknowledged, "an operation that nobody was told of");
}

async fn every_decision_was_carried_out_once(base: &mut Base, all: &[Bought]) {
    let rows = base.texts("SELECT id, status, operation FROM tasks WHERE kind <> 'reconciliation'").await;
    let tasks: BTreeMap<String, (String, String)> =
        rows.into_iter().map(|[id, status, operation]| (id, (status, operation))).collect();
    let begun: Vec<[String; 1]> = base.texts("SELECT DISTINCT operation FROM steps").await;
    let begun: BTreeSet<String> = begun.into_iter().flatten().collect();
    assert_eq!(tasks.len(), all.len(), "a task that nobody was told of");
    for bought in all {
        let (status, operation) = tasks.get(&bought.task).expect("the task");
        assert_eq!(status, if bought.fate == Fate::Made { "completed" } else { "failed" }, "{bought:?}");
        assert_eq!(*operation, bought.operations[0]);
        let wanted = bought.fate != Fate::Rejected;
        assert_eq!(begun.contains(operation), wanted, "what was rejected was never begun: {bought:?}");
    }
}

//! Claims and leases.

use std::{collections::BTreeMap, time::Duration};

use flightdeck::{
    domain::{
        failure::FailureDetails,
        lane::{Lane, Openings, Workers},
        operation::{Change, Frozen, Leg, LegState, Operation, OperationFailure, OperationKind, OperationState},
        plan::{Plan, PlatformPlan},
        update::BuyPatch,
    },
    store::{Author, Fence, LeaseAfter, Recording, StoreError, Stored, Write},
};

use super::fixtures::{
    LEASE, Store, accept, add_operation, at, buy, claim, moved, next_due, operation, platform, stored_operation,
};

pub(crate) async fn nothing_is_claimed_where_nothing_is_due(store: Store) {
    assert!(store.claim("worker", at(0), LEASE).await.unwrap().is_none());
    accept(&store, "b1").await;
    assert!(store.claim("worker", at(-1), LEASE).await.unwrap().is_none());
    assert!(store.claim("worker", at(0), LEASE).await.unwrap().is_some());
}

pub(crate) async fn the_oldest_due_operation_is_claimed_first(store: Store) {
    for (buy, run_at) in [("b1", 3), ("b2", 1), ("b3", 1), ("b4", 99)] {
        accept(&store, buy).await;
        let id = format!("op-{buy}").as_str().into();
        let mut stored = stored_operation(&store, &id).await;
        stored.value.run_at = at(run_at);
        store.record(Write::Operation(stored)).await.unwrap();
    }
    let mut order = Vec::new();
    while let Some(claim) = store.claim("worker", at(5), LEASE).await.unwrap() {
        order.push(claim.fence.operation.to_string());
    }
    assert_eq!(order, ["op-b2", "op-b3", "op-b1"]);
}

pub(crate) async fn a_claim_counts_and_starts_and_is_exclusive(store: Store) {
    let id = accept(&store, "b1").await;
    let before = stored_operation(&store, &id).await;
    let claim = claim(&store, 1).await;
    assert_eq!(claim.fence, Fence { operation: id.clone(), number: 1 });
    assert_eq!(claim.operation.value.state, OperationState::Running);
    assert_eq!(claim.operation.value.claims, 1);
    assert_eq!(claim.operation.value.updated_at, at(1));
    assert!(claim.operation.version > before.version);
    assert_eq!(stored_operation(&store, &id).await, claim.operation);
    assert!(store.claim("other", at(30), LEASE).await.unwrap().is_none());
}

pub(crate) async fn a_lease_that_ran_out_is_claimed_again_under_a_higher_number(store: Store) {
    let id = accept(&store, "b1").await;
    for number in 1..4 {
        let seconds = (number - 1) * 30;
        let claim = claim(&store, seconds).await;
        assert_eq!(claim.fence, Fence { operation: id.clone(), number });
        assert_eq!(i64::from(claim.operation.value.claims), number);
        assert!(store.claim("other", at(seconds + 29), LEASE).await.unwrap().is_none());
    }
}

/// The lease alone says until when it is the worker's, even if the operation says that it is put off.
pub(crate) async fn a_lease_runs_out_whenever_the_operation_was_to_be_run(store: Store) {
    let id = accept(&store, "b1").await;
    let claimed = claim(&store, 0).await;
    let mut put_off = claimed.operation.clone();
    put_off.value.run_at = at(500);
    let worker = Author::Worker(claimed.fence, LeaseAfter::Kept);
    store.record(Recording::by(worker).with(Write::Operation(put_off))).await.unwrap();
    // Of two whose leases ran out, and one that is queued, the one that was to be run first comes first.
    accept(&store, "b2").await;
    claim(&store, 0).await;
    let mut queued = stored_operation(&store, &accept(&store, "b3").await).await;
    queued.value.run_at = at(31);
    store.record(Write::Operation(queued)).await.unwrap();
    assert_eq!(next_due(&store).await, Some(at(30)));
    assert!(store.claim("other", at(29), LEASE).await.unwrap().is_none());
    for wanted in ["op-b2", "op-b3", id.as_str()] {
        assert_eq!(claim(&store, 40).await.fence.operation.as_str(), wanted);
    }
    assert!(store.claim("other", at(69), LEASE).await.unwrap().is_none());
}

pub(crate) async fn operations_of_one_buy_run_one_at_a_time_in_order(store: Store) {
    accept(&store, "b1").await;
    let mut second = operation("op-2", "b1");
    second.kind = OperationKind::Update;
    second.run_at = at(-10);
    add_operation(&store, second).await;
    // The second would be due before the first, and still waits for it.
    let first = claim(&store, 0).await;
    assert_eq!(first.fence.operation.as_str(), "op-b1");
    assert!(store.claim("other", at(1), LEASE).await.unwrap().is_none());
    // The first will be tried again later: the second still waits.
    let mut later = moved(&first.operation, OperationState::Queued, 1);
    later.value.run_at = at(50);
    store
        .record(Recording::by(Author::Worker(first.fence, LeaseAfter::Kept)).with(Write::Operation(later)))
        .await
        .unwrap();
    assert!(store.claim("other", at(49), LEASE).await.unwrap().is_none());
    let first = claim(&store, 50).await;
    assert_eq!((first.fence.operation.as_str(), first.fence.number), ("op-b1", 2));
    let done = moved(&first.operation, OperationState::Succeeded, 51);
    store
        .record(Recording::by(Author::Worker(first.fence, LeaseAfter::Kept)).with(Write::Operation(done)))
        .await
        .unwrap();
    assert_eq!(claim(&store, 51).await.fence.operation.as_str(), "op-2");
}

pub(crate) async fn one_that_waits_for_approval_keeps_no_later_one_waiting(store: Store) {
    accept(&store, "b1").await;
    let create = claim(&store, 0).await;
    let done = moved(&create.operation, OperationState::Succeeded, 1);
    store.record(Write::Operation(done)).await.unwrap();
    let mut waits = operation("op-change", "b1");
    waits.state = OperationState::AwaitingApproval;
    add_operation(&store, waits).await;
    add_operation(&store, operation("op-pause", "b1")).await;
    assert_eq!(claim(&store, 2).await.fence.operation.as_str(), "op-pause");
    assert!(store.claim("other", at(3), LEASE).await.unwrap().is_none());
}

pub(crate) async fn an_expired_lease_and_an_older_queued_operation_do_not_block_each_other(store: Store) {
    accept(&store, "b1").await;
    let create = claim(&store, 0).await;
    let done = moved(&create.operation, OperationState::Succeeded, 1);
    store.record(Write::Operation(done)).await.unwrap();
    let mut waits = operation("op-change", "b1");
    waits.state = OperationState::AwaitingApproval;
    add_operation(&store, waits).await;
    add_operation(&store, operation("op-pause", "b1")).await;
    let pause = claim(&store, 2).await;
    // While the pause runs, the older change is approved; then the worker of the pause dies.
    let approved = moved(&stored_operation(&store, &"op-change".into()).await, OperationState::Queued, 3);
    store.record(Write::Operation(approved)).await.unwrap();
    assert!(store.claim("other", at(4), LEASE).await.unwrap().is_none());
    let again = claim(&store, 40).await;
    assert_eq!((again.fence.operation, again.fence.number), (pause.fence.operation, 2));
    let done = moved(&again.operation, OperationState::Succeeded, 41);
    store.record(Write::Operation(done)).await.unwrap();
    assert_eq!(claim(&store, 41).await.fence.operation.as_str(), "op-change");
}

/// What pauses.
fn pause(id: &str, buy: &str) -> Operation {
    let patch = BuyPatch { active: Some(false), ..BuyPatch::default() };
    Operation { kind: OperationKind::Update, change: Change::Update(patch), ..operation(id, buy) }
}

/// The operation as it is once it has begun.
fn begun(stored: &Stored<Operation>) -> Stored<Operation> {
    let mut stored = stored.clone();
    let (current, desired) = (buy("b1"), buy("b1"));
    stored.value.frozen =
        Some(Frozen { current, desired, earlier: Vec::new(), releases: BTreeMap::new(), platforms: BTreeMap::new() });
    stored
}

pub(crate) async fn a_pause_overtakes_all_but_older_pauses(store: Store) {
    accept(&store, "b1").await;
    for operation in [operation("op-change", "b1"), pause("op-pause-1", "b1"), pause("op-pause-2", "b1")] {
        add_operation(&store, operation).await;
    }
    // All are as long due, and the pauses go first.
    for expected in ["op-pause-1", "op-pause-2", "op-b1", "op-change"] {
        let claim = claim(&store, 2).await;
        assert_eq!(claim.fence.operation.as_str(), expected);
        assert!(store.claim("other", at(3), LEASE).await.unwrap().is_none());
        let done = moved(&claim.operation, OperationState::Succeeded, 3);
        store.record(Write::Operation(done)).await.unwrap();
    }
    assert!(store.claim("other", at(49), LEASE).await.unwrap().is_none());
}

/// An operation that waits for these platforms.
fn on(mut operation: Operation, platforms: &[&str]) -> Operation {
    let part = |name: &&str| PlatformPlan {
        platform: platform(name),
        release: String::new(),
        changes: Vec::new(),
        notes: Vec::new(),
    };
    operation.plan = Plan { platforms: platforms.iter().map(part).collect() };
    operation
}

pub(crate) async fn an_ad_server_that_has_its_workers_keeps_nobody_else_waiting(store: Store) {
    let lanes: [(&str, &[&str]); 6] = [
        ("s1", &["slow"]),
        ("s2", &["slow"]),
        ("s3", &["slow"]),
        ("m1", &["slow", "other"]),
        ("h1", &["healthy"]),
        ("h2", &["healthy"]),
    ];
    for (seconds, (id, platforms)) in lanes.into_iter().enumerate() {
        let mut create = on(operation(&format!("op-{id}"), id), platforms);
        create.run_at = at(i64::try_from(seconds).unwrap());
        store.record([Write::NewBuy(buy(id)), Write::NewOperation(create)]).await.unwrap();
    }
    add_operation(&store, on(pause("op-pause", "s3"), &["slow"])).await;
    let workers = Workers { all: 8, on_a_platform: 2, for_switches: 1 };
    let mut running: Vec<Lane> = Vec::new();
    let mut order = Vec::new();
    while let Some(claim) = store.claim_within("worker", at(10), LEASE, &workers.openings(&running)).await.unwrap() {
        running.push(Lane::of(&claim.operation.value));
        order.push(claim.fence.operation.to_string());
    }
    // The pause first; then in order, but for the third on the slow one, which is also behind the pause of its buy.
    assert_eq!(order, ["op-pause", "op-s1", "op-s2", "op-m1", "op-h1", "op-h2"]);
    let openings = workers.openings(&running);
    let due = |openings: Openings| {
        let store = store.clone();
        async move { store.next_due_within(at(10), &openings).await.unwrap() }
    };
    assert_eq!(
        due(openings.clone()).await,
        None,
        "whatever is due belongs to lanes that are full, and so do the leases that run out"
    );
    // A lease that ran out is claimed as well, if its lane may begin.
    let expired = store.claim_within("other", at(100), LEASE, &openings).await.unwrap();
    assert!(expired.is_none(), "{expired:?}");
    let freed = workers.openings(running.iter().filter(|lane| lane.key() != "healthy"));
    let again = store.claim_within("other", at(100), LEASE, &freed).await.unwrap().expect("its lease ran out");
    assert_eq!(again.fence.operation.as_str(), "op-h1");
}

pub(crate) async fn an_operation_waits_only_where_something_is_left_to_do(store: Store) {
    accept(&store, "b1").await;
    add_operation(&store, on(operation("op-two", "b1"), &["a", "b"])).await;
    let done = moved(&claim(&store, 0).await.operation, OperationState::Succeeded, 0);
    store.record(Write::Operation(done)).await.unwrap();
    let claimed = claim(&store, 1).await;
    assert_eq!(Lane::of(&claimed.operation.value), Lane::with_key(false, "a b"));
    let mut left = moved(&begun(&claimed.operation), OperationState::Queued, 2);
    let leg = |name, state| Leg { platform: platform(name), state, failure: None, outcome: None };
    left.value.legs = vec![leg("a", LegState::Done), leg("b", LegState::Pending)];
    store.record(Write::Operation(left)).await.unwrap();
    let busy = |key| Openings {
        in_use: [Lane::with_key(false, key)].into(),
        full: [platform(key)].into(),
        ..Openings::default()
    };
    assert!(store.claim_within("worker", at(3), LEASE, &busy("b")).await.unwrap().is_none(), "it waits for b alone");
    let claimed = store.claim_within("worker", at(3), LEASE, &busy("a")).await.unwrap().expect("a is done");
    let mut undoing = moved(&claimed.operation, OperationState::Queued, 4);
    let reason = OperationFailure {
        code: "X".to_owned(),
        reason: String::new().into(),
        details: FailureDetails::Other(serde_json::Value::Null),
    };
    undoing.value.undoing = Some(reason);
    store.record(Write::Operation(undoing)).await.unwrap();
    let both =
        Openings { in_use: [Lane::with_key(false, "a b")].into(), full: [platform("a")].into(), ..Openings::default() };
    assert!(
        store.claim_within("worker", at(5), LEASE, &both).await.unwrap().is_none(),
        "what was made on a is taken back"
    );
    assert_eq!(store.next_due_within(at(5), &both).await.unwrap(), None);
    assert!(store.claim_within("worker", at(5), LEASE, &busy("b")).await.unwrap().is_some());
}

pub(crate) async fn what_has_begun_keeps_later_ones_waiting_until_it_ends(store: Store) {
    accept(&store, "b1").await;
    let first = claim(&store, 0).await;
    let waits = moved(&begun(&first.operation), OperationState::AwaitingPermission, 1);
    store.record(Write::Operation(waits)).await.unwrap();
    add_operation(&store, operation("op-change", "b1")).await;
    assert!(store.claim("other", at(2), LEASE).await.unwrap().is_none());
    assert_eq!(next_due(&store).await, None);
    add_operation(&store, pause("op-pause", "b1")).await;
    let pause = claim(&store, 3).await;
    assert_eq!(pause.fence.operation.as_str(), "op-pause");
    let done = moved(&pause.operation, OperationState::Succeeded, 4);
    store.record(Write::Operation(done)).await.unwrap();
    let released = moved(&stored_operation(&store, &"op-b1".into()).await, OperationState::Queued, 5);
    store.record(Write::Operation(released)).await.unwrap();
    let first = claim(&store, 5).await;
    assert_eq!(first.fence.operation.as_str(), "op-b1");
    let done = moved(&first.operation, OperationState::Succeeded, 6);
    store.record(Write::Operation(done)).await.unwrap();
    assert_eq!(claim(&store, 6).await.fence.operation.as_str(), "op-change");
}

pub(crate) async fn a_lease_can_be_prolonged_until_somebody_else_claims(store: Store) {
    accept(&store, "b1").await;
    let first = claim(&store, 0).await;
    store.prolong(&first.fence, at(20), LEASE).await.unwrap();
    assert!(store.claim("other", at(49), LEASE).await.unwrap().is_none());
    // It ran out, and nobody noticed.
    store.prolong(&first.fence, at(60), LEASE).await.unwrap();
    assert!(store.claim("other", at(89), LEASE).await.unwrap().is_none());
    let second = claim(&store, 90).await;
    match store.prolong(&first.fence, at(91), LEASE).await {
        Err(StoreError::Fenced(operation)) => assert_eq!(operation, first.fence.operation),
        other => panic!("{other:?}"),
    }
    store.prolong(&second.fence, at(91), Duration::from_secs(1)).await.unwrap();
    let unknown = Fence { operation: "op-unknown".into(), number: 1 };
    assert!(matches!(store.prolong(&unknown, at(0), LEASE).await, Err(StoreError::Fenced(_))));
}

pub(crate) async fn the_next_due_time_is_that_of_claimable_work(store: Store) {
    assert_eq!(next_due(&store).await, None);
    accept(&store, "b1").await;
    assert_eq!(next_due(&store).await, Some(at(0)));
    let mut blocked = operation("op-2", "b1");
    blocked.run_at = at(-50);
    add_operation(&store, blocked).await;
    // The second waits for the first, so that its own time does not count.
    assert_eq!(next_due(&store).await, Some(at(0)));
    let first = claim(&store, 1).await;
    assert_eq!(next_due(&store).await, Some(at(31)));
    store.prolong(&first.fence, at(10), LEASE).await.unwrap();
    assert_eq!(next_due(&store).await, Some(at(40)));
    accept(&store, "b2").await;
    assert_eq!(next_due(&store).await, Some(at(0)));
    claim(&store, 11).await;
    assert_eq!(next_due(&store).await, Some(at(40)));
    let parked = moved(&first.operation, OperationState::Parked, 12);
    store
        .record(Recording::by(Author::Worker(first.fence, LeaseAfter::Kept)).with(Write::Operation(parked)))
        .await
        .unwrap();
    assert_eq!(next_due(&store).await, Some(at(-50)));
}

//! Lists, filters and pages.

use flightdeck::{
    domain::{
        event::EventKind,
        id::{MediaBuyId, PrincipalId},
        media_buy::{MediaBuy, RemoteKind, RemoteObject},
        operation::{OperationKind, OperationState},
        person::Person,
        status::BuyStatus,
        task::{Priority, Resolution, Task, TaskKind, TaskMove, TaskStatus},
    },
    store::{AuditEntry, BuyFilter, JournalWrite, Recording, RemoteChange, StoreError, TaskFilter, TokenRecord, Write},
};

use super::fixtures::{
    Store, accept, add_operation, at, audit, buy, claim, event, journal, line, moved, operation, package, platform,
    stored_buy, stored_operation, task,
};

async fn add_buy(store: &Store, buy: MediaBuy) {
    store.record(Write::NewBuy(buy)).await.unwrap();
}

async fn add_task(store: &Store, task: Task) {
    store.record(Write::NewTask(task)).await.unwrap();
}

async fn list(store: &Store, filter: BuyFilter) -> Vec<String> {
    store.buys(&filter).await.unwrap().into_iter().map(|buy| buy.id.to_string()).collect()
}

pub(crate) async fn buys_are_listed_newest_first_and_page_by_page(store: Store) {
    for id in ["b1", "b2", "b3", "b4", "b5"] {
        add_buy(&store, buy(id)).await;
    }
    let page =
        |after: Option<&str>, limit| BuyFilter { after: after.map(MediaBuyId::from), limit, ..BuyFilter::default() };
    assert_eq!(list(&store, page(None, 10)).await, ["b5", "b4", "b3", "b2", "b1"]);
    assert_eq!(list(&store, page(None, 2)).await, ["b5", "b4"]);
    assert_eq!(list(&store, page(Some("b4"), 2)).await, ["b3", "b2"]);
    assert_eq!(list(&store, page(Some("b2"), 2)).await, ["b1"]);
    assert!(list(&store, page(Some("b1"), 2)).await.is_empty());
    assert!(list(&store, page(Some("unknown"), 2)).await.is_empty());
    assert!(list(&store, page(None, 0)).await.is_empty());
    assert_eq!(list(&store, page(None, u32::MAX)).await.len(), 5);
    // A change does not move a buy to the front.
    let changed = stored_buy(&store, "b2").await;
    store.record(Write::Buy(changed)).await.unwrap();
    assert_eq!(list(&store, page(None, 10)).await, ["b5", "b4", "b3", "b2", "b1"]);
}

pub(crate) async fn buys_are_filtered_by_each_field(store: Store) {
    add_buy(&store, buy("plain")).await;
    add_buy(&store, MediaBuy { principal: "zenith".into(), ..buy("theirs") }).await;
    add_buy(&store, MediaBuy { status: BuyStatus::Active, ..buy("active") }).await;
    add_buy(&store, MediaBuy { po_number: Some("PO-1".to_owned()), ..buy("ordered") }).await;
    let packages = vec![package("a", "north"), package("b", "south"), package("c", "south")];
    add_buy(&store, MediaBuy { packages, ..buy("both") }).await;
    let all = || BuyFilter { limit: 10, ..BuyFilter::default() };
    let theirs = BuyFilter { principal: Some(PrincipalId::from("zenith")), ..all() };
    assert_eq!(list(&store, theirs).await, ["theirs"]);
    assert_eq!(list(&store, BuyFilter { status: Some(BuyStatus::Active), ..all() }).await, ["active"]);
    assert_eq!(list(&store, BuyFilter { po_number: Some("PO-1".to_owned()), ..all() }).await, ["ordered"]);
    assert_eq!(list(&store, BuyFilter { platform: Some(platform("south")), ..all() }).await, ["both"]);
    assert_eq!(list(&store, BuyFilter { platform: Some(platform("north")), ..all() }).await.len(), 5);
    assert!(list(&store, BuyFilter { platform: Some(platform("west")), ..all() }).await.is_empty());
    let none = BuyFilter { platform: Some(platform("south")), status: Some(BuyStatus::Active), ..all() };
    assert!(list(&store, none).await.is_empty());

    // What changes is found by its new value, and no longer by its old one.
    let mut changed = stored_buy(&store, "both").await;
    changed.value.status = BuyStatus::Active;
    store.record(Write::Buy(changed)).await.unwrap();
    assert_eq!(list(&store, BuyFilter { status: Some(BuyStatus::Active), ..all() }).await, ["both", "active"]);
    assert!(
        list(
            &store,
            BuyFilter { status: Some(BuyStatus::PendingActivation), platform: Some(platform("south")), ..all() }
        )
        .await
        .is_empty()
    );
}

pub(crate) async fn a_list_of_buys_has_their_remote_objects(store: Store) {
    accept(&store, "b1").await;
    accept(&store, "b2").await;
    let order = RemoteObject { kind: RemoteKind::Order, key: String::new(), id: "77".to_owned() };
    let fence = claim(&store, 0).await.fence;
    let remote = vec![RemoteChange::Remember(order.clone())];
    store.journal(JournalWrite { remote, ..journal(&fence, "b1", 1) }).await.unwrap();
    let found = store.buys(&BuyFilter { limit: 10, ..BuyFilter::default() }).await.unwrap();
    assert!(found[0].remote.is_empty());
    assert_eq!(found[1].remote_on(&platform("north")), [order]);
}

pub(crate) async fn operations_of_a_buy_are_found_by_what_they_are(store: Store) {
    let create = accept(&store, "b1").await;
    accept(&store, "b2").await;
    for (id, state) in [("op-2", OperationState::AwaitingApproval), ("op-3", OperationState::Queued)] {
        let mut update = operation(id, "b1");
        (update.kind, update.state) = (OperationKind::Update, state);
        add_operation(&store, update).await;
    }
    let open = || async {
        let found = store.open_operations(&"b1".into()).await.unwrap();
        found.into_iter().map(|stored| stored.value.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(open().await, ["op-b1", "op-2", "op-3"]);
    let failed = moved(&stored_operation(&store, &create).await, OperationState::Failed, 1);
    store.record(Write::Operation(failed)).await.unwrap();
    assert_eq!(open().await, ["op-2", "op-3"]);
    let creation = store.creation(&"b1".into()).await.unwrap().unwrap();
    assert_eq!(creation, stored_operation(&store, &create).await);
    assert_eq!(creation.value.state, OperationState::Failed);
}

async fn tasks_of_many_kinds(store: &Store) {
    accept(store, "b1").await;
    accept(store, "b2").await;
    let (first, second) = (operation("op-b1", "b1"), operation("op-b2", "b2"));
    let at_age = |id: &str, priority, age| Task { priority, created_at: at(age), ..task(id, &first) };
    add_task(store, at_age("medium-old", Priority::Medium, 1)).await;
    add_task(store, at_age("low", Priority::Low, 0)).await;
    add_task(store, at_age("urgent", Priority::Urgent, 9)).await;
    add_task(store, at_age("medium-new", Priority::Medium, 2)).await;
    add_task(store, at_age("high", Priority::High, 9)).await;
    let theirs = Task { principal: "zenith".into(), kind: TaskKind::Reconciliation, ..task("theirs", &second) };
    add_task(store, Task { priority: Priority::Low, created_at: at(5), due_by: at(10), ..theirs }).await;
}

async fn page(store: &Store, filter: TaskFilter) -> (Vec<String>, u64, u64) {
    let page = store.tasks(&filter).await.unwrap();
    (page.tasks.into_iter().map(|task| task.id.to_string()).collect(), page.total, page.overdue)
}

fn all() -> TaskFilter {
    TaskFilter { limit: 10, now: Some(at(11)), ..TaskFilter::default() }
}

pub(crate) async fn tasks_are_listed_by_urgency_and_age_with_totals_over_all_pages(store: Store) {
    tasks_of_many_kinds(&store).await;
    let (ids, total, overdue) = page(&store, all()).await;
    assert_eq!(ids, ["urgent", "high", "medium-old", "medium-new", "low", "theirs"]);
    assert_eq!((total, overdue), (6, 1));
    let (ids, total, overdue) = page(&store, TaskFilter { limit: 2, offset: 1, ..all() }).await;
    assert_eq!(ids, ["high", "medium-old"]);
    assert_eq!((total, overdue), (6, 1));
    let (ids, total, overdue) = page(&store, TaskFilter { offset: 6, ..all() }).await;
    assert!(ids.is_empty());
    assert_eq!((total, overdue), (6, 1));
    assert_eq!(page(&store, TaskFilter { limit: 0, ..all() }).await, (Vec::new(), 6, 1));
    // Past its due date means after it.
    assert_eq!(page(&store, TaskFilter { now: Some(at(10)), ..all() }).await.2, 0);
    assert_eq!(page(&store, TaskFilter { now: None, ..all() }).await.2, 0);
}

pub(crate) async fn closed_tasks_are_listed_for_a_while(store: Store) {
    tasks_of_many_kinds(&store).await;
    let mut closed = store.task(&"theirs".into()).await.unwrap().unwrap();
    closed.value.advance(TaskMove::Close).unwrap();
    closed.value.resolved_at = Some(at(20));
    store.record(Write::Task(closed)).await.unwrap();
    let lists = |page: &(Vec<String>, u64, u64)| page.0.contains(&"theirs".to_owned());
    let since = |seconds| TaskFilter { closed_since: Some(at(seconds)), ..all() };
    let recent = page(&store, since(19)).await;
    assert!(lists(&recent));
    // Whatever is closed is not overdue.
    assert_eq!((recent.1, recent.2), (6, 0));
    assert!(!lists(&page(&store, since(20)).await));
    assert!(!lists(&page(&store, all()).await));
    let failed = TaskFilter { status: Some(TaskStatus::Failed), ..since(19) };
    assert_eq!(page(&store, failed).await, (vec!["theirs".to_owned()], 1, 0));
}

pub(crate) async fn tasks_are_filtered_by_each_field(store: Store) {
    tasks_of_many_kinds(&store).await;
    let theirs = (vec!["theirs".to_owned()], 1, 1);
    assert_eq!(page(&store, TaskFilter { principal: Some("zenith".into()), ..all() }).await, theirs);
    assert_eq!(page(&store, TaskFilter { kind: Some(TaskKind::Reconciliation), ..all() }).await, theirs);
    assert_eq!(page(&store, TaskFilter { buy: Some("b2".into()), ..all() }).await, theirs);
    assert_eq!(page(&store, TaskFilter { priority: Some(Priority::High), ..all() }).await.0, ["high"]);
    assert_eq!(page(&store, TaskFilter { status: Some(TaskStatus::Pending), ..all() }).await.1, 6);
    assert_eq!(page(&store, TaskFilter { status: Some(TaskStatus::Assigned), ..all() }).await.1, 0);
    let (ids, total, overdue) = page(&store, TaskFilter { overdue: Some(false), ..all() }).await;
    assert!(!ids.contains(&"theirs".to_owned()));
    assert_eq!((total, overdue), (5, 0));
    assert_eq!(page(&store, TaskFilter { overdue: Some(true), ..all() }).await.1, 6);
}

pub(crate) async fn tasks_that_the_clock_must_see_to_are_found(store: Store) {
    accept(&store, "b1").await;
    let about = operation("op-b1", "b1");
    let made = |id: &str, status, due_by, expires_at| Task {
        status,
        due_by: at(due_by),
        expires_at: at(expires_at),
        ..task(id, &about)
    };
    add_task(&store, Task { created_at: at(-1), ..made("late", TaskStatus::Assigned, 10, 99) }).await;
    add_task(&store, Task { created_at: at(-2), ..made("expired", TaskStatus::Escalated, 1, 10) }).await;
    add_task(&store, made("not-yet", TaskStatus::Pending, 11, 99)).await;
    add_task(&store, made("escalated", TaskStatus::Escalated, 1, 99)).await;
    add_task(&store, made("closed", TaskStatus::Failed, 1, 1)).await;
    let decided = made("decided", TaskStatus::InProgress, 1, 99);
    add_task(&store, Task { decision: Some(Resolution::Approved), ..decided }).await;
    let due = |seconds, limit| {
        let store = store.clone();
        async move {
            let found = store.tasks_due(at(seconds), limit).await.unwrap();
            found.into_iter().map(|due| due.task.value.id.to_string()).collect::<Vec<_>>()
        }
    };
    assert!(due(9, 10).await.is_empty());
    assert_eq!(due(10, 10).await, ["expired", "late"]);
    assert_eq!(due(10, 1).await, ["expired"]);
    // Their versions are good to write them with.
    let mut late = store.tasks_due(at(10), 10).await.unwrap().remove(1).task;
    late.value.advance(TaskMove::Escalate).unwrap();
    store.record(Write::Task(late)).await.unwrap();
    assert_eq!(due(10, 10).await, ["expired"]);
}

pub(crate) async fn history_and_events_are_kept_in_order(store: Store) {
    accept(&store, "b1").await;
    add_task(&store, task("t1", &operation("op-b1", "b1"))).await;
    let lines: Vec<_> = (0..12).map(|index| line(&format!("comment {index}"), 0)).collect();
    let happened: Vec<_> = (0..12).map(|_| event("b1", EventKind::BuyStatusChanged)).collect();
    for (lines, happened) in lines.chunks(6).zip(happened.chunks(6)) {
        let lines = lines.iter().map(|line| Write::History("t1".into(), line.clone()));
        let recording: Recording = lines.chain(happened.iter().cloned().map(Write::Event)).collect();
        store.record(recording).await.unwrap();
    }
    assert_eq!(store.history(&"t1".into()).await.unwrap(), lines);
    assert_eq!(store.events(&"b1".into(), 100).await.unwrap(), happened);
    assert_eq!(store.events(&"b1".into(), 3).await.unwrap(), happened[..3]);
    assert!(store.events(&"b2".into(), 3).await.unwrap().is_empty());
    // An event has one id for ever.
    let again = Recording::from(Write::Event(happened[0].clone()));
    assert!(matches!(store.record(again).await, Err(StoreError::Stale(_))));
}

/// All ways to choose a value or none.
fn or_none<T: Clone>(value: T) -> [Option<T>; 2] {
    [None, Some(value)]
}

/// What each of them finds is told by other cases; here the databases are to plan all of them.
pub(crate) async fn every_combination_of_filters_is_asked(store: Store) {
    tasks_of_many_kinds(&store).await;
    let ordered = MediaBuy { po_number: Some("PO-1".to_owned()), status: BuyStatus::Active, ..buy("ordered") };
    add_buy(&store, MediaBuy { packages: vec![package("a", "south")], ..ordered }).await;
    for (principal, status) in or_none(PrincipalId::from("acme")).iter().cartesian(&or_none(BuyStatus::Active)) {
        for (platform, po_number) in or_none(platform("south")).iter().cartesian(&or_none("PO-1".to_owned())) {
            for after in [None, Some(MediaBuyId::from("none")), Some(MediaBuyId::from("ordered"))] {
                let finds = after.is_none();
                let (principal, status) = (principal.clone(), *status);
                let (platform, po_number) = (platform.clone(), po_number.clone());
                let filter = BuyFilter { principal, status, platform, po_number, after, limit: 1 };
                assert!(!finds || list(&store, filter.clone()).await == ["ordered"], "{filter:?}");
                list(&store, filter).await;
            }
        }
    }
    for (principal, kind) in or_none(PrincipalId::from("zenith")).iter().cartesian(&or_none(TaskKind::Reconciliation)) {
        for (priority, status) in or_none(Priority::Low).iter().cartesian(&or_none(TaskStatus::Pending)) {
            for (buy, overdue) in or_none(MediaBuyId::from("b2")).iter().cartesian(&or_none(false)) {
                for closed_since in or_none(at(0)) {
                    let (principal, kind, priority, status) = (principal.clone(), *kind, *priority, *status);
                    let (buy, overdue) = (buy.clone(), *overdue);
                    let filter = TaskFilter { principal, kind, priority, status, buy, overdue, closed_since, ..all() };
                    let found = page(&store, filter.clone()).await.0;
                    assert_eq!(found.contains(&"theirs".to_owned()), overdue.is_none(), "{filter:?}");
                }
            }
        }
    }
}

/// Every pair of one of these and one of those.
trait Cartesian<'a, T: 'a>: Iterator<Item = &'a T> + Sized {
    fn cartesian<U>(self, those: &'a [U]) -> impl Iterator<Item = (&'a T, &'a U)> {
        self.flat_map(move |one| those.iter().map(move |other| (one, other)))
    }
}

impl<'a, T: 'a, I: Iterator<Item = &'a T>> Cartesian<'a, T> for I {}

/// Each backend has a task multiplied in between: ten thousand times, and ten more.
pub(super) async fn a_list_of_tasks_ends(store: &Store, multiplied: impl Future<Output = ()>) {
    accept(store, "b1").await;
    let about = operation("op-b1", "b1");
    add_task(store, Task { created_at: at(0), ..task("t", &about) }).await;
    multiplied.await;
    add_task(store, Task { priority: Priority::Urgent, ..task("urgent", &about) }).await;
    let (ids, total, _) = page(store, TaskFilter { limit: 2, ..all() }).await;
    assert_eq!((ids, total), (vec!["urgent".to_owned(), "t".to_owned()], 10_000));
    assert_eq!(page(store, TaskFilter { offset: 9_999, ..all() }).await.0.len(), 1);
    assert!(page(store, TaskFilter { offset: 10_000, ..all() }).await.0.is_empty(), "what is behind is not listed");
    // Another filter has a list of its own.
    let (ids, total, _) = page(store, TaskFilter { priority: Some(Priority::Urgent), ..all() }).await;
    assert_eq!((ids, total), (vec!["urgent".to_owned()], 1));
}

/// The statement for it, for the numbers from 1 to 10,010.
pub(super) fn multiply(numbers: &str) -> String {
    format!(
        "INSERT INTO tasks (id, kind, principal, buy, operation, status, open, undecided, escalates, priority, created_at, due_by,
                            expires_at, closed_at, doc)
         SELECT id || '-' || CAST(n AS TEXT), kind, principal, buy, operation, status, open, undecided, escalates, priority,
                created_at + n, due_by, expires_at, closed_at, doc
         FROM tasks, ({numbers}) AS numbers"
    )
}

pub(crate) async fn what_was_closed_long_ago_is_taken_out_of_the_list(store: Store) {
    tasks_of_many_kinds(&store).await;
    for (id, closed_at) in [("theirs", 20), ("low", 30)] {
        let mut closed = store.task(&id.into()).await.unwrap().unwrap();
        closed.value.advance(TaskMove::Close).unwrap();
        closed.value.resolved_at = Some(at(closed_at));
        store.record(Write::Task(closed)).await.unwrap();
    }
    assert_eq!(store.unlist_tasks(at(20), 10).await.unwrap(), 0, "closed at that moment, and not before it");
    assert_eq!(store.unlist_tasks(at(31), 1).await.unwrap(), 1);
    let since = |seconds| TaskFilter { closed_since: Some(at(seconds)), ..all() };
    assert_eq!(page(&store, since(0)).await.1, 5, "the one that was closed first");
    assert_eq!(store.unlist_tasks(at(31), 10).await.unwrap(), 1);
    assert_eq!(store.unlist_tasks(at(1_000), 10).await.unwrap(), 0, "what is open stays");
    assert_eq!(page(&store, since(0)).await.1, 4);
    assert!(store.task(&"theirs".into()).await.unwrap().is_some());
}

pub(crate) async fn a_buy_that_is_over_is_left_out_when_its_turn_comes(store: Store) {
    for index in 0..10 {
        let booked = MediaBuy { booked_at: Some(at(index)), ..buy(&format!("over{index}")) };
        add_buy(&store, MediaBuy { end: at(100), ..booked }).await;
    }
    add_buy(&store, MediaBuy { booked_at: Some(at(50)), ..buy("runs") }).await;
    let every = std::time::Duration::from_secs(60);
    let turns = |limit| {
        let store = store.clone();
        async move {
            let turns = store.take_turns(at(1_000), at(101), every, every, limit).await.unwrap();
            turns.into_iter().map(|id| id.to_string()).collect::<Vec<_>>()
        }
    };
    // Those that are over stand before it, and one look goes past some of them.
    assert!(turns(2).await.is_empty());
    assert_eq!(turns(2).await, ["runs"]);
    assert!(turns(2).await.is_empty(), "it had its turn");
}

pub(crate) async fn tokens_are_found_by_digest_and_have_unique_names(store: Store) {
    let token = TokenRecord {
        name: "acme-token".to_owned(),
        person: Person::new("Ann of Acme"),
        sha256: "a".repeat(64),
        role: "buyer".to_owned(),
        principal: Some("acme".into()),
        created_at: at(0),
        expires_at: Some(at(9)),
        revoked_at: None,
    };
    store.add_token(&token, audit("token.created", "token:acme-token")).await.unwrap();
    assert_eq!(store.token(&token.sha256).await.unwrap(), Some(token.clone()));
    assert_eq!(store.token_named("acme-token").await.unwrap(), Some(token.clone()));
    assert_eq!(store.token_named("acme").await.unwrap(), None);
    let same_name = TokenRecord { sha256: "b".repeat(64), ..token.clone() };
    assert!(matches!(
        store.add_token(&same_name, audit("token.created", "token:acme-token")).await,
        Err(StoreError::Stale(_))
    ));
    assert_eq!(store.token(&same_name.sha256).await.unwrap(), None);
    let other = TokenRecord {
        name: "rita".to_owned(),
        sha256: "c".repeat(64),
        role: "reviewer".to_owned(),
        principal: None,
        expires_at: None,
        revoked_at: Some(at(3)),
        ..token.clone()
    };
    store.add_token(&other, audit("token.created", "token:rita")).await.unwrap();
    assert_eq!(store.token(&other.sha256).await.unwrap(), Some(other.clone()));
    assert_eq!(store.tokens().await.unwrap(), [token.clone(), other.clone()]);

    let line = |name: &str| AuditEntry { at: at(5), ..audit("token.revoked", &format!("token:{name}")) };
    store.revoke_token("acme-token", line("acme-token")).await.unwrap();
    let revoked = TokenRecord { revoked_at: Some(at(5)), ..token.clone() };
    assert_eq!(store.token(&token.sha256).await.unwrap(), Some(revoked));
    assert_eq!(store.token(&other.sha256).await.unwrap(), Some(other), "nobody else's");
    let lines = store.audit(0, 100).await.unwrap().len();
    for name in ["acme-token", "rita", "nobody"] {
        assert!(matches!(store.revoke_token(name, line(name)).await, Err(StoreError::Stale(_))), "{name}");
    }
    assert_eq!(store.audit(0, 100).await.unwrap().len(), lines, "nothing was done, nothing is told");
}

pub(crate) async fn nothing_is_found_in_an_empty_store(store: Store) {
    store.ping().await.unwrap();
    assert!(store.buy(&"b1".into()).await.unwrap().is_none());
    assert!(store.operation(&"op-1".into()).await.unwrap().is_none());
    assert!(store.creation(&"b1".into()).await.unwrap().is_none());
    assert!(store.open_operations(&"b1".into()).await.unwrap().is_empty());
    assert!(store.steps(&"op-1".into()).await.unwrap().is_empty());
    assert!(store.task(&"t1".into()).await.unwrap().is_none());
    assert!(store.history(&"t1".into()).await.unwrap().is_empty());
    assert!(store.tasks_due(at(0), 10).await.unwrap().is_empty());
    assert!(store.token("a").await.unwrap().is_none());
    assert_eq!(page(&store, all()).await, (Vec::new(), 0, 0));
    assert_eq!(store.forget_keys(at(0), 10).await.unwrap(), 0);
}

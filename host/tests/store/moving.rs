//! A whole SQLite database is moved to PostgreSQL by the command, and by nothing less than all of it.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use flightdeck::{
    domain::{
        event::EventKind,
        keys::{Key, Keyring},
        media_buy::{MediaBuy, RemoteKind, RemoteObject},
        operation::{Operation, OperationKind, OperationState},
        person::Person,
        step::StepState,
        task::{HistoryEntry, Task},
    },
    store::{
        BuyFilter, FinishedStep, JournalWrite, Recording, RemoteChange, Revocation, TaskFilter, TokenRecord, Write,
        marks::{ARRIVED, ARRIVING, MOVED, RESTORED},
        postgres,
        replicas::HoldKey,
        sqlite::{self, Options},
    },
};
use flightdeck_test_support::postgres::database;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::{
    fixtures::{
        LEASE, Store, accept, add_operation, at, audit, begins, buy, claim, event, finishes, journal, key, line,
        operation, package, principal, stored_buy, stored_operation, stored_task, task,
    },
    webhooks,
};

/// What PostgreSQL can't hold as it is, and what JSON and SQL quote.
const ODD: &str = "a\0b \u{f8f0} '\"\\ ü\n";

/// What signs and encrypts on both sides.
const SECRET: &str = "a key that is good for tests and for nothing else";
const KEYS: &str =
    "[[keys]]\nid = \"test\"\nsecret = { value = \"a key that is good for tests and for nothing else\" }\n";

fn keys() -> Arc<Keyring> {
    Arc::new(Keyring::new(vec![Key::new("test", SECRET.as_bytes())]))
}

/// An SQLite database with something in every table, a configuration that names it, and an empty PostgreSQL.
struct Sides {
    folder: TempDir,
    url: String,
}

impl Sides {
    async fn new() -> Option<Self> {
        let url = database().await?;
        let folder = TempDir::new().unwrap();
        let place = folder.path().display();
        let text = format!(
            "[publisher]\nname = \"Acme\"\ncurrency = \"USD\"\n[data]\ndir = \"{place}\"\n[store]\nurl = \"sqlite://store.db\"\n{KEYS}"
        );
        std::fs::write(folder.path().join("flightdeck.toml"), text).unwrap();
        let there = text_for(&url);
        std::fs::write(folder.path().join("there.toml"), there).unwrap();
        let sides = Self { folder, url };
        let store = sides.here().await;
        fill(&store).await;
        store.close().await;
        Some(sides)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    async fn here(&self) -> Store {
        sqlite::open(self.file(), Options { keys: keys(), ..Options::default() }).await.unwrap()
    }

    async fn there(&self) -> Store {
        let options = postgres::Options { callers_clock: true, keys: keys(), ..postgres::Options::default() };
        postgres::open(&self.url, options).await.unwrap()
    }

    async fn number(&self, sql: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap()
    }

    fn command(&self, configuration: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.args(arguments).arg("--config").arg(self.folder.path().join(configuration));
        command
    }

    fn run(&self, configuration: &str, arguments: &[&str]) -> (bool, String) {
        said(&self.command(configuration, arguments).output().unwrap())
    }

    fn moves(&self) -> (bool, String) {
        self.run("flightdeck.toml", &["move", "--to", &self.url])
    }
}

fn text_for(url: &str) -> String {
    format!("[publisher]\nname = \"Acme\"\ncurrency = \"USD\"\n[store]\nurl = \"{url}\"\n{KEYS}")
}

fn said(ran: &Output) -> (bool, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.success(), text)
}

/// Something in every table.
async fn fill(store: &Store) {
    let both = vec![package("a", "north"), package("b", "south")];
    let odd = MediaBuy { packages: both, po_number: Some(ODD.to_owned()), ..buy("odd") };
    store.record(Write::NewBuy(odd)).await.unwrap();
    accept(store, "b1").await;
    let held = claim(store, 0).await;
    let order = RemoteObject { kind: RemoteKind::Order, key: String::new(), id: ODD.to_owned() };
    let (remote, begin) = (vec![RemoteChange::Remember(order)], begins("order", "reference"));
    store.journal(JournalWrite { remote, begin, ..journal(&held.fence, "b1", 1) }).await.unwrap();
    // A request of it was lost, so that it is looked for again.
    let finished = vec![FinishedStep { lost: true, ..finishes("order", &[0, 255, 7]) }];
    let begin = begins("line", "reference 2");
    store.journal(JournalWrite { finished, begin, ..journal(&held.fence, "b1", 2) }).await.unwrap();
    let waits = Operation {
        kind: OperationKind::Update,
        state: OperationState::AwaitingApproval,
        ..operation("update", "odd")
    };
    add_operation(store, waits.clone()).await;
    webhooks::add(store, &webhooks::endpoint("hook", None, EventKind::ALL)).await;
    let mut recording = Recording::from([
        Write::NewKey(key(ODD, "update")),
        Write::NewTask(Task { reason: ODD.into(), ..task("t1", &waits) }),
        Write::History("t1".into(), HistoryEntry { words: Some(ODD.to_owned()), ..line("assign", 1) }),
        Write::Event(event("b1", EventKind::TaskCreated)),
        Write::Event(event("b1", EventKind::TaskAssigned)),
    ]);
    recording.extend((0..2_500).map(|index| Write::Audit(audit(ODD, &format!("subject {index}")))));
    store.record(recording).await.unwrap();
    assert!(webhooks::claim(store, 1).await.is_some());
    let token = TokenRecord {
        name: "rita".to_owned(),
        person: Person::new("rita"),
        sha256: "a".repeat(64),
        role: "buyer".to_owned(),
        principal: Some(principal()),
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
    };
    store.add_token(&token, audit("token.created", "token:rita")).await.unwrap();
    let revocation = Revocation { name: "paul".to_owned(), sha256: "b".repeat(64), at: at(1) };
    store.revoke_digest(&revocation, audit("token.revoked", "token:paul")).await.unwrap();
    store.keep_component("digest", vec![0, 1, 2, 255], at(0)).await.unwrap();
    super::releases::serve(store, &"north".into(), "digest").await;
    store.hold(&HoldKey::Pause("key".to_owned()), LEASE, at(0)).await.unwrap();
    store.mark(RESTORED, at(5), audit("database.restored", "database")).await.unwrap();
}

/// What both have, read as the host reads it.
async fn everything(store: &Store) -> String {
    let all = BuyFilter { limit: 1_000, ..BuyFilter::default() };
    let tasks = TaskFilter { limit: 1_000, ..TaskFilter::default() };
    let lines: Vec<_> = {
        let (mut after, mut lines) = (0, Vec::new());
        loop {
            let page = store.audit(after, 1_000).await.unwrap();
            let Some(last) = page.last() else { break lines };
            after = last.number;
            lines.extend(page.into_iter().filter(|line| !line.text.contains("database.moved")));
        }
    };
    format!(
        "{:?}",
        (
            store.buys(&all).await.unwrap(),
            (stored_buy(store, "b1").await, stored_operation(store, &"op-b1".into()).await),
            (stored_operation(store, &"update".into()).await, stored_task(store, "t1").await),
            (store.steps(&"op-b1".into()).await.unwrap(), store.tasks(&tasks).await.unwrap()),
            (store.history(&"t1".into()).await.unwrap(), store.events(&"b1".into(), 100).await.unwrap()),
            (store.idempotency(&principal(), ODD).await.unwrap(), store.tokens().await.unwrap()),
            (store.webhooks(None).await.unwrap(), webhooks::statuses(store, "hook").await),
            (store.releases(&"north".into()).await.unwrap(), store.activations(&"north".into()).await.unwrap()),
            (store.component("digest").await.unwrap(), store.serving().await.unwrap()),
            (store.holds(at(1)).await.unwrap(), store.marked(RESTORED).await.unwrap(), lines),
            store.audit_begins().await.unwrap(),
        )
    )
}

/// What is there is whole and goes on, and nothing goes on here.
async fn check_moved(sides: &Sides, before: &str) {
    let there = sides.there().await;
    assert_eq!(everything(&there).await, before);
    // Whoever carried it out is gone: it is claimed at once, under a number that rises, and what it began stays in doubt.
    let again = there.claim("worker", at(3), LEASE).await.unwrap().expect("its lease has ended");
    assert_eq!((again.fence.operation.as_str(), again.fence.number), ("op-b1", 2));
    let steps = there.steps(&"op-b1".into()).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.state).collect::<Vec<_>>(), [StepState::Done, StepState::Open]);
    // New rows come after those that came, in every table.
    accept(&there, "new").await;
    let page = BuyFilter { limit: 1, ..BuyFilter::default() };
    assert_eq!(there.buys(&page).await.unwrap()[0].id.as_str(), "new");
    let recording = Recording::from([
        Write::Event(event("b1", EventKind::TaskFailed)),
        Write::History("t1".into(), line("comment", 9)),
        Write::NewTask(task("t2", &operation("update", "odd"))),
        Write::Audit(audit("after", "it")),
    ]);
    there.record(recording).await.unwrap();
    assert!(there.marked(ARRIVED).await.unwrap().is_some() && there.marked(ARRIVING).await.unwrap().is_none());
    there.close().await;
    let (fine, said) = sides.run("there.toml", &["audit", "verify"]);
    assert!(fine && said.contains("none changed, missing or out of place"), "{said}");
    for command in [["token", "list"].as_slice(), &["serve"], &["restored"]] {
        let (served, said) = sides.run("flightdeck.toml", command);
        assert!(!served && said.contains("was moved to PostgreSQL") && said.contains("--back"), "{command:?}: {said}");
    }
}

#[tokio::test]
async fn everything_is_moved_and_the_file_stays_behind() {
    let Some(sides) = Sides::new().await else { return };
    let here = sides.here().await;
    let before = everything(&here).await;
    let (fine, said) = sides.moves();
    assert!(!fine && said.contains("another flightdeck process uses this database"), "{said}");
    here.close().await;
    let (fine, said) = sides.moves();
    assert!(fine && said.contains("the same on both sides") && said.contains("the audit log is whole"), "{said}");
    for table in ["operations", "webhook_deliveries", "limits", "audit_beginning"] {
        assert!(said.lines().any(|line| line.starts_with(table)), "{table}: {said}");
    }
    check_moved(&sides, &before).await;
    let (fine, said) = sides.moves();
    assert!(!fine && said.contains("was moved already"), "{said}");

    let (fine, said) = sides.run("flightdeck.toml", &["move", "--back"]);
    assert!(fine && said.contains("flightdeck restored"), "{said}");
    let here = sides.here().await;
    assert_eq!(everything(&here).await, before, "nothing of it was changed");
    here.close().await;
    let (fine, said) = sides.moves();
    assert!(!fine && said.contains("something in it already"), "{said}");
}

#[tokio::test]
async fn a_move_that_is_cut_off_anywhere_goes_on_and_nobody_serves_from_half_of_it() {
    let Some(sides) = Sides::new().await else { return };
    let here = sides.here().await;
    let before = everything(&here).await;
    here.close().await;
    let mut cut_off = 0;
    // Each one gets one point further than the one before it, if only there is one.
    for point in 1.. {
        let mut command = sides.command("flightdeck.toml", &["move", "--to", &sides.url]);
        let ran = command.env("FLIGHTDECK_FAULT_AT", point.to_string()).output().unwrap();
        if ran.status.success() {
            break;
        }
        assert!(ran.status.code().is_none(), "it was killed, and did not fail: {}", said(&ran).1);
        cut_off = point;
        // Each of these is a process of its own.
        if point % 6 != 1 {
            continue;
        }
        let (served, said) = sides.run("flightdeck.toml", &["token", "list"]);
        assert!(!served && said.contains("being moved to PostgreSQL"), "{point}: {said}");
        if sides.number("SELECT count(*) FROM marks WHERE name = 'arriving'").await == 1 {
            let (served, said) = sides.run("there.toml", &["token", "list"]);
            assert!(!served && said.contains("not whole yet"), "{point}: {said}");
        }
    }
    assert!(cut_off > 20, "there are so many points at least: {cut_off}");
    check_moved(&sides, &before).await;
}

#[tokio::test]
async fn a_move_that_is_killed_from_outside_is_begun_again() {
    let Some(sides) = Sides::new().await else { return };
    let here = sides.here().await;
    let before = everything(&here).await;
    here.close().await;
    let mut moving = sides.command("flightdeck.toml", &["move", "--to", &sides.url]).spawn().unwrap();
    // Something has arrived, or all of it: whatever it was doing then.
    let arrived = "SELECT (to_regclass('marks') IS NOT NULL)::int::bigint";
    while sides.number(arrived).await == 0 && moving.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    moving.kill().unwrap();
    moving.wait().unwrap();
    let file = sqlite::open_beside(sides.file(), Options::default()).await.unwrap();
    let ended = file.marked(MOVED).await.unwrap().is_some();
    file.close().await;
    if !ended {
        let (fine, said) = sides.moves();
        assert!(fine, "{said}");
    }
    check_moved(&sides, &before).await;
}

#[tokio::test]
async fn a_move_that_would_mix_two_databases_is_refused() {
    let Some(sides) = Sides::new().await else { return };
    let mut command = sides.command("flightdeck.toml", &["move", "--to", &sides.url]);
    assert!(command.env("FLIGHTDECK_FAULT_AT", "move.table").output().unwrap().status.code().is_none());
    // Taken back, and gone on with: what has arrived is not what is here any more.
    let (fine, said) = sides.run("flightdeck.toml", &["move", "--back"]);
    assert!(fine && !said.contains("flightdeck restored"), "{said}");
    let here = sides.here().await;
    accept(&here, "later").await;
    here.close().await;
    let (fine, said) = sides.moves();
    assert!(!fine && said.contains("part of another move"), "{said}");
    let (fine, said) = sides.run("flightdeck.toml", &["token", "list"]);
    assert!(fine, "a move that was refused leaves the file as it was: {said}");
    // To an empty one it goes.
    let other = Sides { url: database().await.unwrap(), ..sides };
    let (fine, said) = other.moves();
    assert!(fine, "{said}");
    // One that serves already is not moved, and nothing else is moved to it.
    let text = text_for(&other.url);
    std::fs::write(other.folder.path().join("there.toml"), text).unwrap();
    let (fine, said) = other.run("there.toml", &["move", "--to", &other.url]);
    assert!(!fine && said.contains("is PostgreSQL already"), "{said}");
    let (fine, said) = other.run("flightdeck.toml", &["move", "--to", "mysql://x"]);
    assert!(!fine && said.contains("must be like postgres://"), "{said}");
}

#[tokio::test]
async fn what_arrived_otherwise_is_found_and_not_served_from() {
    let Some(sides) = Sides::new().await else { return };
    let mut command = sides.command("flightdeck.toml", &["move", "--to", &sides.url]);
    assert!(command.env("FLIGHTDECK_FAULT_AT", "move.compared").output().unwrap().status.code().is_none());
    let mut connection = PgConnection::connect(&sides.url).await.unwrap();
    sqlx::query("UPDATE operations SET doc = replace(doc, 'sports', 'sport') WHERE id = 'update'")
        .execute(&mut connection)
        .await
        .unwrap();
    let (fine, said) = sides.moves();
    assert!(!fine && said.contains("table operations has") && said.contains("CREATE DATABASE"), "{said}");
    let (served, said) = sides.run("there.toml", &["token", "list"]);
    assert!(!served && said.contains("not whole yet"), "{said}");
}

//! Several hosts over one PostgreSQL, each with a cable of its own to the database and to every ad server; or one over SQLite.

use std::{path::PathBuf, sync::RwLock, time::Duration};

use flightdeck::{
    domain::task::{Resolution, TaskMove},
    operations::waiting,
    store::{
        Recording, Store as _,
        postgres::{Options, PostgresStore},
    },
};
use flightdeck_emulators::control::faults::{Action, Rule};
use flightdeck_test_support::postgres;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{
    host::Host,
    house::{self, Answer, BUYER, OPERATOR, PATIENCE, REVIEWER, today},
    native_code,
    proxy::{Mode, Proxy},
    servers::{Endpoints, Servers},
};

/// One host.
pub(crate) struct Replica {
    /// Its cable to the database; SQLite needs none.
    pub(crate) database: Option<Proxy>,
    /// Its cables to Kevel, Google Ad Manager and Triton.
    pub(crate) ad_servers: [Proxy; 3],
    pub(crate) host: Mutex<Option<Host>>,
    url: RwLock<String>,
    data: PathBuf,
    log: PathBuf,
}

impl Replica {
    /// Its cable to PostgreSQL.
    fn cable(&self) -> &Proxy {
        self.database.as_ref().expect("the database is PostgreSQL")
    }
}

/// The hosts, what they share, and the ad servers.
pub(crate) struct Replicas {
    pub(crate) servers: Servers,
    /// The database, past all cables.
    pub(crate) database_url: String,
    /// What the database is in, if it is a file.
    _folder: Option<TempDir>,
    pub(crate) all: Vec<Replica>,
    /// Whether hosts reach the ad servers by the same address, and not by cables of their own.
    pub(crate) one_address: bool,
}

impl Replicas {
    /// So many hosts, serving, with `more` at the end of their configuration. `None` where there is no PostgreSQL.
    pub(crate) async fn new(count: usize, more: &str) -> Option<Self> {
        let replicas = Self::empty(count, more).await?;
        for index in 0..count {
            replicas.start(index).await;
        }
        Some(replicas)
    }

    /// So many hosts that are not started yet.
    pub(crate) async fn empty(count: usize, more: &str) -> Option<Self> {
        Some(Self::on(postgres::database().await?, count, more).await)
    }

    /// One host over SQLite that is not started yet.
    pub(crate) async fn alone(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database_url = format!("sqlite://{}", folder.path().join("flightdeck.db").display());
        Self { _folder: Some(folder), ..Self::on(database_url, 1, more).await }
    }

    /// So many hosts on this database that are not started yet.
    pub(crate) async fn on(database_url: String, count: usize, more: &str) -> Self {
        let store = "[store]\nurl = { env = \"DATABASE_URL\" }\n";
        let from = |name: &str| format!("{{ env = \"{name}\" }}");
        let servers = Servers::with(&format!("{store}{more}"), |_, _| Endpoints {
            gam: from("GAM_ENDPOINT"),
            triton: from("TRITON_ENDPOINT"),
            login: from("TRITON_LOGIN"),
        })
        .await;
        let targets = [&servers.house.kevel.url, &servers.gam.url, &servers.triton.url].map(|url| bare(url).to_owned());
        let mut all = Vec::with_capacity(count);
        for index in 0..count {
            let [kevel, gam, triton] = &targets;
            let data = servers.house.dir().join(format!("data-{index}"));
            native_code::borrow(&data);
            all.push(Replica {
                database: match server_of(&database_url) {
                    Some(server) => Some(Proxy::before(server).await),
                    None => None,
                },
                ad_servers: [Proxy::before(kevel).await, Proxy::before(gam).await, Proxy::before(triton).await],
                host: Mutex::new(None),
                url: RwLock::new(String::new()),
                data,
                log: servers.house.dir().join(format!("flightdeck-{index}.log")),
            });
        }
        Self { servers, database_url, _folder: None, all, one_address: false }
    }

    /// A command of the host's binary beside the hosts, on the same database.
    pub(crate) fn command(&self) -> tokio::process::Command {
        let mut command = self.servers.house.command();
        command.env("DATABASE_URL", &self.database_url);
        for (name, url) in [("GAM_ENDPOINT", &self.servers.gam.url), ("TRITON_ENDPOINT", &self.servers.triton.url)] {
            command.env(name, url);
        }
        command.env("TRITON_LOGIN", format!("{}/login", self.servers.triton.url));
        command
    }

    /// Starts a host that does not run.
    pub(crate) async fn start(&self, index: usize) {
        self.start_with(index, &[]).await;
    }

    /// Starts a host that does not run, with more in its environment.
    pub(crate) async fn start_with(&self, index: usize, environment: &[(&str, &str)]) {
        let replica = &self.all[index];
        let mut command = self.command_of(index);
        command.envs(environment.iter().copied());
        let host = Host::start(command, &replica.log).await;
        native_code::lend(&replica.data);
        replica.url.write().unwrap().clone_from(&host.url);
        assert!(replica.host.lock().await.replace(host).is_none(), "the host runs already");
    }

    /// The command that is a host, with its cables.
    pub(crate) fn command_of(&self, index: usize) -> tokio::process::Command {
        let replica = &self.all[index];
        let through = |proxy: &Proxy| format!("http://{}", proxy.address);
        let [mut kevel, mut gam, mut triton] = replica.ad_servers.each_ref().map(through);
        if self.one_address {
            let servers = &self.servers;
            (kevel, gam, triton) =
                (servers.house.kevel.url.clone(), servers.gam.url.clone(), servers.triton.url.clone());
        }
        let database = match (server_of(&self.database_url), &replica.database) {
            (Some(server), Some(cable)) => self.database_url.replace(server, &cable.address),
            _ => self.database_url.clone(),
        };
        let mut command = self.servers.house.command();
        command
            .env("FLIGHTDECK_DATA_DIR", &replica.data)
            .env("DATABASE_URL", database)
            .env("KEVEL_ENDPOINT", kevel)
            .env("GAM_ENDPOINT", gam)
            .env("TRITON_LOGIN", format!("{triton}/login"))
            .env("TRITON_ENDPOINT", triton);
        command
    }

    /// Kills a host without a word. It ran until then, and all was well with it: the log is new with the next start.
    pub(crate) async fn kill(&self, index: usize) {
        let mut host = self.all[index].host.lock().await.take().expect("the host was started");
        assert!(host.runs(), "host {index} ended by itself:\n{}", self.log(index));
        host.kill().await;
        self.assert_well(index);
    }

    /// Stops a host as an operator would. It ran until then, and all was well with it.
    pub(crate) async fn stop(&self, index: usize) {
        let mut host = self.all[index].host.lock().await.take().expect("the host was started");
        assert!(host.runs(), "host {index} ended by itself:\n{}", self.log(index));
        host.stop().await;
        self.assert_well(index);
    }

    /// Fails if a host's log, since its last start, tells of what must never be, whatever befalls it.
    pub(crate) fn assert_well(&self, index: usize) {
        let log = self.log(index);
        for never in ["panicked", "unexpected answer of the store", "can't be read as what it should be"] {
            assert!(!log.contains(never), "host {index}: {never}\n{log}");
        }
    }

    /// Sends a host a signal.
    pub(crate) async fn signal(&self, index: usize, name: &str) {
        self.all[index].host.lock().await.as_ref().expect("the host runs").signal(name).await;
    }

    /// What a host wrote since its last start.
    pub(crate) fn log(&self, index: usize) -> String {
        std::fs::read_to_string(&self.all[index].log).unwrap_or_default()
    }

    /// Asks a host; `None` if the connection broke.
    pub(crate) async fn ask(
        &self,
        index: usize,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        let url = self.all[index].url.read().unwrap().clone();
        house::ask(&self.servers.house.client, &url, token, method, path, body, headers).await
    }

    pub(crate) async fn get(&self, index: usize, token: &str, path: &str) -> Answer {
        self.ask(index, token, Method::GET, path, None, &[]).await.expect("an answer")
    }

    pub(crate) async fn post(&self, index: usize, token: &str, path: &str, body: Value) -> Answer {
        self.ask(index, token, Method::POST, path, Some(&body), &[]).await.expect("an answer")
    }

    /// Asks a host until the answer is as wanted.
    pub(crate) async fn until(
        &self,
        index: usize,
        token: &str,
        path: &str,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Answer {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut last = None;
        while tokio::time::Instant::now() < until {
            if let Some(answer) = self.ask(index, token, Method::GET, path, None, &[]).await {
                if wanted(&answer) {
                    return answer;
                }
                last = Some(answer);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{path} never was as wanted; at last: {last:#?}\n{}", self.log(index));
    }

    /// The state of an operation, as a host tells it, once it has ended.
    async fn ended(&self, index: usize, operation: &str) -> Answer {
        let ended = |answer: &Answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed"));
        self.until(index, BUYER, &format!("/v1/operations/{operation}"), ended).await
    }

    /// Asks for a buy on Kevel, waits for nothing, and approves it on another host; its operation.
    async fn approved(&self, on: usize, reviewed_on: usize) -> String {
        let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
        let created = self.post(on, BUYER, "/v1/media-buys", request).await.expect(202);
        let path = format!("/v1/tasks/{}/complete", created.text("/task_id"));
        self.post(reviewed_on, REVIEWER, &path, json!({ "resolution": "approved" })).await.expect(200);
        created.text("/operation_id")
    }

    fn kevel(&self) -> crate::servers::Server<'_> {
        self.servers.server("kevel")
    }
}

/// `host:port` of a URL.
fn bare(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

/// `host:port` of `postgres://user@host:port/name`; a file has none.
fn server_of(url: &str) -> Option<&str> {
    url.split('@').nth(1).and_then(|rest| rest.split('/').next())
}

/// Holds the making of a campaign up for so long, once.
fn slow_campaign(replicas: &Replicas, millis: u64, acts: bool) {
    let stall = if acts {
        json!({ "stall_after_acting": { "ms": millis } })
    } else {
        json!({ "stall": { "ms": millis, "then": "drop" } })
    };
    let action: Action = serde_json::from_value(stall).expect("an action");
    replicas.kevel().controls.faults.add(Rule::new("POST", "/v1/campaign", action));
}

/// Waits until the slow request has come.
async fn came(replicas: &Replicas) {
    let fired = || replicas.kevel().controls.faults.list().iter().all(|rule| rule.fired > 0);
    let until = tokio::time::Instant::now() + PATIENCE;
    while !fired() {
        assert!(tokio::time::Instant::now() < until, "nobody asked for a campaign");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The host that carries an operation out: the one whose log does not matter, found by its pid in the lease.
async fn runs_on(replicas: &Replicas, operation: &str) -> usize {
    use sqlx::Connection as _;
    let mut database = sqlx::PgConnection::connect(&replicas.database_url).await.expect("the database");
    let worker: String = sqlx::query_scalar("SELECT worker FROM operations WHERE id = $1")
        .bind(operation)
        .fetch_one(&mut database)
        .await
        .expect("somebody has it");
    for (index, replica) in replicas.all.iter().enumerate() {
        let pid = replica.host.lock().await.as_ref().and_then(Host::pid);
        if pid.is_some_and(|pid| worker.starts_with(&format!("{pid}-"))) {
            return index;
        }
    }
    panic!("{worker} is none of the hosts");
}

/// How long the lease of these hosts is, as their configuration says.
const LEASE_MICROS: i64 = 1_000_000;

/// How much later than it may a host take over at most: it looks every second, on a machine that may be busy.
const SLACK_MICROS: i64 = 10_000_000;

/// How an operation stands in the database, at a moment of the database's clock.
#[derive(Debug, sqlx::FromRow)]
struct Standing {
    fence: i64,
    lease_until: Option<i64>,
    now: i64,
}

async fn beside(replicas: &Replicas) -> sqlx::PgConnection {
    use sqlx::Connection as _;
    sqlx::PgConnection::connect(&replicas.database_url).await.expect("the database")
}

async fn standing(database: &mut sqlx::PgConnection, operation: &str) -> Standing {
    let asked = "SELECT fence, lease_until, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now
                 FROM operations WHERE id = $1";
    sqlx::query_as(asked).bind(operation).fetch_one(database).await.expect("the operation")
}

/// Waits until an operation stands as wanted.
async fn stands(
    database: &mut sqlx::PgConnection,
    operation: &str,
    what: &str,
    wanted: impl Fn(&Standing) -> bool,
) -> Standing {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let stands = standing(database, operation).await;
        if wanted(&stands) {
            return stands;
        }
        assert!(tokio::time::Instant::now() < until, "never {what}: {stands:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything that a worker may write, row by row.
async fn written(database: &mut sqlx::PgConnection) -> Vec<String> {
    let everything = "
        SELECT to_jsonb(one)::text FROM operations AS one UNION ALL SELECT to_jsonb(one)::text FROM steps AS one
        UNION ALL SELECT to_jsonb(one)::text FROM remote_objects AS one UNION ALL SELECT to_jsonb(one)::text FROM events AS one
        UNION ALL SELECT to_jsonb(one)::text FROM tasks AS one UNION ALL SELECT to_jsonb(one)::text FROM audit AS one
        ORDER BY 1";
    sqlx::query_scalar(everything).fetch_all(database).await.expect("the rows")
}

#[tokio::test]
async fn any_host_serves_any_request() {
    let Some(replicas) = Replicas::new(3, "").await else { return };
    let request =
        json!({ "packages": ["front_page", "homepage"], "total_budget": 10_000, "flight_start_date": today() });
    let key = [("Idempotency-Key", "one-key")];
    let ask = |index| replicas.ask(index, BUYER, Method::POST, "/v1/media-buys", Some(&request), &key);
    let created = ask(0).await.expect("an answer").expect(202);
    let again = ask(1).await.expect("an answer").expect(202);
    assert_eq!((again.text("/media_buy_id"), &again.body["replayed"]), (created.text("/media_buy_id"), &json!(true)));
    // Approved on one host, carried out on any, waited for on a third.
    let task = created.text("/task_id");
    let path = format!("/v1/tasks/{task}/complete");
    replicas.post(1, REVIEWER, &path, json!({ "resolution": "approved" })).await.expect(200);
    replicas.until(2, REVIEWER, &format!("/v1/tasks/{task}"), |answer| answer.body["status"] == "completed").await;
    let status = replicas.get(0, BUYER, &format!("/v1/media-buys/{}/status", created.text("/media_buy_id"))).await;
    assert_eq!(status.expect(200).text("/status"), "pending_activation");
    assert_eq!(replicas.kevel().counts(), (1, 1));
    assert_eq!(replicas.servers.server("gam").counts(), (1, 1));
    // A token that is made beside the hosts is good at each of them, and the log is one.
    let made = replicas
        .command()
        .args(["token", "create", "--name", "new", "--role", "operator"])
        .output()
        .await
        .expect("it runs");
    let token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for index in 0..3 {
        let audit = replicas.get(index, &token, "/v1/audit?limit=200").await.expect(200).body.to_string();
        for action in ["operation.accepted", "task.approved", "token.created"] {
            assert!(audit.contains(action), "{action}: {audit}");
        }
        replicas.get(index, OPERATOR, "/readyz").await.expect(200);
    }
}

#[tokio::test]
async fn a_host_that_dies_is_taken_over_within_its_lease() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    for acts in [true, false] {
        slow_campaign(&replicas, 60_000, acts);
        let before = replicas.kevel().counts().0;
        let operation = replicas.approved(0, 1).await;
        came(&replicas).await;
        let died = runs_on(&replicas, &operation).await;
        replicas.kill(died).await;
        let mut database = beside(&replicas).await;
        let left = standing(&mut database, &operation).await;
        let lease = left.lease_until.expect("it died with its lease");
        let taken = stands(&mut database, &operation, "taken over", |now| now.fence > left.fence).await;
        assert_eq!(taken.fence, left.fence + 1);
        assert!(taken.now <= lease + SLACK_MICROS, "taken over {} microseconds after the lease", taken.now - lease);
        // Whoever took it over did so when the lease had run out, and not before. Its own lease began then, or was prolonged since.
        let begun = taken.lease_until.expect("its own lease") - LEASE_MICROS;
        assert!(begun >= lease, "taken over {} microseconds before the lease ran out", lease - begun);
        let ended = replicas.ended(1 - died, &operation).await;
        assert_eq!(ended.text("/state"), "succeeded", "{:#}", ended.body);
        assert_eq!(replicas.kevel().counts(), (before + 1, before + 1), "acts: {acts}");
        replicas.kevel().controls.faults.clear();
        replicas.start(died).await;
    }
}

#[tokio::test]
async fn a_host_that_was_stopped_and_wakes_up_late_records_nothing() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    slow_campaign(&replicas, 3_000, true);
    let operation = replicas.approved(0, 1).await;
    came(&replicas).await;
    let stopped = runs_on(&replicas, &operation).await;
    let other = 1 - stopped;
    replicas.signal(stopped, "STOP").await;
    let ended = replicas.ended(other, &operation).await;
    assert_eq!(ended.text("/state"), "succeeded", "{:#}", ended.body);
    let (buy, claims) = (ended.text("/media_buy_id"), ended.body["attempts"].clone());
    let mut database = beside(&replicas).await;
    let before = written(&mut database).await;
    assert!(!before.is_empty());
    replicas.signal(stopped, "CONT").await;
    // It finds out that it lost, whether by its heartbeat or by what it wanted to record.
    let until = tokio::time::Instant::now() + PATIENCE;
    while !["lost the lease to another worker", "the run was interrupted"]
        .iter()
        .any(|lost| replicas.log(stopped).contains(lost))
    {
        assert!(tokio::time::Instant::now() < until, "it never found out:\n{}", replicas.log(stopped));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It serves on, and what it was doing is nobody's business any more.
    let path = format!("/v1/operations/{operation}");
    let seen = replicas.until(stopped, BUYER, &path, |answer| answer.status.is_success()).await;
    assert_eq!((seen.text("/state").as_str(), &seen.body["attempts"]), ("succeeded", &claims));
    assert_eq!(written(&mut database).await, before, "the host that woke up late recorded something");
    let status = replicas.get(stopped, BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    assert_eq!(status.text("/status"), "pending_activation");
    assert_eq!(replicas.kevel().counts(), (1, 1));
}

#[tokio::test]
async fn losing_the_database_loses_nothing_and_needs_no_restart() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    for mode in [Mode::Cut, Mode::Hang] {
        let before = replicas.kevel().counts().0;
        slow_campaign(&replicas, 500, true);
        let operation = replicas.approved(0, 1).await;
        came(&replicas).await;
        for replica in &replicas.all {
            replica.cable().set(mode);
        }
        // Who asks now is told that nothing can be recorded, and when to come back; the process answers all the same.
        let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
        let refused = replicas.post(0, BUYER, "/v1/media-buys", request).await.expect(503);
        assert_eq!(refused.error_code().as_deref(), Some("STORAGE_UNAVAILABLE"), "{:#}", refused.body);
        assert!(refused.headers.contains_key("retry-after"));
        assert_eq!(replicas.get(1, BUYER, "/healthz").await.status, 200);
        assert_eq!(replicas.get(1, BUYER, "/readyz").await.status, 503);
        // For several leases, by the database's own clock.
        let mut database = beside(&replicas).await;
        let lease = standing(&mut database, &operation).await.lease_until.expect("nobody can give it back");
        stands(&mut database, &operation, "long past its lease", |now| now.now > lease + 3 * LEASE_MICROS).await;
        for replica in &replicas.all {
            replica.cable().set(Mode::Pass);
        }
        let ended = replicas.ended(0, &operation).await;
        let claims = standing(&mut database, &operation).await.fence;
        assert!(claims > 1, "{mode:?}: its worker lost the database and went on");
        assert_eq!(ended.text("/state"), "succeeded", "{mode:?}: {:#}", ended.body);
        assert_eq!(replicas.kevel().counts(), (before + 1, before + 1), "{mode:?}");
        replicas.until(1, BUYER, "/readyz", |answer| answer.status == 200).await;
        replicas.kevel().controls.faults.clear();
    }
}

#[tokio::test]
async fn hosts_are_replaced_one_by_one_without_a_failed_operation() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    let mut operations = Vec::new();
    for index in [0, 1] {
        for _ in 0..3 {
            operations.push(replicas.approved(1 - index, 1 - index).await);
        }
        replicas.stop(index).await;
        for _ in 0..3 {
            operations.push(replicas.approved(1 - index, 1 - index).await);
        }
        replicas.start(index).await;
    }
    for operation in &operations {
        assert_eq!(replicas.ended(0, operation).await.text("/state"), "succeeded");
    }
    assert_eq!(replicas.kevel().counts(), (operations.len(), operations.len()));
}

#[tokio::test]
async fn an_approval_that_nobody_hints_at_is_found_by_looking() {
    let Some(replicas) = Replicas::new(1, "").await else { return };
    let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
    let created = replicas.post(0, BUYER, "/v1/media-buys", request).await.expect(202);
    // As another host records it whose hints are all lost.
    let store = PostgresStore::open_beside(&replicas.database_url, Options::default()).await.expect("the database");
    let at = flightdeck::operations::now();
    let mut task = store.task(&created.text("/task_id").as_str().into()).await.expect("it is read").expect("the task");
    for step in [TaskMove::Assign, TaskMove::Start] {
        task.value.advance(step).expect("it is pending");
    }
    waiting::decide(&mut task.value, Resolution::Approved, None, "reviewer");
    let operation = created.text("/operation_id");
    let stored = store.operation(&operation.as_str().into()).await.expect("it is read").expect("the operation");
    let mut recording = Recording::default();
    waiting::release(&store, stored, &task.value, Duration::from_secs(3_600), at, &mut recording)
        .await
        .expect("it waits");
    recording.tasks.push(task);
    store.record(recording).await.expect("it is recorded");
    store.close().await;
    assert_eq!(replicas.ended(0, &operation).await.text("/state"), "succeeded");
    assert_eq!(replicas.kevel().counts(), (1, 1));
}

//! Several hosts over one PostgreSQL, each with a cable of its own to the database and to every ad server; or one over SQLite.

use std::{path::PathBuf, sync::RwLock, time::Duration};

use flightdeck_test_support::{native_code, postgres};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{
    host::Host,
    house::{self, Answer, BUYER, PATIENCE, REVIEWER, today},
    proxy::Proxy,
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
    pub(crate) fn cable(&self) -> &Proxy {
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
        let store = "[[keys]]\nid = \"test\"\nsecret = { value = \"a-key-that-all-hosts-of-a-test-have\" }\n\
                     [store]\nurl = { env = \"DATABASE_URL\" }\n";
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
        let replicas = Self { servers, database_url, _folder: None, all, one_address: false };
        replicas.tell_all_addresses();
        replicas
    }

    /// Says in the configuration that all cables to an ad server lead to the same one, so that any host goes on with what another began.
    fn tell_all_addresses(&self) {
        let path = self.servers.house.dir().join("flightdeck.toml");
        let mut text = std::fs::read_to_string(&path).expect("the configuration");
        for (index, name) in ["KEVEL_ENDPOINT", "GAM_ENDPOINT", "TRITON_ENDPOINT"].into_iter().enumerate() {
            let aliases: Vec<_> =
                self.all.iter().map(|replica| format!("\"http://{}\"", replica.ad_servers[index].address)).collect();
            let endpoint = format!("endpoint = {{ env = \"{name}\" }}\n");
            assert!(text.contains(&endpoint), "the configuration has {endpoint}");
            text = text.replace(&endpoint, &format!("{endpoint}endpoint_aliases = [{}]\n", aliases.join(", ")));
        }
        std::fs::write(&path, text).expect("the configuration is written");
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

    /// Stops a host as an operator would. It ran until then.
    pub(crate) async fn stop(&self, index: usize) {
        let mut host = self.all[index].host.lock().await.take().expect("the host was started");
        assert!(host.runs(), "host {index} ended by itself:\n{}", self.log(index));
        host.stop().await;
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

    /// Where a host serves.
    pub(crate) fn url(&self, index: usize) -> String {
        self.all[index].url.read().unwrap().clone()
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
        house::ask(&self.servers.house.client, &self.url(index), token, method, path, body, headers).await
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
    pub(crate) async fn ended(&self, index: usize, operation: &str) -> Answer {
        let ended = |answer: &Answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed"));
        self.until(index, BUYER, &format!("/v1/operations/{operation}"), ended).await
    }

    /// Asks for a buy on Kevel, waits for nothing, and approves it on another host; its operation.
    pub(crate) async fn approved(&self, on: usize, reviewed_on: usize) -> String {
        let request = json!({ "packages": ["front_page"], "total_budget": 10_000, "flight_start_date": today() });
        let created = self.post(on, BUYER, "/v1/media-buys", request).await.expect(202);
        let path = format!("/v1/tasks/{}/complete", created.text("/task_id"));
        self.post(reviewed_on, REVIEWER, &path, json!({ "resolution": "approved" })).await.expect(200);
        created.text("/operation_id")
    }

    pub(crate) fn kevel(&self) -> crate::servers::Server<'_> {
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

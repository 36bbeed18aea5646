//! The proof: three hosts over one PostgreSQL, or one over SQLite, many clients, and everything that can go wrong going wrong at
//! once. Afterwards the ledger of what was acknowledged is held against the database and against every ad server.
//!
//! `make test` runs it in a short form, `make soak MINUTES=30 KILLS=1000` in a long one: it ends with whichever comes last. So many
//! kills are for three hosts; the one over SQLite gets a third of them.
//!
//! - [`base`]: either database, read from beside.
//! - [`clients`]: the load, and the ledger of what was acknowledged.
//! - [`chaos`]: what goes wrong.
//! - [`books`]: what must be true afterwards.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::base::Base;
use crate::{
    house::OPERATOR,
    receiver::{EVENTS, Receiver},
    replicas::Replicas,
};

mod base;
mod books;
mod chaos;
mod clients;

/// How many hosts serve.
const HOSTS: usize = 3;

/// How many clients buy at a time.
const CLIENTS: usize = 6;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What every configuration ends with.
const WEBHOOKS: &str = "[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\ntimeout = \"2s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_whatever_befalls_three_hosts_over_postgresql() {
    let Some(replicas) = Replicas::empty(HOSTS, WEBHOOKS).await else { return };
    survive(replicas).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_whatever_befalls_one_host_over_sqlite() {
    survive(Replicas::alone(WEBHOOKS).await).await;
}

async fn survive(replicas: Replicas) {
    let hosts = replicas.all.len();
    let least = Duration::from_secs(number("FLIGHTDECK_SOAK_SECONDS", 12));
    let kills = (number("FLIGHTDECK_SOAK_KILLS", 8) * hosts as u64).div_ceil(HOSTS as u64);
    let path = replicas.servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    // Whoever is killed again and again is no poisoned operation.
    let config = config.replace("max_claims = 8", "max_claims = 1000").replace("lease = \"1s\"", "lease = \"2s\"");
    std::fs::write(&path, config.replace("heartbeat = \"300ms\"", "heartbeat = \"500ms\"")).expect("it is written");
    let replicas = Arc::new(replicas);
    for index in 0..hosts {
        replicas.start(index).await;
    }
    let mut base = Base::connect(&replicas.database_url).await;
    base.watch().await;
    let receiver = Receiver::start().await;
    let hook = json!({ "url": receiver.url, "events": EVENTS });
    replicas.post(0, OPERATOR, "/v1/webhooks", hook).await.expect(200);

    let began = Instant::now();
    let ledger = Arc::new(clients::Ledger::default());
    let (enough, calm) = (CancellationToken::new(), CancellationToken::new());
    let buying: Vec<_> = (0..CLIENTS)
        .map(|client| tokio::spawn(clients::buy(client, replicas.clone(), ledger.clone(), enough.clone())))
        .collect();
    let chaos = Arc::new(chaos::Counts::default());
    let breaking = chaos::begin(&replicas, &chaos, &calm);
    while began.elapsed() < least || chaos.kills.load(Ordering::Relaxed) < kills {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!buying.iter().any(tokio::task::JoinHandle::is_finished), "a client gave up; see above");
    }
    // The clients end in the storm, and what they left behind ends in the calm.
    enough.cancel();
    calm.cancel();
    for task in breaking {
        task.await.expect("the chaos ends");
    }
    for client in buying {
        client.await.expect("a client ends");
    }
    books::balance(&mut base, &replicas, &ledger, &receiver, &chaos, began.elapsed()).await;
}

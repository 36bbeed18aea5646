//! The proof: three hosts over one PostgreSQL, or one over SQLite, many clients, and everything that can go wrong going wrong at
//! once. Afterwards the ledger of what was acknowledged is held against the database, against every ad server, and against what was
//! told of it.
//!
//! `make test` runs it in a short form, `make soak MINUTES=30 KILLS=1000` in a long one: it ends with whichever comes last, and not
//! before everything went wrong that can. So many kills are for three hosts; the one over SQLite gets a third of them. The dice are
//! others each time: `FLIGHTDECK_SOAK_SEED`, which is printed, throws them again, though not at the same moments.
//!
//! - [`base`]: either database, read from beside; [`watch`]: what the database itself notes of who writes.
//! - [`clients`]: who asks, and insists; [`story`]: what for; [`ledger`]: what was acknowledged.
//! - [`chaos`]: what goes wrong.
//! - [`books`]: what must be true afterwards: of operations and decisions; [`remote`]: of the ad servers; [`disclosure`]: of events, their
//!   deliveries and the audit log.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use flightdeck_emulators::control::settings::Change;
use rand::{SeedableRng as _, rngs::SmallRng};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::base::Base;
use crate::{
    house::{OPERATOR, PATIENCE},
    receiver::{EVENTS, Receiver},
    replicas::Replicas,
};

mod base;
mod books;
mod chaos;
mod clients;
mod ledger;
mod remote;
mod story;
mod told;
mod watch;

/// How many hosts serve.
const HOSTS: usize = 3;

/// How many clients buy at a time: one for each opening of a story, so that each is told; and in a long run more, for they mostly wait.
const CLIENTS: usize = 6;
const CLIENTS_OF_A_LONG_RUN: usize = 12;

/// How long an ad server's lists don't show what was made.
const LOOKUP_LAG_MS: u64 = 2_500;

/// What the adapters count on at most: so long after a request left, a lookup sees what it made.
const ADAPTERS_COUNT_ON_MS: u64 = 3_000;

/// How long a request may be under way inside an ad server, as the hosts are told. Some take longer all the same.
const PROCESSING_BOUND_MS: u64 = 4_000;

/// When the hosts look again for what they lost, after the end of its operation: all in all longer than any ad server takes here.
const LOOK_AGAIN: &str = r#"look_again = ["1s", "2s", "4s", "8s", "8s"]"#;

/// From this length on the run is a long one, with a lease that outlasts the lag, as in production. A short one would mostly wait for
/// leases.
const LONG: Duration = Duration::from_secs(60);

/// How much longer than asked for it may take until everything has gone wrong.
const MOST_MORE: Duration = Duration::from_secs(240);

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Dice of its own for everybody who throws some.
#[derive(Debug, Clone, Copy)]
struct Seed(u64);

impl Seed {
    fn dice(self, of: &str, number: usize) -> SmallRng {
        let mut seed = self.0;
        for byte in of.bytes().chain(number.to_le_bytes()) {
            seed = seed.rotate_left(5) ^ u64::from(byte).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        SmallRng::seed_from_u64(seed)
    }
}

/// What every configuration ends with. The three products are such that their ad servers refuse every item of them.
const MORE: &str = r#"
[[products]]
id = "unwanted_kevel"
name = "unwanted_kevel"
platform = "kevel"
formats = ["image"]
cpm = 10
settings = { priority_id = 999999 }

[[products]]
id = "unwanted_gam"
name = "unwanted_gam"
platform = "gam"
formats = ["image"]
cpm = 10
settings = { ad_units = [{ id = "999999" }], sizes = ["300x250"] }

[[products]]
id = "unwanted_triton"
name = "unwanted_triton"
platform = "triton"
formats = ["audio"]
cpm = 10
settings = { station_ids = [999999] }

[webhooks]
allow_http = true
allow_private = ["127.0.0.0/8"]
timeout = "2s"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_whatever_befalls_three_hosts_over_postgresql() {
    let Some(replicas) = Replicas::empty(HOSTS, MORE).await else { return };
    survive(replicas).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_whatever_befalls_one_host_over_sqlite() {
    survive(Replicas::alone(MORE).await).await;
}

/// Leases that fit the length of the run, and no limit of claims to speak of: here whoever is killed again and again is no poisoned
/// operation. What that limit does is tested by itself.
fn configure(replicas: &Replicas, is_long: bool) {
    let (lease, heartbeat) = if is_long { ("5s", "1s") } else { ("2s", "500ms") };
    let path = replicas.servers.house.dir().join("flightdeck.toml");
    let mut config = std::fs::read_to_string(&path).expect("the configuration");
    for (from, to) in [
        ("max_claims = 8", "max_claims = 1000".to_owned()),
        ("lease = \"1s\"", format!("lease = \"{lease}\"")),
        ("heartbeat = \"300ms\"", format!("heartbeat = \"{heartbeat}\"")),
        ("[operations]\n", format!("[operations]\n{LOOK_AGAIN}\n")),
        ("processing_bound = \"300ms\"", format!("processing_bound = \"{PROCESSING_BOUND_MS}ms\"")),
    ] {
        assert!(config.contains(from), "{from}");
        config = config.replace(from, &to);
    }
    std::fs::write(&path, config).expect("it is written");
    for server in replicas.servers.all() {
        server.controls.settings.change(Change { lookup_lag_ms: Some(LOOKUP_LAG_MS), ..Change::default() });
    }
}

async fn survive(replicas: Replicas) {
    let seed = Seed(number("FLIGHTDECK_SOAK_SEED", rand::random()));
    println!("FLIGHTDECK_SOAK_SEED={}", seed.0);
    let hosts = replicas.all.len();
    let least = Duration::from_secs(number("FLIGHTDECK_SOAK_SECONDS", 12));
    let kills = (number("FLIGHTDECK_SOAK_KILLS", 8) * hosts as u64).div_ceil(HOSTS as u64);
    let is_long = least >= LONG;
    configure(&replicas, is_long);
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
    let ledger = Arc::new(ledger::Ledger::default());
    let (enough, calm) = (CancellationToken::new(), CancellationToken::new());
    let clients = if is_long { CLIENTS_OF_A_LONG_RUN } else { CLIENTS };
    let buying: Vec<_> = (0..clients)
        .map(|client| tokio::spawn(story::tell(client, seed, replicas.clone(), ledger.clone(), enough.clone())))
        .collect();
    let chaos = Arc::new(chaos::Chaos::new(replicas.clone(), receiver.clone(), seed, is_long, calm.clone()));
    let breaking = chaos.begin();
    let mut begun_again = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!buying.iter().any(tokio::task::JoinHandle::is_finished), "a client gave up; see above");
        assert!(!breaking.iter().any(tokio::task::JoinHandle::is_finished), "the chaos broke; see above");
        if begun_again == 0 {
            begun_again = base.begun_again().await;
        }
        let missing = chaos.missing(kills, begun_again);
        if began.elapsed() >= least && missing.is_none() {
            break;
        }
        // A kill takes some seconds of a host, so many of them take their time.
        let most = least + MOST_MORE + Duration::from_secs(10) * u32::try_from(kills).unwrap_or(u32::MAX);
        assert!(began.elapsed() < most, "it never came to this: {missing:?}");
    }
    // The clients end in the storm, and what they left behind ends in the calm.
    enough.cancel();
    calm.cancel();
    println!("calm after {:.0} s", began.elapsed().as_secs_f64());
    for task in breaking {
        task.await.expect("the chaos ends");
    }
    for client in buying {
        tokio::time::timeout(PATIENCE * 4, client).await.expect("a client ends in time").expect("a client ends");
    }
    println!("the last client ended after {:.0} s", began.elapsed().as_secs_f64());
    books::balance(&mut base, &replicas, &ledger, &receiver, &chaos.counts, began).await;
}

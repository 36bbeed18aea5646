//! What goes wrong: hosts die, freeze and lose their cables; ad servers stall, fail and drop what they answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use flightdeck_emulators::control::faults::{Action, Rule};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    proxy::{Mode, Proxy},
    replicas::Replicas,
};

/// How many faults wait at an ad server at a time.
const MOST_FAULTS: usize = 2;

/// How often each thing happened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) kills: AtomicU64,
    pub(super) freezes: AtomicU64,
    pub(super) database_cuts: AtomicU64,
    pub(super) ad_server_cuts: AtomicU64,
    pub(super) faults: AtomicU64,
}

/// Lets things go wrong until it is calm; then everything works again.
pub(super) fn begin(replicas: &Arc<Replicas>, counts: &Arc<Counts>, calm: &CancellationToken) -> Vec<JoinHandle<()>> {
    let hosts = (0..replicas.all.len())
        .map(|index| tokio::spawn(break_host(index, replicas.clone(), counts.clone(), calm.clone())));
    let mut tasks: Vec<_> = hosts.collect();
    tasks.push(tokio::spawn(break_ad_servers(replicas.clone(), counts.clone(), calm.clone())));
    tasks
}

/// Waits; `false` once it is calm.
async fn pause(calm: &CancellationToken, rng: &mut SmallRng, millis: std::ops::Range<u64>) -> bool {
    let time = Duration::from_millis(rng.random_range(millis));
    tokio::select! {
        () = calm.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

async fn break_host(index: usize, replicas: Arc<Replicas>, counts: Arc<Counts>, calm: CancellationToken) {
    let mut rng = SmallRng::seed_from_u64(0xf11e + index as u64);
    while pause(&calm, &mut rng, 300..1_500).await {
        let replica = &replicas.all[index];
        match (rng.random_range(0..10), &replica.database) {
            (0..=4, _) => {
                replicas.kill(index).await;
                counts.kills.fetch_add(1, Ordering::Relaxed);
                pause(&calm, &mut rng, 0..500).await;
                replicas.start(index).await;
            }
            (5..=6, _) => {
                // Shorter than the lease or longer: both matter.
                replicas.signal(index, "STOP").await;
                counts.freezes.fetch_add(1, Ordering::Relaxed);
                pause(&calm, &mut rng, 200..5_000).await;
                replicas.signal(index, "CONT").await;
            }
            (7..=8, Some(cable)) => {
                counts.database_cuts.fetch_add(1, Ordering::Relaxed);
                cut(cable, &calm, &mut rng).await;
            }
            _ => {
                counts.ad_server_cuts.fetch_add(1, Ordering::Relaxed);
                let cable = rng.random_range(0..replica.ad_servers.len());
                cut(&replica.ad_servers[cable], &calm, &mut rng).await;
            }
        }
    }
}

async fn cut(cable: &Proxy, calm: &CancellationToken, rng: &mut SmallRng) {
    cable.set(if rng.random_bool(0.5) { Mode::Cut } else { Mode::Hang });
    pause(calm, rng, 100..3_000).await;
    cable.set(Mode::Pass);
}

async fn break_ad_servers(replicas: Arc<Replicas>, counts: Arc<Counts>, calm: CancellationToken) {
    let mut rng = SmallRng::seed_from_u64(0xadad);
    while pause(&calm, &mut rng, 50..400).await {
        let servers = replicas.servers.all();
        let server = &servers[rng.random_range(0..servers.len())];
        // What waits to go wrong must not pile up: an ad server that fails every request proves nothing.
        if server.controls.faults.list().iter().filter(|rule| rule.fired < rule.rule.times).count() >= MOST_FAULTS {
            continue;
        }
        let action = match rng.random_range(0..7) {
            0 => json!("drop_before_acting"),
            1 | 2 => json!("drop_after_acting"),
            3 => json!({ "fail": { "status": 503 } }),
            4 => json!({ "fail_after_acting": { "status": 500 } }),
            5 => json!({ "stall": { "ms": rng.random_range(50..1_000u64) } }),
            _ => json!({ "stall_after_acting": { "ms": rng.random_range(50..3_000u64) } }),
        };
        let action: Action = serde_json::from_value(action).expect("an action");
        // Where little is asked, some of it must come through: an operation takes several requests in a row.
        let after = rng.random_range(0..8);
        server.controls.faults.add(Rule { method: None, after, ..Rule::new("", "/", action) });
    }
    for server in replicas.servers.all() {
        let fired = server.controls.faults.list().iter().map(|rule| rule.fired).sum();
        counts.faults.fetch_add(fired, Ordering::Relaxed);
        server.controls.faults.clear();
    }
}

//! What goes wrong: hosts die, are replaced, freeze and lose their cables, also several of these at a time; ad servers stall, fail, ask
//! for patience and drop what they answer; the receiver of webhooks fails and hangs.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use flightdeck_emulators::control::faults::{Action, Rule, RuleState};
use rand::{RngExt as _, rngs::SmallRng};
use serde_json::json;
use tokio::{sync::Mutex, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::Seed;
use crate::{
    proxy::{Mode, Proxy},
    receiver::{Mood, Receiver},
    replicas::Replicas,
};

/// How many faults of a kind wait at an ad server at a time.
const MOST_FAULTS: usize = 2;

/// How often each thing happened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) kills: AtomicU64,
    pub(super) stops: AtomicU64,
    pub(super) freezes: AtomicU64,
    pub(super) database_cuts: AtomicU64,
    pub(super) ad_server_cuts: AtomicU64,
    pub(super) faults: AtomicU64,
    /// Faults among them where the ad server acted and its caller never heard of it.
    pub(super) acted_unheard: AtomicU64,
    /// Faults among them where the ad server asked for patience.
    pub(super) pauses: AtomicU64,
}

pub(super) struct Chaos {
    pub(super) counts: Counts,
    replicas: Arc<Replicas>,
    receiver: Receiver,
    seed: Seed,
    calm: CancellationToken,
    /// How long a host is left alone after something befell it, in milliseconds: long enough that some of what it claims gets done.
    rest: Range<u64>,
    /// Held while a host's cable to the database is cut, and while the host starts: one without a database does not start.
    reaches_database: Vec<Mutex<()>>,
}

fn once(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Chaos {
    pub(super) fn new(
        replicas: Arc<Replicas>,
        receiver: Receiver,
        seed: Seed,
        is_long: bool,
        calm: CancellationToken,
    ) -> Self {
        let reaches_database = replicas.all.iter().map(|_| Mutex::default()).collect();
        // The leases of a long run are longer, too.
        let rest = if is_long { 600..3_000 } else { 300..1_500 };
        Self { counts: Counts::default(), replicas, receiver, seed, calm, rest, reaches_database }
    }

    /// Lets things go wrong until it is calm; then everything works again.
    pub(super) fn begin(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let mut tasks = Vec::new();
        for index in 0..self.replicas.all.len() {
            let (process, cables) = (self.clone(), self.clone());
            tasks.push(tokio::spawn(async move { process.break_process(index).await }));
            tasks.push(tokio::spawn(async move { cables.break_cables(index).await }));
        }
        let (servers, receiver) = (self.clone(), self.clone());
        tasks.push(tokio::spawn(async move { servers.break_ad_servers().await }));
        tasks.push(tokio::spawn(async move { receiver.break_receiver().await }));
        tasks
    }

    /// What has not gone wrong yet, or not often enough; `begun_again`: steps that were begun while they were in doubt.
    pub(super) fn missing(&self, kills: u64, begun_again: i64) -> Option<&'static str> {
        let counts = &self.counts;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let has_database_cables = self.replicas.all.iter().any(|replica| replica.database.is_some());
        let fired =
            |what: fn(&Action) -> bool| self.faults().iter().any(|rule| rule.fired > 0 && what(&rule.rule.action));
        [
            ("enough kills", of(&counts.kills) >= kills.max(1)),
            ("a graceful stop", of(&counts.stops) > 0),
            ("a freeze", of(&counts.freezes) > 0),
            ("a cut from the database", of(&counts.database_cuts) > 0 || !has_database_cables),
            ("a cut from an ad server", of(&counts.ad_server_cuts) > 0),
            ("an answer that was lost", fired(is_acted_unheard)),
            ("an ad server that asks for patience", fired(is_pause)),
            ("an ad server that takes longer than anybody waits", fired(is_slow)),
            ("a webhook that was not taken", self.receiver.ill_treated() > 0),
            ("a step that was begun again in doubt", begun_again > 0),
        ]
        .into_iter()
        .find_map(|(what, happened)| (!happened).then_some(what))
    }

    fn faults(&self) -> Vec<RuleState> {
        self.replicas.servers.all().iter().flat_map(|server| server.controls.faults.list()).collect()
    }

    /// Waits; `false` once it is calm.
    async fn pause(&self, dice: &mut SmallRng, millis: Range<u64>) -> bool {
        let time = Duration::from_millis(dice.random_range(millis));
        tokio::select! {
            () = self.calm.cancelled() => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    async fn break_process(&self, index: usize) {
        let mut dice = self.seed.dice("process", index);
        // A kill, a freeze and a stop come first, each host beginning with another one, so that a short run has all of them.
        let mut first = [0, 5, 8];
        first.rotate_left(index % 3);
        let mut first = first.into_iter();
        while self.pause(&mut dice, self.rest.clone()).await {
            match first.next().unwrap_or_else(|| dice.random_range(0..9)) {
                0..=4 => {
                    self.replicas.kill(index).await;
                    once(&self.counts.kills);
                    self.pause(&mut dice, 0..500).await;
                    self.start(index).await;
                }
                5..=7 => {
                    // Shorter than the lease or longer: both matter.
                    self.replicas.signal(index, "STOP").await;
                    once(&self.counts.freezes);
                    self.pause(&mut dice, 200..6_000).await;
                    self.replicas.signal(index, "CONT").await;
                }
                _ => {
                    self.replicas.stop(index).await;
                    self.replicas.assert_well(index);
                    once(&self.counts.stops);
                    self.start(index).await;
                }
            }
        }
    }

    async fn start(&self, index: usize) {
        let _reached = self.reaches_database[index].lock().await;
        self.replicas.start(index).await;
    }

    async fn break_cables(&self, index: usize) {
        let mut dice = self.seed.dice("cables", index);
        let replica = &self.replicas.all[index];
        let mut cuts_database = true;
        // Cables are cut less often than hosts die, and both at a time some times.
        while self.pause(&mut dice, self.rest.start * 3..self.rest.end * 3).await {
            match &replica.database {
                Some(cable) if cuts_database => {
                    let _unreached = self.reaches_database[index].lock().await;
                    once(&self.counts.database_cuts);
                    self.cut(cable, &mut dice).await;
                }
                _ => {
                    once(&self.counts.ad_server_cuts);
                    let cable = dice.random_range(0..replica.ad_servers.len());
                    self.cut(&replica.ad_servers[cable], &mut dice).await;
                }
            }
            cuts_database = !cuts_database;
        }
    }

    async fn cut(&self, cable: &Proxy, dice: &mut SmallRng) {
        cable.set(if dice.random_bool(0.5) { Mode::Cut } else { Mode::Hang });
        self.pause(dice, 100..3_000).await;
        cable.set(Mode::Pass);
    }

    async fn break_ad_servers(&self) {
        let mut dice = self.seed.dice("ad servers", 0);
        // Each kind once, so that a short run has all of them.
        let mut first = (0..KINDS).rev();
        while self.pause(&mut dice, 50..400).await {
            let servers = self.replicas.servers.all();
            let server = &servers[dice.random_range(0..servers.len())];
            // Half of them meet what changes orders and items, the others whatever comes.
            let kind = first.next().unwrap_or_else(|| dice.random_range(0..KINDS));
            let action = action(kind, &mut dice);
            let rule = if dice.random_bool(0.5) {
                let changes = if server.name == "gam" { "PATCH" } else { "PUT" };
                let method = if dice.random_bool(0.5) { "POST" } else { changes };
                let path = server.paths[dice.random_range(0..server.paths.len())];
                Rule { after: dice.random_range(0..3), ..Rule::new(method, path, action) }
            } else {
                // Where little is asked, some of it must come through: an operation takes several requests in a row.
                Rule { method: None, after: dice.random_range(0..8), ..Rule::new("", "/", action) }
            };
            // What waits to go wrong must not pile up: an ad server that fails every request proves nothing.
            let like = |known: &RuleState| (&known.rule.method, &known.rule.path) == (&rule.method, &rule.path);
            let waiting = server.controls.faults.list().into_iter().filter(|known| known.fired < known.rule.times);
            if waiting.filter(like).count() < MOST_FAULTS {
                server.controls.faults.add(rule);
            }
        }
        for rule in self.faults() {
            let add = |counter: &AtomicU64| counter.fetch_add(rule.fired, Ordering::Relaxed);
            add(&self.counts.faults);
            if is_acted_unheard(&rule.rule.action) {
                add(&self.counts.acted_unheard);
            }
            if is_pause(&rule.rule.action) {
                add(&self.counts.pauses);
            }
        }
        for server in self.replicas.servers.all() {
            server.controls.faults.clear();
        }
    }

    async fn break_receiver(&self) {
        let mut dice = self.seed.dice("receiver", 0);
        while self.pause(&mut dice, 200..2_000).await {
            // The hosts wait for two seconds.
            let mood = match dice.random_range(0..3) {
                0 => Mood::Fails,
                1 => Mood::Answers(Duration::from_secs(60)),
                _ => Mood::Answers(Duration::from_millis(dice.random_range(500..2_500))),
            };
            self.receiver.be(Some(mood));
            self.pause(&mut dice, 100..600).await;
            self.receiver.be(None);
        }
    }
}

/// How long an ad server thinks before it acts, as a rule, in milliseconds: what it made is shown before the adapters' lag and the hosts'
/// bound have passed since the request left.
const MOST_THINKING_MS: u64 = super::ADAPTERS_COUNT_ON_MS + super::PROCESSING_BOUND_MS - super::LOOKUP_LAG_MS - 100;

/// How long one thinks that takes longer than the hosts wait: something may be made twice then, and the second one is stopped.
const LONG_THINKING_MS: Range<u64> = 7_000..14_000;

/// How many faults of ad servers [`action`] knows.
const KINDS: u32 = 10;

fn action(kind: u32, dice: &mut SmallRng) -> Action {
    let action = match kind {
        0 => json!("drop_before_acting"),
        1 | 2 => json!("drop_after_acting"),
        3 => json!({ "fail": { "status": 503 } }),
        4 => json!({ "fail": { "status": 429, "headers": { "Retry-After": "1" } } }),
        5 | 6 => json!({ "fail_after_acting": { "status": 500 } }),
        7 => json!({ "stall": { "ms": dice.random_range(50..MOST_THINKING_MS) } }),
        // Whoever asked hears nothing of it: a gateway hung up.
        8 => json!({ "stall": { "ms": dice.random_range(LONG_THINKING_MS), "hang_up": true } }),
        _ => json!({ "stall_after_acting": { "ms": dice.random_range(50..3_000u64) } }),
    };
    serde_json::from_value(action).expect("an action")
}

fn is_acted_unheard(action: &Action) -> bool {
    matches!(action, Action::DropAfterActing | Action::FailAfterActing { .. })
}

fn is_slow(action: &Action) -> bool {
    matches!(action, Action::Stall { hang_up: true, .. })
}

fn is_pause(action: &Action) -> bool {
    matches!(action, Action::Fail { status: 429, .. })
}

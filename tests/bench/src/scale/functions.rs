//! The measurements: every function of the store that callers or timers use, with typical
//! arguments.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use flightdeck::{
    domain::{
        id::MediaBuyId,
        status::BuyStatus,
        task::{TaskKind, TaskStatus},
        time::Timestamp,
        webhook::DeliveryStatus,
    },
    store::{
        BuyFilter, Store, StoreError, TaskFilter, Write,
        webhooks::{DeliveryFilter, Replay},
    },
};
use futures::future::BoxFuture;

use crate::documents::{self, audit_entry as line};

/// How often each function is called. The median is shown.
const TIMES: usize = 15;

/// A slow function is not called any more after this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// The size of a page that the interface requests.
const PAGE: u32 = 51;

/// The size of a batch that the timer takes.
const BATCH: u32 = 100;

const HOUR: Duration = Duration::from_secs(3_600);

/// The median time of each function, by number of buys.
#[derive(Default)]
pub(crate) struct Table {
    sizes: Vec<i64>,
    rows: Vec<(&'static str, BTreeMap<i64, Duration>)>,
}

impl Table {
    fn note(&mut self, name: &'static str, size: i64, took: Duration) {
        if !self.sizes.contains(&size) {
            self.sizes.push(size);
        }
        match self.rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => {
                times.insert(size, took);
            }
            None => self.rows.push((name, BTreeMap::from([(size, took)]))),
        }
    }

    #[expect(clippy::print_stdout, reason = "a measurement prints")]
    pub(crate) fn print(&self, kind: &str) {
        print!("{:<48}", format!("{kind}, ms by number of buys"));
        self.sizes.iter().for_each(|size| print!("{size:>10}"));
        println!();
        for (name, times) in &self.rows {
            print!("{name:<48}");
            for size in &self.sizes {
                match times.get(size) {
                    Some(took) => print!("{:>10.2}", took.as_secs_f64() * 1_000.0),
                    None => print!("{:>10}", "-"),
                }
            }
            println!();
        }
    }
}

/// Creates endpoints that subscribe to everything and are as old as everything.
pub(crate) async fn prepare(store: &Store) -> anyhow::Result<()> {
    for index in 0..3 {
        store.add_webhook(&documents::endpoint(index), 20, line("webhook.created")).await?;
    }
    Ok(())
}

type Called = BoxFuture<'static, Result<(), StoreError>>;

/// A function under measurement. Its argument is the number of the call.
type Function = Box<dyn Fn(Store, i64) -> Called>;

macro_rules! functions {
    ($size:ident, $($name:literal: |$store:ident, $call:ident| $does:expr,)+) => {
        vec![$(($name, Box::new(move |$store: Store, $call: i64| {
            let _ = ($call, $size);
            Box::pin(async move { $does.await.map(drop) }) as Called
        }) as Function),)+]
    };
}

pub(crate) async fn measure(store: &Store, size: i64, table: &mut Table) -> anyhow::Result<()> {
    let lists = buys(size).into_iter().chain(of_one(size)).chain(tasks(size));
    for (name, function) in lists.chain(sent(size)).chain(work(size)).chain(upkeep(size)) {
        let (begun, mut times) = (Instant::now(), Vec::new());
        for call in 0..TIMES {
            let called = Instant::now();
            function(store.clone(), i64::try_from(call)?).await?;
            times.push(called.elapsed());
            if begun.elapsed() > PATIENCE {
                break;
            }
        }
        times.sort_unstable();
        table.note(name, size, times[times.len() / 2]);
    }
    Ok(())
}

/// Returns the number of a buy in the middle, a different one for each call.
fn number(size: i64, call: i64) -> i64 {
    1_000_000_000 + size / 2 + call * 7 + 1
}

fn id(size: i64, call: i64) -> MediaBuyId {
    MediaBuyId::from(format!("mb_{}", number(size, call)).as_str())
}

async fn listed(
    store: Store,
    principal: Option<&str>,
    status: Option<BuyStatus>,
    platform: Option<&str>,
    rest: BuyFilter,
) -> Result<(), StoreError> {
    let (principal, platform) = (principal.map(Into::into), platform.map(Into::into));
    store.buys(&BuyFilter { principal, status, platform, limit: PAGE, ..rest }).await.map(drop)
}

fn buys(size: i64) -> Vec<(&'static str, Function)> {
    let none = BuyFilter::default;
    functions! { size,
        "buys": |store, call| listed(store, None, None, None, none()),
        "buys of a principal": |store, call| listed(store, Some("buyer3"), None, None, none()),
        "buys of a rare principal": |store, call| listed(store, Some("rare"), None, None, none()),
        "buys in a rare status": |store, call| listed(store, None, Some(BuyStatus::Failed), None, none()),
        "buys of a principal in a status it has not": |store, call| listed(store, Some("rare"), Some(BuyStatus::Failed), None, none()),
        "buys on a platform": |store, call| listed(store, None, None, Some("north"), none()),
        "buys on a rare platform": |store, call| listed(store, None, None, Some("rare"), none()),
        "buys of a principal on a rare platform": |store, call| listed(store, Some("buyer1"), None, Some("rare"), none()),
        "buys in a status on a rare platform": |store, call| listed(store, None, Some(BuyStatus::Paused), Some("rare"), none()),
        "buys of an order on a rare platform": |store, call| {
            listed(store, None, None, Some("rare"), BuyFilter { po_number: Some("PO-1".to_owned()), ..none() })
        },
        "buys from the middle on": |store, call| {
            listed(store, None, None, None, BuyFilter { after: Some(id(size, call)), ..none() })
        },
        "buys of a principal from the middle on": |store, call| {
            listed(store, Some("buyer3"), None, None, BuyFilter { after: Some(id(size, call)), ..none() })
        },
    }
}

fn of_one(size: i64) -> Vec<(&'static str, Function)> {
    functions! { size,
        "buy": |store, call| store.buy(&id(size, call)),
        "creation": |store, call| store.creation(&id(size, call)),
        "open_operations": |store, call| store.open_operations(&id(size, call)),
        "events": |store, call| store.events(&id(size, call), 100),
        "operation": |store, call| store.operation(&format!("op_{}", number(size, call)).as_str().into()),
        "steps": |store, call| store.steps(&format!("op_{}", number(size, call)).as_str().into()),
        "task": |store, call| store.task(&format!("task_{}", number(size, call)).as_str().into()),
        "history": |store, call| store.history(&format!("task_{}", number(size, call)).as_str().into()),
        "idempotency": |store, call| store.idempotency(&"buyer0".into(), &format!("key-{}", number(size, call))),
        "token": |store, call| store.token("none"),
        "last_audit": |store, call| store.last_audit(&format!("op_{}", number(size, call))),
        "audit": |store, call| store.audit(size, PAGE),
        "audit_back": |store, call| store.audit_back(None, None, PAGE),
        "audit_back, of one subject": |store, call| async move {
            store.audit_back(None, Some(&format!("op_{}", number(size, call))), PAGE).await
        },
        "recent_events": |store, call| store.recent_events(None, PAGE),
    }
}

/// Returns a filter for tasks closed after this time, so that some match, even if the timer has
/// pruned the list.
fn wanted() -> TaskFilter {
    let at = documents::at();
    TaskFilter { limit: PAGE, now: Some(at.plus(HOUR)), closed_since: Some(at), ..TaskFilter::default() }
}

fn tasks(size: i64) -> Vec<(&'static str, Function)> {
    functions! { size,
        "tasks": |store, call| async move { store.tasks(&wanted()).await },
        "tasks of a principal": |store, call| async move {
            store.tasks(&TaskFilter { principal: Some("buyer9".into()), ..wanted() }).await
        },
        "tasks in a status": |store, call| async move {
            store.tasks(&TaskFilter { status: Some(TaskStatus::Pending), ..wanted() }).await
        },
        "tasks of a rare kind": |store, call| async move {
            store.tasks(&TaskFilter { kind: Some(TaskKind::Reconciliation), ..wanted() }).await
        },
        "tasks that are not overdue": |store, call| async move {
            store.tasks(&TaskFilter { overdue: Some(false), ..wanted() }).await
        },
        "tasks of a buy": |store, call| async move {
            store.tasks(&TaskFilter { buy: Some(id(size, call)), ..wanted() }).await
        },
        "tasks_due, none": |store, call| store.tasks_due(documents::at(), BATCH),
        "tasks_due, all": |store, call| store.tasks_due(documents::at().plus(100 * HOUR), BATCH),
    }
}

fn sent(size: i64) -> Vec<(&'static str, Function)> {
    let filter = |status| DeliveryFilter { status, limit: PAGE, ..DeliveryFilter::default() };
    functions! { size,
        "webhooks": |store, call| store.webhooks(None),
        "deliveries": |store, call| async move { store.deliveries(&"hook1".into(), &filter(None)).await },
        "deliveries that were given up": |store, call| async move {
            store.deliveries(&"hook1".into(), &filter(Some(DeliveryStatus::Dead))).await
        },
        "claim_delivery, none": |store, call| store.claim_delivery(documents::at(), HOUR),
        "replay, what is new": |store, call| async move {
            let since = documents::at().plus(Duration::from_micros(size.unsigned_abs()));
            store.replay(&"hook1".into(), Replay::Since(since), documents::at(), BATCH, line("webhook.replayed")).await
        },
    }
}

fn work(size: i64) -> Vec<(&'static str, Function)> {
    let long = Duration::from_secs(100 * 86_400);
    functions! { size,
        "next_due": |store, call| store.next_due(documents::at()),
        "claim, none": |store, call| store.claim("scale", documents::at(), HOUR),
        "claim": |store, call| store.claim("scale", documents::at().plus(long), HOUR),
        "census": |store, call| store.census(documents::at()),
        "record, an event and an audit line": |store, call| async move {
            store.record([Write::Audit(line("operation.accepted")), Write::ReadStatusSoon(id(size, call))]).await
        },
        "take_turns, none": |store, call| async move {
            store.take_turns(documents::at(), documents::at(), HOUR, HOUR, 2_000).await
        },
        "take_turns, at most 2,000": |store, call| async move {
            let now = documents::at().plus(HOUR * (2 + u32::try_from(call).unwrap_or(0)));
            store.take_turns(now, documents::at(), HOUR / 2, HOUR / 2, 2_000).await
        },
    }
}

fn upkeep(size: i64) -> Vec<(&'static str, Function)> {
    let soon = || Timestamp::from_micros(documents::at().as_micros() + 50_000_000);
    functions! { size,
        "forget_keys, none": |store, call| store.forget_keys(Timestamp::NEVER, BATCH),
        "forget_keys, at most 100": |store, call| store.forget_keys(soon(), BATCH),
        "unlist_tasks, none": |store, call| store.unlist_tasks(Timestamp::NEVER, BATCH),
        "unlist_tasks, at most 100": |store, call| store.unlist_tasks(soon(), BATCH),
        "forget_deliveries, none": |store, call| store.forget_deliveries(Timestamp::NEVER, BATCH),
        "forget_deliveries, at most 100": |store, call| store.forget_deliveries(soon(), BATCH),
        "forget_events, none": |store, call| store.forget_events(Timestamp::NEVER, BATCH),
        "forget_events, at most 100": |store, call| store.forget_events(soon(), BATCH),
        "forget_tasks, none": |store, call| store.forget_tasks(Timestamp::NEVER, BATCH),
        "forget_tasks, at most 100": |store, call| store.forget_tasks(soon(), BATCH),
        "forget_operations, none": |store, call| store.forget_operations(Timestamp::NEVER, BATCH),
        "forget_operations, at most 100": |store, call| store.forget_operations(soon(), BATCH),
    }
}

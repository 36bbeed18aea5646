//! What a store can do on this machine. It measures, and asserts nothing.

use std::time::{Duration, Instant};

use flightdeck::{
    domain::event::EventKind,
    store::{Recording, Write},
};
use futures::future::join_all;

use super::fixtures::{self, Store};

const EACH: usize = 2_000;

/// How many acceptances are recorded a second, by so many callers.
pub(crate) async fn acceptances(store: Store) {
    for callers in [1, 8, 32, 128] {
        let begun = Instant::now();
        let work = (0..callers).map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                for index in 0..EACH / callers {
                    let buy = format!("b{callers}-{caller}-{index}");
                    let begun = Instant::now();
                    store.record(acceptance(&buy, &format!("op-{buy}"))).await.unwrap();
                    slowest = slowest.max(begun.elapsed());
                }
                slowest
            })
        });
        let slowest = join_all(work).await.into_iter().map(Result::unwrap).max();
        let rate = EACH as f64 / begun.elapsed().as_secs_f64();
        println!("{callers:>3} callers: {rate:>6.0} acceptances a second, the slowest took {slowest:?}");
    }
}

/// Key, buy, operation, event and audit line, as an accepted request writes them.
fn acceptance(buy: &str, operation: &str) -> Recording {
    Recording::from([
        Write::NewKey(fixtures::key(operation, operation)),
        Write::NewBuy(fixtures::buy(buy)),
        Write::NewOperation(fixtures::operation(operation, buy)),
        Write::Event(fixtures::event(buy, EventKind::BuyStatusChanged)),
        Write::Audit(fixtures::audit("operation.accepted", operation)),
    ])
}

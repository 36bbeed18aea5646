//! What was acknowledged, and what it must have come to.

use std::sync::Mutex;

/// What became of a request to buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Approved and made.
    Made,
    /// Rejected by a person: nothing of it may ever have been begun.
    Rejected,
    /// Approved, and refused by one of its ad servers: what others made of it is undone.
    Refused,
}

/// A package that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Sold {
    /// The ad server that it lives on.
    pub(super) server: &'static str,
    pub(super) package: String,
    /// At last, in whole dollars.
    pub(super) budget: u64,
    /// The creatives that run in it.
    pub(super) creatives: Vec<String>,
}

/// A media buy that was acknowledged, and what was asked for.
#[derive(Debug, Clone)]
pub(super) struct Bought {
    pub(super) buy: String,
    pub(super) task: String,
    pub(super) fate: Fate,
    /// Whether two people decided at once, one yes and one no.
    pub(super) disputed: bool,
    pub(super) packages: Vec<Sold>,
    /// Every operation that was acknowledged, the create first.
    pub(super) operations: Vec<String>,
    /// Whether the last word about it was a pause.
    pub(super) paused: bool,
    /// How often it was paused or resumed.
    pub(super) switched: usize,
    /// The most changes that were under way at a time.
    pub(super) at_once: usize,
    /// Requests that were sent again after they had been answered.
    pub(super) repeated: usize,
}

impl Bought {
    /// The ad servers that it is on, each once.
    pub(super) fn servers(&self) -> Vec<&'static str> {
        let mut servers: Vec<&'static str> = self.packages.iter().map(|sold| sold.server).collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Vec<Bought>>);

impl Ledger {
    pub(super) fn add(&self, bought: Bought) {
        self.0.lock().unwrap().push(bought);
    }

    pub(super) fn all(&self) -> Vec<Bought> {
        self.0.lock().unwrap().clone()
    }
}

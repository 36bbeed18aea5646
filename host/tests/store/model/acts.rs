//! What may happen to the store and its model.

use flightdeck::domain::{
    lane::{Lane, Openings},
    operation::OperationState,
};
use proptest::prelude::*;

use super::super::fixtures::platform;

pub(super) const BUYS: usize = 3;

/// What happens next. Numbers name one of what there is, whatever their size.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Accept {
        buy: usize,
        awaiting: bool,
        pauses: bool,
        delay: i64,
        lane: usize,
    },
    Decide {
        operation: usize,
        to: OperationState,
        delay: i64,
    },
    Wait {
        seconds: i64,
    },
    /// While these lanes have all that they may have, and these platforms, too.
    Claim {
        lease: i64,
        busy: Vec<usize>,
        full: Vec<usize>,
        all_busy: bool,
    },
    Prolong {
        grant: usize,
        lease: i64,
    },
    Record {
        grant: usize,
        to: OperationState,
        delay: i64,
        /// What becomes of the lease: kept, released, cut off.
        after: u8,
        stale: bool,
        begins: bool,
    },
    Begin {
        grant: usize,
        name: u8,
        sends: bool,
    },
    Finish {
        grant: usize,
        name: u8,
        outcome: u8,
        lost: bool,
    },
    Settle {
        grant: usize,
        name: u8,
        fresh: bool,
        lost: bool,
    },
    Reset {
        operation: usize,
    },
}

/// Where an operation has something to do.
pub(super) const LANES: [&str; 4] = ["", "north", "south", "north south"];

pub(super) const PLATFORMS: [&str; 2] = ["north", "south"];

/// Some numbers, mostly none.
fn some_of(count: usize) -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(Vec::new()), prop::collection::vec(0..count, 0..6)]
}

/// What may begin while these lanes are in use and these platforms are full; even numbers are those of switches.
pub(super) fn openings(busy: &[usize], full: &[usize], all_busy: bool) -> Openings {
    let lane = |number: &usize| Lane::with_key(number.is_multiple_of(2), LANES[number / 2]);
    let of = |switches: bool| {
        let mine = full.iter().filter(|number| (*number % 2 == 0) == switches);
        mine.map(|number| platform(PLATFORMS[number / 2])).collect()
    };
    Openings { in_use: busy.iter().map(lane).collect(), full: of(false), full_for_switches: of(true), all_busy }
}

pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let states = || prop::sample::select(OperationState::ALL);
    let which = || 0..64usize;
    let act = prop_oneof![
        3 => (0..BUYS, any::<bool>(), any::<bool>(), 0..9i64, 0..LANES.len())
            .prop_map(|(buy, awaiting, pauses, delay, lane)| Act::Accept { buy, awaiting, pauses, delay, lane }),
        2 => (which(), states(), 0..9i64).prop_map(|(operation, to, delay)| Act::Decide { operation, to, delay }),
        3 => (0..12i64).prop_map(|seconds| Act::Wait { seconds }),
        6 => (1..15i64, some_of(2 * LANES.len()), some_of(2 * PLATFORMS.len()), prop::bool::weighted(0.2))
            .prop_map(|(lease, busy, full, all_busy)| Act::Claim { lease, busy, full, all_busy }),
        1 => (which(), 1..15i64).prop_map(|(grant, lease)| Act::Prolong { grant, lease }),
        3 => (which(), states(), 0..9i64, 0..3u8, prop::bool::weighted(0.2), any::<bool>())
            .prop_map(|(grant, to, delay, after, stale, begins)| Act::Record { grant, to, delay, after, stale, begins }),
        4 => (which(), 0..3u8, prop::bool::weighted(0.7)).prop_map(|(grant, name, sends)| Act::Begin { grant, name, sends }),
        3 => (which(), 0..3u8, 0..2u8, any::<bool>())
            .prop_map(|(grant, name, outcome, lost)| Act::Finish { grant, name, outcome, lost }),
        2 => (which(), 0..3u8, any::<bool>(), any::<bool>())
            .prop_map(|(grant, name, fresh, lost)| Act::Settle { grant, name, fresh, lost: lost && !fresh }),
        1 => which().prop_map(|operation| Act::Reset { operation }),
    ];
    prop::collection::vec(act, 1..60)
}

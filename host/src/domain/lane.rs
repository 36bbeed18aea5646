//! Lanes: the operations that wait for the same ad servers, and so hurt each other and nobody else.

use std::collections::BTreeSet;

use super::{
    id::PlatformName,
    operation::{LegState, Operation},
};

/// What an operation has to wait for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Whether it only stops or restarts delivery: that goes first, and on workers of its own.
    pub switches: bool,
    /// The platforms on which something is left to do.
    pub platforms: BTreeSet<PlatformName>,
}

impl Lane {
    /// The lane of an operation, as it stands.
    pub fn of(operation: &Operation) -> Self {
        let legs = operation.legs.iter();
        let platforms = if legs.len() == 0 {
            operation.plan.platforms.iter().map(|part| part.platform.clone()).collect()
        } else {
            // What is being taken back is taken back wherever something was made. Otherwise a platform that is done is not waited for any more.
            let all = operation.undoing.is_some();
            legs.filter(|leg| all || leg.state == LegState::Pending).map(|leg| leg.platform.clone()).collect()
        };
        Self { switches: operation.change.only_switches(), platforms }
    }

    /// Its platforms in one text: their names, which have no blanks, in order.
    pub fn key(&self) -> String {
        self.platforms.iter().map(PlatformName::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The lane that has this key.
    pub fn with_key(switches: bool, key: &str) -> Self {
        Self { switches, platforms: key.split_whitespace().map(PlatformName::from).collect() }
    }
}

/// What workers may take on at this moment.
///
/// A lane in which nothing runs always gets a worker: however many wait for an ad server that hangs, one for another finds a place. Beyond that
/// a lane needs a place on each of its platforms, and one among all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Openings {
    /// Lanes in which something runs.
    pub in_use: BTreeSet<Lane>,
    /// Platforms that have all the workers that they may have for changes.
    pub full: BTreeSet<PlatformName>,
    /// The same, for what only stops or restarts delivery.
    pub full_for_switches: BTreeSet<PlatformName>,
    /// Whether all workers for changes are busy. Switches have their own.
    pub all_busy: bool,
}

impl Openings {
    /// Whether an operation of this lane may begin.
    pub fn admit(&self, lane: &Lane) -> bool {
        if !self.in_use.contains(lane) {
            return true;
        }
        match lane.switches {
            true => self.full_for_switches.is_disjoint(&lane.platforms),
            false => !self.all_busy && self.full.is_disjoint(&lane.platforms),
        }
    }

    /// Whether every lane may begin.
    pub fn admit_everything(&self) -> bool {
        !self.all_busy && self.full.is_empty() && self.full_for_switches.is_empty()
    }
}

/// How many workers there are, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Changes at a time.
    pub all: usize,
    /// Of these, on one platform.
    pub on_a_platform: usize,
    /// Changes at a time on one platform that only stop or restart delivery, beside the others.
    pub for_switches: usize,
}

impl Workers {
    /// What they may take on while operations of these lanes run.
    pub fn openings<'a>(self, running: impl IntoIterator<Item = &'a Lane>) -> Openings {
        let mut openings = Openings::default();
        let (mut changes, mut on): (usize, std::collections::BTreeMap<(bool, &PlatformName), usize>) =
            Default::default();
        for lane in running {
            openings.in_use.insert(lane.clone());
            changes += usize::from(!lane.switches);
            for platform in &lane.platforms {
                *on.entry((lane.switches, platform)).or_default() += 1;
            }
        }
        openings.all_busy = changes >= self.all;
        for ((switches, platform), count) in on {
            let (most, full) = match switches {
                true => (self.for_switches, &mut openings.full_for_switches),
                false => (self.on_a_platform, &mut openings.full),
            };
            if count >= most {
                full.insert(platform.clone());
            }
        }
        openings
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORKERS: Workers = Workers { all: 8, on_a_platform: 4, for_switches: 3 };

    fn lane(switches: bool, key: &str) -> Lane {
        Lane::with_key(switches, key)
    }

    /// Begins whatever may begin of what waits, the first that may first, and nothing ends.
    fn begun(workers: Workers, waiting: &[Lane]) -> Vec<Lane> {
        let mut running = Vec::new();
        for lane in waiting {
            if workers.openings(&running).admit(lane) {
                running.push(lane.clone());
            }
        }
        running
    }

    #[test]
    fn an_ad_server_that_hangs_takes_its_share_and_no_more() {
        let mut waiting = vec![lane(false, "slow"); 32];
        assert_eq!(begun(WORKERS, &waiting).len(), 4);
        waiting.extend(vec![lane(false, "healthy"); 32]);
        waiting.extend([lane(false, "third"), lane(false, "third"), lane(true, "slow"), lane(true, "third")]);
        let running = begun(WORKERS, &waiting);
        let count = |wanted: &Lane| running.iter().filter(|lane| *lane == wanted).count();
        assert_eq!((count(&lane(false, "slow")), count(&lane(false, "healthy"))), (4, 4));
        assert_eq!(count(&lane(false, "third")), 1, "all workers are busy, and nothing ran there");
        assert_eq!((count(&lane(true, "slow")), count(&lane(true, "third"))), (1, 1), "switches go at once");
    }

    #[test]
    fn switches_of_one_ad_server_leave_those_of_another_alone() {
        let mut waiting = vec![lane(true, "slow"); 32];
        waiting.extend(vec![lane(true, "healthy"); 2]);
        waiting.extend([lane(false, "slow"), lane(false, "healthy")]);
        let running = begun(WORKERS, &waiting);
        assert_eq!(running.len(), 3 + 2 + 2, "{running:?}");
    }

    #[test]
    fn an_operation_on_several_platforms_counts_on_each_of_them() {
        let waiting = [vec![lane(false, "a b"); 4], vec![lane(false, "a"); 2], vec![lane(false, "b c"); 2]].concat();
        let running = begun(WORKERS, &waiting);
        let keys: Vec<String> = running.iter().map(Lane::key).collect();
        assert_eq!(
            keys,
            ["a b", "a b", "a b", "a b", "a", "b c"],
            "one of each lane, and no second one where both are full"
        );
    }

    fn lanes() -> impl Strategy<Value = Vec<Lane>> {
        let platforms = prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c"]), 1..=3);
        let lane = (any::<bool>(), platforms).prop_map(|(switches, names)| Lane {
            switches,
            platforms: names.into_iter().map(PlatformName::from).collect(),
        });
        prop::collection::vec(lane, 0..60)
    }

    proptest! {
        #[test]
        fn shares_hold_and_every_lane_gets_a_worker(waiting in lanes(), all in 1..10_usize, share in 1..6_usize, for_switches in 1..6_usize) {
            let workers = Workers { all, on_a_platform: share, for_switches };
            let running = begun(workers, &waiting);
            let distinct: BTreeSet<&Lane> = waiting.iter().collect();
            for lane in &distinct {
                prop_assert!(running.contains(*lane), "{lane:?} got no worker");
            }
            // Each lane's first is beside the shares.
            let beyond = |fits: &dyn Fn(&Lane) -> bool| {
                let running = running.iter().filter(|lane| fits(lane)).count();
                running.saturating_sub(distinct.iter().filter(|lane| fits(lane)).count())
            };
            prop_assert!(beyond(&|lane| !lane.switches) < all.max(1));
            for platform in ["a", "b", "c"].map(PlatformName::from) {
                prop_assert!(beyond(&|lane| !lane.switches && lane.platforms.contains(&platform)) < share);
                prop_assert!(beyond(&|lane| lane.switches && lane.platforms.contains(&platform)) < for_switches);
            }
        }

        #[test]
        fn a_lane_is_what_its_key_says(lanes in lanes()) {
            for lane in lanes {
                prop_assert_eq!(Lane::with_key(lane.switches, &lane.key()), lane);
            }
        }
    }
}

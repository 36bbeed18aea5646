//! Lanes group the operations that wait for the same ad servers, so that a slow ad server delays
//! only its own operations.

use std::collections::BTreeSet;

use super::{
    id::PlatformName,
    operation::{LegState, Operation},
};

/// The resources that an operation still needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Whether the operation only pauses or resumes delivery. Such operations go first, and have
    /// their own workers.
    pub switches: bool,
    /// The platforms on which the operation still has work to do.
    pub platforms: BTreeSet<PlatformName>,
}

impl Lane {
    /// The lane of an operation in its current state.
    pub fn of(operation: &Operation) -> Self {
        let legs = operation.legs.iter();
        let platforms = if legs.len() == 0 {
            operation.plan.platforms.iter().map(|part| part.platform.clone()).collect()
        } else {
            // An operation that is undone needs every platform on which it made something.
            // Otherwise, platforms that are done are not needed any more.
            let all = operation.undoing.is_some();
            legs.filter(|leg| all || leg.state == LegState::Pending).map(|leg| leg.platform.clone()).collect()
        };
        Self { switches: operation.change.only_switches(), platforms }
    }

    /// The platforms as one string: their sorted names, separated by blanks.
    pub fn key(&self) -> String {
        self.platforms.iter().map(PlatformName::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Returns the lane with this key.
    pub fn with_key(switches: bool, key: &str) -> Self {
        Self { switches, platforms: key.split_whitespace().map(PlatformName::from).collect() }
    }
}

/// The work that workers may start at this moment.
///
/// A lane without a running operation always gets a worker. However many operations wait for an ad
/// server that hangs, an operation for another one can start. Further operations of a lane need a
/// free worker overall and on each of their platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Openings {
    /// The lanes with a running operation.
    pub in_use: BTreeSet<Lane>,
    /// The platforms whose workers for changes are all busy.
    pub full: BTreeSet<PlatformName>,
    /// The platforms whose workers for pausing and resuming are all busy.
    pub full_for_switches: BTreeSet<PlatformName>,
    /// Whether all workers for changes are busy. Pausing and resuming have their own workers.
    pub all_busy: bool,
}

impl Openings {
    /// Whether an operation of this lane may start.
    pub fn admit(&self, lane: &Lane) -> bool {
        if !self.in_use.contains(lane) {
            return true;
        }
        match lane.switches {
            true => self.full_for_switches.is_disjoint(&lane.platforms),
            false => !self.all_busy && self.full.is_disjoint(&lane.platforms),
        }
    }

    /// Whether operations of every lane may start.
    pub fn admit_everything(&self) -> bool {
        !self.all_busy && self.full.is_empty() && self.full_for_switches.is_empty()
    }
}

/// The number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// The maximum number of concurrent changes.
    pub all: usize,
    /// The maximum number of concurrent changes on one platform.
    pub on_a_platform: usize,
    /// The maximum number of concurrent changes on one platform that only pause or resume delivery,
    /// in addition to the others.
    pub for_switches: usize,
}

impl Workers {
    /// Returns what may start while operations of these lanes are running.
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

    /// Starts as many of the waiting lanes as may start, in order, while none of them ends.
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
            // The first operation of each lane does not count towards the limits.
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

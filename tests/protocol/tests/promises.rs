//! Every order of events is tried: with all rules every promise holds, and without any one of them some promise breaks.

use flightdeck_protocol::{Operation, Promise, Protocol, Rules, State, model::Trouble};
use stateright::{Checker, HasDiscoveries, Model};

/// One of each: enough that every rule is needed.
const TROUBLE: Trouble = Trouble { deaths: 1, expiries: 1, losses: 1, refusals: 1 };
/// More, and still little enough to try everything in seconds.
const MORE_TROUBLE: Trouble = Trouble { deaths: 1, expiries: 2, losses: 2, refusals: 1 };

fn broken(rules: Rules) -> Vec<&'static str> {
    let protocol = Protocol { rules, trouble: TROUBLE };
    let checker = protocol.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let mut broken: Vec<&'static str> = checker.discoveries().into_keys().collect();
    broken.sort_unstable();
    broken
}

#[test]
fn with_all_rules_every_promise_holds() {
    let checker = Protocol { rules: Rules::ALL, trouble: MORE_TROUBLE }.checker().threads(2).spawn_bfs().join();
    println!("{} states, {} of them different", checker.state_count(), checker.unique_state_count());
    assert!(checker.is_done());
    for promise in Promise::ALL {
        if let Some(path) = checker.discovery(promise.name()) {
            panic!("{} does not hold:\n{:#?}", promise.name(), path.into_actions());
        }
    }
    assert!(checker.unique_state_count() > 10_000, "so few states prove little");
}

#[test]
fn each_rule_is_needed() {
    let twice = Promise::NothingTwice.name();
    for (what, rules, breaks) in [
        ("begin is committed after the request", Rules { begins_first: false, ..Rules::ALL }, twice),
        ("a late worker's writes count", Rules { fenced: false, ..Rules::ALL }, twice),
        ("nothing is looked up", Rules { looks_up: false, ..Rules::ALL }, twice),
        ("the lookup does not wait", Rules { waits: false, ..Rules::ALL }, twice),
        ("a request leaves after the lease", Rules { sends_under_lease: false, ..Rules::ALL }, twice),
        ("both of two decisions count", Rules { decides_once: false, ..Rules::ALL }, Promise::NothingUnapproved.name()),
    ] {
        let broken = broken(rules);
        assert!(broken.contains(&breaks), "{what}: {broken:?}");
    }
}

#[test]
fn an_operation_can_succeed_through_all_the_trouble() {
    // The trouble is spent and the operation has ended well: the promises are not kept by doing nothing.
    let protocol = Protocol { rules: Rules::ALL, trouble: TROUBLE };
    let spent = |state: &State| state.operation == Operation::Succeeded && state.is_out_of_trouble();
    let mut open = protocol.init_states();
    let mut seen: std::collections::HashSet<State> = open.iter().cloned().collect();
    while let Some(state) = open.pop() {
        if spent(&state) {
            return;
        }
        for next in protocol.next_states(&state) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    panic!("no order of events leads there");
}

//! Every order of events is tried: with all rules every promise holds, and without any one of them some promise breaks.

use std::collections::BTreeSet;

use flightdeck_protocol::{Operation, Promise, Protocol, Rule, Rules, State, state::Trouble};
use stateright::{Checker, HasDiscoveries, Model};

/// One of each: enough that every rule is needed.
const TROUBLE: Trouble = Trouble { deaths: 1, expiries: 1, losses: 1, refusals: 1, slow: 0 };
/// An ad server that is slower than its bound, and a caller that gave up on it.
const SLOW: Trouble = Trouble { deaths: 0, expiries: 1, losses: 1, refusals: 0, slow: 1 };
/// More, and still little enough to try everything in seconds.
const MORE_TROUBLE: Trouble = Trouble { deaths: 1, expiries: 2, losses: 2, refusals: 1, slow: 0 };

/// Whether some order of events breaks a promise.
fn breaks(rules: Rules, promise: Promise) -> bool {
    let trouble = if promise == Promise::NothingStaysTwice { SLOW } else { TROUBLE };
    let protocol = Protocol { rules, trouble };
    let found = HasDiscoveries::AnyOf(BTreeSet::from([promise.name()]));
    let checker = protocol.checker().threads(2).finish_when(found).spawn_bfs().join();
    checker.discovery(promise.name()).is_some()
}

#[test]
fn with_all_rules_every_promise_holds() {
    for trouble in [MORE_TROUBLE, Trouble { slow: 1, ..TROUBLE }] {
        let checker = Protocol { rules: Rules::ALL, trouble }.checker().threads(2).spawn_bfs().join();
        println!("{} states, {} of them different", checker.state_count(), checker.unique_state_count());
        assert!(checker.is_done());
        for promise in Promise::ALL {
            if let Some(path) = checker.discovery(promise.name()) {
                panic!("{} does not hold:\n{:#?}", promise.name(), path.into_actions());
            }
        }
        assert!(checker.unique_state_count() > 10_000, "so few states prove little");
    }
}

#[test]
fn each_rule_is_needed_and_each_promise_can_break() {
    for rule in Rule::ALL {
        let promise = rule.keeps();
        assert!(breaks(Rules::without(rule), promise), "without {}, {} all the same", rule.name(), promise.name());
    }
    let kept: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.keeps().name()).collect();
    assert_eq!(kept, Promise::ALL.iter().map(|promise| promise.name()).collect(), "promises that a rule keeps");
}

/// The first cells of a table's rows, from the line that heads it.
fn first_cells(text: &str, head: &str) -> Vec<String> {
    let (_, table) = text.split_once(head).unwrap_or_else(|| panic!("no table headed {head:?}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn promises_and_rules_are_those_of_the_documentation() {
    let text = include_str!("../../../docs/architecture.md");
    assert_eq!(first_cells(text, "| promise | means |"), Promise::ALL.map(Promise::name));
    assert_eq!(first_cells(text, "| rule | without it |"), Rule::ALL.map(Rule::name));
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

//! Sorts the objects that an ad server created for a step whose request was lost: which object with
//! the step's reference belongs to the buy, and which ones are duplicates.

use std::collections::BTreeSet;

use super::{
    media_buy::RemoteObject,
    step::{Step, StepState},
    time::Timestamp,
};

/// An object on an ad server that carries a step's reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeObject {
    /// The kind, key and id.
    pub object: RemoteObject,
    /// The ad server's name for its type: `Flight`.
    pub remote_type: String,
    /// The name on the ad server, for people.
    pub name: String,
    /// Whether it may deliver, now or later.
    pub active: bool,
    /// When the ad server created it, if the ad server reports it.
    pub made_at: Option<Timestamp>,
}

impl MadeObject {
    /// The sort key: the oldest object first; if the time is unknown, the smallest id.
    fn place(&self) -> (i64, u64, &str) {
        let made_at = self.made_at.map_or(i64::MAX, Timestamp::as_micros);
        (made_at, self.object.id.parse().unwrap_or(u64::MAX), &self.object.id)
    }
}

/// The objects with the reference of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The buy's own object, if it has one.
    pub kept: Option<MadeObject>,
    /// All others: duplicates that nobody asked for.
    pub surplus: Vec<MadeObject>,
}

impl Made {
    /// The surplus objects that a person has not been notified of and must hear of: those that may
    /// deliver, and those that are a second one of something, even if they can't deliver any more.
    /// A second line item may have delivered until its order was cancelled, and nobody would know
    /// of it.
    ///
    /// A single inactive object of a step that has none is no second one: it is what was cancelled
    /// with an operation that failed.
    pub fn untold(&self, told: &[String]) -> Vec<&MadeObject> {
        let is_second = self.kept.is_some() || self.surplus.len() > 1;
        let surplus = self.surplus.iter().filter(|made| made.active || is_second);
        surplus.filter(|made| !told.contains(&made.object.id)).collect()
    }
}

/// Separates the buy's own object from duplicates, for an operation that has ended.
///
/// The buy's own object is the one that is recorded for the buy; otherwise the one in the step's
/// outcome; otherwise, if the step is done, the oldest one. A step that is not done has no object
/// of its own unless one is recorded, because the operation ended without it.
pub fn sort(step: &Step, recorded: &[RemoteObject], mut found: Vec<MadeObject>) -> Made {
    found.sort_by(|one, other| one.place().cmp(&other.place()));
    let mut seen = BTreeSet::new();
    found.retain(|made| seen.insert((made.object.kind, made.object.id.clone())));
    let is_recorded = |made: &MadeObject| {
        recorded.iter().any(|object| object.kind == made.object.kind && object.id == made.object.id)
    };
    let outcome = step.outcome.as_deref().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
    let own = found
        .iter()
        .position(is_recorded)
        .or_else(|| found.iter().position(|made| outcome.as_ref().is_some_and(|value| names(value, &made.object.id))))
        .or_else(|| (step.state == StepState::Done && !found.is_empty()).then_some(0));
    let kept = own.map(|index| found.remove(index));
    Made { kept, surplus: found }
}

/// Whether an outcome contains an id, as a string or a number.
fn names(outcome: &serde_json::Value, id: &str) -> bool {
    match outcome {
        serde_json::Value::String(text) => text == id || text.rsplit('/').next() == Some(id),
        serde_json::Value::Number(number) => number.to_string() == id,
        serde_json::Value::Array(values) => values.iter().any(|value| names(value, id)),
        serde_json::Value::Object(members) => members.values().any(|value| names(value, id)),
        serde_json::Value::Null | serde_json::Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;
    use crate::domain::{
        id::{OperationId, PlatformName},
        media_buy::RemoteKind,
    };

    fn object(id: &str) -> RemoteObject {
        RemoteObject { kind: RemoteKind::Package, key: "news".to_owned(), id: id.to_owned() }
    }

    fn made(id: &str, made_at: Option<i64>) -> MadeObject {
        MadeObject {
            object: object(id),
            remote_type: "Flight".to_owned(),
            name: "news".to_owned(),
            active: true,
            made_at: made_at.map(Timestamp::from_micros),
        }
    }

    fn step(state: StepState, outcome: Option<&str>) -> Step {
        Step {
            operation: OperationId::from("op_1"),
            platform: PlatformName::from("north"),
            name: "flight/news".to_owned(),
            reference: "ref".to_owned(),
            state,
            outcome: outcome.map(|text| text.as_bytes().to_vec()),
            begun_at: Timestamp::from_micros(0),
            sent_at: None,
            lost: 1,
        }
    }

    fn kept(step: &Step, recorded: &[RemoteObject], found: &[MadeObject]) -> Option<String> {
        sort(step, recorded, found.to_vec()).kept.map(|made| made.object.id)
    }

    #[test]
    fn what_is_recorded_is_kept_else_what_the_step_finished_with_else_what_was_made_first() {
        let (done, found) = (step(StepState::Done, Some("8")), [made("9", None), made("8", None), made("10", None)]);
        assert_eq!(kept(&done, &[object("10")], &found).as_deref(), Some("10"));
        assert_eq!(kept(&done, &[], &found).as_deref(), Some("8"));
        assert_eq!(kept(&step(StepState::Done, Some("{\"Ok\":\"items/9\"}")), &[], &found).as_deref(), Some("9"));
        assert_eq!(kept(&step(StepState::Done, Some("{}")), &[], &found).as_deref(), Some("8"), "as a number");
        let dated = [made("9", Some(5)), made("8", Some(7))];
        assert_eq!(kept(&step(StepState::Done, Some("{}")), &[], &dated).as_deref(), Some("9"), "by its time");
    }

    #[test]
    fn a_step_that_did_not_come_to_its_end_has_no_object() {
        for state in [StepState::Open, StepState::Fresh] {
            let sorted = sort(&step(state, None), &[], vec![made("9", None)]);
            assert_eq!((sorted.kept, sorted.surplus.len()), (None, 1));
            assert_eq!(kept(&step(state, None), &[object("9")], &[made("9", None)]).as_deref(), Some("9"));
        }
    }

    #[test]
    fn a_person_hears_of_each_second_object_once_and_of_one_by_itself_if_it_may_deliver() {
        let inactive = |id: &str| MadeObject { active: false, ..made(id, None) };
        let untold = |step: &Step, found: &[MadeObject], told: &[&str]| -> Vec<String> {
            let told: Vec<String> = told.iter().map(|id| (*id).to_owned()).collect();
            let made = sort(step, &[], found.to_vec());
            made.untold(&told).into_iter().map(|made| made.object.id.clone()).collect()
        };
        let (done, open) = (step(StepState::Done, Some("8")), step(StepState::Open, None));
        assert_eq!(untold(&done, &[made("8", None), made("9", None)], &[]), ["9"]);
        assert_eq!(untold(&done, &[inactive("8"), inactive("9")], &[]), ["9"], "cancelled with its order");
        assert!(untold(&done, &[made("8", None), inactive("9")], &["9"]).is_empty(), "it was told");
        assert_eq!(untold(&open, &[made("9", None)], &[]), ["9"]);
        assert!(untold(&open, &[inactive("9")], &[]).is_empty(), "the only one, and cancelled");
        assert_eq!(untold(&open, &[inactive("9"), inactive("10")], &[]), ["9", "10"]);
    }

    proptest! {
        #[test]
        fn each_object_is_kept_or_surplus_once_whatever_the_order(
            ids in proptest::collection::hash_set(0_u32..50, 0..8),
            recorded in subsequence((0_u32..50).collect::<Vec<_>>(), 0..3),
            is_done in any::<bool>(),
            seed in any::<u64>(),
        ) {
            let mut found: Vec<MadeObject> = ids.iter().map(|id| made(&id.to_string(), None)).collect();
            let recorded: Vec<RemoteObject> = recorded.iter().map(|id| object(&id.to_string())).collect();
            let of = step(if is_done { StepState::Done } else { StepState::Open }, is_done.then_some("0"));
            let one = sort(&of, &recorded, found.clone());
            let middle = usize::try_from(seed % 9).unwrap().min(found.len());
            found.rotate_left(middle);
            prop_assert_eq!(&one, &sort(&of, &recorded, found.clone()), "the order of the answer matters");
            prop_assert_eq!(usize::from(one.kept.is_some()) + one.surplus.len(), found.len());
            if is_done && !found.is_empty() {
                prop_assert!(one.kept.is_some());
            }
        }
    }
}

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::*;

const MIB: usize = 1 << 20;

fn needs(purpose: Purpose, platform: &PlatformName) -> Demand<'_> {
    Demand { purpose, platform, bytes: MIB, requests_at_a_time: 1_000 }
}

/// Tries to enter, without waiting.
fn now(admission: &Admission, needs: &Demand<'_>) -> Option<Slot> {
    // The runtime makes a task wait if it is polled often without yielding.
    match pin!(tokio::task::unconstrained(admission.admit(needs, PATIENCE)))
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(place) => place,
        Poll::Pending => None,
    }
}

/// Enters until there is no more room.
fn fill(admission: &Admission, needs: &Demand<'_>) -> Vec<Slot> {
    std::iter::from_fn(|| now(admission, needs)).collect()
}

fn name(name: &str) -> PlatformName {
    PlatformName::from(name)
}

#[tokio::test]
async fn a_flood_of_reads_leaves_room_for_other_platforms_for_plans_and_for_changes() {
    let admission = Admission::new(200, 200 * MIB);
    let (slow, other, third) = (name("slow"), name("other"), name("third"));
    let flood = fill(&admission, &needs(Purpose::Read, &slow));
    assert_eq!(flood.len(), 50, "half of what reads may take");
    let more = fill(&admission, &needs(Purpose::Read, &other));
    assert_eq!(more.len(), 50);
    assert!(now(&admission, &needs(Purpose::Read, &third)).is_none(), "reads have what they may have");
    let plans = [&slow, &other, &third].map(|platform| fill(&admission, &needs(Purpose::Plan, platform)));
    assert_eq!(plans.each_ref().map(Vec::len), [75, 0, 0], "plans and reads have what they may have");
    let changes = [&slow, &other, &third].map(|platform| fill(&admission, &needs(Purpose::Change, platform)));
    assert_eq!(changes.iter().map(Vec::len).sum::<usize>(), 25, "the last eighth is theirs");
}

#[tokio::test]
async fn reads_leave_a_requests_turn_to_changes() {
    let admission = Admission::new(200, 200 * MIB);
    let slow = name("slow");
    for (requests_at_a_time, reads) in [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8), (1_000, 50)] {
        let needs = Demand { requests_at_a_time, ..needs(Purpose::Read, &slow) };
        assert_eq!(fill(&admission, &needs).len(), reads, "{requests_at_a_time} requests at a time");
    }
}

#[tokio::test]
async fn bytes_are_shared_out_as_calls_are() {
    let admission = Admission::new(200, 16 * MIB);
    let (slow, other) = (name("slow"), name("other"));
    let flood = fill(&admission, &needs(Purpose::Read, &slow));
    assert_eq!(flood.len(), 4, "half of the half that reads may take");
    let large = Demand { bytes: 8 * MIB, ..needs(Purpose::Change, &other) };
    let change = now(&admission, &large).expect("it fits");
    assert!(now(&admission, &Demand { bytes: 8 * MIB, ..needs(Purpose::Change, &slow) }).is_none(), "20 of 16");
    drop(change);
    drop(flood);
    // A single call is never too large.
    let huge = Demand { bytes: 64 * MIB, ..needs(Purpose::Read, &slow) };
    let alone = now(&admission, &huge).expect("nothing else runs");
    assert!(now(&admission, &needs(Purpose::Change, &other)).is_none(), "nothing is left");
    drop(alone);
    assert!(admission.slot_usage().iter().all(|kind| (kind.calls, kind.bytes, kind.waiting) == (0, 0, 0)));
}

#[tokio::test]
async fn changes_come_before_plans_and_plans_before_reads_however_long_those_wait() {
    let admission = Admission::new(1, MIB);
    let acme = name("acme");
    let first = now(&admission, &needs(Purpose::Change, &acme)).expect("nothing else runs");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for (number, purpose) in [Purpose::Read, Purpose::Plan, Purpose::Read, Purpose::Change].into_iter().enumerate() {
        let (theirs, acme, tell) = (admission.clone(), acme.clone(), tell.clone());
        tokio::spawn(async move {
            let place = theirs.admit(&needs(purpose, &acme), PATIENCE).await.expect("its turn comes");
            tell.send(number).unwrap();
            drop(place);
        });
        while admission.slot_usage().iter().map(|kind| kind.waiting).sum::<usize>() <= number {
            tokio::task::yield_now().await;
        }
    }
    drop(first);
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(told.recv().await.unwrap());
    }
    assert_eq!(order, [3, 1, 0, 2]);
}

#[tokio::test]
async fn a_large_call_that_waits_is_not_overtaken_for_ever_by_small_ones() {
    let admission = Admission::new(10, 10 * MIB);
    let (acme, other) = (name("acme"), name("other"));
    let small = now(&admission, &needs(Purpose::Plan, &acme)).expect("there is room");
    let (large_room, large_platform) = (admission.clone(), other.clone());
    let large = tokio::spawn(async move {
        let needs = Demand { bytes: 10 * MIB, ..needs(Purpose::Change, &large_platform) };
        large_room.admit(&needs, PATIENCE).await.is_some()
    });
    while admission.slot_usage().iter().all(|kind| kind.waiting == 0) {
        tokio::task::yield_now().await;
    }
    for purpose in Purpose::ALL {
        assert!(
            now(&admission, &needs(*purpose, &acme)).is_none(),
            "{purpose} would take what the large one waits for"
        );
    }
    drop(small);
    assert!(large.await.unwrap());
    assert!(now(&admission, &needs(Purpose::Read, &acme)).is_some());
}

#[tokio::test]
async fn who_finds_no_room_is_refused_after_a_while_and_leaves_the_queue() {
    let admission = Admission::new(1, MIB);
    let acme = name("acme");
    let held = now(&admission, &needs(Purpose::Read, &acme)).expect("nothing else runs");
    assert!(admission.admit(&needs(Purpose::Change, &acme), Duration::from_millis(20)).await.is_none());
    assert!(admission.admit(&needs(Purpose::Change, &acme), Duration::ZERO).await.is_none());
    // A caller that goes away while it waits.
    assert!(now(&admission, &needs(Purpose::Change, &acme)).is_none());
    assert!(admission.slot_usage().iter().all(|kind| kind.waiting == 0));
    drop(held);
    assert!(now(&admission, &needs(Purpose::Read, &acme)).is_some());
}

proptest! {
    /// Shares hold under any sequence of arrivals and departures, and released slots become
    /// available again.
    #[test]
    fn shares_hold_whatever_comes_and_goes(
        calls in 1..40_usize,
        bytes in 1..40_usize,
        acts in prop::collection::vec((0..3_usize, 0..3_usize, 1..8_usize, any::<bool>()), 1..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _here = runtime.enter();
        let admission = Admission::new(calls, bytes * MIB);
        let names = ["a", "b", "c"].map(name);
        let mut held = Vec::new();
        for (purpose, platform, size, leaves) in acts {
            if leaves && !held.is_empty() {
                held.swap_remove((purpose + platform) % held.len());
                continue;
            }
            let needs = Demand { bytes: size * MIB, ..needs(Purpose::ALL[purpose], &names[platform]) };
            held.extend(now(&admission, &needs));
            let state = admission.lock();
            for purpose in Purpose::ALL {
                let (sum, most) = (state.sum(*purpose), admission.most(*purpose));
                prop_assert!(sum.calls <= most.calls);
                prop_assert!(sum.bytes <= most.bytes || sum.calls == 1, "{sum:?} of {most:?}");
            }
        }
        held.clear();
        for platform in &names {
            for purpose in Purpose::ALL {
                prop_assert!(now(&admission, &needs(*purpose, platform)).is_some(), "{purpose} on {platform}");
            }
        }
    }
}

use super::*;
use crate::domain::{delivery::RemotePackageStatus, id::CreativeId, testing};

const BEFORE: i64 = -1;
const DURING: i64 = 1;

fn buy(packages: usize, with_creatives: bool) -> MediaBuy {
    let mut buy = testing::buy(packages);
    if with_creatives {
        for package in &mut buy.packages {
            package.creatives = vec![CreativeId::from("banner")];
        }
    }
    buy
}

fn at(buy: &MediaBuy, hours_from_start: i64) -> Timestamp {
    buy.start.plus_millis(hours_from_start * 3_600_000)
}

fn said(buy: &MediaBuy, state: DeliveryState, packages: &[DeliveryState]) -> RemoteBuyStatus {
    let packages = buy.packages.iter().zip(packages).map(|(package, state)| RemotePackageStatus {
        package: package.id.clone(),
        state: state.clone(),
        impressions_delivered: None,
        clicks_delivered: None,
        completions_delivered: None,
    });
    RemoteBuyStatus {
        buy: buy.id.clone(),
        platform: buy.packages[0].platform.clone(),
        state,
        detail: String::new(),
        packages: packages.collect(),
        assets: Vec::new(),
        follow_up: None,
    }
}

#[test]
fn the_transitions_are_the_ones_that_are_documented() {
    use BuyStatus as S;
    for from in S::ALL {
        for to in S::ALL {
            let expected = match (from, to) {
                _ if from == to => false,
                // A buy that was created never needs approval of its creation again.
                (S::PendingApproval | S::Active | S::Paused | S::Completed | S::Failed, S::PendingManual) => false,
                _ => true,
            };
            assert_eq!(from.may_become(*to), expected, "{from} -> {to}");
        }
    }
}

#[test]
fn a_creation_that_is_not_done_decides_whatever_the_platform_says() {
    let buy = buy(1, true);
    let remote = [said(&buy, DeliveryState::Delivering, &[DeliveryState::Delivering])];
    for (creation, expected) in [
        (Creation::AwaitingApproval, BuyStatus::PendingManual),
        (Creation::AwaitingPermission, BuyStatus::PendingPermission),
        (Creation::InProgress, BuyStatus::PendingActivation),
        (Creation::Undoing, buy.status),
        (Creation::Failed("no".to_owned()), BuyStatus::Failed),
    ] {
        assert_eq!(derive(&buy, &creation, &remote, at(&buy, DURING)).status, expected);
    }
}

#[test]
fn one_package_gives_the_buy_its_status() {
    use DeliveryState as D;
    for (state, expected) in [
        (D::AwaitingCreatives, BuyStatus::PendingActivation),
        (D::PendingApproval, BuyStatus::PendingApproval),
        (D::Scheduled, BuyStatus::PendingActivation),
        (D::Delivering, BuyStatus::Active),
        (D::Paused, BuyStatus::Paused),
        (D::Completed, BuyStatus::Completed),
        (D::Disapproved("bad".to_owned()), BuyStatus::Failed),
        (D::Canceled, BuyStatus::Failed),
        (D::Missing, BuyStatus::Failed),
        (D::Other("warming up".to_owned()), BuyStatus::Active),
    ] {
        let buy = buy(1, true);
        let remote = [said(&buy, D::Other(String::new()), std::slice::from_ref(&state))];
        let standing = derive(&buy, &Creation::Done, &remote, at(&buy, DURING));
        assert_eq!(standing.status, expected, "{state:?}: {}", standing.detail);
    }
}

#[test]
fn a_silent_platform_is_judged_by_what_the_host_knows() {
    for (creatives, hours, expected) in [
        (false, BEFORE, BuyStatus::PendingActivation),
        (false, DURING, BuyStatus::PendingActivation),
        (true, BEFORE, BuyStatus::PendingActivation),
        (true, DURING, BuyStatus::Active),
    ] {
        let buy = buy(2, creatives);
        let standing = derive(&buy, &Creation::Done, &[], at(&buy, hours));
        assert_eq!(standing.status, expected, "creatives {creatives}, {hours} h: {}", standing.detail);
    }
}

#[test]
fn a_buy_with_creatives_before_its_start_says_when_it_starts() {
    let buy = buy(2, true);
    let states = [DeliveryState::Scheduled, DeliveryState::Scheduled];
    let remote = [said(&buy, DeliveryState::Scheduled, &states)];
    let standing = derive(&buy, &Creation::Done, &remote, at(&buy, BEFORE));
    assert_eq!(standing.detail, format!("scheduled: starts {}", buy.start));
}

#[test]
fn the_detail_names_the_packages_that_lack_creatives() {
    let mut buy = buy(2, true);
    buy.packages[1].creatives.clear();
    let standing = derive(&buy, &Creation::Done, &[], at(&buy, BEFORE));
    assert_eq!(standing.detail, "awaiting creative assets for: p1");
    let standing = derive(&buy, &Creation::Done, &[], at(&buy, DURING));
    assert_eq!((standing.status, standing.detail.as_str()), (BuyStatus::Active, "not delivering yet: p1"));
}

#[test]
fn pausing_the_buy_or_every_package_pauses_and_the_end_completes() {
    let mut buy = buy(2, true);
    buy.active = false;
    assert_eq!(derive(&buy, &Creation::Done, &[], at(&buy, DURING)).status, BuyStatus::Paused);
    buy.active = true;
    buy.packages[0].active = false;
    assert_eq!(derive(&buy, &Creation::Done, &[], at(&buy, DURING)).status, BuyStatus::Active);
    buy.packages[1].active = false;
    assert_eq!(derive(&buy, &Creation::Done, &[], at(&buy, DURING)).status, BuyStatus::Paused);
    assert_eq!(derive(&buy, &Creation::Done, &[], buy.end.plus_millis(1)).status, BuyStatus::Completed);
}

#[test]
fn what_the_platform_threw_out_is_failed_in_its_words() {
    let buy = buy(1, true);
    let remote = [said(&buy, DeliveryState::Disapproved("no alcohol".to_owned()), &[])];
    let standing = derive(&buy, &Creation::Done, &remote, at(&buy, DURING));
    assert_eq!(standing.status, BuyStatus::Failed);
    assert!(standing.detail.contains("no alcohol"));
}

#[test]
fn a_platform_that_lost_its_part_fails_its_packages_and_not_the_rest() {
    use DeliveryState as D;
    let mut buy = buy(3, true);
    buy.packages[2].platform = "elsewhere".into();
    let here = said(&buy, D::Delivering, &[D::Delivering, D::Delivering]);
    for gone in [D::Missing, D::Canceled, D::Disapproved("no".to_owned())] {
        let lost = RemoteBuyStatus { platform: "elsewhere".into(), ..said(&buy, gone.clone(), &[]) };
        let standing = derive(&buy, &Creation::Done, &[here.clone(), lost.clone()], at(&buy, DURING));
        assert_eq!(standing.status, BuyStatus::Active, "{gone:?}");
        assert!(standing.detail.contains("p2") && !standing.detail.contains("p1"), "{}", standing.detail);
        let first = said(&buy, gone.clone(), &[]);
        assert_eq!(derive(&buy, &Creation::Done, &[first, lost], at(&buy, DURING)).status, BuyStatus::Failed);
    }
}

#[test]
fn a_package_that_was_refused_does_not_fail_what_has_run_to_its_end() {
    use DeliveryState as D;
    let buy = buy(2, true);
    let remote = [said(&buy, D::Delivering, &[D::Completed, D::Disapproved("no".to_owned())])];
    assert_eq!(derive(&buy, &Creation::Done, &remote, at(&buy, DURING)).status, BuyStatus::Completed);
}

#[test]
fn a_permission_holds_up_only_what_does_not_deliver() {
    for &status in BuyStatus::ALL {
        let held_up = Standing { status, detail: "x".to_owned() }.held_up();
        let waits = matches!(status, BuyStatus::PendingActivation | BuyStatus::PendingApproval);
        assert_eq!(held_up.status, if waits { BuyStatus::PendingPermission } else { status });
    }
}

#[test]
fn a_buy_is_cancelled_when_somebody_said_so_of_all_of_it() {
    use DeliveryState as D;
    let buy = buy(2, true);
    for (state, packages, cancelled) in [
        (D::Canceled, [D::Canceled, D::Canceled], true),
        (D::Canceled, [D::Missing, D::Missing], true),
        (D::Other(String::new()), [D::Canceled, D::Canceled], true),
        (D::Missing, [D::Other(String::new()), D::Other(String::new())], false),
        (D::Other(String::new()), [D::Missing, D::Canceled], false),
        (D::Other(String::new()), [D::Canceled, D::Paused], false),
        (D::Disapproved("no".to_owned()), [D::Canceled, D::Disapproved("no".to_owned())], false),
    ] {
        assert_eq!(is_cancelled(&buy, &[said(&buy, state.clone(), &packages)]), cancelled, "{state:?} {packages:?}");
    }
    assert!(!is_cancelled(&buy, &[]), "nobody said so");
}

#[test]
fn the_platforms_own_words_follow_marked_as_theirs_and_bounded() {
    let buy = buy(1, true);
    let mut said = said(&buy, DeliveryState::Delivering, &[DeliveryState::Delivering]);
    said.detail = "  low inventory in the US  ".to_owned();
    let standing = derive(&buy, &Creation::Done, &[said.clone()], buy.start);
    assert_eq!((standing.status, standing.detail.as_str()), (BuyStatus::Active, "acme says: low inventory in the US"));
    said.detail = "x".repeat(2_000);
    let standing = derive(&buy, &Creation::Done, &[said.clone()], buy.start);
    assert_eq!(standing.detail.chars().count(), "acme says: ".len() + 500);
    // Words that are part of the state's own reason are not repeated.
    said.state = DeliveryState::Disapproved("no alcohol".to_owned());
    said.detail = "no alcohol".to_owned();
    let standing = derive(&buy, &Creation::Done, &[said], buy.start);
    assert_eq!(standing.detail.matches("no alcohol").count(), 1, "{}", standing.detail);
}

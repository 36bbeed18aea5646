//! The approval of orders: who approves them, and what waits for it.

use flightdeck_adapter::{
    follow_up::{Guest as _, Work},
    prelude::*,
    testing::run,
};
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::change;

use crate::{
    lifecycle::{booked, creatives, order_status, rich},
    network::{Network, decide, field, start, start_submitting, turn},
    samples,
};

fn batch(buy: &MediaBuy) -> CreativeBatch {
    CreativeBatch { media_buy: buy.clone(), assets: creatives(), extensions: Vec::new() }
}

#[test]
fn an_order_that_a_person_approves_is_submitted() {
    let network = start_submitting();
    let buy = rich();
    network.create(&buy);
    let statuses = network.upload(&buy, &creatives());
    assert!(statuses.iter().all(|status| status.state == AssetState::Pending), "{statuses:?}");
    assert_eq!(order_status(&network), "PENDING_APPROVAL");
    let status = network.status(&buy);
    assert_eq!(status.state, DeliveryState::PendingApproval);
    assert!(status.assets.iter().all(|asset| asset.state == AssetState::Pending));
    decide(&network, "approve");
    let status = network.status(&buy);
    assert!(status.assets.iter().all(|asset| asset.state == AssetState::Approved));
    // The display package has no creative of its second size: Ad Manager doesn't activate it by
    // itself.
    let states: Vec<&DeliveryState> = status.packages.iter().map(|package| &package.state).collect();
    assert_eq!(states, [&DeliveryState::AwaitingCreatives, &DeliveryState::Scheduled]);
    let [(name, reason)] = &status.extensions[..] else { panic!("{:?}", status.extensions) };
    assert_eq!(name, "follow-up");
    let work =
        || Work { reason: reason.clone(), media_buy: buy.clone(), creatives: creatives(), extensions: Vec::new() };
    let plan = Gam::plan_follow_up(network.context(), work()).unwrap();
    assert_eq!(plan.changes.len(), 2);
    network.run(|ctx| Gam::run_follow_up(ctx, work())).unwrap();
    let status = network.status(&buy);
    assert_eq!((status.state, status.extensions), (DeliveryState::Scheduled, Vec::new()));
}

#[test]
fn nothing_is_left_to_do_where_the_adapter_approves_or_nobody_has() {
    let network = start();
    let buy = rich();
    network.create(&buy);
    network.upload(&buy, &creatives());
    assert_eq!(network.status(&buy).extensions, Vec::new());
    let network = start_submitting();
    network.create(&buy);
    network.upload(&buy, &creatives());
    assert_eq!(network.status(&buy).extensions, Vec::new(), "it waits for approval");
    // A paused buy is not activated by what was reported before the pause.
    decide(&network, "approve");
    let reason = network.status(&buy).extensions.remove(0).1;
    let paused = MediaBuy { active: false, ..buy.clone() };
    assert_eq!(network.update(&buy, &paused, &[]).failed, None);
    let work = Work { reason, media_buy: paused, creatives: creatives(), extensions: Vec::new() };
    network.run(|ctx| Gam::run_follow_up(ctx, work.clone())).unwrap();
    assert_eq!(network.host.requests(), []);
}

#[test]
fn an_account_that_may_not_approve_needs_a_permission() {
    let network = start();
    let buy = rich();
    network.create(&buy);
    turn(&network, r#"{"may_approve": false}"#);
    let failure = network.run(|ctx| Gam::add_creative_assets(ctx, batch(&buy))).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permission, "may_not_approve"));
    assert!(failure.message.contains("approve_orders"), "{}", failure.message);
    // The operator grants the permission and lets the operation continue.
    turn(&network, r#"{"may_approve": true}"#);
    let outcome = network.again(|ctx| Gam::add_creative_assets(ctx, batch(&buy))).unwrap();
    assert!(outcome.assets.iter().all(|asset| asset.state == AssetState::Approved));
    assert_eq!((network.count("creatives"), order_status(&network).as_str()), (3, "APPROVED"));
}

#[test]
fn a_forecast_that_is_not_there_yet_is_waited_for() {
    let network = start();
    turn(&network, r#"{"forecast_after_seconds": 1800}"#);
    let buy = samples::buy(vec![samples::package("news")]);
    network.create(&buy);
    let banner = CreativeBatch {
        media_buy: buy.clone(),
        assets: vec![samples::creative("banner", &["news"])],
        extensions: Vec::new(),
    };
    let failure = network.run(|ctx| Gam::add_creative_assets(ctx, banner.clone())).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "forecast_pending"));
    assert_eq!(failure.retry_after_ms, Some(300_000));
    assert_eq!(network.host.finished().len(), 2, "the creative and its association are done");
    // In the meantime the buy waits for approval, and its status says so.
    let remote = network.remote_buy(&buy);
    let ctx = network.context();
    let asked = flightdeck_adapter::testing::run(&network.host, || Gam::check_status(ctx, vec![remote])).unwrap();
    assert_eq!(asked.unwrap().remove(0).status.unwrap().state, DeliveryState::PendingApproval);
    network.at("2026-11-01T00:31:00Z");
    let outcome = network.again(|ctx| Gam::add_creative_assets(ctx, banner.clone())).unwrap();
    assert_eq!(outcome.assets[0].state, AssetState::Approved);
    assert_eq!((network.count("creatives"), order_status(&network).as_str()), (1, "APPROVED"));
}

#[test]
fn a_paused_buy_is_not_approved_until_it_is_resumed() {
    let network = start();
    let running = rich();
    let paused = MediaBuy { active: false, ..running.clone() };
    network.create(&paused);
    let statuses = network.upload(&paused, &creatives());
    assert!(statuses.iter().all(|status| status.state == AssetState::Pending));
    assert_eq!(order_status(&network), "DRAFT");
    let with = |buy: &MediaBuy| {
        let mut buy = buy.clone();
        buy.packages[0].creative_ids = vec!["banner".to_owned(), "tag".to_owned()];
        buy.packages[1].creative_ids = vec!["spot".to_owned()];
        buy
    };
    assert_eq!(network.update(&with(&paused), &with(&running), &creatives()).failed, None);
    assert_eq!(order_status(&network), "APPROVED");
}

#[test]
fn what_was_uploaded_while_the_buy_was_paused_is_approved_whichever_ends_first() {
    for submits in [false, true] {
        let start = || if submits { start_submitting() } else { start() };
        let approved = if submits { "PENDING_APPROVAL" } else { "APPROVED" };
        let running = rich();
        let paused = MediaBuy { active: false, ..running.clone() };
        // The upload has finished, but that is not recorded yet, and the buy is resumed.
        let network = start();
        network.create(&paused);
        network.upload(&paused, &creatives());
        assert_eq!(order_status(&network), "DRAFT");
        assert_eq!(network.update(&paused, &running, &[]).failed, None);
        assert_eq!(order_status(&network), approved);
        // It was resumed when it had no creatives, and the upload runs again.
        let network = start();
        network.create(&paused);
        network.run(|ctx| Gam::add_creative_assets(ctx, batch(&paused))).unwrap();
        network.again(|ctx| Gam::add_creative_assets(ctx, batch(&running))).unwrap();
        assert_eq!(order_status(&network), approved);
        // It was approved, retracted and resumed before any of that was recorded.
        let network = start();
        network.create(&running);
        network.upload(&running, &creatives());
        assert_eq!(network.update(&running, &paused, &[]).failed, None);
        assert_eq!(network.update(&paused, &running, &[]).failed, None);
        assert_eq!(order_status(&network), approved);
    }
}

#[test]
fn an_order_without_creatives_stays_a_draft_when_its_buy_is_resumed() {
    let network = start();
    let running = rich();
    let paused = MediaBuy { active: false, ..running.clone() };
    network.create(&paused);
    assert_eq!(network.update(&paused, &running, &[]).failed, None);
    assert_eq!(order_status(&network), "DRAFT");
    // Nor is it approved for creatives in the same update.
    network.update(&running, &paused, &[]);
    network.upload(&paused, &creatives());
    let with = |buy: &MediaBuy| {
        let mut buy = buy.clone();
        buy.packages[0].creative_ids = vec!["banner".to_owned(), "tag".to_owned()];
        buy.packages[1].creative_ids = vec!["spot".to_owned()];
        buy
    };
    assert_eq!(network.update(&with(&paused), &running, &creatives()).failed, None);
    assert_eq!(order_status(&network), "DRAFT");
}

/// Returns the status of a package's line item in the emulator.
fn item_status(network: &Network, number: usize) -> String {
    field(&network.objects("lineItems")[number], "status").trim_matches('"').to_owned()
}

#[test]
fn a_package_that_is_off_does_not_run_once_a_person_approves() {
    let network = start_submitting();
    let mut buy = rich();
    buy.packages[0].active = false;
    network.create(&buy);
    network.upload(&buy, &creatives());
    decide(&network, "approve");
    assert_eq!((item_status(&network, 0).as_str(), item_status(&network, 1).as_str()), ("INACTIVE", "READY"));
    assert_eq!(network.status(&buy).packages[0].state, DeliveryState::Paused);
    let mut on = buy.clone();
    on.packages[0].active = true;
    assert_eq!(network.update(&buy, &on, &[]).failed, None);
    assert_eq!(item_status(&network, 0), "READY");
}

#[test]
fn a_package_that_is_off_is_paused_when_the_account_approves() {
    let network = start();
    let mut buy = rich();
    buy.packages[0].active = false;
    network.create(&buy);
    network.upload(&buy, &creatives());
    assert_eq!((item_status(&network, 0).as_str(), item_status(&network, 1).as_str()), ("PAUSED", "READY"));
}

#[test]
fn pausing_what_waits_for_approval_takes_it_back() {
    let network = booked(start_submitting());
    let mut running = rich();
    running.packages[0].creative_ids = vec!["banner".to_owned(), "tag".to_owned()];
    let paused = MediaBuy { active: false, ..running.clone() };
    assert_eq!(network.update(&running, &paused, &[]).failed, None);
    assert_eq!(order_status(&network), "DRAFT");
    assert_eq!(network.update(&paused, &running, &[]).failed, None);
    assert_eq!(order_status(&network), "PENDING_APPROVAL");
    // A package by itself keeps its place in the queue.
    let mut one = running.clone();
    one.packages[0].active = false;
    assert_eq!(network.update(&running, &one, &[]).failed, None);
    assert_eq!(order_status(&network), "PENDING_APPROVAL");
    decide(&network, "approve");
    assert_eq!((item_status(&network, 0).as_str(), item_status(&network, 1).as_str()), ("INACTIVE", "READY"));
}

#[test]
fn a_change_of_what_waits_for_approval_is_submitted_again() {
    let network = booked(start_submitting());
    let mut current = rich();
    current.packages[0].creative_ids = vec!["banner".to_owned()];
    let mut desired = current.clone();
    desired.packages[0].impressions = 1_200_000;
    assert_eq!(network.update(&current, &desired, &[]).failed, None);
    assert_eq!(order_status(&network), "PENDING_APPROVAL");
    assert!(field(&network.objects("lineItems")[0], "goal").contains("1200000"));
    // Even if a line item is refused.
    let mut refused = desired.clone();
    refused.packages[1].product_settings =
        r#"{"placements": ["99"], "video": {"max_duration_seconds": 30}}"#.to_owned();
    let outcome = network.update(&desired, &refused, &[]);
    assert_eq!(outcome.failed.unwrap().package_id, "video");
    assert_eq!(order_status(&network), "PENDING_APPROVAL");
}

#[test]
fn a_change_that_was_cut_off_goes_on_though_the_order_was_submitted_meanwhile() {
    let mut current = rich();
    current.packages[0].creative_ids = vec!["banner".to_owned(), "tag".to_owned()];
    current.packages[1].creative_ids = vec!["spot".to_owned()];
    let mut desired = current.clone();
    for package in &mut desired.packages {
        package.impressions += 100_000;
    }
    let update = change(&current, &desired, &[], &["news", "video"]);
    let mut submitted = 0;
    for cut in 1..40 {
        let network = booked(start_submitting());
        network.host.next_operation();
        let ctx = network.context();
        network.host.cut_after(cut);
        let survived = run(&network.host, || Gam::update_media_buy(ctx, update.clone())).is_some();
        // The buyer paused and resumed the buy before the change is retried.
        if order_status(&network) == "DRAFT" {
            let order = field(&network.objects("orders")[0], "name");
            let body = object! { "names": vec![order.trim_matches('"').to_owned()] };
            network.by_hand("POST", "/v1/networks/21700001/orders:batchSubmitForApproval", &body);
            submitted += 1;
        }
        let outcome = network.again(|ctx| Gam::update_media_buy(ctx, update.clone())).unwrap();
        assert_eq!(outcome.failed, None, "cut after {cut}");
        assert_eq!(order_status(&network), "PENDING_APPROVAL", "cut after {cut}");
        let goals: Vec<String> = network.objects("lineItems").iter().map(|item| field(item, "goal")).collect();
        let wanted = desired.packages.iter().map(|package| package.impressions.to_string());
        assert!(goals.iter().zip(wanted).all(|(goal, wanted)| goal.contains(&wanted)), "cut after {cut}: {goals:?}");
        if survived {
            assert!(submitted > 3, "{submitted}");
            return;
        }
    }
    panic!("the operation never came to its end");
}

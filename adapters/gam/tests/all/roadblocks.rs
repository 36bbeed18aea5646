//! Roadblocks by creative set: creatives with companions that are shown beside them.

use flightdeck_adapter::{prelude::*, step::Remote};
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing::{
    everywhere, frames,
    late::{EVERY_WAY, lost, one_is_stopped, only_one},
};

use crate::{
    network::{Network, field, start, turn},
    samples,
};

const SETTINGS: &str = r#"{"ad_units": [{"id": "6004"}], "sizes": ["300x250"],
    "companions": {"sizes": ["728x90", "160x600"], "delivery": "at_least_one"}}"#;
const COMPANIONS: &str = r#"[{"image_url": "https://cdn.acme.example/top.png", "width": 728, "height": 90},
    {"image_url": "https://cdn.acme.example/side.png", "width": 160, "height": 600, "click_url": "https://acme.example/side"}]"#;

/// An image with two companions, or the values that a test gives.
fn banner(values: &str) -> Creative {
    let image = samples::creative("banner", &["news"]);
    Creative { format: CreativeFormat::Custom, template_values: Some(values.to_owned()), ..image }
}

fn with_companions() -> Creative {
    banner(&format!(r#"{{"companions": {COMPANIONS}}}"#))
}

fn of(settings: &str) -> MediaBuy {
    let mut package = samples::package("news");
    package.product_settings = settings.to_owned();
    package.creative_ids = vec!["banner".to_owned()];
    samples::buy(vec![package])
}

/// A network of Ad Manager 360: only that has roadblocks by creative set.
fn network() -> Network {
    let network = start();
    turn(&network, r#"{"ad_manager_360": true}"#);
    network
}

fn created() -> Network {
    let network = network();
    network.create(&of(SETTINGS));
    network
}

fn upload(ctx: Context) -> Fallible<CreativeOutcome> {
    let (media_buy, assets) = (of(SETTINGS), vec![with_companions()]);
    Gam::add_creative_assets(ctx, CreativeBatch { media_buy, assets, extensions: Vec::new() })
}

fn made(network: &Network) -> [usize; 3] {
    ["creatives", "creativeSets", "associations"].map(|kind| network.count(kind))
}

#[test]
fn a_creative_with_companions_is_a_creative_set() {
    let network = created();
    let item = network.objects("lineItems").remove(0);
    assert_eq!(field(&item, "roadblockingType"), r#""CREATIVE_SET""#);
    assert_eq!(field(&item, "companionDeliveryOption"), r#""AT_LEAST_ONE""#);
    let slots = field(&item, "creativePlaceholders");
    assert!(slots.contains(r#""companions":[{"size":{"#) && slots.contains("160"), "{slots}");
    let batch = CreativeBatch { media_buy: of(SETTINGS), assets: vec![with_companions()], extensions: Vec::new() };
    let plan = network.run(|ctx| Gam::plan(ctx, Change::AddCreatives(batch))).unwrap();
    let shown = plan.changes[0].fields.iter().find(|field| field.field == "companionCreatives").unwrap();
    let shown = shown.after.as_ref().unwrap();
    assert!(shown.contains("top.png") && shown.contains("side.png"), "{shown}");

    let status = network.upload(&of(SETTINGS), &[with_companions()]).remove(0);
    assert_eq!(status.state, AssetState::Approved, "{status:?}");
    assert_eq!(made(&network), [3, 1, 1]);
    let (set, tie) = (network.objects("creativeSets").remove(0), network.objects("associations").remove(0));
    assert_eq!(field(&tie, "creativeSet"), field(&set, "name"));
    let names: Vec<String> = network.objects("creatives").iter().map(|one| field(one, "name")).collect();
    assert_eq!(field(&set, "masterCreative"), names[0]);
    assert_eq!(field(&set, "companionCreatives"), format!("[{},{}]", names[1], names[2]));
    let side = field(&network.objects("creatives")[2], "imageRedirectCreative");
    assert!(side.contains("https://acme.example/side"), "{side}");
    // The id of the set is what the host knows.
    assert!(status.remote_id.unwrap().starts_with("creativeSets/"));

    network.at("2026-12-04T00:00:00Z");
    assert_eq!(network.status(&of(SETTINGS)).state, DeliveryState::Delivering);
    frames::nothing_to_change(&network, &of(SETTINGS), &[with_companions()]);
}

#[test]
fn a_snippet_has_companions_too() {
    let network = created();
    let snippet = format!(r#"{{"snippet": "<a href='%%CLICK_URL_UNESC%%'>x</a>", "companions": {COMPANIONS}}}"#);
    assert_eq!(network.upload(&of(SETTINGS), &[banner(&snippet)])[0].state, AssetState::Approved);
    assert!(field(&network.objects("creatives")[0], "thirdPartyCreative").contains("CLICK_URL_UNESC"));
}

#[test]
fn everything_of_a_set_is_made_once_wherever_it_is_cut_off() {
    let prepared = || {
        let network = created();
        network.page_size(1);
        network
    };
    let cuts = everywhere(prepared, upload, |network, cut| {
        assert_eq!(made(network), [3, 1, 1], "cut after {cut}");
        let ties = network.objects("associations");
        assert!(ties.iter().all(|tie| field(tie, "status") == r#""ACTIVE""#), "cut after {cut}");
    });
    assert!(cuts > 15, "{cuts}");
}

#[test]
fn a_second_set_or_part_of_one_is_found() {
    for late in EVERY_WAY {
        let network = created();
        let made = lost(&network, late, ("/v1/networks/*/creativeSets", "creative/banner"), upload);
        assert_eq!(network.carried(&made.reference), (2, 1), "{late:?}");
        let found = network.find_made(&made);
        let other = found.iter().find(|one| !network.host.remote().contains(&one.object)).unwrap();
        // People have put it into the line item.
        let item = network.host.remote().package("news").unwrap().to_owned();
        let body = object! {
            "lineItem": format!("networks/21700001/lineItems/{item}"),
            "creativeSet": format!("networks/21700001/{}", other.object.id),
        };
        network.by_hand("POST", &format!("/v1/networks/21700001/lineItems/{item}/creatives"), &body);
        one_is_stopped(&network, &made);
        assert_eq!(network.carried(&made.reference), (2, 1), "{late:?}");
    }
    for late in EVERY_WAY {
        let network = created();
        let made = lost(&network, late, ("/v1/networks/*/creatives", "master/banner"), upload);
        let found = network.find_made(&made);
        assert_eq!((found.len(), found.iter().any(|one| one.active)), (2, false), "{late:?}: none is shown by itself");
        let other = found.iter().find(|one| !network.host.remote().contains(&one.object)).unwrap();
        network.stop_made(other);
        network.stop_made(other);
        // Another upload of the creative uses the parts that are there.
        let again = network.run(upload).unwrap();
        assert_eq!(again.assets[0].state, AssetState::Approved);
        assert_eq!(network.objects("creatives").len(), 4, "{late:?}");
    }
    let network = created();
    network.run(upload).unwrap();
    let steps =
        ["master/banner", "companion/banner/1", "companion/banner/2", "creative/banner", "association/news/banner"];
    for made in steps.map(|step| network.host.made_step(step)) {
        only_one(&network, &made);
    }
}

#[test]
fn an_update_takes_a_set_out_and_puts_it_back() {
    let network = created();
    network.run(upload).unwrap();
    let shown = of(SETTINGS);
    let mut hidden = shown.clone();
    hidden.packages[0].creative_ids.clear();
    assert_eq!(network.update(&shown, &hidden, &[with_companions()]).failed, None);
    assert_eq!(made(&network), [3, 1, 0]);
    assert_eq!(network.update(&hidden, &shown, &[with_companions()]).failed, None);
    assert_eq!(made(&network), [3, 1, 1]);
    // Without an upload before it, the update makes the set.
    let network = created();
    assert_eq!(network.update(&hidden, &shown, &[with_companions()]).failed, None);
    assert_eq!(made(&network), [3, 1, 1]);
}

#[test]
fn what_is_no_creative_set_is_refused_with_its_place() {
    let companions = "/assets/banner/template_values/companions";
    let plain = r#"{"ad_units": [{"id": "6004"}], "sizes": ["300x250"]}"#;
    let with = |list: &str| banner(&format!(r#"{{"companions": {list}}}"#));
    let image = samples::creative("banner", &["news"]);
    let one = r#"{"image_url": "https://cdn.acme.example/a.png", "width": 728, "height": 90}"#;
    let nine = format!("[{}]", [one; 9].join(","));
    for (settings, creative, code, place) in [
        (SETTINGS, image, "companions_missing", companions.to_owned()),
        (SETTINGS, banner(r#"{"snippet": "<b>"}"#), "companions_missing", companions.to_owned()),
        (plain, with_companions(), "unsupported_companion", format!("{companions}/0")),
        (SETTINGS, with("[]"), "invalid_companions", companions.to_owned()),
        (SETTINGS, with(&nine), "invalid_companions", companions.to_owned()),
        (
            SETTINGS,
            with(r#"[{"image_url": "x", "width": 728, "height": 90}]"#),
            "invalid_companions",
            format!("{companions}/0"),
        ),
        (SETTINGS, with(r#"[{"width": 728, "height": 90}]"#), "invalid_companions", format!("{companions}/0")),
        (
            SETTINGS,
            with(&format!("[{}]", one.replace("728", "468"))),
            "unsupported_companion",
            format!("{companions}/0"),
        ),
    ] {
        let assets = vec![creative];
        let batch = CreativeBatch { media_buy: of(settings), assets, extensions: Vec::new() };
        let failure = network().run(|ctx| Gam::plan(ctx, Change::AddCreatives(batch.clone()))).unwrap_err();
        let item = &failure.items[0];
        assert_eq!(item.field, place, "{code} {batch:?}: {failure:?}");
        assert!(failure.code == code || failure.items.len() > 1, "{code}: {failure:?}");
    }
    for settings in [
        SETTINGS.replace(r#""companions""#, r#""roadblocking": "ONLY_ONE", "companions""#),
        SETTINGS.replace("6004", "6005").replace(
            r#""companions""#,
            r#""environment": "video_player", "video": {"max_duration_seconds": 30}, "companions""#,
        ),
    ] {
        let failure = network().run(|ctx| Gam::plan(ctx, Change::Create(of(&settings)))).unwrap_err();
        assert_eq!(failure.code, "invalid_companion_settings", "{failure:?}");
    }
}

#[test]
fn a_network_without_roadblocks_by_creative_set_says_so() {
    let network = start();
    let failure = network.run(|ctx| Gam::create_media_buy(ctx, of(SETTINGS))).unwrap_err();
    assert!(failure.message.contains("360") || failure.words().contains("360"), "{failure:?}");
}

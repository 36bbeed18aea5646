//! The adapter without a host: plans, changes that are cut off at every point, and reads.

mod signpost;

use std::rc::Rc;

use flightdeck_adapter::{
    Adapter,
    ad_server::AdServer,
    prelude::*,
    testing::{FakeHost, run, samples},
};
use serde_json::json;
use signpost::Shared;
use signpost_adapter::Signpost;

/// An ad server, a host, and the adapter between them.
struct House {
    signpost: Shared,
    host: Rc<FakeHost>,
}

impl House {
    fn new() -> Self {
        let signpost = Shared::default();
        let shared = Rc::clone(&signpost);
        let description = <Signpost as AdServer>::describe();
        let host = FakeHost::with_description(&description, move |request| shared.borrow_mut().respond(request));
        Self { signpost, host }
    }

    /// A house in which the buy exists.
    fn booked() -> Self {
        let house = Self::new();
        house.call(|ctx| Signpost::create_media_buy(ctx, media()));
        house.host.next_operation();
        house
    }

    fn context(&self) -> Context {
        Context { remote: self.host.remote(), ..context() }
    }

    fn call<T>(&self, call: impl FnOnce(Context) -> Fallible<T>) -> T {
        run(&self.host, || call(self.context())).unwrap().unwrap()
    }

    fn count(&self, kind: &str) -> usize {
        self.signpost.borrow().of(kind).len()
    }

    fn values(&self, kind: &str, field: &str) -> Vec<serde_json::Value> {
        self.signpost.borrow().of(kind).iter().map(|one| one[field].clone()).collect()
    }

    fn remote_buy(&self) -> RemoteBuy {
        RemoteBuy {
            media_buy_id: "signpost-1".to_owned(),
            advertiser_id: "701".to_owned(),
            remote: self.host.remote(),
            start: String::new(),
            end: String::new(),
            extensions: Vec::new(),
        }
    }
}

fn context() -> Context {
    Context { platform: "signpost".to_owned(), advertiser_id: "701".to_owned(), ..samples::context() }
}

fn countries(values: &[&str]) -> TargetingRule {
    samples::rule(Dimension::GeoCountry, Operator::AnyOf, values)
}

fn item(id: &str) -> PackageOrder {
    let mut package = samples::package(id);
    package.targeting.rules = vec![countries(&["US", "CA"])];
    package
}

fn media_of(packages: Vec<PackageOrder>) -> MediaBuy {
    MediaBuy { media_buy_id: "signpost-1".to_owned(), ..samples::buy(packages) }
}

fn media() -> MediaBuy {
    media_of(vec![item("a"), item("b")])
}

fn changed(change: impl FnOnce(&mut MediaBuy)) -> MediaBuy {
    let mut buy = media();
    change(&mut buy);
    buy
}

fn batch(assets: Vec<Creative>) -> CreativeBatch {
    CreativeBatch { media_buy: media(), assets, extensions: Vec::new() }
}

fn update(current: MediaBuy, desired: MediaBuy) -> MediaBuyUpdate {
    let touched = desired.packages.iter().map(|package| package.package_id.clone()).collect();
    let creatives = vec![samples::creative("banner", &["a"])];
    MediaBuyUpdate { current, desired, creatives, touched, extensions: Vec::new() }
}

fn planned(change: Change) -> Fallible<Vec<PlannedChange>> {
    Ok(Signpost::plan(context(), change)?.changes)
}

/// Cuts a call off after each of its interactions, runs it again, and checks what is left.
fn at_every_point<T>(prepare: impl Fn() -> House, call: impl Fn(Context) -> Fallible<T>, check: impl Fn(&House, u32)) {
    for cut in 1.. {
        let house = prepare();
        house.host.cut_after(cut);
        let survived = run(&house.host, || call(house.context())).is_some();
        house.call(&call);
        check(&house, cut);
        if survived {
            assert!(cut > 2);
            return;
        }
    }
}

#[test]
fn a_plan_shows_the_order_its_lines_and_what_they_are_made_of() {
    let changes = planned(Change::Create(media())).unwrap();
    let shown: Vec<_> = changes.iter().map(|one| (one.remote_type.as_str(), one.package_id.as_deref())).collect();
    assert_eq!(shown, [("Order", None), ("Line", Some("a")), ("Line", Some("b"))]);
    let field = |name: &str| changes[1].fields.iter().find(|one| one.field == name).unwrap().after.clone().unwrap();
    assert_eq!([field("rate"), field("countries"), field("goal_impressions")], ["12.5", r#"["CA","US"]"#, "1000000"]);
    assert_eq!(planned(Change::Create(media())).unwrap(), changes, "equal input, equal plan");
}

#[test]
fn everything_that_is_impossible_is_refused_at_once_by_its_field() {
    let mut wrong = item("a");
    wrong.pacing = Pacing::FrontLoaded;
    wrong.price = Price { model: PriceModel::Cpc, rate: 1_000_001 };
    wrong.daily_impressions = Some(5);
    let devices = samples::rule(Dimension::DeviceType, Operator::NoneOf, &["ctv"]);
    wrong.targeting.rules = vec![countries(&["US"]), devices];
    wrong.product_settings = r#"{"countries": ["DE"]}"#.to_owned();
    let buy = MediaBuy { currency: "GBP".to_owned(), ..media_of(vec![wrong]) };
    let failure = planned(Change::Create(buy)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "/currency",
            "/packages/a/cpc",
            "/packages/a/pacing",
            "/packages/a/daily_impressions",
            "/packages/a/cpc",
            "/packages/a/targeting_overlay/geo_country_any_of",
            "/packages/a/targeting_overlay/device_type_none_of",
        ]
    );
    assert_eq!(failure.items[5].supported, ["DE"]);
}

#[test]
fn a_buy_is_created_once_whatever_is_lost() {
    at_every_point(
        House::new,
        |ctx| Signpost::create_media_buy(ctx, media()),
        |house, cut| {
            assert_eq!((house.count("orders"), house.count("lines")), (1, 2), "cut after {cut}");
            let remembered: Vec<String> = house.host.remote().into_iter().map(|object| object.id).collect();
            assert_eq!(remembered, ["1", "2", "3"], "cut after {cut}");
        },
    );
}

#[test]
fn creatives_are_uploaded_and_assigned_once_whatever_is_lost() {
    let banner = || batch(vec![samples::creative("banner", &["a", "b"])]);
    at_every_point(
        House::booked,
        |ctx| Signpost::add_creative_assets(ctx, banner()),
        |house, cut| {
            assert_eq!((house.count("creatives"), house.count("assignments")), (1, 2), "cut after {cut}");
        },
    );
}

#[test]
fn a_creative_that_is_refused_is_reported_and_the_others_go_on() {
    let house = House::booked();
    let small = Creative { width: Some(1), ..samples::creative("small", &["a"]) };
    let audio = Creative { format: CreativeFormat::Audio, ..samples::creative("audio", &["a"]) };
    let assets = vec![small, audio, samples::creative("banner", &["a"])];
    let outcome = house.call(|ctx| Signpost::add_creative_assets(ctx, batch(assets)));
    let told: Vec<_> = outcome.assets.into_iter().map(|asset| (asset.state, asset.feedback)).collect();
    let rejected = |why: &str| (AssetState::Rejected, Some(why.to_owned()));
    let expected =
        [rejected("width is too small"), rejected("Signpost runs images and videos."), (AssetState::Approved, None)];
    assert_eq!(told, expected);
    assert_eq!(house.count("creatives"), 1);
}

#[test]
fn an_update_sends_the_differences_once_for_each_package_whatever_is_lost() {
    let desired = changed(|buy| {
        buy.packages[0].impressions = 2_000_000;
        buy.packages[0].creative_ids = vec!["banner".to_owned()];
    });
    let request = update(media(), desired);
    let changes = planned(Change::Update(request.clone())).unwrap();
    let types: Vec<&str> = changes.iter().map(|one| one.remote_type.as_str()).collect();
    assert_eq!(types, ["Line", "Creative", "Assignment"]);
    let call = |ctx| Signpost::update_media_buy(ctx, request.clone());
    at_every_point(House::booked, call, |house, cut| {
        assert_eq!(house.values("lines", "goal_impressions"), [json!(2_000_000), json!(1_000_000)], "cut after {cut}");
        assert_eq!((house.count("creatives"), house.count("assignments")), (1, 1), "cut after {cut}");
        assert_eq!(house.call(call).affected_packages, ["a"]);
    });
}

#[test]
fn a_pause_is_one_field_of_each_line_and_a_creative_can_be_taken_away() {
    let house = House::booked();
    let with_banner = changed(|buy| buy.packages[0].creative_ids = vec!["banner".to_owned()]);
    house.call(|ctx| Signpost::add_creative_assets(ctx, batch(vec![samples::creative("banner", &["a"])])));
    house.host.next_operation();
    let request = update(with_banner, changed(|buy| buy.active = false));
    let outcome = house.call(|ctx| Signpost::update_media_buy(ctx, request));
    assert_eq!(outcome.affected_packages, ["a", "b"]);
    assert_eq!(house.values("lines", "active"), [json!(false), json!(false)]);
    assert_eq!(house.values("assignments", "active"), [json!(false)]);
    assert_eq!(house.host.requests().len(), 3);
}

#[test]
fn the_first_package_that_is_refused_ends_an_update_and_is_named() {
    let house = House::booked();
    house.signpost.borrow_mut().objects.get_mut("lines").unwrap().remove(0);
    let request = update(media(), changed(|buy| buy.active = false));
    let outcome = house.call(|ctx| Signpost::update_media_buy(ctx, request));
    let failed = outcome.failed.unwrap();
    assert_eq!((failed.package_id.as_str(), failed.failure.kind), ("a", FailureKind::NotFound));
    assert_eq!(house.values("lines", "active"), [json!(true)]);
}

#[test]
fn a_cancel_archives_the_order_even_one_whose_id_was_never_learned() {
    for forgotten in [false, true] {
        let house = House::booked();
        if forgotten {
            house.host.forget_all();
        }
        house.call(|ctx| Signpost::cancel_media_buy(ctx, media()));
        assert_eq!(house.values("orders", "state"), [json!("archived")]);
    }
    let outcome = House::new().call(|ctx| Signpost::cancel_media_buy(ctx, media()));
    assert_eq!(outcome.notes, ["There was nothing on Signpost."]);
}

#[test]
fn the_status_of_many_buys_is_read_at_once() {
    let house = House::booked();
    house.signpost.borrow_mut().objects.get_mut("lines").unwrap().pop();
    let unknown = RemoteBuy { remote: Vec::new(), ..house.remote_buy() };
    let answers = house.call(|ctx| Signpost::check_status(ctx, vec![house.remote_buy(), unknown]));
    let first = answers[0].status.as_ref().unwrap();
    assert_eq!((&first.state, first.detail.as_str()), (&DeliveryState::Delivering, "no longer on Signpost: b"));
    let delivered: Vec<_> = first.packages.iter().map(|package| package.impressions_delivered).collect();
    assert_eq!(delivered, [Some(250), None]);
    assert_eq!(answers[1].status.as_ref().unwrap().state, DeliveryState::Missing);
    assert_eq!(house.host.requests().len(), 1);
}

#[test]
fn delivery_comes_by_day_with_exact_spend() {
    let house = House::booked();
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2027-03-03".to_owned() };
    let answers = house.call(|ctx| Signpost::get_delivery(ctx, vec![house.remote_buy()], range));
    let rows = &answers[0].delivery.as_ref().unwrap().rows;
    let told: Vec<_> = rows.iter().map(|row| (row.package_id.as_str(), row.day.as_str(), row.spend)).collect();
    // 93 days are two reports.
    let of = |id| [(id, "2026-12-01", 2_500_000), (id, "2027-03-03", 2_500_000)];
    assert_eq!(told, [of("a"), of("b")].concat());
}

#[test]
fn everything_that_a_step_made_is_found_and_a_surplus_object_is_stopped() {
    let house = House::new();
    house.call(|ctx| Signpost::create_media_buy(ctx, media()));
    let mut twin = house.signpost.borrow().of("lines")[0].clone();
    twin["id"] = json!("99");
    house.signpost.borrow_mut().objects.get_mut("lines").unwrap().push(twin);
    let step = house.host.made_step("line/a");
    let made = house.call(|ctx| <Signpost as Adapter>::find_made(ctx, step));
    let found: Vec<_> = made.iter().map(|one| (one.object.key.as_str(), one.object.id.as_str())).collect();
    assert_eq!(found, [("a", "2"), ("a", "99")]);
    house.call(|ctx| Signpost::stop_made(ctx, made[1].clone()));
    assert_eq!(house.values("lines", "active"), [json!(true), json!(true), json!(false)]);
}

//! Kevel's own client as a witness of what the adapter puts on the wire.
//!
//! The client is in no registry, so it doesn't run with the tests: `tests/kevel/witness.json` has what
//! it sent when it played this buy on the emulator (`tests/kevel/README.md`). The adapter plays it
//! here, and the two series of requests are compared field by field. [`DIFFERENCES`] has each
//! difference with its reason: one that isn't there fails the test, and so does an entry that no
//! longer occurs.

use std::{collections::BTreeSet, path::Path};

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;

use crate::{
    lifecycle::{creatives, rich},
    network::{Network, start},
};

/// How two requests differ in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// The adapter writes null where the client writes nothing.
    Null,
    /// Only the adapter writes it.
    Adapter,
    /// Only the client writes it.
    Client,
    /// The values differ.
    Value,
}

/// What may differ: the beginning of method and path, the field (`*` is any), how, and why.
const DIFFERENCES: [(&str, &str, How, &str); 14] = [
    (
        "",
        "*",
        How::Null,
        "The client leaves out what is null, and so can't clear a field; an update of the adapter does.",
    ),
    ("POST /v1/campaign", "IsArchived", How::Client, "A default of the document, which the client writes out."),
    ("POST /v1/campaign", "IsDeleted", How::Client, "The same."),
    ("POST /v1/campaign", "StartDate", How::Client, "The same, of a field that is deprecated and only answered."),
    ("POST /v1/flight", "IsDeleted", How::Client, "A default of the document."),
    ("POST /v1/flight", "NoEndDate", How::Client, "The same."),
    ("POST /v1/flight", "DailyCapAmount", How::Adapter, "The client completes the forms of an amount in updates only."),
    ("POST /v1/flight", "LifetimeCapAmount", How::Adapter, "The same."),
    ("POST /v1/flight", "LifetimeCapAmountDecimal", How::Adapter, "The same."),
    ("PUT /v1/flight/", "NoEndDate", How::Adapter, "The document's update lacks it; what was read goes back."),
    ("PUT /v1/campaign/", "CustomFieldsJson", How::Adapter, "The same: the reference in it must not get lost."),
    ("PUT /v1/campaign/", "IsFreqCap", How::Adapter, "The same."),
    ("PUT /v1/campaign/", "StartDateISO", How::Adapter, "The document requires it, although it has no such field."),
    (
        "GET /v1/campaign/",
        "?",
        How::Value,
        "The document has no pages for the flights of a campaign, but answers a page. The adapter asks for each.",
    ),
];

/// The buy of the lifecycle, with its creatives.
fn buy() -> MediaBuy {
    let mut buy = rich();
    for package in &mut buy.packages {
        let of = |creative: &&Creative| creative.package_ids.contains(&package.package_id);
        package.creative_ids = creatives().iter().filter(of).map(|creative| creative.creative_id.clone()).collect();
    }
    buy
}

/// A request, by the part of the buy's life that it belongs to.
#[derive(Debug)]
struct Heard {
    part: String,
    line: String,
    query: BTreeSet<String>,
    content_type: Option<String>,
    body: Object,
}

impl Heard {
    fn new(part: &str, method: &str, path: &str, content_type: Option<&str>, body: Option<&Json>) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            part: part.to_owned(),
            line: format!("{method} {path}"),
            query: query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            content_type: content_type.map(str::to_owned),
            body: body.and_then(Json::as_object).cloned().unwrap_or_default(),
        }
    }
}

/// Plays the life of the buy, and returns the requests of each part of it.
fn played(network: &Network) -> Vec<Heard> {
    let mut heard = Vec::new();
    let mut hear = |part: &str| {
        for request in network.host.requests() {
            let at = request.url.splitn(4, '/').nth(3).unwrap_or_default();
            let kind = request.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
            let body = request.body.as_deref().map(|body| Json::parse(&String::from_utf8_lossy(body)).unwrap());
            heard.push(Heard::new(part, request.method.as_str(), &format!("/{at}"), kind, body.as_ref()));
        }
    };
    let booked = buy();
    network.create(&booked);
    hear("create");
    network.upload(&booked, &creatives());
    hear("upload");
    network.at("2026-12-04T00:00:00Z");
    network.status(&booked);
    hear("status");
    let mut changed = booked.clone();
    changed.packages[1].impressions = 2_000_000;
    changed.packages[1].end = "2027-01-10T00:00:00Z".to_owned();
    changed.packages[0].price.rate = 14_250_000;
    assert_eq!(network.update(&booked, &changed, &[]).failed, None);
    hear("change");
    let mut paused = changed.clone();
    paused.active = false;
    assert_eq!(network.update(&changed, &paused, &[]).failed, None);
    hear("pause");
    assert_eq!(network.update(&paused, &changed, &[]).failed, None);
    hear("resume");
    network.delivery(&changed, "2026-12-01", "2026-12-03");
    hear("report");
    network.run(|ctx| Kevel::cancel_media_buy(ctx, changed.clone())).unwrap();
    hear("cancel");
    heard
}

fn recorded() -> Vec<Heard> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kevel/witness.json");
    let text = std::fs::read_to_string(file).unwrap();
    let read = |one: &Json| {
        let one = one.as_object().unwrap();
        let text = |name: &str| one.get(name).and_then(Json::as_text);
        Heard::new(
            text("part").unwrap(),
            text("method").unwrap(),
            text("path").unwrap(),
            text("content-type"),
            one.get("body"),
        )
    };
    Json::parse(&text).unwrap().items().iter().map(read).collect()
}

/// Returns how two requests differ, by field. `?` is the query, `:` the type of the body.
fn differences(ours: &Heard, theirs: &Heard) -> Vec<(String, How)> {
    let mut found = Vec::new();
    for name in ours.body.iter().chain(theirs.body.iter()).map(|(name, _)| name).collect::<BTreeSet<&str>>() {
        match (ours.body.get(name), theirs.body.get(name)) {
            (Some(our), Some(their)) if our.to_string() == their.to_string() => {}
            (Some(_), Some(_)) => found.push((name.to_owned(), How::Value)),
            (Some(Json::Null), None) => found.push((name.to_owned(), How::Null)),
            (Some(_), None) => found.push((name.to_owned(), How::Adapter)),
            (None, _) => found.push((name.to_owned(), How::Client)),
        }
    }
    if ours.query != theirs.query {
        found.push(("?".to_owned(), How::Value));
    }
    if ours.content_type != theirs.content_type {
        found.push((":".to_owned(), How::Value));
    }
    found
}

#[test]
fn kevels_own_client_puts_the_same_on_the_wire() {
    let (ours, theirs) = (played(&start()), recorded());
    let lines = |all: &[Heard]| all.iter().map(|one| format!("{}: {}", one.part, one.line)).collect::<Vec<_>>();
    assert_eq!(lines(&ours), lines(&theirs));
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for (our, their) in ours.iter().zip(&theirs) {
        for (field, how) in differences(our, their) {
            let fits = DIFFERENCES.iter().enumerate().filter(|(_, (line, name, kind, _))| {
                our.line.starts_with(line) && (*name == field || *name == "*") && *kind == how
            });
            let fits: Vec<usize> = fits.map(|(at, _)| at).collect();
            if fits.is_empty() {
                let values = (our.body.get(&field), their.body.get(&field));
                wrong.push(format!("{}: {} {field}: {how:?} {values:?}", our.part, our.line));
            }
            used.extend(fits);
        }
    }
    let unused = (0..DIFFERENCES.len()).filter(|at| !used.contains(at)).map(|at| DIFFERENCES[at]);
    wrong.extend(unused.map(|entry| format!("this difference no longer occurs: {entry:?}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

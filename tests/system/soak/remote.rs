//! The ad servers against the ledger: on each of them stands exactly what was asked for, and it runs or rests as the buyer said last.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_emulators::control::references;
use serde_json::Value;

use super::{
    base::Base,
    ledger::{Bought, Fate, Sold},
};
use crate::{replicas::Replicas, servers::Server};

/// The id of each remote object, by buy, platform, kind and key: whose it is, as the hosts recorded it.
pub(super) struct Owned(BTreeMap<[String; 4], String>);

impl Owned {
    pub(super) async fn read(base: &mut Base) -> Self {
        let rows: Vec<[String; 5]> = base.texts("SELECT buy, platform, kind, key, remote_id FROM remote_objects").await;
        // An association is named by two ids, everything else by its last part.
        let id = |kind: &str, id: &str| match kind {
            "association" => id.to_owned(),
            _ => id.rsplit('/').next().unwrap_or(id).to_owned(),
        };
        Self(
            rows.into_iter()
                .map(|[buy, platform, kind, key, of]| ([buy, platform, kind.clone(), key], id(&kind, &of)))
                .collect(),
        )
    }

    fn id(&self, buy: &str, server: &str, kind: &str, key: &str) -> &str {
        let place = [buy, server, kind, key].map(str::to_owned);
        self.0.get(&place).unwrap_or_else(|| panic!("nothing is recorded as {place:?}"))
    }

    fn of_kind<'a>(&'a self, server: &'a str, kind: &'a str) -> impl Iterator<Item = &'a String> {
        self.0.iter().filter(move |([_, platform, mine, _], _)| platform == server && mine == kind).map(|(_, id)| id)
    }
}

/// Everything that stands on the ad servers is in the books of one buy, once, and everything in the books stands there. What is in no
/// books is a second object and can't deliver; how many of those there are.
pub(super) fn every_object_belongs_to_one_buy_or_was_stopped(owned: &Owned, replicas: &Replicas) -> usize {
    let mut second = 0;
    for server in replicas.servers.all() {
        for (reference, count) in references::all(server.platform) {
            assert!(count.active <= 1, "{}: {reference} is on {count:?}", server.name);
        }
        let active: BTreeSet<String> = server
            .platform
            .carriers()
            .into_iter()
            .filter(|carrier| carrier.active)
            .map(|carrier| format!("{} {}", carrier.kind, carrier.id))
            .collect();
        for kind in ["order", "package", "creative", "association"] {
            let known: Vec<&String> = owned.of_kind(server.name, kind).collect();
            let unique: BTreeSet<&String> = known.iter().copied().collect();
            assert_eq!(unique.len(), known.len(), "{} {kind}: one object in two buys", server.name);
            let there = match kind {
                "association" => server.associations(),
                kind => all_of(server, kind).iter().map(|object| server.id(object)).collect(),
            };
            let ids: BTreeSet<&String> = there.iter().collect();
            assert_eq!(there.len(), ids.len(), "{} {kind}: one twice", server.name);
            let gone: Vec<_> = unique.difference(&ids).collect();
            assert!(gone.is_empty(), "{} {kind}: in a buy, and not there: {gone:?}", server.name);
            for stranger in ids.difference(&unique) {
                let runs = kind != "association" && active.contains(&format!("{} {stranger}", name_of(server, kind)));
                assert!(!runs && kind != "association", "{} {kind} {stranger} is in no buy, and active", server.name);
                second += 1;
            }
        }
    }
    second
}

/// What the ad server calls a kind.
fn name_of(server: Server<'_>, kind: &str) -> &'static str {
    match kind {
        "order" => server.kinds[0],
        "package" => server.kinds[1],
        _ => "creatives",
    }
}

fn all_of(server: Server<'_>, kind: &str) -> Vec<Value> {
    server.all(name_of(server, kind))
}

/// Each buy's record names exactly what was asked for; a rejected one's nothing, and a refused one's no more than its create.
pub(super) fn every_buy_owns_what_was_asked_for(owned: &Owned, all: &[Bought]) {
    let mut recorded: BTreeMap<&str, BTreeSet<[&str; 3]>> = BTreeMap::new();
    for [buy, platform, kind, key] in owned.0.keys() {
        recorded.entry(buy).or_default().insert([platform, kind, key]);
    }
    for bought in all {
        let mine = recorded.remove(bought.buy.as_str()).unwrap_or_default();
        let mut wanted: BTreeSet<[String; 3]> = BTreeSet::new();
        for Sold { server, package, creatives, .. } in &bought.packages {
            let mut want = |kind: &str, key: String| wanted.insert([(*server).to_owned(), kind.to_owned(), key]);
            want("order", String::new());
            want("package", package.clone());
            if *server == "triton" {
                // The zone in whose days it was booked.
                want("other", format!("time-zone:{package}"));
            }
            for creative in creatives {
                want("creative", creative.clone());
                want("association", format!("{package}/{creative}"));
            }
        }
        let wanted: BTreeSet<[&str; 3]> = wanted.iter().map(|place| place.each_ref().map(String::as_str)).collect();
        match bought.fate {
            Fate::Made => assert_eq!(mine, wanted, "{bought:?}"),
            Fate::Rejected => assert!(mine.is_empty(), "{mine:?} of {bought:?}"),
            Fate::Refused => assert!(mine.is_subset(&wanted), "{mine:?} of {bought:?}"),
        }
    }
    assert!(recorded.is_empty(), "of buys that nobody was told of: {recorded:?}");
}

/// Each package has the goal that was asked for last and is in its buy's order, and each order runs or rests as was said last. At 10 a
/// thousand, a dollar buys a hundred impressions.
pub(super) fn every_buy_is_as_it_was_asked_for_last(owned: &Owned, replicas: &Replicas, all: &[Bought]) {
    for server in replicas.servers.all() {
        let by_id = |kind: &str| -> BTreeMap<String, Value> {
            all_of(server, kind).into_iter().map(|object| (server.id(&object), object)).collect()
        };
        let (orders, items) = (by_id("order"), by_id("package"));
        let running: BTreeSet<String> = server.running().iter().map(|order| server.id(order)).collect();
        let mut may_run = BTreeSet::new();
        for bought in all.iter().filter(|bought| bought.fate == Fate::Made) {
            let mine: Vec<&Sold> = bought.packages.iter().filter(|sold| sold.server == server.name).collect();
            if mine.is_empty() {
                continue;
            }
            let order = owned.id(&bought.buy, server.name, "order", "");
            for sold in &mine {
                let item = &items[owned.id(&bought.buy, server.name, "package", &sold.package)];
                let goal = i64::try_from(sold.budget * 100).expect("small");
                assert_eq!(server.goal(item), goal, "{} of {bought:?}: {item:#}", sold.package);
                assert_eq!(server.order_of(item), order, "{} of {bought:?}: {item:#}", sold.package);
            }
            // An order of Ad Manager is a draft until it has something to show, and as long as the buy rests then.
            let draft = server.name == "gam" && orders[order]["status"] == "DRAFT";
            let shows = mine.iter().any(|sold| !sold.creatives.is_empty());
            assert!(!draft || bought.paused || !shows, "{bought:?}: {:#}", orders[order]);
            if !bought.paused || draft {
                may_run.insert(order.to_owned());
            }
        }
        assert_eq!(running, may_run, "{}: which orders run, and which should", server.name);
    }
}

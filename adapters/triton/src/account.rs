//! The contract's optional interface `account`: the advertiser with its currency, and whether the
//! teams, stations and genres that the settings name are there.
//!
//! An account of its own, with a name and an id, is nowhere documented. So the account is the
//! advertiser, if there is one. Where the lists of teams and stations are is inferred: a list that the
//! platform doesn't have is a warning.

use std::collections::{BTreeMap, BTreeSet};

use flightdeck_adapter::{
    account::{AccountReport, Guest, Product as Sold},
    findings::{ADVERTISER, Findings, Named, State, is_about_advertiser, platform_field, product_field},
    prelude::*,
};
use serde::Deserialize;

use crate::{
    ad_server::Triton,
    api,
    campaign::{self, Advertiser},
    inferred::path,
    settings::{Platform, Product},
};

/// The most objects of one list that are read: ten pages.
const MOST_LISTED: usize = 5_000;

/// Whose days reports count (help pages, creating reports).
const REPORT_DAYS: &str = "Etc/UTC";

/// A station or a team, as it is listed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listed {
    id: i64,
    name: Option<String>,
    time_zone: Option<String>,
    genre: Option<String>,
    market: Option<String>,
}

impl Listed {
    fn called(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Returns its time zone; empty if it tells none.
    fn clock(&self) -> &str {
        self.time_zone.as_deref().unwrap_or_default()
    }
}

/// What a list has, by id.
#[derive(Debug, Default)]
struct List {
    by_id: BTreeMap<String, Listed>,
    /// Why the list does not have everything, if it doesn't.
    lacks: Option<String>,
}

impl List {
    /// Whether some station has a genre or a market that a product names.
    fn some_has(&self, what: &str, has: bool) -> State {
        match (&self.lacks, has) {
            (_, true) => State::Fine("some station has it".to_owned()),
            (Some(why), false) => State::Warning(format!("could not be looked at: {why}")),
            (None, false) => State::Warning(format!("no station has this {what}, so nothing would play there")),
        }
    }
}

impl Guest for Triton {
    fn inspect_account(ctx: Context, products: Vec<Sold>) -> Result<AccountReport, Failure> {
        let (api, platform) = (api::open(&ctx), Platform::read(&ctx)?);
        let mut findings = Findings::default();
        let found = advertiser(&api, &platform, &ctx.advertiser_id, &mut findings)?;
        if !is_about_advertiser(&ctx, &products) {
            // Both lists are read in any case: they show that the login is good.
            let (teams, stations) = (list(&api, path::TEAMS)?, list(&api, path::STATIONS)?);
            if let Some(team) = platform.team_id {
                let state = teams.state(&team.to_string(), "team", |team| State::Fine(team.called().to_owned()));
                findings.add(platform_field("/team_id"), format!("team {team}"), state);
            } else {
                let message = "is not set, and every campaign belongs to a team; set team_id";
                findings.add(platform_field("/team_id"), "team", State::Bad(message.to_owned()));
            }
            of_products(&platform, &products, &stations, &mut findings);
        }
        let found = found.unwrap_or_default();
        Ok(AccountReport {
            account_id: ctx.advertiser_id,
            name: found.name,
            currency: found.currency,
            time_zone: Some(REPORT_DAYS.to_owned()),
            findings: findings.into_list(),
            extensions: Vec::new(),
        })
    }
}

fn advertiser(api: &Api, platform: &Platform, id: &str, findings: &mut Findings) -> Fallible<Option<Advertiser>> {
    if id.is_empty() {
        return Ok(None);
    }
    let found = campaign::advertiser(api, id)?;
    let state = match &found {
        None => State::Bad("does not exist on Triton, or this user may not see it; correct the id".to_owned()),
        Some(one) if !one.is_active() => {
            State::Bad(format!("{} is not active, so none of its flights delivers; activate it", one.name))
        }
        Some(Advertiser { currency: Some(currency), name, .. }) => match &platform.currency {
            Some(set) if set != currency => State::Bad(format!(
                "{name} is billed in {currency}, and the platform's setting currency is {set}; leave that out, or name \
                 another advertiser"
            )),
            _ => State::Fine(format!("{name}, billed in {currency}")),
        },
        Some(Advertiser { name, .. }) if platform.currency.is_none() => {
            State::Bad(format!("{name}: Triton does not tell its currency; set currency in the platform's settings"))
        }
        Some(Advertiser { name, .. }) => State::Fine(name.clone()),
    };
    findings.add(ADVERTISER, format!("advertiser {id}"), state);
    Ok(found)
}

fn of_products(platform: &Platform, products: &[Sold], stations: &List, findings: &mut Findings) {
    let (mut ids, mut genres, mut markets) = (Named::default(), Named::default(), Named::default());
    ids.add_all(&platform.station_ids, &platform_field("/station_ids"));
    for sold in products {
        let at = |rest: &str| product_field(&sold.product_id, rest);
        let mut product = match Product::alone(&sold.settings, &sold.product_id) {
            Ok(product) => product,
            Err(failure) => {
                findings.add(at(""), format!("product {}", sold.product_id), State::Bad(failure.message));
                continue;
            }
        };
        ids.add_all(&product.station_ids, &at("/station_ids"));
        genres.add_all(&product.genres, &at("/genres"));
        markets.add_all(&product.markets, &at("/markets"));
        product.fill(platform);
        let lists = [("content_types", &product.content_types), ("positions", &product.positions)];
        for (setting, words) in lists {
            let state = match words.is_empty() {
                true => State::Bad(format!("is not set, and every flight needs it; set {setting}")),
                false => State::Fine(words.join(", ")),
            };
            findings.add(at(&format!("/{setting}")), format!("{setting} of {}", sold.product_id), state);
        }
        time_zone(&product, stations, at("/time_zone"), &sold.product_id, findings);
    }
    ids.judge("station", findings, |id| {
        stations.state(id, "station", |station| State::Fine(format!("{}, {}", station.called(), station.clock())))
    });
    let known: BTreeSet<&str> = stations.by_id.values().filter_map(|station| station.genre.as_deref()).collect();
    genres.judge("genre", findings, |genre| stations.some_has("genre", known.contains(genre)));
    let known: BTreeSet<&str> = stations.by_id.values().filter_map(|station| station.market.as_deref()).collect();
    markets.judge("market", findings, |market| stations.some_has("market", known.contains(market)));
}

/// Days and hours of flights are those of each station's clock (help pages, creating flight targeting
/// rules).
fn time_zone(product: &Product, stations: &List, field: String, id: &str, findings: &mut Findings) {
    let subject = format!("time zone of {id}");
    if let Err(failure) = product.zone() {
        findings.add(field, subject, State::Bad(failure.message));
        return;
    }
    let set = product.time_zone.as_deref().unwrap_or("UTC");
    let of_product = product.station_ids.iter().filter_map(|station| stations.by_id.get(&station.to_string()));
    let others: BTreeSet<&str> = of_product.map(Listed::clock).collect();
    let others: Vec<&str> = others.into_iter().filter(|zone| !zone.is_empty() && *zone != set).collect();
    let state = match others.as_slice() {
        [] => State::Fine(set.to_owned()),
        others => State::Warning(format!(
            "is {set}, and stations of the product are in {}: their flights follow their own clocks; set time_zone to \
             the stations', or sell them as a product of their own",
            others.join(", ")
        )),
    };
    findings.add(field, subject, state);
}

impl List {
    fn state(&self, id: &str, noun: &str, judge: impl Fn(&Listed) -> State) -> State {
        match (self.by_id.get(id), &self.lacks) {
            (Some(found), _) => judge(found),
            (None, Some(why)) => State::Warning(format!("could not be looked at: {why}")),
            (None, None) => {
                State::Bad(format!("Triton has no such {noun}, or this user may not see it; correct the id"))
            }
        }
    }
}

/// Reads a list, up to a number of objects.
fn list(api: &Api, path: &str) -> Fallible<List> {
    let mut list = List::default();
    for (number, listed) in api::list::<Listed, _>(|| api.get(path)).enumerate() {
        if number == MOST_LISTED {
            list.lacks = Some(format!("only the first {MOST_LISTED} of {path} are read"));
            break;
        }
        match listed {
            Ok(listed) => drop(list.by_id.insert(listed.id.to_string(), listed)),
            // Where the list is, and how it is paged, is inferred.
            Err(failure) if matches!(failure.kind, FailureKind::NotFound | FailureKind::Rejected) => {
                list.lacks = Some(failure.message);
                break;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::{
        account::{Finding, Severity},
        testing::{FakeHost, answer, run},
    };

    use super::*;
    use crate::samples;

    fn inspected(ctx: Context, products: Vec<Sold>, platform: fn(&str) -> (u16, String)) -> AccountReport {
        let host = FakeHost::new(move |request| {
            let (status, body) = platform(&request.url);
            Ok(answer(status, &body))
        });
        run(&host, || Triton::inspect_account(ctx, products)).unwrap().unwrap()
    }

    fn page(items: &str) -> (u16, String) {
        (200, format!(r#"{{"page":1,"totalPages":1,"items":[{items}]}}"#))
    }

    fn without_lists(url: &str) -> (u16, String) {
        match url.contains("/v1/advertisers/") {
            true => (200, r#"{"id":501,"name":"Acme","status":"ACTIVE"}"#.to_owned()),
            false => (404, r#"{"error":{"code":"NO_SUCH_ROUTE","message":"no"}}"#.to_owned()),
        }
    }

    fn of<'f>(findings: &'f [Finding], field: &str) -> &'f Finding {
        findings.iter().find(|finding| finding.field == field).unwrap()
    }

    #[test]
    fn a_list_that_the_platform_lacks_is_a_warning() {
        let settings = r#"{"team_id": 31, "currency": "USD", "station_ids": [7]}"#.to_owned();
        let report = inspected(Context { settings, ..samples::context() }, Vec::new(), without_lists);
        // An advertiser and no products: only the advertiser.
        assert_eq!(report.findings.len(), 1);
        let settings = r#"{"team_id": 31, "station_ids": [7]}"#.to_owned();
        let ctx = Context { settings, advertiser_id: String::new(), ..samples::context() };
        let report = inspected(ctx, Vec::new(), without_lists);
        for field in ["/settings/team_id", "/settings/station_ids/0"] {
            let found = of(&report.findings, field);
            assert_eq!(found.severity, Severity::Warning, "{found:?}");
            assert!(found.message.starts_with("could not be looked at: Triton has no such thing"), "{found:?}");
        }
    }

    #[test]
    fn a_currency_that_nobody_tells_is_to_be_set() {
        let ctx = Context { settings: r#"{"team_id": 31}"#.to_owned(), ..samples::context() };
        let report = inspected(ctx, Vec::new(), without_lists);
        assert_eq!((report.currency, report.findings[0].severity.clone()), (None, Severity::Bad));
        assert!(report.findings[0].message.contains("set currency"));
    }

    #[test]
    fn stations_in_another_zone_are_told() {
        let platform = |url: &str| match url.contains("/v1/stations") {
            true => page(r#"{"id":7,"name":"News","timeZone":"America/New_York","genre":"news","market":"New York"}"#),
            false => page(r#"{"id":31,"name":"Sales"}"#),
        };
        let ctx =
            Context { settings: r#"{"team_id": 31}"#.to_owned(), advertiser_id: String::new(), ..samples::context() };
        let settings = r#"{"station_ids":[7],"genres":["jazz"],"markets":["New York","Oz"],"positions":["pre"],"time_zone":"Europe/Paris"}"#;
        let sold = Sold { product_id: "a".to_owned(), settings: settings.to_owned(), extensions: Vec::new() };
        let report = inspected(ctx, vec![sold], platform);
        let severity = |field: &str| of(&report.findings, field).severity.clone();
        assert_eq!(severity("/settings/team_id"), Severity::Fine);
        assert_eq!(severity("/products/a/station_ids/0"), Severity::Fine);
        assert_eq!(severity("/products/a/time_zone"), Severity::Warning);
        assert_eq!(severity("/products/a/genres/0"), Severity::Warning);
        assert_eq!(severity("/products/a/markets/0"), Severity::Fine);
        assert_eq!(severity("/products/a/markets/1"), Severity::Warning);
        assert_eq!(severity("/products/a/positions"), Severity::Fine);
        assert_eq!(severity("/products/a/content_types"), Severity::Bad);
    }
}

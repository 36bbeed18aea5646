//! The contract's optional interface `account`: the network, and the state of everything that the
//! settings and the products name. One filtered list for each kind, which all may be named by their
//! resource names, or by their tag names for key-values (reference, filterable fields).

use std::collections::BTreeMap;

use flightdeck_adapter::{
    account::{AccountReport, Guest, Product},
    findings::{ADVERTISER, Findings, Named, State, is_about_advertiser, platform_field},
    prelude::*,
};
use serde::Deserialize;

use super::{
    Account,
    named::{self, Things},
    read, read_now,
};
use crate::{
    ad_server::Gam,
    api::{self, AT_ONCE, Network, any, is_id, quoted},
    settings::Platform,
};

/// What this adapter looks at of an object. No object has all of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    name: String,
    display_name: String,
    ad_tag_name: String,
    custom_targeting_key: String,
    status: String,
    credit_status: String,
    entity_type: String,
    #[serde(rename = "type")]
    kind: String,
    active: Option<bool>,
    targetable: Option<bool>,
}

/// What a list has of the ids that were asked for, or why Ad Manager doesn't show it.
type Seen = Result<BTreeMap<String, Entry>, String>;

impl Guest for Gam {
    fn inspect_account(ctx: Context, products: Vec<Product>) -> Result<AccountReport, Failure> {
        let network = api::open(&ctx, Platform::read(&ctx)?);
        let alone = is_about_advertiser(&ctx, &products);
        let account = if alone { read(&network)? } else { read_now(&network)? };
        let mut findings = Findings::default();
        if !ctx.advertiser_id.is_empty() {
            advertiser(&network, &ctx.advertiser_id, &mut findings)?;
        }
        if !alone {
            of_network(&network.platform, &account, &mut findings);
            let things = Things::of(&network.platform, &products, &mut findings);
            of_people(&network, &things, &mut findings)?;
            of_inventory(&network, &things, &mut findings)?;
            of_key_values(&network, &things, &mut findings)?;
        }
        Ok(AccountReport {
            account_id: network.platform.network_code.clone(),
            name: account.display_name,
            currency: Some(account.currency_code),
            time_zone: Some(account.time_zone).filter(|zone| !zone.is_empty()),
            findings: findings.into_list(),
            extensions: Vec::new(),
        })
    }
}

fn of_network(platform: &Platform, account: &Account, findings: &mut Findings) {
    let mut said = format!("counts in {}, by the days of {}", account.currency_code, account.time_zone);
    if !account.secondary_currency_codes.is_empty() {
        let others = account.secondary_currency_codes.join(", ");
        said = format!("{said}; flightdeck does not use its secondary currencies ({others})");
    }
    if account.test_network {
        said.push_str("; it is a test network, which serves nothing to readers");
    }
    findings.add(platform_field("/network_code"), format!("network {}", platform.network_code), State::Fine(said));
    if let Some(currency) = &platform.currency {
        let state = if *currency == account.currency_code {
            State::Fine("is the network's".to_owned())
        } else {
            let own = &account.currency_code;
            State::Bad(format!("is not the network's, which is {own}: set currency to {own}, or leave it out"))
        };
        findings.add(platform_field("/currency"), format!("currency {currency}"), state);
    }
}

fn advertiser(network: &Network, id: &str, findings: &mut Findings) -> Fallible<()> {
    let mut named = Named::default();
    named.add(id, ADVERTISER);
    let seen = by_id(network, "companies", &named)?;
    judge(network, ("companies", "company"), &named, &seen, findings, |company| {
        // Type `Order.advertiser` says that it is an advertiser; house ads have one of their own.
        if !matches!(company.kind.as_str(), "" | "ADVERTISER" | "HOUSE_ADVERTISER") {
            return bad(company, format_args!("has the type {}, and an order needs an advertiser", company.kind));
        }
        // Type `CompanyCreditStatus`.
        match company.credit_status.as_str() {
            "" | "ACTIVE" => State::Fine(company.display_name.clone()),
            "ON_HOLD" => {
                bad(company, "has the credit status ON_HOLD, with which no order can be approved; set it to ACTIVE")
            }
            other => bad(
                company,
                format_args!("has the credit status {other}, with which no order can be made; set it to ACTIVE"),
            ),
        }
    });
    Ok(())
}

fn of_people(network: &Network, things: &Things, findings: &mut Findings) -> Fallible<()> {
    let seen = by_id(network, "users", &things.users)?;
    judge(network, ("users", "user"), &things.users, &seen, findings, |user| match user.active {
        Some(false) => bad(user, "is not active; activate the user, or name another one"),
        _ => State::Fine(user.display_name.clone()),
    });
    let seen = by_id(network, "companies", &things.agencies)?;
    judge(network, ("companies", "agency"), &things.agencies, &seen, findings, |company| match company.kind.as_str() {
        "" | "AGENCY" | "HOUSE_AGENCY" => State::Fine(company.display_name.clone()),
        other => bad(company, format_args!("has the type {other}, and agency_id needs an agency")),
    });
    let seen = by_id(network, "teams", &things.teams)?;
    judge(network, ("teams", "team"), &things.teams, &seen, findings, |team| match team.status.as_str() {
        "INACTIVE" => State::Warning(format!("{} is not active", team.display_name)),
        _ => State::Fine(team.display_name.clone()),
    });
    let seen = by_id(network, "labels", &things.labels)?;
    judge(network, ("labels", "label"), &things.labels, &seen, findings, |label| match label.active {
        Some(false) => bad(label, "is not active; activate it, or name another one"),
        _ => State::Fine(label.display_name.clone()),
    });
    for (named, of) in [(&things.order_fields, "ORDER"), (&things.item_fields, "LINE_ITEM")] {
        let seen = by_id(network, "customFields", named)?;
        judge(network, ("customFields", "custom field"), named, &seen, findings, |field| {
            if field.status == "INACTIVE" {
                return bad(field, "is not active; activate it, or leave it out");
            }
            match field.entity_type.as_str() {
                entity if entity.is_empty() || entity == of => State::Fine(field.display_name.clone()),
                entity => bad(field, format_args!("is a field of {entity}, and not of {of}; name another one")),
            }
        });
    }
    Ok(())
}

fn of_inventory(network: &Network, things: &Things, findings: &mut Findings) -> Fallible<()> {
    // Types `AdUnitStatus`, `PlacementStatus`.
    let serves = |entry: &Entry| match entry.status.as_str() {
        "" | "ACTIVE" => State::Fine(entry.display_name.clone()),
        "ARCHIVED" => bad(entry, "is archived, and serves no ads; activate it, or name another one"),
        other => bad(entry, format_args!("is {other}, and serves no ads; activate it, or name another one")),
    };
    let seen = by_id(network, "adUnits", &things.ad_units)?;
    judge(network, ("adUnits", "ad unit"), &things.ad_units, &seen, findings, serves);
    let seen = by_id(network, "adUnits", &things.excluded_ad_units)?;
    judge(network, ("adUnits", "excluded ad unit"), &things.excluded_ad_units, &seen, findings, |unit| {
        match unit.status.as_str() {
            "" | "ACTIVE" => State::Fine(unit.display_name.clone()),
            other => State::Warning(format!("{} is {other}: it serves no ads in any case", unit.display_name)),
        }
    });
    let seen = by_id(network, "placements", &things.placements)?;
    judge(network, ("placements", "placement"), &things.placements, &seen, findings, serves);
    let seen = by_id(network, "geoTargets", &things.places)?;
    judge(network, ("geoTargets", "place"), &things.places, &seen, findings, |place| match place.targetable {
        Some(false) => bad(place, "can't be targeted any more; name another one"),
        _ => State::Fine(place.display_name.clone()),
    });
    Ok(())
}

/// Keys and values are named by what ad requests send.
fn of_key_values(network: &Network, things: &Things, findings: &mut Findings) -> Fallible<()> {
    let is_active = |entry: &Entry| match entry.status.as_str() {
        "INACTIVE" => State::Bad("is not active; activate it, or leave it out".to_owned()),
        _ => State::Fine(entry.display_name.clone()),
    };
    let tag = |name: &str| Some(format!("adTagName = {}", quoted(name)));
    let keys = listed(network, "customTargetingKeys", &things.keys, tag, |key| Some(key.ad_tag_name.clone()))?;
    let missing = "Ad Manager has no custom targeting key of this name; correct it, or create the key there";
    things.keys.judge("key", findings, |name| state(&keys, name, missing, is_active));

    let known = keys.unwrap_or_default();
    let names: BTreeMap<&str, &str> = known.iter().map(|(tag, key)| (key.name.as_str(), tag.as_str())).collect();
    let clause = |id: &str| {
        let (key, value) = id.split_once('=')?;
        let key = known.get(key)?;
        Some(format!("(customTargetingKey = {} AND adTagName = {})", quoted(&key.name), quoted(value)))
    };
    let id = |value: &Entry| {
        let key = names.get(value.custom_targeting_key.as_str())?;
        Some(named::value(key, &value.ad_tag_name))
    };
    let values = listed(network, "customTargetingValues", &things.values, clause, id)?;
    let missing = "the key has no value of this name; correct it, or create the value there";
    things.values.judge("value", findings, |id| state(&values, id, missing, is_active));
    Ok(())
}

fn bad(entry: &Entry, what: impl std::fmt::Display) -> State {
    State::Bad(format!("{} {what}", entry.display_name))
}

fn judge(
    network: &Network,
    (collection, noun): (&str, &str),
    named: &Named,
    seen: &Seen,
    findings: &mut Findings,
    judge: impl Fn(&Entry) -> State,
) {
    let missing = format!(
        "is not in the network {}, or the service account may not see it; correct the id",
        network.platform.network_code
    );
    named.judge(noun, findings, |id| state(seen, &network.name(collection, id), &missing, &judge));
}

fn state(seen: &Seen, name: &str, missing: &str, judge: impl Fn(&Entry) -> State) -> State {
    match seen {
        Ok(found) => found.get(name).map_or_else(|| State::Bad(missing.to_owned()), judge),
        Err(why) => State::Warning(format!("could not be looked at: {why}")),
    }
}

/// Returns the objects of these ids, by resource name.
fn by_id(network: &Network, collection: &str, named: &Named) -> Fallible<Seen> {
    // An id that is none, as a name in its place, can't be in the list.
    let clause = |id: &str| is_id(id).then(|| format!("name = {}", quoted(&network.name(collection, id))));
    listed(network, collection, named, clause, |entry| Some(entry.name.clone()))
}

/// Returns the objects of a collection that `clause` describes, by what `key` says they are. A
/// service account may see the network and not its users: that is no failure of the inspection.
fn listed(
    network: &Network,
    collection: &str,
    named: &Named,
    clause: impl Fn(&str) -> Option<String>,
    key: impl Fn(&Entry) -> Option<String>,
) -> Fallible<Seen> {
    let clauses: Vec<String> = named.ids().filter_map(clause).collect();
    let mut found = BTreeMap::new();
    for some in clauses.chunks(AT_ONCE) {
        for entry in network.list::<Entry>(collection, collection, &any(some.iter().cloned())) {
            match entry {
                Ok(entry) => drop(key(&entry).and_then(|key| found.insert(key, entry))),
                Err(failure) if matches!(failure.kind, FailureKind::Permission | FailureKind::NotFound) => {
                    return Ok(Err(failure.message));
                }
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(Ok(found))
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::{
        account::Severity,
        findings::MOST,
        testing::{FakeHost, answer, run},
    };

    use super::*;
    use crate::samples;

    const NETWORK: &str = r#"{"displayName": "Acme News", "networkCode": "21700001", "currencyCode": "EUR",
        "secondaryCurrencyCodes": ["USD", "CHF"], "timeZone": "Europe/Berlin"}"#;
    const FORBIDDEN: &str =
        r#"{"error": {"code": 403, "message": "no access to users", "status": "PERMISSION_DENIED"}}"#;

    fn inspected(settings: &str, list: fn(&str) -> (u16, &'static str)) -> (AccountReport, usize) {
        let host = FakeHost::new(move |request| {
            let (status, body) = match request.url.split_once("/networks/21700001/") {
                None => (200, NETWORK),
                Some((_, path)) => list(path),
            };
            Ok(answer(status, body))
        });
        let ctx = Context { settings: settings.to_owned(), advertiser_id: String::new(), ..samples::context() };
        let report = run(&host, || Gam::inspect_account(ctx, Vec::new())).unwrap().unwrap();
        (report, host.requests().len())
    }

    #[test]
    fn a_list_that_the_account_may_not_read_is_a_warning() {
        let settings = r#"{"network_code": "21700001", "trafficker_id": "5001", "placements": ["6501"]}"#;
        let (report, _) = inspected(settings, |path| match path.starts_with("users") {
            true => (403, FORBIDDEN),
            false => (200, r#"{"placements": [{"name": "networks/21700001/placements/6501", "status": "ARCHIVED"}]}"#),
        });
        let of = |field: &str| report.findings.iter().find(|finding| finding.field == field).unwrap();
        assert_eq!(of("/settings/trafficker_id").severity, Severity::Warning);
        assert!(of("/settings/trafficker_id").message.contains("no access to users"));
        assert_eq!(of("/settings/placements/0").severity, Severity::Bad);
    }

    #[test]
    fn secondary_currencies_are_shown() {
        let (report, _) = inspected(r#"{"network_code": "21700001", "trafficker_id": "5001"}"#, |_| (200, "{}"));
        assert_eq!((report.currency.as_deref(), report.time_zone.as_deref()), (Some("EUR"), Some("Europe/Berlin")));
        let network = &report.findings[0];
        assert_eq!((network.field.as_str(), network.severity.clone()), ("/settings/network_code", Severity::Fine));
        assert!(network.message.contains("secondary currencies (USD, CHF)"), "{}", network.message);
    }

    #[test]
    fn an_inspection_is_bounded() {
        let units: Vec<String> = (0..2_000).map(|id| format!(r#"{{"id": "{id}"}}"#)).collect();
        let settings =
            format!(r#"{{"network_code": "21700001", "trafficker_id": "5001", "ad_units": [{}]}}"#, units.join(","));
        let (report, requests) = inspected(&settings, |_| (200, "{}"));
        // The network, its users, and the ad units.
        assert_eq!(requests, 2 + MOST.div_ceil(AT_ONCE));
        assert_eq!(report.findings.len(), 2 + MOST + 1);
    }
}

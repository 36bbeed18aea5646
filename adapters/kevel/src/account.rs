//! The contract's optional interface `account`: the network's id, the advertiser, and whether
//! everything that the settings name is there and in use.
//!
//! Kevel's lists have no filters (OpenAPI document), so each list is read to its end, or until
//! everything that is named was seen. Kevel tells neither the currency of a network nor its time zone.

mod named;

use std::collections::BTreeMap;

use flightdeck_adapter::{
    account::{AccountReport, Guest, Product as Sold},
    cache,
    findings::{ADVERTISER, Findings, Named, State, currency_of, is_about_advertiser, platform_field, product_field},
    prelude::*,
};
use serde::Deserialize;

use self::named::Things;
use crate::{
    ad_server::Kevel,
    api,
    settings::{Platform, VideoTemplate},
};

/// The key under which the network's id is kept, for the inspections of advertisers.
const NETWORK: &str = "network";
/// How long it is kept, in seconds: it never changes.
const KEPT_SECONDS: u32 = 3_600;
/// The most objects of one list that are read: 25 pages.
const MOST_LISTED: usize = 5_000;

/// An object of a list, as far as this adapter looks at it. No object has all of it, and Kevel writes
/// null for much of what is not set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Listed {
    id: Option<i64>,
    name: Option<String>,
    title: Option<String>,
    channel_id: Option<i64>,
    site_id: Option<i64>,
    width: Option<i64>,
    height: Option<i64>,
    is_active: Option<bool>,
    is_archived: Option<bool>,
    is_deleted: Option<bool>,
    fields: Option<Vec<TemplateField>>,
}

/// A field of a creative template.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TemplateField {
    variable: Option<String>,
    required: Option<bool>,
}

impl Listed {
    fn called(&self) -> &str {
        self.name.as_deref().or(self.title.as_deref()).unwrap_or_default()
    }

    /// Why it is not in use, if it isn't.
    fn is_off(&self) -> Option<&'static str> {
        match self {
            Self { is_deleted: Some(true), .. } => Some("is deleted"),
            Self { is_archived: Some(true), .. } => Some("is archived"),
            Self { is_active: Some(false), .. } => Some("is not active"),
            _ => None,
        }
    }

    fn state(&self) -> State {
        match self.is_off() {
            Some(off) => State::Bad(format!("{} {off}; name another one", self.called())),
            None => State::Fine(self.called().to_owned()),
        }
    }
}

impl Guest for Kevel {
    fn inspect_account(ctx: Context, products: Vec<Sold>) -> Result<AccountReport, Failure> {
        let (api, platform) = (api::open(&ctx), Platform::read(&ctx)?);
        let mut findings = Findings::default();
        if !ctx.advertiser_id.is_empty() {
            advertiser(&api, &ctx, &mut findings)?;
        }
        let alone = is_about_advertiser(&ctx, &products);
        let account_id = if alone { cache::kept(NETWORK, KEPT_SECONDS, || network(&api))? } else { network(&api)? };
        if !alone {
            cache::keep(NETWORK, KEPT_SECONDS, &account_id);
            if account_id.is_empty() {
                let message = "Kevel does not tell the network's id to this key";
                findings.add("", "network", State::Warning(message.to_owned()));
            }
            currency(&platform, &products, &mut findings);
            let things = Things::of(&platform, &products, &mut findings);
            look(&api, &things, &mut findings)?;
        }
        Ok(AccountReport {
            account_id,
            name: String::new(),
            currency: None,
            time_zone: None,
            findings: findings.into_list(),
            extensions: Vec::new(),
        })
    }
}

/// Returns the network's id, which the counts of its objects have (OpenAPI document, entity counts);
/// empty if Kevel does not tell it.
fn network(api: &Api) -> Fallible<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Counts {
        network_id: Option<i64>,
    }
    let counts: Option<Counts> = api.get("/v1/entitycounts").fetch_if_any()?;
    Ok(counts.and_then(|counts| counts.network_id).map(|id| id.to_string()).unwrap_or_default())
}

/// The settings say the network's currency, if anybody does. So the host, which compares what the
/// platform tells, can't compare it with the products'.
fn currency(platform: &Platform, products: &[Sold], findings: &mut Findings) {
    let field = platform_field("/currency");
    match &platform.currency {
        Some(currency) => {
            let message = "is what the settings say; Kevel does not tell its network's currency".to_owned();
            findings.add(field, format!("currency {currency}"), State::Fine(message));
            for sold in products {
                let Some(other) = currency_of(sold).filter(|other| other != currency) else { continue };
                let message = format!(
                    "is sold in {other}, and the settings say that the network counts in {currency}: set its currency \
                     to {currency}, with a price in it"
                );
                let field = product_field(&sold.product_id, "/currency");
                findings.add(field, format!("currency of {}", sold.product_id), State::Bad(message));
            }
        }
        None => {
            let message = "is not set, and Kevel does not tell its network's: a buy in any currency is booked as it \
                           is; set currency to the network's";
            findings.add(field, "currency", State::Warning(message.to_owned()));
        }
    }
}

fn advertiser(api: &Api, ctx: &Context, findings: &mut Findings) -> Fallible<()> {
    let found: Option<Listed> = match api::advertiser(ctx) {
        Ok(id) => api.get(path!("/v1/advertiser/{}", id)).fetch_if_any()?,
        Err(_) => None,
    };
    let state = match found {
        Some(found) => found.state(),
        None => State::Bad("Kevel has no such advertiser; correct the id".to_owned()),
    };
    findings.add(ADVERTISER, format!("advertiser {}", ctx.advertiser_id), state);
    Ok(())
}

/// What a list has, and whether it was read to its end.
struct List {
    by_id: BTreeMap<String, Listed>,
    whole: bool,
}

impl List {
    fn state(&self, id: &str, judge: impl Fn(&Listed) -> State) -> State {
        match self.by_id.get(id) {
            Some(found) => judge(found),
            None if self.whole => State::Bad("Kevel's list does not have it; correct the id".to_owned()),
            None => State::Warning(format!("is not among the first {MOST_LISTED} of Kevel's list; look there")),
        }
    }
}

fn look(api: &Api, things: &Things, findings: &mut Findings) -> Fallible<()> {
    let priorities = list(api, "/v1/priority", &things.priorities, id)?;
    things.priorities.judge("priority", findings, |id| priorities.state(id, Listed::state));
    let mut channels = Named::default();
    for of_product in &things.channels {
        let of_priority = priorities.by_id.get(&of_product.priority).and_then(|priority| priority.channel_id);
        if let Some(channel) = of_priority {
            channels.add(channel.to_string(), of_product.field.clone());
        }
    }
    let listed = list(api, "/v1/channel", &channels, id)?;
    channels.judge("channel", findings, |id| listed.state(id, Listed::state));

    let ad_types = list(api, "/v1/adtypes", &things.ad_types, id)?;
    things.ad_types.judge("ad type", findings, |id| ad_types.state(id, Listed::state));
    let sizes =
        list(api, "/v1/adtypes", &things.sizes, |listed| Some(format!("{}x{}", listed.width?, listed.height?)))?;
    things.sizes.judge("ad type of", findings, |size| sizes.state(size, Listed::state));

    let sites = list(api, "/v1/site", &things.sites, id)?;
    things.sites.judge("site", findings, |id| sites.state(id, Listed::state));
    let zones = list(api, "/v1/zone", &things.zones, id)?;
    things.zones.judge("zone", findings, |id| {
        zones.state(id, |zone| match (things.site_of_zone.get(id), zone.site_id) {
            (Some(named), Some(site)) if *named != site => State::Bad(format!(
                "{} belongs to site {site}, and not to site {named}; correct site_id",
                zone.called()
            )),
            _ => zone.state(),
        })
    });
    in_channels(api, things, &priorities, findings)?;

    let templates = list(api, "/v2/creative-templates", &things.templates, id)?;
    things.templates.judge("creative template", findings, |id| {
        templates.state(id, |found| {
            let uses = things.uses.get(id).filter(|_| found.is_off().is_none());
            let wrong = uses.into_iter().flatten().find_map(|template| misfit(found, template));
            wrong.map_or_else(|| found.state(), State::Bad)
        })
    });
    Ok(())
}

/// A flight is served on sites of its priority's channel only (OpenAPI document, `SiteId` of ads).
fn in_channels(api: &Api, things: &Things, priorities: &List, findings: &mut Findings) -> Fallible<()> {
    let key = |channel: i64, site: i64| format!("{site} in channel {channel}");
    let mut pairs = Named::default();
    for of_product in &things.channels {
        let of_priority = priorities.by_id.get(&of_product.priority).and_then(|priority| priority.channel_id);
        let Some(channel) = of_priority else { continue };
        for (site, field) in &of_product.sites {
            pairs.add(key(channel, *site), field.clone());
        }
    }
    let listed = list(api, "/v1/channelSite", &pairs, |pair| Some(key(pair.channel_id?, pair.site_id?)))?;
    pairs.judge("site", findings, |pair| match listed.by_id.contains_key(pair) {
        true => State::Fine("the channel of the priority has it".to_owned()),
        false if listed.whole => {
            let message = "the channel of the priority does not have this site, so no flight is served there; add the \
                           site to the channel, or name a priority of another one";
            State::Bad(message.to_owned())
        }
        false => State::Warning(format!("is not among the first {MOST_LISTED} of Kevel's list; look there")),
    });
    Ok(())
}

/// Says what a template lacks of the fields that the settings name, whose case counts, or requires
/// besides (guide, creative templates).
fn misfit(found: &Listed, template: &VideoTemplate) -> Option<String> {
    let named = template.fields.named();
    let fields = found.fields.as_deref().unwrap_or_default();
    let is_there = |name: &String| fields.iter().any(|field| field.variable.as_ref() == Some(name));
    let unknown: Vec<&str> = named.iter().filter(|name| !is_there(name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Some(format!("{} has no field {}; correct the names in fields", found.called(), unknown.join(", ")));
    }
    let required = fields.iter().filter(|field| field.required == Some(true));
    let unfilled = required.filter_map(|field| field.variable.as_ref()).filter(|name| !named.contains(name));
    let unfilled: Vec<&str> = unfilled.map(String::as_str).collect();
    (!unfilled.is_empty())
        .then(|| format!("{} requires {} besides; name it in fields", found.called(), unfilled.join(", ")))
}

fn id(listed: &Listed) -> Option<String> {
    listed.id.map(|id| id.to_string())
}

/// Reads a list until everything that is named was seen, up to a number of objects. Reads nothing if
/// nothing is named.
fn list(api: &Api, path: &str, named: &Named, key: impl Fn(&Listed) -> Option<String>) -> Fallible<List> {
    let mut missing: std::collections::BTreeSet<&str> = named.ids().collect();
    let mut list = List { by_id: BTreeMap::new(), whole: true };
    if missing.is_empty() {
        return Ok(list);
    }
    for (number, listed) in api::list::<Listed, _>(|| api.get(path)).enumerate() {
        if number == MOST_LISTED {
            list.whole = false;
            break;
        }
        let listed = listed?;
        let Some(key) = key(&listed).filter(|key| missing.remove(key.as_str())) else { continue };
        list.by_id.insert(key, listed);
        if missing.is_empty() {
            break;
        }
    }
    Ok(list)
}

//! The data that an adapter looks up: advertisers, and the seeded channels, priorities, ad types,
//! sites, zones, templates and places.

use serde_json::{Map, Value, json};

use super::{
    campaigns::{frequency, same_id},
    fields,
    paging::{page, page_of},
    refusal::Refusal,
    routes::{Desk, Done, Reply, no_route},
    schema,
    seed::{self, Template},
    state::stamp_next,
};

pub(super) fn create_advertiser(desk: &mut Desk<'_>) -> Done {
    let mut object = schema::read(&fields::ADVERTISER, &desk.body()?)?;
    frequency(&object)?;
    object.set("LastModified", schema::write_moment(desk.now));
    object.set("Version", 1);
    let id = desk.state.advertisers.insert(0, 0, object);
    get_advertiser(desk, id)
}

pub(super) fn get_advertiser(desk: &mut Desk<'_>, id: i64) -> Done {
    let record = desk.state.advertisers.get(id)?;
    Ok(Reply::ok(desk.state.render("advertisers", record)))
}

pub(super) fn update_advertiser(desk: &mut Desk<'_>, id: i64) -> Done {
    let before = desk.state.advertisers.get(id)?;
    let body = desk.body()?;
    same_id(&body, "Id", id)?;
    let mut object = schema::read(&fields::ADVERTISER, &body)?;
    frequency(&object)?;
    stamp_next(&mut object, &before.object, desk.now);
    desk.state.advertisers.replace(id, object);
    get_advertiser(desk, id)
}

pub(super) fn list_advertisers(desk: &mut Desk<'_>, name: Option<&str>) -> Done {
    match name {
        Some(name) => page(desk, "advertisers", desk.state.advertisers.named_like(name).into_iter()),
        None => page(desk, "advertisers", desk.state.advertisers.all()),
    }
}

/// Returns a read-only resource.
pub(super) fn get(desk: &mut Desk<'_>, segments: &[&str]) -> Done {
    match segments {
        ["v1", "priority"] => page_of(desk, priorities()),
        ["v1", "priority", id] => one(priorities(), "priority", id),
        ["v1", "channel"] => page_of(desk, channels()),
        ["v1", "channel", id] => one(channels(), "channel", id),
        ["v1", "channelSite"] => page_of(desk, channel_sites()),
        ["v1", "entitycounts"] => Ok(Reply::ok(entity_counts(desk))),
        ["v1", "adtypes"] | ["v1", "channel", _, "adtypes"] => page_of(desk, ad_types()),
        ["v1", "site"] => page_of(desk, sites()),
        ["v1", "site", id] => one(sites(), "site", id),
        ["v1", "zone"] => page_of(desk, zones()),
        ["v1", "zone", id] => one(zones(), "zone", id),
        ["v2", "creative-templates"] => page_of(desk, templates()),
        ["v2", "creative-templates", id] => one(templates(), "creative template", id),
        ["v1", "countries"] => {
            let list = seed::COUNTRIES
                .iter()
                .map(|(code, name)| json!({ "Name": name, "Code": code, "Regions": null }))
                .collect();
            Ok(Reply::ok(Value::Array(list)))
        }
        ["v1", "country", code, "regions"] => regions(code),
        ["v1", "region", code] => Ok(Reply::ok(metros(code).into_values().collect::<Vec<_>>())),
        _ => Err(no_route(desk.call)),
    }
}

fn one(values: Vec<Value>, noun: &str, id: &str) -> Done {
    let found = values
        .into_iter()
        .find(|value| value.get("Id").and_then(Value::as_i64).is_some_and(|found| found.to_string() == id));
    found.map(Reply::ok).ok_or_else(|| Refusal::no_such(noun, id))
}

fn priorities() -> Vec<Value> {
    let value = |(id, name, channel, weight): &(i64, &str, i64, i64)| {
        json!({
            "Id": id, "Name": name, "ChannelId": channel, "Weight": weight, "IsDeleted": false,
            "SelectionAlgorithm": 0, "IsAuction": false, "FloorPrice": null,
        })
    };
    seed::PRIORITIES.iter().map(value).collect()
}

fn channels() -> Vec<Value> {
    let types: Vec<i64> = seed::AD_TYPES.iter().map(|kind| kind.0).collect();
    let value = |(id, title): &(i64, &str)| json!({ "Id": id, "Title": title, "AdTypes": types, "IsDeleted": false, "Engine": "0", "CPM": 0.0 });
    seed::CHANNELS.iter().map(value).collect()
}

fn channel_sites() -> Vec<Value> {
    let value = |(channel, site): &(i64, i64)| json!({ "ChannelId": channel, "SiteId": site, "Priority": null });
    seed::CHANNEL_SITES.iter().map(value).collect()
}

/// The counts are texts (OpenAPI document, entity counts).
fn entity_counts(desk: &Desk<'_>) -> Value {
    let count = |kind: &str| {
        let shelf = desk.state.shelves().into_iter().find(|shelf| shelf.kind == kind);
        shelf.map_or(0, |shelf| shelf.count()).to_string()
    };
    json!({
        "NetworkId": seed::NETWORK,
        "EffectiveAt": schema::write_moment(desk.now),
        "BillableAdvertisers": count("advertisers"),
        "BillableCampaigns": count("campaigns"),
        "BillableFlights": count("flights"),
        "BillableAds": count("ads"),
        "BillableCreatives": count("creatives"),
        "BillableChannels": seed::CHANNELS.len().to_string(),
        "BillableSites": seed::SITES.len().to_string(),
        "BillableZones": seed::ZONES.len().to_string(),
    })
}

fn ad_types() -> Vec<Value> {
    let value = |(id, width, height, name): &(i64, i64, i64, &str)| json!({ "Id": id, "Width": width, "Height": height, "Name": name });
    seed::AD_TYPES.iter().map(value).collect()
}

fn sites() -> Vec<Value> {
    let value =
        |(id, title, url): &(i64, &str, &str)| json!({ "Id": id, "Title": title, "Url": url, "IsDeleted": false });
    seed::SITES.iter().map(value).collect()
}

fn zones() -> Vec<Value> {
    let value =
        |(id, name, site): &(i64, &str, i64)| json!({ "Id": id, "Name": name, "SiteId": site, "IsDeleted": false });
    seed::ZONES.iter().map(value).collect()
}

fn templates() -> Vec<Value> {
    seed::TEMPLATES.iter().map(template).collect()
}

fn template(template: &Template) -> Value {
    let fields: Vec<Value> = template
        .fields
        .iter()
        .map(|field| {
            json!({
                "Name": field.name,
                "Variable": field.variable,
                "Type": field.kind,
                "Required": field.required,
                "Description": field.description,
                "Hidden": false,
                "MaxBytes": field.max_bytes,
                "AllowedValues": (!field.allowed.is_empty()).then_some(field.allowed),
                "Regex": null,
            })
        })
        .collect();
    json!({
        "Id": template.id,
        "Name": template.name,
        "Description": template.description,
        "IsArchived": false,
        "Fields": fields,
        "Contents": [{ "Type": "Raw", "Body": template.body }],
    })
}

fn regions(code: &str) -> Done {
    let country = seed::country(code).ok_or_else(|| Refusal::no_such("country", code))?;
    let regions: Map<String, Value> = seed::REGIONS
        .iter()
        .filter(|(of, ..)| *of == country.0)
        .map(|(of, region, name)| {
            let metros = if *of == "US" { Value::Object(metros(region)) } else { Value::Null };
            let value = json!({ "Name": name, "Code": region, "CountryCode": of, "Metros": metros });
            ((*region).to_owned(), value)
        })
        .collect();
    Ok(Reply::ok(json!({ "Name": country.1, "Code": country.0, "Regions": regions })))
}

fn metros(region: &str) -> Map<String, Value> {
    seed::METROS
        .iter()
        .filter(|(_, _, regions)| regions.contains(&region))
        .map(|(code, name, regions)| {
            let value = json!({ "Name": name, "Code": code.to_string(), "RegionCodes": regions });
            (code.to_string(), value)
        })
        .collect()
}

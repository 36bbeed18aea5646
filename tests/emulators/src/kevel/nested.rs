//! A campaign with its flights and ads in one request: `POST /v2/campaign`.
//!
//! Everything is checked before anything is stored, so a refused request leaves nothing behind.
//! Geographic, site and day part targeting are not part of this form and are ignored.

use serde_json::{Map, Value, json};

use super::{
    ads, campaigns, creatives, fields, flights,
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{self, Object},
};

struct Flight {
    object: Object,
    ads: Vec<(Object, Object)>,
}

pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    let body = desk.body()?;
    let campaign = campaigns::read(desk.state, &body)?;
    let mut planned = Vec::new();
    for (index, flight) in list(&body, "Flights")?.iter().enumerate() {
        let within = |refusal: Refusal| inside(&format!("Flights[{index}]"), &refusal);
        let flight = map(flight).map_err(within)?;
        let object = flights::read(flight).map_err(within)?;
        let ads = read_ads(flight).map_err(within)?;
        planned.push(Flight { object, ads });
    }
    let advertiser = campaign.int("AdvertiserId").unwrap_or(0);
    let campaign = campaigns::add(desk, campaign);
    let mut made = Vec::new();
    for Flight { object, ads: planned_ads } in planned {
        let flight = flights::add(desk, campaign, object);
        let mut made_ads = Vec::new();
        for (ad, creative) in planned_ads {
            let creative = creatives::add(desk, advertiser, creative);
            let ad = ads::add(desk, flight, creative, ad);
            made_ads.push(json!({ "Id": ad, "Creative": { "Id": creative } }));
        }
        made.push(json!({ "Id": flight, "Ads": made_ads }));
    }
    Ok(Reply::ok(json!({ "Id": campaign, "Flights": made })))
}

fn read_ads(flight: &Map<String, Value>) -> Result<Vec<(Object, Object)>, Refusal> {
    let mut planned = Vec::new();
    for (index, ad) in list(flight, "Ads")?.iter().enumerate() {
        let within = |refusal: Refusal| inside(&format!("Ads[{index}]"), &refusal);
        let ad = map(ad).map_err(within)?;
        let object = schema::read(&fields::AD, ad).map_err(within)?;
        campaigns::frequency(&object).map_err(within)?;
        let creative = ad.get("Creative").ok_or_else(|| Refusal::invalid("Creative is required"));
        let creative = creative.and_then(map).map_err(within)?;
        let creative = creatives::read(creative);
        planned.push((object, creative.map_err(|refusal| within(inside("Creative", &refusal)))?));
    }
    Ok(planned)
}

fn list<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b [Value], Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Refusal::invalid(format!("{name} must be a list"))),
    }
}

fn map(value: &Value) -> Result<&Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| Refusal::invalid("must be an object"))
}

fn inside(place: &str, refusal: &Refusal) -> Refusal {
    Refusal::Invalid(format!("{place}: {refusal}"))
}

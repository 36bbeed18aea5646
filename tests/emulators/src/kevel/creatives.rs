//! Creatives, and the fields that templates require.

use serde_json::{Map, Value};

use super::{
    campaigns::same_id,
    fields,
    flights::refresh,
    paging::page,
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{self, Object},
    seed::{self, TemplateField},
};

/// The most fields of a template, and the longest name of one (guide, creative templates).
const TEMPLATE_FIELDS: (usize, usize) = (100, 255);
/// The longest text in a template's field, in characters (reference page, create creative
/// template).
const LONGEST_VALUE: usize = 20_000;

/// Checks a creative, apart from its advertiser.
///
/// VAST is the content of a creative template, which the creative fills (guide, VAST creatives).
/// Kevel stores a script that is a VAST document, but delivers it as HTML, and counts no video
/// event. The emulator refuses it, so that nobody takes it for a video.
pub(super) fn read(body: &Map<String, Value>) -> Result<Object, Refusal> {
    let object = schema::read(&fields::CREATIVE, body)?;
    let ad_type = object.int("AdTypeId").unwrap_or(0);
    if !seed::AD_TYPES.iter().any(|(id, ..)| *id == ad_type) {
        return Err(Refusal::invalid(format!("AdTypeId: ad type {ad_type} does not exist")));
    }
    if object.text("ScriptBody").is_some_and(|script| script.contains("<VAST")) {
        return Err(Refusal::invalid("ScriptBody: a VAST document comes from a creative template"));
    }
    match (object.int("TemplateId"), object.text("TemplateValues")) {
        (Some(id), values) => check_template(id, values.unwrap_or("{}"))?,
        (None, Some(_)) => return Err(Refusal::invalid("TemplateValues needs a TemplateId")),
        (None, None) => {}
    }
    Ok(object)
}

fn check_template(id: i64, values: &str) -> Result<(), Refusal> {
    let template = seed::TEMPLATES
        .iter()
        .find(|template| template.id == id)
        .ok_or_else(|| Refusal::invalid(format!("TemplateId: template {id} does not exist")))?;
    let values: Map<String, Value> =
        serde_json::from_str(values).map_err(|error| Refusal::invalid(error.to_string()))?;
    let (most, longest) = TEMPLATE_FIELDS;
    if values.len() > most || values.keys().any(|name| name.chars().count() > longest) {
        return Err(Refusal::invalid(format!(
            "TemplateValues: at most {most} fields with names of {longest} characters"
        )));
    }
    // Names are case-sensitive, so a name in another case is that of no field.
    let of_template = |name: &&String| template.fields.iter().any(|field| field.variable == name.as_str());
    if let Some(unknown) = values.keys().find(|name| !of_template(name)) {
        return Err(Refusal::invalid(format!("TemplateValues: the template has no field {unknown}")));
    }
    let wrong: Vec<String> = template
        .fields
        .iter()
        .filter_map(|field| {
            let why = field_error(field, values.get(field.variable))?;
            Some(format!("TemplateValues: {} {why}", field.variable))
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::Invalid(wrong.join("; "))) }
}

fn field_error(field: &TemplateField, value: Option<&Value>) -> Option<String> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return field.required.then(|| "is required".to_owned());
    };
    // Files are given as URLs. The seeded templates don't use arrays or objects.
    let Some(text) = value.as_str() else {
        return Some("must be a text".to_owned());
    };
    if field.required && text.is_empty() {
        return Some("is required".to_owned());
    }
    if text.chars().count() > LONGEST_VALUE {
        return Some(format!("is longer than {LONGEST_VALUE} characters"));
    }
    if field.max_bytes.is_some_and(|most| text.len() > most) {
        return Some(format!("is longer than {} bytes", field.max_bytes.unwrap_or(0)));
    }
    if !field.allowed.is_empty() && !field.allowed.contains(&text) {
        return Some(format!("must be one of {:?}", field.allowed));
    }
    None
}

/// Stores a checked creative.
pub(super) fn add(desk: &mut Desk<'_>, advertiser: i64, mut object: Object) -> i64 {
    object.set("AdvertiserId", advertiser);
    desk.state.creatives.insert(advertiser, 0, object)
}

fn advertiser_of(desk: &Desk<'_>, body: &Map<String, Value>) -> Result<i64, Refusal> {
    match body.get("AdvertiserId").map(Value::as_i64) {
        None => Err(Refusal::invalid("AdvertiserId is required")),
        Some(None) => Err(Refusal::invalid("AdvertiserId must be a whole number")),
        Some(Some(id)) => Ok(desk.state.advertisers.referred("AdvertiserId", id)?.id),
    }
}

pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    let body = desk.body()?;
    let object = read(&body)?;
    let advertiser = advertiser_of(desk, &body)?;
    let id = add(desk, advertiser, object);
    get(desk, id)
}

pub(super) fn get(desk: &mut Desk<'_>, id: i64) -> Done {
    let record = desk.state.creatives.get(id)?;
    Ok(Reply::ok(desk.state.render("creatives", record)))
}

pub(super) fn update(desk: &mut Desk<'_>, id: i64) -> Done {
    let before = desk.state.creatives.get(id)?.parent;
    let body = desk.body()?;
    same_id(&body, "Id", id)?;
    let mut object = read(&body)?;
    if advertiser_of(desk, &body)? != before {
        return Err(Refusal::invalid("AdvertiserId can't be changed"));
    }
    object.set("AdvertiserId", before);
    desk.state.creatives.replace(id, object);
    let flights: Vec<i64> = desk.state.ads.linked(id).map(|ad| ad.parent).collect();
    for flight in flights {
        refresh(desk, flight);
    }
    get(desk, id)
}

pub(super) fn list(desk: &mut Desk<'_>, advertiser: Option<i64>) -> Done {
    match advertiser {
        Some(advertiser) => {
            desk.state.advertisers.get(advertiser)?;
            page(desk, "creatives", desk.state.creatives.children(advertiser))
        }
        None => page(desk, "creatives", desk.state.creatives.all()),
    }
}

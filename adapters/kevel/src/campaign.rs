//! A campaign, which carries a media buy on Kevel.
//!
//! Besides its active flag, it has what all its flights share: a daily revenue cap (`CapType` 4,
//! the only one that campaigns have) and a frequency cap.

use flightdeck_adapter::{ad_server::Translated, money, prelude::*, words::pointer_segment};

use crate::{
    api::{self, Made, Named},
    caps, names,
    settings::Platform,
};

/// The platform's name for the type.
pub const TYPE: &str = "Campaign";

/// The cap type for revenue (OpenAPI document, campaigns).
const CAP_BY_REVENUE: u8 = 4;

/// The desired state of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// The id of the buyer's advertiser.
    advertiser: i64,
    /// The display name.
    pub name: String,
    /// The fields that may change later.
    pub fields: Object,
    /// The fields that are sent only when it is made.
    facts: Object,
}

/// Translates a media buy into its campaign.
pub fn translate(
    platform: &Platform,
    advertiser: i64,
    buy: &MediaBuy,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Campaign {
    let daily = buy.daily_budget.and_then(|budget| daily_cap(budget, problems, notes));
    let mut fields = object! {
        "IsActive": buy.active,
        "CapType": daily.map(|_| CAP_BY_REVENUE),
        "DailyCapAmount": daily,
    };
    shared_cap(buy, problems).write(&mut fields);
    let facts = object! { "media_buy_id": &buy.media_buy_id, "po_number": buy.po_number.as_ref() };
    let template = platform.campaign_name.as_ref();
    let name = template.map_or_else(|| buy.name.clone(), |template| template.order(&platform.buyer, buy));
    Campaign { advertiser, name, fields, facts }
}

/// Returns the daily cap. Campaign caps are in whole units of the network's currency (OpenAPI
/// document, `DailyCapAmount`).
fn daily_cap(budget: i64, problems: &mut Problems, notes: &mut Vec<String>) -> Option<i64> {
    let (units, cut) = money::whole_units(budget);
    if !(1..=i64::from(i32::MAX)).contains(&units) {
        let message = "Kevel caps a campaign at whole units a day, from 1 to 2147483647.";
        problems.unsupported("unsupported_daily_budget", "/daily_budget", money::decimal(budget), message, &[]);
        return None;
    }
    if cut {
        notes.push(format!(
            "Kevel caps a campaign's day in whole units: the daily budget of {} is rounded down to {units}.",
            money::decimal(budget)
        ));
    }
    Some(units)
}

/// Returns the frequency cap across all packages. It belongs to the campaign, so it applies to all
/// of its flights or to none.
fn shared_cap(buy: &MediaBuy, problems: &mut Problems) -> caps::Frequency {
    let shared = |package: &PackageOrder| {
        let cap = package.targeting.frequency_cap.as_ref();
        cap.filter(|cap| cap.scope == CapScope::MediaBuy).map(|cap| cap.suppress_minutes)
    };
    let Some(minutes) = buy.packages.iter().find_map(shared) else { return caps::Frequency::NONE };
    for package in buy.packages.iter().filter(|package| shared(package) != Some(minutes)) {
        let pointer = format!("/packages/{}/targeting_overlay/frequency_cap", pointer_segment(&package.package_id));
        let message = format!(
            "Kevel counts a frequency cap of the media buy over all of its packages: give each the same ({minutes} \
             minutes), or cap each package by itself."
        );
        let value = match &package.targeting.frequency_cap {
            Some(cap) => format!("{} minutes", cap.suppress_minutes),
            None => "none".to_owned(),
        };
        problems.unsupported("unsupported_frequency_cap", pointer, value, message, &["package"]);
    }
    // A period that Kevel can't count is reported for each package, where its flight is made.
    caps::Frequency::once_in(minutes).unwrap_or(caps::Frequency::NONE)
}

impl Translated for Campaign {
    fn name(&self) -> &str {
        &self.name
    }

    fn shown(&self) -> Object {
        self.fields.clone()
    }
}

impl Campaign {
    /// Returns the body that creates the campaign, without its reference.
    #[must_use]
    pub fn created(&self) -> Object {
        let mut object = object! { "AdvertiserId": self.advertiser, "Name": &self.name };
        object.set_all(&self.fields);
        object.set("CustomFieldsJson", names::custom_fields(&self.facts, None));
        object
    }

    /// Creates the campaign.
    ///
    /// # Errors
    /// When Kevel refuses.
    pub fn create(&self, api: &Api, reference: &str) -> Fallible<i64> {
        let mut body = self.created();
        body.set("Name", names::with_reference(&self.name, reference, names::CAMPAIGN_LIMIT));
        body.set("CustomFieldsJson", names::custom_fields(&self.facts, Some(reference)));
        let made: Made = api.post("/v1/campaign").json(&body).fetch()?;
        Ok(made.id)
    }
}

/// Finds the campaigns that carry a reference.
///
/// # Errors
/// When Kevel can't be reached.
pub fn find(api: &Api, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    let search = || api.post("/v1/campaign/search").form(&[("campaignName", reference)]);
    api::carrying(api::list::<Named, _>(search), reference)
}

/// Finds a media buy's campaigns whose ids were lost, by their custom fields.
///
/// # Errors
/// When Kevel can't be reached.
pub fn find_by_buy(api: &Api, advertiser: i64, media_buy_id: &str) -> Fallible<Vec<String>> {
    let list = || api.get("/v1/campaign").query("advertiserId", advertiser);
    let mut campaigns = Vec::new();
    for campaign in api::list::<Object, _>(list) {
        let campaign = campaign?;
        if names::is_of_buy(&campaign, media_buy_id) {
            campaigns.extend(campaign.get("Id").and_then(Json::as_i64).map(|id| id.to_string()));
        }
    }
    Ok(campaigns)
}

/// Changes fields of a campaign. A `PUT` replaces the whole campaign, so it is read, changed and
/// written back.
///
/// # Errors
/// `not-found` when it is gone. When Kevel refuses.
pub fn change(api: &Api, id: &str, changes: &Object, start: &str) -> Fallible<()> {
    let mut campaign: Object = api.get(path!("/v1/campaign/{}", id)).fetch()?;
    // Flights are separate resources; the others Kevel writes itself.
    for name in ["Flights", "Created", "LastModified", "Version"] {
        campaign.remove(name);
    }
    campaign.set_all(changes);
    // The update requires this field although it can't change it (OpenAPI document, campaigns).
    if campaign.get("StartDateISO").is_none_or(Json::is_null) {
        campaign.set("StartDateISO", start);
    }
    api.put(path!("/v1/campaign/{}", id)).json(&campaign).send()?;
    Ok(())
}

/// Archives a campaign, so that nothing in it delivers. Returns whether it existed. An update
/// requires the start although it can't change it: `start` is used if Kevel's response lacks it.
///
/// # Errors
/// When Kevel can't be reached or refuses.
pub fn archive(api: &Api, id: &str, start: &str) -> Fallible<bool> {
    match change(api, id, &caps::archived(), start) {
        Ok(()) => Ok(true),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn of(buy: &MediaBuy) -> (Campaign, Fallible<()>, Vec<String>) {
        let (mut problems, mut notes) = (Problems::default(), Vec::new());
        let campaign = translate(&Platform::default(), 1001, buy, &mut problems, &mut notes);
        (campaign, problems.check(), notes)
    }

    fn capped(id: &str, suppress_minutes: u32, scope: CapScope) -> PackageOrder {
        let mut package = samples::package(id);
        package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes, scope });
        package
    }

    #[test]
    fn a_buy_is_a_campaign() {
        let (campaign, checked, notes) = of(&samples::buy(vec![samples::package("news")]));
        assert_eq!(checked, Ok(()));
        assert!(notes.is_empty());
        assert_eq!(
            campaign.created().to_string(),
            r#"{"AdvertiserId":1001,"Name":"Spring","IsActive":true,"CapType":null,"DailyCapAmount":null,"FreqCap":null,"FreqCapDuration":null,"FreqCapType":null,"CustomFieldsJson":"{\"flightdeck\":{\"media_buy_id\":\"kevel_12345\",\"po_number\":\"PO-2024-001\"}}"}"#
        );
    }

    #[test]
    fn a_daily_budget_is_a_cap_in_whole_units() {
        let mut buy = samples::buy(vec![samples::package("news")]);
        buy.daily_budget = Some(5_000_990_000);
        let (campaign, _, notes) = of(&buy);
        assert_eq!(campaign.fields.get("DailyCapAmount"), Some(&5000.into()));
        assert_eq!(campaign.fields.get("CapType"), Some(&4.into()));
        assert_eq!(notes.len(), 1);
        buy.daily_budget = Some(990_000);
        assert_eq!(of(&buy).1.unwrap_err().items[0].field, "/daily_budget");
    }

    #[test]
    fn a_cap_over_the_buy_is_the_campaigns_and_all_packages_share_it() {
        let (campaign, checked, _) =
            of(&samples::buy(vec![capped("a", 90, CapScope::MediaBuy), capped("b", 90, CapScope::MediaBuy)]));
        assert_eq!(checked, Ok(()));
        assert_eq!(campaign.fields.get("FreqCapDuration"), Some(&90.into()));
        let buy = samples::buy(vec![
            capped("a", 90, CapScope::MediaBuy),
            capped("b", 60, CapScope::MediaBuy),
            capped("c", 90, CapScope::Package),
            samples::package("d"),
        ]);
        let failure = of(&buy).1.unwrap_err();
        let values: Vec<&str> = failure.items.iter().map(|item| item.value.as_str()).collect();
        assert_eq!(values, ["60 minutes", "90 minutes", "none"]);
        assert_eq!(failure.items[0].field, "/packages/b/targeting_overlay/frequency_cap");
    }
}

//! A campaign, which carries a media buy on Triton.
//!
//! It has an advertiser and a team. Its days and its value are those of its flights, and its currency
//! is its advertiser's (help pages, campaigns and direct advertisers), so none of them is sent: the
//! advertiser is read before a campaign is made, and a buy in another currency is refused.

use flightdeck_adapter::{ad_server::Translated, money, names, prelude::*};
use serde::Deserialize;

use crate::{
    api::{self, Made, Named},
    inferred::{NAME_LIMIT, PO_LIMIT, field, path, state},
    settings::Platform,
};

/// The platform's name for the type.
pub const TYPE: &str = "Campaign";

/// The desired state of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// The display name.
    pub name: String,
    /// The fields that may change later.
    pub fields: Object,
    advertiser: i64,
    team: Option<i64>,
    currency: String,
    /// Whether the settings say the currency of the advertisers, which the buy then has.
    configured: bool,
    media_buy_id: String,
    po_number: Option<String>,
    external_id: Option<String>,
}

/// Checks what a campaign needs, and what it can't express.
pub fn check(platform: &Platform, buy: &MediaBuy, problems: &mut Problems) {
    if platform.team_id.is_none() {
        let message = "A campaign on Triton belongs to a team: set team_id in the settings of the platform.";
        problems.invalid("team_missing", "", "", message);
    }
    if let Some(number) = buy.po_number.as_ref().filter(|number| number.chars().count() > PO_LIMIT) {
        let message = format!("A purchase order on Triton has at most {PO_LIMIT} characters.");
        problems.unsupported("unsupported_po_number", "/po_number", number, message, &[]);
    }
    if let Some(daily) = buy.daily_budget {
        let message = "Triton has no daily cap of a campaign. Cap each package: daily_budget or daily_impressions.";
        let known = ["packages[].daily_budget", "packages[].daily_impressions"];
        problems.unsupported("unsupported_daily_budget", "/daily_budget", money::decimal(daily), message, &known);
    }
}

/// Translates a media buy into its campaign.
#[must_use]
pub fn translate(platform: &Platform, advertiser: i64, buy: &MediaBuy) -> Campaign {
    let template = platform.campaign_name.as_ref();
    Campaign {
        name: template.map_or_else(|| buy.name.clone(), |template| template.order(&platform.buyer, buy)),
        fields: object! { "active": buy.active },
        advertiser,
        team: platform.team_id,
        currency: buy.currency.clone(),
        configured: platform.currency.is_some(),
        media_buy_id: buy.media_buy_id.clone(),
        po_number: buy.po_number.clone(),
        external_id: platform
            .campaign_external_id
            .as_ref()
            .and_then(|template| crate::flight::external_id(template.order(&platform.buyer, buy))),
    }
}

/// An advertiser, as it is read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Advertiser {
    #[serde(default)]
    pub(crate) name: String,
    /// The currency in which it is billed.
    #[serde(default)]
    pub(crate) currency: Option<String>,
    #[serde(default)]
    status: String,
}

impl Advertiser {
    /// Whether its flights may deliver (help pages, status).
    pub(crate) fn is_active(&self) -> bool {
        !self.status.eq_ignore_ascii_case(state::INACTIVE)
    }
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
    /// Returns the name without its reference. It contains the media buy's id, by which a campaign
    /// is found if its own id was lost.
    fn called(&self) -> String {
        if self.name.contains(&self.media_buy_id) {
            return self.name.clone();
        }
        format!("{} · {}", self.media_buy_id, self.name)
    }

    /// Returns the body that creates the campaign, without its reference.
    #[must_use]
    pub fn created(&self) -> Object {
        let mut object = object! { "advertiserId": self.advertiser, "name": self.called() };
        if let Some(team) = self.team {
            object.set(field::TEAM, team);
        }
        object.set_all(&self.fields);
        if let Some(number) = &self.po_number {
            object.set("purchaseOrder", number);
        }
        if let Some(id) = &self.external_id {
            object.set(field::EXTERNAL_ID, id);
        }
        object
    }

    /// Creates the campaign.
    ///
    /// # Errors
    /// When Triton refuses.
    pub fn create(&self, api: &Api, reference: &str) -> Fallible<i64> {
        let mut body = self.created();
        body.set("name", names::with_reference(&self.called(), reference, NAME_LIMIT));
        let made: Made = api.post(path::CAMPAIGNS).json(&body).fetch()?;
        Ok(made.id)
    }

    /// Reads the advertiser, and refuses a campaign that it can't have: numbers in one currency would
    /// be billed in another. Where Triton doesn't tell the currency, the settings have to.
    ///
    /// # Errors
    /// `unsupported` when its currency is another, `invalid` when nobody says it, `rejected` when it is
    /// not active. When Triton can't be reached.
    pub fn check_advertiser(&self, api: &Api) -> Fallible<()> {
        let found = advertiser(api, &self.advertiser.to_string())?.unwrap_or_default();
        if found.currency.is_none() && !self.configured {
            let message = format!(
                "Triton does not tell in which currency the advertiser {} is billed. The publisher has to set currency \
                 in the settings of the platform.",
                self.advertiser
            );
            return Err(Failure::invalid("currency_unknown", message));
        }
        let mut problems = Problems::default();
        if let Some(currency) = found.currency.as_ref().filter(|currency| **currency != self.currency) {
            let message = format!(
                "The advertiser {} ({}) is billed in {currency} on Triton, and this buy counts in {}. Buy in {currency}.",
                self.advertiser, found.name, self.currency
            );
            problems.unsupported("unsupported_currency", "/currency", &self.currency, message, &[currency]);
        }
        problems.check()?;
        if !found.is_active() {
            let message = format!(
                "The advertiser {} ({}) is not active on Triton, so none of its flights would deliver. Activate it there.",
                self.advertiser, found.name
            );
            return Err(Failure::rejected("advertiser_inactive", message));
        }
        Ok(())
    }
}

/// Reads an advertiser, if there is one of this id.
pub(crate) fn advertiser(api: &Api, id: &str) -> Fallible<Option<Advertiser>> {
    api.get(api::one(path::ADVERTISERS, id)).fetch_if_any()
}

/// Finds the campaigns of an advertiser that carry a reference.
///
/// # Errors
/// When Triton can't be reached.
pub fn find(api: &Api, advertiser: i64, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    api::carrying(of_advertiser(api, advertiser), reference)
}

fn of_advertiser(api: &Api, advertiser: i64) -> impl Iterator<Item = Fallible<Named>> {
    api::list(move || api.get(path::CAMPAIGNS).query("advertiserId", advertiser))
}

/// Finds a media buy's campaigns whose ids were lost, by the media buy's id in their names.
///
/// # Errors
/// When Triton can't be reached.
pub fn find_by_buy(api: &Api, advertiser: i64, media_buy_id: &str) -> Fallible<Vec<String>> {
    let mut campaigns = Vec::new();
    for found in of_advertiser(api, advertiser) {
        let found = found?;
        if found.name.split([' ', '[', ']']).any(|word| word == media_buy_id) {
            campaigns.push(found.id.to_string());
        }
    }
    Ok(campaigns)
}

/// Changes only these fields of a campaign.
///
/// # Errors
/// `not-found` when it is gone. When Triton refuses.
pub fn change(api: &Api, id: &str, changes: &Object) -> Fallible<()> {
    api.put(api::one(path::CAMPAIGNS, id)).json(changes).send()?;
    Ok(())
}

/// Returns the fields that archive a campaign. It is also deactivated.
#[must_use]
pub fn archived() -> Object {
    object! { "active": false, "archived": true }
}

/// Archives a campaign with its flights. Returns whether it existed.
///
/// # Errors
/// When Triton can't be reached or refuses.
pub fn archive(api: &Api, id: &str) -> Fallible<bool> {
    let there: Option<Object> = api.get(api::one(path::CAMPAIGNS, id)).fetch_if_any()?;
    let Some(campaign) = there else { return Ok(false) };
    // An archived campaign can't be changed.
    if campaign.get("archived").and_then(Json::as_bool) != Some(true) {
        change(api, id, &archived())?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::testing::{FakeHost, answer, run};

    use super::*;
    use crate::samples::{buy, context, package};

    fn of(buy: &MediaBuy) -> Campaign {
        translate(&Platform::read(&context()).unwrap(), 501, buy)
    }

    #[test]
    fn a_campaign_has_no_days_no_value_and_no_currency_of_its_own() {
        assert_eq!(
            of(&buy(vec![package("drive")])).created().to_string(),
            r#"{"advertiserId":501,"name":"triton_12345 · Spring","teamId":31,"active":true,"purchaseOrder":"PO-2024-001"}"#
        );
    }

    #[test]
    fn the_advertiser_says_the_currency_and_must_be_active() {
        let unset = Platform { currency: None, ..Platform::read(&context()).unwrap() };
        let nowhere = FakeHost::new(|_| Ok(answer(404, "{}")));
        let check = |campaign: Campaign| {
            run(&nowhere, || campaign.check_advertiser(&api::open(&context()))).unwrap().map_err(|failure| failure.code)
        };
        let booked = buy(vec![package("drive")]);
        assert_eq!(check(translate(&unset, 501, &booked)), Err("currency_unknown".to_owned()));
        assert_eq!(check(of(&booked)), Ok(()), "the settings say it");
        let checked = |advertiser: &'static str| {
            let host = FakeHost::new(move |_| Ok(answer(200, advertiser)));
            let campaign = of(&buy(vec![package("drive")]));
            run(&host, || campaign.check_advertiser(&api::open(&context()))).unwrap()
        };
        assert_eq!(checked(r#"{"id":501,"name":"Acme","currency":"USD","status":"ACTIVE"}"#), Ok(()));
        assert_eq!(checked(r#"{"id":501,"name":"Acme"}"#), Ok(()), "an account that doesn't say");
        let failure = checked(r#"{"id":501,"name":"Acme","currency":"EUR","status":"ACTIVE"}"#).unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.items[0].supported.clone()),
            ("unsupported_currency", vec!["EUR".to_owned()])
        );
        assert!(failure.message.contains("EUR") && failure.message.contains("USD"), "{}", failure.message);
        let failure = checked(r#"{"id":501,"name":"Acme","currency":"USD","status":"Inactive"}"#).unwrap_err();
        assert_eq!(failure.code, "advertiser_inactive");
    }

    #[test]
    fn what_a_campaign_cannot_be_is_refused() {
        let mut buy = buy(vec![package("drive")]);
        buy.daily_budget = Some(1_000_000);
        buy.po_number = Some("x".repeat(65));
        let mut problems = Problems::default();
        let platform = Platform { team_id: None, ..Platform::read(&context()).unwrap() };
        check(&platform, &buy, &mut problems);
        let fields: Vec<String> = problems.check().unwrap_err().items.into_iter().map(|item| item.field).collect();
        assert_eq!(fields, ["", "/po_number", "/daily_budget"]);
    }
}

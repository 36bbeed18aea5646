//! A campaign, which carries a media buy on Triton.

use flightdeck_adapter::{ad_server::Translated, money, names, plan::changed_fields, prelude::*};

use crate::{
    api::{self, Made, Named},
    flight::{self, Flight},
    inferred::{NAME_LIMIT, PO_LIMIT, path},
};

/// The platform's name for the type.
pub const TYPE: &str = "Campaign";
/// The field of its last day.
const END: &str = "endDate";

/// The desired state of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// The display name.
    pub name: String,
    /// The fields that may change later.
    pub fields: Object,
    advertiser: i64,
    currency: String,
    media_buy_id: String,
    po_number: Option<String>,
}

/// Checks what a campaign can't express.
pub fn check(buy: &MediaBuy, problems: &mut Problems) {
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

/// Translates a media buy into its campaign, which contains the days of its flights. They may be in
/// several time zones.
#[must_use]
pub fn translate(advertiser: i64, buy: &MediaBuy, flights: &[Flight]) -> Campaign {
    let days = |name| flights.iter().filter_map(move |flight| flight.fields.get(name).and_then(Json::as_text));
    let fields = object! {
        // Days sort as text.
        "startDate": days(flight::START).min(),
        "endDate": days(END).max(),
        "totalBudget": money::number(buy.total_budget),
        "active": buy.active,
    };
    Campaign {
        name: buy.name.clone(),
        fields,
        advertiser,
        currency: buy.currency.clone(),
        media_buy_id: buy.media_buy_id.clone(),
        po_number: buy.po_number.clone(),
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
        object.set_all(&self.fields);
        object.set("currency", &self.currency);
        if let Some(number) = &self.po_number {
            object.set("purchaseOrder", number);
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

    fn last_day(&self) -> String {
        self.fields.get(END).and_then(Json::as_text).unwrap_or_default().to_owned()
    }

    /// Returns the fields to send to turn `current` into this campaign, in two parts: before its
    /// flights change, and after. A campaign contains its flights' days, so it grows first and
    /// shrinks last.
    #[must_use]
    pub fn changes_from(&self, current: &Self) -> (Object, Object) {
        let mut before = changed_fields(&current.fields, &self.fields);
        let mut after = Object::default();
        if self.last_day() < current.last_day() {
            // Days sort as text.
            before.remove(END);
            after.set(END, self.last_day());
        }
        (before, after)
    }
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
    use super::*;
    use crate::{
        samples::{buy, context, package},
        settings::Platform,
    };

    fn of(buy: &MediaBuy) -> Campaign {
        let platform = Platform::read(&context()).unwrap();
        let flight =
            |package| flight::translate(&platform, buy, package, &mut Problems::default(), &mut Vec::new()).unwrap();
        let flights: Vec<Flight> = buy.packages.iter().map(flight).collect();
        translate(501, buy, &flights)
    }

    fn until(end: &str) -> Campaign {
        let mut buy = buy(vec![package("drive")]);
        for package in &mut buy.packages {
            end.clone_into(&mut package.end);
        }
        of(&buy)
    }

    #[test]
    fn a_campaign_holds_the_days_of_all_its_flights() {
        let (mut east, mut west) = (package("east"), package("west"));
        for (package, zone) in [(&mut east, "Asia/Tokyo"), (&mut west, "America/New_York")] {
            package.product_settings = format!(r#"{{"time_zone": "{zone}"}}"#);
            "2027-03-01T16:00:00Z".clone_into(&mut package.start);
            "2027-03-31T16:00:01Z".clone_into(&mut package.end);
        }
        let campaign = of(&buy(vec![east, west]));
        let days = ["startDate", "endDate"].map(|name| campaign.fields.get(name).and_then(Json::as_text).unwrap());
        assert_eq!(days, ["2027-03-01", "2027-04-01"]);
    }

    #[test]
    fn a_campaign_grows_first_and_shrinks_last() {
        let (short, long) = (until("2026-12-31T00:00:00Z"), until("2027-01-31T23:59:59Z"));
        let text = |(before, after): (Object, Object)| (before.to_string(), after.to_string());
        assert_eq!(text(long.changes_from(&short)), (r#"{"endDate":"2027-01-31"}"#.to_owned(), "{}".to_owned()));
        assert_eq!(text(short.changes_from(&long)), ("{}".to_owned(), r#"{"endDate":"2026-12-30"}"#.to_owned()));
    }

    #[test]
    fn what_a_campaign_cannot_be_is_refused() {
        let mut buy = buy(vec![package("drive")]);
        buy.daily_budget = Some(1_000_000);
        buy.po_number = Some("x".repeat(65));
        let mut problems = Problems::default();
        check(&buy, &mut problems);
        let fields: Vec<String> = problems.check().unwrap_err().items.into_iter().map(|item| item.field).collect();
        assert_eq!(fields, ["/po_number", "/daily_budget"]);
    }
}

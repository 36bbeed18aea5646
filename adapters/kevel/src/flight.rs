//! A flight, which carries a package on Kevel.
//!
//! | the package | the flight |
//! |---|---|
//! | `even` pacing | `GoalType` 1 with the impressions, 3 with the clicks: Kevel spreads a goal evenly by default |
//! | `asap` pacing | `GoalType` 2 (percentage) of 100 |
//! | CPM, CPC, flat price | `RateType` 2, 3, 1 and `Price` |
//! | goal | `CapType` 1 (impressions) or 2 (clicks) and `LifetimeCapAmount`: see [`goal`] |
//! | no goal, at a flat price | `GoalType` 2 of the product's `share_percent`, no `CapType` |
//! | daily impressions or clicks | `CapType` 1 or 2 and `DailyCapAmount` |
//! | daily budget | `CapType` 4 (revenue), `DailyCapAmountDecimal` and, for the budget, `LifetimeCapAmountDecimal` |
//!
//! Each amount is sent in both of its forms: see [`amounts`]
//! | frequency cap | `FreqCap` 1 per number of minutes, hours or days (`FreqCapType`), chosen by [`caps`] |
//!
//! A flight has one `CapType`, so a package that needs two is refused. The numbers are those of the
//! reference page.

mod amounts;
pub mod goal;

use flightdeck_adapter::{
    ad_server::{LineItem, Translated},
    money,
    plan::{changed_fields, diff},
    prelude::*,
    words::pointer_segment,
};

use crate::{
    api::{self, Made, Named},
    caps,
    hours::{self, Window},
    inferred, keywords, names,
    places::{self, Place},
    settings::{LifetimeCap, Platform, Product, Site},
    shares, targeting, times,
};

/// The platform's name for the type.
pub const TYPE: &str = "Flight";

/// The rate types of the reference page, by the price.
const RATES: [(PriceModel, u8); 3] = [(PriceModel::Cpm, 2), (PriceModel::Cpc, 3), (PriceModel::Flat, 1)];
/// The prices in buyers' words.
const PRICES: [&str; 3] = ["cpm", "cpc", "flat"];

/// Fields that only have a meaning together: when one changes, all are sent.
const GROUPS: [&[&str]; 3] = [
    &goal::CAP_FIELDS,
    &["IsFreqCap", "FreqCap", "FreqCapDuration", "FreqCapType"],
    &["IsNoDuplicates", "DuplicateMode"],
];

const START: &str = "StartDateISO";
const END: &str = "EndDateISO";
const DATES: [&str; 2] = [START, END];

/// What a flight's response has and an update doesn't (OpenAPI document, flights): lists that are
/// separate resources, and what Kevel writes itself.
const ANSWERED: [&str; 7] =
    ["GeoTargeting", "SiteZoneTargeting", "CreativeMaps", "BehavioralTargeting", "Created", "LastModified", "Version"];

/// Fields that an update spells differently from the response (OpenAPI document, flights).
const SPELLED: [(&str, &str); 2] = [("CustomFieldsJson", "CustomFieldsJSON"), ("IsNoDuplicates", "isNoDuplicates")];

/// The desired state of a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    /// The id of the package.
    pub package_id: String,
    /// The display name.
    pub name: String,
    /// The flight's own fields.
    pub fields: Object,
    /// The places where it may deliver.
    pub places: Vec<Object>,
    /// The sites on which it may deliver.
    pub sites: Vec<Object>,
    /// The day parts in which it may deliver.
    pub windows: Vec<Window>,
    facts: Object,
    /// The shares of its ads in percent, by the buyer's ids of creatives.
    shares: Object,
}

/// Returns the display name: the template of the settings, filled in, or the package's own name.
fn called(platform: &Platform, buy: &MediaBuy, package: &PackageOrder) -> String {
    let template = platform.flight_name.as_ref();
    template.map_or_else(|| package.name.clone(), |template| template.item(&platform.buyer, buy, package))
}

/// Translates a package into its flight.
pub fn translate(
    platform: &Platform,
    buy: &MediaBuy,
    package: &PackageOrder,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Fallible<Flight> {
    let pointer = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    let product = Product::read(platform, package).unwrap_or_else(|failure| {
        problems.invalid("invalid_product_settings", pointer("package_id"), &package.package_id, failure.message);
        Product::of(platform)
    });
    let (start, end) = (times::start(&package.start)?, times::end(&package.end)?);
    if end <= start {
        let message = "A flight lasts longer than a second. Move its end.";
        problems.invalid("invalid_flight_dates", "/flight_end_date", &package.end, message);
    }
    let priority = product.priority(package.pacing == Pacing::Asap);
    if priority.is_none() {
        let message = "Kevel needs a priority: set priority_id in the settings of the product or of the platform.";
        problems.invalid("priority_missing", pointer("package_id"), &package.package_id, message);
    }
    for keyword in product.keywords.iter().filter(|keyword| !keywords::is_keyword(keyword)) {
        let message = format!("{} Correct keywords in the product's settings.", keywords::rule());
        problems.invalid("invalid_product_settings", pointer("package_id"), keyword, message);
    }
    let rate_type = rate_type(package, &pointer(package.price.model.field()), problems);
    let mut fields = object! {
        "StartDateISO": start,
        "EndDateISO": end,
        "IsActive": package.active,
        "PriorityId": priority,
        "RateType": rate_type,
        "Price": money::number(package.price.rate),
    };
    goal::write(package, &product, &mut fields, problems);
    if product.lifetime_cap == LifetimeCap::Budget && package.price.model != PriceModel::Flat {
        amounts::by_budget(package, &mut fields, problems);
    }
    amounts::complete(&mut fields);
    fields.set("IsCompanion", product.companion.then_some(true));
    fields.set("IsNoDuplicates", product.no_duplicates.map(|_| true));
    fields.set("DuplicateMode", product.no_duplicates.map(inferred::duplicate_mode));
    write_frequency(package, &mut fields, problems);
    if package.targeting.frequency_cap.is_some() {
        notes.push(caps::NEEDS_A_USER.to_owned());
    }
    fields.set("Keywords", keywords::any_of(&product.keywords));
    fields.set("CustomTargeting", targeting::expression(&platform.name, package, problems));
    let hours = hours::translate(platform.day_part_clock, package, problems, notes);
    fields.set(inferred::TIME_ZONE, hours.time_zone);
    Ok(Flight {
        package_id: package.package_id.clone(),
        name: called(platform, buy, package),
        fields,
        places: places::places(package, problems).iter().map(Place::object).collect(),
        sites: product.sites.iter().map(Site::object).collect(),
        windows: hours.windows,
        shares: shares::of(package).into_iter().fold(Object::default(), |mut shares, (creative, percent)| {
            shares.set(&creative, percent);
            shares
        }),
        facts: object! { "media_buy_id": &buy.media_buy_id, "package_id": &package.package_id },
    })
}

/// Returns the rate type of a package's price.
fn rate_type(package: &PackageOrder, pointer: &str, problems: &mut Problems) -> Option<u8> {
    let model = &package.price.model;
    let known = RATES.iter().find(|(known, _)| known == model).map(|(_, rate_type)| *rate_type);
    if known.is_none() {
        let message = "On Kevel packages are sold per thousand impressions, per click, or at a flat price.";
        problems.unsupported("unsupported_price_model", pointer, model.word(), message, &PRICES);
    } else if package.price.rate <= 0 {
        let price = money::decimal(package.price.rate);
        problems.invalid("invalid_price", pointer, price, "A price is more than nothing.");
    }
    known
}

fn write_frequency(package: &PackageOrder, fields: &mut Object, problems: &mut Problems) {
    let mut frequency = caps::Frequency::NONE;
    if let Some(cap) = &package.targeting.frequency_cap {
        let pointer = format!("/packages/{}/targeting_overlay/frequency_cap", pointer_segment(&package.package_id));
        let minutes = cap.suppress_minutes;
        let counted = caps::Frequency::once_in(minutes).unwrap_or_else(|nearest| {
            let nearest: Vec<String> = nearest.iter().map(u32::to_string).collect();
            let message = format!(
                "Kevel counts {}; the nearest to {minutes} minutes that it counts: {}.",
                caps::periods(),
                nearest.join(" and ")
            );
            problems.unsupported(
                "unsupported_frequency_cap",
                format!("{pointer}/suppress_minutes"),
                minutes.to_string(),
                message,
                &nearest.iter().map(String::as_str).collect::<Vec<_>>(),
            );
            caps::Frequency::NONE
        });
        match &cap.scope {
            CapScope::Package => frequency = counted,
            // The campaign has that cap.
            CapScope::MediaBuy => {}
            CapScope::Other(scope) => {
                let message = "Kevel caps a media buy or a package.";
                let known = ["media_buy", "package"];
                problems.unsupported("unsupported_frequency_cap", format!("{pointer}/scope"), scope, message, &known);
            }
        }
    }
    fields.set("IsFreqCap", frequency.is_some());
    frequency.write(fields);
}

impl Translated for Flight {
    fn name(&self) -> &str {
        &self.name
    }

    /// Includes the lists as fields, as in the request for a new flight, and the shares of its ads, which
    /// are fields of these.
    fn shown(&self) -> Object {
        let mut object = self.listed();
        if !self.shares.is_empty() {
            object.set("CreativePercentages", self.shares.clone());
        }
        object
    }
}

impl LineItem for Flight {
    fn package_id(&self) -> &str {
        &self.package_id
    }

    /// Sends both dates whenever any field changes: Kevel may return them in another form (without
    /// an offset, or as midnight), and writing that back could move them.
    fn changes_from(&self, current: &Self) -> Object {
        let mut changes = changed_fields(&current.fields, &self.fields);
        for group in GROUPS {
            if diff(&current.fields, &self.fields).iter().any(|change| group.contains(&change.field.as_str())) {
                for name in group {
                    changes.set(name, self.fields.get(name).cloned().unwrap_or_default());
                }
            }
        }
        if !changes.is_empty() {
            for name in DATES {
                changes.set(name, self.fields.get(name).cloned().unwrap_or_default());
            }
        }
        changes
    }

    fn differs_from(&self, current: &Self) -> bool {
        self.shown() != current.shown() || self.windows != current.windows
    }
}

impl Flight {
    /// Returns the fields with the lists that the request for a new flight has.
    fn listed(&self) -> Object {
        let mut object = self.fields.clone();
        for (name, list) in [("GeoTargeting", &self.places), ("SiteZoneTargeting", &self.sites)] {
            object.set(name, (!list.is_empty()).then(|| list.clone()));
        }
        object
    }

    /// Returns the body that creates the flight, without campaign and reference.
    #[must_use]
    pub fn created(&self) -> Object {
        let mut object = object! { "Name": &self.name };
        object.set_all(&self.listed());
        object.set("CustomFieldsJson", names::custom_fields(&self.facts, None));
        object
    }

    /// Creates the flight.
    ///
    /// # Errors
    /// When Kevel refuses.
    pub fn create(&self, api: &Api, campaign: i64, reference: &str) -> Fallible<i64> {
        let mut body = self.created();
        body.set("CampaignId", campaign);
        body.set("Name", names::with_reference(&self.name, reference, names::FLIGHT_LIMIT));
        body.set("CustomFieldsJson", names::custom_fields(&self.facts, Some(reference)));
        let made: Made = api.post("/v1/flight").json(&body).fetch()?;
        Ok(made.id)
    }
}

/// Finds the flights of a campaign that carry a reference.
///
/// # Errors
/// When Kevel can't be reached.
pub fn find(api: &Api, campaign: i64, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    api::carrying(api::list::<Named, _>(|| api.get(path!("/v1/campaign/{}/flight", campaign))), reference)
}

/// Changes fields of a flight. A `PUT` replaces all fields, so the flight is read, changed and
/// written back. Targeting and ads are separate resources and stay unchanged.
///
/// # Errors
/// `not-found` when it is gone. When Kevel refuses.
pub fn change(api: &Api, id: &str, changes: &Object) -> Fallible<()> {
    let mut flight: Object = api.get(path!("/v1/flight/{}", id)).fetch()?;
    for name in ANSWERED {
        flight.remove(name);
    }
    flight.set_all(changes);
    for (read, written) in SPELLED {
        if let Some(value) = flight.remove(read) {
            flight.set(written, value);
        }
    }
    api.put(path!("/v1/flight/{}", id)).json(&flight).send()?;
    Ok(())
}

/// Archives a flight. Returns whether it existed. `package` is the host's record of its dates, if
/// there is one.
///
/// # Errors
/// When Kevel can't be reached or refuses.
pub fn archive(api: &Api, id: &str, package: Option<&PackageOrder>) -> Fallible<bool> {
    let mut changes = caps::archived();
    if let Some(package) = package {
        changes.set(START, times::start(&package.start)?);
        changes.set(END, times::end(&package.end)?);
    }
    match change(api, id, &changes) {
        Ok(()) => Ok(true),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
#[path = "flight/tests.rs"]
mod tests;

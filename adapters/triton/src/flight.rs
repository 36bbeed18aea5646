//! A flight, which carries a package on Triton.
//!
//! | the package | the flight |
//! |---|---|
//! | impressions | `goal` IMPRESSIONS |
//! | CPM | `rateType` CPM and `rate`, fixed once the flight is in progress |
//! | `even`, `asap`, `front_loaded` | `pacing` EVEN (or TREND, where the product says so), ASAP, FRONT_LOADED |
//! | daily impressions, daily budget | `dailyCap` in impressions: at a fixed CPM, a budget is a number of impressions |
//! | frequency cap | `frequencyCap`: one impression per period, see [`caps`] |
//!
//! The product's settings say the rest: content types and positions, which every flight must have,
//! priority, and whether the rate is net or gross. Priority type and net or gross are fixed once the
//! flight's delivery status is ready (help pages, editing flights), so they are sent only when it is
//! made.

use flightdeck_adapter::{
    ad_server::{LineItem, Translated},
    host, money, names,
    plan::changed_fields,
    prelude::*,
    step::Remote,
    words::pointer_segment,
};

use crate::{
    api::{self, Made, Named},
    caps,
    days::{self, Zone},
    hours,
    inferred::{self, MOST, NAME_LIMIT, field, path},
    settings::{EvenPacing, OncePer, Platform, Product},
    targeting,
};

/// The platform's name for the type.
pub const TYPE: &str = "Flight";
/// The fields of its first and last day.
const START: &str = "startDate";
const END: &str = "endDate";

/// The desired state of a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    /// The id of the package.
    pub package_id: String,
    /// The display name.
    pub name: String,
    /// The flight's own fields.
    pub fields: Object,
    /// The fields that are sent only when it is made.
    fixed: Object,
    /// The time zone of its days.
    pub zone: Zone,
}

/// Translates a package into its flight.
///
/// # Errors
/// When its dates can't be parsed.
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
    let zone = product.zone().unwrap_or_else(|failure| {
        problems.invalid("invalid_product_settings", pointer("package_id"), &package.package_id, failure.message);
        Zone::utc()
    });
    let days = days::of(&package.start, &package.end, &zone)?;
    if days.is_none() {
        let message = format!("The flight ends before a day begins in {}. Move its end.", zone.name);
        problems.invalid("invalid_flight_dates", "/flight_end_date", &package.end, message);
    }
    let (first, last) = days.as_ref().map(|days| (&days.first, &days.last)).unzip();
    notes.extend(days.as_ref().and_then(|days| days.note.clone()));
    if package.price.model != PriceModel::Cpm {
        let message = "On Triton packages are sold per thousand impressions.";
        problems.unsupported(
            "unsupported_price_model",
            pointer(package.price.model.field()),
            package.price.model.word(),
            message,
            &["cpm"],
        );
    } else if package.price.rate <= 0 {
        let value = money::decimal(package.price.rate);
        problems.invalid("invalid_price", pointer("cpm"), value, "A price is more than nothing.");
    }
    if !(1..=MOST).contains(&package.impressions) {
        let message = format!("A goal on Triton is 1 to {MOST} impressions.");
        let value = package.impressions.to_string();
        problems.unsupported("unsupported_impressions", pointer("impressions"), value, message, &[]);
    }
    let targeting = targeting::translate(platform, &product, package, problems);
    let dayparts = hours::hours(&product, package, problems, notes);
    if package.targeting.frequency_cap.is_some() {
        notes.push(format!("{} has a frequency cap. {}", package.package_id, caps::NOTE));
    }
    let mut fields = object! {
        "goal": object! { "type": "IMPRESSIONS", "value": package.impressions },
        "rate": money::number(package.price.rate),
        "startDate": first,
        "endDate": last,
    };
    let of_product = pointer("package_id");
    fields.set(field::CONTENT_TYPES, content_types(&product, &targeting.content_types, &of_product, problems));
    fields.set(field::POSITIONS, positions(&product, &of_product, problems));
    fields.set(field::PRIORITY_LEVEL, product.priority.level);
    fields.set(field::PACING, pacing(&product, package, &pointer("pacing"), problems));
    fields.set("dailyCap", daily_cap(package, problems, notes));
    let once_per = once_per(&product, package, &targeting, problems);
    fields.set(field::FREQUENCY_CAP, frequency_cap(buy, package, problems).or(once_per.map(caps::once_per)));
    fields.set("targeting", targeting.tree);
    fields.set("stationIds", (!targeting.stations.is_empty()).then_some(targeting.stations));
    fields.set("dayparts", dayparts);
    fields.set("active", package.active);
    if let Some(template) = &platform.flight_external_id {
        fields.set(field::EXTERNAL_ID, external_id(template.item(&platform.buyer, buy, package)));
    }
    let mut fixed = object! { "rateType": "CPM" };
    fixed.set(field::PRIORITY, product.priority.kind.word());
    fixed.set(field::RATE_BASIS, product.rate_basis.word());
    let template = platform.flight_name.as_ref();
    let name = template.map_or_else(|| package.name.clone(), |template| template.item(&platform.buyer, buy, package));
    Ok(Flight { package_id: package.package_id.clone(), name, fields, fixed, zone })
}

/// Returns the content types of a flight, in Triton's words: those of the product, or those of them
/// that the buyer wants.
fn content_types(product: &Product, wanted: &[String], pointer: &str, problems: &mut Problems) -> Vec<&'static str> {
    if product.content_types.is_empty() {
        let message = "A flight on Triton says in which content it runs: set content_types in the settings of the \
                       product or of the platform.";
        problems.invalid("content_types_missing", pointer, "", message);
    }
    let runs = |word: &&str| {
        product.content_types.iter().any(|known| known == word)
            && (wanted.is_empty() || wanted.iter().any(|known| known == word))
    };
    inferred::CONTENT_TYPES.iter().filter(|(word, _)| runs(word)).map(|(_, written)| *written).collect()
}

fn positions(product: &Product, pointer: &str, problems: &mut Problems) -> Vec<&'static str> {
    if product.positions.is_empty() {
        let message = "A flight on Triton says in which position its spots play: set positions in the settings of the \
                       product or of the platform.";
        problems.invalid("positions_missing", pointer, "", message);
    }
    let runs = |word: &&str| product.positions.iter().any(|known| known == word);
    inferred::POSITIONS.iter().filter(|(word, _)| runs(word)).map(|(_, written)| *written).collect()
}

fn pacing(product: &Product, package: &PackageOrder, pointer: &str, problems: &mut Problems) -> Option<&'static str> {
    match (&package.pacing, product.even_pacing) {
        (Pacing::Even, EvenPacing::Even) => Some(inferred::pacing::EVEN),
        (Pacing::Even, EvenPacing::Trend) => Some(inferred::pacing::TREND),
        (Pacing::Asap, _) => Some(inferred::pacing::ASAP),
        (Pacing::FrontLoaded, _) => Some(inferred::pacing::FRONT_LOADED),
        (other, _) => {
            let message = "Triton spreads a goal evenly, loads it to the front, or delivers as fast as it can.";
            let known = ["even", "asap", "front_loaded"];
            problems.unsupported("unsupported_pacing", pointer, other.word(), message, &known);
            None
        }
    }
}

/// Returns the impressions per day: the buyer's number, or what the daily budget buys, whichever is
/// less.
fn daily_cap(package: &PackageOrder, problems: &mut Problems, notes: &mut Vec<String>) -> Option<i64> {
    let pointer = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    if let Some(daily) = package.daily_impressions.filter(|daily| !(1..=MOST).contains(daily)) {
        let message = format!("A daily cap on Triton is 1 to {MOST} impressions.");
        problems.invalid("invalid_daily_impressions", pointer("daily_impressions"), daily.to_string(), message);
    }
    let rate = package.price.rate.max(1);
    let bought = package.daily_budget.map(|budget| {
        let impressions = i128::from(budget) * 1000 / i128::from(rate);
        let impressions = i64::try_from(impressions).unwrap_or(MOST).min(MOST);
        if impressions < 1 {
            let message = "A daily budget on Triton buys at least one impression.";
            problems.invalid("invalid_daily_budget", pointer("daily_budget"), money::decimal(budget), message);
        }
        notes.push(format!(
            "Triton caps a day in impressions: the daily budget of {} of {} is {impressions} impressions.",
            money::decimal(budget),
            package.package_id
        ));
        impressions
    });
    [bought, package.daily_impressions].into_iter().flatten().min()
}

fn frequency_cap(buy: &MediaBuy, package: &PackageOrder, problems: &mut Problems) -> Option<Object> {
    let cap = package.targeting.frequency_cap.as_ref()?;
    let pointer = format!("/packages/{}/targeting_overlay/frequency_cap", pointer_segment(&package.package_id));
    let counted = caps::once_in(cap.suppress_minutes).unwrap_or_else(|nearest| {
        let nearest: Vec<String> = nearest.iter().map(u32::to_string).collect();
        let message = format!("{} The nearest periods, in minutes: {}.", caps::NOTE, nearest.join(" and "));
        let pointer = format!("{pointer}/suppress_minutes");
        let known: Vec<&str> = nearest.iter().map(String::as_str).collect();
        problems.unsupported("unsupported_frequency_cap", pointer, cap.suppress_minutes.to_string(), message, &known);
        Object::default()
    });
    let of_package = problems.check_cap_of_package(buy, cap, &pointer, "Triton caps each flight by itself.");
    (of_package && !counted.is_empty()).then_some(counted)
}

/// Returns what a flight has one impression of, if it is no length of time: what the buyer says, or what
/// the product says for buyers that ask for no cap. A flight has one cap.
fn once_per(
    product: &Product,
    package: &PackageOrder,
    targeting: &targeting::Targeting,
    problems: &mut Problems,
) -> Option<OncePer> {
    match (&targeting.once_per, &package.targeting.frequency_cap) {
        (Some((_, pointer)), Some(_)) => {
            let message = "A flight on Triton has one frequency cap: leave this or frequency_cap out.";
            problems.invalid("two_frequency_caps", pointer, "", message);
            None
        }
        (Some((per, _)), None) => Some(*per),
        (None, None) => product.once_per,
        (None, Some(_)) => None,
    }
}

/// Returns an external id, or none if the template is empty for this buy.
pub(crate) fn external_id(filled: String) -> Option<String> {
    Some(filled.chars().take(NAME_LIMIT).collect()).filter(|id: &String| !id.is_empty())
}

impl Translated for Flight {
    fn name(&self) -> &str {
        &self.name
    }

    fn shown(&self) -> Object {
        self.fields.clone()
    }
}

impl LineItem for Flight {
    fn package_id(&self) -> &str {
        &self.package_id
    }

    /// Sends the status with a new end: a flight that is done becomes active again only by both
    /// (help pages, editing flights).
    fn changes_from(&self, current: &Self) -> Object {
        let mut changes = changed_fields(&current.fields, &self.fields);
        if changes.get(END).is_some()
            && let Some(active) = self.fields.get("active")
        {
            changes.set("active", active.clone());
        }
        changes
    }
}

impl Flight {
    /// Returns the body that creates the flight, without campaign and reference. Fields without a
    /// value are omitted.
    #[must_use]
    pub fn created(&self) -> Object {
        let mut object = object! { "name": &self.name };
        object.set_all(&self.fixed);
        object.set_all(&self.fields.without_nulls());
        object
    }

    /// Creates the flight. If its first day has passed, for example because an approval took long,
    /// it starts today.
    ///
    /// # Errors
    /// When Triton refuses.
    pub fn create(&self, api: &Api, campaign: i64, reference: &str) -> Fallible<i64> {
        let mut body = self.created();
        body.set("campaignId", campaign);
        body.set("name", names::with_reference(&self.name, reference, NAME_LIMIT));
        let today = self.zone.day(host::now())?;
        // Days sort as text.
        if body.get(START).and_then(Json::as_text).is_none_or(|start| *start < *today) {
            body.set(START, today);
        }
        let made: Made = api.post(path::FLIGHTS).json(&body).fetch()?;
        Ok(made.id)
    }
}

/// The kind under which a flight's time zone is remembered, keyed by its package.
const ZONE: &str = "time-zone";

/// Remembers the time zone in which a package's flight was booked: later status calls don't know
/// the product.
pub fn remember_zone(package_id: &str, zone: &Zone) {
    host::remember(RemoteKind::Other(ZONE.to_owned()), package_id, &zone.name);
}

/// Returns the time zone in which a package's flight was booked, if it was remembered.
#[must_use]
pub fn zone_of(remote: &[RemoteObject], package_id: &str) -> Option<Zone> {
    Zone::named(remote.id_of(&RemoteKind::Other(ZONE.to_owned()), package_id)?)
}

/// Finds the flights of a campaign that carry a reference.
///
/// # Errors
/// When Triton can't be reached.
pub fn find(api: &Api, campaign: i64, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    api::carrying(api::list::<Named, _>(|| api.get(path::FLIGHTS).query("campaignId", campaign)), reference)
}

/// Deactivates a flight, and returns whether it existed. One that is already inactive, or archived
/// with its campaign, is left alone.
///
/// # Errors
/// When Triton can't be reached or refuses.
pub fn switch_off(api: &Api, id: &str) -> Fallible<bool> {
    let Some(flight) = api.get(api::one(path::FLIGHTS, id)).fetch_if_any::<Named>()? else { return Ok(false) };
    if flight.seen().active {
        change(api, id, &object! { "active": false })?;
    }
    Ok(true)
}

/// Changes only these fields of a flight.
///
/// # Errors
/// `not-found` when it is gone. When Triton refuses, for example to change the rate of a flight in
/// progress.
pub fn change(api: &Api, id: &str, changes: &Object) -> Fallible<()> {
    api.put(api::one(path::FLIGHTS, id)).json(changes).send()?;
    Ok(())
}

#[cfg(test)]
#[path = "flight/tests.rs"]
mod tests;

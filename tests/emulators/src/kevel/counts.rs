//! Instant counts: what was delivered so far, in one call.
//!
//! The reference page says what is counted, and that an unknown id results in a 400. The nesting of
//! the bulk response, `{"flights": {"310001": {...}}}`, is our choice.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::{
    delivery::Totals,
    refusal::Refusal,
    routes::{Desk, Done, Reply},
    schema::{body_object, read_moment},
};
use crate::{
    amount::Amount,
    control::clock::{Millis, to_millis},
};

/// How far back a custom period may begin, in days (reference page, real-time reporting).
const MAX_DAYS: i64 = 90;

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Counts {
    impressions: u64,
    clicks: u64,
    conversions: u64,
    revenue: Amount,
}

impl From<Totals> for Counts {
    fn from(totals: Totals) -> Self {
        let Totals { impressions, clicks, conversions, revenue } = totals;
        Self { impressions, clicks, conversions, revenue }
    }
}

/// The requested period: everything, or from one instant to another.
struct Span {
    from: Option<Millis>,
    to: Millis,
}

fn span(now: OffsetDateTime, days: Option<i64>, start: Option<&str>, end: Option<&str>) -> Result<Span, Refusal> {
    let date = |text: &str| read_moment(text).ok_or_else(|| Refusal::invalid(format!("{text} is not a date")));
    let today = now.replace_time(time::Time::MIDNIGHT);
    let from = match (days, start) {
        (Some(days), _) if !(0..=MAX_DAYS).contains(&days) => {
            return Err(Refusal::invalid("Cannot request data more than 90 days old"));
        }
        (Some(days), _) => Some(today - Duration::days(days)),
        (None, Some(start)) => Some(date(start)?),
        (None, None) => None,
    };
    // The last day is included, as in reports.
    let to = match end {
        Some(end) => (date(end)? + Duration::DAY).min(now),
        None => now,
    };
    if let Some(from) = from {
        if from < today - Duration::days(MAX_DAYS) {
            return Err(Refusal::invalid("Cannot request data more than 90 days old"));
        }
        if end.is_some_and(|end| date(end).is_ok_and(|end| end < from)) {
            return Err(Refusal::invalid("Start date must be before end date"));
        }
    }
    Ok(Span { from: from.map(to_millis), to: to_millis(to) })
}

fn of_flights(desk: &Desk<'_>, span: &Span, flights: impl Iterator<Item = i64>) -> Totals {
    flights
        .filter_map(|id| desk.state.deliveries.get(&id))
        .map(|delivery| match span.from {
            Some(from) => delivery.between(from, span.to),
            None => delivery.totals(span.to),
        })
        .fold(Totals::default(), |sum, totals| sum + totals)
}

fn of(desk: &Desk<'_>, kind: &str, id: i64, span: &Span) -> Result<Counts, Refusal> {
    let state = &*desk.state;
    let missing = |_| Refusal::invalid(format!("{kind} {id} does not exist"));
    match kind {
        "flight" => {
            state.flights.get(id).map_err(missing)?;
            Ok(of_flights(desk, span, [id].into_iter()).into())
        }
        "campaign" => {
            state.campaigns.get(id).map_err(missing)?;
            Ok(of_flights(desk, span, state.flights.children(id).map(|flight| flight.id)).into())
        }
        "advertiser" => {
            state.advertisers.get(id).map_err(missing)?;
            let campaigns = state.campaigns.children(id);
            let flights = campaigns.flat_map(|campaign| state.flights.children(campaign.id));
            Ok(of_flights(desk, span, flights.map(|flight| flight.id)).into())
        }
        "ad" => {
            let ad = state.ads.get(id).map_err(missing)?;
            let siblings: Vec<i64> = state.ads.children(ad.parent).filter(|ad| !ad.deleted()).map(|ad| ad.id).collect();
            let place = siblings.iter().position(|sibling| *sibling == id);
            let totals = of_flights(desk, span, [ad.parent].into_iter());
            Ok(place.map_or(Counts::default(), |place| share(totals, place, siblings.len())))
        }
        _ => Err(Refusal::NotFound(format!("no route for instantcounts/{kind}"))),
    }
}

/// Returns one ad's share of its flight. All ads have equal shares, which add up to the whole.
fn share(totals: Totals, place: usize, among: usize) -> Counts {
    let (place, among) = (place as u64, among as u64);
    let part = |whole: u64| whole * (place + 1) / among - whole * place / among;
    let (first, count) = (i128::from(place), i128::from(among));
    let whole = totals.revenue.0;
    Counts {
        impressions: part(totals.impressions),
        clicks: part(totals.clicks),
        conversions: part(totals.conversions),
        revenue: Amount(whole * (first + 1) / count - whole * first / count),
    }
}

fn span_of_query(desk: &Desk<'_>) -> Result<Span, Refusal> {
    let days = desk.int_param("days")?;
    span(desk.now, days, desk.call.param("start"), desk.call.param("end"))
}

pub(super) fn one(desk: &mut Desk<'_>, kind: &str, id: i64) -> Done {
    let span = span_of_query(desk)?;
    Reply::exact(&of(desk, kind, id, &span)?)
}

pub(super) fn network(desk: &mut Desk<'_>) -> Done {
    let span = span_of_query(desk)?;
    let flights = desk.state.flights.all().map(|flight| flight.id);
    Reply::exact(&Counts::from(of_flights(desk, &span, flights)))
}

pub(super) fn bulk(desk: &mut Desk<'_>) -> Done {
    let body = body_object(&desk.call.body)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let days = body.get("days").and_then(Value::as_i64);
    let span = span(desk.now, days, text("start"), text("end"))?;
    let mut answer: BTreeMap<&str, BTreeMap<String, Counts>> = BTreeMap::new();
    for (plural, kind) in
        [("advertisers", "advertiser"), ("campaigns", "campaign"), ("flights", "flight"), ("ads", "ad")]
    {
        for id in ids(&body, plural)? {
            answer.entry(plural).or_default().insert(id.to_string(), of(desk, kind, id, &span)?);
        }
    }
    Reply::exact(&answer)
}

fn ids(body: &Map<String, Value>, name: &str) -> Result<Vec<i64>, Refusal> {
    let wrong = || Refusal::invalid(format!("{name} must be a list of ids"));
    match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_i64().ok_or_else(wrong)).collect(),
        Some(_) => Err(wrong()),
    }
}

//! The delivery of a media buy: a chart and a table for each package.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Path, response::Response};

use super::{
    chart::{self, Chart},
    frame::{Frame, Halt, rendered},
    visitor::Visitor,
    words,
};
use crate::{
    app::get_media_buy_delivery::{Delivery, MAX_DAYS},
    domain::{id::MediaBuyId, media_buy::Package, money::Micros, price::Unit, time::Day},
    operations::now,
};

#[derive(Template)]
#[template(path = "desk/delivery.html")]
struct DeliveryPage {
    frame: Frame,
    id: String,
    title: String,
    lead: String,
    notes: Vec<String>,
    started: bool,
    packages: Vec<Part>,
}

struct Part {
    title: String,
    platform: String,
    summary: String,
    unit: &'static str,
    chart: Chart,
    first: String,
    last: String,
    rows: Vec<Row>,
}

struct Row {
    day: String,
    units: String,
    so_far: String,
    spend: String,
}

/// `GET /admin/media-buys/{id}/delivery`. Asks the ad servers.
pub(super) async fn page(visitor: Visitor, Path(id): Path<String>) -> Result<Response, Halt> {
    let id = MediaBuyId::from(id);
    let buy = visitor.app.buy_with_tasks(&visitor.caller, &id).await?.0;
    let today = now().day();
    let (start, end) = (buy.start.day(), buy.end.day());
    let started = start <= today;
    let last = end.min(today).max(start);
    // Of a longer flight, the last year.
    let first = start.max(last.plus_days(1 - MAX_DAYS));
    let frame = Frame::of(&visitor, "buys").await?;
    let delivered = visitor.app.get_media_buy_delivery(&visitor.caller, &id, first, last).await?;
    let zone = delivered.time_zone.as_deref().unwrap_or("each platform's own zone");
    let certain = match delivered.final_until {
        Some(until) => format!(" What was delivered before {} is final.", words::moment(until)),
        None => String::new(),
    };
    let page = DeliveryPage {
        frame,
        title: buy.po_number.clone().unwrap_or_else(|| id.to_string()),
        id: id.to_string(),
        lead: format!("Counted up to {}, in days of {zone}.{certain}", words::moment(delivered.as_of)),
        notes: delivered.notes.iter().map(|note| words::sentence(note)).collect(),
        started,
        packages: buy.packages.iter().map(|package| part(&delivered, package, (first, last, end))).collect(),
    };
    Ok(rendered(&page))
}

fn part(delivery: &Delivery, package: &Package, (first, last, end): (Day, Day, Day)) -> Part {
    let unit = package.price.model.unit().unwrap_or(Unit::Impressions);
    let mut days: BTreeMap<Day, (i64, i64)> = BTreeMap::new();
    for row in delivery.rows.iter().filter(|row| row.package == package.id) {
        let units = match unit {
            Unit::Impressions => row.impressions,
            Unit::Clicks => row.clicks.unwrap_or_default(),
            Unit::VideoCompletions => row.video_completions.unwrap_or_default(),
        };
        let day = days.entry(row.day).or_default();
        *day = (day.0.saturating_add(units), day.1.saturating_add(row.spend.get()));
    }
    let count = first.days_until(last) + 1;
    let of = |offset: i64| days.get(&first.plus_days(offset)).copied().unwrap_or_default();
    let by_day: Vec<i64> = (0..count).map(|offset| of(offset).0).collect();
    let currency = &delivery.buy.currency;
    let money = |micros: i64| Micros::new(micros).map(|amount| words::money(amount, currency)).unwrap_or_default();
    let total: i64 = by_day.iter().sum();
    let spent: i64 = (0..count).map(|offset| of(offset).1).sum();
    let mut so_far = 0;
    let mut rows: Vec<Row> = (0..count)
        .map(|offset| {
            let (units, spend) = of(offset);
            so_far += units;
            Row {
                day: first.plus_days(offset).to_string(),
                units: words::number(units),
                so_far: words::number(so_far),
                spend: money(spend),
            }
        })
        .collect();
    rows.reverse();
    let goal = match package.goal {
        Some(goal) if goal > 0 => format!(" of {}, {} %", words::number(goal), total.saturating_mul(100) / goal),
        _ => String::new(),
    };
    let flight = usize::try_from(first.days_until(end) + 1).unwrap_or_default();
    Part {
        title: words::visible(&package.name),
        platform: package.platform.to_string(),
        summary: format!("{} {}{goal} · {} spent", words::number(total), unit.words(), money(spent)),
        unit: unit.words(),
        chart: chart::draw(&by_day, flight, package.goal),
        first: first.to_string(),
        last: end.to_string(),
        rows,
    }
}

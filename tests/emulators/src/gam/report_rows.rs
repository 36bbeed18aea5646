//! The rows of a report: what its definition selects, by day and by its other dimensions.

use std::collections::BTreeMap;

use serde::Serialize;
use time::{Date, Month, OffsetDateTime};

use super::{
    delivery::{DAY, Totals},
    refusal::Refusal,
    rules::video,
    schema::{Object, inner, items, number, text, texts},
    state::{LineItem, State, id_in},
};
use crate::{amount::Amount, control::clock::Millis};

/// The longest range of days in a report: ten years.
const MAX_DAYS: i64 = 3660;

/// A row of a report.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dimension_values: Vec<Cell>,
    metric_value_groups: [Group; 1],
}

impl Row {
    /// Returns a row without anything in it.
    pub(super) const fn odd() -> Self {
        Self { dimension_values: Vec::new(), metric_value_groups: [Group { primary_values: Vec::new() }] }
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    primary_values: Vec<Cell>,
}

/// A value of a dimension or a metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Cell {
    #[serde(rename = "intValue")]
    Whole(String),
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "doubleValue")]
    Money(Amount),
}

/// Returns the first day and the day after the last, in days since 1970.
pub(super) fn range(definition: &Object) -> Result<(i64, i64), Refusal> {
    let wrong = |why: &str| Refusal::invalid("INVALID_REPORT", "reportDefinition.dateRange", why);
    let fixed = inner(definition, "dateRange").and_then(|range| inner(range, "fixed"));
    let fixed =
        fixed.ok_or_else(|| wrong("fixed {startDate, endDate} is required; the emulator has no relative ranges"))?;
    let day = |field: &str| {
        let date = inner(fixed, field)?;
        let part = |name: &str| number(date, name);
        let month = Month::try_from(u8::try_from(part("month")?).ok()?).ok()?;
        let date =
            Date::from_calendar_date(i32::try_from(part("year")?).ok()?, month, u8::try_from(part("day")?).ok()?);
        Some(date.ok()?.midnight().assume_utc().unix_timestamp() / 86_400)
    };
    let first = day("startDate").ok_or_else(|| wrong("startDate needs year, month and day of a real date"))?;
    let last = day("endDate").ok_or_else(|| wrong("endDate needs year, month and day of a real date"))?;
    if last < first || last - first > MAX_DAYS {
        return Err(wrong("endDate must not be before startDate, nor more than ten years after it"));
    }
    Ok((first, last + 1))
}

/// Whether a row matches a filter. `cell` returns the value of a dimension.
pub(super) fn fits(filter: &Object, cell: &dyn Fn(&str) -> Option<Cell>) -> Result<bool, Refusal> {
    let wrong = |why: &str| Refusal::invalid("INVALID_REPORT", "reportDefinition.filters", why);
    if let Some(not) = inner(filter, "notFilter") {
        return Ok(!fits(not, cell)?);
    }
    for (name, all) in [("andFilter", true), ("orFilter", false)] {
        if let Some(list) = inner(filter, name) {
            let parts: Result<Vec<bool>, Refusal> = items(list, "filters").map(|part| fits(part, cell)).collect();
            let parts = parts?;
            return Ok(if all { parts.iter().all(|fit| *fit) } else { parts.contains(&true) });
        }
    }
    let field =
        inner(filter, "fieldFilter").ok_or_else(|| wrong("fieldFilter, notFilter, andFilter or orFilter is needed"))?;
    let dimension = inner(field, "field").and_then(|field| text(field, "dimension"));
    let dimension = dimension.filter(|name| *name != "DATE");
    let dimension = dimension.ok_or_else(|| wrong("field.dimension is needed, and it must be another than DATE"))?;
    let found = cell(dimension).map(|cell| match cell {
        Cell::Whole(text) | Cell::Text(text) => text,
        Cell::Money(amount) => amount.to_text(),
    });
    let mut wanted: Vec<String> = Vec::new();
    for value in items(field, "values") {
        let single = ["intValue", "stringValue"].iter().filter_map(|name| text(value, name));
        let lists = ["intListValue", "stringListValue"].iter().filter_map(|name| inner(value, name));
        wanted.extend(single.map(ToOwned::to_owned));
        wanted.extend(lists.flat_map(|list| texts(list, "values")).map(ToOwned::to_owned));
    }
    if wanted.is_empty() {
        return Err(wrong("values must hold at least one intValue, stringValue, intListValue or stringListValue"));
    }
    let within = found.is_some_and(|found| wanted.contains(&found));
    match text(field, "operation") {
        // IN is the first value of its enum, and the first value may be omitted.
        None | Some("IN") => Ok(within),
        Some("NOT_IN") => Ok(!within),
        _ => Err(wrong("operation must be IN or NOT_IN, which are the ones the emulator has")),
    }
}

/// Returns the rows of a report, by day and by what else its dimensions are.
pub(super) fn rows(state: &State, definition: &Object, now: Millis, ahead: Millis) -> Result<Vec<Row>, Refusal> {
    let (first, after) = range(definition)?;
    let dimensions = texts(definition, "dimensions");
    let metrics = texts(definition, "metrics");
    let spans: Vec<(i64, i64)> = if dimensions.contains(&"DATE") {
        (first..after).map(|day| (day, day + 1)).collect()
    } else {
        vec![(first, after)]
    };
    // Filters know no days, so a line item fits on each of them or on none.
    let mut wanted = Vec::new();
    for (id, item) in &state.items {
        let cell = |dimension: &str| Some(dimension_of(state, *id, item, dimension, first));
        let mut fit = true;
        for filter in items(definition, "filters") {
            fit = fit && fits(filter, &cell)?;
        }
        if fit {
            wanted.push((*id, item));
        }
    }
    let mut places: BTreeMap<Vec<Cell>, usize> = BTreeMap::new();
    let mut sums: Vec<(Vec<Cell>, Totals)> = Vec::new();
    for (from, to) in spans {
        for (id, item) in &wanted {
            let totals = item.delivery.between(from * DAY - ahead, (to * DAY - ahead).min(now));
            if totals.impressions == 0 {
                continue;
            }
            let key: Vec<Cell> =
                dimensions.iter().map(|dimension| dimension_of(state, *id, item, dimension, from)).collect();
            match places.get(&key).and_then(|place| sums.get_mut(*place)) {
                Some((_, sum)) => add(sum, totals),
                None => {
                    places.insert(key.clone(), sums.len());
                    sums.push((key, totals));
                }
            }
        }
    }
    let row = |(key, sum): (Vec<Cell>, Totals)| Row {
        dimension_values: key,
        metric_value_groups: [Group { primary_values: metrics.iter().map(|metric| metric_of(&sum, metric)).collect() }],
    };
    Ok(sums.into_iter().map(row).collect())
}

fn add(sum: &mut Totals, more: Totals) {
    sum.impressions += more.impressions;
    sum.clicks += more.clicks;
    sum.completed_views += more.completed_views;
    sum.revenue = sum.revenue + more.revenue;
}

fn dimension_of(state: &State, id: i64, item: &LineItem, dimension: &str, day: i64) -> Cell {
    let order = state.orders.get(&item.order).map(|order| &order.object);
    let of_order = |field: &str| order.and_then(|order| text(order, field)).unwrap_or("").to_owned();
    match dimension {
        // A date is the number made of its digits: 20300131.
        "DATE" => {
            let date = OffsetDateTime::from_unix_timestamp(day * 86_400).unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
            Cell::Whole(format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day()))
        }
        "LINE_ITEM_ID" => Cell::Whole(id.to_string()),
        // The number of the enum's value (inferred: the format is called ENUM).
        "LINE_ITEM_ENVIRONMENT_TYPE" => Cell::Whole(if video::is_video(&item.object) { "2" } else { "1" }.to_owned()),
        "LINE_ITEM_NAME" => Cell::Text(text(&item.object, "displayName").unwrap_or("").to_owned()),
        "ORDER_ID" => Cell::Whole(item.order.to_string()),
        "ORDER_NAME" => Cell::Text(of_order("displayName")),
        _ => {
            let advertiser = id_in(&of_order("advertiser"), "companies").unwrap_or(0);
            Cell::Whole(advertiser.to_string())
        }
    }
}

fn metric_of(sum: &Totals, metric: &str) -> Cell {
    match metric.trim_start_matches("AD_SERVER_") {
        "IMPRESSIONS" => Cell::Whole(sum.impressions.to_string()),
        "CLICKS" => Cell::Whole(sum.clicks.to_string()),
        "COMPLETED_VIEWS" | "VIDEO_VIEWERSHIP_COMPLETES" => Cell::Whole(sum.completed_views.to_string()),
        _ => Cell::Money(sum.revenue),
    }
}

//! Signpost's API: one function for each request.

use std::collections::BTreeMap;

use flightdeck_adapter::{
    ad_server::{Counted, Counts},
    http::Response,
    moment, money,
    page::pages,
    prelude::*,
};
use serde::Deserialize;
use time::Duration;

/// The most lines in one query.
const MAX_LINES: usize = 50;
/// The most days of one report.
const MAX_DAYS: i64 = 92;

/// A client.
#[derive(Debug)]
pub struct Client(Api);

/// An object in a list.
#[derive(Debug, Deserialize)]
struct Found {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    memo: Option<String>,
    created_at: String,
}

impl Found {
    fn seen(self, active: bool) -> Seen<String> {
        Seen::new(self.id).named(self.name).active(active).made_at(Some(&self.created_at))
    }
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Found>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Made {
    id: String,
}

/// The state of a line.
#[derive(Debug, Deserialize)]
pub struct LineStatus {
    line_id: String,
    pub state: String,
    pub impressions: i64,
}

#[derive(Debug, Deserialize)]
struct Status {
    lines: Vec<LineStatus>,
}

#[derive(Debug, Deserialize)]
struct Row {
    line_id: String,
    day: String,
    impressions: i64,
    clicks: i64,
    spend: money::Exact,
}

#[derive(Debug, Deserialize)]
struct Report {
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    errors: Vec<Problem>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
    message: String,
}

/// Reads Signpost's own code and words from a refusal.
fn explain(response: &Response, failure: Failure) -> Failure {
    let first = response.json::<Refusal>().ok().and_then(|refusal| refusal.errors.into_iter().next());
    match first {
        Some(problem) => failure.said(response.status(), &problem.code, &problem.message),
        // A proxy's page instead of Signpost's JSON.
        None => failure,
    }
}

// Every function fails when Signpost can't be reached or refuses.
#[allow(clippy::missing_errors_doc, reason = "they all fail for the same reasons")]
impl Client {
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self(Api::new(endpoint).explain(explain))
    }

    // ---- orders ----

    pub fn create_order(&self, fields: &Object, reference: &str) -> Fallible<String> {
        self.create("/v1/orders", fields, reference)
    }

    pub fn change_order(&self, id: &str, fields: &Object) -> Fallible<()> {
        self.change(path!("/v1/orders/{}", id), fields)
    }

    /// All orders with a reference.
    pub fn orders_with(&self, reference: &str) -> Fallible<Vec<Seen<String>>> {
        let orders = self.list("/v1/orders", Some(("external_ref", reference)))?;
        Ok(orders
            .into_iter()
            .map(|order| {
                let active = order.state != "archived";
                order.seen(active)
            })
            .collect())
    }

    /// The ids of all orders of a media buy that are not archived.
    pub fn orders_of(&self, advertiser_id: &str, media_buy_id: &str) -> Fallible<Vec<String>> {
        let orders = self.list("/v1/orders", Some(("advertiser_id", advertiser_id)))?;
        let ours = |order: &Found| order.memo.as_deref() == Some(media_buy_id) && order.state != "archived";
        Ok(orders.into_iter().filter(ours).map(|order| order.id).collect())
    }

    // ---- lines ----

    pub fn create_line(&self, order_id: &str, fields: &Object, reference: &str) -> Fallible<String> {
        self.create(&path!("/v1/orders/{}/lines", order_id), fields, reference)
    }

    pub fn change_line(&self, id: &str, fields: &Object) -> Fallible<()> {
        self.change(path!("/v1/lines/{}", id), fields)
    }

    pub fn lines_with(&self, order_id: &str, reference: &str) -> Fallible<Vec<Seen<String>>> {
        let lines = self.list(&path!("/v1/orders/{}/lines", order_id), Some(("external_ref", reference)))?;
        let seen = |line: Found| {
            let active = line.active && line.state != "archived";
            line.seen(active)
        };
        Ok(lines.into_iter().map(seen).collect())
    }

    // ---- creatives ----

    pub fn create_creative(&self, fields: &Object, reference: &str) -> Fallible<String> {
        self.create("/v1/creatives", fields, reference)
    }

    pub fn change_creative(&self, id: &str, fields: &Object) -> Fallible<()> {
        self.change(path!("/v1/creatives/{}", id), fields)
    }

    pub fn creatives_with(&self, reference: &str) -> Fallible<Vec<Seen<String>>> {
        let creatives = self.list("/v1/creatives", Some(("external_ref", reference)))?;
        Ok(creatives
            .into_iter()
            .map(|creative| {
                let active = creative.active;
                creative.seen(active)
            })
            .collect())
    }

    /// Assigns a creative to a line. Signpost keeps one assignment of each, so a repeat changes
    /// nothing.
    pub fn assign(&self, line_id: &str, creative_id: &str) -> Fallible<String> {
        let body = object! { "creative_id": creative_id };
        Ok(self.0.post(path!("/v1/lines/{}/creatives", line_id)).json(&body).fetch::<Made>()?.id)
    }

    pub fn change_assignment(&self, id: &str, fields: &Object) -> Fallible<()> {
        self.change(path!("/v1/assignments/{}", id), fields)
    }

    // ---- reading ----

    /// The state of each line, by id. A line that is gone is not in the map.
    pub fn status(&self, line_ids: &[&str]) -> Fallible<BTreeMap<String, LineStatus>> {
        let mut lines = BTreeMap::new();
        for ids in line_ids.chunks(MAX_LINES) {
            let status: Status = self.0.get("/v1/status").query("line_ids", ids.join(",")).fetch()?;
            lines.extend(status.lines.into_iter().map(|line| (line.line_id.clone(), line)));
        }
        Ok(lines)
    }

    /// What lines delivered by day.
    pub fn report(&self, line_ids: &[&str], range: &DateRange) -> Fallible<Counts> {
        let mut counts = Counts::new();
        let (mut first, last) = (moment::date(&range.first)?, moment::date(&range.last)?);
        while first <= last {
            let end = last.min(first + Duration::days(MAX_DAYS - 1));
            for ids in line_ids.chunks(MAX_LINES) {
                let request = self.0.get("/v1/report").query("from", moment::day(first)).query("to", moment::day(end));
                let report: Report = request.query("line_ids", ids.join(",")).fetch()?;
                for Row { line_id, day, impressions, clicks, spend } in report.rows {
                    let counted = Counted { impressions, clicks, completions: None, spend: spend.0 };
                    counts.entry(line_id).or_default().insert(day, counted);
                }
            }
            first = end + Duration::DAY;
        }
        Ok(counts)
    }

    fn create(&self, path: &str, fields: &Object, reference: &str) -> Fallible<String> {
        let mut body = fields.clone();
        body.set("external_ref", reference);
        Ok(self.0.post(path).json(&body).fetch::<Made>()?.id)
    }

    fn change(&self, path: String, fields: &Object) -> Fallible<()> {
        self.0.patch(path).json(fields).send()?;
        Ok(())
    }

    fn list(&self, path: &str, filter: Option<(&str, &str)>) -> Fallible<Vec<Found>> {
        pages(|cursor: Option<String>| {
            let mut request = self.0.get(path);
            for (name, value) in filter.into_iter().chain(cursor.as_deref().map(|cursor| ("cursor", cursor))) {
                request = request.query(name, value);
            }
            let page: Page = request.fetch()?;
            Ok((page.items, page.next_cursor))
        })
        .collect()
    }
}

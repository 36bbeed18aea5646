//! Reading of reports.

use std::{cell::Cell, rc::Rc};

use flightdeck_adapter::testing::{FakeHost, answer, run};

use super::*;
use crate::{Kevel, samples};

const DONE: &str = r#"{"Id":"r1","Status":2,"Message":null,"Result":{"Records":[
    {"Date":"2026-12-01T00:00:00Z","Impressions":150,"Details":[
        {"Grouping":{"OptionId":11,"RateTypeId":2},"Impressions":100,"Clicks":2,"Revenue":9.9,"TrueRevenue":1.234567},
        {"Grouping":{"OptionId":11,"RateTypeId":3},"Impressions":10,"Clicks":1,"Revenue":0.1},
        {"Grouping":{"OptionId":99,"RateTypeId":2},"Impressions":50,"Clicks":0,"TrueRevenue":1}]},
    {"Date":"2026-12-02T00:00:00Z","Details":[{"Grouping":{"OptionId":12},"Impressions":7,"TrueRevenue":5e-05}]}]}}"#;

fn buys() -> Vec<RemoteBuy> {
    let object = |kind, key: &str, id: &str| RemoteObject { kind, key: key.to_owned(), id: id.to_owned() };
    let buy = |id: &str, remote| RemoteBuy {
        media_buy_id: id.to_owned(),
        advertiser_id: "1001".to_owned(),
        remote,
        start: "2026-12-01T00:00:00Z".to_owned(),
        end: "2026-12-31T00:00:00Z".to_owned(),
        extensions: Vec::new(),
    };
    vec![
        buy(
            "a",
            vec![
                object(RemoteKind::Order, "", "1"),
                object(RemoteKind::Package, "news", "11"),
                object(RemoteKind::Package, "sports", "12"),
            ],
        ),
        buy("b", vec![object(RemoteKind::Order, "", "2"), object(RemoteKind::Package, "news", "13")]),
        buy("c", Vec::new()),
    ]
}

/// Requests a report that is finished at a given poll.
fn report(finished: u32, last: &'static str) -> (Fallible<Vec<DeliveryAnswer>>, Rc<FakeHost>) {
    let looks = Cell::new(0);
    let host = FakeHost::with_description(&crate::describe::description(), move |request| {
        if request.url.ends_with("/queue") {
            return Ok(answer(200, r#"{"Id":"r1"}"#));
        }
        looks.set(looks.get() + 1);
        let body = if looks.get() < finished { r#"{"Id":"r1","Status":1,"Message":null}"# } else { last };
        Ok(answer(200, body))
    });
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-02".to_owned() };
    let answers = run(&host, || Kevel::get_delivery(samples::context(), buys(), range)).unwrap();
    (answers, host)
}

#[test]
fn one_report_serves_many_buys() {
    let (answers, host) = report(3, DONE);
    let answers = answers.unwrap();
    let rows = &answers[0].delivery.as_ref().unwrap().rows;
    let shown: Vec<(&str, &str, i64, i64, Option<i64>)> = rows
        .iter()
        .map(|row| (row.package_id.as_str(), row.day.as_str(), row.impressions, row.spend, row.clicks))
        .collect();
    assert_eq!(shown, [("news", "2026-12-01", 110, 1_334_567, Some(3)), ("sports", "2026-12-02", 7, 50, Some(0))]);
    assert!(answers[1].delivery.as_ref().unwrap().rows.is_empty());
    assert!(answers[2].delivery.as_ref().unwrap().rows.is_empty());
    let body = host.requests()[0].body.clone().unwrap();
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"StartDateISO":"2026-12-01T00:00:00Z","EndDateISO":"2026-12-02T00:00:00Z","GroupBy":["day","flightId"],"Parameters":[{"campaignId":1},{"campaignId":2}],"TimeZone":"UTC"}"#
    );
}

#[test]
fn a_report_that_is_not_ready_in_time_is_asked_for_again() {
    let (answers, host) = report(1_000, DONE);
    let failure = answers.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "report_not_ready"));
    assert!(failure.retry_after_ms.is_some());
    assert!(host.requests().len() < 40, "{}", host.requests().len());
}

#[test]
fn a_report_that_fails_says_why() {
    let failure = report(1, r#"{"Status":3,"Message":"too large"}"#).0.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.words()), ("report_failed", "too large"));
}

#[test]
fn a_line_that_cant_be_read_spoils_itself_alone() {
    let odd = r#"{"Id":"r1","Status":2,"Result":{"Records":[
        {"Date":"soon","Details":[{"Grouping":{"OptionId":11},"Impressions":5,"TrueRevenue":1}]},
        {"Date":"2026-12-01T00:00:00Z","Details":[
            {"Grouping":{"OptionId":11},"Impressions":"many","TrueRevenue":1},
            {"Grouping":{"OptionId":12},"Impressions":7,"TrueRevenue":0.5}]}]}}"#;
    let rows = report(1, odd).0.unwrap()[0].delivery.as_ref().unwrap().rows.clone();
    assert_eq!(rows.iter().map(|row| (row.package_id.as_str(), row.impressions)).collect::<Vec<_>>(), [("sports", 7)]);
    let none = r#"{"Id":"r1","Status":2,"Result":{"Records":[{"Date":"soon","Details":[{"Grouping":{}}]}]}}"#;
    let failure = report(1, none).0.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "unreadable_report"));
}

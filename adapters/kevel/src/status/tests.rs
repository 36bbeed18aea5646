//! How the states of a campaign and its flights combine into the state of a buy.

use flightdeck_adapter::{
    moment,
    testing::{FakeHost, answer, run},
};

use super::*;
use crate::{Kevel, samples};

fn buy(id: &str, order: i64, packages: &[(&str, i64)], ads: &[&str]) -> RemoteBuy {
    let object = |kind, key: &str, id: i64| RemoteObject { kind, key: key.to_owned(), id: id.to_string() };
    let mut remote = vec![object(RemoteKind::Order, "", order)];
    remote.extend(packages.iter().map(|(key, id)| object(RemoteKind::Package, key, *id)));
    remote.extend(ads.iter().map(|key| object(RemoteKind::Association, key, 7)));
    RemoteBuy {
        media_buy_id: id.to_owned(),
        advertiser_id: "1001".to_owned(),
        remote,
        start: "2026-12-01T00:00:00Z".to_owned(),
        end: "2026-12-31T00:00:00Z".to_owned(),
        extensions: Vec::new(),
    }
}

fn page(items: &str) -> String {
    format!(r#"{{"page":1,"totalPages":1,"items":[{items}]}}"#)
}

/// Returns the state of a buy with one campaign and some flights, each given by the fields that
/// differ from the default.
fn state(campaign: &str, flights: &[&str], now: &str) -> (DeliveryState, Vec<DeliveryState>, String) {
    // If a field occurs twice, the last one counts.
    let merged = |text: String| Json::parse(&text).unwrap().to_string();
    let campaign = merged(format!(r#"{{"Id":1,"IsActive":true{campaign}}}"#));
    let one = |(index, fields): (usize, &&str)| {
        merged(format!(
            r#"{{"Id":{},"CampaignId":1,"IsActive":true,"StartDateISO":"2026-12-01T00:00:00Z","EndDateISO":"2026-12-30T23:59:59Z","GoalType":1,"Impressions":100{fields}}}"#,
            index + 11
        ))
    };
    let listed = flights.iter().enumerate().map(one).collect::<Vec<_>>().join(",");
    let packages: Vec<(String, i64)> =
        (0..flights.len()).map(|index| (format!("p{index}"), i64::try_from(index).unwrap() + 11)).collect();
    let packages: Vec<(&str, i64)> = packages.iter().map(|(key, id)| (key.as_str(), *id)).collect();
    let host = FakeHost::with_description(&crate::describe::description(), move |request| {
        Ok(if request.url.contains("instantcounts") {
            answer(200, r#"{"flights":{"11":{"impressions":40,"clicks":8},"12":{"impressions":100,"clicks":20}}}"#)
        } else if request.url.contains("/flight") {
            answer(200, &page(&listed))
        } else {
            answer(200, &campaign)
        })
    });
    host.set_now(moment::parse(now).unwrap());
    let answers = run(&host, || Kevel::check_status(samples::context(), vec![buy("b", 1, &packages, &["p0/x"])]))
        .unwrap()
        .unwrap();
    let status = answers[0].status.clone().unwrap();
    (status.state, status.packages.into_iter().map(|package| package.state).collect(), status.detail)
}

#[test]
fn a_flight_is_in_one_state() {
    use DeliveryState::{AwaitingCreatives, Canceled, Completed, Delivering, Missing, Paused, Scheduled};
    let during = "2026-12-10T00:00:00Z";
    for (campaign, flight, now, expected) in [
        ("", "", during, Delivering),
        ("", "", "2026-11-30T23:59:59Z", Scheduled),
        ("", "", "2026-12-31T00:00:00Z", Completed),
        ("", r#","IsActive":false"#, during, Paused),
        (r#","IsActive":false"#, "", during, Paused),
        ("", r#","IsArchived":true"#, during, Canceled),
        (r#","IsArchived":true"#, "", during, Canceled),
        ("", r#","IsDeleted":true"#, during, Missing),
        // Forty impressions and eight clicks were counted.
        ("", r#","Impressions":40"#, during, Completed),
        ("", r#","GoalType":3,"CapType":2,"Impressions":40"#, during, Delivering),
        ("", r#","GoalType":3,"CapType":2,"Impressions":8"#, during, Completed),
        ("", r#","GoalType":2,"CapType":2,"LifetimeCapAmount":9"#, during, Delivering),
        ("", r#","GoalType":2,"CapType":2,"LifetimeCapAmount":8"#, during, Completed),
        ("", r#","GoalType":2,"CapType":1,"LifetimeCapAmount":40"#, during, Completed),
        ("", r#","GoalType":2"#, during, Delivering),
        ("", r#","CreativeMaps":[{"IsActive":false}]"#, during, AwaitingCreatives),
        ("", r#","CreativeMaps":[{"IsActive":true}]"#, during, Delivering),
        ("", r#","CreativeMaps":[{"IsActive":null},{"IsActive":true,"IsDeleted":null}]"#, during, Delivering),
        ("", r#","CreativeMaps":[{"IsActive":null},{"IsActive":true,"IsDeleted":true}]"#, during, AwaitingCreatives),
        ("", r#","IsActive":null"#, during, Paused),
        (r#","IsActive":null"#, "", during, Paused),
        ("", r#","GoalType":null,"Impressions":null"#, during, Delivering),
        ("", r#","Impressions":40"#, during, Completed),
        ("", r#","GoalType":2,"LifetimeCapAmount":40"#, during, Completed),
        ("", r#","GoalType":2,"LifetimeCapAmount":41"#, during, Delivering),
    ] {
        let (_, states, _) = state(campaign, &[flight], now);
        assert_eq!(states, [expected], "{campaign} {flight} {now}");
    }
}

#[test]
fn a_buy_stands_as_its_packages_do() {
    let during = "2026-12-10T00:00:00Z";
    let (buy, packages, detail) = state("", &["", "", ""], during);
    assert_eq!(buy, DeliveryState::Delivering);
    assert_eq!(packages, [DeliveryState::Delivering, DeliveryState::Completed, DeliveryState::AwaitingCreatives]);
    assert_eq!(detail, "", "what the state says is not said again");
    assert_eq!(state(r#","IsArchived":true"#, &[""], during).0, DeliveryState::Canceled);
    assert_eq!(state(r#","IsDeleted":true"#, &[""], during).0, DeliveryState::Missing);
}

#[test]
fn many_buys_of_an_advertiser_are_two_lists_and_one_count() {
    let host = FakeHost::with_description(&crate::describe::description(), |request| {
        let flight = |id: i64, campaign: i64| {
            format!(r#"{{"Id":{id},"CampaignId":{campaign},"IsActive":true,"CreativeMaps":[{{"IsActive":true}}]}}"#)
        };
        Ok(if request.url.contains("instantcounts") {
            answer(400, r#"{"Error":"flight 12 does not exist"}"#)
        } else if request.url.contains("/flight") {
            answer(200, &page(&[flight(11, 1), flight(12, 2), flight(13, 3)].join(",")))
        } else if request.url.contains("/v1/campaign?") {
            answer(200, &page(r#"{"Id":1,"IsActive":true},{"Id":2,"IsActive":false}"#))
        } else {
            answer(404, r#"{"Error":"gone"}"#)
        })
    });
    let buys = [buy("a", 1, &[("p", 11)], &[]), buy("b", 2, &[("p", 12)], &[]), buy("c", 3, &[("p", 13)], &[])];
    let answers = run(&host, || Kevel::check_status(samples::context(), buys.to_vec())).unwrap().unwrap();
    let states: Vec<DeliveryState> = answers.into_iter().map(|answer| answer.status.unwrap().state).collect();
    assert_eq!(states, [DeliveryState::Delivering, DeliveryState::Paused, DeliveryState::Missing]);
    assert_eq!(host.requests().len(), 4, "two lists, the campaign that is in none, the counts");
}

#[test]
fn a_buy_that_cannot_be_read_fails_alone() {
    let host = FakeHost::with_description(&crate::describe::description(), |request| {
        let path = request.url.split('?').next().unwrap();
        Ok(if request.url.contains("instantcounts") {
            answer(200, r#"{"flights":{"11":{"impressions":null}}}"#)
        } else if path.ends_with("/v1/campaign/2/flight") {
            answer(200, &page(r#"{"Id":12,"CampaignId":2,"Impressions":"many"}"#))
        } else if path.ends_with("/v1/campaign/1/flight") {
            answer(200, &page(r#"{"Id":11,"CampaignId":1,"IsActive":true,"CreativeMaps":[{"IsActive":true}]}"#))
        } else if path.ends_with("/flight") {
            answer(200, &page(r#"{"Id":12,"CampaignId":2,"Impressions":"many"}"#))
        } else if path.ends_with("/v1/campaign/3") {
            answer(400, r#"{"Error":"of another network"}"#)
        } else if path.ends_with("/v1/campaign/5") {
            answer(500, "{}")
        } else {
            answer(200, r#"{"Id":1,"IsActive":true}"#)
        })
    });
    let mut odd = buy("d", 4, &[], &[]);
    odd.remote[0].id = "x".to_owned();
    let buys = [
        buy("a", 1, &[("p", 11)], &[]),
        buy("b", 2, &[("p", 12)], &[]),
        buy("c", 3, &[], &[]),
        buy("e", 5, &[], &[]),
        odd,
    ];
    let answers = run(&host, || Kevel::check_status(samples::context(), buys.to_vec())).unwrap().unwrap();
    let said = |answer: StatusAnswer| match answer.status {
        Ok(status) => format!("{:?}", status.state),
        Err(failure) => failure.code,
    };
    let said: Vec<String> = answers.into_iter().map(said).collect();
    assert_eq!(
        said,
        ["DeliveryState::Delivering", "unreadable_answer", "rejected", "platform_error", "invalid_remote_id"]
    );
}

#[test]
fn a_network_that_cannot_be_asked_is_not_pressed() {
    let host = FakeHost::new(|_| Ok(answer(429, "{}")));
    let buys: Vec<RemoteBuy> = (1..9).map(|order| buy("b", order, &[], &[])).collect();
    let failure = run(&host, || Kevel::check_status(samples::context(), buys.to_vec())).unwrap().unwrap_err();
    assert_eq!((failure.code.as_str(), host.requests().len()), ("busy", 1));
}

#[test]
fn a_list_that_breaks_off_leaves_nothing_half_read() {
    let flight = r#"{"Id":11,"CampaignId":1,"IsActive":true,"CreativeMaps":[{"IsActive":true}]}"#;
    let host = FakeHost::with_description(&crate::describe::description(), move |request| {
        Ok(if request.url.contains("instantcounts") {
            answer(200, "{}")
        } else if request.url.contains("/v1/campaign?") {
            answer(200, &page(r#"{"Id":1,"IsActive":true},{"Id":2,"IsActive":"perhaps"}"#))
        } else if request.url.contains("/flight") {
            answer(200, &page(flight))
        } else {
            answer(200, r#"{"Id":1,"IsActive":true}"#)
        })
    });
    let buys = [buy("a", 1, &[("p", 11)], &[]), buy("b", 2, &[("p", 12)], &[])];
    let answers = run(&host, || Kevel::check_status(samples::context(), buys.to_vec())).unwrap().unwrap();
    assert_eq!(answers[0].status.as_ref().unwrap().state, DeliveryState::Delivering);
}

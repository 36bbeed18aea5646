//! Adapters that misbehave fail alone, by name, while buys on another adapter go on.

use flightdeck_test_support::component;
use serde_json::json;

use crate::house::{Answer, BUYER, House, OPERATOR};

/// What an adapter does wrong, when, and the name of what it ran into.
const BEHAVIOURS: [(&str, When, &str); 11] = [
    ("spin", When::Planning, "cpu_limit"),
    ("hog", When::Planning, "memory_limit"),
    ("trap", When::Planning, "trap"),
    ("rubbish", When::Planning, "bad_result"),
    ("oversize", When::Planning, "memory_limit"),
    ("other_host", When::Creating, "egress_denied"),
    ("loopback_name", When::Creating, "egress_denied"),
    ("loopback_number", When::Creating, "egress_denied"),
    ("write_outside_step", When::Creating, "misuse"),
    ("begin_twice", When::Creating, "misuse"),
    ("idle", When::Creating, "create_incomplete"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// The create is refused at once.
    Planning,
    /// The create is accepted and fails.
    Creating,
}

/// A platform and a product for each behaviour, none of which needs an approval.
fn configuration(endpoint: &str) -> String {
    let adapter = component("flightdeck-test-guest").display().to_string();
    let port = endpoint.rsplit(':').next().unwrap_or_default();
    let platform = |(name, ..): &(&str, When, &str)| {
        let ssrf = "ssrf".to_owned();
        let (behaviour, url) = match *name {
            "other_host" => (ssrf, "https://example.com/x".to_owned()),
            "loopback_name" => (ssrf, format!("http://localhost:{port}/x")),
            "loopback_number" => (ssrf, format!("http://127.0.0.1:{port}/x")),
            name => (name.replace('_', "-"), String::new()),
        };
        // Enough to print a lot in; the endless loop should not take the tests' time.
        let cpu = if *name == "spin" { "300ms" } else { "10s" };
        // Its own platform is elsewhere: what listens on this machine is not for it.
        format!(
            "[[platforms]]\nname = \"{name}\"\nadapter = \"{adapter}\"\nendpoint = \"https://ads.example.com\"\n\
             read_requests = [\"POST /report/*\"]\n\
             settings = {{ behaviour = \"{behaviour}\", url = \"{url}\" }}\n\
             limits = {{ cpu_time = \"{cpu}\", memory = \"16MiB\", wall_time = \"20s\" }}\n\n\
             [[products]]\nid = \"{name}\"\nname = \"{name}\"\nplatform = \"{name}\"\nformats = [\"image\"]\ncpm = 1\n\n"
        )
    };
    let chatty = ("print", When::Planning, "");
    let all = BEHAVIOURS.iter().chain([&chatty]).map(platform).collect::<String>();
    all + "[[approvals]]\noperations = [\"create_media_buy\"]\nabove_budget = 5_000\n"
}

async fn house() -> House {
    let names = BEHAVIOURS.iter().map(|(name, ..)| *name).chain(["print"]);
    let advertisers: Vec<(&str, &str)> = names.map(|name| (name, "7")).collect();
    let mut house = House::with(&advertisers, configuration).await;
    house.start(&[]).await;
    house
}

async fn buy(house: &House, package: &str) -> Answer {
    house.post(BUYER, "/v1/media-buys", json!({ "packages": [package], "total_budget": 1_000 })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fails_alone_by_name_while_buys_on_another_go_on() {
    let house = house().await;
    let hostile = async {
        for (name, when, code) in BEHAVIOURS {
            let answer = buy(&house, name).await;
            let error = match when {
                When::Planning => answer.body["error"].clone(),
                When::Creating => {
                    assert_eq!(answer.body["status"], "failed", "{name}: {:#}", answer.body);
                    let path = format!("/v1/operations/{}", answer.text("/operation_id"));
                    house.get(OPERATOR, &path).await.body["error"].clone()
                }
            };
            assert_eq!(error["code"], "ADAPTER_FAULT", "{name}: {:#}", answer.body);
            assert_eq!(error["details"]["reason"], code, "{name}: {error:#}");
            assert!(error["message"].as_str().is_some_and(|message| message.contains(name)), "{error:#}");
        }
    };
    let honest = async {
        let mut bought = 0;
        while bought < 20 {
            let answer = buy(&house, "news").await;
            assert_eq!(answer.body["status"], "pending_activation", "{:#}", answer.body);
            bought += 1;
        }
        bought
    };
    let ((), bought) = tokio::join!(hostile, honest);
    assert_eq!(house.kevel.platform().count("campaigns"), bought);
    let listed = house.get(BUYER, "/v1/media-buys?status=failed").await;
    let creating = BEHAVIOURS.iter().filter(|(_, when, _)| *when == When::Creating).count();
    assert_eq!(listed.body["media_buys"].as_array().map(Vec::len), Some(creating), "{:#}", listed.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_floods_its_log_is_cut_short_and_its_lines_name_the_operation() {
    let house = house().await;
    let answer = house
        .post(BUYER, "/v1/media-buys", json!({ "packages": ["print"], "total_budget": 1_000, "dry_run": true }))
        .await
        .expect(200);
    assert_eq!(answer.body["dry_run"], true);
    let log = house.log();
    let lines = log.lines().filter(|line| line.contains("a line of a chatty adapter")).count();
    assert!((1..100_000).contains(&lines), "{lines} lines");
    // At its start, the host has tried a plan, for which there is no operation.
    let of_operation = |line: &&str| line.contains("a line of a chatty adapter") && !line.contains("sample plan");
    let line = log.lines().find(of_operation).expect("a line");
    assert!(line.contains("op_") && line.contains("print"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_does_not_look_at_what_it_is_asked_for_sells_nothing_that_it_does_not_list() {
    let house = house().await;
    let refused = async |change: serde_json::Value| {
        let mut request = json!({ "packages": ["print"], "total_budget": 1_000, "dry_run": true });
        request.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let answer = house.post(BUYER, "/v1/media-buys", request).await.expect(400);
        let items = answer.body["error"]["details"]["items"].as_array().expect("items").clone();
        let fields: Vec<String> = items.iter().filter_map(|item| item["field"].as_str().map(str::to_owned)).collect();
        (answer.error().0, fields)
    };
    let targeting = json!({ "targeting_overlay": {
        "geo_country_any_of": ["US"], "device_types": ["mobile"], "os_none_of": ["ios"],
        "geo_country_none_of": ["CA"],
        "frequency_cap": { "suppress_minutes": 60, "scope": "package" },
        "dayparting": { "timezone": "UTC", "presets": ["midnight"] },
    }});
    let (code, fields) = refused(targeting).await;
    assert_eq!(code, "UNSUPPORTED_TARGETING");
    let mut fields: Vec<&str> = fields.iter().map(|field| field.rsplit('/').next().unwrap_or_default()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["device_types", "frequency_cap", "geo_country_none_of", "os_none_of", "presets"]);
    let (code, fields) = refused(json!({ "pacing": "asap" })).await;
    assert_eq!((code.as_str(), fields), ("INVALID_PARAMETER", vec!["/pacing".to_owned()]));
}

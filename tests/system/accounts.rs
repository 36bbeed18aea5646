//! What hosts and operators learn of the accounts on the ad servers: `check --online`, and what a host
//! reads while it serves.

use std::time::Duration;

use flightdeck_test_support::component;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    acme,
    house::{BUYER, House, OPERATOR, day},
    servers::Servers,
};

/// Runs `check --online` with these arguments; whether it succeeded, and what it printed.
async fn check(house: &House, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = house.command();
    command.args(["check", "--online"]).args(arguments).envs(environment.iter().copied());
    let ran = command.output().await.expect("the command runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.success(), text(&ran.stdout), text(&ran.stderr))
}

/// The report in JSON; whether nothing is bad.
async fn report(house: &House, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, Value) {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let (fine, printed, said) = check(house, &arguments, environment).await;
    let report = serde_json::from_str(&printed).unwrap_or_else(|_| panic!("no JSON: {printed}{said}"));
    (fine, report)
}

fn platform<'r>(report: &'r Value, name: &str) -> &'r Value {
    let platforms = report["platforms"].as_array().expect("platforms");
    platforms.iter().find(|platform| platform["platform"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

/// The severity and the message of the only row about a subject.
fn row<'r>(report: &'r Value, name: &str, subject: &str) -> (&'r str, &'r str) {
    let rows = platform(report, name)["checks"].as_array().expect("rows");
    let rows: Vec<&Value> = rows.iter().filter(|row| row["subject"] == subject).collect();
    let [row] = rows.as_slice() else { panic!("{} rows about {subject} in {report:#}", rows.len()) };
    (row["severity"].as_str().expect("a severity"), row["message"].as_str().expect("a message"))
}

#[tokio::test]
async fn three_accounts_that_are_as_configured_are_fine() {
    let servers = Servers::empty().await;
    let house = &servers.house;
    house.configure("[[principals]]\nid = \"other\"", "[[principals]]\nid = \"third\"\nplatform_mappings = { gam = { advertiser_id = \"4002\" } }\n\n[[principals]]\nid = \"other\"");
    let (fine, report) = report(house, &[], &[]).await;
    assert!(fine, "{report:#}");
    assert_eq!(report["bad"], 0);
    let account = json!({ "id": "21700001", "name": "Emulated Publisher", "currency": "USD", "time_zone": "Etc/UTC" });
    assert_eq!(platform(&report, "gam")["account"], account);
    assert_eq!(platform(&report, "kevel")["account"]["id"], "900");
    assert_eq!(platform(&report, "triton")["account"]["time_zone"], "Etc/UTC");
    for name in ["gam", "kevel", "triton"] {
        assert_eq!(row(&report, name, &format!("the credential of {name}")), ("fine", "is accepted"));
        assert_eq!(row(&report, name, "clock").0, "fine");
        assert!(row(&report, name, "requests").1.contains("16 at a time"));
    }
    assert_eq!(row(&report, "gam", "advertiser 4002 of third"), ("fine", "Globex"));
    assert_eq!(row(&report, "gam", "ad unit 6004"), ("fine", "Sports"));
    assert_eq!(row(&report, "gam", "currency of homepage").0, "fine");
    assert_eq!(row(&report, "kevel", "advertiser 1002 of other"), ("fine", "Second Agency"));
    assert_eq!(row(&report, "triton", "station 7003").0, "fine");
    assert_eq!(row(&report, "triton", "currency of drive_time").0, "fine");
    for (name, server) in
        [("kevel", servers.server("kevel")), ("gam", servers.server("gam")), ("triton", servers.server("triton"))]
    {
        assert_eq!(server.counts(), (0, 0), "{name}");
        assert_eq!(
            server
                .controls
                .log
                .summary()
                .requests
                .iter()
                .filter(|request| !["GET"].contains(&request.method.as_str())
                    && !request.path.contains("token")
                    && !request.path.contains("login"))
                .count(),
            0,
            "{name}"
        );
    }
    assert!(!house.dir().join("data/flightdeck.db").exists(), "the database is left alone");

    let (fine, table, said) = check(house, &["--platform", "gam"], &[]).await;
    assert!(fine, "{table}{said}");
    assert!(table.starts_with("gam: 21700001 Emulated Publisher, USD, Etc/UTC\n"), "{table}");
    assert!(!table.contains("kevel"), "{table}");
    let (fine, _, said) = check(house, &["--platform", "acme"], &[]).await;
    assert!(
        !fine && said.contains("there is no platform acme in the configuration; it has: kevel, gam, triton"),
        "{said}"
    );
}

/// Products that name what is not there, or not in use.
const WRONG: &str = "
[[products]]
id = \"magazine\"
name = \"Magazine\"
platform = \"gam\"
formats = [\"image\"]
cpm = 10
currency = \"EUR\"
settings = { ad_units = [{ id = \"6007\" }, { id = \"99\" }] }

[[products]]
id = \"letter\"
name = \"Letter\"
platform = \"kevel\"
formats = [\"image\"]
cpm = 10
settings = { priority_id = 3005, sites = [{ site_id = 2002 }] }

[[products]]
id = \"nowhere\"
name = \"Nowhere\"
platform = \"triton\"
formats = [\"audio\"]
cpm = 10
settings = { station_ids = [1] }
";

async fn wrong() -> Servers {
    Servers::with(WRONG, |gam, triton| crate::servers::Endpoints {
        gam: format!("\"{gam}\""),
        triton: format!("\"{triton}\""),
        login: format!("\"{triton}/login\""),
    })
    .await
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_setting_and_fails_the_check() {
    let servers = wrong().await;
    let house = &servers.house;
    house.configure("gam = { advertiser_id = \"4001\" }", "gam = { advertiser_id = \"4005\" }");
    house.configure("triton = { advertiser_id = \"501\" }", "triton = { advertiser_id = \"503\" }");
    let (fine, report) = report(house, &[], &[]).await;
    assert!(!fine);
    for (name, subject, words) in [
        ("gam", "ad unit 6007", "Old magazine is archived"),
        ("gam", "ad unit 99", "is not in the network"),
        ("gam", "currency of magazine", "is sold in EUR, and the account counts in USD"),
        ("gam", "advertiser 4005 of agency", "credit status STOP"),
        ("kevel", "site 2002 in channel 4002", "does not have this site"),
        ("triton", "station 1", "no such station"),
        ("triton", "advertiser 503 of agency", "is billed in EUR"),
    ] {
        let (severity, message) = row(&report, name, subject);
        assert_eq!(severity, "bad", "{subject}: {message}");
        assert!(message.contains(words), "{subject}: {message}");
    }
    let first = &platform(&report, "gam")["checks"][0];
    assert_eq!(first["severity"], "bad", "the worst comes first");
    let unit =
        platform(&report, "gam")["checks"].as_array().expect("rows").iter().find(|row| row["subject"] == "ad unit 99");
    assert_eq!(unit.expect("the row")["field"], "/products/magazine/ad_units/1/id");

    let (fine, table, said) = check(house, &[], &[]).await;
    assert!(!fine && said.contains("checks are bad"), "{said}");
    assert!(table.contains("[/products/magazine/ad_units/1/id]"), "{table}");
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_shown() {
    let house = House::empty("").await;
    let key = "a-wrong-key-0123456789";
    let (fine, report) = report(&house, &[], &[("KEVEL_API_KEY", key)]).await;
    assert!(!fine);
    let (severity, message) = row(&report, "kevel", "the credential of kevel");
    assert_eq!(severity, "bad");
    assert!(message.starts_with("is refused: Kevel does not let this API key do it"), "{message}");
    assert!(!report.to_string().contains(key));

    let servers = Servers::empty().await;
    servers.house.configure("demo-password", "a-wrong-password");
    let (fine, report) = self::report(&servers.house, &["--platform", "triton"], &[]).await;
    assert!(!fine);
    let (severity, message) = row(&report, "triton", "the credential of triton");
    assert_eq!(severity, "bad");
    assert!(message.contains("the platform's login refuses the host's credentials"), "{message}");
    assert!(!report.to_string().contains("a-wrong-password"));
}

#[tokio::test]
async fn a_platform_that_hangs_or_is_not_there_ends_the_check_in_time() {
    let house = House::empty("").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hangs = format!("http://{}", silent.local_addr().expect("an address"));
    let began = std::time::Instant::now();
    let (fine, report) = report(&house, &["--timeout", "1"], &[("KEVEL_ENDPOINT", &hangs)]).await;
    assert!(!fine && began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let (severity, message) = row(&report, "kevel", &hangs);
    assert_eq!(severity, "bad");
    assert!(message.starts_with("can't be asked: "), "{message}");

    drop(silent);
    let (fine, report) = self::report(&house, &[], &[("KEVEL_ENDPOINT", &hangs)]).await;
    assert!(!fine);
    let (severity, message) = row(&report, "kevel", &hangs);
    assert_eq!(severity, "bad");
    assert!(message.contains("did not answer"), "{message}");
}

/// An ad server whose clock shows 2020, and whose lists are empty.
async fn old_clock() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = client.read(&mut [0; 8192]).await;
                let body = r#"{"page":1,"totalPages":1,"items":[],"NetworkId":7,"Id":1001,"IsActive":true}"#;
                let head = "HTTP/1.1 200 OK\r\ndate: Tue, 01 Dec 2020 12:00:00 GMT\r\ncontent-type: application/json\r\nconnection: close";
                let _ = client
                    .write_all(format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())
                    .await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_clock_that_differs_is_told() {
    let house = House::empty("").await;
    let (_, report) = report(&house, &[], &[("KEVEL_ENDPOINT", &old_clock().await)]).await;
    let (severity, message) = row(&report, "kevel", "clock");
    assert_eq!(severity, "warning");
    assert!(message.contains("s behind this host's") && message.contains("time service"), "{message}");
}

#[tokio::test]
async fn an_adapter_that_can_not_read_its_account_is_told() {
    let endpoint = acme::AdServer::default().start().await;
    let house = House::with(&[("acme", "7")], |_| acme::acme(&endpoint)).await;
    let (fine, report) = report(&house, &["--platform", "acme"], &[]).await;
    assert!(fine, "{report:#}");
    let (severity, message) = row(&report, "acme", "acme");
    assert_eq!(severity, "warning");
    assert!(message.contains("does not export the interface `account`"), "{message}");

    let adapter = format!("adapter = \"{}\"\n", component("flightdeck-adapter-kevel").display());
    house.configure(&adapter, "");
    let (fine, report) = self::report(&house, &["--platform", "kevel"], &[]).await;
    assert!(fine, "{report:#}");
    assert!(row(&report, "kevel", "kevel").1.contains("names no component"), "{report:#}");
}

#[tokio::test]
async fn a_host_reads_its_accounts_and_refuses_buys_in_another_currency() {
    let mut servers = wrong().await;
    servers.house.configure("account_refresh = \"0s\"", "account_refresh = \"1d\"");
    servers.house.start(&[]).await;
    let house = &servers.house;
    let known = house.until(OPERATOR, "/v1/platforms/gam/releases", |answer| !answer.body["account"].is_null()).await;
    let account = &known.body["account"];
    assert_eq!((&account["id"], &account["currency"]), (&json!("21700001"), &json!("USD")), "{account:#}");
    assert_eq!((&account["name"], &account["time_zone"]), (&json!("Emulated Publisher"), &json!("Etc/UTC")));
    assert!(account["age_seconds"].as_u64().expect("an age") < 60 && account["read_at"].is_string());
    assert_eq!(account["findings"]["bad"], 3);
    let metrics = house.get(OPERATOR, "/metrics").await.body.as_str().expect("text").to_owned();
    let bad = metrics
        .lines()
        .find(|line| line.starts_with("flightdeck_platform_findings{platform=\"gam\",severity=\"bad\"}"));
    assert_eq!(bad.and_then(|line| line.split(' ').nth(1)), Some("3"), "{metrics}");
    assert!(house.log().contains("Old magazine is archived"), "{}", house.log());

    let request = json!({ "packages": ["magazine"], "total_budget": 10, "flight_start_date": day(1), "flight_end_date": day(30) });
    for dry_run in [true, false] {
        let mut request = request.clone();
        request["dry_run"] = dry_run.into();
        let refused = house.post(BUYER, "/v1/media-buys", request).await.expect(400);
        let error = refused.body.to_string();
        assert!(error.contains("EUR") && error.contains("USD"), "{:#}", refused.body);
        assert!(error.contains("/currency") || error.contains("\"currency\""), "{:#}", refused.body);
    }
    let buys = house.get(OPERATOR, "/v1/media-buys").await;
    assert_eq!(buys.body["media_buys"].as_array().map(Vec::len), Some(0), "{:#}", buys.body);
    assert_eq!(servers.server("gam").counts(), (0, 0));
    let good = json!({ "packages": ["homepage"], "total_budget": 10, "flight_start_date": day(1), "flight_end_date": day(30) });
    house.post(BUYER, "/v1/media-buys", good).await.expect(202);
}

#[tokio::test]
async fn an_account_that_can_not_be_read_delays_nothing() {
    let mut house = House::empty("").await;
    house.configure("account_refresh = \"0s\"", "account_refresh = \"1d\"");
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let hangs = format!("http://{}", silent.local_addr().expect("an address"));
    house.start(&[("KEVEL_ENDPOINT", &hangs)]).await;
    let releases = house.get(OPERATOR, "/v1/platforms/kevel/releases").await.expect(200);
    assert_eq!(releases.body["account"], Value::Null);
    let request =
        json!({ "packages": ["news"], "total_budget": 10, "flight_start_date": day(1), "flight_end_date": day(30) });
    house.call(BUYER, Method::POST, "/v1/media-buys", request).await.expect(202);
    house.stop().await;
}

#[tokio::test]
async fn an_account_is_read_when_its_adapter_is_activated() {
    let mut house = House::empty("").await;
    let adapter = component("flightdeck-adapter-kevel").display().to_string();
    house.configure("account_refresh = \"0s\"", "account_refresh = \"1d\"");
    house.configure(&format!("adapter = \"{adapter}\"\n"), "");
    house.start(&[]).await;
    let path = "/v1/platforms/kevel/releases";
    assert_eq!(house.get(OPERATOR, path).await.body["account"], Value::Null);
    let (fine, said) = crate::command_line::run(&house, &["adapter", "install", "kevel", &adapter]).await;
    assert!(fine, "{said}");
    let releases = house.get(OPERATOR, path).await;
    let digest = releases.text("/releases/0/digest");
    let (fine, said) = crate::command_line::run(&house, &["adapter", "activate", "kevel", &digest]).await;
    assert!(fine, "{said}");
    let known = house.until(OPERATOR, path, |answer| !answer.body["account"].is_null()).await;
    assert_eq!(known.body["account"]["id"], "900");
}

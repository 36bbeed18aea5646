//! `check`, `adapter inspect` and a second `serve`, as an operator meets them.

use flightdeck::domain::{audit::Head, keys::Key};
use flightdeck_test_support::component;

use flightdeck_emulators::control::faults::Rule;
use reqwest::Method;
use serde_json::json;

use crate::house::{BUYER, House, ask};

/// Runs a command of the host; whether it succeeded, and all that it said.
pub(crate) async fn run(house: &House, arguments: &[&str]) -> (bool, String) {
    let ran = house.command().args(arguments).output().await.expect("the command runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.success(), said)
}

#[tokio::test]
async fn check_says_what_it_read_or_everything_that_is_wrong_with_its_line() {
    let house = House::empty("").await;
    let (fine, said) = run(&house, &["check"]).await;
    assert!(fine && said.contains("platforms   kevel") && said.contains("are fine"), "{said}");

    let house = House::empty("[serverr]\nlisten = 1\n[[approvals]]\nreviewrs = 2\n").await;
    let (fine, said) = run(&house, &["check"]).await;
    assert!(!fine, "{said}");
    for told in ["did you mean `server`?", "did you mean `reviewers`?"] {
        let line = said.lines().find(|line| line.contains(told)).unwrap_or_else(|| panic!("{told} is not in {said}"));
        assert!(line.contains("flightdeck.toml:"), "{line}");
    }
}

#[tokio::test]
async fn settings_that_the_adapter_does_not_take_are_told_with_their_line_before_anything_is_served() {
    let odd = "[[products]]\nid = \"odd\"\nname = \"Odd\"\nplatform = \"kevel\"\nformats = [\"image\"]\ncpm = 1\n\
               settings = { priority_idd = 1 }\n";
    let house = House::empty(odd).await;
    for command in ["check", "serve"] {
        let (fine, said) = run(&house, &[command]).await;
        assert!(!fine, "{said}");
        let line = said.lines().find(|line| line.contains("product odd: settings")).unwrap_or_default();
        assert!(line.contains("flightdeck.toml:") && line.contains("priority_idd"), "{command}: {said}");
    }
}

#[tokio::test]
async fn a_component_is_looked_into_and_what_is_none_is_refused() {
    let house = House::empty("").await;
    let adapter = component("flightdeck-adapter-kevel").display().to_string();
    let (fine, said) = run(&house, &["adapter", "inspect", &adapter]).await;
    assert!(fine && said.contains("contract  1.1.0") && said.contains("geo_region"), "{said}");
    let (fine, said) = run(&house, &["adapter", "inspect", "--json", &adapter]).await;
    let description: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert!(fine && description["description"]["platform"] == "kevel", "{said}");
    assert_eq!(description["asks"][0], KEVEL_READS);
    let (_, said) = run(&house, &["adapter", "inspect", &adapter]).await;
    assert!(said.contains(&format!("asks for  {KEVEL_READS}")), "{said}");
    let (fine, said) = run(&house, &["adapter", "inspect", &adapter, "--against", &adapter]).await;
    assert!(fine && said.contains("growth    none"), "{said}");
    let other = component("flightdeck-adapter-triton").display().to_string();
    let (fine, said) = run(&house, &["adapter", "inspect", &adapter, "--against", &other]).await;
    assert!(
        fine && said.contains(&format!("growth    asks for more requests to pass as reads: {KEVEL_READS}")),
        "{said}"
    );
    assert!(
        said.contains("growth    takes the format image") && !said.contains("growth    takes the format audio"),
        "{said}"
    );
    let text = house.dir().join("flightdeck.toml").display().to_string();
    let (fine, said) = run(&house, &["adapter", "inspect", &text]).await;
    assert!(!fine && said.contains("flightdeck.toml"), "{said}");
}

#[tokio::test]
async fn a_product_of_a_format_that_the_adapter_does_not_list_is_refused() {
    let house = House::empty(
        "[[products]]\nid = \"odd\"\nname = \"odd\"\nplatform = \"kevel\"\nformats = [\"image\", \"audio\"]\ncpm = 1\n\
         settings = { priority_id = 3002 }\n",
    )
    .await;
    let (fine, said) = run(&house, &["check"]).await;
    assert!(!fine && said.contains("product odd: `formats` has \"audio\", which Kevel does not take"), "{said}");
}

/// What the configuration of a Kevel must grant, in the form in which it stands there.
const KEVEL_READS: &str =
    r#"read_requests = ["POST /v1/campaign/search", "POST /v1/report/queue", "POST /v1/instantcounts/bulk"]"#;

#[tokio::test]
async fn a_component_that_asks_for_more_than_is_granted_is_refused_with_the_line_to_add() {
    let house = House::empty("").await;
    let path = house.dir().join("flightdeck.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    assert!(text.contains(KEVEL_READS));
    std::fs::write(&path, text.replace(KEVEL_READS, "read_requests = [\"POST /v1/campaign/search\"]"))
        .expect("it is written");
    for command in ["check", "serve"] {
        let (fine, said) = run(&house, &[command]).await;
        assert!(!fine, "{said}");
        let line =
            r#"add to the platform kevel: read_requests = ["POST /v1/report/queue", "POST /v1/instantcounts/bulk"]"#;
        assert!(said.contains(line) && said.contains("flightdeck.toml:"), "{command}: {said}");
    }
}

/// The adapters that come with the host, as the documentation compares them.
const ADAPTERS: [&str; 3] = ["flightdeck-adapter-gam", "flightdeck-adapter-kevel", "flightdeck-adapter-triton"];

#[tokio::test]
async fn the_documentation_compares_the_platforms_as_the_adapters_describe_them() {
    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/platforms.md");
    let house = House::empty("").await;
    let components = ADAPTERS.map(|name| component(name).display().to_string());
    let mut arguments = vec!["adapter", "compare"];
    arguments.extend(components.iter().map(String::as_str));
    let (fine, table) = run(&house, &arguments).await;
    assert!(fine, "{table}");
    let document = std::fs::read_to_string(DOCUMENT).expect("the document");
    let (before, rest) = document.split_once("<!-- flightdeck adapter compare -->\n").expect("where the table begins");
    let (shown, after) = rest.split_once("<!-- end -->").expect("where the table ends");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let updated = format!("{before}<!-- flightdeck adapter compare -->\n{table}<!-- end -->{after}");
        std::fs::write(DOCUMENT, updated).expect("the document is written");
        return;
    }
    assert_eq!(
        shown, table,
        "the adapters describe something else by now: run `make golden` and look at the difference"
    );
}

#[tokio::test]
async fn a_second_host_on_the_same_database_is_refused() {
    let house = House::new().await;
    let (served, said) = run(&house, &["serve"]).await;
    assert!(!served && said.contains("another flightdeck process"), "{said}");
}

#[tokio::test]
async fn a_token_is_made_listed_and_revoked_while_the_host_serves() {
    let house = House::new().await;
    let (made, token) = run(&house, &["token", "create", "--name", "rita", "--role", "reviewer"]).await;
    assert!(made, "{token}");
    let token = token.trim();
    house.get(token, "/v1/tasks").await.expect(200);
    let (fine, listed) = run(&house, &["token", "list"]).await;
    assert!(fine, "{listed}");
    let line = |listed: &str, name: &str| {
        listed.lines().find(|line| line.starts_with(name)).map(str::to_owned).expect("it is listed")
    };
    assert!(line(&listed, "rita ").ends_with("good"), "{listed}");
    assert!(listed.lines().any(|line| line.contains("configuration")), "{listed}");
    assert!(!listed.contains(token) && !listed.contains(crate::house::OPERATOR), "{listed}");

    let long = "r".repeat(65);
    for name in ["flightdeck", "Command  Line", "rita\nflightdeck", "", &long] {
        let (made, said) = run(&house, &["token", "create", "--name", name, "--role", "reviewer"]).await;
        assert!(!made && said.contains("must"), "{name:?}: {said}");
    }

    let (fine, said) = run(&house, &["token", "revoke", "rita", "--reason", "she left"]).await;
    assert!(fine, "{said}");
    house.get(token, "/v1/tasks").await.expect(401);
    let (_, listed) = run(&house, &["token", "list"]).await;
    assert!(line(&listed, "rita ").contains("revoked 20"), "{listed}");
    for (name, words) in [("rita", "already"), ("nobody", "token list")] {
        let (fine, said) = run(&house, &["token", "revoke", name]).await;
        assert!(!fine && said.contains(words), "{said}");
    }
    let configured = listed.lines().find(|line| line.contains("configuration")).and_then(|line| line.split(' ').next());
    let (fine, said) = run(&house, &["token", "revoke", configured.expect("one")]).await;
    assert!(fine && said.contains("is revoked"), "{said}");
    let (_, log) = run(&house, &["audit", "export"]).await;
    assert!(log.contains("token.revoked") && log.contains("she left"), "{log}");
}

#[tokio::test]
async fn the_audit_log_is_verified_and_exported_beside_a_running_host() {
    let house = House::new().await;
    house.created(serde_json::json!(["news"])).await;
    let (made, token) = run(&house, &["token", "create", "--name", "rita", "--role", "reviewer"]).await;
    assert!(made, "{token}");
    let (fine, said) = run(&house, &["audit", "verify"]).await;
    assert!(fine && said.contains("none changed, missing or out of place"), "{said}");
    let head = said.split_whitespace().find(|word| word.len() > 64 && word.contains(':')).expect("a head").to_owned();
    let (fine, said) = run(&house, &["audit", "verify", "--head", &head]).await;
    assert!(fine, "{said}");

    let (fine, log) = run(&house, &["audit", "export"]).await;
    assert!(fine, "{log}");
    let lines: Vec<serde_json::Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let actions: Vec<&str> = lines.iter().filter_map(|line| line["entry"]["action"].as_str()).collect();
    for action in [
        "configuration.loaded",
        "release.activated",
        "operation.accepted",
        "task.approved",
        "operation.succeeded",
        "token.created",
    ] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    assert!(!log.contains(token.trim()), "a token is told by its digest only");
    // Whoever has the log and the key can check the chain with nothing else.
    let secret = std::fs::read_to_string(house.dir().join("data/flightdeck.key")).expect("the key file");
    let key = Key::new("local", secret.trim().as_bytes());
    let mut head = Head::START;
    for line in &lines {
        let text = line["text"].as_str().expect("its text");
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).expect("JSON"), line["entry"]);
        head = head.next(text, &key);
        assert_eq!((&line["number"], &line["link"]), (&json!(head.number), &json!(head.link)));
    }

    let page = house.get(crate::house::OPERATOR, "/v1/audit?limit=2").await.expect(200);
    let shown: Vec<&str> =
        page.body["lines"].as_array().into_iter().flatten().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!(shown, actions[..2], "{:#}", page.body);
    assert_eq!(
        (&page.body["lines"][1]["text"], &page.body["lines"][1]["link"]),
        (&lines[1]["text"], &lines[1]["link"])
    );
    let next = format!("/v1/audit?cursor={}", page.text("/next_cursor"));
    let page = house.get(crate::house::OPERATOR, &next).await.expect(200);
    assert_eq!(page.body["lines"].as_array().map(Vec::len), Some(actions.len() - 2));
    for token in [crate::house::BUYER, crate::house::REVIEWER] {
        house.get(token, "/v1/audit").await.expect(403);
    }
    house.get(crate::house::OPERATOR, "/v1/audit?cursor=x").await.expect(400);

    // The log ends before what was kept: somebody cut it off, or it is another one.
    let far = format!("900{head}");
    let (fine, said) = run(&house, &["audit", "verify", "--head", &far]).await;
    assert!(!fine && said.contains("is not the one that was kept"), "{said}");
}

#[tokio::test]
async fn a_host_that_starts_again_unchanged_tells_the_audit_log_nothing() {
    let mut house = House::new().await;
    let (_, before) = run(&house, &["audit", "export"]).await;
    house.stop().await;
    house.start(&[]).await;
    let (_, after) = run(&house, &["audit", "export"]).await;
    let lines =
        |log: &str| log.lines().filter(|line| line.starts_with('{') && !line.contains("audit.exported")).count();
    assert_eq!((lines(&before), lines(&after)), (3, 3), "{after}");
    house.stop().await;
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, format!("{config}\n# changed\n")).expect("the configuration is written");
    house.start(&[]).await;
    let (_, after) = run(&house, &["audit", "export"]).await;
    assert_eq!(lines(&after), 4, "{after}");
}

#[tokio::test]
async fn a_host_that_stops_answers_whoever_waits_for_an_outcome() {
    let mut house = House::new().await;
    let buy = house.created(json!(["news"])).await;
    let fail = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("PUT", "/v1/flight", fail) });
    let path = format!("/v1/media-buys/{buy}");
    let asking = {
        let (client, url, path) = (house.client.clone(), house.url().to_owned(), path.clone());
        tokio::spawn(async move {
            let pause = json!({ "packages": [{ "package_id": "news", "active": false }] });
            ask(&client, &url, BUYER, Method::PATCH, &path, Some(&pause), &[("Prefer", "wait=50")]).await
        })
    };
    let tried = || house.kevel.controls().faults.list().iter().any(|rule| rule.fired > 0);
    while !tried() {
        tokio::task::yield_now().await;
    }
    house.stop().await;
    asking.await.expect("it ends").expect("an answer").expect(202);
}

#[tokio::test]
async fn without_a_database_commands_say_so_and_make_none() {
    let house = House::empty("").await;
    let data = house.dir().join("data");
    let names = || {
        let entries = std::fs::read_dir(&data).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    for arguments in [
        &["audit", "verify"][..],
        &["audit", "export"],
        &["token", "list"],
        &["token", "create", "--name", "rita", "--role", "reviewer"],
        &["webhook", "list"],
        &["backup", "copy.db"],
        &["restored"],
    ] {
        let (fine, said) = run(&house, arguments).await;
        assert!(!fine && said.contains("flightdeck.db: there is no database"), "{arguments:?}: {said}");
        assert_eq!(said.contains("start no host on it"), arguments == ["restored"], "{said}");
        assert!(said.contains("flightdeck serve"), "{arguments:?}: {said}");
        assert_eq!(names(), before, "{arguments:?}");
    }
}

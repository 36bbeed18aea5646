//! `check`, `adapter inspect` and a second `serve`, as an operator meets them.

use flightdeck_test_support::component;

use crate::house::House;

/// Runs a command of the host; whether it succeeded, and all that it said.
async fn run(house: &House, arguments: &[&str]) -> (bool, String) {
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
    assert!(fine && said.contains("contract  0.1.0") && said.contains("geo_region"), "{said}");
    let (fine, said) = run(&house, &["adapter", "inspect", "--json", &adapter]).await;
    let description: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert!(fine && description["description"]["platform"] == "kevel", "{said}");
    let text = house.dir().join("flightdeck.toml").display().to_string();
    let (fine, said) = run(&house, &["adapter", "inspect", &text]).await;
    assert!(!fine && said.contains("flightdeck.toml"), "{said}");
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

//! A call that failed in production, handed to the adapter's author as a file.

use std::path::Path;

use flightdeck_emulators::control::faults::{Action, Rule};
use flightdeck_test_support::component;
use serde_json::{Value, json};

use crate::{
    house::{BUYER, House, today},
    releases::adapter,
    servers::Servers,
};

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Runs `flightdeck adapter replay`; whether it succeeded, and everything that it printed.
async fn replayed(house: &House, component: &Path, recording: &Path) -> (bool, String) {
    let mut command = house.command();
    let done = command.args(["adapter", "replay"]).arg(component).arg(recording).output().await.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.success(), format!("{}{}", text(&done.stdout), text(&done.stderr)))
}

#[tokio::test]
async fn a_failed_call_is_handed_to_the_author_and_fails_there_in_the_same_way() {
    let mut servers = Servers::empty().await;
    servers.house.configure("name = \"triton\"\n", "name = \"triton\"\nrecord_failures = true\n");
    servers.house.start(&[]).await;
    let house = &servers.house;
    let told = adapter(house, &["record"]).await.expect("a list");
    assert!(told.contains("no failed calls are kept") && told.contains("they are kept for: triton"), "{told}");

    // The first line item is made, and the second is refused for good.
    let refuse: Action = serde_json::from_value(json!({ "fail": { "status": 403 } })).expect("an action");
    servers.triton.controls().faults.add(Rule { after: 1, ..Rule::new("POST", "/v1/flights", refuse) });
    let request =
        json!({ "packages": ["drive_time", "midday_audio"], "total_budget": 10_000, "flight_start_date": today() });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (operation, task) = (created.text("/operation_id"), created.text("/task_id"));
    house.approve(&task).await.expect(200);
    let is_kept = |told: &Result<String, String>| told.as_ref().is_ok_and(|told| told.contains(&operation));
    let until = tokio::time::Instant::now() + crate::house::PATIENCE;
    let told = loop {
        let told = adapter(house, &["record"]).await;
        if is_kept(&told) {
            break told.expect("a list");
        }
        assert!(tokio::time::Instant::now() < until, "it is never kept: {told:?}\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(told.contains("triton") && told.contains("create-media-buy"), "{told}");
    assert!(house.log().contains("a failed call was kept"), "{}", house.log());

    let file = house.dir().join("call.json");
    let written = adapter(house, &["record", &operation, "--function", "create-media-buy", "-o", &shown(&file)]).await;
    written.expect("it is written");
    let text = std::fs::read_to_string(&file).expect("the file");
    let recording: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(recording["operation"], json!(operation));
    assert_eq!(
        recording["exchanges"].as_array().and_then(|all| all.last()).map(|last| &last["answer"]["answered"]["status"]),
        Some(&json!(403)),
        "{text}"
    );
    for secret in ["demo-password", "Bearer", "\"password\""] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let again = adapter(house, &["record", &operation, "--function", "create-media-buy", "-o", &shown(&file)]).await;
    assert!(again.unwrap_err().contains("can't be written"), "no file is overwritten");

    // The same component fails as it did, although the ad server would take everything now.
    let triton = component("flightdeck-adapter-triton");
    let (succeeded, told) = replayed(house, &triton, &file).await;
    assert!(!succeeded && told.contains("recorded with this component") && !told.contains("differs:"), "{told}");
    let words = recording["result"]["failure"]["code"].as_str().expect("a failure");
    assert!(told.contains(words) && told.contains("<- 403"), "{words}: {told}");
    assert_eq!(servers.triton.platform().count("flights"), 1, "nothing was sent again");
    // Another adapter can do nothing with it.
    let (succeeded, told) = replayed(house, &component("flightdeck-adapter-kevel"), &file).await;
    assert!(!succeeded && told.contains("settings"), "{told}");

    for (operation, words) in [("op_none", "no failed call of op_none is kept"), ("../secret", "no failed call of")] {
        let told = adapter(house, &["record", operation]).await.unwrap_err();
        assert!(told.contains(words), "{told}");
    }
}

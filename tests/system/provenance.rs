//! Who approved what stands on an ad server: `flightdeck audit object`.

use flightdeck_emulators::platform::Platform as _;
use serde_json::{Value, json};

use crate::{
    at_rest,
    house::{BUYER, House, OPERATOR, REVIEWER, REVIEWER_2},
};

async fn object(house: &House, id: &str, more: &[&str]) -> (bool, String) {
    let ran = house.command().args(["audit", "object", "kevel", id]).args(more).output().await.expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.success(), said)
}

/// The id of the one flight on the ad server.
fn flight(house: &House) -> String {
    let flights = house.kevel.platform().objects("flights").expect("the kind");
    assert_eq!(flights.len(), 1, "{flights:?}");
    flights[0]["Id"].to_string()
}

#[tokio::test]
async fn what_stands_on_an_ad_server_leads_to_who_approved_exactly_that() {
    let rules = "[[approvals]]\nname = \"two for more\"\ngrows = true\nreviewers = 2\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    for token in [REVIEWER, REVIEWER_2] {
        let yes = json!({ "resolution": "approved" });
        house.post(token, &format!("/v1/tasks/{task}/complete"), yes).await.expect(200);
    }
    house.task_closed(&task).await;
    // A pause asks nobody.
    house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await;
    let path = format!("/v1/media-buys/{buy}/status");
    house.until(BUYER, &path, |answer| answer.body["status"] == "paused").await;
    let id = flight(&house);
    let (proven, said) = object(&house, &id, &[]).await;
    assert!(proven, "{said}");
    for shown in [
        format!("kevel {id} is the package news of {buy}, of Agency"),
        "approved by reviewer ".to_owned(),
        "approved by second-reviewer ".to_owned(),
        "signed with ".to_owned(),
        "the request and the plan below have the digest that was approved".to_owned(),
        "no rule demanded an approval".to_owned(),
    ] {
        assert!(said.contains(&shown), "{shown}: {said}");
    }
    let (_, told) = object(&house, &id, &["--json"]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let create = &told[0]["operations"][0];
    assert_eq!(
        (&create["verdict"]["intact"], create["verdict"]["approvals"].as_array().unwrap().len()),
        (&json!(true), 2)
    );
    assert!(!create["changes"].as_array().unwrap().is_empty(), "{create:#}");
    let (found, said) = object(&house, "999999", &[]).await;
    assert!(!found && said.contains("no media buy has recorded an object 999999"), "{said}");
    let percent = object(&house, "%", &[]).await;
    assert!(!percent.0, "a pattern finds nothing: {}", percent.1);

    // Somebody writes another plan into the database: the approval is not one of that.
    let before = house.get(OPERATOR, &format!("/v1/tasks/{task}")).await.expect(200);
    assert_eq!(before.body["status"], "completed");
    house.stop().await;
    // The plan that is shown is the one that the digest covers, whatever else the operation's row says.
    let name = create["changes"][0]["name"].as_str().unwrap().to_owned();
    let edit =
        format!("UPDATE operations SET doc = replace(doc, '{name}', 'never approved') WHERE kind = 'create_media_buy'");
    at_rest::write(&house, &[&edit]).await;
    let (proven, said) = object(&house, &id, &[]).await;
    assert!(proven && said.contains(&name) && !said.contains("never approved"), "{said}");
    let edit = format!(
        "UPDATE tasks SET doc = replace(doc, '\"total_budget\":1000', '\"total_budget\":9000') WHERE id = '{task}'"
    );
    at_rest::write(&house, &[&edit]).await;
    let (proven, said) = object(&house, &id, &[]).await;
    assert!(!proven && said.contains("CHANGED SINCE") && said.contains("not proven: op_"), "{said}");
}

//! Rules that ask for people of groups, say why they apply, and escalate to somebody; and the command that explains them.

use flightdeck_emulators::control::faults::Rule;
use serde_json::{Value, json};

use crate::{
    command_line::run,
    house::{Answer, BUYER, House, OPERATOR, REVIEWER, REVIEWER_2},
};

/// The first reviewer is of `finance`; the second one and the operator are of `legal`.
pub(crate) const RULES: &str = r#"
[[groups]]
id = "finance"
people = ["Reviewer"]

[[groups]]
id = "legal"
people = ["second-reviewer", "operator"]

[[approvals]]
grows = true
groups = ["legal"]

[[approvals]]
name = "large buys"
above_budget = 50_000
groups = ["finance"]
due_in = "1s"
escalate_to = "finance"
priority = "high"
"#;

async fn served(more: &str) -> House {
    let mut house = House::empty(more).await;
    house.start(&[]).await;
    house
}

async fn asked(house: &House, budget: i64) -> String {
    let request = json!({ "packages": ["news"], "total_budget": budget });
    house.post(BUYER, "/v1/media-buys", request).await.expect(202).text("/task_id")
}

async fn decide(house: &House, token: &str, task: &str, resolution: &str) -> Answer {
    let body = json!({ "resolution": resolution, "resolution_detail": "because" });
    house.post(token, &format!("/v1/tasks/{task}/complete"), body).await
}

fn names(list: &Value, key: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn nothing_is_made_before_people_of_every_group_that_a_rule_asks_for_have_approved() {
    let house = served(RULES).await;
    let task = asked(&house, 60_000).await;
    let path = format!("/v1/tasks/{task}");
    let shown = house.get(REVIEWER, &path).await;
    assert_eq!(shown.body["candidate_groups"], json!(["legal", "finance"]), "{:#}", shown.body);
    assert_eq!(names(&shown.body["rules"], "name"), ["approvals[1]", "large buys"]);
    let because = ["the media buy is new", "the total budget of 60000 USD is above 50000"];
    assert_eq!(names(&shown.body["rules"], "because"), because);
    let bought = house.get(BUYER, &path).await;
    assert_eq!((&bought.body["rules"], &bought.body["candidate_groups"]), (&json!([]), &json!([])));

    let first = decide(&house, REVIEWER_2, &task, "approved").await.expect(200);
    assert_eq!((first.text("/status"), &first.body["decision"]), ("in_progress".to_owned(), &Value::Null));
    let refused = decide(&house, OPERATOR, &task, "approved").await.expect(403);
    assert_eq!(refused.error().0, "PERMISSION_DENIED");
    assert!(refused.text("/error/message").contains("what is missing is 1 of finance"), "{:#}", refused.body);
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
    decide(&house, REVIEWER, &task, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    assert_eq!(house.kevel.platform().count("campaigns"), 1);
}

#[tokio::test]
async fn who_is_of_no_group_that_is_asked_neither_approves_nor_rejects() {
    let house = served(RULES).await;
    let task = asked(&house, 1_000).await;
    for resolution in ["approved", "rejected", "cannot_complete"] {
        let refused = decide(&house, REVIEWER, &task, resolution).await.expect(403);
        assert!(refused.text("/error/message").contains("only people of legal decide on this"), "{:#}", refused.body);
    }
    assert_eq!(house.get(REVIEWER, &format!("/v1/tasks/{task}")).await.text("/status"), "pending");
    decide(&house, OPERATOR, &task, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn a_task_that_nobody_decides_in_time_escalates_to_whom_the_rule_says() {
    let house = served(RULES).await;
    let task = asked(&house, 60_000).await;
    let path = format!("/v1/tasks/{task}");
    let escalated = house.until(REVIEWER, &path, |answer| answer.body["status"] == "escalated").await;
    assert_eq!((escalated.text("/escalated_to"), escalated.text("/priority")), ("finance".into(), "high".into()));
}

#[tokio::test]
async fn an_ad_servers_own_question_is_for_the_people_of_the_rules_that_apply() {
    let house = served(RULES).await;
    let task = asked(&house, 1_000).await;
    let refuse = serde_json::from_value(json!({ "fail": { "status": 403 } })).unwrap();
    house.kevel.controls().faults.add(Rule::new("POST", "/v1/campaign", refuse));
    decide(&house, OPERATOR, &task, "approved").await.expect(200);
    let list = "/v1/tasks?task_type=permission_exception";
    let listed = house.until(REVIEWER, list, |answer| answer.body["total_count"] == 1).await;
    assert_eq!(listed.body["tasks"][0]["candidate_groups"], json!(["legal"]), "{:#}", listed.body);
    let why = listed.text("/tasks/0/rules/0/because");
    assert!(why.contains("403") && why.ends_with("; its people are those of approvals[1]"), "{why}");
    let permission = listed.text("/tasks/0/task_id");
    decide(&house, REVIEWER, &permission, "approved").await.expect(403);
    decide(&house, REVIEWER_2, &permission, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn a_first_buy_waits_and_the_second_one_does_not() {
    let house = served("[[approvals]]\nname = \"new buyers\"\nfirst_buy = true\n").await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let task = asked(&house, 1_000).await;
    assert_eq!(asked(&house, 1_000).await.split('_').next(), Some("task"), "nothing was carried out yet");
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    let second = house.post(BUYER, "/v1/media-buys", request).await;
    assert_eq!(second.body["task_id"], Value::Null, "{:#}", second.body);
}

#[tokio::test]
async fn the_command_says_which_rules_apply_and_why() {
    let mut house = House::empty(RULES).await;
    let file = house.dir().join("request.json");
    let path = file.display().to_string();
    let explain = async |house: &House, request: Value, more: &[&str]| {
        std::fs::write(&file, request.to_string()).unwrap();
        let arguments = [&["rules", "explain", "--principal", "agency", &path], more].concat();
        run(house, &arguments).await
    };
    let create = json!({ "packages": ["news"], "total_budget": 60_000 });
    let (fine, said) = explain(&house, create.clone(), &[]).await;
    let expected = "\
create_media_buy
applies         approvals[1]
                the media buy is new
applies         large buys
                the total budget of 60000 USD is above 50000

it waits for
  1 of legal  (approvals[1])
  1 of finance  (large buys)
finance     Reviewer
legal       second-reviewer, operator
priority    high
due in      1s
escalates   to finance
expires     at the start of the flight, or after 30 days
";
    assert_eq!((fine, &*said), (true, expected));

    house.start(&[]).await;
    let task = asked(&house, 1_000).await;
    decide(&house, OPERATOR, &task, "approved").await.expect(200);
    let closed = house.task_closed(&task).await;
    let lower = json!({ "media_buy_id": closed.text("/media_buy_id"), "total_budget": 900 });
    let (fine, said) = explain(&house, lower, &["--json"]).await;
    let told: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(fine, "{said}");
    let rules = json!([
        { "name": "approvals[1]", "applies": false, "because": "the change does not make the media buy larger" },
        { "name": "large buys", "applies": false, "because": "the total budget of 900 USD is not above 50000" },
    ]);
    assert_eq!(told, json!({ "operation": "update_media_buy", "rules": rules, "needed": null }));

    for (request, wrong) in [
        (json!({ "packages": ["nows"], "total_budget": 1 }), "/packages/0 is no package that you can buy"),
        (json!({ "packages": ["news"], "total": 1 }), "/total"),
        (json!({ "media_buy_id": "kevel_0", "total_budget": 1 }), "agency has no media buy kevel_0 in this database"),
    ] {
        let (fine, said) = explain(&house, request, &[]).await;
        assert!(!fine && said.contains(wrong), "{wrong}: {said}");
    }
}

//! What reviewers do with tasks besides deciding one: they ask the buyer, hand over, take over, and
//! decide several at once. Over the API and on the desk.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    desk::Browser,
    house::{Answer, BUYER, House, OPERATOR, OTHER, REVIEWER, REVIEWER_2},
    receiver::Receiver,
};

async fn waiting(house: &House) -> String {
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    house.post(BUYER, "/v1/media-buys", request).await.expect(202).text("/task_id")
}

async fn task(house: &House, token: &str, id: &str) -> Answer {
    house.get(token, &format!("/v1/tasks/{id}")).await.expect(200)
}

async fn act(house: &House, token: &str, id: &str, what: &str, body: Value) -> Answer {
    house.post(token, &format!("/v1/tasks/{id}/{what}"), body).await
}

#[tokio::test]
async fn the_clock_of_a_task_stands_still_while_the_buyer_is_asked() {
    let mut house = House::empty("[[approvals]]\ngrows = true\ndue_in = \"1s\"\n").await;
    house.start(&[]).await;
    let (asked, control) = (waiting(&house).await, waiting(&house).await);
    let question = act(&house, REVIEWER, &asked, "ask", json!({ "question": "Which brand?" })).await.expect(200);
    assert_eq!((question.text("/status"), question.text("/assigned_to")), ("in_progress".into(), "reviewer".into()));
    house.until(REVIEWER, &format!("/v1/tasks/{control}"), |answer| answer.body["status"] == "escalated").await;
    let still = task(&house, REVIEWER, &asked).await;
    assert_eq!((still.text("/status"), &still.body["overdue"]), ("in_progress".into(), &json!(false)));
    let before = still.text("/due_by");
    let answered = act(&house, BUYER, &asked, "answer", json!({ "answer": "Shoes" })).await.expect(200);
    assert!(answered.text("/due_by") > before, "{} {before}", answered.text("/due_by"));
    // From here on the clock runs again.
    house.until(REVIEWER, &format!("/v1/tasks/{asked}"), |answer| answer.body["status"] == "escalated").await;
}

#[tokio::test]
async fn a_question_is_the_buyers_to_answer_and_an_answer_makes_a_decision_on_what_was_before_it_stale() {
    let mut house = House::empty("[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n").await;
    house.start(&[]).await;
    let receiver = Receiver::start().await;
    let events = ["task.question_asked", "task.question_answered"];
    house.post(BUYER, "/v1/webhooks", json!({ "url": receiver.url, "events": events })).await.expect(200);
    let id = waiting(&house).await;
    for (token, what, body, status) in [
        (BUYER, "ask", json!({ "question": "?" }), 403),
        (REVIEWER, "answer", json!({ "answer": "!" }), 403),
        (OTHER, "answer", json!({ "answer": "!" }), 404),
        (BUYER, "answer", json!({ "answer": "nobody asked" }), 409),
        (REVIEWER, "ask", json!({ "question": "" }), 400),
    ] {
        act(&house, token, &id, what, body).await.expect(status);
    }
    act(&house, REVIEWER, &id, "ask", json!({ "question": "Which brand?" })).await.expect(200);
    let again = act(&house, REVIEWER_2, &id, "ask", json!({ "question": "And when?" })).await.expect(409);
    assert!(again.body["error"]["message"].as_str().unwrap().contains("not answered"), "{}", again.body);
    let seen = task(&house, BUYER, &id).await;
    assert_eq!(seen.text("/questions/0/question"), "Which brand?");
    assert_eq!(seen.body["questions"][0]["answer"], Value::Null);
    let version = seen.body["version"].clone();
    act(&house, BUYER, &id, "answer", json!({ "answer": "Shoes" })).await.expect(200);
    act(&house, BUYER, &id, "answer", json!({ "answer": "Shoes" })).await.expect(200);
    act(&house, BUYER, &id, "answer", json!({ "answer": "Hats" })).await.expect(409);
    let stale = json!({ "resolution": "approved", "version": version });
    let refused = act(&house, REVIEWER, &id, "complete", stale).await.expect(409);
    assert_eq!(refused.body["error"]["details"]["task"]["questions"][0]["answer"], "Shoes");
    let hooks = receiver.until(|hooks| hooks.len() == 2).await;
    let told: Vec<Value> = hooks.iter().map(|hook| hook.json()["data"].clone()).collect();
    assert_eq!((&told[0]["question"], &told[0]["answer"]), (&json!("Which brand?"), &Value::Null));
    assert_eq!((&told[1]["question"], &told[1]["answer"]), (&json!("Which brand?"), &json!("Shoes")));
    // A second question is open when the task is decided: nothing waits for its answer any more.
    act(&house, REVIEWER, &id, "ask", json!({ "question": "And when?" })).await.expect(200);
    let version = task(&house, REVIEWER, &id).await.body["version"].clone();
    let code = json!({ "resolution": "approved", "version": version, "reason_code": "price" });
    let odd = act(&house, REVIEWER, &id, "complete", code).await.expect(400);
    assert_eq!(odd.body["error"]["field"], "/reason_code");
    let no = json!({ "resolution": "rejected", "resolution_detail": "not this brand", "version": version, "reason_code": "policy" });
    act(&house, REVIEWER, &id, "complete", no).await.expect(200);
    let closed = task(&house, BUYER, &id).await;
    assert_eq!((closed.text("/status"), closed.text("/reason_code")), ("failed".into(), "policy".into()));
    act(&house, BUYER, &id, "answer", json!({ "answer": "Tomorrow" })).await.expect(409);
}

#[tokio::test]
async fn several_tasks_are_decided_at_once_each_with_a_result() {
    let house = House::new().await;
    let (one, two, three) = (waiting(&house).await, waiting(&house).await, waiting(&house).await);
    act(&house, REVIEWER_2, &two, "start", json!({})).await.expect(200);
    let decisions = json!({ "decisions": [
        { "task_id": one, "resolution": "approved", "version": 1 },
        { "task_id": two, "resolution": "approved", "version": 1 },
        { "task_id": "task_none", "resolution": "approved" },
        { "task_id": three, "resolution": "rejected", "resolution_detail": "sold out", "reason_code": "inventory", "version": 1 },
    ]});
    house.post(BUYER, "/v1/tasks/complete", decisions.clone()).await.expect(403);
    let answer = house.post(REVIEWER, "/v1/tasks/complete", decisions).await.expect(200);
    let results = answer.body["results"].as_array().unwrap();
    let codes: Vec<&Value> = results.iter().map(|result| &result["error"]["code"]).collect();
    assert_eq!(codes, [&Value::Null, &json!("CONFLICT"), &json!("NOT_FOUND"), &Value::Null], "{results:#?}");
    assert_eq!(results[0]["task"]["decision"], "approved");
    assert_eq!(house.task_closed(&one).await.text("/status"), "completed");
    assert_eq!(house.task_closed(&three).await.text("/reason_code"), "inventory");
    assert_eq!(task(&house, REVIEWER, &two).await.text("/status"), "in_progress");
    assert_eq!(house.kevel.platform().count("campaigns"), 1);
    house.post(REVIEWER, "/v1/tasks/complete", json!({ "decisions": [] })).await.expect(400);
    let silent = json!({ "decisions": [
        { "task_id": two, "resolution": "approved" },
        { "task_id": two, "resolution": "rejected", "resolution_detail": " " },
    ]});
    let silent = house.post(REVIEWER, "/v1/tasks/complete", silent).await.expect(400);
    assert_eq!(silent.body["error"]["field"], "/decisions/1/resolution_detail");
    assert_eq!(task(&house, REVIEWER, &two).await.text("/status"), "in_progress", "nothing of it was decided");
    let many: Vec<Value> = (0..51).map(|_| json!({ "task_id": two, "resolution": "approved" })).collect();
    house.post(REVIEWER, "/v1/tasks/complete", json!({ "decisions": many })).await.expect(400);
}

#[tokio::test]
async fn a_task_is_taken_over_with_a_reason() {
    let house = House::new().await;
    let id = waiting(&house).await;
    act(&house, REVIEWER, &id, "start", json!({})).await.expect(200);
    act(&house, BUYER, &id, "start", json!({ "take_over": "mine" })).await.expect(403);
    let taken = act(&house, REVIEWER_2, &id, "start", json!({ "take_over": "Rita is ill" })).await.expect(200);
    assert_eq!((taken.text("/status"), taken.text("/assigned_to")), ("in_progress".into(), "second-reviewer".into()));
    let said = taken.body["history"].to_string();
    assert!(said.contains("from reviewer: Rita is ill"), "{said}");
    let given = json!({ "assigned_to": "reviewer", "reason": "well again" });
    act(&house, REVIEWER_2, &id, "escalate", json!({ "reason": "hand over" })).await.expect(200);
    let assigned = act(&house, REVIEWER_2, &id, "assign", given).await.expect(200);
    assert!(assigned.body["history"].to_string().contains("to reviewer: well again"), "{}", assigned.body);
    let line = house.get(OPERATOR, "/v1/audit").await.expect(200).body.to_string();
    assert!(line.contains("task.taken_over"), "{line}");
}

#[tokio::test]
async fn reviewers_ask_assign_and_take_over_on_the_page() {
    let house = House::new().await;
    let id = waiting(&house).await;
    let path = format!("/admin/tasks/{id}");
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let csrf = browser.csrf().await;
    let send = async |what: &str, to: &str, reason: &str| {
        browser.send(&format!("{path}/{what}"), &[("csrf", &csrf), ("to", to), ("reason", reason)]).await.status()
    };
    assert!(browser.page("/admin/queue?view=mine").await.contains("You have nothing."));
    assert_eq!(send("ask", "", " ").await, StatusCode::BAD_REQUEST);
    assert_eq!(send("ask", "", "<b>Which</b> brand?").await, StatusCode::SEE_OTHER);
    assert_eq!(send("ask", "", "Again?").await, StatusCode::CONFLICT);
    let page = browser.page(&path).await;
    for shown in ["waits for the buyer", "&#60;b&#62;Which", "no answer yet", "the due date stands still"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("id=\"ask\""), "one question at a time");
    assert!(browser.page("/admin/queue?view=mine").await.contains(&path));
    act(&house, BUYER, &id, "answer", json!({ "answer": "Shoes & hats" })).await.expect(200);
    assert!(browser.page(&path).await.contains("Shoes &#38; hats"));

    let other = Browser::signed_in(&house, REVIEWER_2).await;
    let theirs = other.csrf().await;
    let over = format!("{path}/take-over");
    let unexplained = other.send(&over, &[("csrf", &theirs), ("reason", "")]).await;
    assert_eq!(unexplained.status(), StatusCode::BAD_REQUEST);
    assert!(other.page(&path).await.contains("Why you take it from <bdi>reviewer</bdi>"));
    let taken = other.send(&over, &[("csrf", &theirs), ("reason", "on holiday")]).await;
    assert_eq!(taken.status(), StatusCode::SEE_OTHER);
    assert_eq!(task(&house, REVIEWER, &id).await.text("/assigned_to"), "second-reviewer");
    assert!(!browser.page("/admin/queue?view=mine").await.contains(&path));
    assert_eq!(send("escalate", "", "hand over").await, StatusCode::SEE_OTHER);
    assert_eq!(send("assign", "", "").await, StatusCode::BAD_REQUEST);
    assert_eq!(send("assign", "reviewer", "").await, StatusCode::SEE_OTHER);
    assert_eq!(task(&house, REVIEWER, &id).await.text("/assigned_to"), "reviewer");
}

#[tokio::test]
async fn several_tasks_are_decided_on_the_page() {
    let house = House::new().await;
    let (one, two, three) = (waiting(&house).await, waiting(&house).await, waiting(&house).await);
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let csrf = browser.csrf().await;
    let queue = browser.page("/admin/queue").await;
    assert!(queue.contains(&format!("name=\"task.{one}\" value=\"1\"")), "{queue}");
    let (first, second, third) = (format!("task.{one}"), format!("task.{two}"), format!("task.{three}"));
    let send = async |form: &[(&str, &str)]| {
        let mut form = form.to_vec();
        form.push(("csrf", &csrf));
        let answer = browser.send("/admin/queue/decide", &form).await;
        (answer.status(), answer.text().await.unwrap())
    };
    for nothing in [
        &[("resolution", "approved")][..],
        &[("resolution", "maybe"), (&first, "1")],
        &[("resolution", "rejected"), ("detail", " "), (&first, "1")],
        &[("resolution", "approved"), (&first, "one")],
    ] {
        assert_eq!(send(nothing).await.0, StatusCode::BAD_REQUEST, "{nothing:?}");
    }
    act(&house, REVIEWER_2, &two, "start", json!({})).await.expect(200);
    let (status, page) = send(&[("resolution", "approved"), (&first, "1"), (&second, "1")]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("1 task approved, 1 not") && page.contains("The task changed"), "{page}");
    let (_, page) =
        send(&[("resolution", "rejected"), ("detail", "sold out"), ("code", "inventory"), (&third, "1")]).await;
    assert!(page.contains("1 task rejected"), "{page}");
    assert_eq!(house.task_closed(&one).await.text("/status"), "completed");
    assert_eq!(house.task_closed(&three).await.text("/reason_code"), "inventory");
    assert_eq!(task(&house, REVIEWER, &two).await.text("/status"), "in_progress");
    // Whoever may not decide gets nothing to select.
    let own = Browser::signed_in(&house, OPERATOR).await;
    assert!(own.page("/admin/queue").await.contains(&second), "an operator decides, too");
}

//! The example orchestrators in Python and TypeScript, as processes of their own: they buy on a real host, are killed between any two
//! steps, and are told no.

use std::path::{Path, PathBuf};

use flightdeck_emulators::control::faults::{Action, Rule};
use flightdeck_test_support::left_out;
use serde_json::{Value, json};
use tokio::process::Command;

use self::{
    process::Orchestrator,
    wire::{Moment, Wire},
};
use crate::house::{APPROVALS_BY_DEFAULT, BUYER, House, REVIEWER, today};

mod process;
mod wire;

/// What the command line of both ends with.
const DONE: i32 = 0;
const STOPPED: i32 = 1;

#[derive(Debug, Clone, Copy)]
enum Language {
    Python,
    TypeScript,
}

impl Language {
    /// Its command; `None` if this machine lacks what it needs, which is said.
    fn command(self) -> Option<Command> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/orchestrator");
        match self {
            Self::Python => {
                let Some(python) = std::env::var_os("FLIGHTDECK_PYTHON") else {
                    panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs the MCP client and sets it");
                };
                let mut command = Command::new(python);
                command.args(["-m", "orchestrator"]).current_dir(folder);
                Some(command)
            }
            Self::TypeScript => {
                let folder = folder.join("typescript");
                if !folder.join("node_modules").exists() {
                    left_out("no packages for the orchestrator in TypeScript: run `make setup`");
                    return None;
                }
                let mut command = Command::new("node");
                command.args(["--import", "tsx", "orchestrator.ts"]).current_dir(folder);
                Some(command)
            }
        }
    }

    /// Where it keeps its state, in a folder.
    fn state(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::Python => "state.db",
            Self::TypeScript => "state.json",
        })
    }

    /// Makes what it remembers two days older, so that it can't rely on an idempotency key.
    async fn age(self, state: &Path) {
        match self {
            Self::Python => {
                let older = "import sqlite3, sys; store = sqlite3.connect(sys.argv[1]); \
                             store.execute('UPDATE changes SET prepared_at = prepared_at - 172800'); store.commit()";
                let python = std::env::var_os("FLIGHTDECK_PYTHON").expect("Python");
                let done = Command::new(python).args(["-c", older]).arg(state).status().await.expect("it runs");
                assert!(done.success());
            }
            Self::TypeScript => {
                let mut kept: Value = serde_json::from_slice(&std::fs::read(state).expect("a state")).expect("JSON");
                for change in kept["changes"].as_object_mut().expect("changes").values_mut() {
                    change["preparedAt"] = json!(change["preparedAt"].as_i64().expect("a time") - 172_800_000);
                }
                std::fs::write(state, kept.to_string()).expect("it is written");
            }
        }
    }
}

/// A host on which a create and its creatives each wait for a reviewer, an orchestrator's order, and the wire between the two.
struct Stage {
    house: House,
    wire: Wire,
    language: Language,
    order: Value,
}

impl Stage {
    async fn new(language: Language, more: &str) -> Self {
        let mut house = House::empty(&format!("{APPROVALS_BY_DEFAULT}{more}")).await;
        house.start(&[]).await;
        let wire = Wire::to(house.url()).await;
        let order = json!({
            "media_buy": {
                "po_number": "PO-7", "packages": ["premium_sports"], "total_budget": 5_000, "flight_start_date": today(),
            },
            "creatives": [{
                "creative_id": "banner", "name": "Banner", "format": "image", "media_url": "https://cdn.example.com/b.jpg",
                "click_url": "https://example.com/", "width": 300, "height": 250, "package_assignments": ["premium_sports"],
            }],
        });
        Self { house, wire, language, order }
    }

    /// Starts the orchestrator with more arguments and variables, or goes on with what it left; `None` if it can't run here.
    fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Option<Orchestrator> {
        let mut command = self.language.command()?;
        let order = self.house.dir().join("order.json");
        std::fs::write(&order, self.order.to_string()).expect("the order is written");
        command.arg(order).args(["--url", &self.wire.url, "--first-pause", "0.05", "--longest-pause", "0.5"]);
        command.arg("--state").arg(self.language.state(self.house.dir())).args(arguments);
        command.env("FLIGHTDECK_TOKEN", BUYER).envs(environment.iter().copied());
        Some(Orchestrator::start(command))
    }

    /// Starts it, and kills it while a call of a tool is at this moment. `None` if it can't run here.
    async fn killed_at(&self, tool: &str, moment: Moment) -> Option<()> {
        let held = self.wire.hold(tool, moment);
        let mut orchestrator = self.start(&[], &[])?;
        orchestrator.until(held, &format!("{tool} {moment:?}")).await;
        orchestrator.kill().await;
        Some(())
    }

    /// Waits for the one task that is undecided; its id.
    async fn task(&self) -> String {
        let path = "/v1/tasks?status=pending";
        self.house.until(REVIEWER, path, |answer| answer.body["total_count"] == 1).await.text("/tasks/0/task_id")
    }

    async fn approve(&self) {
        let task = self.task().await;
        self.house.approve(&task).await.expect(200);
        assert_eq!(self.house.task_closed(&task).await.text("/status"), "completed");
    }

    async fn reject(&self, why: &str) {
        let task = self.task().await;
        let no = json!({ "resolution": "rejected", "resolution_detail": why });
        self.house.post(REVIEWER, &format!("/v1/tasks/{task}/complete"), no).await.expect(200);
    }

    /// Fails unless there is one buy, here and on the ad server.
    async fn assert_one(&self, ads: usize) {
        let buys = self.house.get(BUYER, "/v1/media-buys").await.expect(200);
        assert_eq!(buys.body["media_buys"].as_array().map(Vec::len), Some(1), "{:#}", buys.body);
        let kevel = self.house.kevel.platform();
        assert_eq!((kevel.count("campaigns"), kevel.count("flights"), kevel.count("ads")), (1, 1, ads));
    }
}

macro_rules! in_both_languages {
    ($($story:ident),* $(,)?) => {
        mod python {
            $(#[tokio::test] async fn $story() { super::$story(super::Language::Python).await; })*
        }
        mod typescript {
            $(#[tokio::test] async fn $story() { super::$story(super::Language::TypeScript).await; })*
        }
    };
}

in_both_languages! {
    an_order_is_approved_and_delivers,
    killed_between_any_two_steps_it_buys_once,
    told_to_wait_it_waits_and_told_no_it_stops,
    a_reviewers_question_is_answered,
    what_was_refused_may_be_corrected,
    rejected_creatives_can_be_replaced,
    a_missing_permission_is_waited_for,
    an_answer_that_was_lost_long_ago_is_found_by_the_po_number,
    webhooks_end_its_pauses_if_they_are_ours_and_new,
}

async fn an_order_is_approved_and_delivers(language: Language) {
    let stage = Stage::new(language, "").await;
    let Some(mut orchestrator) = stage.start(&[], &[]) else { return };
    orchestrator.says("create_media_buy waits for a manual approval").await;
    stage.approve().await;
    orchestrator.says("add_creative_assets waits for a manual approval").await;
    stage.approve().await;
    orchestrator.says("is active").await;
    let said = orchestrator.ended(DONE).await;
    assert!(said.contains("PO-7: delivered") && said.contains("USD spent"), "{said}");
    stage.assert_one(1).await;
}

async fn killed_between_any_two_steps_it_buys_once(language: Language) {
    let stage = Stage::new(language, "").await;
    let every = |tools: &'static [&'static str]| {
        tools.iter().flat_map(|tool| [(*tool, Moment::BeforeTheHost), (*tool, Moment::AfterTheHost)])
    };
    for (tool, moment) in every(&["create_media_buy", "get_operation", "get_task"]) {
        if stage.killed_at(tool, moment).await.is_none() {
            return;
        }
    }
    stage.approve().await;
    for (tool, moment) in every(&["get_operation", "add_creative_assets", "get_operation"]) {
        stage.killed_at(tool, moment).await;
    }
    stage.approve().await;
    for (tool, moment) in every(&["get_operation", "check_media_buy_status", "get_media_buy_delivery"]) {
        stage.killed_at(tool, moment).await;
    }
    let said = stage.start(&[], &[]).expect("it ran before").ended(DONE).await;
    assert!(said.contains("PO-7: delivered"), "{said}");
    stage.assert_one(1).await;
    let tasks = stage.house.get(REVIEWER, "/v1/tasks").await.expect(200);
    assert_eq!(tasks.body["total_count"], 2, "{:#}", tasks.body);
    // Lost with its sender, answered but not heard, and never again.
    assert_eq!(stage.wire.calls("create_media_buy").len(), 3);
}

async fn told_to_wait_it_waits_and_told_no_it_stops(language: Language) {
    let stage = Stage::new(language, "").await;
    drop(stage.wire.hold("create_media_buy", Moment::Busy { retry_after: 2 }));
    let Some(mut orchestrator) = stage.start(&[], &[]) else { return };
    orchestrator.says("waits for a manual approval").await;
    let sent = stage.wire.calls("create_media_buy");
    assert!(sent.len() == 2 && (sent[1] - sent[0]).as_secs_f64() >= 2.0, "it came back too early: {sent:?}");
    stage.reject("not beside the football").await;
    let wanted = "PO-7: stopped: create_media_buy failed: REJECTED: not beside the football";
    let said = orchestrator.ended(STOPPED).await;
    assert!(said.contains(wanted), "{said}");
    // Started again, it says the same and asks nothing.
    let before = stage.wire.all_calls();
    let said = stage.start(&[], &[]).expect("it ran before").ended(STOPPED).await;
    assert!(said.contains(wanted), "{said}");
    assert_eq!(stage.wire.all_calls(), before);
    assert_eq!(stage.house.kevel.platform().count("campaigns"), 0);
}

async fn a_reviewers_question_is_answered(language: Language) {
    let mut stage = Stage::new(language, "").await;
    stage.order["creatives"] = json!([]);
    let Some(mut orchestrator) = stage.start(&[], &[]) else { return };
    orchestrator.says("create_media_buy waits for a manual approval").await;
    let task = stage.task().await;
    let question = json!({ "question": "For which brand?" });
    stage.house.post(REVIEWER, &format!("/v1/tasks/{task}/ask"), question).await.expect(200);
    orchestrator.says("reviewer asks: For which brand?; start again with --answer").await;
    orchestrator.kill().await;
    // Killed before and after the host has the answer, it is one answer.
    for moment in [Moment::BeforeTheHost, Moment::AfterTheHost] {
        let held = stage.wire.hold("answer_task", moment);
        let mut answering = stage.start(&["--answer", "Shoes"], &[]).expect("it ran before");
        answering.until(held, &format!("answer_task {moment:?}")).await;
        answering.kill().await;
    }
    let shown = stage.house.get(BUYER, &format!("/v1/tasks/{task}")).await.expect(200);
    assert_eq!((shown.text("/questions/0/answer"), shown.body["questions"][1].is_null()), ("Shoes".to_owned(), true));
    let mut orchestrator = stage.start(&[], &[]).expect("it ran before");
    orchestrator.says("create_media_buy waits for a manual approval").await;
    stage.house.approve(&task).await.expect(200);
    orchestrator.says("create_media_buy is done").await;
    orchestrator.kill().await;
}

async fn what_was_refused_may_be_corrected(language: Language) {
    let mut stage = Stage::new(language, "").await;
    stage.order["media_buy"]["total_budgett"] = json!(1);
    let Some(orchestrator) = stage.start(&[], &[]) else { return };
    let said = orchestrator.ended(STOPPED).await;
    assert!(said.contains("INVALID_PARAMETER") && said.contains("did you mean total_budget?"), "{said}");
    assert_eq!(stage.wire.calls("create_media_buy").len(), 1);
    stage.order["media_buy"].as_object_mut().expect("an object").remove("total_budgett");
    let mut orchestrator = stage.start(&[], &[]).expect("it ran before");
    orchestrator.says("waits for a manual approval").await;
    orchestrator.kill().await;
    // What is on its way can't be changed under the same number.
    stage.order["media_buy"]["total_budget"] = json!(6_000);
    let said = stage.start(&[], &[]).expect("it ran before").ended(STOPPED).await;
    assert!(said.contains("a changed order needs a new po_number"), "{said}");
    assert_eq!(stage.wire.calls("create_media_buy").len(), 2);
}

async fn rejected_creatives_can_be_replaced(language: Language) {
    let mut stage = Stage::new(language, "").await;
    let Some(mut orchestrator) = stage.start(&[], &[]) else { return };
    orchestrator.says("create_media_buy waits for a manual approval").await;
    stage.approve().await;
    orchestrator.says("add_creative_assets waits for a manual approval").await;
    stage.reject("the logo is the old one").await;
    let no = "PO-7: stopped: add_creative_assets failed: REJECTED: the logo is the old one";
    assert!(orchestrator.ended(STOPPED).await.contains(no));
    let said = stage.start(&[], &[]).expect("it ran before").ended(STOPPED).await;
    assert!(said.contains(no), "{said}");
    stage.order["creatives"][0]["creative_id"] = json!("banner_2");
    let mut orchestrator = stage.start(&[], &[]).expect("it ran before");
    orchestrator.says("add_creative_assets waits for a manual approval").await;
    stage.approve().await;
    assert!(orchestrator.ended(DONE).await.contains("PO-7: delivered"));
    assert_eq!(stage.wire.calls("create_media_buy").len(), 1);
    assert_eq!(stage.wire.calls("add_creative_assets").len(), 2);
    stage.assert_one(1).await;
}

async fn a_missing_permission_is_waited_for(language: Language) {
    let mut stage = Stage::new(language, "").await;
    stage.order["creatives"] = json!([]);
    let denied: Action = serde_json::from_value(json!({ "fail": { "status": 403 } })).expect("an action");
    let mut denied = Rule::new("POST", "/v1/flight", denied);
    denied.times = 1;
    stage.house.kevel.controls().faults.add(denied);
    let Some(mut orchestrator) = stage.start(&[], &[]) else { return };
    orchestrator.says("waits for a manual approval").await;
    stage.house.approve(&stage.task().await).await.expect(200);
    orchestrator.says("create_media_buy waits for a permission exception").await;
    stage.house.approve(&stage.task().await).await.expect(200);
    orchestrator.says("create_media_buy is done").await;
    orchestrator.kill().await;
    stage.house.assert_faults_happened();
    stage.assert_one(0).await;
}

async fn an_answer_that_was_lost_long_ago_is_found_by_the_po_number(language: Language) {
    let stage = Stage::new(language, "").await;
    if stage.killed_at("create_media_buy", Moment::AfterTheHost).await.is_none() {
        return;
    }
    language.age(&language.state(stage.house.dir())).await;
    let mut orchestrator = stage.start(&[], &[]).expect("it ran before");
    orchestrator.says("create_media_buy waits for a manual approval").await;
    stage.approve().await;
    orchestrator.says("create_media_buy is done").await;
    orchestrator.kill().await;
    assert_eq!(stage.wire.calls("create_media_buy").len(), 1);
    stage.assert_one(0).await;
}

async fn webhooks_end_its_pauses_if_they_are_ours_and_new(language: Language) {
    let stage = Stage::new(language, "[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n").await;
    let hooks = Wire::to("http://127.0.0.1:1").await;
    let events = ["task.completed", "task.failed", "media_buy.status_changed"];
    let endpoint = json!({ "url": hooks.url, "events": events });
    let secret = stage.house.post(BUYER, "/v1/webhooks", endpoint).await.expect(200).text("/secret");
    // Without webhooks it would ask again in ten minutes.
    let slow = ["--webhooks", "127.0.0.1:0", "--first-pause", "600", "--longest-pause", "600"];
    let Some(mut orchestrator) = stage.start(&slow, &[("WEBHOOK_SECRET", &secret)]) else { return };
    let line = orchestrator.says("webhooks are received at http").await;
    let address = line.rsplit(' ').next().expect("an address").trim_end_matches('/');
    hooks.lead_to(address);
    orchestrator.says("create_media_buy waits for a manual approval").await;
    stage.approve().await;
    orchestrator.says("create_media_buy is done").await;
    orchestrator.says("add_creative_assets waits for a manual approval").await;
    // All that came so far was taken. The same again is confirmed; what was changed on the way, or is not signed, is refused.
    let taken = hooks.until(|passed| passed.iter().any(|one| one.body.contains("task.completed") && one.status == 204));
    let genuine = taken.await.last().expect("one at least").clone();
    assert_eq!(hooks.send(&genuine.headers, &genuine.body).await, 204);
    let mut other = genuine.headers.clone();
    for (name, value) in [
        ("webhook-id", "evt_another"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "nonsense"),
        ("webhook-signature", ""),
    ] {
        let kept = other.insert(name.to_owned(), value.to_owned());
        assert_eq!(hooks.send(&other, &genuine.body).await, 401, "{name}: {value}");
        other.insert(name.to_owned(), kept.expect("it was there"));
    }
    assert_eq!(hooks.send(&genuine.headers, &genuine.body.replace("completed", "failed")).await, 401);
    assert_eq!(hooks.send(&std::collections::BTreeMap::new(), "{}").await, 401);
    stage.approve().await;
    orchestrator.says("add_creative_assets is done").await;
    let said = orchestrator.kill().await;
    assert_eq!(said.matches(&genuine.headers["webhook-id"]).count(), 1, "{said}");
    assert!(!said.contains("evt_another") && !said.contains("webhook task.failed"), "{said}");
    stage.assert_one(1).await;
}

//! One call of one function, as `flightdeck adapter call` makes it.

use std::path::{Path, PathBuf};

use flightdeck::{
    adapters::Function,
    conformance::{CallOptions, Caller},
};
use flightdeck_emulators::triton;
use flightdeck_test_support::{component, native_code};
use serde_json::{Value, json};

use super::{shop::Shop, world::guest};

/// A component, ready to be called at an address; `data_dir` is for its native code.
pub(crate) async fn caller(component: PathBuf, against: &str, config: PathBuf, data_dir: &Path) -> Caller {
    native_code::borrow(data_dir);
    let options = CallOptions {
        component,
        ad_server: against.parse().unwrap(),
        config: Some(config),
        compiler: PathBuf::from(env!("CARGO_BIN_EXE_flightdeck")),
        data_dir: Some(data_dir.to_owned()),
    };
    Caller::new(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_is_called_with_a_sample_and_shows_no_credentials() {
    let options = triton::Options {
        username: "flightdeck".to_owned(),
        password: "demo-password".to_owned(),
        ..triton::Options::default()
    };
    let emulator = triton::Triton::start(options).await.unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/triton/check.toml");
    let data_dir = tempfile::tempdir().unwrap();
    let by = caller(component("flightdeck-adapter-triton"), &emulator.url, config, data_dir.path()).await;
    let mut created = None;
    for &function in Function::ALL {
        let called = match by.call(function, None).await {
            Ok(called) => called,
            Err(error) => {
                let words = error.to_string();
                let why = match function {
                    Function::FindMade | Function::StopMade => "name it with --input",
                    Function::PlanFollowUp | Function::RunFollowUp => "does not export `follow-up`",
                    _ => panic!("{function:?}: {words}"),
                };
                assert!(words.contains(why), "{words}");
                continue;
            }
        };
        let shown = serde_json::to_string(&called).unwrap();
        assert_eq!(called.failure, None, "{function:?}: {shown}");
        let output = called.output.as_ref().unwrap();
        assert!(function == Function::Describe || output.get("ok").is_some(), "{function:?}: {shown}");
        assert_eq!(
            !called.steps.is_empty(),
            function.writes() && function != Function::ApplyPerformanceIndex,
            "{shown}"
        );
        assert!(called.steps.iter().all(|step| step.done), "{shown}");
        let offline = matches!(function, Function::Describe | Function::Plan | Function::ApplyPerformanceIndex);
        assert_eq!(called.exchanges.is_empty(), offline, "{function:?}: {shown}");
        for exchange in &called.exchanges {
            assert!(exchange.url.starts_with(emulator.url.as_str()), "{}", exchange.url);
            assert!(!exchange.url.contains("login") && exchange.status.is_some_and(|status| status < 300), "{shown}");
        }
        assert!(!shown.contains("demo-password") && !shown.to_lowercase().contains("bearer"), "{shown}");
        if function == Function::CreateMediaBuy {
            created = Some(called);
        }
    }
    // What a step has made is found, by the reference that the call has shown.
    let created = created.unwrap();
    let step = &created.steps[0];
    let input = json!({ "step": { "name": step.name, "reference": step.reference } });
    let found = by.call(Function::FindMade, Some(input)).await.unwrap();
    let found = found.output.unwrap()["ok"].as_array().unwrap().clone();
    assert_eq!(found.len(), 1, "{found:?}");
    let stopped = by.call(Function::StopMade, Some(json!({ "object": found[0] }))).await.unwrap();
    assert!(stopped.output.unwrap().get("ok").is_some());
    // The arguments that are printed are arguments that are taken.
    let input = by.sample(Function::Plan).await.unwrap();
    let planned = by.call(Function::Plan, Some(input)).await.unwrap();
    assert!(planned.output.unwrap()["ok"]["changes"].as_array().is_some_and(|changes| !changes.is_empty()));
    native_code::lend(data_dir.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_named_with_what_would_be_right() {
    let (shop, folder) = (Shop::open().await, tempfile::tempdir().unwrap());
    let config = folder.path().join("check.toml");
    std::fs::write(&config, "[platform]\nread_requests = [\"POST /report/*\"]\n").unwrap();
    let by = caller(guest(), &shop.url, config, folder.path()).await;
    let range = json!({ "first": "2026-12-01", "last": "2026-12-02" });
    for (input, words) in [
        (json!([]), "the input: must be an object with the function's parameters"),
        (json!({ "range": range }), "buys: is missing"),
        (json!({ "buys": [], "range": range, "buy": 1 }), "buy: is no parameter; there are: ctx, buys, range"),
        (json!({ "buys": {}, "range": range }), "buys: must be a list"),
        (json!({ "buys": [], "range": { "first": 1, "last": "" } }), "range.first: must be a text"),
        (json!({ "buys": [], "range": { "first": "2026-12-01" } }), "range.last: is missing"),
        (
            json!({ "buys": [], "range": { "from": "", "first": "", "last": "" } }),
            "range.from: is no field; there are: first, last",
        ),
        (json!({ "buys": [], "range": range, "ctx": { "operation": "" } }), "ctx.operation: is no field"),
        (
            json!({ "buys": [], "range": range, "ctx": { "remote": [{ "kind": "flight", "key": "", "id": "1" }] } }),
            "ctx.remote[0].kind: must be one of",
        ),
    ] {
        let told = by.call(Function::GetDelivery, Some(input)).await.unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_the_call_and_what_a_guest_says_at_its_end() {
    let (shop, folder) = (Shop::open().await, tempfile::tempdir().unwrap());
    let config = folder.path().join("check.toml");
    let run = async |behaviour: &str, more: &[&str]| {
        let text =
            format!("[platform]\nread_requests = [\"POST /report/*\"]\nsettings = {{ behaviour = \"{behaviour}\" }}\n");
        std::fs::write(&config, text).unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.args(["adapter", "call"]).arg(guest()).args(more);
        command.args(["--endpoint", &shop.url, "--config"]).arg(&config);
        let ran = command.output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (ran.status.code(), text(ran.stdout), text(ran.stderr))
    };
    let (status, said, error) = run("honest", &["create-media-buy"]).await;
    assert_eq!(status, Some(0), "{said}{error}");
    for words in ["-> POST http://", "<- 20", "step ", ": done, reference ", "remembered order", "\"ok\": {"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let (status, said, error) = run("trap", &["create-media-buy"]).await;
    assert_eq!(status, Some(1));
    assert!(said.contains("printed:") && said.contains("on purpose"), "{said}");
    assert!(error.contains("create-media-buy failed: fault (trap)"), "{error}");
    let (status, said, _) = run("honest", &["plan", "--print-input"]).await;
    let input: Value = serde_json::from_str(&said).unwrap();
    assert!(status == Some(0) && input["change"]["create"]["packages"][0]["package-id"].is_string(), "{said}");
    let (_, _, error) = run("honest", &["make-buy"]).await;
    assert!(error.contains("must be one of describe, plan, create-media-buy"), "{error}");
}

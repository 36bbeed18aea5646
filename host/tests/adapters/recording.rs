//! Recorded calls: `adapter call --record`, `record_failures`, `adapter replay`.

use std::path::{Path, PathBuf};

use flightdeck::{
    adapters::{Function, Kept, RecordedAnswer, Recording},
    conformance::{CallError, ReplayOptions, Replayed, replay},
};
use flightdeck_emulators::{kevel, triton};
use flightdeck_test_support::{component, native_code};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    by_hand::caller,
    journal::MemoryJournal,
    server::Server,
    shop::Shop,
    world::{guest, platform, start},
};

async fn again(component: PathBuf, recording: Recording, data_dir: &Path) -> Result<Replayed, CallError> {
    let compiler = PathBuf::from(env!("CARGO_BIN_EXE_flightdeck"));
    replay(ReplayOptions { component, recording, compiler, data_dir: Some(data_dir.to_owned()) }).await
}

/// Reads a recording as a file would be read.
fn reread(recording: &Recording) -> Recording {
    Recording::parse(recording.text().as_bytes(), Path::new("call.json")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_call_is_made_again_without_the_ad_server() {
    let options = triton::Options {
        username: "desk-of-acme".to_owned(),
        password: "pass-word-of-acme".to_owned(),
        ..triton::Options::default()
    };
    let emulator = triton::Triton::start(options).await.unwrap();
    let data_dir = tempfile::tempdir().unwrap();
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/triton/check.toml");
    let check = std::fs::read_to_string(check).unwrap();
    let check = check
        .replace("flightdeck\", password", "desk-of-acme\", password")
        .replace("demo-password", "pass-word-of-acme");
    let config = data_dir.path().join("check.toml");
    std::fs::write(&config, check).unwrap();
    let triton = component("flightdeck-adapter-triton");
    let by = caller(triton.clone(), &emulator.url, config, data_dir.path()).await;
    let mut all = Vec::new();
    for &function in Function::ALL {
        let Ok(called) = by.call(function, None).await else { continue };
        let recording = called.recording.clone().unwrap();
        let text = recording.text();
        for secret in ["pass-word-of-acme", "desk-of-acme", "Bearer"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert!(called.exchanges.is_empty() || text.contains(&emulator.url), "its address is the ad server's: {text}");
        all.push((called, reread(&recording)));
    }
    assert_eq!(all.len(), Function::ALL.len() - 4, "all that it exports and a sample has arguments for");
    drop(emulator);
    for (called, recording) in all {
        let function = recording.function;
        let now = again(triton.clone(), recording, data_dir.path()).await.unwrap();
        assert_eq!(now.differences, Vec::<String>::new(), "{function:?}");
        assert_eq!((&now.called.output, &now.called.failure), (&called.output, &None), "{function:?}");
        assert_eq!(now.called.remembered, called.remembered, "{function:?}");
        assert_eq!(json!(now.called.steps), json!(called.steps), "{function:?}");
        let sent = |exchanges: &[flightdeck::conformance::ShownExchange]| -> Vec<(String, String, Option<u16>)> {
            exchanges.iter().map(|one| (one.url.clone(), one.request.clone(), one.status)).collect()
        };
        assert_eq!(sent(&now.called.exchanges), sent(&called.exchanges), "{function:?}");
        assert!(now.same_component && now.recorded == "it succeeded", "{function:?}: {}", now.recorded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ad_server_echoes_of_the_credentials_is_not_in_the_file() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let config = folder.path().join("check.toml");
    let text = "[platform]\nread_requests = [\"POST /report/*\"]\nsettings = { behaviour = \"echo\", say = \"key-in-a-header key%2Din-a-query\" }\n\
                auth = [{ scheme = \"header\", name = \"X-Key\", value = { value = \"key-in-a-header\" } },\n\
                { scheme = \"query\", name = \"key\", value = { value = \"key-in-a-query\" } },\n\
                { scheme = \"bearer\", token = { value = \"token-of-acme\" } }]\n";
    std::fs::write(&config, text).unwrap();
    let by = caller(guest(), &server.endpoint(), config, folder.path()).await;
    let called = by.call(Function::CreateMediaBuy, None).await.unwrap();
    let head = server.received().pop().unwrap().head;
    for secret in ["key-in-a-header", "key-in-a-query", "token-of-acme"] {
        assert!(head.contains(secret), "it is sent: {head}");
    }
    let recording = called.recording.unwrap();
    let text = recording.text();
    assert!(text.contains("x-plain") && text.contains("authorization: Bearer *"), "{text}");
    for secret in ["key-in-a-header", "key-in-a-query", "key%2Din-a-query", "token-of-acme", "x-echo"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let now = again(guest(), reread(&recording), folder.path()).await.unwrap();
    assert_eq!(now.differences, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_sends_something_else_is_shown_in_what_it_differs() {
    let emulator = kevel::Kevel::start(kevel::Options { api_key: "demo-key".to_owned(), ..kevel::Options::default() })
        .await
        .unwrap();
    let data_dir = tempfile::tempdir().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/kevel/check.toml");
    let kevel = component("flightdeck-adapter-kevel");
    let by = caller(kevel.clone(), &emulator.url, config, data_dir.path()).await;
    let recording = by.call(Function::CreateMediaBuy, None).await.unwrap().recording.unwrap();
    let writes = |recording: &Recording| recording.exchanges.iter().position(|one| one.url.ends_with("/v1/flight"));
    let flight = writes(&recording).unwrap();
    let edited = |change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::to_value(&recording).unwrap();
        change(&mut value);
        Recording::parse(value.to_string().as_bytes(), Path::new("call.json")).unwrap()
    };
    // Another value in a body.
    let other = edited(&|value| {
        let body = &mut value["exchanges"][flight]["request"];
        let mut request: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
        request["Name"] = json!("another name");
        *body = request.to_string().into();
    });
    let now = again(kevel.clone(), other, data_dir.path()).await.unwrap();
    let told = &now.differences[0];
    assert!(told.contains("/v1/flight, has another body than was recorded: /Name is \""), "{told}");
    assert!(told.ends_with("and was \"another name\"") && now.differences.len() == 1, "{:?}", now.differences);
    assert!(
        now.called.failure.as_ref().is_some_and(|failure| failure.contains("not_recorded")),
        "{:?}",
        now.called.failure
    );
    // Another order of a body's members means nothing.
    let same = edited(&|value| {
        let body = &mut value["exchanges"][flight]["request"];
        let request: serde_json::Map<String, Value> = serde_json::from_str(body.as_str().unwrap()).unwrap();
        let members: Vec<String> =
            request.iter().rev().map(|(name, value)| format!("{}: {value}", json!(name))).collect();
        *body = format!("{{ {} }}", members.join(", ")).into();
    });
    let now = again(kevel.clone(), same, data_dir.path()).await.unwrap();
    assert_eq!((now.differences.as_slice(), now.called.failure), ([].as_slice(), None));
    // A request less, and one more.
    let less = edited(&|value| value["exchanges"].as_array_mut().unwrap().truncate(flight));
    let now = again(kevel.clone(), less, data_dir.path()).await.unwrap();
    assert!(
        now.differences[0].ends_with("goes beyond the recording: the recorded call sent no more requests"),
        "{now:?}"
    );
    let more = edited(&|value| {
        let exchanges = value["exchanges"].as_array_mut().unwrap();
        let mut again = exchanges[flight].clone();
        again["url"] = format!("{}/v1/ad", emulator.url).into();
        exchanges.push(again);
    });
    let now = again(kevel.clone(), more, data_dir.path()).await.unwrap();
    assert_eq!(now.differences, [format!("POST {}/v1/ad was not sent", emulator.url)]);
    // An answer that never came is none again, and its step is left in doubt.
    let lost = edited(&|value| {
        value["exchanges"][flight]["answer"] =
            json!({ "unanswered": { "why": "HTTP-response-timeout", "words": "no answer" } });
        value["exchanges"].as_array_mut().unwrap().truncate(flight + 1);
    });
    assert!(matches!(lost.exchanges[flight].answer, RecordedAnswer::Unanswered { .. }));
    let now = again(kevel, lost, data_dir.path()).await.unwrap();
    assert_eq!(now.differences, Vec::<String>::new());
    assert!(now.called.steps.last().is_some_and(|step| !step.done), "{:?}", now.called.steps);
}

/// Fails with these words, without a component being looked at.
#[track_caller]
fn refused(text: &str, words: &str) {
    let told = Recording::parse(text.as_bytes(), Path::new("call.json")).unwrap_err().to_string();
    assert!(told.contains(words) && told.contains("call.json"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_recording_is_refused_with_what_it_is() {
    let (shop, folder) = (Shop::open().await, tempfile::tempdir().unwrap());
    let config = folder.path().join("check.toml");
    std::fs::write(
        &config,
        "[platform]\nread_requests = [\"POST /report/*\"]\nsettings = { behaviour = \"honest\" }\n",
    )
    .unwrap();
    let by = caller(guest(), &shop.url, config, folder.path()).await;
    let recording = by.call(Function::CreateMediaBuy, None).await.unwrap().recording.unwrap();
    let text = recording.text();
    refused(&text[..text.len() / 2], "is cut off: its end is missing");
    refused("", "is cut off");
    refused("# a configuration", "is no JSON");
    refused("{\"packages\": []}", "is no recording: it has no `flightdeck_recording`");
    refused(
        &text.replace("flightdeck_recording\": 1", "flightdeck_recording\": 2"),
        "of form 2, and this flightdeck reads form 1",
    );
    refused(
        &text.replace(&format!("\"contract\": \"{}\"", recording.contract), "\"contract\": \"2.0\""),
        "was recorded with ad-server 2.0, and this flightdeck offers 1.0 and 1.1",
    );
    refused(
        &text.replace("\"create-media-buy\"", "\"make-buy\""),
        "a call of `make-buy`, which is no function of ad-server 1.0 and 1.1; there are: describe, plan,",
    );
    refused(&text.replace("\"steps\"", "\"step\""), "is no recording that can be replayed: unknown field `step`");
    for (from, to, words) in [
        ("\"endpoint\": \"", "\"endpoint\": \"gopher", "the endpoint `gopher"),
        ("\"recorded_at\": \"", "\"recorded_at\": \"in ", "the time `in "),
    ] {
        let edited = Recording::parse(text.replace(from, to).as_bytes(), Path::new("call.json")).unwrap();
        let told = again(guest(), edited, folder.path()).await.unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
    // What is passed in a recording is checked as what is passed by hand.
    let edited = Recording::parse(text.replace("package-id", "package").as_bytes(), Path::new("call.json")).unwrap();
    let told = again(guest(), edited, folder.path()).await.unwrap_err().to_string();
    assert!(told.contains("buy.packages[0].package-id: is missing"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_keeps_the_last_failed_call_of_each_operation_if_it_is_to() {
    let server = Server::start().await;
    let mut kept = platform("acme", "trap", &server.endpoint());
    kept.record_failures = true;
    let world = start(vec![kept, platform("quiet", "trap", &server.endpoint())]).await.unwrap();
    let list = || Kept::within(world.data_dir.path()).list().unwrap();
    assert!(list().is_empty());
    for name in ["acme", "quiet", "acme"] {
        world.create(name, &MemoryJournal::new()).await.unwrap_err();
    }
    let all = list();
    assert_eq!(all.len(), 2, "two operations of one platform: {all:?}");
    assert!(all.iter().all(|call| call.platform == "acme" && call.function == Function::CreateMediaBuy));
    let recording = Recording::read(&all[0].path).unwrap();
    let failure = recording.result.failure.as_ref().unwrap();
    assert_eq!((failure.code.as_str(), recording.printed.contains("on purpose")), ("trap", true), "{recording:?}");
    let folder = TempDir::new().unwrap();
    native_code::borrow(folder.path());
    let now = again(guest(), recording, folder.path()).await.unwrap();
    assert_eq!(now.differences, Vec::<String>::new());
    assert!(now.called.failure.is_some_and(|failure| failure.starts_with("fault (trap)")));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&all[0].path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds buyers' data");
}

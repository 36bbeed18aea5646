use super::*;
use crate::adapters::{Credentials, Secret};

fn known() -> Injection {
    let value = |text: &str| Secret::new(text);
    Injection::new(&Credentials::Several(vec![
        Credentials::Header { name: "x-key".to_owned(), value: value("key-of-acme") },
        Credentials::Query { name: "account".to_owned(), value: value("4711471147") },
    ]))
    .unwrap()
}

fn recording(answer: &str) -> Recording {
    let answer = RecordedAnswer::Answered {
        status: 200,
        headers: vec![("x-more".to_owned(), "key%2Dof-acme".to_owned())],
        body: Content::of(answer.as_bytes()),
        broke_off: false,
    };
    let exchange = RecordedExchange {
        method: "POST".to_owned(),
        url: "https://api.acme.example/orders?key=key-of-acme".to_owned(),
        request: Content::of(&[0xff, 0xfe]),
        answer,
        is_cut: false,
        took_ms: 3,
    };
    Recording {
        flightdeck_recording: FORM,
        contract: "1.0".to_owned(),
        recorded_at: "2026-12-01T00:00:00Z".to_owned(),
        operation: "op_1".to_owned(),
        release: "0".repeat(64),
        adapter_version: "1.0.0".to_owned(),
        platform: RecordedPlatform {
            name: "acme".to_owned(),
            endpoint: "https://api.acme.example".to_owned(),
            origins: vec!["https://api.acme.example".to_owned()],
            read_requests: Vec::new(),
            write_requests: Vec::new(),
            limits: Limits::default(),
        },
        function: Function::CreateMediaBuy,
        arguments: serde_json::json!({ "ctx": { "settings": "{\"key\":\"key-of-acme\"}" } }),
        steps: Vec::new(),
        exchanges: vec![exchange],
        cached: vec![RecordedRead { key: "zone".to_owned(), value: Some(Content::of(b"key-of-acme")) }],
        result: RecordedResult::default(),
        printed: String::new(),
    }
}

#[test]
fn a_recording_is_read_as_it_was_written() {
    let written = recording("{\"id\": 7}");
    let read = Recording::parse(written.text().as_bytes(), Path::new("call.json")).unwrap();
    assert_eq!(read, written);
    assert_eq!(*read.exchanges[0].request.bytes(), [0xff, 0xfe]);
}

#[test]
fn a_credential_is_overwritten_wherever_it_is_a_text() {
    let clean = recording("seen: 4711471147").without_credentials(&known()).unwrap();
    let text = clean.text();
    assert!(!text.contains("of-acme") && !text.contains("47114711"), "{text}");
    assert!(text.contains("orders?key=***********"), "{text}");
    Recording::parse(text.as_bytes(), Path::new("call.json")).unwrap();
}

#[test]
fn a_credential_that_can_not_be_overwritten_keeps_the_file_from_being_written() {
    let mut whole = recording("");
    whole.arguments["number"] = 4_711_471_147_u64.into();
    assert!(matches!(whole.without_credentials(&known()), Err(RecordingError::Credential)));
    let mut whole = recording("");
    whole.arguments["key-of-acme"] = true.into();
    assert!(matches!(whole.without_credentials(&known()), Err(RecordingError::Credential)));
}

use super::*;
use crate::adapters::recording::Content;

fn exchange(method: &str, url: &str, body: &str) -> RecordedExchange {
    RecordedExchange {
        method: method.to_owned(),
        url: url.to_owned(),
        request: Content::of(body.as_bytes()),
        answer: RecordedAnswer::Answered {
            status: 200,
            headers: Vec::new(),
            body: Content::of(body.as_bytes()),
            broke_off: false,
        },
        is_cut: false,
        took_ms: 0,
    }
}

fn ask(replay: &Replay, method: Method, url: &str, body: &str) -> Result<String, String> {
    let (url, body) = (Url::parse(url).unwrap(), Bytes::from(body.to_owned()));
    match replay.answer(&Asked { method: &method, url: &url, body: &body })? {
        RecordedAnswer::Answered { body, .. } => Ok(String::from_utf8(body.bytes().to_vec()).unwrap()),
        RecordedAnswer::Unanswered { words, .. } => Ok(words),
    }
}

fn played(exchanges: Vec<RecordedExchange>) -> Arc<Replay> {
    Replay::of(exchanges, Vec::new())
}

const ORDERS: &str = "https://a.example/orders";

#[test]
fn the_same_request_gets_its_answers_in_the_recorded_order() {
    let replay =
        played(vec![exchange("POST", ORDERS, "{\"a\":1,\"b\":2}"), exchange("POST", ORDERS, "{\"b\":2,\"a\":1}")]);
    assert_eq!(ask(&replay, Method::POST, ORDERS, "{ \"b\": 2, \"a\": 1 }").unwrap(), "{\"a\":1,\"b\":2}");
    assert_eq!(replay.differences(), [format!("POST {ORDERS} was not sent")]);
    assert_eq!(ask(&replay, Method::POST, ORDERS, "{\"a\":1,\"b\":2}").unwrap(), "{\"b\":2,\"a\":1}");
    assert_eq!(replay.differences(), Vec::<String>::new());
}

#[test]
fn requests_side_by_side_may_come_in_another_order() {
    let replay = played(vec![exchange("GET", "https://a.example/1", ""), exchange("GET", "https://a.example/2", "")]);
    ask(&replay, Method::GET, "https://a.example/2", "").unwrap();
    ask(&replay, Method::GET, "https://a.example/1", "").unwrap();
    assert_eq!(replay.differences(), Vec::<String>::new());
}

#[test]
fn the_first_difference_is_told_member_by_member_and_ends_the_replay() {
    let recorded = exchange("POST", ORDERS, r#"{"name":"a","goal":{"units":5,"old":1},"days":[1,2]}"#);
    let replay = played(vec![recorded, exchange("GET", ORDERS, "")]);
    let told =
        ask(&replay, Method::POST, ORDERS, r#"{"name":"a","goal":{"units":6},"days":[1],"new":null}"#).unwrap_err();
    for words in [
        "/goal/units is 6, and was 5",
        "/goal/old is missing, and was 1",
        "/days is [1], and was [1,2]",
        "/new is new: null",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(ask(&replay, Method::GET, ORDERS, "").unwrap_err(), told, "no answer is given after it");
    assert_eq!(replay.differences(), [told]);
}

#[test]
fn every_kind_of_difference_has_its_words() {
    for (recorded, words) in [
        (vec![], "goes beyond the recording"),
        (vec![exchange("GET", "https://a.example/else", "")], "is not what was recorded: GET https://a.example/else"),
        (vec![exchange("POST", ORDERS, "one\ntwo\nthree")], "line 2 is zwei, and was two"),
        (vec![exchange("POST", ORDERS, "one\nzwei\nthree\nfour")], "line 4 is at its end, and was four"),
        (vec![RecordedExchange { is_cut: true, ..exchange("POST", ORDERS, "") }], "was recorded without its bodies"),
    ] {
        let replay = played(recorded);
        let told = ask(&replay, Method::POST, ORDERS, "one\nzwei\nthree").unwrap_err();
        assert!(told.starts_with(&format!("request 1, POST {ORDERS}, ")) && told.contains(words), "{words}: {told}");
    }
    let cut = played(vec![RecordedExchange { is_cut: true, ..exchange("POST", ORDERS, "x") }]);
    assert!(ask(&cut, Method::POST, ORDERS, "x").unwrap_err().contains("too large"));
}

#[test]
fn what_was_read_of_the_cache_is_read_again_in_the_recorded_order() {
    let read = |key: &str, value: Option<&[u8]>| RecordedRead { key: key.to_owned(), value: value.map(Content::of) };
    let reads = vec![read("zone", None), read("list", Some(b"1")), read("zone", Some(b"UTC"))];
    let replay = Replay::of(Vec::new(), reads);
    let found: Vec<Option<Vec<u8>>> = ["zone", "zone", "zone", "list"].iter().map(|key| replay.cached(key)).collect();
    assert_eq!(found, [None, Some(b"UTC".to_vec()), None, Some(b"1".to_vec())]);
}

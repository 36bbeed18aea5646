//! Tests of steps and the HTTP client on the fake host.

use super::*;
use crate::{
    failure::Fallible,
    http::Api,
    made::Seen,
    object, path,
    step::{Remote, Verdict, step},
    types::{Failure, FailureKind, RemoteKind},
};

#[path = "tests/doubt.rs"]
mod doubt;

/// A platform that makes an object for each POST and lists all of them.
fn shelf() -> (Rc<RefCell<Vec<String>>>, Rc<FakeHost>) {
    let made = Rc::new(RefCell::new(Vec::new()));
    let objects = Rc::clone(&made);
    let host = FakeHost::new(move |request| {
        let mut objects = objects.borrow_mut();
        if request.method == Method::Get {
            return Ok(answer(200, &serde_json::to_string(&*objects).unwrap()));
        }
        let body: serde_json::Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        objects.push(body["Name"].as_str().unwrap().to_owned());
        Ok(answer(200, &format!(r#"{{"Id":{}}}"#, objects.len())))
    });
    (made, host)
}

fn make(name: &str) -> Fallible<String> {
    let api = Api::new("http://platform");
    step(name)
        .remember(RemoteKind::Package, name)
        .find(|reference| {
            let names: Vec<String> = api.get("/objects").fetch()?;
            let fits = names.iter().enumerate().filter(|(_, name)| name.ends_with(reference));
            Ok(fits.map(|(at, name)| Seen::new((at + 1).to_string()).named(name)).collect())
        })
        .create(|reference| {
            #[derive(serde::Deserialize)]
            struct Made {
                #[serde(rename = "Id")]
                id: u64,
            }
            let made: Made = api.post("/objects").json(&object! { "Name": format!("x {reference}") }).fetch()?;
            Ok(made.id.to_string())
        })
}

#[test]
fn wherever_an_operation_is_cut_off_each_change_is_made_once() {
    let operation = || -> Fallible<(String, String)> { Ok((make("a")?, make("b")?)) };
    for cut in 1.. {
        let (made, host) = shelf();
        host.cut_after(cut);
        let survived = run(&host, operation).is_some();
        let ids = run(&host, operation).unwrap().unwrap();
        assert_eq!(ids, ("1".to_owned(), "2".to_owned()), "cut after {cut}");
        assert_eq!(made.borrow().len(), 2, "cut after {cut}");
        assert_eq!(host.remote().package("b"), Some("2"));
        if survived {
            assert!(cut > 8, "begin, send, remember and finish, twice");
            return;
        }
    }
}

#[test]
#[should_panic(expected = "line is begun a second time in one call")]
fn two_steps_of_one_name_in_one_call_are_refused() {
    let (_, host) = shelf();
    run(&host, || make("line").and_then(|_| make("line")));
}

#[test]
fn a_step_that_is_done_is_not_begun_twice_in_one_call_either() {
    let (made, host) = shelf();
    for _ in 0..2 {
        run(&host, || make("line")).unwrap().unwrap();
    }
    assert_eq!(made.borrow().len(), 1);
    let twice = panic::catch_unwind(AssertUnwindSafe(|| run(&host, || make("line").and_then(|_| make("line")))));
    assert!(twice.is_err());
}

#[test]
fn a_step_in_doubt_that_finds_nothing_creates() {
    let (made, host) = shelf();
    host.journal
        .borrow_mut()
        .insert("a".into(), Noted { reference: "r".into(), in_doubt: true, sent: false, outcome: None });
    assert_eq!(run(&host, || make("a")).unwrap().unwrap(), "1");
    assert_eq!(*made.borrow(), ["x r"]);
}

#[test]
fn a_step_in_doubt_takes_the_first_of_all_that_are_there() {
    let (made, host) = shelf();
    made.borrow_mut().extend(["x r".to_owned(), "y r".to_owned()]);
    host.journal
        .borrow_mut()
        .insert("a".into(), Noted { reference: "r".into(), in_doubt: true, sent: false, outcome: None });
    assert_eq!(run(&host, || make("a")).unwrap().unwrap(), "1");
    assert_eq!(host.remote().package("a"), Some("1"));
    assert_eq!(host.made_step("a").reference, "r");
    assert_eq!(made.borrow().len(), 2);
}

#[test]
fn a_lookup_that_is_answered_not_found_leaves_its_step_in_doubt() {
    let host = FakeHost::new(|request| match request.method {
        Method::Get => Ok(answer(404, "{}")),
        _ => Ok(answer(200, "{}")),
    });
    let tie = || -> Fallible<String> {
        let api = Api::new("http://p");
        step("tie")
            .find(|_| {
                let found: Option<u64> = api.get("/ties/1").fetch_if_any()?;
                Ok(found.map(|_| Seen::new("1".to_owned())).into_iter().collect())
            })
            .create(|_| api.put("/ties/1").send().map(|_| "1".to_owned()))
    };
    host.cut_after(2);
    assert!(run(&host, tie).is_none());
    assert_eq!(run(&host, tie).unwrap().unwrap(), "1");
    assert_eq!(host.requests().len(), 3, "made, looked up, made again");
}

#[test]
fn while_a_request_may_be_under_way_nothing_is_made_again_and_no_miss_counts() {
    let (made, host) = shelf();
    host.cut_after(2);
    assert!(run(&host, || make("a")).is_none());
    // The request is carried out late: the object is not there yet.
    let late = made.borrow_mut().pop().unwrap();
    host.under_way(true);
    assert!(run(&host, || make("a")).is_none(), "the call ends where it says that nothing is there");
    let set = || step("set").set(|| Api::new("http://p").put("/x").send().map(|_| ()));
    host.journal
        .borrow_mut()
        .insert("set".into(), Noted { reference: "s".into(), in_doubt: true, sent: false, outcome: None });
    assert!(run(&host, set).is_none(), "the call ends where it writes");
    assert!(host.requests().iter().all(|request| request.method != Method::Put));
    assert!(made.borrow().is_empty());
    made.borrow_mut().push(late);
    assert_eq!(run(&host, || make("a")).unwrap().unwrap(), "1", "what is found is found");
    host.under_way(false);
    assert_eq!(run(&host, || make("a")).unwrap().unwrap(), "1");
    assert_eq!(made.borrow().len(), 1);
}

#[test]
fn a_step_without_lookup_stops_in_doubt() {
    let host = FakeHost::new(|_| Ok(answer(200, "{}")));
    let send = || {
        step("blind").no_lookup().create(|_| Api::new("http://p").post("/x").send().map(|_| ())) //
    };
    host.cut_after(2);
    assert!(run(&host, send).is_none());
    let failure = run(&host, send).unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unresolved);
    assert!(failure.message.contains("fd1x0001"), "{}", failure.message);
}

#[test]
fn a_change_that_is_safe_to_repeat_is_repeated_until_it_is_finished() {
    let count = Rc::new(Cell::new(0));
    let seen = Rc::clone(&count);
    let host = FakeHost::new(move |_| {
        seen.set(seen.get() + 1);
        Ok(answer(200, "{}"))
    });
    let put = || step("set").set(|| Api::new("http://p").put("/x").json(&object! {}).send().map(|_| ()));
    host.cut_after(2);
    assert!(run(&host, put).is_none());
    run(&host, put).unwrap().unwrap();
    run(&host, put).unwrap().unwrap();
    assert_eq!(count.get(), 2);
}

/// A platform that makes one object for each idempotency key, and has no list of them.
fn keyed() -> (Rc<RefCell<Vec<String>>>, Rc<FakeHost>) {
    let keys: Rc<RefCell<Vec<String>>> = Rc::default();
    let known = Rc::clone(&keys);
    let host = FakeHost::new(move |request| {
        assert_eq!(request.method, Method::Post, "nothing is looked up");
        let key = request.headers.iter().find(|(name, _)| name == "idempotency-key").unwrap().1.clone();
        let mut known = known.borrow_mut();
        if !known.contains(&key) {
            known.push(key.clone());
        }
        let id = known.iter().position(|known| *known == key).unwrap() + 1;
        Ok(answer(200, &format!("\"{id}\"")))
    });
    (keys, host)
}

fn make_with_key(name: &str) -> Fallible<String> {
    let api = Api::new("http://platform");
    step(name)
        .remember(RemoteKind::Package, name)
        .idempotent(|reference| api.post("/objects").header("idempotency-key", reference).fetch())
}

#[test]
fn a_write_with_a_key_is_made_again_with_the_same_key_and_never_said_absent() {
    let operation = || -> Fallible<(String, String)> { Ok((make_with_key("a")?, make_with_key("b")?)) };
    for cut in 1.. {
        let (keys, host) = keyed();
        host.cut_after(cut);
        let survived = run(&host, operation).is_some();
        assert_eq!(run(&host, operation).unwrap().unwrap(), ("1".to_owned(), "2".to_owned()), "cut after {cut}");
        assert_eq!(*keys.borrow(), ["fd1x0001", "fd1x0002"], "cut after {cut}");
        assert_eq!(host.remote().package("b"), Some("2"));
        if survived {
            assert!(cut > 8, "begin, send, remember and finish, twice");
            break;
        }
    }
    // The host lets nothing be said absent while a request may be under way, and nothing written.
    let (_, host) = keyed();
    host.cut_after(2);
    assert!(run(&host, || make_with_key("a")).is_none());
    host.under_way(true);
    assert!(run(&host, || make_with_key("a")).is_none());
    assert_eq!(host.requests().len(), 1);
    host.under_way(false);
    run(&host, || make_with_key("a")).unwrap().unwrap();
    let keys = host.requests().into_iter().map(|request| request.headers.last().unwrap().1.clone());
    assert_eq!(keys.collect::<Vec<_>>(), ["fd1x0001", "fd1x0001"]);
}

#[test]
fn a_refusal_of_a_write_with_a_key_is_recorded() {
    let host = FakeHost::new(|_| Ok(answer(422, r#"{"error":"too big"}"#)));
    let make = || -> Fallible<Verdict<String>> {
        step("a").try_idempotent(|key| Api::new("http://p").post("/x").header("key", key).fetch())
    };
    let first = run(&host, make).unwrap().unwrap().unwrap_err();
    assert_eq!(run(&host, make).unwrap().unwrap().unwrap_err(), first);
    assert_eq!((host.requests().len(), first.words()), (1, "too big"));
}

#[test]
fn a_refusal_is_recorded_and_the_operation_goes_on() {
    let host = FakeHost::new(|_| Ok(answer(422, r#"{"error":"too big"}"#)));
    let upload = || -> Fallible<Verdict<String>> {
        step("upload")
            .remember(RemoteKind::Creative, "c")
            .find(|_| Ok(Vec::new()))
            .try_create(|_| Api::new("http://p").post("/x").json("y").fetch())
    };
    let first = run(&host, upload).unwrap().unwrap().unwrap_err();
    assert_eq!(first.words(), "too big");
    assert_eq!(run(&host, upload).unwrap().unwrap().unwrap_err(), first);
    assert_eq!(host.requests().len(), 1);
    assert!(host.remote().is_empty());
}

#[test]
fn a_failure_that_may_pass_leaves_the_step_open() {
    let host = FakeHost::new(|_| Err(TransportError::Lost("reset".into())));
    let failure = run(&host, || make("a")).unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "no_answer"));
    assert!(host.finished().is_empty());
}

#[test]
fn an_outcome_of_another_release_is_not_guessed_at() {
    let host = FakeHost::new(|_| Ok(answer(200, "{}")));
    let outcome = Some(b"{\"old\":1}".to_vec());
    host.journal.borrow_mut().insert("a".into(), Noted { reference: "r".into(), in_doubt: true, sent: false, outcome });
    assert_eq!(run(&host, || make("a")).unwrap().unwrap_err().code, "step_outcome_unreadable");
}

fn failure_of(status: u16, header: Option<(&str, &str)>) -> Failure {
    let headers = header.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let answer = IncomingResponse { status, headers, body: b"no\x00\r\n way".to_vec() };
    let host = FakeHost::new(move |_| Ok(answer.clone()));
    run(&host, || Api::new("http://p/base/").get(path!("/v1/{}", "a b")).query("q", "secret").send())
        .unwrap()
        .unwrap_err()
}

#[test]
fn every_status_means_what_the_table_says() {
    use FailureKind::{NotFound, Permission, Rejected, Unavailable};
    for (status, kind) in [
        (302, Rejected),
        (400, Rejected),
        (401, Permission),
        (403, Permission),
        (404, NotFound),
        (408, Unavailable),
        (409, Rejected),
        (410, NotFound),
        (422, Rejected),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ] {
        let failure = failure_of(status, Some(("retry-after", "7")));
        assert_eq!(failure.kind, kind, "{status}");
        assert!(failure.words().ends_with("no way"), "{}", failure.words());
        assert_eq!(failure.retry_after_ms, (kind == Unavailable).then_some(7000));
        assert!(failure.message.contains("GET http://p/base/v1/a%20b"), "{}", failure.message);
        assert!(!failure.message.contains("secret"));
    }
}

#[test]
fn a_header_that_only_the_host_sets_is_refused_by_its_name() {
    let host = FakeHost::new(|_| Ok(answer(200, "{}")));
    let api = Api::new("http://p").header("Authorization", "Bearer mine");
    let failure = run(&host, || api.get("/x").send()).unwrap().unwrap_err();
    assert_eq!(failure.code, "header_refused");
    assert!(
        failure.message.starts_with("The header Authorization of GET http://p/x was not accepted"),
        "{}",
        failure.message
    );
    assert!(!failure.message.contains("mine"), "{}", failure.message);
    assert!(host.requests().is_empty());
}

#[test]
fn a_write_outside_of_a_step_is_refused_and_said_so() {
    let (reads, writes) = (vec!["POST /report/*".to_owned()], vec!["GET /objects/*/delete".to_owned()]);
    let host = FakeHost::with(reads, writes, |_| Ok(answer(200, "{}")));
    let api = Api::new("http://p");
    let post = |path: &str| run(&host, || api.post(path).json(&object! {}).send()).unwrap();
    assert_eq!(post("/objects").unwrap_err().code, "egress_refused");
    assert!(post("/report/5").is_ok());
    assert_eq!(post("/report/5/x").unwrap_err().code, "egress_refused");
    let get = |path: &str| run(&host, || api.get(path).send()).unwrap();
    assert!(get("/objects/5").is_ok());
    assert_eq!(get("/objects/5/delete?really=1").unwrap_err().code, "egress_refused");
}

#[test]
fn a_get_that_writes_puts_its_step_in_doubt() {
    let host = FakeHost::with(Vec::new(), vec!["GET /x/delete".to_owned()], |_| Ok(answer(200, "")));
    let delete = || step("d").no_lookup().create(|_| Api::new("http://p").get("/x/delete").send().map(|_| ()));
    host.cut_after(2);
    assert!(run(&host, delete).is_none());
    assert_eq!(run(&host, delete).unwrap().unwrap_err().kind, FailureKind::Unresolved);
}

#[test]
fn what_is_not_the_platforms_word_is_not_recorded_as_its_refusal() {
    for (error, code) in
        [(TransportError::Denied("no".into()), "egress_refused"), (TransportError::TooLarge(9), "answer_too_large")]
    {
        let errors = RefCell::new(vec![error]);
        let host = FakeHost::new(move |_| errors.borrow_mut().pop().map_or_else(|| Ok(answer(200, "{}")), Err));
        let put = || step("set").try_set(|| Api::new("http://p").put("/x").send().map(|_| ()));
        let failure = run(&host, put).unwrap().unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, code));
        assert!(host.finished().is_empty());
        // Once the cause is fixed, the same operation continues.
        assert_eq!(run(&host, put).unwrap().unwrap(), Ok(()));
    }
}

#[test]
fn an_answer_that_is_no_json_may_be_asked_for_again() {
    let host = FakeHost::new(|_| Ok(answer(200, "<html>")));
    let failure = run(&host, || Api::new("http://p").get("/x").fetch::<u64>()).unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "unreadable_answer"));
}

#[test]
fn a_form_is_encoded() {
    let host = FakeHost::new(|_| Ok(answer(200, "{}")));
    run(&host, || {
        step("s").set(|| Api::new("http://p").post("/search").form(&[("name", "a&b=c d")]).send().map(|_| ()))
    });
    let request = host.requests().remove(0);
    assert_eq!(request.body.unwrap(), b"name=a%26b%3Dc%20d");
    assert!(request.headers.contains(&("content-type".into(), "application/x-www-form-urlencoded".into())));
}

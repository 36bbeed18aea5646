//! Which answers leave a step in doubt: the same as in the host.

use super::*;

#[test]
fn a_step_is_in_doubt_after_the_same_answers_as_in_the_host() {
    for status in 200..600 {
        let host = FakeHost::new(move |request| match request.method {
            Method::Get => Ok(answer(404, "{}")),
            _ => Ok(answer(status, "{}")),
        });
        let write = || {
            let state = crate::host::with(|host| host.begin("order"));
            let _ = Api::new("http://p").post("/orders").send_any();
            state
        };
        assert!(matches!(run(&host, write), Some(StepState::Fresh(_))));
        let again = run(&host, write).unwrap();
        assert_eq!(matches!(again, StepState::Fresh(_)), flightdeck_write_status::changed_nothing(status), "{status}");
    }
}

#[test]
fn a_conflict_is_looked_up_because_an_earlier_request_may_have_made_the_object() {
    let lookups = Rc::new(Cell::new(0));
    let seen = Rc::clone(&lookups);
    let host = FakeHost::new(move |request| match request.method {
        Method::Get => {
            seen.set(seen.get() + 1);
            Ok(answer(200, r#"["x fd1x0001"]"#))
        }
        _ => Ok(answer(409, r#"{"error":"exists"}"#)),
    });
    assert_eq!(run(&host, || make("a")).unwrap().unwrap_err().words(), "exists");
    assert_eq!(run(&host, || make("a")).unwrap().unwrap(), "1");
    assert_eq!(lookups.get(), 1);
}

#[test]
fn a_refusal_does_not_settle_what_an_earlier_run_may_have_made() {
    let host = FakeHost::new(|_| Ok(answer(422, "{}")));
    host.journal
        .borrow_mut()
        .insert("a".into(), Noted { reference: "r".into(), in_doubt: true, sent: false, outcome: None });
    let set = || step("a").set(|| Api::new("http://p").put("/x").send().map(|_| ()));
    run(&host, set).unwrap().unwrap_err();
    let state = run(&host, || crate::host::with(|host| host.begin("a"))).unwrap();
    assert_eq!(state, StepState::InDoubt("r".to_owned()));
}

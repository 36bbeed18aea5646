use super::*;

fn requests(reads: &[&str], writes: &[&str]) -> Result<Requests, PatternError> {
    let owned = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>();
    Requests::parse(&owned(reads), &owned(writes))
}

fn rules(asked: (&[&str], &[&str]), granted: (&[&str], &[&str])) -> DeclaredRequests {
    let read = |(reads, writes)| Arc::new(requests(reads, writes).unwrap());
    DeclaredRequests::new(read(asked), read(granted), Url::parse("https://api.acme.example/base/").unwrap())
}

fn reads(rules: &DeclaredRequests, method: &Method, path: &str) -> bool {
    let endpoint = Url::parse("https://api.acme.example/base/").unwrap();
    rules.only_reads(method, &endpoint.join(path).unwrap())
}

#[test]
fn a_star_stands_for_one_part_of_the_path() {
    let patterns: &[&str] = &["POST /v1/report/queue", "POST /v1/flight/*/forecast"];
    let rules = rules((patterns, &[]), (patterns, &[]));
    let post = |path: &str| reads(&rules, &Method::POST, path);
    assert!(post("/base/v1/report/queue"));
    assert!(post("/base/v1/report/queue?x=1"));
    assert!(post("/base/v1/flight/7/forecast"));
    assert!(!reads(&rules, &Method::PUT, "/base/v1/report/queue"));
    assert!(!reads(&rules, &Method::DELETE, "/base/v1/report/queue"));
    assert!(!post("/base/v1/report/queue/"));
    assert!(!post("/base/v1/flight/7/8/forecast"));
    assert!(!post("/base/v1/flight/7/../../flight"));
    assert!(!post("/v1/report/queue"), "not below the endpoint");
    assert!(!post("https://files.acme.example/base/v1/report/queue"), "another origin");
    for part in ["", "7%2F8", "7%2f..%2f8", "%2e%2e", "7%5C8", "7%252F8", "7;x=1"] {
        assert!(!post(&format!("/base/v1/flight/{part}/forecast")), "{part}");
    }
}

#[test]
fn a_post_reads_only_if_adapter_and_operator_say_so() {
    let queue: &[&str] = &["POST /v1/report/queue"];
    for (asked, granted, expected) in
        [(queue, queue, true), (queue, &[] as &[&str], false), (&[] as &[&str], queue, false), (&[], &[], false)]
    {
        let rules = rules((asked, &[]), (granted, &[]));
        assert_eq!(reads(&rules, &Method::POST, "/base/v1/report/queue"), expected, "{asked:?} {granted:?}");
    }
    let wide = rules((&["POST /v1/report/*"], &[]), (queue, &[]));
    assert!(reads(&wide, &Method::POST, "/base/v1/report/queue"));
    assert!(!reads(&wide, &Method::POST, "/base/v1/report/delete"), "the adapter asked for more than it was granted");
}

#[test]
fn a_get_writes_if_adapter_or_operator_says_so_however_it_is_spelled() {
    let delete: &[&str] = &["GET /v1/flight/*/delete"];
    for (asked, granted) in [(delete, &[] as &[&str]), (&[] as &[&str], delete)] {
        let rules = rules((&[], asked), (&[], granted));
        for path in [
            "/base/v1/flight/7/delete",
            "/base/v1/flight/7/delete/",
            "/base//v1/flight/7/delete",
            "/base/v1/Flight/7/DELETE",
            "/base/v1/flight/7/%64elete",
            "/base/v1/flight/7/delete;x=1",
            "/v1/flight/7/delete",
        ] {
            assert!(!reads(&rules, &Method::GET, path), "{path}");
        }
        assert!(reads(&rules, &Method::GET, "/base/v1/flight/7"));
        assert!(reads(&rules, &Method::HEAD, "/base/v1/flight/7/delete"));
    }
}

#[test]
fn what_is_no_pattern_is_named() {
    for pattern in
        ["POST", "POST v1", "DELETE /v1/x", "PUT /v1/*", "P OST /v1", "POST /v1/a?x", "POST /", "POST /a/rep*"]
    {
        assert!(
            matches!(requests(&[pattern], &[]), Err(PatternError::Form { pattern: named, .. }) if named == pattern)
        );
    }
    assert!(matches!(requests(&[], &["POST /v1"]), Err(PatternError::Form { .. })));
}

#[test]
fn a_pattern_for_reads_that_takes_in_what_writes_is_refused() {
    for pattern in [
        "POST /*",
        "POST /*/search",
        "POST /v1/*",
        "POST /v2.1/*",
        "POST /api/v1/*",
        "POST /v1/*/search",
        "POST /v1/networks/*/*",
        "POST //*",
    ] {
        assert_eq!(requests(&[pattern], &[]), Err(PatternError::TooWide(pattern.to_owned())), "{pattern}");
    }
    for pattern in ["POST /v1/reports", "POST /report/*", "POST /v1/networks/*/reports/*", "POST /v1/campaign/search"] {
        assert!(requests(&[pattern], &[]).is_ok(), "{pattern}");
    }
    assert!(requests(&[], &["GET /*"]).is_ok(), "a write that is declared too wide only asks for more steps");
}

#[test]
fn what_is_asked_for_and_not_granted_is_listed_as_it_was_written() {
    let asked = requests(&["POST /v1/report/queue", "POST /v1/report/*/rows", "POST /v1/search/*"], &[]).unwrap();
    let missing = |granted: &[&str]| requests(granted, &[]).unwrap().missing(&asked).join(" ");
    assert_eq!(missing(&[]), "POST /v1/report/queue POST /v1/report/*/rows POST /v1/search/*");
    assert_eq!(missing(&["POST /v1/report/*", "POST /v1/search/flights"]), "POST /v1/report/*/rows POST /v1/search/*");
    assert_eq!(missing(&["POST /v1/report/*", "POST /v1/report/*/rows", "POST /v1/search/*"]), "");
}

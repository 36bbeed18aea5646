//! What is added to requests, and what is hidden.

use super::*;

#[test]
fn nothing_prints_a_secret() {
    let credentials = [
        Credentials::Bearer(Secret::new("hunter2-token")),
        Credentials::Basic { username: "me".to_owned(), password: Secret::new("hunter2-token") },
        Credentials::Header { name: "x-key".to_owned(), value: Secret::new("hunter2-token") },
        Credentials::Several(vec![Credentials::Bearer(Secret::new("hunter2-token"))]),
    ];
    for credentials in credentials {
        assert!(!format!("{credentials:?}").contains("hunter2"));
        let mut headers = http::HeaderMap::new();
        Injection::new(&credentials).unwrap().apply(&mut headers);
        assert_eq!(headers.len(), 1);
        assert!(!format!("{headers:?}").contains("hunter2"));
    }
}

#[test]
fn secrets_are_overwritten_wherever_they_stand() {
    let injection = Injection::new(&Credentials::Bearer(Secret::new("abcab"))).unwrap();
    let mut text = b"ab abcabcab abcab".to_vec();
    injection.redact(&mut text);
    // Occurrences that overlap are hidden whole.
    assert_eq!(text, b"ab ******** *****");
}

#[test]
fn a_value_that_no_header_can_carry_is_refused_without_showing_it() {
    let error = Injection::new(&Credentials::Bearer(Secret::new("hunter2\n"))).err().unwrap();
    assert_eq!(error, CredentialsError::Value);
    assert!(!error.to_string().contains("hunter2"));
}

fn several() -> Injection {
    let name = |name: &str| name.to_owned();
    let all = vec![
        Credentials::Header { name: name("X-Key"), value: Secret::new("header-secret") },
        Credentials::PlainHeader { name: name("X-Network"), value: name("network 9") },
        Credentials::Query { name: name("api_key"), value: Secret::new("query&secret") },
        Credentials::PlainQuery { name: name("v"), value: name("2") },
    ];
    Injection::new(&Credentials::Several(all)).unwrap()
}

#[test]
fn several_credentials_are_all_added_and_only_the_secret_ones_are_hidden() {
    let injection = several();
    let mut headers = http::HeaderMap::new();
    headers.insert("x-network", HeaderValue::from_static("mine"));
    injection.apply(&mut headers);
    assert_eq!(
        (headers["x-key"].as_bytes(), headers["x-network"].as_bytes()),
        (&b"header-secret"[..], &b"network 9"[..])
    );
    assert!(injection.sets_header(&HeaderName::from_static("x-network")));
    assert!(!injection.sets_header(&HeaderName::from_static("x-other")));
    let mut text = b"header-secret, network 9, query%26secret".to_vec();
    injection.redact(&mut text);
    assert_eq!(text, b"*************, network 9, **************");
}

#[test]
fn query_parameters_are_added_and_replace_those_of_the_same_name() {
    for (given, sent) in [
        ("https://a.example/x", "api_key=query%26secret&v=2"),
        ("https://a.example/x?q=a+b%20c", "q=a+b%20c&api_key=query%26secret&v=2"),
        ("https://a.example/x?api_key=****&page=2&%76=1", "page=2&api_key=query%26secret&v=2"),
    ] {
        let mut url: Url = given.parse().unwrap();
        several().apply_query(&mut url);
        assert_eq!(url.query(), Some(sent), "{given}");
    }
    let mut url: Url = "https://a.example/x".parse().unwrap();
    Injection::default().apply_query(&mut url);
    assert_eq!(url.query(), None);
}

#[test]
fn a_fetched_token_joins_the_others() {
    let injection = several().with_bearer("the-token", vec!["the-password".to_owned()]).unwrap();
    let mut headers = http::HeaderMap::new();
    injection.apply(&mut headers);
    assert_eq!(headers.len(), 3);
    for secret in ["the-token", "the-password", "header-secret"] {
        assert!(injection.occurs_in(secret.as_bytes()), "{secret}");
    }
}

#[test]
fn whoever_has_the_same_credentials_is_the_same() {
    let header = |value: &str| Credentials::Header { name: "X-Key".to_owned(), value: Secret::new(value) };
    let network = |value: &str| Credentials::PlainQuery { name: "network".to_owned(), value: value.to_owned() };
    let several = |all: [Credentials; 2]| Credentials::Several(all.to_vec()).identity();
    assert_eq!(several([header("a"), network("1")]), several([header("a"), network("1")]));
    assert_ne!(several([header("a"), network("1")]), several([header("a"), network("2")]));
    assert_eq!(Credentials::Several(Vec::new()).identity(), None);
}

//! The token endpoint: good assertions and each kind of bad one.

use flightdeck_emulators::{
    gam::{
        Gam, Options,
        settings::{GamChange, GamSettings},
    },
    platform::Credentials,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{merge, until},
    gam_app::{GamApp, assertion, claims, head, now},
};

#[tokio::test]
async fn a_token_is_opaque_and_opens_the_api() {
    let app = GamApp::start().await;
    let key = app.running.platform().key_file();
    let (status, body) = app.ask_token(&assertion(&key, &head(), &claims(&key))).await;
    assert_eq!((status.as_u16(), &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
    assert!(body["access_token"].as_str().unwrap().starts_with("ya29."));
    assert_eq!(app.get("").await["networkCode"], "21700001");
    let log = app.running.controls().log.summary();
    assert_eq!((log.requests[0].path.as_str(), log.requests[0].credentials), ("/token", Credentials::NotNeeded));
}

async fn wrong(changes: Value) -> String {
    let app = GamApp::start().await;
    let key = app.running.platform().key_file();
    let mut claims = claims(&key);
    merge(&mut claims, changes);
    let (status, body) = app.ask_token(&assertion(&key, &head(), &claims)).await;
    assert_eq!(status, 400, "{body}");
    format!("{}: {}", body["error"].as_str().unwrap(), body["error_description"].as_str().unwrap())
}

#[tokio::test]
async fn every_claim_is_checked() {
    for (changes, said) in [
        (json!({ "iss": "stranger@example.com" }), "invalid_grant: Invalid grant: account not found"),
        (json!({ "iss": null }), "invalid_grant: Invalid grant: account not found"),
        (json!({ "aud": "https://oauth2.googleapis.com/token" }), "invalid_grant: Invalid JWT: aud must be"),
        (json!({ "scope": null }), "invalid_scope: Empty or missing scope"),
        (json!({ "scope": "https://www.googleapis.com/auth/drive" }), "invalid_scope: Invalid scope"),
        (json!({ "iat": null }), "invalid_grant: Invalid JWT: iat and exp are required"),
        (json!({ "exp": now() + 3700 }), "invalid_grant: Invalid JWT: exp must be"),
        (json!({ "exp": now() - 10, "iat": now() }), "invalid_grant: Invalid JWT: exp must be"),
        (json!({ "iat": now() + 300, "exp": now() + 600 }), "invalid_grant: Invalid JWT: iat is in the future"),
        (json!({ "iat": now() - 4000, "exp": now() - 400 }), "invalid_grant: Invalid JWT: Token must be"),
        (json!({ "iat": "soon" }), "invalid_grant: Invalid JWT: the claims"),
    ] {
        let heard = wrong(changes.clone()).await;
        assert!(heard.starts_with(said), "{changes}: {heard}");
    }
}

#[tokio::test]
async fn a_clock_a_little_off_is_forgiven() {
    let app = GamApp::start().await;
    let key = app.running.platform().key_file();
    let mut claims = claims(&key);
    merge(&mut claims, json!({ "iat": now() + 30, "exp": now() + 3630 }));
    assert_eq!(app.ask_token(&assertion(&key, &head(), &claims)).await.0, 200);
}

#[tokio::test]
async fn form_signature_and_algorithm_are_checked() {
    let app = GamApp::start().await;
    let key = app.running.platform().key_file();
    let good = assertion(&key, &head(), &claims(&key));
    let other = Gam::start(Options { own_key: true, ..Options::default() }).await.unwrap().platform().key_file();
    let forged = assertion(&other, &head(), &claims(&key));
    let plain = assertion(&key, &json!({ "alg": "none" }), &claims(&key));
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    for (form, error, said) in [
        (vec![("grant_type", grant), ("assertion", &forged)], "invalid_grant", "Invalid JWT Signature."),
        (vec![("grant_type", grant), ("assertion", &plain)], "invalid_grant", "the algorithm must be RS256"),
        (vec![("grant_type", grant), ("assertion", "a.b")], "invalid_grant", "three parts"),
        (vec![("grant_type", grant), ("assertion", "?.?.?")], "invalid_grant", "base64url"),
        (vec![("grant_type", grant)], "invalid_request", "missing: assertion"),
        (vec![("assertion", good.as_str())], "invalid_request", "missing: grant_type"),
        (vec![("grant_type", "password"), ("assertion", &good)], "unsupported_grant_type", "password"),
    ] {
        let (status, body) = app.form(&form).await;
        assert_eq!((status.as_u16(), body["error"].as_str()), (400, Some(error)), "{body}");
        assert!(body["error_description"].as_str().unwrap().contains(said), "{body}");
    }
}

#[tokio::test]
async fn a_missing_a_wrong_and_an_expired_token_are_401() {
    let mut app = GamApp::start().await;
    let url = format!("{}/v1/networks/21700001/orders", app.running.url);
    let client = reqwest::Client::new();
    for request in
        [client.get(&url), client.get(&url).bearer_auth("guess"), client.get(&url).basic_auth("a", Some("b"))]
    {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(401), &json!("UNAUTHENTICATED")));
    }
    let expired = "401 UNAUTHENTICATED ACCESS_TOKEN_EXPIRED";
    app.get("/orders").await;
    app.post("/__control/gam/tokens/expire", &Value::Null).await;
    assert_eq!(app.refused(Method::GET, "/orders", &Value::Null).await.0, expired);
    app.renew().await;
    app.get("/orders").await;
    app.running.platform().change(GamChange { token_lifetime_seconds: Some(0), ..GamChange::default() });
    app.renew().await;
    assert_eq!(app.refused(Method::GET, "/orders", &Value::Null).await.0, expired);
}

#[tokio::test]
async fn a_token_ends_with_its_lifetime_in_real_time() {
    let settings = GamSettings { token_lifetime_seconds: 1, ..GamSettings::default() };
    let app = GamApp::with(Options { settings, ..Options::default() }).await;
    let (status, _) = app.send(Method::GET, "/orders", &Value::Null).await;
    assert_eq!(status, 200);
    let started = std::time::Instant::now();
    until("the end of the token", || started.elapsed() > std::time::Duration::from_secs(1)).await;
    assert_eq!(app.send(Method::GET, "/orders", &Value::Null).await.0, 401);
}

#[tokio::test]
async fn the_key_file_is_googles_and_can_be_read_by_control() {
    let app = GamApp::start().await;
    let key = app.get("/__control/gam/key").await;
    assert_eq!(key, app.running.platform().key_file());
    assert_eq!(
        (&key["type"], &key["token_uri"]),
        (&json!("service_account"), &json!(format!("{}/token", app.running.url)))
    );
    assert!(key["private_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

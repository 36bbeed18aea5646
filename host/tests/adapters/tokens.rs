//! Credentials that the host fetches by itself: neither token nor password is ever a guest's.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use flightdeck::{
    adapters::{Credentials, Grant, PlatformConfig, Secret, TokenGrant},
    domain::failure::FailureKind,
};
use serde_json::{Value, json};

use super::{
    journal::MemoryJournal,
    server::{Server, Writes},
    world::{World, platform, start},
};

const PASSWORD: &str = "pass-word-of-acme";

/// A login, what it was asked, and what it answers.
#[derive(Debug, Clone)]
struct Login {
    port: u16,
    asked: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answer: Arc<Mutex<(StatusCode, Value)>>,
}

impl Login {
    /// One that answers with `token-1`, `token-2` and so on in the place of `TOKEN`.
    async fn start(answer: Value) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new((StatusCode::OK, answer)));
        let login = Self { port, asked: Arc::default(), answer };
        let app = Router::new().route("/login", post(respond)).with_state(login.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        login
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/login", self.port)
    }

    fn answers(&self, status: StatusCode, body: Value) {
        *self.answer.lock().unwrap() = (status, body);
    }

    fn asked(&self) -> Vec<(HeaderMap, String)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn respond(State(login): State<Login>, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let mut asked = login.asked.lock().unwrap();
    asked.push((headers, body));
    let (status, answer) = login.answer.lock().unwrap().clone();
    let text = answer.to_string().replace("TOKEN", &format!("token-{}", asked.len()));
    (status, Json(serde_json::from_str(&text).unwrap()))
}

fn with_password(url: String) -> Credentials {
    let grant = Grant::Login {
        fields: ("user".to_owned(), "secret".to_owned()),
        username: "desk".to_owned(),
        password: Secret::new(PASSWORD),
        token: "/data/token".to_owned(),
        lifetime: Duration::from_secs(3_600),
    };
    Credentials::Token(Box::new(TokenGrant { url: url.parse().unwrap(), grant }))
}

fn with_client(url: String) -> Credentials {
    let grant = Grant::ClientCredentials {
        client_id: "desk".to_owned(),
        client_secret: Secret::new(PASSWORD),
        scope: Some("ads write".to_owned()),
    };
    Credentials::Token(Box::new(TokenGrant { url: url.parse().unwrap(), grant }))
}

fn config(behaviour: &str, server: &Server, login: &Login, credentials: Credentials) -> PlatformConfig {
    let mut config = platform("acme", behaviour, &server.endpoint());
    config.allow_private.push(format!("127.0.0.1:{}", login.port).parse().unwrap());
    config.credentials = credentials;
    config
}

async fn create(world: &World) -> Result<Vec<String>, flightdeck::domain::failure::Failure> {
    world.create("acme", &MemoryJournal::new()).await.map(|outcome| outcome.notes)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_login_serves_all_calls_and_its_token_is_hidden() {
    let (server, login) = (Server::start().await, Login::start(json!({ "data": { "token": "TOKEN" } })).await);
    let world = start(vec![config("echo", &server, &login, with_password(login.url()))]).await.unwrap();
    let all = futures::future::join_all((0..4).map(|_| create(&world))).await;
    for notes in all {
        let notes = notes.unwrap();
        assert!(notes.iter().all(|note| !note.contains("token-1")), "{notes:?}");
        assert!(notes[1].contains(&format!("authorization: Bearer {}", "*".repeat(7))), "{notes:?}");
    }
    assert!(server.received().iter().all(|request| request.head.contains("authorization: Bearer token-1\r")));
    let asked = login.asked();
    assert_eq!(asked.len(), 1, "four calls at once are one login");
    assert_eq!(serde_json::from_str::<Value>(&asked[0].1).unwrap(), json!({ "user": "desk", "secret": PASSWORD }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_by_its_secret_and_its_token_is_renewed_when_it_runs_out() {
    let answer = json!({ "access_token": "TOKEN", "expires_in": 0, "token_type": "Bearer" });
    let (server, login) = (Server::start().await, Login::start(answer).await);
    let world = start(vec![config("echo", &server, &login, with_client(login.url()))]).await.unwrap();
    create(&world).await.unwrap();
    create(&world).await.unwrap();
    let asked = login.asked();
    assert_eq!(asked.len(), 2, "each had run out at once");
    assert_eq!(asked[0].1, "grant_type=client_credentials&scope=ads+write");
    // desk:pass-word-of-acme
    assert_eq!(asked[0].0["authorization"], "Basic ZGVzazpwYXNzLXdvcmQtb2YtYWNtZQ==");
    let last = server.received().pop().unwrap();
    assert!(last.head.contains("authorization: Bearer token-2"), "{}", last.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_asks_for_a_person_and_is_not_tried_over_and_over() {
    let (server, login) = (Server::start().await, Login::start(Value::Null).await);
    let words = format!("no such user, or {PASSWORD} is wrong");
    login.answers(StatusCode::UNAUTHORIZED, json!({ "error": "denied", "message": words }));
    let world = start(vec![config("echo", &server, &login, with_password(login.url()))]).await.unwrap();
    for _ in 0..3 {
        let failure = create(&world).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permission, "credentials_refused"));
        let platform = failure.platform.clone().unwrap();
        assert_eq!((platform.status, platform.code.as_str()), (401, "denied"));
        assert!(!format!("{failure:?}").contains(PASSWORD), "{failure:?}");
    }
    assert_eq!(login.asked().len(), 1, "a wrong password sent again and again locks accounts");
    assert!(server.received().is_empty(), "nothing was sent without a token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_does_not_work_now_may_work_later() {
    let (server, login) = (Server::start().await, Login::start(json!({ "no": "token" })).await);
    let world = start(vec![config("echo", &server, &login, with_password(login.url()))]).await.unwrap();
    for status in [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS, StatusCode::FOUND] {
        login.answers(status, json!({ "no": "token" }));
        let failure = create(&world).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "login_unavailable"), "{failure}");
    }
    login.answers(StatusCode::OK, json!({ "data": { "token": "TOKEN" } }));
    create(&world).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_good_and_is_refused_is_replaced_and_one_that_never_was_is_a_matter_of_permission() {
    let (server, login) = (Server::start().await, Login::start(json!({ "data": { "token": "TOKEN" } })).await);
    let world = start(vec![config("write", &server, &login, with_password(login.url()))]).await.unwrap();
    server.answer_writes(Writes::Status(401, ""));
    // The adapter is told what the platform says of a token that is new.
    let first = create(&world).await.unwrap_err();
    assert_ne!(first.code, "token_refused", "{first}");
    server.answer_writes(Writes::Status(200, ""));
    create(&world).await.unwrap();
    assert_eq!(login.asked().len(), 1);
    server.answer_writes(Writes::Status(401, ""));
    let failure = create(&world).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "token_refused"), "{failure}");
    server.answer_writes(Writes::Status(200, ""));
    create(&world).await.unwrap();
    assert_eq!(login.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_on_a_private_address_must_be_allowed() {
    let (server, login) = (Server::start().await, Login::start(Value::Null).await);
    let mut config = config("echo", &server, &login, with_password(login.url()));
    config.allow_private.pop();
    let error = start(vec![config]).await.err().unwrap();
    assert!(error.to_string().contains(&login.url()), "{error}");
    assert!(login.asked().is_empty());
}

//! Signing in to the review desk at an OpenID provider: who gets in, who does not, and that what they may do ends as it
//! does with a token.

use flightdeck::{
    domain::{audit::AuditEntry, person::Person, time::Timestamp},
    store::{
        TokenRecord,
        sqlite::{self, Options},
    },
};
use reqwest::{Response, StatusCode, header};
use serde_json::json;

use crate::{
    desk::{Browser, location},
    house::{BUYER, House, OPERATOR, REVIEWER_2},
    replicas::Replicas,
};

pub(crate) mod provider;

use provider::{CLIENT, Provider, SECRET};

/// The configuration for a provider.
pub(crate) fn configured(issuer: &str) -> String {
    format!(
        "[desk.oidc]\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT}\"\nclient_secret = {{ value = \"{SECRET}\" }}\n\
         public_url = \"http://127.0.0.1\"\nname = \"Acme <login>\"\nreviewers = [\"ad-operations\", \"sales\"]\n\
         operators = [\"platform-team\"]\n"
    )
}

async fn house(more: &str) -> (House, Provider) {
    let provider = Provider::start().await;
    let mut house = House::empty(&format!("{}{more}", configured(&provider.issuer))).await;
    house.start(&[]).await;
    (house, provider)
}

/// What a browser has when the provider sends it back: its ticket, and where to.
async fn sent_back(browser: &mut Browser, next: &str) -> String {
    let start = browser.get(&format!("/admin/oidc/start?next={next}")).await;
    assert_eq!(start.status(), StatusCode::SEE_OTHER);
    let ticket = start.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["flightdeck_oidc=sealed:", "; Path=/admin/oidc; HttpOnly; SameSite=Lax", "; Max-Age=600"] {
        assert!(ticket.contains(part), "{part}: {ticket}");
    }
    browser.cookie = ticket.split(';').next().unwrap().to_owned();
    let there = browser.client.get(location(&start)).send().await.unwrap();
    let back = location(&there);
    let back = back.strip_prefix("http://127.0.0.1").unwrap_or_else(|| panic!("{there:?}"));
    assert!(back.starts_with("/admin/oidc/callback?"), "{back}");
    back.to_owned()
}

/// Goes to the provider and comes back.
async fn come(browser: &mut Browser) -> Response {
    let back = sent_back(browser, "").await;
    browser.get(&back).await
}

/// Keeps the session that an answer begins.
fn keep(browser: &mut Browser, answer: &Response) {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let cookies: Vec<&str> =
        answer.headers().get_all(header::SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("flightdeck_session=")).expect("a session");
    assert!(session.contains("; Path=/admin; HttpOnly; SameSite=Lax"), "{session}");
    assert!(cookies.iter().any(|cookie| cookie.starts_with("flightdeck_oidc=;") && cookie.contains("Max-Age=0")));
    browser.cookie = session.split(';').next().unwrap().to_owned();
}

async fn signed_in(house: &House) -> Browser {
    let mut browser = Browser::of(house);
    let answer = come(&mut browser).await;
    keep(&mut browser, &answer);
    browser
}

/// Comes back and is refused; the page.
async fn refused(house: &House, status: u16) -> String {
    let mut browser = Browser::of(house);
    let answer = come(&mut browser).await;
    assert_eq!(answer.status().as_u16(), status);
    let cookies = answer.headers().get_all(header::SET_COOKIE);
    assert!(cookies.iter().all(|cookie| !cookie.to_str().unwrap().contains("flightdeck_session")));
    answer.text().await.unwrap()
}

async fn command(house: &House, arguments: &[&str]) -> String {
    let done = house.command().args(arguments).output().await.expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[tokio::test]
async fn groups_make_reviewers_and_operators_and_the_next_sign_in_may_change_that() {
    let (house, provider) = house("").await;
    let page = Browser::of(&house).page("/admin/sign-in?next=%2Fadmin%2Faudit").await;
    assert!(page.contains("Sign in with <bdi>Acme &#60;login&#62;</bdi>"), "{page}");
    assert!(
        page.contains("href=\"/admin/oidc/start?next=%2Fadmin%2Faudit\"") && page.contains("id=\"token\""),
        "{page}"
    );

    provider.knows("Anna@acme.example", &["everybody", "sales"]);
    let reviewer = signed_in(&house).await;
    let page = reviewer.page("/admin/queue").await;
    assert!(page.contains("Anna@acme.example") && page.contains("reviewer"), "{page}");
    assert_eq!(reviewer.get("/admin/audit").await.status(), 403, "not an operator");

    // Another spelling is the same person, an elliptic key is as good, and operators come before reviewers.
    provider.knows("anna@ACME.example", &["sales", "platform-team"]);
    provider.says().elliptic = true;
    let operator = signed_in(&house).await;
    assert_eq!(operator.get("/admin/audit").await.status(), 200);
    assert_eq!(reviewer.get("/admin/audit").await.status(), 200, "a session has the rights of the moment");
    let page = operator.page("/admin/buyers").await;
    assert!(page.contains("oidc:anna@acme.example") && page.contains("single sign-on"), "{page}");
    let listed = command(&house, &["token", "list"]).await;
    let mine: Vec<&str> = listed.lines().filter(|line| line.contains("oidc:")).collect();
    assert_eq!(mine.len(), 1, "{listed}");
    assert!(mine[0].contains("oidc:anna@acme.example ") && mine[0].contains("operator"), "{listed}");
    assert!(mine[0].contains("good until"), "{listed}");
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.body.to_string();
    for line in ["token.created", "reviewer, by http", "token.role_changed", "from reviewer to operator, by http"] {
        assert!(audit.contains(line), "{line}: {audit}");
    }
    assert_eq!(audit.matches("\"token.created\"").count(), 1, "{audit}");
    assert!(!house.log().contains(SECRET), "the secret is never logged");
}

#[tokio::test]
async fn nobody_else_gets_in_and_the_page_says_why() {
    let (house, provider) = house("").await;
    let anna = json!({ "email": "anna@acme.example", "email_verified": true, "groups": ["sales"] });
    let with = |name: &str, value: serde_json::Value| {
        let mut person = anna.clone();
        person[name] = value;
        person
    };
    let past = time::OffsetDateTime::now_utc().unix_timestamp() - 1;
    for (person, wrong, status, words) in [
        (with("groups", json!(["everybody"])), json!({}), 403, "it is for: ad-operations, sales, platform-team"),
        (with("groups", json!(null)), json!({}), 403, "in no group that may open the desk"),
        (with("email_verified", json!(false)), json!({}), 403, "has not verified your e-mail address"),
        (with("email_verified", json!("false")), json!({}), 403, "has not verified your e-mail address"),
        (with("email", json!(null)), json!({}), 403, "has no claim `email`"),
        (with("email", json!("a@b\u{202e}.example")), json!({}), 403, "one line of at most 59 characters"),
        (with("email", json!(format!("{}@acme.example", "a".repeat(60)))), json!({}), 403, "59 characters"),
        (with("email", json!("command line")), json!({}), 403, "no name for the audit log"),
        (anna.clone(), json!({ "nonce": "another" }), 401, "can&#39;t be verified"),
        (anna.clone(), json!({ "aud": "another" }), 401, "can&#39;t be verified"),
        (anna.clone(), json!({ "aud": [CLIENT, "another"] }), 401, "can&#39;t be verified"),
        (anna.clone(), json!({ "iss": "http://127.0.0.1:1" }), 401, "can&#39;t be verified"),
        (anna.clone(), json!({ "exp": past }), 401, "can&#39;t be verified"),
    ] {
        *provider.says() = provider::Says { person, wrong: wrong.clone(), ..provider::Says::default() };
        let page = refused(&house, status).await;
        assert!(page.contains(words), "{wrong} {words}: {page}");
        assert!(
            page.contains("/admin/oidc/start") && page.contains("id=\"token\""),
            "the way in is still there: {page}"
        );
    }
    for elliptic in [false, true] {
        *provider.says() = provider::Says { person: anna.clone(), forged: true, elliptic, ..Default::default() };
        assert!(refused(&house, 401).await.contains("can&#39;t be verified"));
    }
    let listed = command(&house, &["token", "list"]).await;
    assert!(!listed.contains("oidc:"), "{listed}");
    *provider.says() = provider::Says { person: anna, ..Default::default() };
    signed_in(&house).await;
}

#[tokio::test]
async fn a_sign_in_is_of_one_browser_and_leads_to_the_desk_once() {
    let (mut house, provider) = house("").await;
    provider.knows("anna@acme.example", &["sales"]);
    let mut browser = Browser::of(&house);
    // No ticket, another browser's ticket, a made-up one, another state.
    let back = sent_back(&mut browser, "").await;
    let mine = browser.cookie.clone();
    let mut other = Browser::of(&house);
    assert_eq!(other.get(&back).await.status(), 409);
    sent_back(&mut other, "").await;
    assert_eq!(other.get(&back).await.status(), 409);
    for cookie in ["flightdeck_oidc=", "flightdeck_oidc={}", &mine[..mine.len() - 9]] {
        other.cookie = cookie.to_owned();
        let answer = other.get(&back).await;
        assert_eq!(answer.status(), 409, "{cookie}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("not begun in this browser") && page.contains("http://127.0.0.1/admin"), "{page}");
    }
    for wrong in ["/admin/oidc/callback", "/admin/oidc/callback?state=x&code=y", &back.replace("state=", "state=0")] {
        assert_eq!(browser.get(wrong).await.status(), 409, "{wrong}");
    }
    let denied = format!("/admin/oidc/callback?error=access_denied&{}", back.split_once('&').unwrap().1);
    let answer = browser.get(&denied).await;
    assert_eq!(answer.status(), 401);
    assert!(answer.text().await.unwrap().contains("access_denied"));
    let words = denied.replace("access_denied", "call+555-0100");
    assert!(!browser.get(&words).await.text().await.unwrap().contains("555-0100"), "nobody else's words");

    // Nothing of a sign-in that has begun is in the memory of the host.
    house.stop().await;
    house.start(&[]).await;
    browser.url = house.url().to_owned();
    let answer = browser.get(&back).await;
    keep(&mut browser, &answer);
    assert!(browser.is_signed_in().await);
    browser.cookie = mine;
    let again = browser.get(&back).await;
    assert_eq!(again.status(), 401, "the code is used up");
    assert!(again.text().await.unwrap().contains("used up"));

    for (next, path) in [
        ("%2Fadmin%2Ftasks%2Ftask_1%3Fdone%3Dapproved", "/admin/tasks/task_1?done=approved"),
        ("https%3A%2F%2Fevil.example%2F", "/admin/queue"),
        ("%2F%2Fevil.example", "/admin/queue"),
        ("%2Fadmin%2F%5Cevil.example", "/admin/queue"),
        ("%2Fadmin%2F%2Fevil.example", "/admin/queue"),
    ] {
        let back = sent_back(&mut browser, next).await;
        assert_eq!(location(&browser.get(&back).await), path, "{next}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_or_has_new_keys() {
    let (house, provider) = house("").await;
    provider.knows("anna@acme.example", &["sales"]);
    signed_in(&house).await;
    signed_in(&house).await;
    assert_eq!(provider.says().asked_for_keys, 1, "what it says is remembered");
    provider.rotate();
    signed_in(&house).await;
    assert_eq!(provider.says().asked_for_keys, 2);
    let doctor = command(&house, &["doctor"]).await;
    assert!(doctor.contains(&format!("single sign-on  {} is reached", provider.issuer)), "{doctor}");
    let mut browser = Browser::of(&house);
    let back = sent_back(&mut browser, "").await;
    let issuer = provider.issuer.clone();
    drop(provider);
    let answer = browser.get(&back).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().contains("sign in with a token"));

    let mut another = House::empty(&configured(&issuer)).await;
    another.start(&[]).await;
    for _ in 0..2 {
        let answer = Browser::of(&another).get("/admin/oidc/start").await;
        assert_eq!(answer.status(), 503);
        let page = answer.text().await.unwrap();
        assert!(page.contains("Acme &#60;login&#62; does not answer as it should"), "{page}");
    }
    assert!(another.log().contains("the provider can't be reached"), "{}", another.log());
    let doctor = command(&another, &["doctor"]).await;
    assert!(doctor.contains("look     single sign-on  the provider"), "{doctor}");
    Browser::signed_in(&another, OPERATOR).await;
    // Without a provider there is no such page.
    let plain = House::new().await;
    assert_eq!(Browser::of(&plain).get("/admin/oidc/start").await.status(), 404);
    assert_eq!(Browser::of(&plain).get("/admin/oidc/callback").await.status(), 404);
}

#[tokio::test]
async fn who_may_not_enter_is_throttled_and_written_down() {
    let (mut house, provider) = house("[callers]\nfailed_logins_per_minute = 5\n").await;
    provider.knows("eve@acme.example", &[]);
    for _ in 0..5 {
        refused(&house, 403).await;
    }
    assert!(refused(&house, 429).await.contains("wait a minute"));
    Browser::signed_in(&house, OPERATOR).await;
    let metrics = house.get(OPERATOR, "/metrics").await.body.to_string();
    assert!(metrics.contains("flightdeck_failed_logins_total{reason=\\\"single_sign_on\\\"} 5"), "{metrics}");
    house.stop().await;
    house.start(&[]).await;
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.body.to_string();
    assert!(audit.contains("6 with a single sign-on of oidc:eve@acme.example, who may not enter"), "{audit}");
}

#[tokio::test]
async fn a_revoked_person_is_signed_out_and_stays_out_until_restored_and_their_approval_lapses() {
    let (house, provider) = house("[[approvals]]\noperations = [\"create_media_buy\"]\nreviewers = 2\n").await;
    provider.knows("anna@acme.example", &["sales"]);
    let anna = signed_in(&house).await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let task = house.post(BUYER, "/v1/media-buys", request).await.expect(202).text("/task_id");
    let path = format!("/admin/tasks/{task}");
    let csrf = anna.csrf().await;
    let form = [("csrf", &*csrf), ("resolution", "approved"), ("version", "1"), ("detail", "")];
    assert_eq!(anna.send(&format!("{path}/decide"), &form).await.status(), StatusCode::SEE_OTHER);
    assert!(anna.page(&path).await.contains("1 of 2 approvals"));
    // Signing in again makes no second reviewer, and the approval still counts.
    let again = signed_in(&house).await;
    let csrf = again.csrf().await;
    let form = [("csrf", &*csrf), ("resolution", "approved"), ("version", "2"), ("detail", "")];
    again.send(&format!("{path}/decide"), &form).await;
    assert!(again.page(&path).await.contains("1 of 2 approvals"));

    command(&house, &["token", "revoke", "oidc:anna@acme.example"]).await;
    while anna.is_signed_in().await {
        tokio::task::yield_now().await;
    }
    assert!(refused(&house, 403).await.contains("flightdeck token restore oidc:anna@acme.example"));
    let shown = house.get(REVIEWER_2, &format!("/v1/tasks/{task}")).await;
    let yes = json!({ "resolution": "approved", "version": shown.body["version"] });
    let second = house.post(REVIEWER_2, &format!("/v1/tasks/{task}/complete"), yes).await.expect(200);
    assert!(second.body["history"].to_string().contains("the token was revoked"), "{:#}", second.body);
    assert_ne!(second.text("/status"), "completed");

    command(&house, &["token", "restore", "oidc:anna@acme.example"]).await;
    let anna = signed_in(&house).await;
    let page = anna.page(&path).await;
    let version = page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let csrf = anna.csrf().await;
    let form = [("csrf", &*csrf), ("resolution", "approved"), ("version", version), ("detail", "")];
    assert_eq!(anna.send(&format!("{path}/decide"), &form).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn a_rule_can_ask_for_a_group_in_which_somebody_of_the_provider_is() {
    let rule =
        "[[groups]]\nid = \"finance\"\npeople = [\"Anna@acme.example\"]\n[[approvals]]\ngroups = [\"finance\"]\n";
    let (house, provider) = house(rule).await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let task = house.post(BUYER, "/v1/media-buys", request).await.expect(202).text("/task_id");
    let path = format!("/admin/tasks/{task}/decide");
    for (person, status) in [("otto@acme.example", 403), ("anna@acme.example", 303)] {
        provider.knows(person, &["sales"]);
        let browser = signed_in(&house).await;
        let csrf = browser.csrf().await;
        let form = [("csrf", &*csrf), ("resolution", "approved"), ("version", "1"), ("detail", "")];
        assert_eq!(browser.send(&path, &form).await.status(), status, "{person}");
    }
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn another_host_ends_the_sign_in_that_one_began_and_knows_the_session() {
    let provider = Provider::start().await;
    provider.knows("anna@acme.example", &["sales"]);
    let Some(replicas) = Replicas::new(2, &configured(&provider.issuer)).await else { return };
    let mut browser = Browser::at(&replicas.url(0));
    let back = sent_back(&mut browser, "").await;
    browser.url = replicas.url(1);
    let answer = browser.get(&back).await;
    keep(&mut browser, &answer);
    browser.url = replicas.url(0);
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn a_host_whose_secret_the_provider_does_not_know_says_so() {
    let provider = Provider::start().await;
    let mut house = House::empty(&configured(&provider.issuer).replace(SECRET, "an older secret")).await;
    house.start(&[]).await;
    provider.knows("anna@acme.example", &["sales"]);
    let page = refused(&house, 503).await;
    assert!(page.contains("compare client_id and client_secret"), "{page}");
    assert!(house.log().contains("invalid_client"), "{}", house.log());
}

#[tokio::test]
async fn no_token_that_an_operator_makes_is_called_like_somebody_of_the_provider() {
    let (mut house, provider) = house("").await;
    let mut create = house.command();
    let made = create.args(["token", "create", "--name", "OIDC:anna@acme.example", "--role", "reviewer"]).output();
    let made = made.await.unwrap();
    assert!(!made.status.success());
    assert!(String::from_utf8_lossy(&made.stderr).contains("must not begin with `oidc:`"));
    // One from before that was a rule is not taken over.
    house.stop().await;
    let store = sqlite::open(house.dir().join("data/flightdeck.db"), Options::default()).await.unwrap();
    let at = Timestamp::from_micros(0);
    let token = TokenRecord {
        name: "oidc:anna@acme.example".to_owned(),
        person: Person::new("anna@acme.example"),
        sha256: "0".repeat(64),
        role: "operator".to_owned(),
        principal: None,
        created_at: at,
        expires_at: None,
        revoked_at: None,
    };
    let line = AuditEntry {
        at,
        actor: "command line".to_owned(),
        action: "token.created".to_owned(),
        subject: format!("token:{}", token.name),
        digest: String::new(),
        reason: None,
    };
    store.add_token(&token, line).await.unwrap();
    store.close().await;
    house.start(&[]).await;
    provider.knows("anna@acme.example", &["sales"]);
    assert!(refused(&house, 403).await.contains("A token that an operator made is called oidc:anna@acme.example"));
}

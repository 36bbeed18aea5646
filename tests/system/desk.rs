//! The review desk as a browser without JavaScript uses it: pages, forms, a cookie. And as somebody
//! uses it who should not.

use reqwest::{Response, StatusCode, header, redirect};
use serde_json::json;

use crate::{
    house::{BUYER, House, OPERATOR, REVIEWER, REVIEWER_2},
    releases, rules, swaps,
};

/// A browser: one cookie, and no following of redirects.
pub(crate) struct Browser {
    pub(crate) client: reqwest::Client,
    pub(crate) url: String,
    pub(crate) cookie: String,
}

impl Browser {
    pub(crate) fn of(house: &House) -> Self {
        Self::at(house.url())
    }

    /// A browser before the host at this address.
    pub(crate) fn at(url: &str) -> Self {
        let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { client, url: url.to_owned(), cookie: String::new() }
    }

    pub(crate) async fn signed_in(house: &House, token: &str) -> Self {
        let mut browser = Self::of(house);
        let answer = browser.send("/admin/sign-in", &[("token", token)]).await;
        assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, "/admin/queue".to_owned()));
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        browser.cookie = cookie.split(';').next().unwrap().to_owned();
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let url = format!("{}{path}", self.url);
        self.client.get(url).header(header::COOKIE, &self.cookie).send().await.unwrap()
    }

    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    pub(crate) async fn send(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let url = format!("{}{path}", self.url);
        self.client.post(url).header(header::COOKIE, &self.cookie).form(form).send().await.unwrap()
    }

    /// Returns the value of the hidden field that proves that a form is the page's own.
    pub(crate) async fn csrf(&self) -> String {
        let page = self.page("/admin/queue").await;
        page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    pub(crate) async fn is_signed_in(&self) -> bool {
        let answer = self.get("/admin/queue").await;
        match answer.status() {
            StatusCode::OK => true,
            _ => {
                assert_eq!(location(&answer), "/admin/sign-in?next=%2Fadmin%2Fqueue");
                false
            }
        }
    }
}

pub(crate) fn location(answer: &Response) -> String {
    answer.headers().get(header::LOCATION).map(|path| path.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn waiting(house: &House) -> String {
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "po_number": "<b onclick=\"x\">PO</b>" });
    house.post(BUYER, "/v1/media-buys", request).await.expect(202).text("/task_id")
}

#[tokio::test]
async fn a_reviewer_approves_on_the_page_what_the_page_shows() {
    let house = House::new().await;
    let task = waiting(&house).await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let queue = browser.page("/admin/queue").await;
    assert!(queue.contains("1 task waits for you") && queue.contains(&format!("/admin/tasks/{task}")), "{queue}");
    let path = format!("/admin/tasks/{task}");
    let page = browser.page(&path).await;
    for shown in [
        "1,000.00",
        "If you approve, exactly this is made.",
        "the buyer&#39;s first buy",
        "Each object as",
        "0 of 1 approvals",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("<b onclick"), "markup of a buyer became markup of the page: {page}");
    let csrf = browser.csrf().await;
    let decision = [("csrf", &*csrf), ("resolution", "approved"), ("version", "1"), ("detail", "")];
    let answer = browser.send(&format!("{path}/decide"), &decision).await;
    assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, format!("{path}?done=approved")));
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    assert_eq!(house.kevel.platform().count("campaigns"), 1);
    let closed = browser.page(&path).await;
    assert!(closed.contains("done") && !closed.contains("id=\"approve\""), "{closed}");
    // Sent again, as by a second click: the same decision, and nothing more.
    let again = browser.send(&format!("{path}/decide"), &decision).await;
    assert!(matches!(again.status(), StatusCode::SEE_OTHER | StatusCode::CONFLICT), "{again:?}");
    assert_eq!(house.kevel.platform().count("campaigns"), 1);
}

#[tokio::test]
async fn only_the_publishers_people_sign_in_and_guessing_is_throttled() {
    let house = House::new().await;
    let browser = Browser::of(&house);
    let buyer = browser.send("/admin/sign-in", &[("token", BUYER)]).await;
    assert_eq!(buyer.status(), 403);
    assert!(buyer.text().await.unwrap().contains("a buyer"));
    let mut refused = Vec::new();
    for _ in 0..40 {
        let answer = browser.send("/admin/sign-in", &[("token", "guessed")]).await;
        assert!(answer.headers().get(header::SET_COOKIE).is_none());
        refused.push(answer.status().as_u16());
    }
    assert_eq!((refused[0], refused[39]), (401, 429), "{refused:?}");
    let elsewhere = [("token", REVIEWER), ("next", "https://evil.example/")];
    let answer = browser.send("/admin/sign-in", &elsewhere).await;
    assert_eq!(location(&answer), "/admin/queue", "a link leads nowhere else, and a valid token still works");
}

#[tokio::test]
async fn a_form_that_is_not_the_pages_own_changes_nothing() {
    let house = House::new().await;
    let task = waiting(&house).await;
    let (mine, other) = (Browser::signed_in(&house, REVIEWER).await, Browser::signed_in(&house, REVIEWER_2).await);
    let path = format!("/admin/tasks/{task}/decide");
    let (own, foreign) = (mine.csrf().await, other.csrf().await);
    for csrf in ["", "x", &*foreign] {
        let form = [("csrf", csrf), ("resolution", "approved"), ("version", "1")];
        assert_eq!(mine.send(&path, &form).await.status(), 403, "{csrf}");
    }
    let form = [("csrf", &*own), ("resolution", "approved"), ("version", "1")];
    let url = format!("{}{path}", mine.url);
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let sent = mine.client.post(&url).header(header::COOKIE, &mine.cookie).header(name, value).form(&form);
        assert_eq!(sent.send().await.unwrap().status(), 403, "{name}");
    }
    // The token of the API does not open pages, nor does the cookie open the API.
    let api = mine.client.get(format!("{}/v1/tasks", mine.url)).header(header::COOKIE, &mine.cookie);
    assert_eq!(api.send().await.unwrap().status(), 401);
    let bearer = mine.client.get(format!("{}/admin/queue", mine.url)).bearer_auth(REVIEWER);
    assert_eq!(bearer.send().await.unwrap().status(), 303);
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await;
    assert_eq!(shown.body["version"], 1, "{:#}", shown.body);
}

#[tokio::test]
async fn a_decision_on_an_older_state_shows_the_current_one() {
    let house = House::new().await;
    let task = waiting(&house).await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let csrf = browser.csrf().await;
    house.post(REVIEWER_2, &format!("/v1/tasks/{task}/assign"), json!({ "assigned_to": "maria" })).await.expect(200);
    let path = format!("/admin/tasks/{task}/decide");
    let stale = [("csrf", &*csrf), ("resolution", "approved"), ("version", "1")];
    let answer = browser.send(&path, &stale).await;
    assert_eq!(answer.status(), 409);
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("Nothing was changed") && page.contains("with maria") && page.contains("version 2"),
        "{page}"
    );
    for (form, cure) in [
        ([("csrf", &*csrf), ("resolution", "rejected"), ("version", "2")], "Give a reason in words"),
        ([("csrf", &*csrf), ("resolution", "perhaps"), ("version", "2")], "could not be read"),
        ([("csrf", &*csrf), ("resolution", "approved"), ("version", "two")], "could not be read"),
    ] {
        let answer = browser.send(&path, &form).await;
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains(cure), "{form:?}");
    }
    let hidden = [("csrf", &*csrf), ("resolution", "rejected"), ("version", "2"), ("detail", "no\u{202e}pe")];
    assert_eq!(browser.send(&path, &hidden).await.status(), 400);
    assert_eq!(house.get(REVIEWER, &format!("/v1/tasks/{task}")).await.body["version"], 2);
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_everywhere_at_once() {
    let house = House::new().await;
    let (desk, phone) = (Browser::signed_in(&house, REVIEWER).await, Browser::signed_in(&house, REVIEWER).await);
    let other = Browser::signed_in(&house, OPERATOR).await;
    let csrf = desk.csrf().await;
    assert_eq!(desk.send("/admin/sign-out-everywhere", &[("csrf", &*csrf)]).await.status(), 303);
    assert!(!desk.is_signed_in().await && !phone.is_signed_in().await);
    assert!(other.is_signed_in().await, "another person");
    let again = Browser::signed_in(&house, REVIEWER).await;
    let mut revoke = house.command();
    let ran = revoke.args(["token", "revoke", "reviewer"]).output().await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    while again.is_signed_in().await {
        tokio::task::yield_now().await;
    }
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.body.to_string();
    assert!(audit.contains("session.begun") && audit.contains("session.ended_everywhere"), "{audit}");
}

#[tokio::test]
async fn an_idle_browser_is_signed_out_on_a_host_that_wants_it_so() {
    let mut house = House::empty("[desk]\nidle_timeout = \"1s\"\n").await;
    house.start(&[]).await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    // A cookie of an ended session, or a made-up one, leads to the page for signing in.
    let mut forged = Browser::of(&house);
    forged.cookie = "flightdeck_session=00".to_owned();
    assert!(!forged.is_signed_in().await);
    tokio::time::timeout(crate::house::PATIENCE, async {
        let mut asked = 0_u64;
        loop {
            // Idle for longer each time, so that it is idle for long enough once.
            tokio::time::sleep(std::time::Duration::from_millis(400 * asked)).await;
            if !browser.is_signed_in().await {
                return;
            }
            asked += 1;
        }
    })
    .await
    .expect("it is signed out");
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_are_framed_by_nobody() {
    let house = House::new().await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let answer = browser.get("/admin/queue").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let page = answer.text().await.unwrap();
    let style = page.split("href=\"").find(|part| part.contains("desk.css")).unwrap().split('"').next().unwrap();
    let style = browser.get(style).await;
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
    assert!(style.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(browser.get("/admin/assets/other.css").await.status(), 404);
    assert_eq!(browser.get("/admin/tasks/none").await.status(), 404);
    assert_eq!(location(&browser.get("/admin").await), "/admin/queue");
}

#[tokio::test]
async fn only_operators_swap_adapters_and_only_on_what_they_saw() {
    let house = releases::house().await;
    let served = releases::planned_by(&house).await;
    let release = swaps::install(&house, "another", false).await;
    let path = "/admin/adapters/acme/activate";
    let reviewer = Browser::signed_in(&house, REVIEWER).await;
    let page = reviewer.page("/admin/adapters").await;
    assert!(page.contains(&served[..12]) && page.contains(&release[..12]) && !page.contains(path), "{page}");
    let csrf = reviewer.csrf().await;
    let form = |csrf: &str, expected: &str, reason: &str| {
        [("csrf", csrf), ("digest", &*release), ("expected", expected), ("reason", reason)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |browser: &Browser, form: [(String, String); 4]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (&**name, &**value)).collect();
        browser.send(path, &form).await
    };
    assert_eq!(send(&reviewer, form(&csrf, "1", "why not")).await.status(), 403);
    let operator = Browser::signed_in(&house, OPERATOR).await;
    let csrf = operator.csrf().await;
    for (expected, reason, status, words) in [
        ("1", " ", 400, "Say why"),
        ("0", "try it", 409, "Nothing was changed"),
        ("one", "try it", 400, "expected is no number"),
    ] {
        let answer = send(&operator, form(&csrf, expected, reason)).await;
        assert_eq!(answer.status(), status, "{expected} {reason}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(releases::planned_by(&house).await, served);
    assert_eq!(send(&operator, form(&csrf, "1", "try it")).await.status(), 303);
    assert_eq!(releases::planned_by(&house).await, release);
    let page = operator.page("/admin/adapters").await;
    assert!(page.contains("try it") && page.contains("Roll back to"), "{page}");
}

#[tokio::test]
async fn an_operation_shows_its_steps() {
    let house = House::new().await;
    let task = waiting(&house).await;
    house.approve(&task).await;
    let shown = house.task_closed(&task).await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let page = browser.page(&format!("/admin/operations/{}", shown.text("/operation_id"))).await;
    for expected in ["Create media buy", "succeeded", "campaign", &format!("/admin/tasks/{task}")] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert_eq!(browser.get("/admin/operations/none").await.status(), 404);
}

#[tokio::test]
async fn a_reviewer_sees_what_others_must_decide_and_why_each_rule_applied() {
    let mut house = House::empty(rules::RULES).await;
    house.start(&[]).await;
    let task = waiting(&house).await;
    let (finance, legal) = (Browser::signed_in(&house, REVIEWER).await, Browser::signed_in(&house, OPERATOR).await);
    assert!(finance.page("/admin/queue").await.contains(">for legal only</span>"));
    assert!(!legal.page("/admin/queue").await.contains("for legal only"));
    let path = format!("/admin/tasks/{task}");
    let page = finance.page(&path).await;
    for told in [
        "You can&#39;t decide here: only people of legal decide on this",
        "<b><bdi>approvals[1]</bdi></b>: <bdi>the media buy is new</bdi>",
        "(asks for 1 of legal)",
        "missing: 1 of legal",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("id=\"approve\""), "{page}");
    assert!(legal.page(&path).await.contains("id=\"approve\""));
    let csrf = finance.csrf().await;
    let form = [("csrf", &*csrf), ("version", "1"), ("resolution", "approved")];
    let refused = finance.send(&format!("{path}/decide"), &form).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.unwrap().contains("only people of legal decide on this"));
}

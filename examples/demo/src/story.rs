//! The buy, from the view of a buyer and a reviewer.

use std::{cell::RefCell, time::Duration};

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};

use crate::{house::House, show};

/// How many days the ad servers' clocks are advanced, so that there is something to report.
const DAYS_LATER: u64 = 3;
/// After this time, every booking that should start immediately has started.
const A_MOMENT: Duration = Duration::from_secs(600);

/// Tells the story: sends requests to the host and prints them.
struct Teller<'a> {
    house: &'a House,
    client: reqwest::Client,
    /// The plans that were already printed.
    shown: RefCell<Vec<Value>>,
}

impl Teller<'_> {
    /// Returns a response without the plans that were printed before: a plan is long, and the same
    /// everywhere.
    fn shortened(&self, body: &Value) -> Value {
        match body {
            Value::Object(members) => {
                let member = |(name, member): (&String, &Value)| match name.as_str() {
                    "plan" if self.shown.borrow().contains(member) => (name.clone(), json!("… as above")),
                    "plan" => {
                        self.shown.borrow_mut().push(member.clone());
                        (name.clone(), member.clone())
                    }
                    _ => (name.clone(), self.shortened(member)),
                };
                Value::Object(members.iter().map(member).collect())
            }
            Value::Array(elements) => elements.iter().map(|element| self.shortened(element)).collect(),
            other => other.clone(),
        }
    }

    /// Sends a request, prints both sides, and fails if the response is not a success.
    async fn ask(&self, who: &str, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        show::asks(who, method.as_str(), path, body.as_ref());
        let mut request = self.client.request(method, format!("{}{path}", self.house.url)).bearer_auth(who);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let body: Value = answer.json().await.context("the answer is no JSON")?;
        show::answers(status.as_u16(), &self.shortened(&body));
        ensure!(status.is_success(), "the host answered {status}");
        Ok(body)
    }

    /// Shows the status of a buy once it is as expected: a flight that starts today starts at the
    /// next full second.
    async fn status(&self, buy: &str, expected: &str) -> anyhow::Result<()> {
        let path = format!("/v1/media-buys/{buy}/status");
        let url = format!("{}{path}", self.house.url);
        for _ in 0..100 {
            let answer: Value = self.client.get(&url).bearer_auth("demo-buyer").send().await?.json().await?;
            if answer["status"] == expected {
                self.ask("demo-buyer", Method::GET, &path, None).await?;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the media buy is not {expected}")
    }
}

/// Plays the whole buy.
pub(crate) async fn tell(house: &House) -> anyhow::Result<()> {
    // Delivery is read from the ad servers' reports, so no request should take longer.
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
    let teller = Teller { house, client, shown: RefCell::default() };
    let buy = create(&teller).await?;
    show::chapter("A reviewer looks at the plan, and approves it");
    let task = waiting(&teller).await?;
    show::says(
        "The plan lists the very changes that will be made on each ad server, in its own words. That plan is what runs.",
    );
    approve(&teller, &task, "looks good").await?;
    teller.status(&buy, "pending_activation").await?;
    creatives(&teller, &buy).await?;
    delivery(&teller, &buy).await?;
    update(&teller, &buy).await?;
    count(&teller).await
}

async fn create(teller: &Teller<'_>) -> anyhow::Result<String> {
    show::chapter("A buyer creates one media buy on three ad servers");
    let request = json!({
        "packages": ["premium_sports", "homepage", "drive_time_audio"],
        "po_number": "PO-2024-001",
        "total_budget": 50000,
        "targeting_overlay": { "geography": ["US-CA", "US-NY"], "device_types": ["mobile", "desktop"] },
        "flight_start_date": day(0)?,
    });
    let answer = teller.ask("demo-buyer", Method::POST, "/v1/media-buys", Some(request)).await?;
    let status = text(&answer, "/status")?;
    ensure!(status == "pending_manual", "the new buy is {status}, not pending_manual");
    show::says("Nothing exists on any of them yet: the publisher's rules want a person's approval, and one is enough.");
    text(&answer, "/media_buy_id")
}

/// Returns the one task that waits for a reviewer, who reads it.
async fn waiting(teller: &Teller<'_>) -> anyhow::Result<Value> {
    let tasks =
        teller.ask("demo-reviewer", Method::GET, "/v1/tasks?task_type=manual_approval&status=pending", None).await?;
    let task = text(&tasks, "/tasks/0/task_id")?;
    teller.ask("demo-reviewer", Method::GET, &format!("/v1/tasks/{task}"), None).await
}

/// Approves a task as it was shown, and waits until the approved change is carried out.
async fn approve(teller: &Teller<'_>, shown: &Value, words: &str) -> anyhow::Result<()> {
    let task = text(shown, "/task_id")?;
    let decision = json!({ "resolution": "approved", "version": shown["version"], "resolution_detail": words });
    teller.ask("demo-reviewer", Method::POST, &format!("/v1/tasks/{task}/complete"), Some(decision)).await?;
    let path = format!("/v1/tasks/{task}");
    // Bounded: the operation takes a second or two against an emulator.
    for _ in 0..200 {
        let answer = teller.client.get(format!("{}{path}", teller.house.url)).bearer_auth("demo-buyer").send().await?;
        let task: Value = answer.json().await?;
        match task["status"].as_str() {
            Some("completed") => {
                show::asks("demo-buyer", "GET", &path, None);
                show::answers(
                    200,
                    &json!({ "task_id": task["task_id"], "status": "completed", "decision": task["decision"] }),
                );
                return Ok(());
            }
            Some("failed") => bail!("the approved operation failed: {}", task["resolution_detail"]),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    bail!("the approved operation did not end")
}

async fn creatives(teller: &Teller<'_>, buy: &str) -> anyhow::Result<()> {
    show::chapter("The buyer uploads creatives, and the buy delivers");
    let request = json!({ "assets": [
        {
            "creative_id": "banner_001", "name": "Spring Campaign Banner", "format": "image",
            "media_url": "https://cdn.example.com/banner.jpg", "click_url": "https://example.com/landing",
            "width": 300, "height": 250, "package_assignments": ["premium_sports", "homepage"],
        },
        {
            "creative_id": "spot_001", "name": "Drive Time Spot", "format": "audio",
            "media_url": "https://cdn.example.com/drive.mp3", "click_url": "https://example.com/drive", "duration": 30,
            "package_assignments": ["drive_time_audio"],
        },
    ]});
    let path = format!("/v1/media-buys/{buy}/creative-assets");
    let answer = teller.ask("demo-buyer", Method::POST, &path, Some(request)).await?;
    ensure!(text(&answer, "/status")? == "pending_manual", "the creatives did not wait for a person");
    show::says("What has not been seen by a person is not shown to anybody: the same reviewer looks at the creatives.");
    let task = waiting(teller).await?;
    approve(teller, &task, "the creatives are fine").await?;
    show::says(
        "On Ad Manager the first creative brings the order's approval. Its line items begin two minutes from now.",
    );
    teller.house.pass(A_MOMENT);
    teller.status(buy, "active").await
}

async fn delivery(teller: &Teller<'_>, buy: &str) -> anyhow::Result<()> {
    show::chapter(&format!("{DAYS_LATER} days later on the ad servers' clocks: what was delivered"));
    teller.house.pass(Duration::from_secs(DAYS_LATER * 24 * 3_600));
    let path = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", day(0)?, day(DAYS_LATER)?);
    let answer = teller.ask("demo-buyer", Method::GET, &path, None).await?;
    let impressions = answer.pointer("/totals/impressions").and_then(Value::as_i64).unwrap_or_default();
    ensure!(impressions > 0, "nothing was delivered");
    Ok(())
}

async fn update(teller: &Teller<'_>, buy: &str) -> anyhow::Result<()> {
    show::chapter("The buyer changes the end, a package's budget and its creatives");
    let path = format!("/v1/media-buys/{buy}");
    let request = json!({
        "flight_end_date": day(45)?,
        "packages": [
            { "package_id": "premium_sports", "budget": 15000, "daily_budget": 5000, "creative_ids": ["banner_001"] },
            { "package_id": "drive_time_audio", "daily_impressions": 50000 },
        ],
    });
    let answer = teller.ask("demo-buyer", Method::PATCH, &path, Some(request)).await?;
    ensure!(text(&answer, "/status")? == "pending_manual", "the update did not wait for a person");
    show::says(
        "A longer flight needs a person's word, and the change waits as a whole: also the budget that it lowers. The task says why.",
    );
    let task = waiting(teller).await?;
    approve(teller, &task, "until then, yes").await?;
    show::chapter("Pause, and resume: that waits for nobody, and neither does what lowers or shortens");
    let pause = json!({ "active": false });
    teller.ask("demo-buyer", Method::PATCH, &path, Some(pause)).await?;
    teller.status(buy, "paused").await?;
    teller.ask("demo-buyer", Method::PATCH, &path, Some(json!({ "active": true }))).await?;
    teller.status(buy, "active").await
}

async fn count(teller: &Teller<'_>) -> anyhow::Result<()> {
    show::chapter("What exists on each ad server, counted there");
    let house = teller.house;
    for (name, url, kinds) in [
        ("Kevel", &house.kevel.url, ["campaigns", "flights", "creatives"]),
        ("Google Ad Manager", &house.gam.url, ["orders", "lineItems", "creatives"]),
        ("Triton", &house.triton.url, ["campaigns", "flights", "creatives"]),
    ] {
        let counted: Value = teller.client.get(format!("{url}/__control/objects")).send().await?.json().await?;
        show::says(&format!("{name}: {}, duplicates: {}", counted["counts"], counted["duplicates"]));
        for kind in kinds {
            ensure!(counted["counts"][kind] == 1, "{} {kind} on {name}, not 1", counted["counts"][kind]);
        }
    }
    show::says("One order, one line item and one creative on each. `make run` leaves all of it serving.");
    Ok(())
}

fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the answer has no {pointer}"))?.to_owned())
}

/// Returns the day this many days from now, such as `2026-12-01`.
fn day(days: u64) -> anyhow::Result<String> {
    let then = OffsetDateTime::now_utc() + Duration::from_secs(days * 24 * 3_600);
    Ok(then.format(format_description!("[year]-[month]-[day]"))?)
}

//! The host looks after open buys by itself.

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::house::{Answer, BUYER, House};

/// How many buys there are.
const BUYS: usize = 60;

/// Somebody pauses a campaign on the ad server.
async fn pause_by_hand(house: &House, campaign: &Value) {
    let mut campaign = campaign.clone();
    campaign["IsActive"] = json!(false);
    let url = format!("{}/v1/campaign/{}", house.kevel.url, campaign["Id"]);
    let answer = house.client.put(url).header("X-Adzerk-ApiKey", "test-key").json(&campaign).send().await;
    let answer = answer.expect("the ad server answers");
    assert!(answer.status().is_success(), "{} {:?}", answer.status(), answer.text().await);
}

fn in_status(answer: &Answer, status: &str) -> usize {
    let buys = answer.body["media_buys"].as_array().cloned().unwrap_or_default();
    buys.iter().filter(|buy| buy["status"] == status).count()
}

#[tokio::test]
async fn what_changes_on_the_ad_server_is_noticed_though_nobody_asks_and_in_few_questions() {
    let mut house = House::empty("approvals = []\n").await;
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration").replace("approvals = []\n", "");
    let config = config.replace("lease = \"1s\"", "lease = \"1s\"\nstatus_refresh = \"2s\"");
    std::fs::write(&path, format!("approvals = []\n{config}")).expect("the configuration is written");
    house.start(&[]).await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    stream::iter(0..BUYS)
        .for_each_concurrent(8, |_| async {
            house.post(BUYER, "/v1/media-buys", request.clone()).await.expect(200);
        })
        .await;
    use flightdeck_emulators::platform::Platform;
    let campaigns: Vec<Value> = house.kevel.platform().objects("campaigns").expect("campaigns");
    assert_eq!(campaigns.len(), BUYS);
    for campaign in &campaigns {
        pause_by_hand(&house, campaign).await;
    }
    let asked = || house.kevel.controls().log.summary().total;
    let (before, since) = (asked(), tokio::time::Instant::now());
    let all_paused = |answer: &Answer| in_status(answer, "paused") == BUYS;
    house.until(BUYER, "/v1/media-buys?limit=200", all_paused).await;
    // A round takes two seconds, and has far fewer requests than buys, however slow this machine is.
    let rounds = since.elapsed().as_secs() / 2 + 2;
    let questions = asked() - before;
    assert!(questions < rounds * BUYS as u64, "{questions} requests in {rounds} rounds");
}

//! What an adapter does after somebody else changed something on the ad server.

use flightdeck_emulators::control::faults::{Action, Rule};
use serde_json::json;

use crate::{
    house::{Answer, BUYER, OPERATOR, day, today},
    servers::Servers,
};

/// Servers with an Ad Manager whose orders a person approves, and a product with two sizes of which
/// buyers send one: Ad Manager does not activate such a line item by itself.
async fn servers() -> Servers {
    let servers = Servers::empty().await;
    servers.house.configure("trafficker_id = \"5001\"", "trafficker_id = \"5001\", approve_orders = false");
    let sizes = "ad_units = [{ id = \"6001\" }], sizes = [\"300x250\"";
    servers.house.configure(sizes, &format!("{sizes}, \"728x90\""));
    servers.house.configure("lease = \"1s\"", "lease = \"1s\"\nstatus_refresh = \"1s\"");
    servers
}

/// A buy whose order waits for approval in Ad Manager.
async fn submitted(servers: &Servers) -> String {
    let (house, server) = (&servers.house, servers.server("gam"));
    let request = json!({
        "packages": server.packages, "total_budget": 10_000, "flight_start_date": today(), "flight_end_date": day(30),
    });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    let assets = json!({ "assets": [server.creative("first")] });
    house.post(BUYER, &format!("/v1/media-buys/{buy}/creative-assets"), assets).await.expect(200);
    let pending = |answer: &Answer| answer.body["status"] == "pending_approval";
    house.until(BUYER, &format!("/v1/media-buys/{buy}/status"), pending).await;
    buy
}

/// A trafficker approves the only order.
async fn approve_in_ad_manager(servers: &Servers) {
    let server = servers.server("gam");
    let id = server.id(&server.all("orders")[0]);
    let url = format!("{}/__control/gam/orders/{id}/approve", servers.gam.url);
    let answer = servers.house.client.post(url).body("{}").send().await.expect("the emulator answers");
    assert!(answer.status().is_success(), "{answer:?}");
}

/// How often line items were activated.
fn activations(servers: &Servers) -> usize {
    let requests = servers.gam.controls().log.summary().requests;
    requests.iter().filter(|request| request.path.ends_with("lineItems:batchActivate") && request.acted).count()
}

fn inactive(servers: &Servers) -> usize {
    servers.server("gam").all("lineItems").iter().filter(|item| item["status"] == "INACTIVE").count()
}

/// The operations that the host itself has begun.
async fn begun(servers: &Servers) -> Vec<String> {
    let audit = servers.house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body;
    let lines = audit["lines"].as_array().expect("lines");
    let own = lines.iter().filter(|line| line["action"] == "operation.accepted" && line["actor"] == "flightdeck");
    own.map(|line| line["subject"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_line_item_is_activated_once_after_a_person_has_approved_its_order() {
    let mut servers = servers().await;
    servers.house.start(&[]).await;
    let buy = submitted(&servers).await;
    assert_eq!((activations(&servers), begun(&servers).await.len()), (0, 0));
    // The answer to the activation is lost, and the host dies: another run finds that it happened.
    let pattern = "/v1/networks/*/lineItems:batchActivate";
    servers.gam.controls().faults.add(Rule { times: 1, ..Rule::new("POST", pattern, Action::DropAfterActing) });
    approve_in_ad_manager(&servers).await;
    let status = format!("/v1/media-buys/{buy}/status");
    servers.house.until(BUYER, &status, |_| activations(&servers) > 0).await;
    servers.house.kill().await;
    servers.house.start(&[]).await;
    servers.pass(std::time::Duration::from_secs(600));
    servers.house.until(BUYER, &status, |answer| answer.body["status"] == "active").await;
    let [operation] = begun(&servers).await.try_into().expect("one operation");
    let succeeded = |answer: &Answer| answer.body["state"] == "succeeded";
    let path = format!("/v1/operations/{operation}");
    let shown = servers.house.until(BUYER, &path, succeeded).await.body;
    assert_eq!((&shown["operation"], &shown["media_buy_id"]), (&json!("follow_up"), &json!(buy)), "{shown:#}");
    assert_eq!((inactive(&servers), activations(&servers)), (0, 1));
}

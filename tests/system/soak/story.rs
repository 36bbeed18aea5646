//! What a client wants: a buy, from its request to its pause, with several changes of it under way at a time; and what reviewers say
//! to it.

use std::sync::Arc;

use rand::{RngExt as _, seq::SliceRandom as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Seed,
    clients::{Client, operation_of},
    ledger::{Bought, Fate, Ledger, Sold},
};
use crate::{
    house::{Answer, BUYER, REVIEWER, REVIEWER_2, today},
    replicas::Replicas,
};

/// The three ad servers.
const SERVERS: [&str; 3] = ["kevel", "gam", "triton"];

/// How many changes of a buy are asked for at once at most.
const AT_ONCE: usize = 4;

/// What is to be of a buy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// It is approved, changed, given creatives and paused, on all ad servers.
    Everywhere,
    /// The same, on one of them.
    On(&'static str),
    /// It is rejected.
    Rejected,
    /// One of three ad servers refuses an item of it, and the others must take back what they made.
    Unwanted,
    /// One reviewer approves it while another rejects it.
    Disputed,
}

/// What each client begins with, so that a run that is short has each of them; then the dice decide.
const OPENINGS: [Opening; 6] = [
    Opening::Everywhere,
    Opening::Rejected,
    Opening::Unwanted,
    Opening::Disputed,
    Opening::On("gam"),
    Opening::On("triton"),
];

/// Tells one story after the other until it is enough.
pub(super) async fn tell(
    number: usize,
    seed: Seed,
    replicas: Arc<Replicas>,
    ledger: Arc<Ledger>,
    enough: CancellationToken,
) {
    let mut client = Client::new("client", number, seed, replicas.clone());
    let mut second = Client::new("second-reviewer", number, seed, replicas);
    let mut opening = OPENINGS[number % OPENINGS.len()];
    while !enough.is_cancelled() {
        let bought = story(&mut client, &mut second, opening).await;
        ledger.add(bought);
        opening = match client.dice.random_range(0..20) {
            0..=7 => Opening::On("kevel"),
            8..=10 => Opening::On("gam"),
            11..=13 => Opening::On("triton"),
            14..=15 => Opening::Everywhere,
            16 => Opening::Rejected,
            17 => Opening::Unwanted,
            _ => Opening::Disputed,
        };
    }
}

async fn story(client: &mut Client, second: &mut Client, opening: Opening) -> Bought {
    let mut bought = create(client, opening).await;
    let approved = match opening {
        Opening::Disputed => dispute(client, second, &bought.task).await,
        _ => {
            let approves = opening != Opening::Rejected;
            let answer = decide(client, REVIEWER, &bought.task, approves).await;
            assert!(answer.status.is_success(), "nobody else decided: {} {:#}", answer.status, answer.body);
            approves
        }
    };
    bought.fate = match (approved, opening) {
        (false, _) => Fate::Rejected,
        (true, Opening::Unwanted) => Fate::Refused,
        (true, _) => Fate::Made,
    };
    let ended = client.ended(&bought.operations[0]).await;
    let wanted = if bought.fate == Fate::Made { "succeeded" } else { "failed" };
    assert_eq!(ended.body["state"], wanted, "{bought:?} {:#}", ended.body);
    if bought.fate != Fate::Made {
        return bought;
    }
    let path = format!("/v1/media-buys/{}/status", bought.buy);
    let asked = client.request(BUYER, Method::GET, &path, None, true);
    client.insist(&asked).await.expect(200);
    // A first change by itself, then several at once; each story begins with those that it must have.
    if opening == Opening::Everywhere || client.dice.random_bool(0.5) {
        let change = Change::Creatives;
        let (_, operation) = ask_for(client, &mut bought, change, true).await;
        succeeded(client, &operation, &bought).await;
    }
    changes_at_once(client, &mut bought).await;
    if opening == Opening::Everywhere || client.dice.random_bool(0.5) {
        let (_, operation) = ask_for(client, &mut bought, Change::Switch(false), true).await;
        succeeded(client, &operation, &bought).await;
    }
    bought
}

/// A request for one or two packages on each of some ad servers, acknowledged.
async fn create(client: &mut Client, opening: Opening) -> Bought {
    let servers: Vec<&'static str> = match opening {
        Opening::Everywhere | Opening::Unwanted => SERVERS.to_vec(),
        Opening::On(server) => vec![server],
        Opening::Rejected | Opening::Disputed => vec![SERVERS[client.dice.random_range(0..SERVERS.len())]],
    };
    let unwanted = (opening == Opening::Unwanted).then(|| SERVERS[client.dice.random_range(0..SERVERS.len())]);
    let mut packages = Vec::new();
    for server in servers {
        let known = client.replicas.servers.server(server).packages;
        let count = client.dice.random_range(1..=known.len());
        let mut ids: Vec<String> = known[..count].iter().map(|id| (*id).to_owned()).collect();
        if unwanted == Some(server) {
            ids.push(format!("unwanted_{server}"));
        }
        for package in ids {
            let budget = 1_000 * client.dice.random_range(1..10u64);
            packages.push(Sold { server, package, budget, creatives: Vec::new() });
        }
    }
    let named: Vec<Value> =
        packages.iter().map(|sold| json!({ "package_id": sold.package, "budget": sold.budget })).collect();
    let total: u64 = packages.iter().map(|sold| sold.budget).sum();
    let body = json!({ "packages": named, "total_budget": total, "flight_start_date": today() });
    let request = client.request(BUYER, Method::POST, "/v1/media-buys", Some(body), true);
    let created = client.insist(&request).await.expect(202);
    let operation = created.text("/operation_id");
    client.repeat(&request, &operation, None).await;
    Bought {
        buy: created.text("/media_buy_id"),
        task: created.text("/task_id"),
        fate: Fate::Rejected,
        disputed: opening == Opening::Disputed,
        packages,
        operations: vec![operation],
        paused: false,
        switched: 0,
        at_once: 0,
        repeated: 1,
    }
}

/// Decides a task; the answer says whether this decision is the one that holds.
async fn decide(client: &mut Client, reviewer: &'static str, task: &str, approves: bool) -> Answer {
    let resolution = if approves { "approved" } else { "rejected" };
    let decision = json!({ "resolution": resolution, "resolution_detail": "as it is" });
    let request = client.request(reviewer, Method::POST, &format!("/v1/tasks/{task}/complete"), Some(decision), true);
    let answer = client.insist(&request).await;
    let is_told = answer.status.is_success() || answer.status.as_u16() == 409;
    assert!(is_told, "{resolution}: {} {:#}", answer.status, answer.body);
    answer
}

/// Two people decide at once, each on any host: one of them is heard, and told so; whether that is the one who approves.
async fn dispute(client: &mut Client, second: &mut Client, task: &str) -> bool {
    let (yes, no) = tokio::join!(decide(client, REVIEWER, task, true), decide(second, REVIEWER_2, task, false));
    let (approved, rejected) = (yes.status.is_success(), no.status.is_success());
    assert!(approved != rejected, "{task}: approved: {approved}, rejected: {rejected}");
    approved
}

/// A change of a buy.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// A greater budget for one package of each ad server.
    Budgets,
    /// A new creative for one package of each ad server.
    Creatives,
    /// Pause or resume.
    Switch(bool),
}

/// Asks for several changes before any of them has ended. Each is acknowledged before the next is asked for, so the last word holds.
async fn changes_at_once(client: &mut Client, bought: &mut Bought) {
    let on = client.dice.random_bool(0.5);
    let mut wanted = vec![Change::Budgets, Change::Switch(on), Change::Budgets, Change::Creatives, Change::Switch(!on)];
    wanted.shuffle(&mut client.dice);
    wanted.truncate(client.dice.random_range(2..=AT_ONCE));
    let mut operations = Vec::new();
    for change in wanted {
        let (request, operation) = ask_for(client, bought, change, false).await;
        if client.dice.random_bool(0.2) {
            let other = matches!(change, Change::Switch(_)).then(|| json!({ "active": bought.paused }));
            client.repeat(&request, &operation, other.as_ref()).await;
            bought.repeated += 1;
        }
        operations.push(operation);
    }
    bought.at_once = bought.at_once.max(operations.len());
    for operation in operations {
        succeeded(client, &operation, bought).await;
    }
}

/// Asks for a change, and enters it in the books once it is acknowledged; the request and its operation.
async fn ask_for(
    client: &mut Client,
    bought: &mut Bought,
    change: Change,
    waits: bool,
) -> (super::clients::Request, String) {
    let mut next = bought.clone();
    let servers = bought.servers();
    let (method, path, body) = match change {
        Change::Budgets => {
            let mut packages = Vec::new();
            for server in servers {
                let sold = next.packages.iter_mut().find(|sold| sold.server == server).expect("a package");
                // Never less: some platforms keep what was booked.
                sold.budget += 1_000 * client.dice.random_range(1..5u64);
                packages.push(json!({ "package_id": sold.package, "budget": sold.budget }));
            }
            (Method::PATCH, "/packages", json!({ "packages": packages }))
        }
        Change::Creatives => {
            let mut assets = Vec::new();
            for server in servers {
                let mine: Vec<usize> =
                    (0..next.packages.len()).filter(|at| next.packages[*at].server == server).collect();
                let at = mine[client.dice.random_range(0..mine.len())];
                let id = format!("{server}-{}", bought.operations.len());
                let mut creative = client.replicas.servers.server(server).creative(&id);
                creative["package_assignments"] = json!([next.packages[at].package]);
                next.packages[at].creatives.push(id);
                assets.push(creative);
            }
            (Method::POST, "/creative-assets", json!({ "assets": assets }))
        }
        Change::Switch(on) => {
            next.paused = !on;
            next.switched += 1;
            (Method::PATCH, "", json!({ "active": on }))
        }
    };
    let path = format!("/v1/media-buys/{}{path}", bought.buy);
    let request = client.request(BUYER, method, &path, Some(body), waits);
    let operation = operation_of(&client.insist(&request).await);
    next.operations.push(operation.clone());
    *bought = next;
    (request, operation)
}

async fn succeeded(client: &mut Client, operation: &str, bought: &Bought) {
    let ended = client.ended(operation).await;
    assert_eq!(ended.body["state"], "succeeded", "{bought:?}: {:#}", ended.body);
}

//! Releases that are taken from a folder.

use std::path::{Path, PathBuf};

use flightdeck::domain::digest;
use flightdeck_test_support::{component, guest};
use serde_json::Value;

use crate::{
    house::{House, OPERATOR, PATIENCE},
    releases::{adapter, not_started, planned_by, until_planned_by},
    replicas::Replicas,
};

const WATCH: &str = "[releases]\nwatch = \"incoming\"\n\n";

/// Has the host log each look at a file that it has looked at before.
const TALKATIVE: [(&str, &str); 1] = [("FLIGHTDECK_LOG", "info,flightdeck::operations::releases::folder=debug")];

/// A host that takes releases from the folder `incoming`.
async fn house() -> House {
    let mut house = not_started(WATCH).await;
    std::fs::create_dir(house.dir().join("incoming")).expect("the folder");
    house.start(&TALKATIVE).await;
    house
}

fn incoming(house: &House) -> PathBuf {
    house.dir().join("incoming")
}

/// Puts a file into a folder as a careful tool does: it is renamed when it is complete.
fn drop_into(folder: &Path, name: &str, bytes: &[u8]) {
    let fresh = folder.join(format!(".{name}.part"));
    std::fs::write(&fresh, bytes).expect("it is written");
    std::fs::rename(&fresh, folder.join(name)).expect("it is renamed");
}

/// Waits until the log has these words so often.
async fn until_told(house: &House, words: &str, times: usize) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while house.log().matches(words).count() < times {
        assert!(tokio::time::Instant::now() < until, "{words:?} is never told {times} times:\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The lines of the audit log about releases that a folder is the actor of.
async fn told_by_folder(house: &House) -> Vec<String> {
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body;
    let lines = audit["lines"].as_array().expect("lines").clone();
    let by_folder = |line: &&Value| line["actor"].as_str().is_some_and(|actor| actor.starts_with("folder "));
    let mut actions: Vec<String> =
        lines.iter().filter(by_folder).map(|line| line["action"].as_str().expect("an action").to_owned()).collect();
    actions.sort();
    actions
}

/// How many files a host has dealt with so since it started.
async fn counted(house: &House, outcome: &str) -> Option<String> {
    let metrics = house.get(OPERATOR, "/metrics").await.expect(200).body.as_str().expect("a text").to_owned();
    let labels = ["platform=\"acme\"".to_owned(), format!("outcome=\"{outcome}\"")];
    let is_it = |line: &&str| {
        line.starts_with("flightdeck_folder_releases_total{") && labels.iter().all(|label| line.contains(label))
    };
    metrics.lines().find(is_it).and_then(|line| line.split(' ').next_back()).map(str::to_owned)
}

#[tokio::test]
async fn a_file_in_the_folder_serves_the_next_call_and_a_restart_does_not_bring_it_back() {
    let mut house = house().await;
    let first = planned_by(&house).await;
    let bytes = guest::release("second", false);
    let second = digest::sha256(&bytes);
    drop_into(&incoming(&house), "acme.wasm", &bytes);
    until_planned_by(&house, &second).await;
    assert_eq!(told_by_folder(&house).await, ["release.activated", "release.installed"]);
    assert_eq!(counted(&house, "activated").await.as_deref(), Some("1"));
    let history = adapter(&house, &["history", "acme"]).await.expect("a history");
    assert!(history.contains(&format!("folder {}", incoming(&house).display())), "{history}");

    // What a person decides holds, although the file is still there, and also after a restart.
    adapter(&house, &["rollback", "acme", "--reason", "it was better before"]).await.expect("it is rolled back");
    until_planned_by(&house, &first).await;
    house.stop().await;
    house.start(&TALKATIVE).await;
    until_told(&house, "the release in the folder has served before", 1).await;
    assert_eq!(planned_by(&house).await, first);
    let again = std::fs::File::options().append(true).open(incoming(&house).join("acme.wasm")).expect("the file");
    again.set_modified(std::time::SystemTime::now()).expect("it is touched");
    until_told(&house, "the release in the folder has served before", 2).await;
    assert_eq!(planned_by(&house).await, first, "a release that was left comes back by hand only");

    // Another release in the same file acts.
    let bytes = guest::release("third", false);
    drop_into(&incoming(&house), "acme.wasm", &bytes);
    until_planned_by(&house, &digest::sha256(&bytes)).await;
    let history = adapter(&house, &["history", "acme"]).await.expect("a history");
    assert_eq!(history.lines().filter(|line| line.contains("folder ")).count(), 2, "{history}");
}

#[tokio::test]
async fn what_can_not_serve_is_refused_once_and_what_served_goes_on() {
    let mut house = house().await;
    let first = planned_by(&house).await;
    let folder = incoming(&house);
    drop_into(&folder, "nobody.wasm", b"\0asm");
    until_told(&house, "no platform is called nobody", 1).await;
    let another = std::fs::read(component("flightdeck-adapter-triton")).expect("the component");
    drop_into(&folder, "acme.wasm", &another);
    until_told(&house, "a release from the folder is refused", 1).await;
    assert!(house.log().contains("the settings don't fit the adapter"), "{}", house.log());
    assert_eq!(counted(&house, "refused").await.as_deref(), Some("1"));
    assert_eq!(told_by_folder(&house).await, ["release.refused"]);
    assert_eq!(planned_by(&house).await, first);

    // It is not tried again, not even after a restart, until somebody touches the file.
    house.stop().await;
    house.start(&TALKATIVE).await;
    until_told(&house, "the release in the folder was refused before", 1).await;
    assert_eq!(counted(&house, "refused").await, None);
    let file = std::fs::File::options().append(true).open(folder.join("acme.wasm")).expect("the file");
    file.set_modified(std::time::SystemTime::now()).expect("it is touched");
    until_told(&house, "a release from the folder is refused", 1).await;

    // Nothing of it keeps the next file from being taken, nor does half of one.
    let bytes = guest::release("second", false);
    std::fs::write(folder.join("acme.wasm"), &bytes[..bytes.len() / 2]).expect("it is written");
    until_told(&house, "a release from the folder is refused", 2).await;
    assert_eq!(planned_by(&house).await, first);
    std::fs::write(folder.join("acme.wasm"), &bytes).expect("it is written");
    until_planned_by(&house, &digest::sha256(&bytes)).await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_ends_nothing_and_is_found_when_it_comes() {
    let mut house = not_started(WATCH).await;
    house.start(&TALKATIVE).await;
    until_told(&house, "the folder of releases can't be read", 1).await;
    let bytes = guest::release("second", false);
    std::fs::create_dir(incoming(&house)).expect("the folder");
    drop_into(&incoming(&house), "acme.wasm", &bytes);
    until_planned_by(&house, &digest::sha256(&bytes)).await;
    assert_eq!(house.log().matches("the folder of releases can't be read").count(), 1, "it is told once");
}

#[tokio::test]
async fn hosts_on_one_folder_activate_a_file_once() {
    let Some(replicas) = Replicas::empty(2, "[releases]\nwatch = \"incoming\"\n").await else { return };
    let folder = replicas.servers.house.dir().join("incoming");
    std::fs::create_dir(&folder).expect("the folder");
    for index in 0..2 {
        replicas.start(index).await;
    }
    // The same adapter with another digest: a custom section of one byte more.
    let mut bytes = std::fs::read(component("flightdeck-adapter-kevel")).expect("the component");
    bytes.extend([0, 2, 1, b'x']);
    drop_into(&folder, "kevel.wasm", &bytes);
    let wanted = digest::sha256(&bytes);
    for index in 0..2 {
        let path = "/v1/platforms/kevel/releases";
        replicas.until(index, OPERATOR, path, |answer| answer.body["activation"]["digest"] == wanted.as_str()).await;
    }
    let history = replicas.get(0, OPERATOR, "/v1/platforms/kevel/activations").await.expect(200).body;
    let by_folder =
        |activation: &&Value| activation["actor"].as_str().is_some_and(|actor| actor.starts_with("folder "));
    let all = history["activations"].as_array().expect("a list");
    assert_eq!(all.iter().filter(by_folder).count(), 1, "{history:#}");
}

//! Adapters in an OCI registry, as their publisher and an operator meet them: pushed, pulled and installed, by our commands and by a
//! client that we did not write.

use std::path::{Path, PathBuf};

use flightdeck::domain::digest::sha256;
use flightdeck_test_support::component;
use serde_json::{Value, json};

use crate::house::House;

mod hostile;
mod registry;

use registry::{PASSWORD, Registry, USER};

/// What every command says about the registry of these tests.
const WITH: [&str; 5] = ["--insecure-http", "--username-env", "OCI_USERNAME", "--password-env", "OCI_PASSWORD"];

/// Runs `flightdeck adapter …` in the house's folder, with the registry's credentials in its environment. Whether it succeeded, what
/// it printed, and what it said besides.
async fn adapter(house: &House, arguments: &[&str]) -> (bool, String, String) {
    adapter_as(house, PASSWORD, arguments).await
}

async fn adapter_as(house: &House, password: &str, arguments: &[&str]) -> (bool, String, String) {
    let mut command = house.command();
    command.arg("adapter").args(arguments).current_dir(house.dir());
    command.env("OCI_USERNAME", USER).env("OCI_PASSWORD", password).env("DOCKER_CONFIG", house.dir());
    let done = command.output().await.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, said) = (text(&done.stdout), text(&done.stderr));
    assert!(!printed.contains(password) && !said.contains(password), "the password is shown: {printed}{said}");
    (done.status.success(), printed.trim_end().to_owned(), said)
}

/// The adapter of Kevel as a file of the house's own.
fn kevel(house: &House, name: &str) -> PathBuf {
    let file = house.dir().join(name);
    std::fs::copy(component("flightdeck-adapter-kevel"), &file).expect("the component is copied");
    file
}

fn text(file: &Path) -> String {
    file.display().to_string()
}

/// Pushes a file; its reference by digest.
async fn pushed(house: &House, file: &Path, to: &str, more: &[&str]) -> String {
    let (fine, printed, said) = adapter(house, &[&["push", &text(file), to], &WITH[..], more].concat()).await;
    assert!(fine, "{said}");
    printed
}

/// Runs `adapter pull` of this into this file of the house.
async fn pull(house: &House, from: &str, file: &str) -> (bool, String, String) {
    let file = text(&house.dir().join(file));
    adapter(house, &[&["pull", from, "--output", &file], &WITH[..]].concat()).await
}

#[tokio::test]
async fn what_is_pushed_says_what_it_is_and_is_pulled_as_it_was() {
    let Some(registry) = Registry::start() else { return };
    let house = House::empty("").await;
    let file = kevel(&house, "kevel.wasm");
    let bytes = std::fs::read(&file).expect("the component");
    let (sbom, provenance) = (house.dir().join("sbom.json"), house.dir().join("provenance.json"));
    std::fs::write(&sbom, json!({ "spdxVersion": "SPDX-2.3" }).to_string()).expect("an SBOM");
    std::fs::write(&provenance, json!({ "_type": "https://in-toto.io/Statement/v1" }).to_string())
        .expect("a provenance");
    let to = format!("oci://{}/adapters/kevel:1.4.0", registry.address);
    let attached = ["--sbom", &text(&sbom), "--provenance", &text(&provenance)];
    let licence = ["--annotation", "org.opencontainers.image.licenses=Apache-2.0"];
    let pinned = pushed(&house, &file, &to, &[&attached[..], &licence].concat()).await;
    let digest =
        pinned.strip_prefix(&format!("oci://{}/adapters/kevel@", registry.address)).expect("a pinned reference");

    let manifest = registry.json("adapters/kevel/manifests/1.4.0").await;
    assert_eq!(registry.json(&format!("adapters/kevel/manifests/{digest}")).await, manifest);
    assert_eq!(manifest["mediaType"], registry::MANIFEST);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    let layer = format!("sha256:{}", sha256(&bytes));
    assert_eq!(
        manifest["layers"],
        json!([{
            "mediaType": "application/wasm", "digest": layer, "size": bytes.len(),
            "annotations": { "org.opencontainers.image.title": "kevel.wasm" },
        }])
    );
    let says = |name: &str| manifest["annotations"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!((says("title"), says("licenses")), (json!("Kevel"), json!("Apache-2.0")), "{manifest:#}");
    let version = says("version").as_str().expect("a version").to_owned();
    assert!(version.chars().next().is_some_and(|c| c.is_ascii_digit()), "{manifest:#}");
    let config =
        registry.json(&format!("adapters/kevel/blobs/{}", manifest["config"]["digest"].as_str().unwrap())).await;
    assert_eq!((&config["architecture"], &config["os"]), (&json!("wasm"), &json!("wasip2")));
    assert_eq!(config["layerDigests"], json!([layer]));
    assert_eq!(config["created"], says("created"));
    assert!(config["component"]["exports"].to_string().contains("flightdeck:ad-server/ad-server@1.1"), "{config:#}");
    assert!(config["component"]["imports"].to_string().contains("wasi:"), "{config:#}");
    assert!(config["component"]["target"].to_string().contains("flightdeck:ad-server/adapter@1.1"), "{config:#}");

    // Found where tools look that don't know whether the registry lists referrers.
    let index = registry.json(&format!("adapters/kevel/manifests/{}", digest.replace(':', "-"))).await;
    let types: Vec<&Value> =
        index["manifests"].as_array().expect("a list").iter().map(|entry| &entry["artifactType"]).collect();
    assert_eq!(types, ["application/spdx+json", "application/vnd.in-toto+json"]);
    let referrer = index["manifests"][0]["digest"].as_str().expect("a digest");
    let referrer = registry.json(&format!("adapters/kevel/manifests/{referrer}")).await;
    assert_eq!(referrer["subject"]["digest"], digest);
    let attached =
        registry.json(&format!("adapters/kevel/blobs/{}", referrer["layers"][0]["digest"].as_str().unwrap())).await;
    assert_eq!(attached, json!({ "spdxVersion": "SPDX-2.3" }));

    let (fine, printed, said) = pull(&house, &pinned, "pulled.wasm").await;
    assert!(fine && said.is_empty() && printed.ends_with(&pinned), "{printed}{said}");
    assert_eq!(std::fs::read(house.dir().join("pulled.wasm")).expect("the component"), bytes);
    let (fine, _, said) = pull(&house, &pinned, "pulled.wasm").await;
    assert!(!fine && said.contains("exists, and is not replaced"), "{said}");
    let (fine, _, said) = pull(&house, &to, "by-tag.wasm").await;
    assert!(fine && said.contains("may name something else tomorrow") && said.contains(&pinned), "{said}");

    // The tag moves on; what was pinned stays.
    let other = house.dir().join("other.wasm");
    std::fs::copy(component("flightdeck-adapter-triton"), &other).expect("another component");
    assert_ne!(pushed(&house, &other, &to, &[]).await, pinned);
    let (fine, _, said) = pull(&house, &pinned, "again.wasm").await;
    assert!(fine, "{said}");
    assert_eq!(std::fs::read(house.dir().join("again.wasm")).expect("the component"), bytes);
}

#[tokio::test]
async fn a_client_that_we_did_not_write_pulls_what_we_push_and_pushes_what_we_pull() {
    let Some(registry) = Registry::start() else { return };
    let Some(python) = std::env::var_os("FLIGHTDECK_PYTHON") else {
        panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs the client and sets it");
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oci/client.py");
    let house = House::empty("").await;
    let client = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(&python);
        command.arg(&script).args(arguments).env("OCI_USERNAME", USER).env("OCI_PASSWORD", PASSWORD);
        let done = command.current_dir(house.dir()).output().await.expect("it runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).expect("a text").trim().to_owned()
    };
    let file = kevel(&house, "kevel.wasm");
    let bytes = std::fs::read(&file).expect("the component");
    let ours = pushed(&house, &file, &format!("oci://{}/adapters/ours:1", registry.address), &[]).await;
    std::fs::create_dir(house.dir().join("theirs")).expect("a folder");
    let written = client(&["pull", ours.trim_start_matches("oci://"), "theirs"]).await;
    assert!(written.ends_with("theirs/kevel.wasm"), "{written}");
    assert_eq!(std::fs::read(house.dir().join("theirs/kevel.wasm")).expect("what they pulled"), bytes);

    let config = json!({
        "created": "2026-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2",
        "layerDigests": [format!("sha256:{}", sha256(&bytes))],
        "component": { "exports": [], "imports": [], "target": null },
    });
    std::fs::write(house.dir().join("config.json"), config.to_string()).expect("a configuration");
    let name = format!("{}/adapters/theirs", registry.address);
    let digest = client(&["push", &format!("{name}:1"), "kevel.wasm", "config.json"]).await;
    let (fine, _, said) = pull(&house, &format!("oci://{name}@{digest}"), "pulled.wasm").await;
    assert!(fine, "{said}");
    assert_eq!(std::fs::read(house.dir().join("pulled.wasm")).expect("what we pulled"), bytes);
}

#[tokio::test]
async fn what_is_installed_is_pinned_and_signed_and_the_audit_log_says_where_it_is_from() {
    let Some(registry) = Registry::start() else { return };
    let mut house = House::empty("").await;
    let (file, served) = (kevel(&house, "kevel.wasm"), kevel(&house, "served.wasm"));
    // Another release: the same with a custom section.
    let mut other = std::fs::read(&file).expect("the component");
    other.extend(b"\0\x06\x05other");
    std::fs::write(&file, other).expect("it is written");
    let to = format!("oci://{}/adapters/kevel:1", registry.address);
    let unsigned = pushed(&house, &file, &to, &[]).await;
    let (fine, public, said) = adapter(&house, &["keygen", "--out", "key"]).await;
    assert!(fine, "{said}");
    for file in [&file, &served] {
        let (fine, _, said) = adapter(&house, &["sign", &text(file), "--key", "key"]).await;
        assert!(fine, "{said}");
    }
    let signed = pushed(&house, &file, &to, &[]).await;
    house.configure("in_doubt_wait", &format!("trusted_keys = [\"{public}\"]\nin_doubt_wait"));
    house.configure(&text(&component("flightdeck-adapter-kevel")), &text(&served));
    house.start(&[]).await;

    let install = async |what: &str| adapter(&house, &[&["install", "kevel", what], &WITH[..]].concat()).await;
    let (fine, _, said) = install(&to).await;
    assert!(!fine && said.contains(&format!("flightdeck adapter install kevel {signed}")), "{said}");
    let (fine, _, said) = install(&unsigned).await;
    assert!(!fine && said.contains("is not signed") && said.contains("trusted_keys"), "{said}");
    let (fine, printed, said) = install(&signed).await;
    assert!(fine && printed.contains(&sha256(&std::fs::read(&file).expect("it"))), "{printed}{said}");
    // The bytes are in the database: nothing needs the registry from here on.
    drop(registry);
    let (fine, listed, said) = adapter(&house, &["list", "kevel"]).await;
    assert!(fine && listed.contains("command line"), "{said}");
    let done = house.command().args(["audit", "export"]).output().await.expect("it runs");
    let log = String::from_utf8_lossy(&done.stdout).into_owned();
    let line = log.lines().rfind(|line| line.contains("release.installed")).expect("a line");
    assert!(line.contains(&format!("pulled from {signed}")), "{line}");
}

#[tokio::test]
async fn who_may_not_is_told_what_to_do_and_no_password_is_shown() {
    let Some(registry) = Registry::start() else { return };
    let house = House::empty("").await;
    let file = kevel(&house, "kevel.wasm");
    let to = format!("oci://{}/adapters/kevel:1", registry.address);
    let push = ["push", &text(&file), &to, "--insecure-http"];
    let (fine, _, said) = adapter(&house, &push).await;
    assert!(!fine && said.contains("does not let anybody without credentials do this: --username-env"), "{said}");
    let with = [&push[..], &WITH[1..]].concat();
    let (fine, _, said) = adapter_as(&house, "battery-staple", &with).await;
    assert!(!fine && said.contains("does not let the user of OCI_USERNAME and OCI_PASSWORD do this"), "{said}");
    let mistaken = [&push[..], &["--username-env", "OCI_USERNAME", "--password-env", "OCI_PASSWROD"]].concat();
    let (fine, _, said) = adapter(&house, &mistaken).await;
    assert!(!fine && said.contains("the environment variable OCI_PASSWROD is empty or not set"), "{said}");
    let (fine, _, said) =
        adapter(&house, &["pull", &format!("oci://{USER}:{PASSWORD}@{}/a:1", registry.address)]).await;
    assert!(!fine && said.contains("has a user before the registry"), "{said}");

    let docker = house.dir().join("config.json");
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    for (password, works) in [("battery-staple", false), (PASSWORD, true)] {
        let auth = BASE64_STANDARD.encode(format!("{USER}:{password}"));
        let config = json!({ "auths": { registry.address.clone(): { "auth": auth } } });
        std::fs::write(&docker, config.to_string()).expect("docker's file");
        let (fine, _, said) = adapter(&house, &push).await;
        assert_eq!(fine, works, "{said}");
        assert!(works || (said.contains("config.json do this: log in again") && !said.contains(&auth)), "{said}");
    }
    std::fs::write(&docker, json!({ "credsStore": "desktop" }).to_string()).expect("docker's file");
    let (fine, _, said) = adapter(&house, &["pull", &to, "--insecure-http", "--output", "x"]).await;
    assert!(!fine && said.contains("keeps in a helper program are not read"), "{said}");
}

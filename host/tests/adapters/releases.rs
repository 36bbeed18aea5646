//! From a file to a release: contract, settings, compiler, cache.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use flightdeck::{
    adapters::{AdapterSetupError, Adapters, Credentials, Loaded, Secret, inspect},
    domain::change::ProposedChange,
};
use serde_json::json;

use super::world::{config, guest, platform, start};

/// A component with nothing but `task.cancel`, as of a tool that builds asynchronous functions.
const ASYNC: &[u8] = b"\0asm\x0d\0\x01\0\x08\x02\x01\x05";

fn code_files(data_dir: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data_dir.join("code")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "code")).collect()
}

async fn loaded(data_dir: &std::path::Path) -> Loaded {
    let adapters =
        Adapters::start(config(data_dir, vec![platform("acme", "good", "http://127.0.0.1:1")])).await.unwrap();
    adapters.releases(&"acme".into())[0].loaded
}

#[tokio::test(flavor = "multi_thread")]
async fn code_is_compiled_once_and_trusted_only_with_proof() {
    let data_dir = tempfile::tempdir().unwrap();
    let path = data_dir.path();
    assert_eq!(loaded(path).await, Loaded::Compiled);
    assert_eq!(loaded(path).await, Loaded::FromCache);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path.join("code")), 0o700);
    assert_eq!(mode(&path.join("code/key")), 0o600);

    let [file] = code_files(path).try_into().unwrap();
    let good = std::fs::read(&file).unwrap();
    for at in [0, 40, good.len() / 2, good.len() - 1] {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        std::fs::write(&file, flipped).unwrap();
        assert_eq!(loaded(path).await, Loaded::Compiled, "byte {at}");
    }
    std::fs::write(&file, b"short").unwrap();
    assert_eq!(loaded(path).await, Loaded::Compiled);
    std::fs::write(path.join("code/key"), [7; 64]).unwrap();
    assert_eq!(loaded(path).await, Loaded::Compiled, "another key proves nothing");
    std::fs::rename(&file, path.join("code").join(format!("{}.code", "0".repeat(64)))).unwrap();
    assert_eq!(loaded(path).await, Loaded::Compiled);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_on_a_release_can_end_on_it_after_a_restart() {
    let world = start(vec![platform("acme", "good", "http://127.0.0.1:1")]).await.unwrap();
    let old = world.adapters.active_release(&"acme".into()).unwrap();
    let other = world.data_dir.path().join("other.wasm");
    let mut bytes = std::fs::read(guest()).unwrap();
    // An empty custom section: another digest, the same adapter.
    bytes.extend_from_slice(&[0, 2, 1, b'x']);
    std::fs::write(&other, bytes).unwrap();
    let mut restarted = platform("acme", "good", "http://127.0.0.1:1");
    restarted.component = Some(other);
    let adapters = Adapters::start(config(world.data_dir.path(), vec![restarted])).await.unwrap();
    let new = adapters.active_release(&"acme".into()).unwrap();
    assert_ne!(old, new);
    let buy = super::world::buy("acme");
    let change = ProposedChange::create(&buy).into();
    let plan = adapters.plan(&"acme".into(), Some(&old), &super::world::call(), change).await.unwrap();
    assert_eq!(plan.release, old);
    let missing = "0".repeat(64);
    let failure = adapters.plan(&"acme".into(), Some(&missing), &super::world::call(), change).await.unwrap_err();
    assert_eq!(failure.code, "release_missing");

    adapters.activate(&"acme".into(), &old, true).await.unwrap();
    assert_eq!(adapters.active_release(&"acme".into()), Some(old));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_told_at_once_and_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let with = |name: &str, component: PathBuf| {
        let mut config = platform(name, "good", "http://127.0.0.1:1");
        config.component = Some(component);
        config
    };
    let mut settings = platform("settings", "good", "http://127.0.0.1:1");
    settings.settings = json!({ "behaviour": 7 });
    let mut credentials = platform("credentials", "good", "http://127.0.0.1:1");
    credentials.credentials = Credentials::Bearer(Secret::new("a token\n"));
    // A component without anything: the header of the format alone.
    let empty = file("empty.wasm", b"\0asm\x0d\0\x01\0");
    let platforms = vec![
        with("text", file("text.wasm", b"hello")),
        with("empty", empty),
        with("cut", file("cut.wasm", &std::fs::read(guest()).unwrap()[..50_000])),
        with("gone", dir.path().join("gone.wasm")),
        with("async", file("async.wasm", ASYNC)),
        settings,
        credentials,
    ];
    let Err(AdapterSetupError::Platforms(wrong)) = start(platforms).await.map(|_| ()) else { panic!("should fail") };
    let words = |name: &str| {
        let found = wrong.iter().find(|wrong| wrong.platform.as_str() == name).unwrap();
        found.to_string()
    };
    assert!(words("text").contains("is no component that this host can compile"), "{}", words("text"));
    assert!(words("empty").contains("does not export flightdeck:ad-server/ad-server@1.1"), "{}", words("empty"));
    assert!(words("cut").contains("is no component that this host can compile"), "{}", words("cut"));
    assert!(words("async").contains("`--backend-qjs-disable-async`"), "{}", words("async"));
    let looked_into = inspect(&dir.path().join("async.wasm")).await.unwrap_err().to_string();
    assert!(looked_into.contains("`--backend-qjs-disable-async`"), "{looked_into}");
    assert!(words("gone").contains("gone.wasm"), "{}", words("gone"));
    assert!(words("settings").contains("/behaviour"), "{}", words("settings"));
    assert!(words("credentials").contains("look for a line break"), "{}", words("credentials"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_for_another_version_is_refused_with_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("next.wasm");
    let mut bytes = std::fs::read(guest()).unwrap();
    let (old, new) = (b"ad-server@1.1.0", b"ad-server@1.7.0");
    let places: Vec<usize> = (0..bytes.len() - old.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    std::fs::write(&path, bytes).unwrap();
    let mut config = platform("acme", "good", "http://127.0.0.1:1");
    config.component = Some(path);
    let error = start(vec![config]).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("was built for ad-server 1.7.0; this host offers 1.0 and 1.1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_can_be_looked_into() {
    let inspection = inspect(&guest()).await.unwrap();
    assert_eq!(inspection.contract.as_deref(), Some("1.1.0"));
    assert_eq!(inspection.problem, None);
    assert_eq!(inspection.description.unwrap().platform, "test");
    assert!(inspection.exports.contains(&"flightdeck:ad-server/ad-server@1.1.0".to_owned()));
}

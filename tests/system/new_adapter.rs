//! `flightdeck adapter new`: projects that need nothing of this repository.

use std::path::Path;

use tokio::process::Command;

async fn new(arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(env!("CARGO_BIN_EXE_flightdeck")).args(["adapter", "new"]).args(arguments).output().await;
    let done = done.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_project_in_each_language_has_all_that_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().display().to_string();
    for (language, wanted) in [
        ("rust", ["Cargo.toml", "src/adapter.rs", "flightdeck-adapter/sdk/wit/world.wit", "README.md"]),
        ("javascript", ["package-lock.json", "src/adapter.js", "flightdeck-adapter/wit/world.wit", "README.md"]),
        ("python", ["Makefile", "signpost/adapter.py", "flightdeck-adapter/wasi-wit/http-adapter.wit", "README.md"]),
    ] {
        let name = format!("my-{language}");
        let told = new(&[&name, "--lang", language, "--into", &into]).await.expect("it is written");
        assert!(told.contains("flightdeck adapter inspect"), "{told}");
        let project = folder.path().join(&name);
        for path in wanted {
            assert!(project.join(path).is_file(), "{language}: {path}");
        }
        for file in files(&project) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
            let shown = file.display();
            assert!(!text.contains("../../../"), "{shown} leads out of the project");
            let is_kit = file.starts_with(project.join("flightdeck-adapter"));
            assert!(is_kit || !text.contains("signpost-adapter"), "{shown} has the example's name");
        }
        let again = new(&[&name, "--lang", language, "--into", &into]).await.expect_err("it exists");
        assert!(again.contains("exists already"), "{again}");
    }
    let refused = new(&["../x", "--lang", "rust", "--into", &into]).await.expect_err("no name");
    assert!(refused.contains("is no name for an adapter"), "{refused}");
}

/// The page of the SDK says no more than this.
#[tokio::test]
async fn a_project_in_rust_builds_outside_of_this_workspace_and_is_an_adapter() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().display().to_string();
    new(&["acme", "--lang", "rust", "--into", &into]).await.expect("it is written");
    let project = folder.path().join("acme");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = flightdeck_test_support::target().join("outside");
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--target", "wasm32-wasip2"])
        .current_dir(&project)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("CARGO_PROFILE_DEV_DEBUG")
        // An author's project is compiled, not linted.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .await
        .expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let component = target.join("wasm32-wasip2/release/acme_adapter.wasm");
    let mut inspect = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
    let inspected = inspect.args(["adapter", "inspect"]).arg(&component).output().await.expect("it runs");
    let told = String::from_utf8_lossy(&inspected.stdout).into_owned();
    assert!(inspected.status.success() && told.contains("contract  1.1.0"), "{told}");
    let wit = Command::new(env!("CARGO_BIN_EXE_flightdeck"))
        .args(["adapter", "inspect", "--wit"])
        .arg(&component)
        .output()
        .await
        .expect("it runs");
    let wit = String::from_utf8_lossy(&wit.stdout).into_owned();
    assert!(wit.contains("export flightdeck:ad-server/ad-server@1.1.0") && wit.contains("record media-buy"), "{wit}");
}

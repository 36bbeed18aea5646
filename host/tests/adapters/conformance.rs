//! The conformance kit: it passes what keeps the contract, and names the rule that something breaks.

use std::path::{Path, PathBuf};

use flightdeck::{
    conformance::{self, Emulator, Options, Report, Verdict},
    network::base_url::BaseUrl,
};
use flightdeck_emulators::{gam, kevel, signpost, triton};
use flightdeck_test_support::{component, native_code};

use super::{shop::Shop, world::guest};

const SHOP: &str = r#"
lookup_wait = "0s"
[platform]
read_requests = ["POST /report/*"]
settings = { behaviour = "BEHAVIOUR" }
[[sample.creatives]]
id = "banner"
format = "image"
media_url = "https://cdn.example.com/banner.png"
"#;

async fn check(component: PathBuf, against: &str, config: PathBuf, only: &[&str]) -> Report {
    let data_dir = tempfile::tempdir().unwrap();
    native_code::borrow(data_dir.path());
    let options = Options {
        component,
        ad_server: against.parse::<BaseUrl>().unwrap(),
        config: Some(config),
        seed: 7,
        cases: 150,
        jobs: 4,
        only: only.iter().map(|&name| name.to_owned()).collect(),
        compiler: PathBuf::from(env!("CARGO_BIN_EXE_flightdeck")),
        data_dir: Some(data_dir.path().to_owned()),
    };
    let report = conformance::check(options).await.unwrap();
    native_code::lend(data_dir.path());
    report
}

/// Checks the test component with a behaviour, against a shop of its own.
async fn honest(behaviour: &str, only: &[&str]) -> Report {
    let (shop, folder) = (Shop::open().await, tempfile::tempdir().unwrap());
    let config = folder.path().join("check.toml");
    std::fs::write(&config, SHOP.replace("BEHAVIOUR", behaviour)).unwrap();
    check(guest(), &shop.url, config, only).await
}

/// The rules that are broken, each with what was seen first.
fn broken(report: &Report) -> Vec<(&'static str, String)> {
    let failed = report.findings.iter().filter(|finding| finding.verdict == Verdict::Failed);
    failed.map(|finding| (finding.rule, finding.failures[0].clone())).collect()
}

/// Asserts that a mutation breaks a rule, in these words, and none of another group.
async fn breaks(mutation: &str, rule: &str, words: &str) {
    let group = rule.split('.').next().unwrap();
    let report = honest(&format!("honest:{mutation}"), &[group]).await;
    let broken = broken(&report);
    let seen = broken.iter().find(|(broken, _)| *broken == rule).map(|(_, seen)| seen.as_str());
    assert!(seen.is_some_and(|seen| seen.contains(words)), "{mutation}: {}", conformance::table(&report));
    assert!(broken.iter().all(|(broken, _)| broken.starts_with(group)), "{mutation}: {broken:?}");
    let table = conformance::table(&report);
    assert!(table.contains(&format!("FAIL  {rule}")) && table.contains("mend "), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_keeps_the_contract_passes_every_rule() {
    let report = honest("honest", &[]).await;
    let table = conformance::table(&report);
    assert!(report.is_good(), "{table}");
    let skipped: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Skipped)
        .map(|finding| finding.rule)
        .collect();
    assert_eq!(skipped, ["crash.duplicates"], "the shop has no control API: {table}");
    assert!(report.used.iter().all(|used| used.most > 0), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_outside_of_a_step_is_named() {
    breaks("write-outside-step", "create.in-steps", "sent POST").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_not_remembered_is_named() {
    breaks("package-not-remembered", "create.remembered", "did not remember the package two").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_without_references_are_named() {
    breaks("no-reference", "create.references", "no step's reference leads to it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_again_without_a_lookup_is_counted() {
    breaks("no-lookup", "crash.create", "the ad server has 2 × Order").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_in_some_plans_is_found() {
    breaks("clock-in-plan", "plan.deterministic", "The hours are those of day").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_request_that_is_lost_in_the_plan_is_named() {
    breaks("price-not-in-plan", "plan.complete", "the plan is the same with the price").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_panics_at_some_names_is_found() {
    breaks("panic-in-plan", "plan.total", "fault (trap)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_takes_what_is_not_declared_is_named_with_the_field() {
    breaks("plan-takes-all", "plan.refuses", "was accepted, and /packages/p0/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_ad_server_taken_for_a_refusal_is_named() {
    breaks("busy-is-refused", "answers.create", "the call ended with the wrong failure, rejected (shop)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_left_out_is_named() {
    breaks("status-left-out", "reads.status", "said nothing about the media buy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buy_that_is_gone_must_not_fail_the_read() {
    breaks("gone-is-a-failure", "reads.missing", "the call failed, not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_differences_that_writes_is_named() {
    breaks("idle-writes", "updates.idle", "1 writes, in set active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_remembers_must_be_looked_for_by_a_cancel() {
    breaks("order-not-looked-for", "cancel.half-way", "may still deliver: Order").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_grants_that_do_not_fit_are_named_before_anything_is_called() {
    let (shop, folder) = (Shop::open().await, tempfile::tempdir().unwrap());
    let config = folder.path().join("check.toml");
    for (text, rule, words) in [
        ("[platform]\nsettings = { unknown = 1 }", "world.settings", "unknown"),
        ("", "world.patterns", "POST /report/*"),
    ] {
        std::fs::write(&config, text).unwrap();
        let report = check(guest(), &shop.url, config.clone(), &[]).await;
        let broken = broken(&report);
        assert!(broken.len() == 1 && broken[0].0 == rule && broken[0].1.contains(words), "{broken:?}");
        assert!(report.findings.iter().any(|finding| finding.seen == "an earlier rule is broken"));
    }
}

fn check_toml(adapter: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../adapters/{adapter}/check.toml"))
}

fn assert_good(report: &Report) {
    assert!(report.is_good(), "{}", conformance::table(report));
    assert_eq!(report.count(Verdict::Skipped), 0, "{}", conformance::table(report));
}

#[tokio::test(flavor = "multi_thread")]
async fn kevel_passes() {
    let emulator = kevel::Kevel::start(kevel::Options { api_key: "demo-key".to_owned(), ..kevel::Options::default() });
    let emulator = emulator.await.unwrap();
    assert_good(&check(component("flightdeck-adapter-kevel"), &emulator.url, check_toml("kevel"), &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn gam_passes() {
    let emulator = gam::Gam::start(gam::Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (key, config) = (folder.path().join("key.json"), folder.path().join("check.toml"));
    std::fs::write(&key, emulator.platform().key_file().to_string()).unwrap();
    let text = std::fs::read_to_string(check_toml("gam")).unwrap();
    std::fs::write(&config, text.replace("../../target/check-gam-key.json", key.to_str().unwrap())).unwrap();
    assert_good(&check(component("flightdeck-adapter-gam"), &emulator.url, config, &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn triton_passes() {
    let options = triton::Options {
        username: "flightdeck".to_owned(),
        password: "demo-password".to_owned(),
        ..triton::Options::default()
    };
    let emulator = triton::Triton::start(options).await.unwrap();
    assert_good(&check(component("flightdeck-adapter-triton"), &emulator.url, check_toml("triton"), &[]).await);
}

/// Built with the Rust SDK when version 1.0 of the contract was the newest, and never built again.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_version_1_0_passes_as_it_was_built() {
    let emulator = signpost::Signpost::start(signpost::Options::default()).await.unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let component = here.join("../tests/guests/released/signpost-1.0.wasm");
    let inspection = flightdeck::adapters::inspect(&component).await.unwrap();
    assert_eq!((inspection.contract.as_deref(), inspection.problem), (Some("1.0.0"), None));
    let config = here.join("../examples/adapters/rust/check.toml");
    assert_good(&check(component, &emulator.url, config, &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_fails_with_its_findings_in_every_form() {
    let (shop, folder) = (Shop::open().await, tempfile::tempdir().unwrap());
    let (config, junit) = (folder.path().join("check.toml"), folder.path().join("junit.xml"));
    std::fs::write(&config, SHOP.replace("BEHAVIOUR", "honest:package-not-remembered")).unwrap();
    let run = || {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.args(["adapter", "check"]).arg(guest()).args(["--against", &shop.url, "--only", "create"]);
        command.arg("--config").arg(&config);
        command
    };
    let ran = run().arg("--json").arg("--junit").arg(&junit).output().await.unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let finding =
        |rule: &str| report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == rule).unwrap();
    assert_eq!(finding("create.remembered")["verdict"], "failed");
    let xml = std::fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("failures=\"1\"") && xml.contains("<failure message=\"the create failed"), "{xml}");
    let ran = run().output().await.unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("FAIL  create.remembered") && said.contains("PASS  world.contract"), "{said}");
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(error.contains("breaks 1 of the rules: create.remembered"), "{error}");
    let ran = run().args(["--only", "no-such"]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&ran.stderr).contains("no rule or group `no-such`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emulator_is_started_and_stopped() {
    let emulator = Emulator::start("sh -c 'echo listening on http://127.0.0.1:9; exec sleep 60'", None).await.unwrap();
    assert_eq!(emulator.url.as_str(), "http://127.0.0.1:9");
    let began = std::time::Instant::now();
    emulator.stop().await;
    assert!(began.elapsed().as_secs() < 4, "it ends when it is asked to");
    let ended = Emulator::start("true", None).await.unwrap_err();
    assert!(ended.to_string().contains("has ended"), "{ended}");
}

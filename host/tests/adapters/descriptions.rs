//! What is refused of a component's description and of its plans before it may serve a platform.

use std::path::{Path, PathBuf};

use flightdeck::adapters::{AdapterSetupError, PlatformConfig, inspect};

use super::world::{platform, start};

/// Writes the test component with another `describe`.
fn describing(dir: &Path, how: &str) -> PathBuf {
    let path = dir.join(format!("{how}.wasm"));
    std::fs::write(&path, flightdeck_test_support::guest::describing(how)).unwrap();
    path
}

async fn refused(platforms: Vec<PlatformConfig>) -> Vec<(String, String)> {
    let Err(AdapterSetupError::Platforms(wrong)) = start(platforms).await.map(|_| ()) else { panic!("should fail") };
    wrong.into_iter().map(|wrong| (wrong.platform.to_string(), wrong.to_string())).collect()
}

/// The parts of the words with which each description is refused.
const REFUSED: [(&str, [&str; 2]); 8] = [
    ("clock", ["describes itself differently each time: `title` was `\"Test on day ", "nothing from a clock"]),
    ("random", ["differently each time: `settings-schema` was `", "in the order of a hash map"]),
    ("version", ["`adapter-version` `one`, which is no semantic version", "like `1.4.0`"]),
    ("batch", ["has a `batch-size` of 0", "1 at least"]),
    ("formats", ["lists no formats that this host knows", "one at least in `formats`"]),
    ("prices", ["lists no price models that this host knows", "one at least in `price-models`"]),
    ("twice", ["lists one of its formats, `image` twice", "leave one out"]),
    ("panic", ["could not describe itself", "it printed: "]),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_can_not_be_relied_on_is_refused_by_name_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let platforms = REFUSED.iter().map(|(how, _)| {
        let mut config = platform(how, "good", "http://127.0.0.1:1");
        config.component = Some(describing(dir.path(), how));
        config
    });
    let told = refused(platforms.collect()).await;
    assert_eq!(told.len(), REFUSED.len(), "{told:?}");
    for (how, words) in REFUSED {
        let (_, told) = told.iter().find(|(name, _)| name == how).unwrap();
        assert!(words.iter().all(|words| told.contains(words)), "{how}: {told}");
        assert!(told.contains(&format!("{how}.wasm ")), "{how}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_on_the_other_ways_in_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(vec![platform("acme", "good", "http://127.0.0.1:1")]).await.unwrap();
    let file = describing(dir.path(), "version");
    let error = world.adapters.install(&"acme".into(), &file).await.unwrap_err().to_string();
    assert!(error.contains("`one`, which is no semantic version"), "{error}");
    // Its bytes are kept, and can't be activated either.
    let kept = inspect(&file).await.unwrap();
    let error = world.adapters.activate(&"acme".into(), &kept.digest, true).await.unwrap_err().to_string();
    assert!(error.contains("`one`, which is no semantic version"), "{error}");
    assert!(kept.problem.unwrap().contains("`one`, which is no semantic version"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_panic_are_shown_to_the_author_without_control_characters() {
    let dir = tempfile::tempdir().unwrap();
    let found = inspect(&describing(dir.path(), "panic")).await.unwrap();
    let problem = found.problem.unwrap();
    assert!(problem.contains("it printed: "), "{problem}");
    assert!(problem.contains("panicked at ") && problem.contains("the settings have "), "{problem}");
    assert!(problem.contains("\\u{1b}[31mno schema") && !problem.contains('\u{1b}'), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_differs_from_call_to_call_is_refused_at_the_start() {
    let behaviours = ["day-in-plan", "random-in-plan", "random-refusal"];
    let platforms = behaviours.map(|behaviour| platform(behaviour, behaviour, "http://127.0.0.1:1"));
    let told = refused(platforms.to_vec()).await;
    assert_eq!(told.len(), behaviours.len(), "{told:?}");
    for (_, told) in &told {
        assert!(told.contains("plan is not deterministic") && told.contains("from its arguments alone"), "{told}");
    }
    let of = |name: &str| told.iter().find(|(of, _)| of == name).unwrap().1.as_str();
    assert!(of("day-in-plan").contains("`\"planned on day "), "{}", of("day-in-plan"));
    assert!(of("random-refusal").contains("`message: \"no, says "), "{}", of("random-refusal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_refused_in_the_same_words_or_fails_is_no_reason_to_refuse_the_adapter() {
    let platforms = ["same-refusal", "trap"].map(|behaviour| platform(behaviour, behaviour, "http://127.0.0.1:1"));
    let world = start(platforms.to_vec()).await.unwrap();
    assert_eq!(world.plan("same-refusal").await.unwrap_err().code, "no");
    assert_eq!(world.plan("trap").await.unwrap_err().code, "trap");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_adapters_are_accepted() {
    for adapter in ["gam", "kevel", "triton"] {
        let component = flightdeck_test_support::component(&format!("flightdeck-adapter-{adapter}"));
        assert_eq!(inspect(&component).await.unwrap().problem, None, "{adapter}");
    }
}

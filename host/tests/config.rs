//! The configuration that newcomers copy from, and what becomes of damaged ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
    sync::OnceLock,
    time::Duration,
};

use flightdeck::{
    config::{Config, ConfigErrors, Surroundings},
    domain::{
        approval::ApprovalQuestion,
        creative::Format,
        digest,
        growth::Growth,
        id::{PlatformName, PrincipalId},
        money::Micros,
        operation::OperationKind,
        role::Role,
    },
};
use flightdeck_emulators::gam::{Gam, Options};
use proptest::prelude::*;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/demo/flightdeck.toml");

fn environment(name: &str) -> Option<String> {
    match name {
        "KEVEL_ENDPOINT" | "GAM_ENDPOINT" | "TRITON_ENDPOINT" => Some("http://127.0.0.1:9001".to_owned()),
        "TRITON_LOGIN" => Some("http://127.0.0.1:9001/login".to_owned()),
        "KEVEL_API_KEY" | "TRITON_PASSWORD" => Some("demo-key".to_owned()),
        "GAM_KEY" => Some(service_account_key()),
        _ => None,
    }
}

/// A key file as the emulated Ad Manager hands it out.
fn service_account_key() -> String {
    static KEY: OnceLock<String> = OnceLock::new();
    let make = || {
        let runtime = tokio::runtime::Runtime::new().unwrap_or_else(|error| panic!("{error}"));
        let gam = runtime.block_on(Gam::start(Options::default())).unwrap_or_else(|error| panic!("{error}"));
        gam.platform().key_file().to_string()
    };
    KEY.get_or_init(make).clone()
}

/// Reads a text as if the demo's adapter had been built.
fn read(text: &str) -> Result<Config, ConfigErrors> {
    let around = Surroundings { environment: &environment, is_file: &|_| true };
    Config::parse(Path::new(DEMO), text, &around)
}

fn demo() -> String {
    std::fs::read_to_string(DEMO).unwrap_or_else(|error| panic!("{DEMO}: {error}"))
}

#[test]
fn the_demo_sells_what_the_protocols_examples_buy() {
    let config = read(&demo()).unwrap_or_else(|errors| panic!("{errors}"));
    let sold: Vec<(&str, &[Format])> =
        config.products.iter().map(|product| (product.id.as_str(), product.formats.as_slice())).collect();
    let visual: &[Format] = &[Format::Image, Format::Video, Format::Custom];
    let wanted = [
        ("premium_sports", visual),
        ("entertainment", visual),
        ("news", visual),
        ("shopping", &[Format::Image, Format::Custom][..]),
        ("homepage", &[Format::Image, Format::Custom][..]),
        ("pre_roll", &[Format::Video][..]),
        ("drive_time_audio", &[Format::Audio][..]),
    ];
    assert_eq!(sold, wanted);
    let platforms: Vec<&str> = config.products.iter().map(|product| product.platform.as_str()).collect();
    assert_eq!(platforms, ["kevel", "kevel", "kevel", "kevel", "gam", "gam", "triton"]);
    let kevel = PlatformName::from("kevel");
    let advertisers: Vec<_> = ["demo-agency", "second-agency", "nobody"]
        .map(|principal| config.advertiser(&PrincipalId::from(principal), &kevel))
        .to_vec();
    assert_eq!(advertisers, [Some("1001"), Some("1002"), None]);
}

#[test]
fn the_demos_tokens_are_their_own_names_and_all_its_warnings() {
    let config = read(&demo()).unwrap_or_else(|errors| panic!("{errors}"));
    let tokens: Vec<_> = config.tokens.iter().map(|token| (token.name.as_str(), token.role)).collect();
    let wanted = [
        ("demo-buyer", Role::Buyer),
        ("demo-buyer-2", Role::Buyer),
        ("demo-reviewer", Role::Reviewer),
        ("demo-operator", Role::Operator),
    ];
    assert_eq!(tokens, wanted);
    assert!(config.tokens.iter().all(|token| token.sha256 == digest::sha256(token.name.as_bytes())));
    let warnings: Vec<_> = config.warnings().iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, ["`secret` can be guessed: for demonstrations only"; 4]);
}

#[test]
fn what_makes_a_demos_buy_larger_waits_for_one_reviewer_and_the_large_ones_for_two() {
    let config = read(&demo()).unwrap_or_else(|errors| panic!("{errors}"));
    let reviewers = |operation, budget: i64, grown: &[Growth]| {
        let question = ApprovalQuestion {
            operation,
            principal: PrincipalId::from("demo-agency"),
            platforms: vec![PlatformName::from("kevel")],
            products: Vec::new(),
            currency: "USD".to_owned(),
            budget: Micros::new(budget * Micros::UNIT).unwrap(),
            raise: Micros::ZERO,
            approved_budget: None,
            grown: grown.iter().copied().collect(),
            longer: Duration::ZERO,
            wider: BTreeMap::new(),
            formats: BTreeSet::new(),
            first_buy: false,
        };
        config.approvals_needed(&question).map(|needed| needed.reviewers())
    };
    assert_eq!(reviewers(OperationKind::Create, 50_000, &[Growth::Creation]), Some(1));
    assert_eq!(reviewers(OperationKind::Update, 60_000, &[Growth::Spend]), Some(1));
    assert_eq!(reviewers(OperationKind::Update, 60_000, &[]), None);
    assert_eq!(reviewers(OperationKind::Update, 1_000_001, &[]), Some(2));
}

#[test]
fn the_demo_needs_its_environment() {
    let around = Surroundings { environment: &|_| None, is_file: &|_| true };
    let errors = Config::parse(Path::new("flightdeck.toml"), &demo(), &around).unwrap_err();
    let mistakes: Vec<&str> = errors.mistakes().iter().map(|mistake| mistake.message.as_str()).collect();
    let variables = [
        "KEVEL_ENDPOINT",
        "KEVEL_API_KEY",
        "GAM_ENDPOINT",
        "GAM_KEY",
        "TRITON_ENDPOINT",
        "TRITON_LOGIN",
        "TRITON_PASSWORD",
    ];
    let named = |name: &&str| mistakes.iter().filter(|mistake| mistake.contains(name)).count() == 1;
    assert!(variables.iter().all(named) && mistakes.len() == variables.len(), "{errors}");
}

/// A text with something else at some places, whole characters only.
fn damaged(text: &str, damages: &[(usize, usize, String)]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (at, length, instead) in damages {
        let start = at % (characters.len() + 1);
        let end = (start + length).min(characters.len());
        characters.splice(start..end, instead.chars());
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_truncated_configuration_is_judged_without_panic(length in 0usize..10_000) {
        let text = demo();
        let start: String = text.chars().take(length % (text.chars().count() + 1)).collect();
        judge(&start);
    }

    #[test]
    fn a_damaged_configuration_is_judged_without_panic(
        damages in prop::collection::vec((any::<usize>(), 0usize..40, "[\\[\\]{}=\"'#,.\n a-z0-9é\u{1f600}-]{0,8}"), 1..4),
    ) {
        judge(&damaged(&demo(), &damages));
    }
}

/// Reads a text; if it is refused, every mistake must have a place inside of it.
fn judge(text: &str) {
    let Err(errors) = read(text) else { return };
    assert!(!errors.mistakes().is_empty());
    let mut shown = String::new();
    for mistake in errors.mistakes() {
        let flightdeck::config::Place::At { line, column, .. } = &mistake.place else {
            panic!("{mistake} has no place");
        };
        let long =
            text.split('\n').nth(line - 1).unwrap_or_else(|| panic!("{mistake} is behind the end")).chars().count();
        assert!((1..=long + 1).contains(column), "{mistake} is behind its line");
        let _ = writeln!(shown, "{mistake}");
    }
    assert_eq!(shown.trim_end(), errors.to_string().trim_end());
}

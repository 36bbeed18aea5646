//! `docs/configuration.md` describes every key that the reader accepts.

use super::{HOUSE, PUBLISHER, fine, read};

const DOCUMENT: &str = include_str!("../../../../docs/configuration.md");

/// A name that is not close to any known key.
const STRAY: &str = "qqqqqqqqqqqqqqqq";

/// The keys that the reader lists when it finds an unknown one.
fn known_keys(text: &str) -> Vec<String> {
    let errors = read(text).unwrap_err().to_string();
    let line = errors.lines().find(|line| line.contains(STRAY)).unwrap_or_else(|| panic!("{errors}"));
    let list = line.split_once("known: ").unwrap_or_else(|| panic!("{line}")).1;
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The part of the document below a heading.
fn below(heading: &str) -> &'static str {
    let start = DOCUMENT.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("a heading `## {heading}`"));
    let rest = &DOCUMENT[start + 1..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[test]
fn every_key_is_described_under_its_section() {
    let stray = format!("{STRAY} = 1");
    let platform = |rest: &str| {
        format!(
            "{PUBLISHER}[[platforms]]\nname = \"acme\"\nadapter = \"a.wasm\"\nendpoint = \"https://a.example\"\n{rest}\n"
        )
    };
    let auth = |rest: &str| platform(&format!("auth = {{ {rest}, {stray} }}"));
    for (heading, text) in [
        ("Sections", format!("{stray}\n{PUBLISHER}")),
        ("`[server]`", format!("{PUBLISHER}[server]\n{stray}\n")),
        ("`[data]`", format!("{PUBLISHER}[data]\n{stray}\n")),
        ("`[store]`", format!("{PUBLISHER}[store]\n{stray}\n")),
        ("`[[keys]]`", format!("{PUBLISHER}[[keys]]\n{stray}\n")),
        ("`[engine]`", format!("{PUBLISHER}[engine]\n{stray}\n")),
        ("`[releases]`", format!("{PUBLISHER}[releases]\n{stray}\n")),
        ("`[operations]`", format!("{PUBLISHER}[operations]\n{stray}\n")),
        ("`[callers]`", format!("{PUBLISHER}[callers]\n{stray}\n")),
        ("`[retention]`", format!("{PUBLISHER}[retention]\n{stray}\n")),
        ("`[desk]`", format!("{PUBLISHER}[desk]\n{stray}\n")),
        ("`[desk]`", format!("{PUBLISHER}[desk.oidc]\n{stray}\n")),
        ("`[webhooks]`", format!("{PUBLISHER}[webhooks]\n{stray}\n")),
        ("`[publisher]`", format!("{PUBLISHER}{stray}\n")),
        ("`[[platforms]]`", platform(&stray)),
        ("`auth`", auth("scheme = \"none\"")),
        ("`auth`", auth("scheme = \"header\"")),
        ("`auth`", auth("scheme = \"query\"")),
        ("`auth`", auth("scheme = \"bearer\"")),
        ("`auth`", auth("scheme = \"basic\"")),
        ("`auth`", auth("scheme = \"oauth2_client_credentials\"")),
        ("`auth`", auth("scheme = \"google_service_account\"")),
        ("`auth`", auth("scheme = \"login_token\"")),
        (
            "Secrets",
            auth(&format!("scheme = \"bearer\", token = {{ {stray} }}")).replacen(&format!(", {stray} }}"), " }", 1),
        ),
        ("`limits`", platform(&format!("limits = {{ {stray} }}"))),
        ("`[[principals]]`", format!("{HOUSE}{stray}\n")),
        ("`[[principals]]`", HOUSE.replace("advertiser_id = 7", &format!("advertiser_id = 7, {stray}"))),
        ("`calls`", format!("{HOUSE}calls = {{ {stray} }}\n")),
        ("`[[tokens]]`", format!("{HOUSE}[[tokens]]\n{stray}\n")),
        ("`[[products]]`", format!("{HOUSE}[[products]]\n{stray}\n")),
        ("`[[groups]]`", format!("{HOUSE}[[groups]]\n{stray}\n")),
        ("`[[approvals]]`", format!("{HOUSE}[[approvals]]\n{stray}\n")),
    ] {
        for key in known_keys(&text) {
            let row = if heading == "Sections" { "| [`" } else { "| `" };
            let described = [format!("{row}{key}`"), format!("{row}[{key}]`"), format!("{row}[[{key}]]`")];
            let part = below(heading);
            assert!(described.iter().any(|row| part.contains(row)), "`{key}` is not described under {heading}");
        }
    }
}

#[test]
fn the_examples_load() {
    let mut examples = DOCUMENT.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let whole = examples.next().expect("an example");
    let config = fine(whole);
    assert!(!config.platforms.is_empty() && !config.products.is_empty() && !config.tokens.is_empty());
    for part in examples {
        fine(&format!("{HOUSE}{part}"));
    }
}

#[test]
fn what_a_mistake_looks_like_is_what_it_looks_like() {
    let (shown, rest) =
        DOCUMENT.split_once("```toml wrong\n").expect("an example with mistakes").1.split_once("```").unwrap();
    let printed = rest.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("what is printed");
    let found = read(shown).unwrap_err().to_string().replace("/etc/flightdeck/", "");
    assert_eq!(found, printed.trim_end());
}

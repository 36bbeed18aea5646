//! Secrets: their sources, and that no output shows them.

use super::{HOUSE, fine, refused, refused_in_house, warned};
use crate::{
    adapters::{Credentials, Secret},
    domain::digest,
};

fn authenticated(auth: &str) -> String {
    HOUSE.replace("endpoint =", &format!("auth = {auth}\nendpoint ="))
}

#[test]
fn a_secret_comes_from_one_place() {
    let auth = |secret: &str| authenticated(&format!("{{ scheme = \"bearer\", token = {secret} }}"));
    for (secret, message) in [
        (
            "¦\"hunter2\"",
            "`token` must say where the secret is: { env = \"NAME\" }, { file = \"path\" } or { value = \"…\" }",
        ),
        ("¦{}", "`token` needs one of `env`, `file` and `value`"),
        ("¦{ env = \"KEY\", value = \"hunter2\" }", "`token` takes only one of `env`, `file` and `value`"),
        (
            "{ env = ¦\"NOT_THERE\" }",
            "`env` names the environment variable NOT_THERE, which is not set; set it and start again",
        ),
        ("{ env = ¦\"EMPTY\" }", "`env` names the environment variable EMPTY, which is empty; set it and start again"),
        (
            "¦{ env = \"BROKEN\" }",
            "`token` has characters that an HTTP header can't carry; look for a line break in it",
        ),
        (
            "{ file = ¦\"/nowhere/key\" }",
            "`file` names the file /nowhere/key, which can't be read: No such file or directory (os error 2)",
        ),
        ("{ env = \"KEY\", ¦vaule = 1 }", "`vaule` is no key of `token`; did you mean `value`?"),
    ] {
        refused(&auth(secret), &[message]);
    }
}

#[test]
fn line_breaks_at_the_end_of_a_secret_file_are_not_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "from-the-file\r\n").unwrap();
    let text = authenticated(&format!("{{ scheme = \"bearer\", token = {{ file = \"{}\" }} }}", file.display()));
    let Credentials::Bearer(token) = fine(&text).platforms[0].credentials.clone() else { panic!("a bearer token") };
    assert_eq!(token.expose(), "from-the-file");
    std::fs::write(&file, "\n").unwrap();
    assert!(super::read(&text).unwrap_err().to_string().ends_with("which is empty"));
}

#[test]
fn every_scheme_has_its_keys() {
    let key = "{ env = \"KEY\" }";
    let credentials = |auth: &str| fine(&authenticated(auth)).platforms[0].credentials.clone();
    assert_eq!(credentials("{ scheme = \"none\" }"), Credentials::None);
    let header = credentials(&format!("{{ scheme = \"header\", name = \"X-Acme-Key\", value = {key} }}"));
    let Credentials::Header { name, value } = header else { panic!("a header") };
    assert_eq!((name.as_str(), value.expose()), ("X-Acme-Key", "the-key-in-the-environment"));
    let basic = credentials(&format!("{{ scheme = \"basic\", username = \"me\", password = {key} }}"));
    let Credentials::Basic { username, password } = basic else { panic!("a password") };
    assert_eq!((username.as_str(), password.expose()), ("me", "the-key-in-the-environment"));

    refused(
        &authenticated("{ scheme = ¦\"oauth2\", client_id = \"x\" }"),
        &["`scheme` `oauth2` is not supported; supported: `none`, `header`, `query`, `bearer`, `basic`, \
           `oauth2_client_credentials`, `google_service_account` or `login_token`"],
    );
    refused(
        &authenticated(&format!("¦{{ scheme = \"bearer\", ¦value = {key} }}")),
        &[
            "`auth` needs `token`; add it, like token = { env = \"NAME\" }",
            "`value` is no key of `auth`; known: `scheme` or `token`",
        ],
    );
    refused(
        &authenticated("¦{ scheme = \"header\", name = ¦\"X Key\" }"),
        &[
            "`auth` needs `value`; add it, like value = { env = \"NAME\" }",
            "`name` must be the name of an HTTP header, like \"X-Acme-Key\"",
        ],
    );
    refused(
        &authenticated(&format!("{{ scheme = \"basic\", username = ¦\"a:b\", password = {key} }}")),
        &["`username` must not contain a colon: basic authentication ends it there"],
    );
    refused(&authenticated("¦\"bearer\""), &["`auth` must be a table, like auth = { scheme = \"none\" }"]);
}

#[test]
fn several_headers_and_query_parameters_are_added_secret_or_not() {
    let key = "{ env = \"KEY\" }";
    let auth = format!(
        "[{{ scheme = \"bearer\", token = {key} }}, {{ scheme = \"header\", name = \"X-Network\", text = \"9\" }},\n\
         {{ scheme = \"query\", name = \"api_key\", value = {key} }}, {{ scheme = \"query\", name = \"v\", text = \"2 b\" }}]"
    );
    let Credentials::Several(all) = fine(&authenticated(&auth)).platforms[0].credentials.clone() else {
        panic!("several")
    };
    let secret = || Secret::new("the-key-in-the-environment");
    let plain = |text: &str| text.to_owned();
    assert_eq!(
        all,
        [
            Credentials::Bearer(secret()),
            Credentials::PlainHeader { name: plain("X-Network"), value: plain("9") },
            Credentials::Query { name: plain("api_key"), value: secret() },
            Credentials::PlainQuery { name: plain("v"), value: plain("2 b") },
        ]
    );
    let one = fine(&authenticated("{ scheme = \"header\", name = \"X-Network\", text = \"9\" }")).platforms[0].clone();
    assert_eq!(one.credentials, Credentials::PlainHeader { name: plain("X-Network"), value: plain("9") });
}

#[test]
fn a_list_of_credentials_adds_nothing_twice() {
    let key = "{ env = \"KEY\" }";
    let list = |second: &str| authenticated(&format!("[{{ scheme = \"bearer\", token = {key} }}, ¦{second}]"));
    for (second, message) in [
        (
            format!("{{ scheme = \"basic\", username = \"me\", password = {key} }}"),
            "`auth` adds the header `authorization` twice; leave one out",
        ),
        (
            format!("{{ scheme = \"header\", name = \"Authorization\", value = {key} }}"),
            "`auth` adds the header `authorization` twice; leave one out",
        ),
        ("{ scheme = \"none\" }".to_owned(), "`auth` lists the scheme `none`, which adds nothing; leave it out"),
        ("\"bearer\"".to_owned(), "`auth` must be a list of tables, like auth = [{ scheme = \"none\" }]"),
        (
            "{ scheme = \"query\", name = \"key\" }".to_owned(),
            "`auth` needs `value`; add it, like value = { env = \"NAME\" }",
        ),
    ] {
        refused(&list(&second), &[message]);
    }
    let query = format!("{{ scheme = \"query\", name = \"key\", value = {key} }}");
    refused(
        &authenticated(&format!("[{query}, ¦{query}]")),
        &["`auth` adds the query parameter `key` twice; leave one out"],
    );
    refused(
        &authenticated("¦[]"),
        &["`auth` is an empty list; leave it out, or list what the host adds to each request"],
    );
    refused(
        &authenticated(&format!("{{ scheme = \"query\", name = \"key\", value = {key}, text = ¦\"9\" }}")),
        &["only one of `value`, which is secret, and `text`, which is not, can be set"],
    );
    refused(
        &authenticated("{ scheme = \"header\", name = \"X-Network\", text = ¦\"9\\n\" }"),
        &["`text` has characters that an HTTP header can't carry"],
    );
}

#[test]
fn a_token_is_long_enough_and_travels_in_a_header() {
    let token = "[[tokens]]\nname = \"t\"\nrole = \"operator\"\n";
    refused_in_house(
        &format!("{token}secret = ¦{{ value = \"hunter2\" }}\n"),
        &[
            "`secret` must have 24 characters at least, so that nobody guesses it (`flightdeck token create` makes one); for \
         a demonstration say allow_weak = true",
        ],
    );
    refused_in_house(
        &format!("{token}secret = ¦{{ value = \"hunter2 and many more words\" }}\n"),
        &["`secret` must be ASCII without spaces and line breaks: it travels in a header"],
    );
    let digest = digest::sha256(b"the-key-in-the-environment");
    refused_in_house(
        &format!("{token}secret = {{ env = \"KEY\" }}\nsha256 = ¦\"{digest}\"\n"),
        &["a token takes `secret` or `sha256`, not both; leave one out"],
    );
    refused_in_house(
        &format!("¦{token}"),
        &["[[tokens]] needs `secret`; add it, like secret = { env = \"ANNAS_TOKEN\" }, or the token's `sha256`"],
    );
    for secret in ["secret = { env = \"KEY\" }".to_owned(), format!("sha256 = \"{}\"", digest.to_uppercase())] {
        assert_eq!(fine(&format!("{HOUSE}{token}{secret}\n")).tokens[0].sha256, digest);
    }
}

#[test]
fn a_token_is_not_called_what_the_audit_log_calls_the_host() {
    let reserved = "`name` must not be what the audit log calls the host itself: flightdeck, or command line";
    for name in ["flightdeck", "Command Line", " flight-deck "] {
        let token = "role = \"operator\"\nsecret = { env = \"KEY\" }\n";
        refused_in_house(&format!("[[tokens]]\nname = ¦\"{name}\"\n{token}"), &[reserved]);
    }
}

#[test]
fn the_audited_digest_of_a_configuration_is_that_of_its_tokens_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let text =
        format!("{HOUSE}[[tokens]]\nname = \"t\"\nrole = \"operator\"\nsecret = {{ file = \"{}\" }}\n", file.display());
    let digest_with = |token: &str| {
        std::fs::write(&file, token).unwrap();
        let config = fine(&text);
        (config.digest.clone(), config.audited_digest())
    };
    let (one, same, other) = (digest_with(&"a".repeat(32)), digest_with(&"a".repeat(32)), digest_with(&"b".repeat(32)));
    assert_eq!(one, same);
    assert_eq!(one.0, other.0, "the file is the same");
    assert_ne!(one.1, other.1);
}

#[test]
fn what_stands_in_the_file_is_warned_of() {
    let plain = "stands here in plain text; prefer { env = \"NAME\" } or { file = \"path\" }";
    warned(&authenticated("{ scheme = \"bearer\", token = ¦{ value = \"hunter2\" } }"), &[&format!("`token` {plain}")]);
    let token = format!("{HOUSE}[[tokens]]\nname = \"t\"\nrole = \"operator\"\n");
    warned(
        &format!("{token}secret = ¦{{ value = \"hunter2\" }}\nallow_weak = true\n"),
        &["`secret` can be guessed: for demonstrations only"],
    );
    warned(
        &format!("{token}secret = ¦{{ value = \"0123456789abcdefghijklmn\" }}\n"),
        &["`secret` stands here in plain text; prefer `sha256`, { env = \"NAME\" } or { file = \"path\" }"],
    );
}

#[test]
fn nothing_shows_a_secret() {
    let text = authenticated("{ scheme = \"basic\", username = \"me\", password = { value = \"hunter2\" } }")
        + "[[tokens]]\nname = \"t\"\nrole = \"operator\"\nsecret = { value = \"hunter2\" }\nallow_weak = true\n";
    let config = fine(&text);
    let shown = format!("{config:?} {config:#?} {} {:?}", config.summary(), config.warnings());
    assert!(!shown.contains("hunter2"), "{shown}");
    // A mistake does not show a secret either, wherever it was written by accident.
    for stray in [
        "[server]\nlisten = \"hunter2\"\nhunter = \"hunter2\"",
        "[[tokens]]\nname = \"t\"\nrole = \"hunter2\"\nsecret = \"hunter2\"\nsha256 = \"hunter2\"\nexpires = \"hunter2\"",
        "[[tokens]]\nsecret = { value = \"hunter2\" }",
        "[[tokens]]\nsecret = { value = \"hunter2\" \"hunter2\" }",
        "[[platforms]]\nname = \"b\"\nadapter = \"b\"\nendpoint = \"https://me:hunter2@b.example\"",
    ] {
        let errors = super::read(&format!("{HOUSE}{stray}\n")).unwrap_err();
        assert!(!format!("{errors} {errors:?}").contains("hunter2"), "{errors}");
    }
}

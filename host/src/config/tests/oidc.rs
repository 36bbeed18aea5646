//! `[desk.oidc]`: what is needed, what is left to the defaults, and what is refused.

use super::{PUBLISHER, fine, refused, warned};

const PROVIDER: &str = r#"[desk.oidc]
issuer = "https://login.example/realms/acme/"
client_id = "flightdeck"
client_secret = { env = "KEY" }
public_url = "https://desk.example"
reviewers = ["ad-operations"]
"#;

fn with(line: &str, instead: &str) -> String {
    assert!(PROVIDER.contains(line), "{line}");
    format!("{PUBLISHER}{}", PROVIDER.replace(line, instead))
}

#[test]
fn a_provider_needs_little_and_its_name_is_kept_letter_by_letter() {
    assert_eq!(fine(PUBLISHER).desk.oidc, None);
    let oidc = fine(&with("", "")).desk.oidc.unwrap();
    assert_eq!(oidc.issuer, "https://login.example/realms/acme/");
    assert_eq!(oidc.redirect_uri(), "https://desk.example/admin/oidc/callback");
    assert_eq!((&*oidc.name, &*oidc.person_claim, &*oidc.groups_claim), ("single sign-on", "email", "groups"));
    assert_eq!((oidc.scopes.join(" "), oidc.operators.len()), ("openid email profile".to_owned(), 0));
    assert_eq!(oidc.client_secret.expose(), "the-key-in-the-environment");
    assert!(!format!("{oidc:?}").contains("the-key"), "{oidc:?}");
    for issuer in ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000"] {
        fine(&with("https://login.example/realms/acme/", issuer));
    }
}

#[test]
fn what_a_provider_lacks_is_said() {
    refused(
        &format!("{PUBLISHER}¦¦¦¦¦[desk.oidc]\n"),
        &[
            "[desk.oidc] needs `client_id`; add it, like client_id = \"flightdeck\"",
            "[desk.oidc] needs `client_secret`; add it, like client_secret = { env = \"NAME\" }",
            "[desk.oidc] needs `issuer`; add it, like issuer = \"https://login.example\"",
            "[desk.oidc] needs `public_url`; add it, like public_url = \"https://desk.example\"",
            "[desk.oidc] needs `reviewers`; add it, like reviewers = [\"ad-operations\"], or `operators`: the groups that may \
             sign in",
        ],
    );
    refused(
        &format!("{PUBLISHER}[desk]\noidc = ¦\"https://login.example\"\n"),
        &["`oidc` must be a section: write [desk.oidc] on a line of its own"],
    );
}

#[test]
fn what_others_could_read_or_change_on_the_way_is_refused() {
    let https = "must begin with https://, unless it is on this machine, like \"http://127.0.0.1:9000\"";
    for (line, instead, message) in [
        ("\"https://login.example/realms/acme/\"", "¦\"http://login.example\"", format!("`issuer` {https}")),
        ("\"https://desk.example\"", "¦\"http://desk.example\"", format!("`public_url` {https}")),
        (
            "\"https://desk.example\"",
            "¦\"https://acme.example/desk\"",
            "`public_url` must have no path: the desk is at /admin of its host".to_owned(),
        ),
        (
            "{ env = \"KEY\" }",
            "¦\"hunter2\"",
            "`client_secret` must say where the secret is: { env = \"NAME\" }, { file = \"path\" } or { value = \"…\" }"
                .to_owned(),
        ),
        ("[\"ad-operations\"]", "¦[]", "`reviewers` is empty; leave it out, or name a group".to_owned()),
        (
            "reviewers",
            "scopes = ¦[\"email\"]\nreviewers",
            "`scopes` must contain \"openid\": without it the provider says nothing of the person".to_owned(),
        ),
        (
            "reviewers",
            "scopes = [\"openid\", ¦\"e mail\"]\nreviewers",
            "`scopes` must be a scope: a word without spaces, quotes and backslashes".to_owned(),
        ),
    ] {
        refused(&with(line, instead), &[&message]);
    }
    warned(
        &with("{ env = \"KEY\" }", "¦{ value = \"hunter2\" }"),
        &["`client_secret` stands here in plain text; prefer { env = \"NAME\" } or { file = \"path\" }"],
    );
}

#[test]
fn a_token_is_not_called_like_somebody_of_the_provider() {
    let token = "[[tokens]]\nname = ¦\"oidc:anna@acme.example\"\nrole = \"reviewer\"\nsecret = { env = \"KEY\" }\n";
    refused(
        &format!("{PUBLISHER}{token}"),
        &["`name` must not begin with `oidc:`: so are those called who sign in at the OpenID provider"],
    );
}

//! `auth`: the credentials that are added to requests, by `scheme`. A list adds all of its
//! elements.
//!
//! | scheme | keys | sends |
//! |---|---|---|
//! | `none` | | nothing |
//! | `header` | `name`, `value` or `text` | a custom header |
//! | `query` | `name`, `value` or `text` | a query parameter |
//! | `bearer` | `token` | `Authorization: Bearer …` |
//! | `basic` | `username`, `password` | `Authorization: Basic …` |
//! | `oauth2_client_credentials` | `token_url`, `client_id`, `client_secret`, `scope` | a bearer token, fetched first |
//! | `google_service_account` | `key`, `scope`, `token_url` | a bearer token, fetched with a signed assertion |
//! | `login_token` | `url`, `username`, `password`, `username_field`, `password_field`, `token`, `lifetime` | a bearer token, fetched with a user's login |

use std::{collections::BTreeSet, time::Duration};

use http::HeaderValue;

use super::{address, address_if_any, check_reachable};
use crate::{
    adapters::{Credentials, Grant, Secret, ServiceAccountKey, TokenGrant},
    config::{
        mistake::{any_of, nearest},
        reader::{Node, Read},
        secret,
        section::Section,
        values,
    },
    network::{allow_list::AllowList, base_url::BaseUrl},
};

#[derive(Debug, Clone, Copy)]
enum Scheme {
    None,
    Header,
    Query,
    Bearer,
    Basic,
    ClientCredentials,
    ServiceAccount,
    Login,
}

const SCHEMES: &[(&str, Scheme)] = &[
    ("none", Scheme::None),
    ("header", Scheme::Header),
    ("query", Scheme::Query),
    ("bearer", Scheme::Bearer),
    ("basic", Scheme::Basic),
    ("oauth2_client_credentials", Scheme::ClientCredentials),
    ("google_service_account", Scheme::ServiceAccount),
    ("login_token", Scheme::Login),
];

/// The default lifetime of a login token whose response names none.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// An example of `auth` in TOML syntax.
const EXAMPLE: &str = "{ scheme = \"none\" }";

/// Reads `auth`: one table, or a list of them.
pub(super) fn credentials(section: &Section<'_>, allow_list: &AllowList) -> Option<Credentials> {
    let Some(node) = section.get("auth") else { return Some(Credentials::None) };
    let Some(elements) = node.elements() else {
        return section.table("auth", EXAMPLE, |table| read(table, allow_list));
    };
    if elements.is_empty() {
        section.wrong(node.at, "`auth` is an empty list; leave it out, or list what the host adds to each request");
        return None;
    }
    let mut found = Vec::new();
    let mut added = BTreeSet::new();
    for element in &elements {
        let Some(one) = section.inside(*element, "`auth`".to_owned(), |table| read(table, allow_list)) else {
            section.wrong(element.at, format!("`auth` must be a list of tables, like auth = [{EXAMPLE}]"));
            continue;
        };
        // What is wrong with an element was recorded when it was read.
        let Some(one) = one else { continue };
        match what_is_added(&one) {
            None => section.wrong(element.at, "`auth` lists the scheme `none`, which adds nothing; leave it out"),
            Some(what) if !added.insert(what.clone()) => {
                section.wrong(element.at, format!("`auth` adds {what} twice; leave one out"));
            }
            Some(_) => found.push(one),
        }
    }
    (found.len() == elements.len()).then_some(Credentials::Several(found))
}

/// Returns what credentials add to a request, in words. Two elements of a list must not add the
/// same.
fn what_is_added(credentials: &Credentials) -> Option<String> {
    match credentials {
        Credentials::None | Credentials::Several(_) => None,
        Credentials::Header { name, .. } | Credentials::PlainHeader { name, .. } => {
            Some(format!("the header `{}`", name.to_ascii_lowercase()))
        }
        Credentials::Query { name, .. } | Credentials::PlainQuery { name, .. } => {
            Some(format!("the query parameter `{name}`"))
        }
        Credentials::Bearer(_) | Credentials::Basic { .. } | Credentials::Token(_) => {
            Some("the header `authorization`".to_owned())
        }
    }
}

/// A value as it is configured.
enum Given {
    Secret(Secret),
    Plain(String),
}

/// Reads `value`, which is secret, or `text`, which is not.
fn given(
    section: &Section<'_>,
    secret: impl FnOnce() -> Option<Secret>,
    text: impl FnOnce(Node<'_>) -> Read<String>,
) -> Option<Given> {
    if section.get("text").is_none() {
        return secret().map(Given::Secret);
    }
    if section.get("value").is_some() {
        section.wrong(
            section.place_of("text"),
            "only one of `value`, which is secret, and `text`, which is not, can be set",
        );
        return None;
    }
    section.optional("text", text).map(Given::Plain)
}

/// Reads a text that a header can carry.
fn header_text(node: Node<'_>) -> Read<String> {
    let text = values::text(node)?;
    if HeaderValue::from_str(text).is_ok() {
        Ok(text.to_owned())
    } else {
        Err("has characters that an HTTP header can't carry".to_owned())
    }
}

fn header(section: &Section<'_>) -> Option<Credentials> {
    let name = section.required("name", "\"X-Acme-Key\"", values::header_name);
    let given = given(section, || sendable(section, "value"), header_text);
    match (name?, given?) {
        (name, Given::Secret(value)) => Some(Credentials::Header { name, value }),
        (name, Given::Plain(value)) => Some(Credentials::PlainHeader { name, value }),
    }
}

fn query(section: &Section<'_>) -> Option<Credentials> {
    let name = section.required("name", "\"api_key\"", values::words);
    let secret = || secret::required(section, "value").map(|found| found.secret);
    let given = given(section, secret, |node| values::text(node).map(str::to_owned));
    match (name?, given?) {
        (name, Given::Secret(value)) => Some(Credentials::Query { name, value }),
        (name, Given::Plain(value)) => Some(Credentials::PlainQuery { name, value }),
    }
}

/// Reads one table of `auth`.
fn read(section: &Section<'_>, allow_list: &AllowList) -> Option<Credentials> {
    let Some(scheme) = section.required("scheme", "\"bearer\"", scheme) else {
        // The keys of an unknown scheme are not known either.
        section.take_any_key();
        return None;
    };
    match scheme {
        Scheme::None => Some(Credentials::None),
        Scheme::Header => header(section),
        Scheme::Query => query(section),
        Scheme::Bearer => sendable(section, "token").map(Credentials::Bearer),
        Scheme::Basic => {
            let username = section.required("username", "\"flightdeck\"", |node| {
                values::words(node).and_then(|name| {
                    if name.contains(':') {
                        Err("must not contain a colon: basic authentication ends it there".to_owned())
                    } else {
                        Ok(name)
                    }
                })
            });
            let password = secret::required(section, "password").map(|found| found.secret);
            Some(Credentials::Basic { username: username?, password: password? })
        }
        Scheme::ClientCredentials => client_credentials(section, allow_list),
        Scheme::ServiceAccount => service_account(section, allow_list),
        Scheme::Login => login(section, allow_list),
    }
}

fn client_credentials(section: &Section<'_>, allow_list: &AllowList) -> Option<Credentials> {
    let url = address(section, "token_url", "\"https://login.acme.example/oauth/token\"", allow_list);
    let client_id = section.required("client_id", "\"flightdeck\"", values::words);
    let client_secret = secret::required(section, "client_secret").map(|found| found.secret);
    let scope = section.optional("scope", values::words);
    let grant = Grant::ClientCredentials { client_id: client_id?, client_secret: client_secret?, scope };
    Some(Credentials::Token(Box::new(TokenGrant { url: url?, grant })))
}

fn service_account(section: &Section<'_>, allow_list: &AllowList) -> Option<Credentials> {
    let key = secret::required(section, "key").and_then(|found| {
        ServiceAccountKey::parse(found.secret.expose())
            .map_err(|error| section.wrong(found.at, format!("`key` {error}")))
            .ok()
    });
    let scope = section.required("scope", "\"https://acme.example/auth/ads\"", values::words);
    let named = address_if_any(section, "token_url", allow_list);
    let key = key?;
    let url = match (section.get("token_url"), named) {
        (Some(_), named) => named?,
        (None, _) => match key.token_uri.parse::<BaseUrl>() {
            Ok(url) => {
                check_reachable(section, "key", section.place_of("key"), url.origin(), allow_list);
                url
            }
            Err(must) => {
                section.wrong(section.place_of("key"), format!("`key` has a `token_uri` that {must}"));
                return None;
            }
        },
    };
    Some(Credentials::Token(Box::new(TokenGrant { url, grant: Grant::ServiceAccount { key, scope: scope? } })))
}

fn login(section: &Section<'_>, allow_list: &AllowList) -> Option<Credentials> {
    let url = address(section, "url", "\"https://login.acme.example/token\"", allow_list);
    let username = section.required("username", "\"flightdeck\"", values::words);
    let password = secret::required(section, "password").map(|found| found.secret);
    let fields = (
        section.or("username_field", "username".to_owned(), values::words),
        section.or("password_field", "password".to_owned(), values::words),
    );
    let token = section.or("token", "/token".to_owned(), pointer);
    let lifetime = section.or("lifetime", LIFETIME, values::duration);
    let grant = Grant::Login { fields, username: username?, password: password?, token, lifetime };
    Some(Credentials::Token(Box::new(TokenGrant { url: url?, grant })))
}

fn pointer(node: Node<'_>) -> Read<String> {
    let text = values::text(node)?;
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("must be a JSON pointer, like \"/data/token\"".to_owned())
    }
}

fn scheme(node: Node<'_>) -> Read<Scheme> {
    let text = values::text(node)?;
    let names = || SCHEMES.iter().map(|(name, _)| *name);
    SCHEMES.iter().find(|(name, _)| *name == text).map(|(_, scheme)| *scheme).ok_or_else(|| {
        let hint = nearest(text, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("`{text}` is not supported; supported: {}{hint}", any_of(names()))
    })
}

/// Reads a secret that can be sent in a header as it is.
fn sendable(section: &Section<'_>, key: &'static str) -> Option<Secret> {
    let found = secret::required(section, key)?;
    if HeaderValue::from_str(found.secret.expose()).is_err() {
        section.wrong(
            found.at,
            format!("`{key}` has characters that an HTTP header can't carry; look for a line break in it"),
        );
    }
    Some(found.secret)
}

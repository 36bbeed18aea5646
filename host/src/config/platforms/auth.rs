//! `auth`: the credentials that are added to requests, by `scheme`.
//!
//! | scheme | keys | sends |
//! |---|---|---|
//! | `none` | | nothing |
//! | `header` | `name`, `value` | a custom header |
//! | `bearer` | `token` | `Authorization: Bearer …` |
//! | `basic` | `username`, `password` | `Authorization: Basic …` |
//! | `oauth2_client_credentials` | `token_url`, `client_id`, `client_secret`, `scope` | a bearer token, fetched first |
//! | `google_service_account` | `key`, `scope`, `token_url` | a bearer token, fetched with a signed assertion |
//! | `login_token` | `url`, `username`, `password`, `username_field`, `password_field`, `token`, `lifetime` | a bearer token, fetched with a user's login |

use std::time::Duration;

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
    Bearer,
    Basic,
    ClientCredentials,
    ServiceAccount,
    Login,
}

const SCHEMES: &[(&str, Scheme)] = &[
    ("none", Scheme::None),
    ("header", Scheme::Header),
    ("bearer", Scheme::Bearer),
    ("basic", Scheme::Basic),
    ("oauth2_client_credentials", Scheme::ClientCredentials),
    ("google_service_account", Scheme::ServiceAccount),
    ("login_token", Scheme::Login),
];

/// The default lifetime of a login token whose response names none.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Reads `auth`.
pub(super) fn read(section: &Section<'_>, allow_list: &AllowList) -> Option<Credentials> {
    let Some(scheme) = section.required("scheme", "\"bearer\"", scheme) else {
        // The keys of an unknown scheme are not known either.
        section.take_any_key();
        return None;
    };
    match scheme {
        Scheme::None => Some(Credentials::None),
        Scheme::Header => {
            let name = section.required("name", "\"X-Acme-Key\"", values::header_name);
            let value = sendable(section, "value");
            Some(Credentials::Header { name: name?, value: value? })
        }
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

//! `auth`: what is added to requests, by its `scheme`.
//!
//! | scheme | keys | sends |
//! |---|---|---|
//! | `none` | | nothing |
//! | `header` | `name`, `value` | a header of the platform's own |
//! | `bearer` | `token` | `Authorization: Bearer …` |
//! | `basic` | `username`, `password` | `Authorization: Basic …` |

use http::HeaderValue;

use crate::{
    adapters::{Credentials, Secret},
    config::{
        mistake::{any_of, nearest},
        reader::{Node, Read},
        secret,
        section::Section,
        values,
    },
};

#[derive(Debug, Clone, Copy)]
enum Scheme {
    None,
    Header,
    Bearer,
    Basic,
}

const SCHEMES: &[(&str, Scheme)] =
    &[("none", Scheme::None), ("header", Scheme::Header), ("bearer", Scheme::Bearer), ("basic", Scheme::Basic)];

/// Reads `auth`.
pub(super) fn read(section: &Section<'_>) -> Option<Credentials> {
    let Some(scheme) = section.required("scheme", "\"bearer\"", scheme) else {
        // Nobody can say which keys belong to a scheme that is not known.
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
    }
}

fn scheme(node: Node<'_>) -> Read<Scheme> {
    let text = values::text(node)?;
    let names = || SCHEMES.iter().map(|(name, _)| *name);
    SCHEMES.iter().find(|(name, _)| *name == text).map(|(_, scheme)| *scheme).ok_or_else(|| {
        let hint = nearest(text, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("`{text}` is not supported yet; supported: {}{hint}", any_of(names()))
    })
}

/// A secret that a header can carry as it is.
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

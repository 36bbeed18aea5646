//! Ad servers: the address of each, its adapter, the authentication of requests, and its limits.

use std::{path::PathBuf, str::FromStr};

use super::{
    reader::{Kind, Node, Read},
    section::Section,
    values,
};
use crate::{
    adapters::{Limits, PatternError, PlatformConfig, PublicKey},
    domain::id::PlatformName,
    network::{
        addresses::is_public,
        allow_list::{AllowList, AllowedAddress},
        base_url::{BaseUrl, BaseUrlError},
        origins::Origin,
    },
};

mod auth;
mod limits;

/// The prefix of the ids of buys that span several platforms.
const RESERVED: &str = "multi";

/// Reads one entry of `[[platforms]]`.
pub(super) fn read(section: &Section<'_>) -> Option<PlatformConfig> {
    let name = section.defined("name", Kind::Platform, "\"acme\"", name);
    let component = section.optional("adapter", |node| component(section, node));
    let allow_private = section.list("allow_private", values::parsed).unwrap_or_default();
    let endpoint = address(section, "endpoint", "\"https://api.acme.example\"", &AllowList::new(&allow_private));
    rest(section, allow_private, Named { name, component, endpoint })
}

/// What every platform must have. `None` is a mistake that was recorded.
pub(super) struct Named {
    pub(super) name: Option<String>,
    pub(super) component: Option<PathBuf>,
    pub(super) endpoint: Option<BaseUrl>,
}

/// Reads the keys of a platform that are not its name, its adapter and its endpoint.
pub(super) fn rest(
    section: &Section<'_>,
    allow_private: Vec<AllowedAddress>,
    Named { name, component, endpoint }: Named,
) -> Option<PlatformConfig> {
    let trusted_keys = trusted_keys(section);
    let allow_list = AllowList::new(&allow_private);
    let endpoint_aliases = aliases(section, endpoint.as_ref());
    let origins = origins(section, endpoint.as_ref(), &allow_list);
    let credentials = auth::credentials(section, &allow_list);
    let read_requests = requests(section, "read_requests");
    let write_requests = requests(section, "write_requests");
    let limits = section.or_table("limits", Limits::default(), "{ memory = \"256MiB\" }", limits::read);
    let settings = section.or("settings", values::empty_object(), values::object);
    let rate_per_second = section.optional("rate_per_second", |node| values::whole(node, 1, 100_000));
    let max_concurrent_requests =
        section.or("max_concurrent_requests", PlatformConfig::MAX_CONCURRENT_REQUESTS, |node| {
            values::whole(node, 1, 10_000)
        });
    let in_doubt_wait_ms = section.or("in_doubt_wait", 0, values::short_millis);
    let processing_bound_ms = section.or("processing_bound", PlatformConfig::PROCESSING_BOUND_MS, values::short_millis);
    let record_failures = section.or("record_failures", false, values::flag);
    Some(PlatformConfig {
        name: PlatformName::from(name?),
        component,
        trusted_keys,
        endpoint: endpoint?,
        endpoint_aliases,
        origins,
        allow_private,
        credentials: credentials?,
        read_requests,
        write_requests,
        settings,
        limits: limits?,
        rate_per_second,
        max_concurrent_requests,
        in_doubt_wait_ms,
        processing_bound_ms,
        connect_timeout: PlatformConfig::CONNECT_TIMEOUT,
        record_failures,
    })
}

fn name(node: Node<'_>) -> Read<String> {
    let name = values::identifier(node)?;
    if name == RESERVED {
        return Err(format!("must not be `{RESERVED}`: so begin the ids of buys on several platforms"));
    }
    Ok(name)
}

fn component(section: &Section<'_>, node: Node<'_>) -> Read<PathBuf> {
    let path = section.reader().path(values::text(node)?);
    if section.reader().is_file(&path) {
        Ok(path)
    } else {
        Err(format!("names {}, which is no file; build the adapter or correct the path", path.display()))
    }
}

/// Reads `trusted_keys`: the keys of which one must have signed the adapter. An empty list would
/// look as if it trusted nobody, and mean that everybody is trusted.
fn trusted_keys(section: &Section<'_>) -> Vec<PublicKey> {
    let instead = "name one public key at least, or leave it out to take adapters without a signature";
    section.some_of("trusted_keys", instead, values::parsed).unwrap_or_default()
}

/// Reads a required address: a string or `{ env = "…" }`. `example` is an example in TOML syntax.
fn address(section: &Section<'_>, key: &'static str, example: &str, allow_list: &AllowList) -> Option<BaseUrl> {
    if section.get(key).is_none() {
        section.missing(key, example);
        return None;
    }
    address_if_any(section, key, allow_list)
}

/// Like [`address`], but optional.
fn address_if_any(section: &Section<'_>, key: &'static str, allow_list: &AllowList) -> Option<BaseUrl> {
    let node = section.get(key)?;
    let url: BaseUrl = if node.is_table() {
        section.table_if_table(key, |table| {
            let named = |node: Node<'_>| {
                let name = values::text(node)?;
                let text = section.reader().environment(name)?;
                text.parse()
                    .map_err(|must: BaseUrlError| format!("names the environment variable {name}, whose value {must}"))
            };
            table.required("env", "\"ACME_ENDPOINT\"", named)
        })
    } else {
        section.optional(key, values::parsed)
    }?;
    check_reachable(section, key, node.at, url.origin(), allow_list);
    Some(url)
}

/// Reads `endpoint_aliases`: other addresses of the same ad server. Nothing is sent to them.
fn aliases(section: &Section<'_>, endpoint: Option<&BaseUrl>) -> Vec<BaseUrl> {
    let https = endpoint.is_some_and(|endpoint| endpoint.origin().is_https());
    let listed = section.list("endpoint_aliases", |node| {
        let url: BaseUrl = values::parsed(node)?;
        if https && !url.origin().is_https() {
            return Err("must be reached by https, as `endpoint` is".to_owned());
        }
        Ok(url)
    });
    listed.unwrap_or_default()
}

/// Reads `origins`: the other origins that the adapter may reach. The origin of the endpoint is
/// always included.
fn origins(section: &Section<'_>, endpoint: Option<&BaseUrl>, allow_list: &AllowList) -> Vec<Origin> {
    let listed = section.list("origins", |node| {
        let origin: Origin = values::parsed(node)?;
        check_reachable(section, "origins", node.at, &origin, allow_list);
        Ok(origin)
    });
    let mut all: Vec<Origin> = endpoint.map(|endpoint| endpoint.origin().clone()).into_iter().collect();
    for origin in listed.unwrap_or_default() {
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    all
}

/// Reads patterns of requests whose HTTP method is misleading, such as a `POST` that only reads.
fn requests<T: FromStr<Err = PatternError>>(section: &Section<'_>, key: &'static str) -> Vec<T> {
    let pattern = |node: Node<'_>| {
        values::text(node)?.parse().map_err(|error| format!("has a pattern that can't be taken: {error}"))
    };
    section.list(key, pattern).unwrap_or_default()
}

/// Refuses an origin that can't be dialled, and warns if it is not encrypted.
///
/// The adapters' egress decides what may be dialled, for each request and after names are resolved.
/// This function checks only what is certain in advance, so that it can be reported with its line.
fn check_reachable(section: &Section<'_>, key: &str, at: usize, origin: &Origin, allow_list: &AllowList) {
    let allowed = allow_list.names(origin);
    let private = origin.certain_address().is_some_and(|address| !is_public(address));
    if private && !allowed {
        let (host, port) = (&origin.host, origin.port);
        section.wrong(
            at,
            format!("`{key}` is the private address {host}; if it is meant, add \"{host}:{port}\" to `allow_private`"),
        );
    } else if !origin.is_https() && !allowed {
        section.warn(at, format!("`{key}` is reached without encryption, credentials and all; prefer https"));
    }
}

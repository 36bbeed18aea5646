//! Ad servers: where each is, which adapter speaks to it, how requests are authenticated, and what it may use.

use std::path::PathBuf;

use super::{
    addresses::{Allowed, BaseUrl},
    reader::{Kind, Node, Read},
    section::Section,
    values,
};
use crate::{
    adapters::{Credentials, Limits, PatternError, PlatformConfig, check_read_request, check_write_request},
    domain::id::PlatformName,
};

mod auth;
mod limits;

/// The ids of buys on several platforms begin with it.
const RESERVED: &str = "multi";

/// Reads one of `[[platforms]]`.
pub(super) fn read(section: &Section<'_>) -> Option<PlatformConfig> {
    let name = section.defined("name", Kind::Platform, "\"acme\"", name);
    let component = section.required("adapter", "\"adapters/acme.wasm\"", |node| component(section, node));
    let allow_private = section.list("allow_private", |node| Allowed::parse(values::text(node)?)).unwrap_or_default();
    let endpoint = address(section, "endpoint", "\"https://api.acme.example\"", &allow_private);
    let aliases = aliases(section, endpoint.as_ref());
    let origins = origins(section, endpoint.as_ref(), &allow_private);
    let credentials =
        section.or_table("auth", Credentials::None, "{ scheme = \"none\" }", |table| auth::read(table, &allow_private));
    let read_requests = requests(section, "read_requests", check_read_request);
    let write_requests = requests(section, "write_requests", check_write_request);
    let limits = section.or_table("limits", Limits::default(), "{ memory = \"256MiB\" }", limits::read);
    let defaults = PlatformConfig::new("", "", "");
    let settings = section.or("settings", defaults.settings, values::object);
    let rate_per_second = section.optional("rate_per_second", |node| values::whole(node, 1, 100_000));
    let max_concurrent_requests =
        section.or("max_concurrent_requests", defaults.max_concurrent_requests, |node| values::whole(node, 1, 10_000));
    let in_doubt_wait_ms = section.or("in_doubt_wait", defaults.in_doubt_wait_ms, values::short_millis);
    let processing_bound_ms = section.or("processing_bound", defaults.processing_bound_ms, values::short_millis);
    Some(PlatformConfig {
        name: PlatformName::from(name?),
        component: component?,
        endpoint: endpoint?.as_str().to_owned(),
        endpoint_aliases: aliases,
        origins: origins.iter().map(BaseUrl::origin).collect(),
        allow_private: allow_private.iter().map(ToString::to_string).collect(),
        credentials: credentials?,
        read_requests,
        write_requests,
        settings,
        limits: limits?,
        rate_per_second,
        max_concurrent_requests,
        in_doubt_wait_ms,
        processing_bound_ms,
        connect_timeout: defaults.connect_timeout,
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

/// Reads an address that must be there, a text or `{ env = "…" }`. The example is one as TOML writes it.
fn address(section: &Section<'_>, key: &'static str, example: &str, allow_private: &[Allowed]) -> Option<BaseUrl> {
    if section.get(key).is_none() {
        section.missing(key, example);
        return None;
    }
    address_if_any(section, key, allow_private)
}

/// As [`address`], which may be left out.
fn address_if_any(section: &Section<'_>, key: &'static str, allow_private: &[Allowed]) -> Option<BaseUrl> {
    let node = section.get(key)?;
    let url = if node.is_table() {
        section.table_if_table(key, |table| {
            let named = |node: Node<'_>| {
                let name = values::text(node)?;
                let text = section.reader().environment(name)?;
                BaseUrl::parse(&text)
                    .map_err(|must| format!("names the environment variable {name}, whose value {must}"))
            };
            table.required("env", "\"ACME_ENDPOINT\"", named)
        })
    } else {
        section.optional(key, |node| BaseUrl::parse(values::text(node)?))
    }?;
    judge(section, key, node.at, &url, allow_private);
    Some(url)
}

/// Reads `endpoint_aliases`: other addresses of the same ad server, where nothing is sent to.
fn aliases(section: &Section<'_>, endpoint: Option<&BaseUrl>) -> Vec<String> {
    let https = endpoint.is_some_and(BaseUrl::is_https);
    let listed = section.list("endpoint_aliases", |node| {
        let url = BaseUrl::parse(values::text(node)?)?;
        if https && !url.is_https() {
            return Err("must be reached by https, as `endpoint` is".to_owned());
        }
        Ok(url.as_str().to_owned())
    });
    listed.unwrap_or_default()
}

/// Reads `origins`: what else the adapter may reach. The endpoint's own origin always belongs to them.
fn origins(section: &Section<'_>, endpoint: Option<&BaseUrl>, allow_private: &[Allowed]) -> Vec<BaseUrl> {
    let listed = section.list("origins", |node| {
        let url = BaseUrl::parse(values::text(node)?)?;
        if !url.is_origin() {
            return Err("must be scheme, host and port without a path, like \"https://files.acme.example\"".to_owned());
        }
        judge(section, "origins", node.at, &url, allow_private);
        Ok(url)
    });
    let mut all: Vec<BaseUrl> = endpoint.cloned().into_iter().collect();
    for url in listed.unwrap_or_default() {
        if all.iter().all(|known| known.origin() != url.origin()) {
            all.push(url);
        }
    }
    all
}

/// Reads patterns of requests that are not what their method says.
fn requests(section: &Section<'_>, key: &'static str, check: fn(&str) -> Result<(), PatternError>) -> Vec<String> {
    let pattern = |node: Node<'_>| {
        let pattern = values::text(node)?;
        check(pattern)
            .map(|()| pattern.to_owned())
            .map_err(|error| format!("has a pattern that can't be taken: {error}"))
    };
    section.list(key, pattern).unwrap_or_default()
}

/// Refuses what could not be dialled, and warns of what is not encrypted.
///
/// What may be dialled is decided by the adapters' egress, for each request and after names were looked up. This is
/// only the part that is certain beforehand, so that it is said with its line.
fn judge(section: &Section<'_>, key: &str, at: usize, url: &BaseUrl, allow_private: &[Allowed]) {
    let allowed = allow_private.iter().any(|entry| entry.covers(url));
    if url.is_private() && !allowed {
        let (host, port) = url.host_and_port();
        section.wrong(
            at,
            format!("`{key}` is the private address {host}; if it is meant, add \"{host}:{port}\" to `allow_private`"),
        );
    } else if !url.is_https() && !allowed {
        section.warn(at, format!("`{key}` is reached without encryption, credentials and all; prefer https"));
    }
}

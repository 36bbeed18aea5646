//! Inspects a component file without installing it: `flightdeck adapter inspect FILE`, optionally
//! compared with another one.

use std::{path::Path, sync::Arc};

use serde::Serialize;
use wasmtime::component::Component;

use super::{
    PlatformConfig, compatibility,
    description::Subject,
    egress::{PlatformEgress, Requests},
    engine::{EngineOptions, Runtime},
    limits::Limits,
    release::InstallError,
    signature::{self, ComponentSignature},
};
use crate::{
    domain::{capability::Capabilities, digest},
    network::base_url::BaseUrlError,
};

/// The endpoint given to a component that is only described: no request may leave.
const NOWHERE: &str = "https://inspect.invalid";

/// What a component file contains.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// Size in bytes.
    pub size: usize,
    /// SHA-256 of the file.
    pub digest: String,
    /// The signatures that it carries, whoever made them.
    pub signatures: Vec<ComponentSignature>,
    /// Why its signatures can't be read.
    pub signature_problem: Option<String>,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// The interfaces that it exports.
    pub exports: Vec<String>,
    /// The contract version that it was built for, if it is an adapter.
    pub contract: Option<String>,
    /// Why this host can't use it.
    pub problem: Option<String>,
    /// Its own description, if this host can use it.
    pub description: Option<Capabilities>,
}

impl Inspection {
    /// Returns its description, if this host can use it.
    ///
    /// # Errors
    /// Why this host can't, in words.
    pub fn usable(self) -> Result<Capabilities, String> {
        match (self.description, self.problem) {
            (Some(described), None) => Ok(described),
            (_, problem) => Err(problem.unwrap_or_else(|| "it can't be used".to_owned())),
        }
    }

    /// Returns the configuration lines that its platform needs to grant what it asks for.
    pub fn asks(&self) -> Vec<String> {
        let Some(description) = &self.description else { return Vec::new() };
        let lists = [("read_requests", &description.read_requests), ("write_requests", &description.write_requests)];
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(key, list)| line(key, list)).collect()
    }

    /// Returns the keys whose signatures match it.
    fn signers(&self) -> Vec<String> {
        let valid = self.signatures.iter().filter(|signature| signature.valid);
        valid.map(|signature| signature.key.to_string()).collect()
    }

    /// Returns what it asks for and does beyond another one, one line each: what an operator should
    /// review before replacing that one with it.
    pub fn growth(&self, other: &Self) -> Vec<String> {
        let mut lines = new_in("imports", &self.imports, &other.imports);
        lines.extend(new_in("is no longer signed by", &other.signers(), &self.signers()));
        if let (Some(mine), Some(theirs)) = (&self.description, &other.description) {
            let requests = |of: &Capabilities| Requests::parse(&of.read_requests, &[]).unwrap_or_default();
            let asked = requests(mine);
            let more: Vec<String> = requests(theirs).missing(&asked).into_iter().map(str::to_owned).collect();
            if !more.is_empty() {
                lines.push(format!("asks for more requests to pass as reads: {}", line("read_requests", &more)));
            }
            let dropped = new_in("no longer declares the write", &theirs.write_requests, &mine.write_requests);
            lines.extend(dropped);
            lines.extend(new_in(
                "needs the setting",
                &required(&mine.settings_schema),
                &required(&theirs.settings_schema),
            ));
            lines.extend(new_in("takes the format", &words(&mine.formats), &words(&theirs.formats)));
            let dimensions = |of: &Capabilities| words(&of.targeting.iter().map(|s| s.dimension).collect::<Vec<_>>());
            lines.extend(new_in("targets by", &dimensions(mine), &dimensions(theirs)));
            lines.extend(new_in("updates", &mine.updates, &theirs.updates));
        }
        lines
    }
}

/// Formats a list of texts as a line of the configuration.
pub(super) fn line(key: &str, list: &[String]) -> String {
    let quoted: Vec<String> = list.iter().map(|text| format!("{text:?}")).collect();
    format!("{key} = [{}]", quoted.join(", "))
}

fn words<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// Returns the names of the required settings.
fn required(schema: &serde_json::Value) -> Vec<String> {
    let names = schema.get("required").and_then(serde_json::Value::as_array).into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn new_in(what: &str, mine: &[String], theirs: &[String]) -> Vec<String> {
    mine.iter().filter(|text| !theirs.contains(text)).map(|text| format!("{what} {text}")).collect()
}

/// Inspects a component. It is compiled in this process, because this is a tool for its author, not
/// for a server.
///
/// # Errors
/// When the file can't be read or is not a component.
pub async fn inspect(path: &Path) -> Result<Inspection, InstallError> {
    let bytes = std::fs::read(path).map_err(|source| InstallError::File { path: path.to_owned(), source })?;
    let contract = |reason: String| InstallError::Contract { path: path.to_owned(), reason };
    let engine_error = |error: wasmtime::Error| contract(format!("can't be looked into: {error:#}"));
    let runtime = Runtime::start(&EngineOptions { slots: 1, pooling: false, ..EngineOptions::default() })
        .map_err(engine_error)?;
    let component = Component::from_binary(&runtime.engine, &bytes)
        .map_err(|error| contract(compatibility::with_cure(&format!("is no component: {error:#}"))))?;
    let kind = component.component_type();
    let imports: Vec<String> = kind.imports(&runtime.engine).map(|(name, _)| name.to_owned()).collect();
    let exports: Vec<String> = kind.exports(&runtime.engine).map(|(name, _)| name.to_owned()).collect();
    let version =
        exports.iter().chain(&imports).find_map(|name| compatibility::contract_version(name)).map(str::to_owned);
    let described = describe(&runtime, &component).await;
    let signed = signature::signatures(&bytes);
    Ok(Inspection {
        size: bytes.len(),
        digest: digest::sha256(&bytes),
        signature_problem: signed.as_ref().err().map(ToString::to_string),
        signatures: signed.unwrap_or_default(),
        imports,
        exports,
        contract: version,
        problem: described.as_ref().err().cloned(),
        description: described.ok(),
    })
}

async fn describe(runtime: &Runtime, component: &Component) -> Result<Capabilities, String> {
    compatibility::check(component, &runtime.engine)?;
    let linked = runtime.link(component).map_err(|error| compatibility::words(&error))?;
    let nowhere = NOWHERE.parse().map_err(|error: BaseUrlError| error.to_string())?;
    let platform = PlatformEgress::new(&PlatformConfig::new("inspected", "", nowhere));
    let platform = Arc::new(platform.map_err(|error| error.to_string())?);
    let limits = Limits::default();
    let subject = Subject { runtime, linked: &linked, egress: &platform, limits: &limits, settings: None };
    let (capabilities, _) = subject.describe().await.map_err(|error| error.to_string())?;
    subject.examine(&capabilities).await.map_err(|error| error.to_string())?;
    Ok(capabilities)
}

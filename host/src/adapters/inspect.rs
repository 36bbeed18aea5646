//! Looking into a component file without installing it: `flightdeck adapter inspect FILE`.

use std::{path::Path, sync::Arc};

use serde::Serialize;
use wasmtime::component::Component;

use super::{
    egress::{DeclaredRequests, EgressSettings, Mode, PlatformEgress, credentials::Credentials},
    engine::{EngineOptions, Runtime},
    fit,
    limits::Limits,
    release::InstallError,
    sandbox::CallSetup,
};
use crate::domain::{capability::Capabilities, digest, id::PlatformName, purpose::Purpose};

/// What is in a component file.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// Bytes.
    pub size: usize,
    /// SHA-256.
    pub digest: String,
    /// What it needs.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
    /// The version of the contract that it was built for, if it is an adapter.
    pub contract: Option<String>,
    /// Why this host can't use it.
    pub problem: Option<String>,
    /// What it says that it is, if this host can use it.
    pub description: Option<Capabilities>,
}

/// Looks into a component. It is compiled in this process: this is a tool for its author, not for a server.
///
/// # Errors
/// The file can't be read or is no component.
pub async fn inspect(path: &Path) -> Result<Inspection, InstallError> {
    let bytes = std::fs::read(path).map_err(|source| InstallError::File { path: path.to_owned(), source })?;
    let contract = |reason: String| InstallError::Contract { path: path.to_owned(), reason };
    let engine_error = |error: wasmtime::Error| contract(format!("can't be looked into: {error:#}"));
    let runtime = Runtime::start(&EngineOptions { slots: 1, pooling: false, ..EngineOptions::default() })
        .map_err(engine_error)?;
    let component = Component::from_binary(&runtime.engine, &bytes)
        .map_err(|error| contract(format!("is no component: {error:#}")))?;
    let kind = component.component_type();
    let imports: Vec<String> = kind.imports(&runtime.engine).map(|(name, _)| name.to_owned()).collect();
    let exports: Vec<String> = kind.exports(&runtime.engine).map(|(name, _)| name.to_owned()).collect();
    let version = exports.iter().chain(&imports).find_map(|name| fit::contract_version(name)).map(str::to_owned);
    let described = describe(&runtime, &component).await;
    Ok(Inspection {
        size: bytes.len(),
        digest: digest::sha256(&bytes),
        imports,
        exports,
        contract: version,
        problem: described.as_ref().err().cloned(),
        description: described.ok(),
    })
}

async fn describe(runtime: &Runtime, component: &Component) -> Result<Capabilities, String> {
    fit::check(component, &runtime.engine)?;
    let pre = runtime.link(component).map_err(|error| fit::words(&error))?;
    let name = PlatformName::from("inspected");
    let nowhere = EgressSettings {
        name: &name,
        endpoint: "https://inspect.invalid",
        origins: &[],
        allow_private: &[],
        credentials: &Credentials::None,
        rate_per_second: None,
        max_concurrent_requests: 1,
    };
    let platform = Arc::new(PlatformEgress::new(&nowhere).map_err(|error| error.to_string())?);
    let setup = CallSetup {
        runtime,
        pre: &pre,
        platform: &platform,
        purpose: Purpose::Plan,
        adapter: "inspected",
        operation: "describe",
        mode: Mode::Offline,
        declared: DeclaredRequests::default(),
        limits: &Limits::default(),
        deadline: None,
    };
    let said = setup
        .run(|store, adapter| Box::pin(adapter.flightdeck_ad_server_ad_server().call_describe(store)))
        .await
        .map_err(|failure| failure.to_string())?;
    super::contract::capabilities(said).map(|(capabilities, _)| capabilities).map_err(|bad| bad.to_string())
}

//! The faces: HTTP, MCP, and their documentation. They translate and decide nothing.
//!
//! - [`v1`]: the words of the protocol: its table of tools, from which everything below is made, their requests and answers.
//! - [`tool`]: what a tool of any protocol is.
//! - [`json`]: JSON of any protocol: how requests are read and their mistakes told.
//! - [`http`]: routes, errors, authentication, what every request has around it.
//! - [`mcp`]: the same tools for agents.
//! - [`server`]: connections, and what keeps them from being held for nothing. `address`: who is at the other end.
//! - [`openapi`], [`docs`]: the same table for programs and for people.
//!
//! The types of axum and rmcp stop in this folder.

use std::{sync::Arc, time::Duration};

use axum::Router;
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;

mod address;
pub mod docs;
pub mod http;
pub mod json;
pub mod mcp;
pub mod openapi;
pub mod server;
pub mod tool;
pub mod v1;

/// What the operator decides about the faces.
#[derive(Debug, Clone)]
pub struct WebOptions {
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// How long a write waits for its outcome when the caller does not say.
    pub default_wait: Duration,
    /// How long it waits at most, whatever the caller says.
    pub max_wait: Duration,
    /// How long the body of a request may take, from its head on.
    pub body_timeout: Duration,
    /// Who is believed when they say whom they speak for.
    pub trusted_proxies: Vec<IpNet>,
    /// What was counted, for `/metrics`; `None`: nothing is.
    pub counted: Option<PrometheusHandle>,
    /// Under which names (`ads.example.com`, `ads.example.com:8443`) the host is reached beside the loopback ones. `/mcp` answers
    /// to no other, so that a web page can't reach a host on its reader's machine by a name of its own.
    pub public_hosts: Vec<String>,
}

/// What a request handler needs.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    app: App,
    options: Arc<WebOptions>,
}

/// Everything that is served. `more` are routes of other parts (pages, metrics); they get the same frame: request ids, traces,
/// errors as `problem+json`.
pub fn router(app: App, options: WebOptions, more: Router) -> Router {
    let web = Web { app, options: Arc::new(options) };
    let body_timeout = web.options.body_timeout;
    http::frame::around(http::routes(&web).merge(mcp::routes(&web)).merge(more), body_timeout)
}

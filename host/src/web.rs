//! The interfaces: HTTP, MCP, and their documentation. They translate requests and answers and make
//! no decisions.
//!
//! - [`v1`]: version 1 of the protocol: the table of tools, from which everything below is
//!   generated, with their requests and answers.
//! - [`tool`]: the definition of a tool, for any protocol.
//! - [`json`]: JSON for any protocol: reading requests and reporting their mistakes.
//! - [`http`]: routes, errors, authentication, and the layers around every request.
//! - [`admin`]: the review desk, pages for the publisher's people.
//! - [`mcp`]: the same tools for agents.
//! - [`server`]: connections, and the limits that keep idle ones from occupying the host.
//!   `address`: the client's address.
//! - [`openapi`], [`docs`]: the table of tools as documentation for programs and for people.
//!
//! The types of axum and rmcp don't leave this folder.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::FromRef};
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::app::App;

mod address;
mod admin;
pub mod docs;
pub mod http;
pub mod json;
pub mod mcp;
pub mod openapi;
pub mod server;
pub mod tool;
pub mod v1;

/// The operator's settings for the interfaces.
#[derive(Debug, Clone)]
pub struct WebOptions {
    /// Maximum size of a request body in bytes.
    pub max_body_bytes: usize,
    /// How long a write waits for its outcome if the caller does not specify a time.
    pub default_wait: Duration,
    /// The longest time that a caller can make a write wait.
    pub max_wait: Duration,
    /// How long the whole request body may take after the head.
    pub body_timeout: Duration,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The recorded metrics for `/metrics`; `None` if none are recorded.
    pub counted: Option<PrometheusHandle>,
    /// The names (`ads.example.com`, `ads.example.com:8443`) under which the host is reached
    /// besides the loopback names. `/mcp` accepts no others, so that a web page can't reach a host
    /// on its reader's machine through a domain name of its own.
    pub public_hosts: Vec<String>,
}

/// What the router keeps. A request gets a [`Web`] of its own, with the configuration that serves
/// when the request arrives.
#[derive(Debug, Clone)]
pub(crate) struct LiveWeb(Web);

impl LiveWeb {
    pub(crate) fn current(&self) -> Web {
        Web { app: self.0.app.current(), options: self.0.options.clone() }
    }
}

impl FromRef<LiveWeb> for Web {
    fn from_ref(live: &LiveWeb) -> Self {
        live.current()
    }
}

/// What a request handler needs.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    app: App,
    options: Arc<WebOptions>,
}

/// Builds the router for everything that is served. `more` holds routes of other parts (pages,
/// metrics), which get the same layers: request ids, traces, errors as `problem+json`.
pub fn router(app: App, options: WebOptions, more: Router) -> Router {
    let body_timeout = options.body_timeout;
    let web = LiveWeb(Web { app, options: Arc::new(options) });
    http::frame::around(
        http::routes(&web).merge(mcp::routes(&web)).merge(admin::routes(&web)).merge(more),
        body_timeout,
    )
}

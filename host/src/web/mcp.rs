//! The MCP interface: every tool of the table for agents, over streamable HTTP at `/mcp`.
//!
//! No session is kept: any replica can answer any request, and a restart of the host goes
//! unnoticed. A refused call returns a result with `isError: true` and the same `error` object as
//! over HTTP, because the calling model must read it. Protocol errors are reserved for problems
//! that involve no tool.

use std::sync::Arc;

use axum::{
    Router, body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as McpTool, ToolAnnotations,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde_json::{Value, json};

use super::{
    LiveWeb, Web,
    http::{auth, headers, problem::Refusal},
    json::{Arguments, suggest},
    tool::{self, CallOptions, Effect, Tool},
    v1::{self, tools},
};
use crate::app::{
    caller::Caller,
    callers::rate_limits::CallKind,
    error::{AppError, ErrorCode},
};

mod message;
mod schemas;

/// The instructions that an agent receives before it calls anything.
const INSTRUCTIONS: &str = "Buy and manage advertising on several ad servers through one interface.

1. list_products shows what can be bought and how it can be targeted; create_media_buy buys it.
2. pending_manual, pending_permission and pending_approval are normal states, not errors: a person or the ad server must act first, \
which may take hours or days. Keep the task_id and poll get_pending_tasks (once a minute, with growing pauses); a task that is \
completed was approved and carried out, one that is failed was rejected, and resolution_detail says why.
3. When an answer says that a change is being carried out, get_operation with its operation_id tells how it ends.
4. Once a buy is created, add_creative_assets before creative_deadline; check_media_buy_status and get_media_buy_delivery tell how it \
runs; update_media_buy and update_package change it.
5. Send an idempotency_key with every change (or the header Idempotency-Key): a repeated call is then carried out once. dry_run shows the plan without doing anything.
6. A result with isError has error.code, error.message, error.field (a JSON pointer to what is wrong) and error.suggestion: correct the \
call and try again.

Amounts are decimal numbers in the buy's currency; days are 2026-12-01 and moments 2026-12-01T09:00:00Z, in UTC.";

/// Maximum bytes read of a refusal by rmcp.
const MOST_SAID: usize = 1_024;

/// Builds the route of MCP.
pub(super) fn routes(web: &LiveWeb) -> Router {
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let options = web.current().options;
    hosts.extend(options.public_hosts.iter().cloned());
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(options.max_body_bytes)
        .with_allowed_origins(origins(&hosts))
        .with_allowed_hosts(hosts);
    let (live, tools) = (web.clone(), Arc::new(tools::for_agents().map(described).collect::<Vec<_>>()));
    // Made for every request, because there are no sessions.
    let face = move || Ok(Face { web: live.current(), tools: tools.clone() });
    let service = StreamableHttpService::new(face, Arc::new(NeverSessionManager::default()), config);
    // The last layer runs first: the method check needs no token.
    Router::new()
        .route_service("/mcp", service)
        .layer(middleware::from_fn_with_state(web.clone(), message::read))
        .layer(middleware::from_fn_with_state(web.clone(), authenticated))
        .layer(middleware::from_fn(named_rightly))
        .layer(middleware::from_fn(only_posted))
}

/// Accepts only `POST` from every caller, because nothing is streamed and no session is kept.
async fn only_posted(request: Request, next: Next) -> Response {
    if request.method() == Method::POST {
        return next.run(request).await;
    }
    let mut response = Refusal::method().into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

/// Replaces rmcp's message that a name is not allowed with one that says which setting to change.
async fn named_rightly(request: Request, next: Next) -> Response {
    let (host, origin) = (told(request.headers(), &header::HOST), told(request.headers(), &header::ORIGIN));
    let authority = request.uri().authority().map(ToString::to_string);
    let response = next.run(request).await;
    if response.extensions().get::<Refusal>().is_some() || response.status() != StatusCode::FORBIDDEN {
        return response;
    }
    let Ok(said) = body::to_bytes(response.into_body(), MOST_SAID).await else {
        return Refusal::panic().into_response();
    };
    match origin {
        Some(origin) if said.starts_with(b"Forbidden: Origin") || said.starts_with(b"Forbidden: Invalid Origin") => {
            Refusal::name("Origin", &origin).into_response()
        }
        _ => Refusal::name("Host", &host.or(authority).unwrap_or_default()).into_response(),
    }
}

fn told(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Returns the web origins that may call: those of the host itself, on any port.
fn origins(hosts: &[String]) -> Vec<String> {
    let bare = |host: &String| if host.contains("::") { format!("[{host}]") } else { host.clone() };
    let with_port = |host: &String| {
        if host.contains(':') && !host.contains("::") { bare(host) } else { format!("{}:*", bare(host)) }
    };
    hosts.iter().map(with_port).flat_map(|host| [format!("http://{host}"), format!("https://{host}")]).collect()
}

/// Requires authentication for everything, even for listing the tools.
async fn authenticated(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    match auth::caller(&web, request.headers(), request.extensions()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => {
            tool::refused_over_mcp(error.code);
            Refusal::from(error).into_response()
        }
    }
}

/// The MCP server's handler.
#[derive(Debug, Clone)]
struct Face {
    web: Web,
    tools: Arc<Vec<(&'static Tool, McpTool)>>,
}

impl ServerHandler for Face {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new("flightdeck", env!("CARGO_PKG_VERSION")).with_title("flightdeck media buying");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(name)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = caller(&context)?;
        let room = self.web.app.enter(&caller, CallKind::Read);
        let _room = room.map_err(|refused| {
            tool::refused_over_mcp(refused.code);
            ErrorData::internal_error(refused.message.clone(), Some(json!({ "error": v1::problem::body(&refused) })))
        })?;
        let usable = self.tools.iter().filter(|(tool, _)| tool.audience.admit(&caller).is_ok());
        Ok(ListToolsResult::with_all_items(usable.map(|(_, shown)| shown.clone()).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = caller(&context)?;
        let Some(tool) = tools::named(&request.name) else {
            return match self.web.app.enter(&caller, CallKind::Read) {
                Ok(_) => {
                    tool::refused_over_mcp(ErrorCode::NotFound);
                    Err(unknown(&request.name))
                }
                Err(refused) => {
                    tool::refused_over_mcp(refused.code);
                    Ok(refused_tool(&refused).into())
                }
            };
        };
        let parts = context.extensions.get::<Parts>();
        let sent = parts.and_then(|parts| parts.extensions.get::<Arguments>()).cloned();
        let arguments = sent.unwrap_or_else(|| Value::Object(request.arguments.unwrap_or_default()).into());
        let key = match parts.map_or(Ok(None), |parts| headers::key_for(tool, &parts.headers)) {
            Ok(key) => key,
            Err(error) => {
                let refused = self.web.app.enter(&caller, tool.lane()).err().unwrap_or(error);
                tool.refused(refused.code);
                return Ok(refused_tool(&refused).into());
            }
        };
        let wait = self.web.options.default_wait;
        let options = CallOptions { wait, idempotency_key: key, ..CallOptions::default() };
        let result = match tool.call(self.web.app.clone(), caller, arguments, options).await {
            Ok(answer) => CallToolResult::structured(answer.body),
            Err(error) => refused_tool(&error),
        };
        Ok(result.into())
    }
}

/// Returns a refusal as a tool result, so that the calling model reads it.
fn refused_tool(error: &AppError) -> CallToolResult {
    CallToolResult::structured_error(json!({ "error": v1::problem::body(error) }))
}

fn caller(context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
    let known = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Caller>());
    known.cloned().ok_or_else(|| ErrorData::internal_error("the caller is not known", None))
}

fn unknown(name: &str) -> ErrorData {
    let known: Vec<String> = tools::all().map(|tool| tool.name.to_owned()).collect();
    let hint = match suggest::meant(name, &known) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("there are {}", known.join(", ")),
    };
    let message = format!("there is no tool {name:?}; {hint}");
    ErrorData::invalid_params(message, None)
}

/// Pairs a tool with its description for agents.
fn described(tool: &'static Tool) -> (&'static Tool, McpTool) {
    (tool, shown(tool))
}

/// Returns a tool's description for agents.
pub fn shown(tool: &Tool) -> McpTool {
    let annotations = ToolAnnotations::new()
        .read_only(tool.effect == Effect::Read)
        .destructive(false)
        // Repeating a decision has no further effect. Repeating a change has none only under an
        // idempotency key.
        .idempotent(!matches!(tool.effect, Effect::Write | Effect::Manage))
        .open_world(tool.effect == Effect::Write);
    McpTool::new(tool.name, tool.description, input_schema(tool))
        .with_title(tool.title)
        .with_raw_output_schema(Arc::new(output_schema(tool)))
        .with_annotations(annotations)
}

/// Returns the schema of a tool's arguments.
pub fn input_schema(tool: &Tool) -> JsonObject {
    schemas::of_arguments(tool)
}

/// Returns the schema of a tool's structured content: its answer, or the error object. Some clients
/// validate both against it.
pub fn output_schema(tool: &Tool) -> JsonObject {
    schemas::of_answer(tool)
}

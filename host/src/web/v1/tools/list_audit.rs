//! `list_audit`: the audit log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, Page, error::AppError},
    domain::{
        audit::{AuditEntry, AuditLine},
        time::Timestamp,
    },
    web::{
        json::{
            Arguments, read,
            text::{Line, MAX_ID},
            values::Limit,
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_audit",
    title: "Read the audit log",
    description: "Who did what, oldest first: accepted operations and how they ended, decisions with their words, tokens, \
                  configurations and adapter releases. Each line is linked to the one before it; `flightdeck audit \
                  verify` proves that none was edited.",
    audience: Audience::Operators,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/audit",
    input: AuditQuery::json_schema,
    output: AuditAnswer::json_schema,
    example: r#"{"limit": 100}"#,
    may_be_pending: false,
    run: |app, _, arguments, _| Box::pin(run(app, arguments)),
};

async fn run(app: App, arguments: Arguments) -> Result<Answer, AppError> {
    let request: AuditQuery = read(arguments)?;
    let page = app
        .list_audit(request.cursor.as_ref().map(|cursor| cursor.0.as_str()), request.limit.map(|limit| limit.0))
        .await?;
    Answer::new(&AuditAnswer::try_from(page)?)
}

/// Which page of the audit log.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// The `next_cursor` of the previous page. Default: the first line.
    pub cursor: Option<Line<MAX_ID>>,
    /// Number of lines: 1 to 200. Default: 50.
    pub limit: Option<Limit>,
}

/// A page of the audit log, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditAnswer {
    /// The lines.
    pub lines: Vec<AuditLineAnswer>,
    /// For the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditLineAnswer {
    /// Its number: one more than the line before it.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// The actor: a token's name, `command line` or `flightdeck`.
    pub actor: String,
    /// `operation.accepted`, `task.approved`, `release.activated`, …
    pub action: String,
    /// The subject's id.
    pub subject: String,
    /// SHA-256 of the subject.
    pub digest: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// A key's name, a colon, and the HMAC-SHA-256 under that key of the previous link, the number,
    /// the key's name and the text, line by line.
    pub link: String,
    /// Its text, exactly as linked: the JSON that the members above were read from.
    pub text: String,
}

impl TryFrom<Page<AuditLine>> for AuditAnswer {
    type Error = AppError;

    fn try_from(page: Page<AuditLine>) -> Result<Self, AppError> {
        let lines = page.items.into_iter().map(AuditLineAnswer::try_from).collect::<Result<_, _>>()?;
        Ok(Self { lines, next_cursor: page.next_cursor })
    }
}

impl TryFrom<AuditLine> for AuditLineAnswer {
    type Error = AppError;

    fn try_from(line: AuditLine) -> Result<Self, AppError> {
        let unreadable = |_| {
            let message = format!("line {} of the audit log can't be read; run `flightdeck audit verify`", line.number);
            AppError::new(crate::app::error::ErrorCode::Internal, message)
        };
        let entry: AuditEntry = serde_json::from_str(&line.text).map_err(unreadable)?;
        let AuditEntry { at, actor, action, subject, digest, reason } = entry;
        let (number, link, text) = (line.number, line.link, line.text);
        Ok(Self { number, at, actor, action, subject, digest, reason, link, text })
    }
}

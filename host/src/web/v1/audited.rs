//! The answer of `list_audit`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::{Page, error::AppError},
    domain::{
        audit::{AuditEntry, AuditLine},
        time::Timestamp,
    },
};

/// A page of the audit log, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditAnswer {
    /// The lines.
    pub lines: Vec<AuditLineAnswer>,
    /// For the next page, if there is more.
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
    /// Who: the name of a token, `command line`, or `flightdeck`.
    pub actor: String,
    /// What: `operation.accepted`, `task.approved`, `release.activated`, …
    pub action: String,
    /// About what: an id.
    pub subject: String,
    /// SHA-256 of what it was about.
    pub digest: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The name of a key, a colon, and the HMAC-SHA-256 made with it of the link before, the number, the key's name and the text, line by line.
    pub link: String,
    /// Its text, exactly as it was linked: the JSON that the members above were read from.
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

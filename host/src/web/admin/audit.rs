//! The audit log: a search, and an export of what it finds.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::Query,
    http::header,
    response::{IntoResponse as _, Response},
};
use futures::stream;
use serde::Deserialize;
use serde_json::json;

use super::{
    frame::{Frame, Halt, rendered},
    visitor::Visitor,
    words,
};
use crate::{
    app::desk::trail::{Trail, TrailLine},
    app::error::{AppError, ErrorCode},
    domain::time::Day,
};

#[derive(Template)]
#[template(path = "desk/audit.html")]
struct AuditPage {
    frame: Frame,
    asked: Asked,
    lines: Vec<Line>,
    empty: &'static str,
    older: Option<String>,
    exports: [(String, &'static str); 2],
}

struct Line {
    number: i64,
    at: String,
    shown: String,
    actor: String,
    action: String,
    subject: String,
    reason: String,
    digest: String,
}

#[derive(Deserialize, Clone, Default)]
#[serde(default)]
pub(super) struct Asked {
    subject: String,
    actor: String,
    action: String,
    from: String,
    until: String,
    before: Option<i64>,
    format: String,
}

impl Asked {
    fn trail(&self) -> Result<Trail, AppError> {
        Ok(Trail {
            subject: self.subject.trim().to_owned(),
            actor: self.actor.trim().to_owned(),
            action: self.action.trim().to_owned(),
            from: day(&self.from)?,
            until: day(&self.until)?,
        })
    }

    /// The address of a page about the same lines.
    fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("subject", &self.subject),
            ("actor", &self.actor),
            ("action", &self.action),
            ("from", &self.from),
            ("until", &self.until),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(more);
        format!("{path}?{}", query.finish())
    }
}

fn day(text: &str) -> Result<Option<Day>, AppError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    Day::parse(text).map(Some).map_err(|error| {
        AppError::new(ErrorCode::InvalidParameter, format!("{text:?} is no day: {error}"))
            .suggest("write it as 2026-12-01")
    })
}

/// `GET /admin/audit`.
pub(super) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Halt> {
    let trail = asked.trail()?;
    let found = visitor.app.search_audit(&visitor.caller, &trail, asked.before).await?;
    let older = found.older.map(|before| asked.link("/admin/audit", &[("before", &before.to_string())]));
    let page = AuditPage {
        frame: Frame::of(&visitor, "audit").await?,
        lines: found.lines.iter().map(line).collect(),
        empty: match found.older {
            Some(_) => "None of the lines that were searched matches. There are older ones.",
            None => "No line matches.",
        },
        older,
        exports: [("csv", "Export as CSV"), ("jsonl", "Export as JSON lines")]
            .map(|(format, words)| (asked.link("/admin/audit/export", &[("format", format)]), words)),
        asked,
    };
    Ok(rendered(&page))
}

fn line(found: &TrailLine) -> Line {
    let unreadable = "this line can't be read; flightdeck audit verify says more";
    let entry = found.entry.as_ref();
    Line {
        number: found.line.number,
        at: found.line.at.to_string(),
        shown: words::moment(found.line.at),
        actor: entry.map(|entry| words::visible(&entry.actor)).unwrap_or_default(),
        action: entry.map_or_else(|| unreadable.to_owned(), |entry| words::visible(&entry.action)),
        subject: words::visible(&found.line.subject),
        reason: entry.and_then(|entry| entry.reason.as_deref()).map(words::visible).unwrap_or_default(),
        digest: entry.map(|entry| words::visible(&entry.digest)).unwrap_or_default(),
    }
}

/// `GET /admin/audit/export`: every line that matches, the newest first, as CSV or as JSON lines like
/// those of `flightdeck audit export`.
pub(super) async fn export(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, Halt> {
    let trail = asked.trail()?;
    visitor.app.record_audit_export(&visitor.caller, &trail).await?;
    let is_csv = asked.format != "jsonl";
    let heading = if is_csv { "line,at,actor,action,subject,reason,digest,link\r\n" } else { "" };
    // Each part is read when the browser has taken the one before.
    let parts = stream::unfold(Some((asked.before, heading.to_owned())), move |state| {
        let (app, trail) = (visitor.app.clone(), trail.clone());
        async move {
            let (before, mut text) = state?;
            let found = match app.export_audit(&trail, before).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(message = error.message, "an export of the audit log broke off");
                    return Some((Err(std::io::Error::other(error.message)), None));
                }
            };
            for line in &found.lines {
                if is_csv { csv(&mut text, line) } else { json_line(&mut text, line) }
            }
            let next = found.older.map(|older| (Some(older), String::new()));
            Some((Ok::<_, std::io::Error>(Bytes::from(text)), next))
        }
    });
    let (kind, name) = match is_csv {
        true => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        false => ("application/jsonl", "attachment; filename=\"audit.jsonl\""),
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], Body::from_stream(parts)).into_response())
}

fn json_line(text: &mut String, found: &TrailLine) {
    let entry = found.entry.as_ref().and_then(|entry| serde_json::to_value(entry).ok());
    let line = &found.line;
    let _ =
        writeln!(text, "{}", json!({ "number": line.number, "link": line.link, "text": line.text, "entry": entry }));
}

fn csv(text: &mut String, found: &TrailLine) {
    let shown = line(found);
    let (number, at) = (shown.number.to_string(), shown.at);
    let cells =
        [number, at, shown.actor, shown.action, shown.subject, shown.reason, shown.digest, found.line.link.clone()];
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// Quotes a cell as RFC 4180 says. Spreadsheets run what begins like a formula, so that gets an
/// apostrophe before it.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        assert_eq!(cell("plain"), "\"plain\"");
        assert_eq!(cell("a \"b\", c\n"), "\"a \"\"b\"\", c\n\"");
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell("-1"), "\"'-1\"");
    }

    #[test]
    fn links_keep_what_was_asked_for() {
        let asked = Asked { actor: "a&b".to_owned(), from: "2026-12-01".to_owned(), ..Asked::default() };
        assert_eq!(asked.link("/x", &[("before", "7")]), "/x?actor=a%26b&from=2026-12-01&before=7");
        assert!(Asked { until: "yesterday".to_owned(), ..Asked::default() }.trail().is_err());
    }
}

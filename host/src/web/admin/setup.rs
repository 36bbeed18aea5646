//! The checklist of an installation: the same as `flightdeck doctor` shows.

use askama::Template;
use axum::response::Response;

use super::{
    frame::{Frame, Halt, rendered},
    visitor::Visitor,
    words::{self, Tag},
};
use crate::domain::account::Severity;

#[derive(Template)]
#[template(path = "desk/setup.html")]
struct SetupPage {
    frame: Frame,
    heading: String,
    checks: Vec<CheckLine>,
}

struct CheckLine {
    tag: Tag,
    subject: String,
    found: String,
    cure: Option<String>,
}

/// `GET /admin/setup`.
pub(super) async fn page(visitor: Visitor) -> Result<Response, Halt> {
    let checks = visitor.app.setup_checks(&visitor.caller).await?;
    let missing = checks.iter().filter(|check| check.severity == Severity::Bad).count();
    let open = checks.iter().filter(|check| check.severity == Severity::Warning).count();
    let heading = match (missing, open) {
        (0, 0) => "Everything is in place".to_owned(),
        (0, open) => format!("{} to look at", words::count(open as u64, "thing", "things")),
        (missing, _) => words::count(missing as u64, "thing is missing", "things are missing"),
    };
    let line = |check: crate::operations::checklist::Check| CheckLine {
        tag: match check.severity {
            Severity::Fine => Tag::new("good", "ok"),
            Severity::Warning => Tag::new("warn", "look"),
            Severity::Bad => Tag::new("bad", "missing"),
        },
        subject: words::sentence(&check.subject),
        found: words::sentence(&check.found),
        cure: check.cure.as_deref().map(words::visible),
    };
    let frame = Frame::of(&visitor, "setup").await?;
    Ok(rendered(&SetupPage { frame, heading, checks: checks.into_iter().map(line).collect() }))
}

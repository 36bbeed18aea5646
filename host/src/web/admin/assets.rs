//! The style sheet, the script and the icon of the desk, which are part of the program. Their addresses have
//! a digest, so browsers keep them until another version serves.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::domain::digest;

const STYLE: &str = include_str!("../../../assets/desk/desk.css");
const ICON: &str = include_str!("../../../assets/desk/icon.svg");
const SCRIPT: &str = include_str!("../../../assets/desk/desk.js");

/// How many digits of the digest are in an address.
const DIGITS: usize = 12;

static STYLE_PATH: LazyLock<String> = LazyLock::new(|| path(STYLE, "desk.css"));
static ICON_PATH: LazyLock<String> = LazyLock::new(|| path(ICON, "icon.svg"));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| path(SCRIPT, "desk.js"));

fn path(text: &str, name: &str) -> String {
    let digest = digest::sha256(text.as_bytes());
    format!("/admin/assets/{}-{name}", &digest[..DIGITS])
}

/// Returns the path of the style sheet.
pub(super) fn style() -> &'static str {
    &STYLE_PATH
}

/// Returns the path of the icon.
pub(super) fn icon() -> &'static str {
    &ICON_PATH
}

/// Returns the path of the script.
pub(super) fn script() -> &'static str {
    &SCRIPT_PATH
}

/// Serves them.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let named = |path: &str| path.rsplit('/').next() == Some(&*name);
    let (kind, text) = if named(style()) {
        ("text/css; charset=utf-8", STYLE)
    } else if named(script()) {
        ("text/javascript; charset=utf-8", SCRIPT)
    } else if named(icon()) {
        ("image/svg+xml", ICON)
    } else {
        return StatusCode::NOT_FOUND.into_response();
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], text)
        .into_response()
}

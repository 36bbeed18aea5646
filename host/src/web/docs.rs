//! `/docs`: documentation of the tools for people, on one self-contained page.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{
    http::problem,
    json::schema::{self, Side},
    tool::Tool,
    v1::{self, tools},
};
use crate::app::error::ErrorCode;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1c2733;--soft:#5a6b7b;--line:#d5dde5;--paper:#fff;--code:#f3f6f9;--mark:#0b6e6e}
@media(prefers-color-scheme:dark){:root{--ink:#dde6ee;--soft:#93a4b4;--line:#33414e;--paper:#141b22;--code:#1d2731;--mark:#5cc4c0}}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:var(--paper);font:16px/1.55 system-ui,sans-serif}
main{display:grid;grid-template-columns:17rem minmax(0,1fr);gap:3rem;max-width:80rem;margin:auto;padding:2rem 1.5rem}
nav{position:sticky;top:2rem;align-self:start;font-size:.9rem}
nav a{display:block;padding:.15rem 0;text-decoration:none}
a{color:var(--mark)}
h1{margin:0 0 .5rem}h2{margin:3rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--line)}h3{margin:1.5rem 0 .3rem;font-size:1rem}
code,pre{font:.875rem/1.5 ui-monospace,monospace;background:var(--code);border-radius:.3rem}
code{padding:.1rem .3rem}pre{padding:1rem;overflow:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--line)}
.soft{color:var(--soft)}.verb{font-weight:700;color:var(--mark)}
@media(max-width:50rem){main{display:block}nav{position:static}}
";

const INTRODUCTION: &str = "
<p>One API for buying media on many ad servers. Programs read <a href=\"/openapi.json\">/openapi.json</a>; agents connect to
<code>/mcp</code> (streamable HTTP), where an operation below is a tool if it names one.</p>
<p>Send your token as <code>Authorization: Bearer &lt;token&gt;</code>.</p>
<p><strong>Pending states are successes.</strong> <code>pending_manual</code>, <code>pending_permission</code> and
<code>pending_approval</code> mean that a person or the ad server must act first: HTTP 202. Keep the <code>task_id</code> and poll
<code>GET /v1/tasks</code>.</p>
<p><strong>Nothing happens twice.</strong> Send an <code>Idempotency-Key</code> with every change, over MCP too (or the argument
<code>idempotency_key</code>); sent again with the same body, the first answer comes again with <code>replayed: true</code>. Bodies are
compared as canonical JSON (RFC 8785): the order of members does not matter, and <code>50000</code>, <code>50000.0</code> and
<code>5e4</code> are one number.</p>
<p><strong>Mistakes come all at once.</strong> <code>error.details.items</code> has a <code>field</code> (a JSON pointer) and a
<code>message</code> for everything that is missing, unknown or of a wrong form. A member that is given twice is refused, and so is the
text of a value in place of the value: send <code>500</code>, not <code>\"500\"</code>.</p>
<p>Lengths are counted in characters (Unicode code points), on every platform. Texts that people read hold nothing that can't be seen or
that turns the order of letters round: such a character is refused by its name and place. Letters of every script and emoji are fine.</p>
<p>Amounts are decimal numbers with at most 6 places, judged as they are written. A number with more digits than a double keeps is
refused wherever it stands. Days are <code>2026-12-01</code>, moments <code>2026-12-01T09:00:00Z</code>, in
UTC.</p>";

/// Returns the page as HTML.
pub fn page() -> String {
    let mut html = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.push_str(
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>flightdeck API</title>",
    );
    let _ = write!(html, "<style>{STYLE}</style></head><body><main><nav aria-label=\"Operations\">");
    for tool in tools::all() {
        let _ = write!(html, "<a href=\"#{}\">{}</a>", tool.name, escaped(tool.title));
    }
    html.push_str("<a href=\"#errors\">Errors</a></nav><article><h1>flightdeck API</h1>");
    html.push_str(INTRODUCTION);
    for tool in tools::all() {
        section(&mut html, tool);
    }
    errors(&mut html);
    html.push_str("</article></main></body></html>");
    html
}

fn section(html: &mut String, tool: &Tool) {
    let input = schema::of(&mut schema::complete(Side::Request), tool.input);
    let output = schema::of(&mut schema::complete(Side::Answer), tool.output);
    let _ = write!(html, "<section id=\"{}\"><h2>{}</h2>", tool.name, escaped(tool.title));
    let named = if tools::named(tool.name).is_some() {
        format!(" <span class=\"soft\">tool</span> <code>{}</code>", tool.name)
    } else {
        String::new()
    };
    let _ = write!(
        html,
        "<p><code><span class=\"verb\">{}</span> {}</code>{named}</p><p>{}</p><p class=\"soft\">For {}.</p>",
        tool.verb.as_str(),
        escaped(tool.path),
        prose(tool.description),
        tool.audience.as_str(),
    );
    html.push_str("<h3>Request</h3>");
    fields(html, &input);
    let _ = write!(html, "<pre>{}</pre><h3>Answer</h3>", escaped(tool.example));
    fields(html, &output);
    html.push_str("</section>");
}

fn fields(html: &mut String, schema: &Map<String, Value>) {
    let required = schema.get("required").and_then(Value::as_array);
    html.push_str("<table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let needed = required.is_some_and(|required| required.iter().any(|other| other == name));
        let mark = if needed { "" } else { " <span class=\"soft\">optional</span>" };
        let meaning = property["description"].as_str().unwrap_or_default();
        let _ = write!(
            html,
            "<tr><td><code>{}</code>{mark}</td><td class=\"soft\">{}</td><td>{}</td></tr>",
            escaped(name),
            escaped(&type_of(property)),
            prose(meaning)
        );
    }
    html.push_str("</tbody></table>");
}

/// Describes the type of a property in a few words.
fn type_of(property: &Value) -> String {
    if let Some(names) = property["enum"].as_array() {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        return names.join(" | ");
    }
    if let Some(choices) = property["anyOf"].as_array() {
        let choices: Vec<String> = choices.iter().map(type_of).collect();
        return choices.join(" | ");
    }
    match &property["type"] {
        Value::String(name) if name == "array" => format!("list of {}", type_of(&property["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        // One of several forms of a text: a date, or a date with its time.
        _ => property["format"].as_str().unwrap_or("any").to_owned(),
    }
}

fn errors(html: &mut String) {
    html.push_str(
        "<section id=\"errors\"><h2>Errors</h2><p>An error is <code>application/problem+json</code>; its member <code>error</code> has \
         <code>code</code>, <code>message</code>, <code>field</code> (a JSON pointer into the request), <code>suggestion</code>, \
         <code>details</code> and <code>retry_after</code>. Over MCP the same object is the structured content of a result with \
         <code>isError</code>.</p><table><thead><tr><th>Code</th><th>HTTP</th><th>When</th></tr></thead><tbody>",
    );
    for code in ErrorCode::ALL {
        let _ = write!(
            html,
            "<tr id=\"{}\"><td><code>{code}</code></td><td>{}</td><td>{}</td></tr>",
            code.as_str().to_lowercase(),
            problem::status(*code).as_u16(),
            prose(v1::problem::when(*code))
        );
    }
    html.push_str("</tbody></table></section>");
}

/// Renders text for people as HTML, with text in `backquotes` as code.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        match index % 2 {
            0 => html.push_str(&escaped(part)),
            _ => html.push_str(&format!("<code>{}</code>", escaped(part))),
        }
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_told_in_words_that_a_reader_knows() {
        let day = json!({ "anyOf": [
            { "anyOf": [{ "format": "date" }, { "format": "date-time" }], "type": "string" }, { "type": "null" },
        ] });
        assert_eq!(type_of(&day), "date | date-time | null");
        assert_eq!(type_of(&json!({ "type": "array", "items": { "enum": ["a", "b"] } })), "list of a | b");
        assert_eq!(type_of(&json!({})), "any");
    }
}

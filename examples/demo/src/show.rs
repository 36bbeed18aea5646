//! How an exchange is printed.
#![expect(clippy::print_stdout, reason = "printing is what a demo is for")]

use serde_json::Value;

use crate::house::House;

/// A chapter of the story.
pub(crate) fn chapter(title: &str) {
    println!("\n\x1b[1m── {title} \x1b[0m{}", "─".repeat(90usize.saturating_sub(title.chars().count())));
}

/// What somebody asks.
pub(crate) fn asks(who: &str, method: &str, path: &str, body: Option<&Value>) {
    println!("\n\x1b[36m{who}\x1b[0m  {method} {path}");
    if let Some(body) = body {
        println!("{}", indent(&pretty(body)));
    }
}

/// What comes back.
pub(crate) fn answers(status: u16, body: &Value) {
    println!("\x1b[32m← {status}\x1b[0m");
    println!("{}", indent(&pretty(body)));
}

/// A sentence of the teller.
pub(crate) fn says(words: &str) {
    println!("\n  {words}");
}

/// What is needed to go on by hand.
pub(crate) fn welcome(house: &House) {
    let url = &house.url;
    println!(
        "flightdeck serves at {url}
  API page          {url}/docs
  OpenAPI           {url}/openapi.json
  MCP               {url}/mcp
  emulated Kevel    {kevel}   (what exists there: {kevel}/__control/objects)
  log               {log}

Tokens: demo-buyer, demo-buyer-2 (buyers), demo-reviewer, demo-operator
Packages: premium_sports, entertainment, news, drive_time_audio

Try:
  curl -s {url}/v1/media-buys -H 'Authorization: Bearer demo-buyer' -H 'Content-Type: application/json' \\
    -d '{{\"packages\": [\"premium_sports\"], \"total_budget\": 5000}}'

The emulated ad server keeps its campaigns in memory: they end with this process. Ctrl-C stops both.",
        kevel = house.kevel.url,
        log = house.log().display(),
    );
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

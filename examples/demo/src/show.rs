//! Printing of exchanges.
#![expect(clippy::print_stdout, reason = "printing is what a demo is for")]

use serde_json::Value;

use crate::house::House;

/// The width of a line, in characters.
const WIDTH: usize = 110;

/// Prints the heading of a chapter.
pub(crate) fn chapter(title: &str) {
    println!("\n\x1b[1m── {title} \x1b[0m{}", "─".repeat(90usize.saturating_sub(title.chars().count())));
}

/// Prints a request.
pub(crate) fn asks(who: &str, method: &str, path: &str, body: Option<&Value>) {
    println!("\n\x1b[36m{who}\x1b[0m  {method} {path}");
    if let Some(body) = body {
        println!("{}", indent(&pretty(body)));
    }
}

/// Prints a response.
pub(crate) fn answers(status: u16, body: &Value) {
    println!("\x1b[32m← {status}\x1b[0m");
    println!("{}", indent(&pretty(body)));
}

/// Prints a sentence of the narrator.
pub(crate) fn says(words: &str) {
    println!("\n  {words}");
}

/// Prints what a person needs to continue by hand.
pub(crate) fn welcome(house: &House) {
    let url = &house.url;
    println!(
        "flightdeck serves at {url}
  Review desk       {url}/admin   (sign in with the token demo-reviewer)
  API page          {url}/docs
  OpenAPI           {url}/openapi.json
  MCP               {url}/mcp
  log               {log}

Emulated ad servers (what exists there: /__control/objects of each)
  Kevel             {kevel}
  Ad Manager        {gam}
  Triton            {triton}

Tokens: demo-buyer, demo-buyer-2 (buyers), demo-reviewer, demo-operator
Packages: premium_sports, entertainment, news (Kevel); homepage, pre_roll (Ad Manager); drive_time_audio (Triton)

Try:
  curl -s {url}/v1/media-buys -H 'Authorization: Bearer demo-buyer' -H 'Content-Type: application/json' \\
    -d '{{\"packages\": [\"premium_sports\", \"homepage\", \"drive_time_audio\"], \"total_budget\": 50000}}'

The emulated ad servers keep their campaigns in memory: they end with this process. Ctrl-C stops all.",
        kevel = house.kevel.url,
        gam = house.gam.url,
        triton = house.triton.url,
        log = house.log().display(),
    );
}

/// Formats JSON, with everything that fits on one line on one line.
fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0, 0);
    text
}

/// Writes a value that begins after `used` characters of a line. Its members are indented by
/// `depth` levels.
fn write(text: &mut String, value: &Value, depth: usize, used: usize) {
    let flat = flat(value);
    let (open, close, members): (_, _, Vec<(String, &Value)>) = match value {
        Value::Object(members) => {
            ('{', '}', members.iter().map(|(name, member)| (format!("\"{name}\": "), member)).collect())
        }
        Value::Array(elements) => ('[', ']', elements.iter().map(|element| (String::new(), element)).collect()),
        _ => return text.push_str(&flat),
    };
    if used + flat.chars().count() <= WIDTH {
        return text.push_str(&flat);
    }
    let indent = "  ".repeat(depth + 1);
    text.push(open);
    for (index, (name, member)) in members.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&indent);
        text.push_str(name);
        write(text, member, depth + 1, indent.len() + name.len());
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

/// Formats a value on one line.
fn flat(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let member = |(name, member): (&String, &Value)| format!("\"{name}\": {}", flat(member));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(flat).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

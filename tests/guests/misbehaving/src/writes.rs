//! Creating a buy, well and badly.

use crate::{
    behaviour,
    bindings::flightdeck::ad_server::{adapter_types::*, cache, steps},
    endings, failure, http, setting,
};

/// An outcome with notes, which the tests read.
pub(crate) fn noted(notes: Vec<String>) -> Outcome {
    Outcome { effective: None, notes, extensions: Vec::new() }
}

/// Creates as it is told to. What is told to do only one thing remembers whatever the contract wants remembered, so that nothing
/// but that one thing is wrong.
pub(crate) fn create(ctx: &Context, buy: &MediaBuy) -> Result<Outcome, Failure> {
    let behaviour = behaviour(ctx);
    if let Some(ended) = endings::create(ctx, buy, &behaviour) {
        return ended;
    }
    let outcome = act(ctx, buy, &behaviour)?;
    endings::remember_all(buy);
    Ok(outcome)
}

fn act(ctx: &Context, buy: &MediaBuy, behaviour: &str) -> Result<Outcome, Failure> {
    let url = |path: &str| format!("{}{path}", ctx.endpoint);
    let status = |answer: Result<http::Answer, _>| {
        let told: Result<u16, wasip2::http::types::ErrorCode> = answer.map(|answer| answer.status);
        Ok(noted(vec![format!("{told:?}")]))
    };
    match behaviour {
        "ssrf" => status(http::get(&setting(ctx, "url"))),
        "write-outside-step" => status(http::post(&url("/orders"), b"{}")),
        "report" => status(http::post(&url("/report/queue"), b"{}")),
        "secret-header" => {
            let name = Some(setting(ctx, "say")).filter(|name| !name.is_empty());
            let headers = [(name.as_deref().unwrap_or("authorization"), "mine")];
            status(http::send(&wasip2::http::types::Method::Get, &url("/echo"), &headers, b""))
        }
        "big-request" => {
            steps::begin("x");
            status(http::post(&url("/orders"), &vec![b'x'; 9 << 20]))
        }
        "big-response" => status(http::get(&url("/big"))),
        "flood" => {
            for _ in 0..100 {
                let _ = http::get(&url("/x"));
            }
            Ok(noted(Vec::new()))
        }
        "hang" => status(http::get(&url("/hang"))),
        "doze" => {
            let _ = http::get(&url("/x"));
            std::thread::sleep(std::time::Duration::from_secs(3600));
            Ok(noted(Vec::new()))
        }
        "swallow" => swallow(ctx),
        "hold" => {
            let first = http::get_and_keep(&url("/x")).map_err(|error| unavailable(&error))?;
            let second = http::get_and_keep(&url("/x")).map_err(|error| unavailable(&error))?;
            Ok(noted(vec![format!("{} {}", first.0.len(), second.0.len())]))
        }
        "echo" => echo(ctx, "/echo"),
        "echo-of" => echo(ctx, &setting(ctx, "url")),
        "cache-without-key" => {
            cache::put("", b"", 60);
            Ok(noted(Vec::new()))
        }
        "cache-too-much" => {
            cache::put("large", &vec![0; 4 * 1024 * 1024 + 1], 60);
            Ok(noted(Vec::new()))
        }
        // What the calls before it have kept, and how many there were.
        "cache-count" => {
            let before = cache::get("calls").map_or(0, |bytes| bytes[0]);
            cache::put("calls", &[before + 1], 60);
            Ok(noted(vec![before.to_string()]))
        }
        "finish-wrong" => {
            steps::begin("a");
            steps::finish("b", b"");
            Ok(noted(Vec::new()))
        }
        "begin-twice" => {
            steps::begin("a");
            steps::begin("b");
            Ok(noted(Vec::new()))
        }
        // One name for the lines of all packages.
        "name-twice" => {
            for package in &buy.packages {
                let id = step("line", &url("/lines"))?;
                steps::remember(&RemoteObject { kind: RemoteKind::Package, key: package.package_id.clone(), id });
            }
            Ok(noted(Vec::new()))
        }
        _ => make(ctx, buy),
    }
}

/// Updates as it is told to; usually not at all.
///
/// - `set-in-update`: sets something, in a step;
/// - `absent-in-update`: finds nothing where a step may have made something;
/// - `remember-in-update:<id>`: remembers an order by this id.
pub(crate) fn update(ctx: &Context, behaviour: &str) -> Result<(), Failure> {
    match behaviour.split_once(':') {
        None if behaviour == "set-in-update" => step("set", &format!("{}/set", ctx.endpoint)).map(|_| ()),
        None if behaviour == "absent-in-update" => {
            if let steps::State::InDoubt(_) = steps::begin("set") {
                steps::absent("set");
            }
            http::post(&format!("{}/set", ctx.endpoint), b"").map(|_| ()).map_err(|error| unavailable(&error))
        }
        Some(("remember-in-update", id)) => {
            steps::remember(&RemoteObject { kind: RemoteKind::Order, key: String::new(), id: id.to_owned() });
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Takes every refusal for the ad server's, and writes it down as what came of the step.
fn swallow(ctx: &Context) -> Result<Outcome, Failure> {
    for name in ["a", "b"] {
        steps::begin(name);
        let answer = http::post(&format!("{}/orders", ctx.endpoint), b"{}").map(|answer| answer.status);
        steps::finish(name, format!("{answer:?}").as_bytes());
    }
    Ok(noted(Vec::new()))
}

/// Tells what came back, headers and body, and prints what it was told to say.
fn echo(ctx: &Context, path: &str) -> Result<Outcome, Failure> {
    let answer = http::get(&format!("{}{path}", ctx.endpoint)).map_err(|error| unavailable(&error))?;
    let header = |(name, value): &(String, Vec<u8>)| format!("{name}: {}", String::from_utf8_lossy(value));
    let headers: Vec<String> = answer.headers.iter().map(header).collect();
    eprintln!("{}", setting(ctx, "say"));
    Ok(noted(vec![headers.join("\n"), String::from_utf8_lossy(&answer.body).into_owned()]))
}

/// An order, then a line for each package.
pub(crate) fn make(ctx: &Context, buy: &MediaBuy) -> Result<Outcome, Failure> {
    let id = step("order", &format!("{}/orders", ctx.endpoint))?;
    steps::remember(&RemoteObject { kind: RemoteKind::Order, key: String::new(), id });
    for package in &buy.packages {
        let id = step(&format!("line {}", package.package_id), &format!("{}/lines", ctx.endpoint))?;
        steps::remember(&RemoteObject { kind: RemoteKind::Package, key: package.package_id.clone(), id });
    }
    Ok(noted(Vec::new()))
}

pub(crate) fn step(name: &str, url: &str) -> Result<String, Failure> {
    let reference = match steps::begin(name) {
        steps::State::Done(outcome) => return Ok(String::from_utf8(outcome).unwrap()),
        // This platform has nothing to look for: what is in doubt is made again, which the tests count.
        steps::State::Fresh(reference) | steps::State::InDoubt(reference) => reference,
    };
    let answer = http::post(url, reference.as_bytes()).map_err(|error| unavailable(&error))?;
    match answer.status {
        500.. => return Err(failure(FailureKind::Unavailable, "platform", String::new())),
        400..500 => return Err(failure(FailureKind::Rejected, "platform", String::new())),
        _ => {}
    }
    let id = String::from_utf8_lossy(&answer.body).into_owned();
    steps::finish(name, id.as_bytes());
    Ok(id)
}

pub(crate) fn unavailable(error: &wasip2::http::types::ErrorCode) -> Failure {
    failure(FailureKind::Unavailable, "http", format!("{error:?}"))
}

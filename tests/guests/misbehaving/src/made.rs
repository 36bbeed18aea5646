//! What was made late, and stopping it.
//!
//! The platform of this adapter is whatever a test answers: `GET /made?step=…&reference=…` has a line for each object that
//! carries the reference, its id, followed by ` stopped` if it may not deliver any more; `POST /stop/<id>` stops one. Any other
//! answer than 200 is none. Instead of asking, the behaviour may be
//!
//! - `two-made`: of every step there are two objects, `1` and `2`, both active;
//! - `rubbish`: what no host should take: an object without an id, and no time;
//! - `oversize`: more objects than any host should read;
//! - `write-in-find`: a write, which only reads may not do;
//! - `stop-fails`: nothing can be stopped.

use crate::{
    behaviour,
    bindings::flightdeck::ad_server::{adapter_types::*, steps},
    failure, http, writes,
};

pub(crate) fn find(ctx: &Context, step: &MadeStep) -> Result<Vec<MadeObject>, Failure> {
    match behaviour(ctx).as_str() {
        "two-made" => Ok(["1", "2"].map(|id| object(step, id, true)).to_vec()),
        "rubbish" => Ok(vec![MadeObject { made_at: Some("yesterday".to_owned()), ..object(step, "", true) }]),
        "oversize" => Ok((0..50_000).map(|id| object(step, &id.to_string(), true)).collect()),
        "write-in-find" => {
            let _ = http::post(&format!("{}/orders", ctx.endpoint), b"{}");
            Ok(Vec::new())
        }
        _ => ask(ctx, step),
    }
}

fn ask(ctx: &Context, step: &MadeStep) -> Result<Vec<MadeObject>, Failure> {
    let name = step.name.replace(' ', "%20");
    let url = format!("{}/made?step={name}&reference={}", ctx.endpoint, step.reference);
    let answer = http::get(&url).map_err(|error| writes::unavailable(&error))?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let lines = text.lines().filter(|line| answer.status == 200 && !line.is_empty());
    let read = |line: &str| match line.split_once(' ') {
        Some((id, _)) => object(step, id, false),
        None => object(step, line, true),
    };
    Ok(lines.map(read).collect())
}

fn object(step: &MadeStep, id: &str, active: bool) -> MadeObject {
    let (remote_type, kind, key) = match step.name.strip_prefix("line ") {
        Some(package) => ("Line", RemoteKind::Package, package.to_owned()),
        None => ("Order", RemoteKind::Order, String::new()),
    };
    MadeObject {
        object: RemoteObject { kind, key, id: id.to_owned() },
        remote_type: remote_type.to_owned(),
        name: format!("{remote_type} {id}"),
        active,
        made_at: None,
        extensions: Vec::new(),
    }
}

pub(crate) fn stop(ctx: &Context, object: &MadeObject) -> Result<Outcome, Failure> {
    if behaviour(ctx) == "stop-fails" {
        return Err(failure(FailureKind::Rejected, "platform", "It can't be stopped.".to_owned()));
    }
    let id = &object.object.id;
    let name = format!("stop {id}");
    if !matches!(steps::begin(&name), steps::State::Done(_)) {
        let answer = http::post(&format!("{}/stop/{id}", ctx.endpoint), b"");
        match answer.map_err(|error| writes::unavailable(&error))?.status {
            500.. => return Err(failure(FailureKind::Unavailable, "platform", String::new())),
            // What is gone is stopped.
            _ => steps::finish(&name, b""),
        }
    }
    Ok(writes::noted(Vec::new()))
}

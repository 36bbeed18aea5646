//! What was made late: a request that got no answer may be carried out long after another one was sent in its place. The host
//! asks later what carries a step's reference, and has stopped what is too many.

use flightdeck_adapter::{host, moment, prelude::*, step::Remote};

use crate::{ads, api, campaign, caps, creative, flight, names::step_name, parts::Part};

/// Everything that carries a step's reference. The lookups are those of the steps. An ad that people added carries none; places,
/// sites and day parts can't carry any: those that say what the step's says are told.
///
/// # Errors
/// When Kevel can't be asked.
pub fn find(ctx: &Context, made: &MadeStep) -> Fallible<Vec<MadeObject>> {
    let api = api::open(ctx);
    let (what, rest) = made.name.split_once('/').unwrap_or((&made.name, ""));
    let reference = &made.reference;
    let found = match what {
        "campaign" if rest.is_empty() => {
            campaign::find(&api, reference).map(|seen| made::objects(seen, campaign::TYPE, &RemoteKind::Order, ""))
        }
        "flight" => in_campaign(&api, ctx, reference, rest),
        "creative" => creative::find(&api, api::advertiser(ctx)?, reference)
            .map(|seen| made::objects(seen, creative::TYPE, &RemoteKind::Creative, rest)),
        "ad" => match flight_of(ctx, rest) {
            Some((flight, _)) => ads::find(&api, flight, reference)
                .map(|seen| made::objects(seen, ads::TYPE, &RemoteKind::Association, rest)),
            None => Ok(Vec::new()),
        },
        _ => match (Part::named(what), flight_of(ctx, rest)) {
            (Some(part), Some((flight, says))) => {
                part.find(&api, flight, says).map(|seen| made::objects(seen, part.remote_type(), &part.kind(), rest))
            }
            _ => Ok(Vec::new()),
        },
    };
    match found {
        // The campaign or flight is gone, and what was in it with it.
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(Vec::new()),
        found => found,
    }
}

/// Flights are looked for in the campaign that is the buy's: no other was ever named by their step.
fn in_campaign(api: &Api, ctx: &Context, reference: &str, package_id: &str) -> Fallible<Vec<MadeObject>> {
    let Some(campaign) = ctx.remote.order() else { return Ok(Vec::new()) };
    let seen = flight::find(api, api::number(campaign)?, reference)?;
    Ok(made::objects(seen, flight::TYPE, &RemoteKind::Package, package_id))
}

/// The flight of the package that a key begins with, and the rest of the key.
fn flight_of<'a>(ctx: &'a Context, key: &'a str) -> Option<(&'a str, &'a str)> {
    ctx.remote.iter().filter(|object| object.kind == RemoteKind::Package).find_map(|package| {
        let rest = key.strip_prefix(package.key.as_str())?.strip_prefix('/')?;
        Some((package.id.as_str(), rest))
    })
}

/// Has an object that nobody asked for deliver nothing any more. A campaign or flight is archived, a creative or an ad is
/// switched off, a place, site or day part deleted.
///
/// # Errors
/// When Kevel can't be asked or refuses. What is stopped or gone already is no failure.
pub fn stop(ctx: &Context, object: &MadeObject) -> Fallible<Outcome> {
    let api = api::open(ctx);
    let (id, key) = (object.object.id.as_str(), object.object.key.as_str());
    let stop = step(step_name(&["stop", &object.remote_type, id]));
    match &object.object.kind {
        RemoteKind::Order => stop.set(|| {
            let over = is_over(&api, path!("/v1/campaign/{}", id))?;
            if over { Ok(()) } else { campaign::archive(&api, id, &moment::format(host::now())).map(|_| ()) }
        })?,
        RemoteKind::Package => stop.set(|| {
            let over = is_over(&api, path!("/v1/flight/{}", id))?;
            if over { Ok(()) } else { flight::archive(&api, id, None).map(|_| ()) }
        })?,
        RemoteKind::Creative => stop.set(|| creative::switch_off(&api, id))?,
        RemoteKind::Association => stop.set(|| ads::stop(&api, id))?,
        RemoteKind::Other(word) => match (Part::named(word), flight_of(ctx, key)) {
            (Some(part), Some((flight, _))) => stop.set(|| part.delete(&api, flight, id).map(|_| ()))?,
            _ => return Err(unknown(object)),
        },
    }
    Ok(Outcome::now())
}

fn is_over(api: &Api, path: String) -> Fallible<bool> {
    Ok(caps::is_over(api.get(path).fetch_if_any::<Object>()?.as_ref()))
}

fn unknown(object: &MadeObject) -> Failure {
    let message = format!(
        "{} {} can't be stopped: it is nothing that this adapter makes, or its flight is not known. Look at it on Kevel.",
        object.remote_type, object.object.id
    );
    Failure::rejected("unknown_object", message)
}

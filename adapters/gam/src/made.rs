//! What was made late: a request that got no answer may be carried out long after another one was sent in its place. The host
//! asks later what carries a step's reference, and has stopped what is too many.
//!
//! Of orders and associations there can be no second: the name of the one and the two ids of the other are unique, and Ad Manager
//! refuses what is there already.

use flightdeck_adapter::{names::step_name, prelude::*, step::Remote};

use crate::{
    api::{self, Network},
    creative, line_item, order,
    settings::Platform,
    ties,
};

/// Everything that carries a step's reference. The lookups are those of the steps.
///
/// # Errors
/// When Ad Manager can't be asked.
pub fn find(ctx: &Context, made: &MadeStep) -> Fallible<Vec<MadeObject>> {
    let platform = Platform::read(ctx)?;
    let network = api::open(ctx, &platform);
    let (what, rest) = made.name.split_once('/').unwrap_or((&made.name, ""));
    let reference = &made.reference;
    Ok(match what {
        "order" if rest.is_empty() => {
            made::objects(order::find(&network, reference)?, order::TYPE, &RemoteKind::Order, "")
        }
        "line-item" => {
            made::objects(line_item::find(&network, reference)?, line_item::TYPE, &RemoteKind::Package, rest)
        }
        "creative" => made::objects(creatives(&network, reference)?, creative::TYPE, &RemoteKind::Creative, rest),
        "association" => match pair_of(ctx, rest) {
            Some((item, creative)) => {
                made::objects(ties::find(&network, item, creative)?, ties::TYPE, &RemoteKind::Association, rest)
            }
            None => Vec::new(),
        },
        _ => Vec::new(),
    })
}

/// Ad Manager does not say whether a creative is active: it delivers if a line item shows it.
fn creatives(network: &Network<'_>, reference: &str) -> Fallible<Vec<Seen<String>>> {
    let seen = creative::find(network, reference)?.into_iter();
    seen.map(|one| ties::is_shown(network, &one.id).map(|shown| one.active(shown))).collect()
}

/// The line item and the creative of an association's key.
fn pair_of<'a>(ctx: &'a Context, key: &str) -> Option<(&'a str, &'a str)> {
    ctx.remote.iter().filter(|object| object.kind == RemoteKind::Package).find_map(|package| {
        let creative_id = key.strip_prefix(package.key.as_str())?.strip_prefix('/')?;
        Some((package.id.as_str(), ctx.remote.id_of(&RemoteKind::Creative, creative_id)?))
    })
}

/// Has an object that nobody asked for deliver nothing any more. An order or line item is archived, a creative is switched off
/// with its associations, an association by itself.
///
/// # Errors
/// When Ad Manager can't be asked or refuses. What is stopped or gone already is no failure.
pub fn stop(ctx: &Context, object: &MadeObject) -> Fallible<Outcome> {
    let platform = Platform::read(ctx)?;
    let network = api::open(ctx, &platform);
    let id = object.object.id.as_str();
    let stop = |part: &[&str]| step(step_name(&[&["stop", &object.remote_type, id], part].concat()));
    match &object.object.kind {
        RemoteKind::Order => {
            stop(&[]).set(|| order::stop(&network, id))?;
            stop(&["archive"]).set(|| order::archive(&network, id).map(|_| ()))?;
        }
        RemoteKind::Package => stop(&[]).set(|| line_item::archive(&network, id))?,
        RemoteKind::Creative => {
            stop(&[]).set(|| creative::switch_off(&network, id))?;
            stop(&["associations"]).set(|| ties::hide(&network, id))?;
        }
        RemoteKind::Association => match id.split_once('/') {
            Some((item, creative)) => stop(&[]).set(|| ties::switch_off(&network, item, creative))?,
            None => return Err(unknown(object)),
        },
        RemoteKind::Other(_) => return Err(unknown(object)),
    }
    Ok(Outcome::now())
}

fn unknown(object: &MadeObject) -> Failure {
    let message = format!(
        "{} {} can't be stopped: it is nothing that this adapter makes. Look at it in Ad Manager.",
        object.remote_type, object.object.id
    );
    Failure::rejected("unknown_object", message)
}

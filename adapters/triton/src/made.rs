//! What was made late: a request that got no answer may be carried out long after another one was sent in its place. The host
//! asks later what carries a step's reference, and has stopped what is too many.

use flightdeck_adapter::{names::step_name, prelude::*, step::Remote};

use crate::{api, assets, campaign, creative, flight};

/// Everything that carries a step's reference. The lookups are those of the steps. That a flight plays a creative is told by
/// itself: it can do so only once.
///
/// # Errors
/// When Triton can't be asked.
pub fn find(ctx: &Context, made: &MadeStep) -> Fallible<Vec<MadeObject>> {
    let (api, advertiser) = (api::open(ctx), api::advertiser(ctx)?);
    let (what, rest) = made.name.split_once('/').unwrap_or((&made.name, ""));
    let reference = &made.reference;
    Ok(match (what, ctx.remote.order()) {
        ("campaign", _) if rest.is_empty() => {
            made::objects(campaign::find(&api, advertiser, reference)?, campaign::TYPE, &RemoteKind::Order, "")
        }
        // No other campaign was ever named by the step of a flight.
        ("flight", Some(campaign)) => {
            let seen = flight::find(&api, api::number(campaign)?, reference)?;
            made::objects(seen, flight::TYPE, &RemoteKind::Package, rest)
        }
        ("creative", campaign) => {
            let seen = creative::find(&api, advertiser, reference)?.into_iter();
            let seen: Fallible<Vec<_>> = seen.map(|one| played(&api, campaign, one)).collect();
            made::objects(seen?, creative::TYPE, &RemoteKind::Creative, rest)
        }
        ("play", Some(_)) => made::objects(playing(&api, ctx, rest)?, assets::TYPE, &RemoteKind::Association, rest),
        _ => Vec::new(),
    })
}

/// A creative delivers if a flight of the buy plays it.
fn played(api: &Api, campaign: Option<&str>, seen: Seen<i64>) -> Fallible<Seen<i64>> {
    let active = match campaign {
        Some(campaign) => !flight::playing(api, campaign, seen.id)?.is_empty(),
        None => false,
    };
    Ok(seen.active(active))
}

/// What a key says that is so: the flight of its package plays its creative.
fn playing(api: &Api, ctx: &Context, key: &str) -> Fallible<Vec<Seen<String>>> {
    let pair = ctx.remote.iter().filter(|object| object.kind == RemoteKind::Package).find_map(|package| {
        let creative_id = key.strip_prefix(package.key.as_str())?.strip_prefix('/')?;
        Some((package.id.as_str(), ctx.remote.id_of(&RemoteKind::Creative, creative_id)?))
    });
    let Some((flight, creative)) = pair else { return Ok(Vec::new()) };
    let plays = flight::plays(api, flight, api::number(creative)?)?;
    Ok(plays.then(|| Seen::new(format!("{flight}/{creative}"))).into_iter().collect())
}

/// Has an object that nobody asked for deliver nothing any more. A campaign is put away, a flight switched off; a creative can't be
/// switched off on Triton, so the buy's flights stop playing it.
///
/// # Errors
/// When Triton can't be asked or refuses. What is stopped or gone already is no failure.
pub fn stop(ctx: &Context, object: &MadeObject) -> Fallible<Outcome> {
    let api = api::open(ctx);
    let id = object.object.id.as_str();
    let stop = step(step_name(&["stop", &object.remote_type, id]));
    match &object.object.kind {
        RemoteKind::Order => stop.set(|| campaign::archive(&api, id).map(|_| ()))?,
        RemoteKind::Package => stop.set(|| flight::switch_off(&api, id))?,
        RemoteKind::Creative => stop.set(|| {
            let (creative, campaign) = (api::number(id)?, ctx.remote.order());
            let flights = campaign.map(|campaign| flight::playing(&api, campaign, creative)).transpose()?;
            flights.unwrap_or_default().iter().try_for_each(|flight| flight::play(&api, flight, creative, false))
        })?,
        RemoteKind::Association => match id.split_once('/') {
            Some((flight, creative)) => stop.set(|| {
                let creative = api::number(creative)?;
                if flight::plays(&api, flight, creative)? {
                    flight::play(&api, flight, creative, false)
                } else {
                    Ok(())
                }
            })?,
            None => return Err(unknown(object)),
        },
        RemoteKind::Other(_) => return Err(unknown(object)),
    }
    Ok(Outcome::now())
}

fn unknown(object: &MadeObject) -> Failure {
    let message = format!(
        "{} {} can't be stopped: it is nothing that this adapter makes. Look at it on Triton.",
        object.remote_type, object.object.id
    );
    Failure::rejected("unknown_object", message)
}

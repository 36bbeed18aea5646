//! Late duplicates: a request that got no answer may be carried out long after another one was sent
//! in its place. The host later looks for everything that carries a step's reference, and has the
//! surplus stopped.

use super::AdServer;
use crate::{
    failure::Fallible,
    made,
    names::step_name,
    step::{Remote, step},
    types::{Context, Failure, MadeObject, MadeStep, Outcome, RemoteKind, RemoteObject},
};

/// The key of a placement, with what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct PlacementKey<'a> {
    /// The line item of its package.
    pub item: &'a str,
    /// The platform's id of its creative, if it is known.
    pub creative: Option<&'a str>,
}

/// Returns the line item of the package that a key begins with, and the rest of the key.
fn item_of<'a>(remote: &'a [RemoteObject], key: &'a str) -> Option<(&'a str, &'a str)> {
    remote.iter().filter(|object| object.kind == RemoteKind::Package).find_map(|package| {
        let rest = key.strip_prefix(package.key.as_str())?.strip_prefix('/')?;
        Some((package.id.as_str(), rest))
    })
}

/// Returns everything that carries a step's reference, using the lookups of the steps.
///
/// # Errors
/// When the platform can't be reached.
pub fn find<S: AdServer>(server: &S, ctx: &Context, step: &MadeStep) -> Fallible<Vec<MadeObject>> {
    let words = &S::WORDS;
    let (what, key) = step.name.split_once('/').unwrap_or((&step.name, ""));
    let (reference, order) = (step.reference.as_str(), ctx.remote.order());
    if what == words.order.step && key.is_empty() {
        return Ok(made::objects(server.find_orders(reference)?, words.order.remote_type, &RemoteKind::Order, ""));
    }
    if what == words.item.step {
        let seen = server.find_items(order, reference)?;
        return Ok(made::objects(seen, words.item.remote_type, &RemoteKind::Package, key));
    }
    if what == "creative" {
        let seen = server.find_creatives(reference)?.into_iter();
        let seen = seen.map(|one| server.is_shown(order, one)).collect::<Fallible<Vec<_>>>()?;
        return Ok(made::objects(seen, words.creative, &RemoteKind::Creative, key));
    }
    let Some((item, rest)) = item_of(&ctx.remote, key) else { return Ok(Vec::new()) };
    if what == words.placement.step {
        let creative = ctx.remote.id_of(&RemoteKind::Creative, rest);
        let seen = server.find_placements(&PlacementKey { item, creative }, reference)?;
        return Ok(made::objects(seen, words.placement.remote_type, &RemoteKind::Association, key));
    }
    server.find_parts(what, key, item, rest)
}

/// Stops an unwanted object from delivering.
///
/// # Errors
/// When the platform can't be reached or refuses. An object that is already stopped or gone is not
/// a failure.
pub fn stop<S: AdServer>(server: &S, ctx: &Context, made: &MadeObject) -> Fallible<Outcome> {
    let id = made.object.id.as_str();
    let known = step(step_name(&["stop", &made.remote_type, id])).set(|| match &made.object.kind {
        RemoteKind::Order => server.stop_order(id, None).map(|_| true),
        RemoteKind::Package => server.stop_item(id, None).map(|_| true),
        RemoteKind::Creative => server.stop_creative(ctx.remote.order(), id).map(|()| true),
        RemoteKind::Association => server.stop_placement(id),
        RemoteKind::Other(word) => {
            let item = item_of(&ctx.remote, &made.object.key).map(|(item, _)| item);
            server.stop_part(word, item, id)
        }
    })?;
    if known {
        return Ok(Outcome::now());
    }
    let message = format!(
        "{} {id} can't be stopped: it is nothing that this adapter makes, or its package is not known. Look at it on {}.",
        made.remote_type,
        S::WORDS.platform
    );
    Err(Failure::rejected("unknown_object", message))
}

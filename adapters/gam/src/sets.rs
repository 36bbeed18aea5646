//! Creative sets: a master creative and its companions.
//!
//! A creative with companions becomes a creative for each of them, one for the master, and the set that
//! a line item shows. Each is made in a step of its own. The set is what the host knows as the creative,
//! by an id that says so: `creativeSets/17`.

use std::{cell::RefCell, collections::BTreeMap};

use flightdeck_adapter::{
    names::{step_name, with_reference},
    prelude::*,
    step::Remote,
};
use serde::Deserialize;

use crate::{
    api::{Made, Network, id_of, quoted},
    creative::{self, Asset},
    inferred,
    refusal::made_or_found,
};

/// The collection, with which the id of a set begins.
const SETS: &str = "creativeSets";
/// The word for masters, in step names and in what the host remembers.
const MASTER: &str = "master";
/// The word for companions.
const COMPANION: &str = "companion";
/// The maximum length of a name, in characters (type `CreativeSet`).
const NAME_LIMIT: usize = 255;

/// Returns the id of a set, without the collection; `None` if the id is a creative's.
#[must_use]
pub fn set_id(id: &str) -> Option<&str> {
    id.strip_prefix(SETS)?.strip_prefix('/')
}

/// Returns the field of an association and the resource name that a creative or a set has in it.
#[must_use]
pub fn in_association(network: &Network, id: &str) -> (&'static str, String) {
    match set_id(id) {
        Some(id) => (inferred::SET_OF_ASSOCIATION, network.name(SETS, id)),
        None => ("creative", network.name("creatives", id)),
    }
}

/// Whether a word is that of what a set consists of.
#[must_use]
pub fn is_part(word: &str) -> bool {
    [MASTER, COMPANION].contains(&word)
}

/// The creatives that this call made for sets: the master first, by the buyer's id.
#[derive(Debug, Default)]
pub struct Parts(RefCell<BTreeMap<String, Vec<String>>>);

impl Parts {
    /// Makes the creatives of a set, each in a step. A creative without companions has none.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the verdict.
    pub fn make(&self, network: &Network, ctx: &Context, advertiser: &str, asset: &Asset) -> Fallible<Verdict<()>> {
        if !asset.is_master() {
            return Ok(Ok(()));
        }
        let id = asset.creative_id.as_str();
        let companions = asset.companions().enumerate().map(|(index, one)| (COMPANION, Some(index + 1), one));
        let mut made = Vec::new();
        for (word, number, part) in std::iter::once((MASTER, None, asset.clone())).chain(companions) {
            let number = number.map(|number| number.to_string());
            let words: Vec<&str> = [word, id].into_iter().chain(number.as_deref()).collect();
            let (kind, key) = (RemoteKind::Other(word.to_owned()), words[1..].join("/"));
            let known = ctx.remote.id_of(&kind, &key).map(str::to_owned);
            let one: Verdict<String> = step(step_name(&words))
                .remember(kind, key)
                .find(|reference| match &known {
                    Some(id) => Ok(vec![Seen::new(id.clone())]),
                    None => creative::find(network, reference),
                })
                .try_create(|reference| match &known {
                    Some(id) => Ok(id.clone()),
                    None => part.create(network, advertiser, reference),
                })?;
            match one {
                Ok(id) => made.push(id),
                Err(refused) => return Ok(Err(refused)),
            }
        }
        self.0.borrow_mut().insert(id.to_owned(), made);
        Ok(Ok(()))
    }

    /// Creates the set of a creative whose parts were made. Returns its id.
    ///
    /// # Errors
    /// When Ad Manager refuses.
    pub fn create_set(&self, network: &Network, asset: &Asset, reference: &str) -> Fallible<String> {
        let parts = self.0.borrow().get(&asset.creative_id).cloned().unwrap_or_default();
        let mut names = parts.iter().map(|id| network.name("creatives", id));
        let body = object! {
            "displayName": with_reference(&asset.name, reference, NAME_LIMIT),
            "masterCreative": names.next(),
            "companionCreatives": names.collect::<Vec<_>>(),
        };
        let made = network.post(SETS).json(&body).fetch::<Made>();
        let id = made.and_then(|made| Ok(format!("{SETS}/{}", id_of(&made.name)?)));
        made_or_found(id, || find(network, reference))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    name: String,
    #[serde(default)]
    display_name: String,
}

/// Finds the creative sets that carry a reference.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn find(network: &Network, reference: &str) -> Fallible<Vec<Seen<String>>> {
    let filter = format!("displayName : {}", quoted(reference));
    let seen = network.list::<Found>(SETS, SETS, &filter).map(|found| {
        let found = found?;
        Ok(Seen::new(format!("{SETS}/{}", id_of(&found.name)?)).named(found.display_name))
    });
    made::carrying(seen, reference)
}

/// Finds the creatives that a step made for a set. `None` if the step made something else.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn find_parts(network: &Network, made: &MadeStep) -> Fallible<Option<Vec<MadeObject>>> {
    let Some((word, key)) = made.name.split_once('/').filter(|(word, _)| is_part(word)) else { return Ok(None) };
    let seen = creative::find(network, &made.reference)?;
    // No line item shows it: the set does.
    let seen = seen.into_iter().map(|one| one.active(false)).collect();
    Ok(Some(made::objects(seen, creative::TYPE, &RemoteKind::Other(word.to_owned()), key)))
}

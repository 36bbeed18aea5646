//! Uploads creatives and places them in line items.
//!
//! All creatives are uploaded before the first is placed. An adapter whose ad server keeps a line
//! item's creatives as one list can then send the whole list with each request, so that a request that
//! the ad server carries out late removes none of them.
//!
//! A creative that can't be uploaded is rejected, and the others go on. A creative that runs in some of
//! its packages delivers, and its status names the other packages. A creative that runs in no package
//! is removed again if the platform allows it; otherwise the next upload reuses it.

use std::{cell::RefCell, collections::BTreeMap};

use super::{AdServer, Uploadable, Words};
use crate::{
    failure::{Fallible, Problems},
    host,
    made::Seen,
    names::{association_key, step_name},
    plan::{Change, Plan},
    source::{self, Source},
    step::{Remote, RemoteId, Verdict, step},
    types::{
        AssetStatus, ChangePlan, Context, Creative, CreativeBatch, CreativeOutcome, Failure, MediaBuy, RemoteKind,
        RemoteObject,
    },
    update,
};

/// A creative in the line item of a package.
#[derive(Debug, Clone, Copy)]
pub struct Placement<'a> {
    /// The buy's order.
    pub order: &'a str,
    /// The line item.
    pub item: &'a str,
    /// The package.
    pub package_id: &'a str,
    /// Whether the package may deliver.
    pub active: bool,
    /// The creative, by the buyer's id.
    pub creative_id: &'a str,
    /// The id of the placement that an update found remembered.
    pub known: Option<&'a str>,
    /// The platform's ids of all creatives that the operation places in the line item, this one
    /// included.
    pub all: &'a [String],
}

impl Placement<'_> {
    /// The key under which the placement is remembered.
    #[must_use]
    pub fn key(&self) -> String {
        association_key(self.package_id, self.creative_id)
    }
}

/// The changes that an upload makes.
///
/// # Errors
/// Everything that the platform can't do of it, item by item.
pub fn plan<S: AdServer>(server: &S, ctx: &Context, batch: &CreativeBatch) -> Fallible<ChangePlan> {
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let mut plan = Plan::default();
    for creative in &batch.assets {
        let ids = &creative.package_ids;
        let asset = server.translate_creative(&batch.media_buy, creative, ids, &mut problems, &mut notes)?;
        let Some(asset) = asset else { continue };
        plan.push(uploaded(server, &asset)?);
        for package_id in ids {
            plan.push(placed::<S>(package_id, asset.creative_id()));
        }
    }
    problems.check()?;
    server.plan_delivery(&ctx.remote, &batch.media_buy, &mut plan);
    plan.notes(notes);
    Ok(plan.finish())
}

/// A planned upload.
///
/// # Errors
/// As [`AdServer::new_creative`].
pub(super) fn uploaded<S: AdServer>(server: &S, asset: &S::Asset) -> Fallible<Change> {
    Ok(Change::create(S::WORDS.creative, asset.name(), &server.new_creative(asset)?))
}

/// A planned placement.
pub(super) fn placed<S: AdServer>(package_id: &str, creative_id: &str) -> Change {
    let key = association_key(package_id, creative_id);
    Change::associate(S::WORDS.placement.remote_type, &key, &S::new_placement(creative_id)).package(package_id)
}

/// A creative that is on the platform.
struct Uploaded<'c> {
    creative: &'c Creative,
    id: String,
    /// Packages that do not take it.
    refused: Vec<(&'c str, Failure)>,
}

/// Uploads creatives, places them in their line items, and has them deliver.
///
/// # Errors
/// What stops them all.
pub fn add<S: AdServer>(server: &S, ctx: &Context, batch: &CreativeBatch) -> Fallible<CreativeOutcome> {
    let uploader = Uploader::new(server, ctx, &batch.media_buy)?;
    let mut all_notes = Vec::new();
    let mut made: Vec<(&Creative, Result<S::Id, AssetStatus>)> = Vec::new();
    for creative in &batch.assets {
        let (mut problems, mut notes) = (Problems::default(), Vec::new());
        let ids = &creative.package_ids;
        let asset = server.translate_creative(&batch.media_buy, creative, ids, &mut problems, &mut notes)?;
        let verdict = match (asset, problems.check()) {
            (Some(asset), Ok(())) => uploader.upload(&creative.creative_id, Source::Asset(&asset), Some(&asset))?,
            (_, Err(failure)) => Err(failure),
            (None, Ok(())) => {
                let message = format!("{} has nothing like this creative.", S::WORDS.platform);
                Err(Failure::rejected("untranslatable", message))
            }
        };
        let rejected = |failure| AssetStatus::rejected(&creative.creative_id, None, &failure);
        made.push((creative, verdict.map_err(rejected)));
        all_notes.extend(notes);
    }
    let mut by_package: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (creative, uploaded) in &made {
        let Ok(id) = uploaded else { continue };
        for package_id in &creative.package_ids {
            by_package.entry(package_id).or_default().push(id.remote_id());
        }
    }
    let mut done: Vec<Result<Uploaded<'_>, AssetStatus>> = Vec::new();
    for (creative, uploaded) in made {
        done.push(match uploaded {
            Ok(id) => uploader.place_in_all(creative, &id, &by_package)?,
            Err(rejected) => Err(rejected),
        });
    }
    let placed = done.iter().flatten().any(|uploaded| uploaded.refused.len() < uploaded.creative.package_ids.len());
    let state = server.deliver(uploader.order, &batch.media_buy, &ctx.remote, placed)?;
    let status = |done| match done {
        Ok(Uploaded { creative, id, refused }) => {
            AssetStatus::uploaded(&creative.creative_id, state.clone(), id, &refused)
        }
        Err(rejected) => rejected,
    };
    Ok(CreativeOutcome { assets: done.into_iter().map(status).collect(), notes: all_notes, extensions: Vec::new() })
}

/// Uploads creatives for one operation, each once.
pub(super) struct Uploader<'a, S: AdServer> {
    server: &'a S,
    /// The buy's order.
    pub(super) order: &'a str,
    buy: &'a MediaBuy,
    remote: &'a [RemoteObject],
    /// What this operation has uploaded: a step is named once, and several packages may need the same creative.
    uploaded: RefCell<BTreeMap<String, S::Id>>,
}

impl<'a, S: AdServer> Uploader<'a, S> {
    /// For the order of a context; `buy` is as it is to be.
    ///
    /// # Errors
    /// `not-found` when the media buy has no order.
    pub(super) fn new(server: &'a S, ctx: &'a Context, buy: &'a MediaBuy) -> Fallible<Self> {
        let order = ctx.remote.order().ok_or_else(|| {
            let (noun, platform) = (&S::WORDS.order, S::WORDS.platform);
            let message = format!("The media buy has no {} on {platform}: it was not created there.", noun.word);
            Words::missing(noun, message)
        })?;
        Ok(Self { server, order, buy, remote: &ctx.remote, uploaded: RefCell::default() })
    }

    /// Places a creative in the line items of its packages. `by_package` has the platform's ids of all
    /// creatives that are placed in each.
    fn place_in_all<'c>(
        &self,
        creative: &'c Creative,
        id: &S::Id,
        by_package: &BTreeMap<&str, Vec<String>>,
    ) -> Fallible<Result<Uploaded<'c>, AssetStatus>> {
        let creative_id = creative.creative_id.as_str();
        let mut refused = Vec::new();
        for package_id in &creative.package_ids {
            let all = by_package.get(package_id.as_str()).map_or(&[][..], Vec::as_slice);
            if let Err(failure) = self.place(id, package_id, creative_id, None, all)? {
                refused.push((package_id.as_str(), failure));
            }
        }
        let id = id.remote_id();
        let runs_nowhere = refused.len() == creative.package_ids.len();
        if let Some((_, failure)) = refused.first().filter(|_| runs_nowhere) {
            if !S::DISCARDS {
                return Ok(Err(AssetStatus::rejected(creative_id, Some(id), failure)));
            }
            self.discard(creative_id, &id)?;
            return Ok(Err(AssetStatus::rejected(creative_id, None, failure)));
        }
        Ok(Ok(Uploaded { creative, id, refused }))
    }

    /// Takes away a creative that was uploaded for nothing. One that the platform does not take away stays known.
    fn discard(&self, creative_id: &str, id: &str) -> Fallible<()> {
        let gone = step(step_name(&["discard", creative_id])).try_set(|| self.server.discard(id))?;
        if gone.is_ok() {
            let (kind, key) = (RemoteKind::Creative, creative_id.to_owned());
            host::forget(&RemoteObject { kind, key, id: id.to_owned() });
        }
        Ok(())
    }

    /// The creative's id, uploaded if this operation has not done so. It is a step of its own whether the creative is to
    /// be uploaded or known: what is known grows while an operation runs, and its steps must not differ. Nothing is sent
    /// for a known one, so there is nothing to look up either.
    ///
    /// # Errors
    /// What may pass: a refusal is in the verdict.
    pub(super) fn upload(
        &self,
        creative_id: &str,
        source: Source<'_, S::Asset>,
        asset: Option<&S::Asset>,
    ) -> Fallible<Verdict<S::Id>> {
        if let Some(id) = self.uploaded.borrow().get(creative_id) {
            return Ok(Ok(id.clone()));
        }
        if let Some(asset) = asset
            && let Err(refused) = self.server.before_creative(asset)?
        {
            return Ok(Err(refused));
        }
        let known = self.remote.id_of(&RemoteKind::Creative, creative_id);
        let uploaded: Verdict<S::Id> = step(step_name(&["creative", creative_id]))
            .remember(RemoteKind::Creative, creative_id)
            .find(|reference| match source {
                Source::Known(id) => Ok(vec![Seen::new(S::id(id)?)]),
                Source::Asset(_) | Source::Nowhere => self.server.find_creatives(reference),
            })
            .try_create(|reference| match source {
                Source::Asset(asset) => self.server.create_creative(asset, known, reference),
                Source::Known(id) => S::id(id),
                Source::Nowhere => Err(source::nowhere(creative_id, S::WORDS.platform)),
            })?;
        if let Ok(id) = &uploaded {
            self.uploaded.borrow_mut().insert(creative_id.to_owned(), id.clone());
        }
        Ok(uploaded)
    }

    /// Places a creative in the line item of a package.
    ///
    /// # Errors
    /// As [`upload`](Self::upload).
    pub(super) fn place(
        &self,
        creative: &S::Id,
        package_id: &str,
        creative_id: &str,
        known: Option<&str>,
        all: &[String],
    ) -> Fallible<Verdict<()>> {
        let item = match item_of::<S>(self.remote, package_id) {
            Ok(item) => item,
            Err(missing) => return Ok(Err(missing)),
        };
        let active = update::package(self.buy, package_id).is_some_and(|package| package.active);
        let at = Placement { order: self.order, item, package_id, active, creative_id, known, all };
        self.server.place(&at, creative)
    }

    /// Ends the placement of a creative in a line item.
    ///
    /// # Errors
    /// As [`upload`](Self::upload).
    pub(super) fn displace(&self, item: &str, package_id: &str, creative_id: &str) -> Fallible<Verdict<()>> {
        let known = self.remote.id_of(&RemoteKind::Association, &association_key(package_id, creative_id));
        let active = update::package(self.buy, package_id).is_some_and(|package| package.active);
        self.server.displace(&Placement { order: self.order, item, package_id, active, creative_id, known, all: &[] })
    }
}

/// The line item of a package.
///
/// # Errors
/// `not-found` when the package has none.
pub(super) fn item_of<'a, S: AdServer>(remote: &'a [RemoteObject], package_id: &str) -> Verdict<&'a str> {
    remote.package(package_id).ok_or_else(|| {
        let (noun, platform) = (&S::WORDS.item, S::WORDS.platform);
        Words::missing(noun, format!("The package {package_id} has no {} on {platform}.", noun.word))
    })
}

//! What a change has brought about that stopped half-way.

use std::collections::BTreeSet;

use crate::domain::{
    id::{CreativeId, PackageId, PlatformName},
    media_buy::{MediaBuy, Package},
    money::Micros,
};

/// How far a change came.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The platforms that carried out all of their part.
    pub done: BTreeSet<PlatformName>,
    /// The platforms that carried out what concerns the whole buy, and perhaps some of their packages.
    pub begun: BTreeSet<PlatformName>,
    /// Those packages.
    pub changed: BTreeSet<PackageId>,
}

impl Progress {
    /// Whether nothing was changed.
    pub fn is_nothing(&self) -> bool {
        self.done.is_empty() && self.begun.is_empty() && self.changed.is_empty()
    }

    fn has(&self, package: &Package) -> bool {
        self.done.contains(&package.platform) || self.changed.contains(&package.id)
    }

    fn reached(&self, platform: &PlatformName) -> bool {
        self.done.contains(platform) || self.begun.contains(platform)
    }
}

/// The buy between `before` and `desired`: what was changed is as desired, the rest as before.
///
/// What concerns the whole buy is as desired if every platform of `touched` has carried it out. If only some have, it is as
/// before; whether packages deliver is then said package by package, because that is what a buyer must know to stop them.
pub fn partly(before: &MediaBuy, desired: &MediaBuy, touched: &[PlatformName], progress: &Progress) -> MediaBuy {
    let everywhere = !touched.is_empty() && touched.iter().all(|platform| progress.reached(platform));
    let mut next = if everywhere { desired.clone() } else { before.clone() };
    for package in &mut next.packages {
        let side = if progress.has(package) { desired } else { before };
        if let Some(found) = side.package(&package.id) {
            package.clone_from(found);
        }
    }
    if !everywhere && before.active != desired.active {
        switch_packages(&mut next, before, desired, progress);
    }
    let known = |id: &CreativeId| before.creatives.iter().any(|creative| &creative.id == id);
    let creatives = desired.creatives.iter().filter_map(|creative| {
        let mut mine = creative.clone();
        if !known(&mine.id) {
            let runs = |package: &Package| package.creatives.contains(&creative.id);
            mine.packages.retain(|id| next.package(id).is_some_and(runs));
        }
        (known(&mine.id) || !mine.packages.is_empty()).then_some(mine)
    });
    next.creatives = creatives.collect();
    if let Some(total) = Micros::sum(next.packages.iter().map(|package| package.budget)) {
        next.total_budget = total;
    }
    next
}

/// Some platforms have paused or resumed the whole buy and others have not.
fn switch_packages(next: &mut MediaBuy, before: &MediaBuy, desired: &MediaBuy, progress: &Progress) {
    next.active = true;
    for package in &mut next.packages {
        let whole = if progress.reached(&package.platform) { desired } else { before };
        package.active = package.active && whole.active;
        package.switched_at = whole.switched_at.max(package.switched_at);
    }
}

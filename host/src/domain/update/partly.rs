//! The effect of a change that was carried out only in part.

use std::collections::BTreeSet;

use crate::domain::{
    id::{CreativeId, PackageId, PlatformName},
    media_buy::{MediaBuy, Package},
    money::Micros,
};

/// The parts of a change that were carried out.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The platforms that carried out their whole part.
    pub done: BTreeSet<PlatformName>,
    /// The platforms that carried out the changes of the whole buy, and perhaps some of their
    /// packages.
    pub begun: BTreeSet<PlatformName>,
    /// The packages that were changed on those platforms.
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

/// Returns the buy between `before` and `desired`: the parts that were changed as in `desired`, the
/// others as in `before`.
///
/// Fields of the whole buy are as desired if every platform of `touched` has carried them out. If
/// only some have, they are as before. Whether packages deliver is then recorded for each package,
/// because a buyer must know that to stop them.
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

/// Records the pause or resume for each package, if only some platforms have paused or resumed the
/// whole buy.
fn switch_packages(next: &mut MediaBuy, before: &MediaBuy, desired: &MediaBuy, progress: &Progress) {
    next.active = true;
    for package in &mut next.packages {
        let whole = if progress.reached(&package.platform) { desired } else { before };
        package.active = package.active && whole.active;
        package.switched_at = whole.switched_at.max(package.switched_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        creative::{Creative, Format},
        operation::Change,
        testing::{self, units},
        update::{BuyPatch, PackagePatch, When},
    };

    /// A buy of three packages, with the last one on another platform.
    fn buy() -> MediaBuy {
        let mut buy = testing::buy(3);
        buy.packages[2].platform = "zenith".into();
        buy
    }

    fn after(change: &Change, progress: &Progress) -> MediaBuy {
        let before = buy();
        let desired = change.apply(&before, When::at_once(before.start)).unwrap();
        partly(&before, &desired, &change.platforms(&desired), progress)
    }

    fn active(buy: &MediaBuy) -> Vec<bool> {
        buy.packages.iter().map(|package| buy.active && package.active).collect()
    }

    fn on(platform: &str) -> BTreeSet<PlatformName> {
        BTreeSet::from([platform.into()])
    }

    #[test]
    fn a_pause_that_reached_one_platform_is_told_package_by_package() {
        let pause = Change::Update(BuyPatch { active: Some(false), ..BuyPatch::default() });
        let next = after(&pause, &Progress { done: on("zenith"), ..Progress::default() });
        assert_eq!((next.active, active(&next)), (true, vec![true, true, false]));
        let next = after(&pause, &Progress { begun: on("acme"), ..Progress::default() });
        assert_eq!((next.active, active(&next)), (true, vec![false, false, true]));
        let next = after(&pause, &Progress { done: on("acme"), begun: on("zenith"), ..Progress::default() });
        assert_eq!((next.active, active(&next)), (false, vec![false; 3]));
        assert_eq!(after(&pause, &Progress::default()), buy());
    }

    #[test]
    fn a_resume_that_reached_one_platform_does_not_seem_to_have_reached_the_other() {
        let mut before = buy();
        before.active = false;
        let resume = Change::Update(BuyPatch { active: Some(true), ..BuyPatch::default() });
        let desired = resume.apply(&before, When::at_once(before.start)).unwrap();
        let progress = Progress { done: on("acme"), ..Progress::default() };
        let next = partly(&before, &desired, &before.platforms(), &progress);
        assert_eq!((next.active, active(&next)), (true, vec![true, true, false]));
    }

    #[test]
    fn packages_that_were_changed_are_as_asked_and_the_others_as_before() {
        let budget =
            |id: &str| PackagePatch { package: Some(id.into()), budget: Some(units(2_000)), ..PackagePatch::default() };
        let packages = vec![budget("p0"), budget("p1"), budget("p2")];
        let change = Change::Update(BuyPatch { packages, ..BuyPatch::default() });
        let progress = Progress { done: on("zenith"), begun: on("acme"), changed: BTreeSet::from(["p0".into()]) };
        let next = after(&change, &progress);
        let budgets: Vec<Micros> = next.packages.iter().map(|package| package.budget).collect();
        assert_eq!(budgets, [units(2_000), units(1_000), units(2_000)]);
        assert_eq!(next.total_budget, units(5_000));
    }

    #[test]
    fn creatives_are_known_where_they_were_uploaded() {
        let creative = |id: &str, packages: &[&str]| Creative {
            id: id.into(),
            name: id.to_owned(),
            format: Format::Image,
            media_url: None,
            click_url: None,
            duration_ms: None,
            width: None,
            height: None,
            template_id: None,
            template_values: None,
            packages: packages.iter().map(|id| PackageId::from(*id)).collect(),
        };
        let change = Change::AddCreatives(vec![creative("both", &["p0", "p2"]), creative("there", &["p2"])]);
        let next = after(&change, &Progress { done: on("acme"), ..Progress::default() });
        assert_eq!(next.creatives, [creative("both", &["p0"])]);
        let runs: Vec<usize> = next.packages.iter().map(|package| package.creatives.len()).collect();
        assert_eq!(runs, [1, 0, 0]);
    }
}

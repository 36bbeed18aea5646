//! What adapters are given.

use flightdeck_bindings::{
    optional::exports::flightdeck::ad_server::follow_up, v1::flightdeck::ad_server::adapter_types as wit,
};

use super::words::{
    cap_scope_to, day_to, dimension_to, format_to, operator_to, pacing_to, price_model_to, remote_to_guest,
};
use crate::{
    adapters::{AdapterChange, RemoteBuy},
    domain::{
        capability::{Capabilities, DaypartPreset},
        change::ProposedChange,
        creative::Creative,
        id::{PackageId, PlatformName},
        lookup::MadeObject,
        media_buy::{MediaBuy, Package, RemoteObject},
        money::Micros,
        operation::{Change, Performance},
        targeting::{Daypart, Dayparting, Targeting},
        time::Timestamp,
    },
};

/// Converts an object that an adapter found back to the contract's type.
pub(crate) fn made_to_guest(made: &MadeObject) -> wit::MadeObject {
    wit::MadeObject {
        object: remote_to_guest(&made.object),
        remote_type: made.remote_type.clone(),
        name: made.name.clone(),
        active: made.active,
        made_at: made.made_at.map(|at| at.to_string()),
        extensions: Vec::new(),
    }
}

/// What an adapter is asked to plan or to carry out.
#[expect(clippy::large_enum_variant, reason = "there is one for each call")]
pub(crate) enum Asked {
    /// A change, with a function of `ad-server`.
    Change(wit::Change),
    /// A follow-up, with the interface `follow-up`.
    FollowUp(follow_up::Work),
}

/// Converts for one platform, leaving out everything on other platforms.
pub(crate) struct Outgoing<'a> {
    pub(crate) platform: &'a PlatformName,
    pub(crate) capabilities: &'a Capabilities,
}

impl Outgoing<'_> {
    /// Converts what an adapter is asked for.
    pub(crate) fn asked(&self, change: AdapterChange<'_>) -> Asked {
        match change {
            AdapterChange::Make(proposed) => Asked::Change(self.change(proposed)),
            AdapterChange::Cancel(buy) => Asked::Change(wit::Change::Cancel(self.buy(buy))),
            AdapterChange::FollowUp(buy, reason) => Asked::FollowUp(follow_up::Work {
                reason: reason.to_owned(),
                media_buy: self.buy(buy),
                creatives: self.creatives(buy, &buy.creatives),
                extensions: Vec::new(),
            }),
        }
    }

    /// Converts a change, as `plan` takes it.
    pub(crate) fn change(&self, proposed: ProposedChange<'_>) -> wit::Change {
        let buy = proposed.current;
        match proposed.change {
            Change::Create => wit::Change::Create(self.buy(proposed.desired)),
            Change::AddCreatives(assets) => wit::Change::AddCreatives(wit::CreativeBatch {
                media_buy: self.buy(buy),
                assets: self.creatives(buy, assets),
                extensions: Vec::new(),
            }),
            // A follow-up is asked for in another way; as a change of the buy, it is one without
            // differences.
            Change::Update(_) | Change::FollowUp(_) => wit::Change::Update(self.update(proposed)),
            Change::PerformanceIndex(performance) => wit::Change::PerformanceIndex(self.performance(buy, performance)),
        }
    }

    /// Converts the part of a buy that the platform carries. Its budget is the sum of its packages'
    /// budgets. The buy's daily cap is passed on only if all packages are on this platform. How to
    /// split it across platforms is not decided here, so a buy on several platforms gets none.
    fn buy(&self, buy: &MediaBuy) -> wit::MediaBuy {
        let packages: Vec<&Package> = buy.packages_on(self.platform).collect();
        let alone = packages.len() == buy.packages.len();
        let total = Micros::sum(packages.iter().map(|package| package.budget)).unwrap_or(Micros::MAX);
        let name = match &buy.po_number {
            Some(number) => format!("{number} {}", buy.id),
            None => buy.id.to_string(),
        };
        wit::MediaBuy {
            media_buy_id: buy.id.to_string(),
            name,
            po_number: buy.po_number.clone(),
            currency: buy.currency.clone(),
            active: buy.active,
            total_budget: total.get(),
            daily_budget: buy.daily_budget.filter(|_| alone).map(Micros::get),
            start: moment(buy.start),
            end: moment(buy.end),
            packages: packages.into_iter().map(|package| self.package(buy, package)).collect(),
            extensions: Vec::new(),
        }
    }

    fn package(&self, buy: &MediaBuy, package: &Package) -> wit::PackageOrder {
        wit::PackageOrder {
            package_id: package.id.to_string(),
            name: package.name.clone(),
            active: package.active,
            budget: package.budget.get(),
            // A flat price has no goal, and the contract has no goal of nothing.
            impressions: package.goal.unwrap_or(1),
            price: wit::Price { model: price_model_to(package.price.model), rate: package.price.rate.get() },
            pacing: pacing_to(buy.pacing_of(package)),
            daily_budget: package.daily_budget.map(Micros::get),
            daily_impressions: package.daily_goal,
            start: moment(buy.start),
            end: moment(buy.end),
            targeting: self.targeting(buy.targeting_of(package)),
            formats: package.formats.iter().map(|format| format_to(*format)).collect(),
            creative_ids: package.creatives.iter().map(ToString::to_string).collect(),
            product_settings: package.settings.to_string(),
            extensions: Vec::new(),
        }
    }

    fn targeting(&self, targeting: Targeting) -> wit::Targeting {
        let rules = targeting.rules.into_iter().map(|rule| wit::TargetingRule {
            dimension: dimension_to(rule.dimension),
            operator: operator_to(rule.operator),
            values: rule.values,
        });
        wit::Targeting {
            rules: rules.collect(),
            dayparting: targeting.dayparting.map(|dayparting| self.dayparting(dayparting)),
            frequency_cap: targeting.frequency_cap.map(|cap| wit::FrequencyCap {
                suppress_minutes: cap.suppress_minutes,
                scope: cap_scope_to(cap.scope),
            }),
            custom: targeting.custom.get(self.platform.as_str()).map(ToString::to_string),
            extensions: Vec::new(),
        }
    }

    /// Converts the buyer's hours, and the hours of any presets that the platform defines.
    fn dayparting(&self, dayparting: Dayparting) -> wit::Dayparting {
        let defined: &[DaypartPreset] =
            self.capabilities.dayparting.as_ref().map_or(&[], |support| support.presets.as_slice());
        let mut schedules = dayparting.schedules;
        for name in &dayparting.presets {
            let preset = defined.iter().filter(|preset| &preset.name == name).flat_map(|preset| &preset.schedules);
            for schedule in preset {
                if !schedules.contains(schedule) {
                    schedules.push(schedule.clone());
                }
            }
        }
        wit::Dayparting {
            timezone: dayparting.timezone,
            schedules: schedules.into_iter().map(daypart).collect(),
            presets: dayparting.presets,
        }
    }

    /// Converts the creatives that run in packages on this platform, each with those packages.
    fn creatives(&self, buy: &MediaBuy, creatives: &[Creative]) -> Vec<wit::Creative> {
        let here = |id: &PackageId| buy.package(id).is_some_and(|package| &package.platform == self.platform);
        let runs_here = |creative: &Creative| {
            creative.packages.iter().any(here)
                || buy.packages_on(self.platform).any(|package| package.creatives.contains(&creative.id))
        };
        let translate = |creative: &Creative| wit::Creative {
            creative_id: creative.id.to_string(),
            name: creative.name.clone(),
            format: format_to(creative.format),
            media_url: creative.media_url.clone(),
            click_url: creative.click_url.clone(),
            duration_ms: creative.duration_ms,
            width: creative.width,
            height: creative.height,
            template_id: creative.template_id.clone(),
            template_values: creative.template_values.as_ref().map(ToString::to_string),
            package_ids: creative.packages.iter().filter(|id| here(id)).map(ToString::to_string).collect(),
            extensions: Vec::new(),
        };
        creatives.iter().filter(|creative| runs_here(creative)).map(translate).collect()
    }

    fn update(&self, proposed: ProposedChange<'_>) -> wit::MediaBuyUpdate {
        let ProposedChange { current, desired, .. } = proposed;
        let here = |id: &&PackageId| desired.package(id).is_some_and(|package| &package.platform == self.platform);
        wit::MediaBuyUpdate {
            current: self.buy(current),
            desired: self.buy(desired),
            creatives: self.creatives(desired, &desired.creatives),
            touched: proposed.touched().into_iter().filter(here).map(ToString::to_string).collect(),
            extensions: Vec::new(),
        }
    }

    fn performance(&self, buy: &MediaBuy, performance: &[Performance]) -> wit::PerformanceUpdate {
        let here = |entry: &&Performance| {
            buy.package(&entry.package).is_some_and(|package| &package.platform == self.platform)
        };
        let performance = performance.iter().filter(here).map(|entry| wit::PackagePerformance {
            package_id: entry.package.to_string(),
            performance_index: entry.index,
            confidence: entry.confidence,
            feedback: entry.feedback.clone(),
            extensions: Vec::new(),
        });
        wit::PerformanceUpdate { media_buy: self.buy(buy), performance: performance.collect(), extensions: Vec::new() }
    }
}

fn daypart(daypart: Daypart) -> wit::Daypart {
    wit::Daypart {
        days: daypart.days.into_iter().map(day_to).collect(),
        start_hour: daypart.start_hour,
        end_hour: daypart.end_hour,
    }
}

/// Formats a timestamp to whole seconds, which every platform understands.
fn moment(timestamp: Timestamp) -> wit::Timestamp {
    timestamp.floor_second().to_string()
}

/// What every call is given.
pub(crate) struct Given<'a> {
    pub(crate) platform: &'a PlatformName,
    pub(crate) settings: &'a str,
    pub(crate) endpoint: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) advertiser_id: &'a str,
    pub(crate) deadline: Timestamp,
}

impl Given<'_> {
    /// Converts it to a context without known objects.
    pub(crate) fn context(&self) -> wit::Context {
        wit::Context {
            operation_id: self.operation.to_owned(),
            platform: self.platform.to_string(),
            settings: self.settings.to_owned(),
            endpoint: self.endpoint.to_owned(),
            advertiser_id: self.advertiser_id.to_owned(),
            remote: Vec::new(),
            deadline: moment(self.deadline),
            extensions: Vec::new(),
        }
    }
}

/// Converts the objects known to exist.
pub(crate) fn remote_objects(remote: &[RemoteObject]) -> Vec<wit::RemoteObject> {
    remote.iter().map(remote_to_guest).collect()
}

/// Converts a buy to read the status or delivery of.
pub(crate) fn remote_buy(platform: &PlatformName, asked: &RemoteBuy<'_>) -> wit::RemoteBuy {
    wit::RemoteBuy {
        media_buy_id: asked.buy.id.to_string(),
        advertiser_id: asked.advertiser_id.clone(),
        remote: asked.buy.remote_on(platform).iter().map(remote_to_guest).collect(),
        start: moment(asked.buy.start),
        end: moment(asked.buy.end),
        extensions: Vec::new(),
    }
}

//! The status of many buys, from one read of the platform.

use super::AdServer;
use crate::{
    failure::Fallible,
    types::{AssetStatus, BuyStatus, DeliveryState, PackageStatus, RemoteBuy, RemoteKind, RemoteObject, StatusAnswer},
};

/// What a line item delivered since the start of its flight, besides impressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Clicks.
    pub clicks: Option<i64>,
    /// Completed views or listens.
    pub video_completions: Option<i64>,
}

impl Counted {
    fn extensions(self) -> Vec<(String, String)> {
        let named = [("clicks-delivered", self.clicks), ("video-completions-delivered", self.video_completions)];
        named.into_iter().filter_map(|(name, count)| Some((name.to_owned(), count?.to_string()))).collect()
    }
}

/// What was read from the platform about some buys.
pub trait Standing {
    /// An order as it was read.
    type Order;

    /// The package states that the detail mentions, each with its text: `no longer on Kevel`.
    const REMARKS: &'static [(DeliveryState, &'static str)];

    /// Returns the order of a buy; `None` if it is gone.
    ///
    /// # Errors
    /// When the status of this buy can't be determined. Only this buy fails.
    fn order(&self, buy: &RemoteBuy) -> Fallible<Option<&Self::Order>>;

    /// Returns the status of a package, with the impressions that its line item delivered. The
    /// object is the line item.
    fn package(
        &self,
        buy: &RemoteBuy,
        item: &RemoteObject,
        order: Option<&Self::Order>,
    ) -> (DeliveryState, Option<i64>);

    /// Returns the clicks and completed views that a line item delivered, where the platform counts
    /// them. Of a package that is sold by either, the buyer sees them as a part of the goal.
    fn counted(&self, _item: &RemoteObject) -> Counted {
        Counted::default()
    }

    /// Returns the status of a buy where its order alone decides it; `None` if its packages do.
    fn state(&self, order: &Self::Order, packages: &[PackageStatus]) -> Option<DeliveryState>;

    /// Returns a remark about the order itself.
    fn remark(&self, _order: &Self::Order) -> Option<&'static str> {
        None
    }

    /// Returns the reason for a follow-up, if there is something to do on the platform after somebody
    /// else changed something there: see [`follow_up`](crate::follow_up).
    fn follow_up(&self, _buy: &RemoteBuy, _order: &Self::Order) -> Option<String> {
        None
    }

    /// Returns the states of a buy's creatives, where the platform reviews them.
    fn assets(&self, _buy: &RemoteBuy, _order: &Self::Order) -> Vec<AssetStatus> {
        Vec::new()
    }
}

/// Returns the status of buys. A buy that can't be read fails alone.
///
/// # Errors
/// When the platform can't be reached at all.
pub fn check<S: AdServer>(server: &S, buys: &[RemoteBuy]) -> Fallible<Vec<StatusAnswer>> {
    let shelf = server.read_status(buys)?;
    let answer = |buy: &RemoteBuy| StatusAnswer { media_buy_id: buy.media_buy_id.clone(), status: status(&shelf, buy) };
    Ok(buys.iter().map(answer).collect())
}

fn status<T: Standing>(shelf: &T, buy: &RemoteBuy) -> Fallible<BuyStatus> {
    let order = shelf.order(buy)?;
    let package = |item: &RemoteObject| {
        let (state, impressions_delivered) = shelf.package(buy, item, order);
        let extensions = shelf.counted(item).extensions();
        PackageStatus { package_id: item.key.clone(), state, impressions_delivered, extensions }
    };
    let packages: Vec<PackageStatus> =
        buy.remote.iter().filter(|object| object.kind == RemoteKind::Package).map(package).collect();
    let state = match order {
        None => DeliveryState::Missing,
        Some(order) => shelf.state(order, &packages).unwrap_or_else(|| together(&packages)),
    };
    let follow_up = order.and_then(|order| shelf.follow_up(buy, order));
    Ok(BuyStatus {
        media_buy_id: buy.media_buy_id.clone(),
        detail: detail(order.and_then(|order| shelf.remark(order)), &packages, T::REMARKS),
        assets: order.map(|order| shelf.assets(buy, order)).unwrap_or_default(),
        state,
        packages,
        extensions: follow_up.map(|reason| ("follow-up".to_owned(), reason)).into_iter().collect(),
    })
}

/// Whether any creative of a package is remembered to be in its line item.
#[must_use]
pub fn has_placements(buy: &RemoteBuy, package_id: &str) -> bool {
    buy.remote.iter().any(|object| {
        object.kind == RemoteKind::Association
            && object.key.strip_prefix(package_id).is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Derives the status of a buy from its packages: the first of these states that any package is in,
/// else the state of the first package.
fn together(packages: &[PackageStatus]) -> DeliveryState {
    const ORDER: [DeliveryState; 8] = [
        DeliveryState::Delivering,
        DeliveryState::PendingApproval,
        DeliveryState::AwaitingCreatives,
        DeliveryState::Scheduled,
        DeliveryState::Paused,
        DeliveryState::Completed,
        DeliveryState::Canceled,
        DeliveryState::Missing,
    ];
    let in_it = |state: &DeliveryState| packages.iter().any(|package| package.state == *state);
    let other = || packages.first().map(|package| package.state.clone());
    // An order without a known line item: nothing can be put into it.
    ORDER.into_iter().find(in_it).or_else(other).unwrap_or(DeliveryState::Missing)
}

fn detail(order: Option<&str>, packages: &[PackageStatus], remarks: &[(DeliveryState, &str)]) -> String {
    let named = |(state, what): &(DeliveryState, &str)| {
        let ids: Vec<&str> = packages
            .iter()
            .filter(|package| package.state == *state)
            .map(|package| package.package_id.as_str())
            .collect();
        (!ids.is_empty()).then(|| format!("{what}: {}", ids.join(", ")))
    };
    let parts: Vec<String> = order.map(str::to_owned).into_iter().chain(remarks.iter().filter_map(named)).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buy_stands_as_its_packages_do() {
        let package = |id: &str, state| PackageStatus {
            package_id: id.to_owned(),
            state,
            impressions_delivered: None,
            extensions: Vec::new(),
        };
        let mixed = [package("a", DeliveryState::Paused), package("b", DeliveryState::Delivering)];
        assert_eq!(together(&mixed), DeliveryState::Delivering);
        assert_eq!(together(&[]), DeliveryState::Missing);
        let other = [package("a", DeliveryState::Other("new".to_owned()))];
        assert_eq!(together(&other), DeliveryState::Other("new".to_owned()));
    }

    #[test]
    fn the_detail_names_packages_by_their_state() {
        let package = |id: &str, state| PackageStatus {
            package_id: id.to_owned(),
            state,
            impressions_delivered: None,
            extensions: Vec::new(),
        };
        let waiting = [
            package("a", DeliveryState::AwaitingCreatives),
            package("b", DeliveryState::Missing),
            package("c", DeliveryState::AwaitingCreatives),
        ];
        let remarks = [(DeliveryState::AwaitingCreatives, "without a creative"), (DeliveryState::Missing, "gone")];
        assert_eq!(detail(None, &waiting, &remarks), "without a creative: a, c; gone: b");
        assert_eq!(detail(Some("a draft"), &waiting[1..2], &remarks), "a draft; gone: b");
        assert_eq!(detail(None, &[], &remarks), "");
    }
}

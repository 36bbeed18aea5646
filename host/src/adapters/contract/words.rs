//! Names in the contract and their equivalents in the domain.

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;

use super::Bad;
use crate::domain::{
    creative::Format,
    media_buy::{Pacing, RemoteKind, RemoteObject},
    price::PriceModel,
    targeting::{CapScope, Dimension, Operator, Weekday},
};

macro_rules! both_ways {
    ($to:ident, $from:ident, $domain:ident, $wit:ident: $($case:ident),+) => {
        pub(super) fn $to(value: $domain) -> wit::$wit {
            match value { $($domain::$case => wit::$wit::$case,)+ }
        }

        /// Returns `None` for a value unknown to this host.
        pub(super) fn $from(value: &wit::$wit) -> Option<$domain> {
            match value { $(wit::$wit::$case => Some($domain::$case),)+ _ => None }
        }
    };
}

both_ways!(pacing_to, pacing_from, Pacing, Pacing: Even, Asap, FrontLoaded);
both_ways!(format_to, format_from, Format, CreativeFormat: Image, Video, Audio, Custom);
both_ways!(cap_scope_to, cap_scope_from, CapScope, CapScope: MediaBuy, Package);
both_ways!(dimension_to, dimension_from, Dimension, Dimension: GeoCountry, GeoRegion, GeoMetro, GeoCity, GeoPostal,
    DeviceType, Os, Browser, ConnectionType, ContentCategory, ContentGenre, ContentRating, Language, AudienceSegment,
    MediaType);

pub(super) fn price_model_to(model: PriceModel) -> wit::PriceModel {
    match model {
        PriceModel::Cpm => wit::PriceModel::Cpm,
        PriceModel::Cpc => wit::PriceModel::Cpc,
        PriceModel::Cpcv => wit::PriceModel::Cpcv,
        PriceModel::Flat => wit::PriceModel::Flat,
    }
}

pub(super) fn operator_to(operator: Operator) -> wit::Operator {
    match operator {
        Operator::AnyOf => wit::Operator::AnyOf,
        Operator::NoneOf => wit::Operator::NoneOf,
    }
}

pub(super) fn operator_from(operator: wit::Operator) -> Operator {
    match operator {
        wit::Operator::AnyOf => Operator::AnyOf,
        wit::Operator::NoneOf => Operator::NoneOf,
    }
}

const DAYS: [(Weekday, wit::Weekday); 7] = [
    (Weekday::Monday, wit::Weekday::Monday),
    (Weekday::Tuesday, wit::Weekday::Tuesday),
    (Weekday::Wednesday, wit::Weekday::Wednesday),
    (Weekday::Thursday, wit::Weekday::Thursday),
    (Weekday::Friday, wit::Weekday::Friday),
    (Weekday::Saturday, wit::Weekday::Saturday),
    (Weekday::Sunday, wit::Weekday::Sunday),
];

pub(super) fn day_to(day: Weekday) -> wit::Weekday {
    DAYS.iter().find(|(mine, _)| *mine == day).map_or(wit::Weekday::Sunday, |(_, theirs)| *theirs)
}

pub(super) fn day_from(day: wit::Weekday) -> Weekday {
    DAYS.iter().find(|(_, theirs)| *theirs == day).map_or(Weekday::Sunday, |(mine, _)| *mine)
}

/// Converts a remote object to the adapter's view of it. For [`RemoteKind::Other`], the adapter's
/// own word is the part of the key before the first colon.
pub(super) fn remote_to_guest(object: &RemoteObject) -> wit::RemoteObject {
    let (kind, key) = match object.kind {
        RemoteKind::Order => (wit::RemoteKind::Order, object.key.clone()),
        RemoteKind::Package => (wit::RemoteKind::Package, object.key.clone()),
        RemoteKind::Creative => (wit::RemoteKind::Creative, object.key.clone()),
        RemoteKind::Association => (wit::RemoteKind::Association, object.key.clone()),
        RemoteKind::Other => {
            let (word, key) = object.key.split_once(':').unwrap_or((&object.key, ""));
            (wit::RemoteKind::Other(word.to_owned()), key.to_owned())
        }
    };
    wit::RemoteObject { kind, key, id: object.id.clone() }
}

/// Converts a remote object to the host's record of it.
pub(crate) fn remote_from_guest(object: wit::RemoteObject) -> Result<RemoteObject, &'static str> {
    let (kind, key) = match object.kind {
        wit::RemoteKind::Order if object.key.is_empty() => (RemoteKind::Order, object.key),
        wit::RemoteKind::Order => return Err("the key of a remote order is empty"),
        _ if object.key.is_empty() && !matches!(object.kind, wit::RemoteKind::Other(_)) => {
            return Err("a remote object other than the order has a key");
        }
        wit::RemoteKind::Package => (RemoteKind::Package, object.key),
        wit::RemoteKind::Creative => (RemoteKind::Creative, object.key),
        wit::RemoteKind::Association => (RemoteKind::Association, object.key),
        wit::RemoteKind::Other(word) if word.is_empty() || word.len() > 100 || word.contains(':') => {
            return Err("the word for another kind of remote object has 1 to 100 bytes and no colon");
        }
        wit::RemoteKind::Other(word) => (RemoteKind::Other, format!("{word}:{}", object.key)),
    };
    Ok(RemoteObject { kind, key, id: object.id })
}

/// Returns the name of a price model.
pub(super) fn price_model(model: wit::PriceModel) -> Result<String, Bad> {
    Ok(match model {
        wit::PriceModel::Cpm => "cpm".to_owned(),
        wit::PriceModel::Cpc => "cpc".to_owned(),
        wit::PriceModel::Cpcv => "cpcv".to_owned(),
        wit::PriceModel::Flat => "flat".to_owned(),
        wit::PriceModel::Other(name) => super::check::named("price model", name)?,
    })
}

/// Returns the name of an update kind: the contract's name with underscores.
pub(super) fn update_kind(kind: wit::UpdateKind) -> Result<String, Bad> {
    use wit::UpdateKind as Kind;
    let name = match kind {
        Kind::Active => "active",
        Kind::TotalBudget => "total_budget",
        Kind::EndDate => "end_date",
        Kind::Targeting => "targeting",
        Kind::Pacing => "pacing",
        Kind::DailyBudget => "daily_budget",
        Kind::Budget => "budget",
        Kind::Impressions => "impressions",
        Kind::Price => "price",
        Kind::DailyImpressions => "daily_impressions",
        Kind::CreativeAssignments => "creative_assignments",
        Kind::Other(name) => return super::check::named("kind of update", name),
    };
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_object_comes_back_as_it_went() {
        for (kind, key) in [
            (RemoteKind::Order, ""),
            (RemoteKind::Package, "news"),
            (RemoteKind::Association, "news/banner"),
            (RemoteKind::Other, "zone:a:b"),
            (RemoteKind::Other, "zone:"),
        ] {
            let object = RemoteObject { kind, key: key.to_owned(), id: "7".to_owned() };
            assert_eq!(remote_from_guest(remote_to_guest(&object)), Ok(object));
        }
    }

    #[test]
    fn every_word_has_its_counterpart() {
        for dimension in Dimension::ALL {
            assert_eq!(dimension_from(&dimension_to(*dimension)), Some(*dimension));
        }
        for pacing in Pacing::ALL {
            assert_eq!(pacing_from(&pacing_to(*pacing)), Some(*pacing));
        }
        for day in Weekday::ALL {
            assert_eq!(day_from(day_to(*day)), *day);
        }
        assert_eq!(dimension_from(&wit::Dimension::Other("weather".to_owned())), None);
        for model in PriceModel::ALL {
            assert_eq!(price_model(price_model_to(*model)).as_deref(), Ok(model.as_str()));
        }
    }
}

//! `targeting_overlay`: where, when, how often and to whom to deliver.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    domain::{
        field::pointer_token,
        nfc::composed_json,
        problem::Problem,
        targeting::{CapScope, Daypart, Dayparting, Dimension, FrequencyCap, Operator, Targeting, Weekday},
    },
    web::json::{
        self, Arguments,
        read::read_partly,
        text::{Line, MAX_RULE_VALUE, Timezone},
        values::{Hour, List, MAX_PACKAGES, Minutes},
    },
};

/// Maximum values of one rule. Postal codes come by the thousand, and a reviewer must still be able
/// to read the plan.
pub const MAX_RULE_VALUES: usize = 1_000;
/// Maximum ranges of hours.
pub const MAX_SCHEDULES: usize = 50;

/// The values of one rule.
pub type RuleValues = List<Line<MAX_RULE_VALUE>, 1, MAX_RULE_VALUES>;

/// Defines the overlay: a pair of fields for each dimension, and the fields that are not lists of
/// values.
macro_rules! overlay {
    ($($dimension:ident: $any_of:ident, $none_of:ident, $about:literal;)+) => {
        /// Targeting criteria. All that are given apply together; what a package's platform can't
        /// do is refused.
        #[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct TargetingOverlay {
            $(
                #[doc = concat!("Deliver only where one of these matches: ", $about)]
                pub $any_of: Option<RuleValues>,
                #[doc = concat!("Never deliver where one of these matches: ", $about)]
                pub $none_of: Option<RuleValues>,
            )+
            /// Short form: countries (`US`) and regions (`US-CA`), each as in its own field. Read
            /// as `geo_country_any_of` and `geo_region_any_of`, which apply together: a country
            /// with another country's region matches nobody.
            pub geography: Option<RuleValues>,
            /// Short form of `device_type_any_of`.
            pub device_types: Option<RuleValues>,
            /// The hours of the week in which to deliver.
            pub dayparting: Option<DaypartingRule>,
            /// Minimum time between impressions to one person.
            pub frequency_cap: Option<FrequencyCapRule>,
            /// Platform-specific criteria: an object by platform name.
            pub custom: Option<BTreeMap<String, Map<String, Value>>>,
        }

        /// Returns the field name of a rule.
        pub(super) const fn rule_name(dimension: Dimension, operator: Operator) -> &'static str {
            match (dimension, operator) {
                $(
                    (Dimension::$dimension, Operator::AnyOf) => stringify!($any_of),
                    (Dimension::$dimension, Operator::NoneOf) => stringify!($none_of),
                )+
            }
        }

        impl TargetingOverlay {
            fn rules(&self) -> Vec<(Dimension, Operator, Option<&RuleValues>)> {
                vec![$(
                    (Dimension::$dimension, Operator::AnyOf, self.$any_of.as_ref()),
                    (Dimension::$dimension, Operator::NoneOf, self.$none_of.as_ref()),
                )+]
            }
        }
    };
}

overlay! {
    GeoCountry: geo_country_any_of, geo_country_none_of, "ISO 3166-1 alpha-2 country codes, like `US`.";
    GeoRegion: geo_region_any_of, geo_region_none_of, "ISO 3166-2 codes, like `US-CA`.";
    GeoMetro: geo_metro_any_of, geo_metro_none_of, "DMA codes, like `501`, or the platform's own metro codes.";
    GeoCity: geo_city_any_of, geo_city_none_of, "cities, as the platform names them.";
    GeoPostal: geo_postal_any_of, geo_postal_none_of, "country and postal code, like `US-94105` or `US:94105`.";
    DeviceType: device_type_any_of, device_type_none_of, "`mobile`, `desktop`, `tablet`, `ctv`, `audio`, `dooh`.";
    Os: os_any_of, os_none_of, "operating systems, like `ios`.";
    Browser: browser_any_of, browser_none_of, "browsers, like `chrome`.";
    ConnectionType: connection_type_any_of, connection_type_none_of, "`wifi`, `cellular`, `wired`.";
    ContentCategory: content_category_any_of, content_category_none_of, "IAB content categories.";
    ContentGenre: content_genre_any_of, content_genre_none_of, "genres.";
    ContentRating: content_rating_any_of, content_rating_none_of, "content ratings.";
    Language: language_any_of, language_none_of, "ISO 639-1 codes, like `en`.";
    AudienceSegment: audience_segment_any_of, audience_segment_none_of, "segments of the platform.";
    MediaType: media_type_any_of, media_type_none_of, "`display`, `video`, `audio`, `native`.";
}

/// Hours of the week.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DaypartingRule {
    /// The time zone of the hours, an IANA name.
    pub timezone: Timezone,
    /// Ranges of hours; deliver in any of them.
    pub schedules: Option<List<Schedule, 0, MAX_SCHEDULES>>,
    /// Names of hours that the platform defines, like `drive_time_morning`; see `list_products`.
    pub presets: Option<List<Line<MAX_RULE_VALUE>, 0, MAX_SCHEDULES>>,
}

/// The same hours on some days.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Days of the week.
    pub days: List<Weekday, 1, 7>,
    /// From this hour on.
    pub start_hour: Hour,
    /// Up to this hour, which lies after `start_hour`; 24 is midnight.
    pub end_hour: Hour,
}

/// A frequency cap.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrequencyCapRule {
    /// Minutes without another impression.
    pub suppress_minutes: Minutes,
    /// What is counted together: all packages of the media buy, or each package alone. Default:
    /// `package`.
    pub scope: Option<CapScope>,
}

/// Returns the impossible combinations in the overlays of arguments that also have other mistakes.
pub fn impossible(arguments: &Arguments) -> Vec<Problem> {
    let packages = arguments.value["packages"].as_array().map_or(0, Vec::len).min(MAX_PACKAGES);
    let of_packages = (0..packages).map(|index| format!("/packages/{index}/targeting_overlay"));
    let mut problems = Vec::new();
    for place in std::iter::once("/targeting_overlay".to_owned()).chain(of_packages) {
        if let Some(part) = arguments.part(&place).filter(|part| part.value.is_object())
            && let Some(overlay) = read_partly::<TargetingOverlay>(&part)
        {
            overlay.into_targeting(&place, &mut problems);
        }
    }
    problems
}

impl TargetingOverlay {
    /// Converts the overlay to the domain's form; impossible combinations are added to `problems`
    /// under `at`.
    pub fn into_targeting(self, at: &str, problems: &mut Vec<Problem>) -> Targeting {
        let mut targeting = Targeting::default();
        for (dimension, operator, values) in self.rules() {
            let at = format!("{at}/{}", rule_name(dimension, operator));
            add(&mut targeting, dimension, operator, values, &at, problems);
        }
        let devices = format!("{at}/device_types");
        add(&mut targeting, Dimension::DeviceType, Operator::AnyOf, self.device_types.as_ref(), &devices, problems);
        for (index, value) in
            unique(self.geography.iter().flat_map(|list| &list.0), spelled_area, &format!("{at}/geography"), problems)
        {
            match Dimension::of_area(&value) {
                Some(dimension) => targeting.add(dimension, Operator::AnyOf, [value]),
                None => problems.push(
                    json::mistake(
                        format!("{at}/geography/{index}"),
                        "must be a country of 2 letters, like US, or a region, like US-CA",
                    )
                    .value(value),
                ),
            }
        }
        targeting.dayparting = self.dayparting.map(|rule| rule.into_dayparting(&format!("{at}/dayparting"), problems));
        targeting.frequency_cap = self.frequency_cap.map(|rule| FrequencyCap {
            suppress_minutes: rule.suppress_minutes.0,
            scope: rule.scope.unwrap_or(CapScope::Package),
        });
        for (platform, own) in self.custom.unwrap_or_default() {
            if own.is_empty() {
                let field = format!("{at}/custom/{}", pointer_token(&platform));
                problems.push(json::mistake(field, "must not be empty"));
            }
            targeting.custom.insert(platform, composed_json(Value::Object(own)));
        }
        targeting
    }
}

impl DaypartingRule {
    fn into_dayparting(self, at: &str, problems: &mut Vec<Problem>) -> Dayparting {
        let mut schedules = Vec::new();
        for (index, schedule) in self.schedules.map(|list| list.0).unwrap_or_default().into_iter().enumerate() {
            let at = format!("{at}/schedules/{index}");
            let mut days: Vec<Weekday> = Vec::new();
            for (place, day) in schedule.days.0.into_iter().enumerate() {
                if days.contains(&day) {
                    problems.push(json::mistake(format!("{at}/days/{place}"), "is named twice").value(day.as_str()));
                } else {
                    days.push(day);
                }
            }
            let (start_hour, end_hour) = (schedule.start_hour.0, schedule.end_hour.0);
            if end_hour <= start_hour {
                problems.push(json::mistake(
                    format!("{at}/end_hour"),
                    "must be after start_hour; hours across midnight are two schedules",
                ));
            }
            schedules.push(Daypart { days, start_hour, end_hour });
        }
        let at_presets = format!("{at}/presets");
        let presets: Vec<String> =
            unique(self.presets.iter().flat_map(|list| &list.0), str::to_owned, &at_presets, problems)
                .into_iter()
                .map(|(_, text)| text)
                .collect();
        if schedules.is_empty() && presets.is_empty() {
            problems.push(json::mistake(at, "must have schedules or presets"));
        }
        Dayparting { timezone: self.timezone.0, schedules, presets }
    }
}

/// Normalizes the spelling of a country or region.
fn spelled_area(value: &str) -> String {
    Dimension::of_area(value).map_or_else(|| value.to_owned(), |dimension| dimension.spelled(value))
}

fn add(
    targeting: &mut Targeting,
    dimension: Dimension,
    operator: Operator,
    values: Option<&RuleValues>,
    at: &str,
    problems: &mut Vec<Problem>,
) {
    let spelled = |value: &str| dimension.spelled(value);
    let values = unique(values.into_iter().flat_map(|list| &list.0), spelled, at, problems);
    targeting.add(dimension, operator, values.into_iter().map(|(_, text)| text));
}

/// Collects each value once, in normalized spelling, with its position. A duplicate is a problem.
fn unique<'a, const MOST: usize>(
    values: impl Iterator<Item = &'a Line<MOST>>,
    spelled: impl Fn(&str) -> String,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(usize, String)> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for (index, value) in values.enumerate() {
        let spelled = spelled(&value.0);
        if seen.insert(spelled.clone()) {
            kept.push((index, spelled));
        } else {
            problems.push(json::mistake(format!("{at}/{index}"), "is named twice").value(&value.0));
        }
    }
    kept
}

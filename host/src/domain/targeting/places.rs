//! Derives the location that a geographic value means, as far as the value itself says it.
//!
//! A place fixes parts of a person's location and leaves the others open: `US-CA` fixes country and
//! region. A place is inside another one if it fixes everything that the other one fixes. Two
//! places have nothing in common if they fix the same part differently. What no value says, such as
//! the market area of a city, stays open.

use super::{Dimension, spelling};

/// The Nielsen codes of market areas in the United States. Other codes are the platform's own.
const MARKET_AREAS: std::ops::RangeInclusive<u32> = 500..=881;

/// The parts of a location that a geographic value fixes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Place {
    pub(super) country: Option<String>,
    /// The region, with its country.
    pub(super) region: Option<String>,
    /// A market area, city, postal code, or a value whose form only the platform knows.
    pub(super) spot: Option<(Dimension, String)>,
}

impl Dimension {
    /// Whether the dimension is geographic.
    pub const fn is_place(self) -> bool {
        matches!(self, Self::GeoCountry | Self::GeoRegion | Self::GeoMetro | Self::GeoCity | Self::GeoPostal)
    }
}

impl Place {
    /// The place that a value of a geographic dimension means.
    pub(super) fn of(dimension: Dimension, value: &str) -> Self {
        let spelled = dimension.spelled(value);
        let spot = |country, region, name: &str| Self { country, region, spot: Some((dimension, name.to_lowercase())) };
        let read = match dimension {
            Dimension::GeoCountry => {
                spelling::country(&spelled).map(|country| Self { country: Some(country), ..Self::default() })
            }
            Dimension::GeoRegion => spelling::region(&spelled).map(|(country, region)| Self {
                country: Some(country),
                region: Some(region),
                spot: None,
            }),
            Dimension::GeoCity => spelling::city(&spelled).map(|(name, area)| match spelling::region(&area) {
                Some((country, region)) => spot(Some(country), Some(region), &name),
                None => spot(Some(area), None, &name),
            }),
            Dimension::GeoPostal => spelling::postal(&spelled)
                .map(|(country, code)| spot(Some(country), None, &code.replace([' ', '-'], ""))),
            Dimension::GeoMetro => {
                let known = spelled.parse().is_ok_and(|number| MARKET_AREAS.contains(&number));
                known.then(|| spot(Some("US".to_owned()), None, &spelled))
            }
            _ => None,
        };
        read.unwrap_or_else(|| spot(None, None, &spelled))
    }

    /// Every place that contains this one, including itself.
    pub(super) fn outer(&self) -> impl Iterator<Item = Self> + '_ {
        (0..8_u8).map(|kept| Self {
            country: self.country.clone().filter(|_| kept & 1 != 0),
            region: self.region.clone().filter(|_| kept & 2 != 0),
            spot: self.spot.clone().filter(|_| kept & 4 != 0),
        })
    }
}

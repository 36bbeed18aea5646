//! The contract's enum cases as buyers write them: `geo_country`, `any_of`, `front_loaded`.
//!
//! Failures quote what the buyer wrote, so adapters need these words, not the cases.

use crate::types::{CreativeFormat, Dimension, Operator, Pacing, PriceModel, TargetingRule};

impl Dimension {
    /// Returns the buyer's word for the dimension.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::GeoCountry => "geo_country",
            Self::GeoRegion => "geo_region",
            Self::GeoMetro => "geo_metro",
            Self::GeoCity => "geo_city",
            Self::GeoPostal => "geo_postal",
            Self::DeviceType => "device_type",
            Self::Os => "os",
            Self::Browser => "browser",
            Self::ConnectionType => "connection_type",
            Self::ContentCategory => "content_category",
            Self::ContentGenre => "content_genre",
            Self::ContentRating => "content_rating",
            Self::Language => "language",
            Self::AudienceSegment => "audience_segment",
            Self::MediaType => "media_type",
            Self::Other(word) => word,
        }
    }
}

impl Operator {
    /// Returns the buyer's word for the operator.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AnyOf => "any_of",
            Self::NoneOf => "none_of",
        }
    }
}

impl TargetingRule {
    /// Returns the JSON pointer of the rule in a package's request:
    /// `/packages/news/targeting_overlay/os_any_of`.
    #[must_use]
    pub fn pointer(&self, package_id: &str) -> String {
        let (dimension, operator) = (self.dimension.word(), self.operator.word());
        format!("/packages/{}/targeting_overlay/{dimension}_{operator}", pointer_segment(package_id))
    }
}

/// Returns the value of a name in a record's `extensions`.
#[must_use]
pub fn extension<'e>(extensions: &'e [(String, String)], name: &str) -> Option<&'e str> {
    extensions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Escapes a name as a segment of a JSON pointer (RFC 6901).
#[must_use]
pub fn pointer_segment(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Splits a postal code into country and code: `US:10001`, which is the form that the host sends,
/// or `US-10001`, into `US` and `10001`.
#[must_use]
pub fn postal_code(value: &str) -> Option<(&str, &str)> {
    let (country, code) = value.split_once(':').or_else(|| value.split_once('-'))?;
    let (country, code) = (country.trim(), code.trim());
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_country && !code.is_empty()).then_some((country, code))
}

impl CreativeFormat {
    /// Returns the buyer's word for the format.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Custom => "custom",
            Self::Other(word) => word,
        }
    }
}

impl Pacing {
    /// Returns the buyer's word for the pacing.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Even => "even",
            Self::Asap => "asap",
            Self::FrontLoaded => "front_loaded",
            Self::Other(word) => word,
        }
    }
}

impl PriceModel {
    /// Returns the buyer's field for such a price: the last part of the pointer of a refusal.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Flat => "flat_price",
            Self::Cpm | Self::Cpc | Self::Cpcv | Self::Other(_) => self.word(),
        }
    }

    /// Returns the buyer's word for what such a price pays for, which the goal counts: `clicks`. It is
    /// also the buyer's field for the goal; that of the daily cap is `daily_clicks`.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Cpc => "clicks",
            Self::Cpcv => "video_completions",
            Self::Cpm | Self::Flat | Self::Other(_) => "impressions",
        }
    }

    /// Returns the buyer's word for the price model.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Cpm => "cpm",
            Self::Cpc => "cpc",
            Self::Cpcv => "cpcv",
            Self::Flat => "flat",
            Self::Other(word) => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postal_code_is_read_in_both_forms() {
        assert_eq!(postal_code("US:10001"), Some(("US", "10001")));
        assert_eq!(postal_code("us-94105"), Some(("us", "94105")));
        assert_eq!(postal_code("PL-00-950"), Some(("PL", "00-950")));
        assert_eq!(postal_code("GB: SW1A 1AA"), Some(("GB", "SW1A 1AA")));
        for wrong in ["94105", "94105-1234", "US:", "USA:1", "U1:1", ""] {
            assert_eq!(postal_code(wrong), None, "{wrong}");
        }
    }
}

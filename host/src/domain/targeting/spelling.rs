//! Normalises the spelling of values, for storage, adapters and comparison.
//!
//! Buyers write `us`, `US-94105` or `Toronto,ca-on`. The adapter contract has one spelling for
//! each. A value without a known form stays unchanged, and the adapter decides whether the platform
//! accepts it.

use super::Dimension;
use crate::domain::nfc::composed;

/// Alternative codes of countries, which ISO 3166-1 reserves for them.
const OTHER_CODES: [(&str, &str); 1] = [("UK", "GB")];

impl Dimension {
    /// The geographic dimension of a country or region code, according to its form.
    pub fn of_area(value: &str) -> Option<Self> {
        let value = value.trim();
        country(value).map(|_| Self::GeoCountry).or_else(|| region(value).map(|_| Self::GeoRegion))
    }

    /// The value in the spelling of the adapter contract.
    pub fn spelled(self, value: &str) -> String {
        let value = composed(value.trim());
        let known = match self {
            Self::GeoCountry => country(&value),
            Self::GeoRegion => region(&value).map(|(country, code)| format!("{country}-{code}")),
            Self::GeoCity => city(&value).map(|(name, area)| format!("{name}, {area}")),
            Self::GeoPostal => postal(&value).map(|(country, code)| format!("{country}:{code}")),
            // Closed lists, and the contract's names for systems and languages, are in lower case.
            Self::DeviceType | Self::Os | Self::Browser | Self::ConnectionType | Self::Language | Self::MediaType => {
                Some(value.to_ascii_lowercase())
            }
            Self::GeoMetro
            | Self::ContentCategory
            | Self::ContentGenre
            | Self::ContentRating
            | Self::AudienceSegment => None,
        };
        known.unwrap_or(value)
    }

    /// A comparison key that is the same for all spellings of a value. Ids of segments belong to
    /// the platform and may differ only in case.
    pub fn key(self, value: &str) -> String {
        let spelled = self.spelled(value);
        match self {
            Self::AudienceSegment => spelled,
            Self::GeoPostal => match postal(&spelled) {
                Some((country, code)) => format!("{country}:{}", code.replace([' ', '-'], "")),
                None => spelled.to_lowercase(),
            },
            _ => spelled.to_lowercase(),
        }
    }
}

/// Normalises `us` to `US`.
pub(super) fn country(value: &str) -> Option<String> {
    let letters = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let code = letters.then(|| value.to_ascii_uppercase())?;
    Some(OTHER_CODES.iter().find(|(other, _)| *other == code).map_or(code, |(_, own)| (*own).to_owned()))
}

/// Splits `us-ca` into `US` and `CA`.
pub(super) fn region(value: &str) -> Option<(String, String)> {
    let (of, code) = value.split_once('-')?;
    let plain = (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some((country(of)?, plain.then(|| code.to_ascii_uppercase())?))
}

/// Splits `Toronto,ca-on` into `Toronto` and `CA-ON`. The area may also be a country.
pub(super) fn city(value: &str) -> Option<(String, String)> {
    let (name, area) = value.rsplit_once(',')?;
    let area = area.trim();
    let area = region(area).map(|(country, code)| format!("{country}-{code}")).or_else(|| country(area))?;
    let name = in_one_spacing(name);
    (!name.is_empty()).then_some((name, area))
}

/// Splits `us-94105` and `US:94105` into `US` and `94105`. The postal code itself may contain a
/// hyphen (`PL-00-950`).
pub(super) fn postal(value: &str) -> Option<(String, String)> {
    let (of, code) = value.split_once(':').or_else(|| value.split_once('-'))?;
    let code = in_one_spacing(code).to_ascii_uppercase();
    let plain = !code.is_empty() && code.chars().all(|letter| letter.is_ascii_alphanumeric() || " -".contains(letter));
    Some((country(of.trim())?, plain.then_some(code)?))
}

fn in_one_spacing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_value_is_one() {
        for (dimension, spelled, others) in [
            (Dimension::GeoCountry, "US", &["us", "Us", " US "][..]),
            (Dimension::GeoCountry, "GB", &["uk", "UK", "gb"]),
            (Dimension::GeoRegion, "US-CA", &["us-ca", "Us-Ca"]),
            (Dimension::GeoRegion, "GB-ENG", &["uk-eng"]),
            (Dimension::GeoCity, "Qu\u{e9}bec, CA-QC", &["Que\u{301}bec,ca-qc", "Qu\u{e9}bec ,  CA-QC"]),
            (Dimension::GeoCity, "Washington, D. C., US-DC", &["Washington,  D. C.,us-dc"]),
            (Dimension::GeoPostal, "US:94105", &["US-94105", "us:94105", "us-94105", "US: 94105"]),
            (Dimension::GeoPostal, "PL:00-950", &["PL-00-950", "pl:00-950"]),
            (Dimension::GeoPostal, "GB:SW1A 1AA", &["GB-sw1a 1aa", "uk:SW1A  1AA"]),
            (Dimension::DeviceType, "mobile", &["Mobile", "MOBILE"]),
            (Dimension::Os, "ios", &["iOS"]),
            (Dimension::Language, "en", &["EN"]),
        ] {
            assert_eq!(dimension.spelled(spelled), spelled);
            for other in others {
                assert_eq!(dimension.spelled(other), spelled, "{other}");
                assert_eq!(dimension.key(other), dimension.key(spelled), "{other}");
            }
        }
    }

    #[test]
    fn what_has_no_known_form_stays_as_it_is() {
        for (dimension, value) in [
            (Dimension::GeoCountry, "USA"),
            (Dimension::GeoRegion, "California"),
            (Dimension::GeoCity, "1002451"),
            (Dimension::GeoCity, "Toronto"),
            (Dimension::GeoPostal, "94105"),
            (Dimension::GeoPostal, "94105-1234"),
            (Dimension::ContentGenre, "Jazz"),
            (Dimension::ContentCategory, "IAB1-2"),
        ] {
            assert_eq!(dimension.spelled(value), value);
        }
        assert_ne!(Dimension::AudienceSegment.key("aB"), Dimension::AudienceSegment.key("ab"));
        assert_eq!(Dimension::ContentGenre.key("Jazz"), Dimension::ContentGenre.key("jazz"));
        assert_eq!(Dimension::GeoPostal.key("GB:SW1A1AA"), Dimension::GeoPostal.key("gb-sw1a 1aa"));
    }
}

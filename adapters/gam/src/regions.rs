//! Regions by their ISO 3166-2 codes. Ad Manager identifies places by name, so each code needs its
//! name. These are the countries that buyers ask for most. Publishers configure others with
//! `geo_targets`.

/// Country, code, and the region's English name, which Ad Manager uses.
const REGIONS: [(&str, &str, &str); 92] = [
    ("US", "AL", "Alabama"),
    ("US", "AK", "Alaska"),
    ("US", "AZ", "Arizona"),
    ("US", "AR", "Arkansas"),
    ("US", "CA", "California"),
    ("US", "CO", "Colorado"),
    ("US", "CT", "Connecticut"),
    ("US", "DE", "Delaware"),
    ("US", "DC", "District of Columbia"),
    ("US", "FL", "Florida"),
    ("US", "GA", "Georgia"),
    ("US", "HI", "Hawaii"),
    ("US", "ID", "Idaho"),
    ("US", "IL", "Illinois"),
    ("US", "IN", "Indiana"),
    ("US", "IA", "Iowa"),
    ("US", "KS", "Kansas"),
    ("US", "KY", "Kentucky"),
    ("US", "LA", "Louisiana"),
    ("US", "ME", "Maine"),
    ("US", "MD", "Maryland"),
    ("US", "MA", "Massachusetts"),
    ("US", "MI", "Michigan"),
    ("US", "MN", "Minnesota"),
    ("US", "MS", "Mississippi"),
    ("US", "MO", "Missouri"),
    ("US", "MT", "Montana"),
    ("US", "NE", "Nebraska"),
    ("US", "NV", "Nevada"),
    ("US", "NH", "New Hampshire"),
    ("US", "NJ", "New Jersey"),
    ("US", "NM", "New Mexico"),
    ("US", "NY", "New York"),
    ("US", "NC", "North Carolina"),
    ("US", "ND", "North Dakota"),
    ("US", "OH", "Ohio"),
    ("US", "OK", "Oklahoma"),
    ("US", "OR", "Oregon"),
    ("US", "PA", "Pennsylvania"),
    ("US", "RI", "Rhode Island"),
    ("US", "SC", "South Carolina"),
    ("US", "SD", "South Dakota"),
    ("US", "TN", "Tennessee"),
    ("US", "TX", "Texas"),
    ("US", "UT", "Utah"),
    ("US", "VT", "Vermont"),
    ("US", "VA", "Virginia"),
    ("US", "WA", "Washington"),
    ("US", "WV", "West Virginia"),
    ("US", "WI", "Wisconsin"),
    ("US", "WY", "Wyoming"),
    ("CA", "AB", "Alberta"),
    ("CA", "BC", "British Columbia"),
    ("CA", "MB", "Manitoba"),
    ("CA", "NB", "New Brunswick"),
    ("CA", "NL", "Newfoundland and Labrador"),
    ("CA", "NS", "Nova Scotia"),
    ("CA", "NT", "Northwest Territories"),
    ("CA", "NU", "Nunavut"),
    ("CA", "ON", "Ontario"),
    ("CA", "PE", "Prince Edward Island"),
    ("CA", "QC", "Quebec"),
    ("CA", "SK", "Saskatchewan"),
    ("CA", "YT", "Yukon"),
    ("GB", "ENG", "England"),
    ("GB", "NIR", "Northern Ireland"),
    ("GB", "SCT", "Scotland"),
    ("GB", "WLS", "Wales"),
    ("DE", "BW", "Baden-Wurttemberg"),
    ("DE", "BY", "Bavaria"),
    ("DE", "BE", "Berlin"),
    ("DE", "BB", "Brandenburg"),
    ("DE", "HB", "Bremen"),
    ("DE", "HH", "Hamburg"),
    ("DE", "HE", "Hesse"),
    ("DE", "MV", "Mecklenburg-Vorpommern"),
    ("DE", "NI", "Lower Saxony"),
    ("DE", "NW", "North Rhine-Westphalia"),
    ("DE", "RP", "Rhineland-Palatinate"),
    ("DE", "SL", "Saarland"),
    ("DE", "SN", "Saxony"),
    ("DE", "ST", "Saxony-Anhalt"),
    ("DE", "SH", "Schleswig-Holstein"),
    ("DE", "TH", "Thuringia"),
    ("AU", "ACT", "Australian Capital Territory"),
    ("AU", "NSW", "New South Wales"),
    ("AU", "NT", "Northern Territory"),
    ("AU", "QLD", "Queensland"),
    ("AU", "SA", "South Australia"),
    ("AU", "TAS", "Tasmania"),
    ("AU", "VIC", "Victoria"),
    ("AU", "WA", "Western Australia"),
];

/// The countries whose regions are known.
pub const COUNTRIES: [&str; 5] = ["US", "CA", "GB", "DE", "AU"];

/// Returns the name of a region.
#[must_use]
pub fn name(country: &str, code: &str) -> Option<&'static str> {
    REGIONS.iter().find(|(of, known, _)| *of == country && *known == code).map(|(_, _, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_once_and_belong_to_a_known_country() {
        for (number, (country, code, _)) in REGIONS.iter().enumerate() {
            assert!(COUNTRIES.contains(country));
            let same = |other: &&(&str, &str, &str)| other.0 == *country && other.1 == *code;
            assert_eq!(REGIONS.iter().skip(number + 1).find(same), None);
        }
        assert_eq!(name("US", "CA"), Some("California"));
        assert_eq!(name("CA", "ON"), Some("Ontario"));
        assert_eq!(name("FR", "IDF"), None);
    }
}

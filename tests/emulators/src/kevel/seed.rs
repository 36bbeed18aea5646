//! The initial data. Tests and demos may rely on its ids.

use super::refusal::Refusal;

/// Advertisers by title. Their ids count from 1001 ("Demo Agency" is 1001, "Second Agency" 1002).
pub const ADVERTISERS: &[&str] = &["Demo Agency", "Second Agency"];

/// The id of the network.
pub const NETWORK: i64 = 900;

/// Channels: id, title.
pub const CHANNELS: &[(i64, &str)] = &[(4001, "Web"), (4002, "Newsletter")];

/// The sites of channels: channel, site.
pub const CHANNEL_SITES: &[(i64, i64)] = &[(4001, 2001), (4001, 2002), (4001, 2003), (4002, 2001)];

/// Priorities: id, name, channel, weight.
pub const PRIORITIES: &[(i64, &str, i64, i64)] = &[
    (3001, "Sponsorship", 4001, 1),
    (3002, "Guaranteed", 4001, 5),
    (3003, "Auction", 4001, 10),
    (3004, "House", 4001, 20),
    (3005, "Newsletter", 4002, 5),
];

/// Ad types: id, width and height in pixels (0 where there is none), name.
pub const AD_TYPES: &[(i64, i64, i64, &str)] = &[
    (4, 728, 90, "Leaderboard"),
    (5, 300, 250, "Medium Rectangle"),
    (6, 160, 600, "Wide Skyscraper"),
    (16, 320, 50, "Mobile Leaderboard"),
    (20, 300, 600, "Half Page"),
    (43, 970, 250, "Billboard"),
    (163, 0, 0, "Video VAST"),
    (240, 0, 0, "Native Custom"),
];

/// Sites: id, title, address.
pub const SITES: &[(i64, &str, &str)] = &[
    (2001, "Demo News", "https://news.example.com"),
    (2002, "Demo Sports", "https://sports.example.com"),
    (2003, "Demo Video", "https://video.example.com"),
];

/// Zones: id, name, site.
pub const ZONES: &[(i64, &str, i64)] =
    &[(2101, "News top", 2001), (2102, "News side", 2001), (2201, "Sports top", 2002), (2301, "Video pre-roll", 2003)];

/// A creative template.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// The id in `TemplateId`.
    pub id: i64,
    /// The display name.
    pub name: &'static str,
    /// What the template is for.
    pub description: &'static str,
    /// The markup that the template produces.
    pub body: &'static str,
    /// The fields that the template requires.
    pub fields: &'static [TemplateField],
}

/// A field of a creative template.
#[derive(Debug, Clone, Copy)]
pub struct TemplateField {
    /// The display name.
    pub name: &'static str,
    /// Its key in `TemplateValues`.
    pub variable: &'static str,
    /// The type of the value.
    pub kind: &'static str,
    /// Whether a value is required.
    pub required: bool,
    /// What the field is for.
    pub description: &'static str,
    /// The longest value, in bytes.
    pub max_bytes: Option<usize>,
    /// The allowed values; empty for any.
    pub allowed: &'static [&'static str],
}

const fn field(name: &'static str, variable: &'static str, required: bool) -> TemplateField {
    TemplateField { name, variable, kind: "String", required, description: "", max_bytes: None, allowed: &[] }
}

/// The template of video files, whose content is a VAST document.
pub const VIDEO_TEMPLATE: i64 = 5002;
/// The template of VAST tags, whose content is a VAST wrapper.
pub const WRAPPER_TEMPLATE: i64 = 5003;

/// Creative templates. The two for video have the purposes of the guide's boilerplates (VAST
/// creatives); their fields are the emulator's own, as those of a network are.
pub const TEMPLATES: &[Template] = &[
    Template {
        id: 5001,
        name: "Native story",
        description: "A headline, a picture and a link",
        body: "{{ctHeadline}} {{ctImage}} {{ctLink}}",
        fields: &[
            TemplateField { max_bytes: Some(90), ..field("Headline", "ctHeadline", true) },
            TemplateField { kind: "ExternalFile", ..field("Image", "ctImage", true) },
            field("Link", "ctLink", true),
            field("Sponsor", "ctSponsor", false),
            TemplateField { allowed: &["light", "dark"], ..field("Theme", "ctTheme", false) },
        ],
    },
    Template {
        id: VIDEO_TEMPLATE,
        name: "VAST video",
        description: "A video file that is hosted elsewhere",
        body: "<VAST version=\"3.0\">{{ctMediaFile}} {{ctMediaType}} {{ctDuration}} {{ctClickThrough}}</VAST>",
        fields: &[
            field("Media file", "ctMediaFile", true),
            field("Media type", "ctMediaType", true),
            field("Duration", "ctDuration", true),
            field("Click-through", "ctClickThrough", false),
            field("Title", "ctTitle", false),
            field("Width", "ctWidth", false),
            field("Height", "ctHeight", false),
        ],
    },
    Template {
        id: WRAPPER_TEMPLATE,
        name: "VAST wrapper",
        description: "The VAST tag of another ad server",
        body: "<VAST version=\"3.0\">{{ctTagUri}}</VAST>",
        fields: &[field("Tag", "ctTagUri", true)],
    },
];

/// Countries: ISO 3166 code, name.
pub const COUNTRIES: &[(&str, &str)] = &[
    ("AD", "Andorra"),
    ("AE", "United Arab Emirates"),
    ("AR", "Argentina"),
    ("AT", "Austria"),
    ("AU", "Australia"),
    ("BE", "Belgium"),
    ("BG", "Bulgaria"),
    ("BO", "Bolivia"),
    ("BR", "Brazil"),
    ("CA", "Canada"),
    ("CH", "Switzerland"),
    ("CL", "Chile"),
    ("CN", "China"),
    ("CO", "Colombia"),
    ("CR", "Costa Rica"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DE", "Germany"),
    ("DK", "Denmark"),
    ("DO", "Dominican Republic"),
    ("DZ", "Algeria"),
    ("EC", "Ecuador"),
    ("EE", "Estonia"),
    ("EG", "Egypt"),
    ("ES", "Spain"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("GH", "Ghana"),
    ("GR", "Greece"),
    ("GT", "Guatemala"),
    ("HK", "Hong Kong"),
    ("HR", "Croatia"),
    ("HU", "Hungary"),
    ("ID", "Indonesia"),
    ("IE", "Ireland"),
    ("IL", "Israel"),
    ("IN", "India"),
    ("IS", "Iceland"),
    ("IT", "Italy"),
    ("JM", "Jamaica"),
    ("JO", "Jordan"),
    ("JP", "Japan"),
    ("KE", "Kenya"),
    ("KR", "South Korea"),
    ("KW", "Kuwait"),
    ("LB", "Lebanon"),
    ("LI", "Liechtenstein"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("LV", "Latvia"),
    ("MA", "Morocco"),
    ("MC", "Monaco"),
    ("MT", "Malta"),
    ("MX", "Mexico"),
    ("MY", "Malaysia"),
    ("NG", "Nigeria"),
    ("NL", "Netherlands"),
    ("NO", "Norway"),
    ("NZ", "New Zealand"),
    ("PA", "Panama"),
    ("PE", "Peru"),
    ("PH", "Philippines"),
    ("PK", "Pakistan"),
    ("PL", "Poland"),
    ("PR", "Puerto Rico"),
    ("PT", "Portugal"),
    ("PY", "Paraguay"),
    ("QA", "Qatar"),
    ("RO", "Romania"),
    ("RS", "Serbia"),
    ("SA", "Saudi Arabia"),
    ("SE", "Sweden"),
    ("SG", "Singapore"),
    ("SI", "Slovenia"),
    ("SK", "Slovakia"),
    ("TH", "Thailand"),
    ("TN", "Tunisia"),
    ("TR", "Türkiye"),
    ("TW", "Taiwan"),
    ("UA", "Ukraine"),
    ("US", "United States"),
    ("UY", "Uruguay"),
    ("VE", "Venezuela"),
    ("VN", "Vietnam"),
    ("ZA", "South Africa"),
];

/// Regions: country, code, name.
pub const REGIONS: &[(&str, &str, &str)] = &[
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
    ("DE", "BB", "Brandenburg"),
    ("DE", "BE", "Berlin"),
    ("DE", "BW", "Baden-Württemberg"),
    ("DE", "BY", "Bavaria"),
    ("DE", "HB", "Bremen"),
    ("DE", "HE", "Hesse"),
    ("DE", "HH", "Hamburg"),
    ("DE", "MV", "Mecklenburg-Western Pomerania"),
    ("DE", "NI", "Lower Saxony"),
    ("DE", "NW", "North Rhine-Westphalia"),
    ("DE", "RP", "Rhineland-Palatinate"),
    ("DE", "SH", "Schleswig-Holstein"),
    ("DE", "SL", "Saarland"),
    ("DE", "SN", "Saxony"),
    ("DE", "ST", "Saxony-Anhalt"),
    ("DE", "TH", "Thuringia"),
    ("FR", "ARA", "Auvergne-Rhône-Alpes"),
    ("FR", "BFC", "Bourgogne-Franche-Comté"),
    ("FR", "BRE", "Brittany"),
    ("FR", "COR", "Corsica"),
    ("FR", "CVL", "Centre-Val de Loire"),
    ("FR", "GES", "Grand Est"),
    ("FR", "HDF", "Hauts-de-France"),
    ("FR", "IDF", "Île-de-France"),
    ("FR", "NAQ", "Nouvelle-Aquitaine"),
    ("FR", "NOR", "Normandy"),
    ("FR", "OCC", "Occitanie"),
    ("FR", "PAC", "Provence-Alpes-Côte d'Azur"),
    ("FR", "PDL", "Pays de la Loire"),
];

/// Metros (US designated market areas), the larger ones: code, name, states.
pub const METROS: &[(i64, &str, &[&str])] = &[
    (501, "New York", &["NY", "NJ", "CT", "PA"]),
    (504, "Philadelphia", &["PA", "NJ", "DE"]),
    (505, "Detroit", &["MI"]),
    (506, "Boston", &["MA", "NH", "VT"]),
    (508, "Pittsburgh", &["PA", "MD", "WV"]),
    (510, "Cleveland", &["OH"]),
    (511, "Washington DC", &["DC", "MD", "VA", "WV", "PA"]),
    (512, "Baltimore", &["MD"]),
    (517, "Charlotte", &["NC", "SC"]),
    (524, "Atlanta", &["GA", "AL", "NC"]),
    (527, "Indianapolis", &["IN"]),
    (528, "Miami-Fort Lauderdale", &["FL"]),
    (534, "Orlando", &["FL"]),
    (535, "Columbus OH", &["OH"]),
    (539, "Tampa-St Petersburg", &["FL"]),
    (602, "Chicago", &["IL", "IN"]),
    (609, "St Louis", &["MO", "IL"]),
    (613, "Minneapolis-St Paul", &["MN", "WI"]),
    (616, "Kansas City", &["KS", "MO"]),
    (618, "Houston", &["TX"]),
    (622, "New Orleans", &["LA", "MS"]),
    (623, "Dallas-Fort Worth", &["TX"]),
    (635, "Austin", &["TX"]),
    (641, "San Antonio", &["TX"]),
    (659, "Nashville", &["TN", "KY"]),
    (744, "Honolulu", &["HI"]),
    (751, "Denver", &["CO", "NE", "NV", "WY"]),
    (753, "Phoenix", &["AZ"]),
    (770, "Salt Lake City", &["UT", "ID", "NV", "WY"]),
    (803, "Los Angeles", &["CA"]),
    (807, "San Francisco-Oakland-San Jose", &["CA"]),
    (819, "Seattle-Tacoma", &["WA"]),
    (820, "Portland OR", &["OR", "WA"]),
    (825, "San Diego", &["CA"]),
    (839, "Las Vegas", &["NV"]),
    (862, "Sacramento", &["CA"]),
];

/// Returns the country with this code.
#[must_use]
pub fn country(code: &str) -> Option<&'static (&'static str, &'static str)> {
    COUNTRIES.iter().find(|(known, _)| *known == code)
}

/// Returns the region with this code in a country.
#[must_use]
pub fn region(country: &str, code: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    REGIONS.iter().find(|(of, known, _)| *of == country && *known == code)
}

/// Returns the site with this id.
pub(crate) fn site(id: i64) -> Result<&'static (i64, &'static str, &'static str), Refusal> {
    let found = SITES.iter().find(|(known, ..)| *known == id);
    found.ok_or_else(|| Refusal::invalid(format!("SiteId: site {id} does not exist")))
}

/// Returns the zone with this id.
pub(crate) fn zone(id: i64) -> Result<&'static (i64, &'static str, i64), Refusal> {
    let found = ZONES.iter().find(|(known, ..)| *known == id);
    found.ok_or_else(|| Refusal::invalid(format!("ZoneId: zone {id} does not exist")))
}

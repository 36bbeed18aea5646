//! What Triton's public documents do not say.
//!
//! Public are the login, the targeting rules (a criteria tree of which `dma`, `city-geonames-id` and `age` are named), the
//! formats and lengths of audio, and that a flight's rate is fixed once it is in progress. What stands here follows the
//! public reference seller or, where that is silent, goes by analogy. When the real platform behaves otherwise than
//! expected, look here first. `README.md` has the same list for people.

/// Paths of the Booking API.
pub mod path {
    /// Campaigns: `POST`, `GET ?advertiserId=&ids=`; one by its id: `GET`, `PUT` of the fields that change.
    pub const CAMPAIGNS: &str = "/v1/campaigns";
    /// Flights: `POST`, `GET ?campaignId=&campaignIds=`; one by its id: `GET`, `PUT` of the fields that change.
    pub const FLIGHTS: &str = "/v1/flights";
    /// Creatives: `POST`, `GET ?advertiserId=`.
    pub const CREATIVES: &str = "/v1/creatives";
    /// Reports: `POST`; one by its id: `GET` until it is complete.
    pub const REPORTS: &str = "/v1/reports";
}

/// States of campaigns and flights.
pub mod state {
    /// No creative yet.
    pub const DRAFT: &str = "DRAFT";
    /// Its days lie ahead.
    pub const SCHEDULED: &str = "SCHEDULED";
    /// It may deliver.
    pub const RUNNING: &str = "RUNNING";
    /// It, or its campaign, is off.
    pub const PAUSED: &str = "PAUSED";
    /// Its days or its goal are over.
    pub const COMPLETED: &str = "COMPLETED";
    /// It is put away.
    pub const ARCHIVED: &str = "ARCHIVED";
}

/// States of reports.
pub mod report_state {
    /// It can be read.
    pub const COMPLETE: &str = "COMPLETE";
    /// It can't be made.
    pub const FAILED: &str = "FAILED";
}

/// Columns of a flight report.
pub mod column {
    /// The day, UTC.
    pub const DATE: &str = "date";
    /// The flight's id.
    pub const FLIGHT: &str = "flightId";
    /// Impressions.
    pub const IMPRESSIONS: &str = "impressions";
    /// Clicks on companions.
    pub const CLICKS: &str = "clicks";
    /// What was earned, an amount.
    pub const REVENUE: &str = "totalRevenue";
}

/// Dimensions of the criteria tree. `dma` and `city-geonames-id` are public.
pub mod dimension {
    /// Two letters.
    pub const COUNTRY: &str = "country";
    /// The part of ISO 3166-2 after the country.
    pub const STATE: &str = "state";
    /// Nielsen DMA codes.
    pub const METRO: &str = "dma";
    /// Ids of GeoNames.
    pub const CITY: &str = "city-geonames-id";
    /// Postal codes of a country.
    pub const POSTAL: &str = "postal-code";
    /// Types of devices.
    pub const DEVICE: &str = "device";
    /// Genres of stations.
    pub const GENRE: &str = "genre";
    /// Sorts of streams.
    pub const STREAM_TYPE: &str = "stream-type";
    /// Two letters.
    pub const LANGUAGE: &str = "language";
}

/// Types of devices by the buyer's word. Smart speakers are what buyers call `audio` devices.
pub const DEVICES: [(&str, &str); 3] = [("mobile", "mobile"), ("desktop", "desktop"), ("audio", "smart-speaker")];

/// Sorts of streams.
pub const STREAM_TYPES: [&str; 3] = ["live", "on-demand", "podcast"];

/// The longest name of anything, in characters.
pub const NAME_LIMIT: usize = 255;
/// The longest purchase order, in characters.
pub const PO_LIMIT: usize = 64;
/// The largest whole number.
pub const MOST: i64 = i32::MAX as i64;
/// The longest period of a frequency cap: thirty days, in minutes.
pub const LONGEST_CAP_MINUTES: u32 = 30 * 24 * 60;
/// Campaigns that one list or report is filtered by.
pub const AT_ONCE: usize = 100;
/// Items asked for at a time.
pub const PAGE_SIZE: u32 = 500;
/// How long a list may miss what was just created. One that misses it for longer, or a request that is carried out after it was
/// sent again, makes a second of the same, since names need not be unique: such are found later by them, and switched off.
pub const LOOKUP_LAG_MS: u32 = 3_000;
/// The code of a refusal to change the rate of a flight that is in progress. The rule is public, the code is not.
pub const RATE_LOCKED: &str = "RATE_LOCKED";

/// Codes of refusals that pass, whatever their HTTP status; the codes are not public. `true`: it asks for fewer requests.
const PASSING: [(&str, bool); 13] = [
    ("TOO_MANY_REQUESTS", true),
    ("RATE_LIMITED", true),
    ("RATE_LIMIT_EXCEEDED", true),
    ("QUOTA_EXCEEDED", true),
    ("CONCURRENT_MODIFICATION", false),
    ("CONFLICT", false),
    ("LOCKED", false),
    ("NOT_READY", false),
    ("TIMEOUT", false),
    ("MAINTENANCE", false),
    ("SERVICE_UNAVAILABLE", false),
    ("INTERNAL_ERROR", false),
    ("SERVER_ERROR", false),
];

/// Whether a refusal with this code passes, and if so whether it is one for too many requests.
#[must_use]
pub fn passing(code: &str) -> Option<bool> {
    PASSING.iter().find(|(known, _)| *known == code).map(|(_, requests)| *requests)
}

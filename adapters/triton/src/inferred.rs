//! Assumptions that Triton's public documentation doesn't confirm.
//!
//! Public are the login, the targeting rules (a criteria tree, of which `dma`, `city-geonames-id`
//! and `age` are named), the formats and lengths of audio, and that a flight's rate is fixed once
//! it is in progress. What this module contains follows the public reference seller or, where that
//! is silent, analogy. When the real platform behaves unexpectedly, look here first. `README.md`
//! has the same list for operators.

/// Paths of the Booking API.
pub mod path {
    /// Campaigns: `POST`, `GET ?advertiserId=&ids=`; by id: `GET`, `PUT` of the changed fields.
    pub const CAMPAIGNS: &str = "/v1/campaigns";
    /// Flights: `POST`, `GET ?campaignId=&campaignIds=`; by id: `GET`, `PUT` of the changed fields.
    pub const FLIGHTS: &str = "/v1/flights";
    /// Creatives: `POST`, `GET ?advertiserId=`.
    pub const CREATIVES: &str = "/v1/creatives";
    /// Reports: `POST`; by id: `GET` until it is complete.
    pub const REPORTS: &str = "/v1/reports";
}

/// States of campaigns and flights.
pub mod state {
    /// No creative yet.
    pub const DRAFT: &str = "DRAFT";
    /// Its first day is in the future.
    pub const SCHEDULED: &str = "SCHEDULED";
    /// It may deliver.
    pub const RUNNING: &str = "RUNNING";
    /// It or its campaign is inactive.
    pub const PAUSED: &str = "PAUSED";
    /// Its last day has passed, or its goal is reached.
    pub const COMPLETED: &str = "COMPLETED";
    /// It is archived.
    pub const ARCHIVED: &str = "ARCHIVED";
}

/// States of reports.
pub mod report_state {
    /// It can be read.
    pub const COMPLETE: &str = "COMPLETE";
    /// It could not be made.
    pub const FAILED: &str = "FAILED";
}

/// Columns of a flight report.
pub mod column {
    /// The day, in UTC.
    pub const DATE: &str = "date";
    /// The flight's id.
    pub const FLIGHT: &str = "flightId";
    /// Impressions.
    pub const IMPRESSIONS: &str = "impressions";
    /// Clicks on companion ads.
    pub const CLICKS: &str = "clicks";
    /// The revenue, a decimal amount.
    pub const REVENUE: &str = "totalRevenue";
}

/// Dimensions of the criteria tree. `dma` and `city-geonames-id` are public.
pub mod dimension {
    /// Two-letter country codes.
    pub const COUNTRY: &str = "country";
    /// The part of an ISO 3166-2 code after the country.
    pub const STATE: &str = "state";
    /// Nielsen DMA codes.
    pub const METRO: &str = "dma";
    /// GeoNames ids.
    pub const CITY: &str = "city-geonames-id";
    /// Postal codes of a country.
    pub const POSTAL: &str = "postal-code";
    /// Device types.
    pub const DEVICE: &str = "device";
    /// Genres of stations.
    pub const GENRE: &str = "genre";
    /// Types of streams.
    pub const STREAM_TYPE: &str = "stream-type";
    /// Two-letter language codes.
    pub const LANGUAGE: &str = "language";
}

/// Device types by the buyer's word. What buyers call `audio` devices are smart speakers.
pub const DEVICES: [(&str, &str); 3] = [("mobile", "mobile"), ("desktop", "desktop"), ("audio", "smart-speaker")];

/// Types of streams.
pub const STREAM_TYPES: [&str; 3] = ["live", "on-demand", "podcast"];

/// The maximum length of any name, in characters.
pub const NAME_LIMIT: usize = 255;
/// The maximum length of a purchase order number, in characters.
pub const PO_LIMIT: usize = 64;
/// The largest whole number.
pub const MOST: i64 = i32::MAX as i64;
/// The longest period of a frequency cap: thirty days, in minutes.
pub const LONGEST_CAP_MINUTES: u32 = 30 * 24 * 60;
/// The most campaigns in the filter of one list or report.
pub const AT_ONCE: usize = 100;
/// The page size of lists.
pub const PAGE_SIZE: u32 = 500;
/// How long a list may omit a new object, in milliseconds. If a list omits it for longer, or a
/// request is carried out after it was sent again, there will be a duplicate, because names need
/// not be unique. Such duplicates are found later by their names and deactivated.
pub const LOOKUP_LAG_MS: u32 = 3_000;
/// The failure code for a change of the rate of a flight in progress. The rule is public, the code
/// is not.
pub const RATE_LOCKED: &str = "RATE_LOCKED";

/// Failure codes of transient refusals, whatever their HTTP status. The codes are not public.
/// `true` means too many requests.
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

/// Whether the code marks a transient refusal, and if so, whether it is one for too many requests.
#[must_use]
pub fn passing(code: &str) -> Option<bool> {
    PASSING.iter().find(|(known, _)| *known == code).map(|(_, requests)| *requests)
}

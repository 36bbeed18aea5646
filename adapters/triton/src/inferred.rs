//! Assumptions that Triton's public documentation doesn't confirm.
//!
//! Public are the login, the targeting rules (a criteria tree, of which `dma`, `city-geonames-id`
//! and `age` are named), and that a flight's rate is fixed once it is in progress. The user guide
//! (help.tritondigital.com) says what a campaign, a flight and a creative are made of, which values
//! they take and when they change, but of the web interface: **the names of fields and words in the
//! API are inferred from it.** The rest follows the public reference seller or, where that is silent,
//! analogy. When the real platform behaves unexpectedly, look here first. `README.md` has the same
//! list for operators.

/// Paths of the Booking API.
pub mod path {
    /// Campaigns: `POST`, `GET ?advertiserId=&ids=`; by id: `GET`, `PUT` of the changed fields.
    pub const CAMPAIGNS: &str = "/v1/campaigns";
    /// Flights: `POST`, `GET ?campaignId=&campaignIds=`; by id: `GET`, `PUT` of the changed fields.
    pub const FLIGHTS: &str = "/v1/flights";
    /// Advertisers; by id: `GET`.
    pub const ADVERTISERS: &str = "/v1/advertisers";
    /// Stations, with their time zones and genres: `GET`. Only an inspection of the account reads them.
    pub const STATIONS: &str = "/v1/stations";
    /// Teams: `GET`. Only an inspection of the account reads them.
    pub const TEAMS: &str = "/v1/teams";
    /// Ad units of an advertiser's creative library: `POST`, `GET ?advertiserId=`.
    pub const CREATIVES: &str = "/v1/creatives";
    /// Reports: `POST`; by id: `GET` until it is complete.
    pub const REPORTS: &str = "/v1/reports";
}

/// Statuses of campaigns and flights. The guide lists them (help pages, status); their spelling in the
/// API is inferred, so case doesn't count.
pub mod state {
    /// Saved and not booked: it reserves nothing.
    pub const DRAFT: &str = "DRAFT";
    /// It may deliver in its days, if its campaign and advertiser may.
    pub const ACTIVE: &str = "ACTIVE";
    /// Approved, and not yet active.
    pub const APPROVED: &str = "APPROVED";
    /// The publisher declined it.
    pub const DECLINED: &str = "DECLINED";
    /// It or its campaign is paused.
    pub const PAUSED: &str = "PAUSED";
    /// Its advertiser is not active.
    pub const INACTIVE: &str = "INACTIVE";
    /// Its last day passed 48 hours ago, or its goal is reached.
    pub const DONE: &str = "DONE";
    /// It is archived.
    pub const ARCHIVED: &str = "ARCHIVED";
}

/// Fields whose names are the guide's words in the API's style.
pub mod field {
    /// Content types, a list of [`CONTENT_TYPES`](super::CONTENT_TYPES).
    pub const CONTENT_TYPES: &str = "contentTypes";
    /// Positions, a list of [`POSITIONS`](super::POSITIONS).
    pub const POSITIONS: &str = "positions";
    /// The priority type: sponsorship, standard, bulk, filler.
    pub const PRIORITY: &str = "type";
    /// The level within the priority type.
    pub const PRIORITY_LEVEL: &str = "priorityLevel";
    /// How the goal is spread, one of [`pacing`](super::pacing).
    pub const PACING: &str = "pacing";
    /// The frequency cap.
    pub const FREQUENCY_CAP: &str = "frequencyCap";
    /// Whether the rate is net or gross.
    pub const RATE_BASIS: &str = "rateBasis";
    /// The publisher's own id of a campaign or flight.
    pub const EXTERNAL_ID: &str = "externalId";
    /// The team of a campaign.
    pub const TEAM: &str = "teamId";
    /// The creative of a flight: ad groups, and whether what was saved is published.
    pub const CREATIVE: &str = "creative";
    /// The ad groups of a creative.
    pub const AD_GROUPS: &str = "adGroups";
    /// The ad units of a group.
    pub const AD_UNITS: &str = "adUnitIds";
    /// The assigned duration of an ad unit or a group, in seconds.
    pub const SECONDS: &str = "durationSeconds";
    /// Whether a creative is published.
    pub const STATE: &str = "state";
    /// The state of a creative that serves as it was saved.
    pub const PUBLISHED: &str = "PUBLISHED";
    /// Banners of an ad unit.
    pub const BANNERS: &str = "banners";
    /// Tracking pixels of an ad unit.
    pub const PIXELS: &str = "trackingPixels";
}

/// Words of a flight's pacing (help pages, create a flight).
pub mod pacing {
    /// The same every day.
    pub const EVEN: &str = "EVEN";
    /// As the trend of the inventory is.
    pub const TREND: &str = "TREND";
    /// As fast as possible.
    pub const ASAP: &str = "ASAP";
    /// More at the beginning.
    pub const FRONT_LOADED: &str = "FRONT_LOADED";
}

/// Units of a frequency cap's period (help pages, frequency caps).
pub mod cap_unit {
    /// Hours.
    pub const HOUR: &str = "HOUR";
    /// Days.
    pub const DAY: &str = "DAY";
    /// Weeks.
    pub const WEEK: &str = "WEEK";
    /// A listener's lifetime.
    pub const LIFETIME: &str = "LIFETIME";
    /// A break.
    pub const BREAK: &str = "BREAK";
    /// A download.
    pub const DOWNLOAD: &str = "DOWNLOAD";
}

/// Types of priorities (help pages, how ad selection works).
pub mod priority {
    /// Before everything else.
    pub const SPONSORSHIP: &str = "SPONSORSHIP";
    /// What is guaranteed.
    pub const STANDARD: &str = "STANDARD";
    /// What is sold in bulk.
    pub const BULK: &str = "BULK";
    /// What fills what is left.
    pub const FILLER: &str = "FILLER";
}

/// Whether a rate contains an agency's commission (help pages, create a flight).
pub mod rate_basis {
    /// It does not.
    pub const NET: &str = "NET";
    /// It does.
    pub const GROSS: &str = "GROSS";
}

/// Returns the path that publishes a flight's creative.
#[must_use]
pub fn publish(flight: &str) -> String {
    format!("{}/creative/publish", crate::api::one(path::FLIGHTS, flight))
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
    /// Two-letter language codes.
    pub const LANGUAGE: &str = "language";
    /// Ages in years. The name is public.
    pub const AGE: &str = "age";
    /// Genders.
    pub const GENDER: &str = "gender";
    /// Segments of a data management platform.
    pub const SEGMENT: &str = "segment";
    /// Markets of stations.
    pub const MARKET: &str = "market";
    /// Tags of stations.
    pub const STATION_TAG: &str = "station-tag";
    /// Tags of content.
    pub const CONTENT_TAG: &str = "content-tag";
}

/// Device types by the buyer's word. What buyers call `audio` devices are smart speakers.
pub const DEVICES: [(&str, &str); 3] = [("mobile", "mobile"), ("desktop", "desktop"), ("audio", "smart-speaker")];

/// Content types by the word of settings and buyers (help pages, change to delivery method).
pub const CONTENT_TYPES: [(&str, &str); 3] = [("live", "LIVE"), ("podcast", "PODCAST"), ("other", "OTHER")];

/// Positions of a spot by the word of settings.
pub const POSITIONS: [(&str, &str); 4] =
    [("pre", "PRE_ROLL"), ("mid", "MID_ROLL"), ("post", "POST_ROLL"), ("other", "OTHER")];

/// The maximum length of any name, in characters.
pub const NAME_LIMIT: usize = 255;
/// The maximum length of a purchase order number, in characters.
pub const PO_LIMIT: usize = 64;
/// The largest whole number.
pub const MOST: i64 = i32::MAX as i64;
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

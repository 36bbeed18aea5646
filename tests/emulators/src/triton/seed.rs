//! The initial data: advertisers and stations.

use serde_json::{Value, json};

/// The first advertiser.
pub const ADVERTISER: i64 = 501;
/// The second advertiser.
pub const OTHER_ADVERTISER: i64 = 502;
/// An advertiser that is billed in euros.
pub const EURO_ADVERTISER: i64 = 503;
/// An advertiser that is not active.
pub const INACTIVE_ADVERTISER: i64 = 504;
/// The team that campaigns belong to.
pub const TEAM: i64 = 31;
/// A station that plays news, in New York.
pub const NEWS_STATION: i64 = 7001;

/// An advertiser. Its currency is that of its campaigns (help pages, direct advertisers).
#[derive(Debug)]
pub(super) struct Advertiser {
    pub id: i64,
    name: &'static str,
    currency: &'static str,
    /// Whether its flights may deliver.
    pub active: bool,
}

/// The advertisers.
pub(super) const ADVERTISERS: [Advertiser; 4] = [
    Advertiser { id: ADVERTISER, name: "Acme Corp", currency: "USD", active: true },
    Advertiser { id: OTHER_ADVERTISER, name: "Globex", currency: "USD", active: true },
    Advertiser { id: EURO_ADVERTISER, name: "Initech Europe", currency: "EUR", active: true },
    Advertiser { id: INACTIVE_ADVERTISER, name: "Hooli", currency: "USD", active: false },
];

/// Teams: id and name.
pub(super) const TEAMS: [(i64, &str); 2] = [(TEAM, "Direct sales"), (32, "Agency sales")];

/// Returns the advertiser with this id.
pub(super) fn advertiser(id: i64) -> Option<&'static Advertiser> {
    ADVERTISERS.iter().find(|advertiser| advertiser.id == id)
}

impl Advertiser {
    /// Returns the advertiser as in a response.
    pub(super) fn show(&self) -> Value {
        let status = if self.active { "ACTIVE" } else { "INACTIVE" };
        json!({ "id": self.id, "name": self.name, "currency": self.currency, "status": status })
    }
}

/// A station.
#[derive(Debug)]
pub(super) struct Station {
    /// The id of the station.
    pub id: i64,
    call_sign: &'static str,
    name: &'static str,
    market: &'static str,
    pub time_zone: &'static str,
    genre: &'static str,
    group: &'static str,
}

/// The stations.
pub(super) const STATIONS: [Station; 8] = [
    station(NEWS_STATION, "WNWS", "News 101", "New York", "America/New_York", "news", "Talk"),
    station(7002, "WRCK", "Rock 102", "New York", "America/New_York", "rock", "Music"),
    station(7003, "WSPT", "Sports 103", "New York", "America/New_York", "sports", "Talk"),
    station(7004, "KLAX", "LA Hits", "Los Angeles", "America/Los_Angeles", "pop", "Music"),
    station(7005, "KTLK", "LA Talk", "Los Angeles", "America/Los_Angeles", "talk", "Talk"),
    station(7006, "KJZZ", "Jazz West", "Los Angeles", "America/Los_Angeles", "jazz", "Music"),
    station(7007, "CFTO", "Toronto One", "Toronto", "America/Toronto", "news", "Talk"),
    station(7008, "CHUM", "Toronto Hits", "Toronto", "America/Toronto", "pop", "Music"),
];

const fn station(
    id: i64,
    call_sign: &'static str,
    name: &'static str,
    market: &'static str,
    time_zone: &'static str,
    genre: &'static str,
    group: &'static str,
) -> Station {
    Station { id, call_sign, name, market, time_zone, genre, group }
}

impl Station {
    /// Returns the station as in a list.
    pub(super) fn show(&self) -> Value {
        json!({
            "id": self.id, "callSign": self.call_sign, "name": self.name, "market": self.market,
            "timeZone": self.time_zone, "genre": self.genre, "groups": [self.group],
        })
    }
}

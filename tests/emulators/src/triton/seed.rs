//! The initial data: advertisers and stations.

use serde_json::{Value, json};

/// The first advertiser.
pub const ADVERTISER: i64 = 501;
/// The second advertiser.
pub const OTHER_ADVERTISER: i64 = 502;
/// A station that plays news, in New York.
pub const NEWS_STATION: i64 = 7001;

/// Advertisers: id and name.
pub(super) const ADVERTISERS: [(i64, &str); 2] = [(ADVERTISER, "Acme Corp"), (OTHER_ADVERTISER, "Globex")];

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

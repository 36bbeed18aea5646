//! The keys that Kevel reserves.

/// Kevel's own keys by their first part, with the second parts of those that have a fixed set
/// (dev.kevel.com, "Zerkel Queries", the table of reserved keys). A publisher's own keys have no `$`.
const RESERVED: [(&str, &[&str]); 16] = [
    ("$device", &DEVICE),
    ("$location", &LOCATION),
    ("$user", &[]),
    ("$content", &[]),
    ("$keywords", &[]),
    ("$userAgent", &[]),
    ("$url", &[]),
    ("$referrer", &[]),
    ("$site", &[]),
    ("$zone", &[]),
    ("$zones", &[]),
    ("$adTypes", &[]),
    ("$divName", &[]),
    ("$language", &[]),
    ("$date", &[]),
    ("$time", &[]),
];
const DEVICE: [&str; 14] = [
    "brandName",
    "modelName",
    "marketingName",
    "os",
    "osVersion",
    "osVersion.string",
    "osVersion.major",
    "osVersion.minor",
    "browser",
    "browserVersion",
    "browserVersion.string",
    "browserVersion.major",
    "browserVersion.minor",
    "formFactor",
];
const LOCATION: [&str; 13] = [
    "countryCode",
    "countryName",
    "regionCode",
    "region",
    "regionName",
    "city",
    "metroCode",
    "dmaCode",
    "postalCode",
    "latitude",
    "longitude",
    "areaCode",
    "continentCode",
];

/// Refuses a key that begins like one of Kevel's own and is none: Kevel would refuse the flight.
pub(super) fn known(key: &str) -> Result<(), String> {
    if !key.contains('$') {
        return Ok(());
    }
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    match RESERVED.iter().find(|(name, _)| *name == first) {
        Some((_, parts)) if parts.is_empty() || parts.contains(&rest) => Ok(()),
        Some((name, parts)) => Err(format!("{key} is not one of Kevel's keys; {name} has {}", parts.join(", "))),
        None => {
            let names: Vec<&str> = RESERVED.iter().map(|(name, _)| *name).collect();
            Err(format!("{key} is not one of Kevel's keys, which are {}; your own have no $", names.join(", ")))
        }
    }
}

//! Suggests the known name that may have been meant by an unknown one.
//!
//! Software follows a suggestion without a second look, so it must never reverse the meaning or
//! name something else. In doubt, none is made, and all known names are listed instead. A name is
//! suggested
//!
//! - if other generations of the protocol use the given name for this field ([`OTHER_NAMES`]);
//! - else if it is within a typing slip, and no other name is as near;
//! - else if all words of the given name are words of this known name, and of no other.
//!
//! An excluding name is suggested only for an excluding name, and any other name only for a name
//! that does not exclude.

/// Fields that other generations of this and similar protocols call by other names, with the same
/// meaning.
const OTHER_NAMES: [(&str, &str); 43] = [
    ("geo_countries", "geo_country_any_of"),
    ("geo_countries_exclude", "geo_country_none_of"),
    ("geo_regions", "geo_region_any_of"),
    ("geo_regions_exclude", "geo_region_none_of"),
    ("geo_metros", "geo_metro_any_of"),
    ("geo_metros_exclude", "geo_metro_none_of"),
    ("geo_dma_any_of", "geo_metro_any_of"),
    ("geo_dma_none_of", "geo_metro_none_of"),
    ("geo_cities", "geo_city_any_of"),
    ("geo_cities_exclude", "geo_city_none_of"),
    ("geo_postal_areas", "geo_postal_any_of"),
    ("geo_postal_areas_exclude", "geo_postal_none_of"),
    ("geo_postal_codes", "geo_postal_any_of"),
    ("geo_postal_codes_exclude", "geo_postal_none_of"),
    ("geo_zip_any_of", "geo_postal_any_of"),
    ("geo_zip_none_of", "geo_postal_none_of"),
    ("device_type", "device_type_any_of"),
    ("device_type_exclude", "device_type_none_of"),
    ("device_types_exclude", "device_type_none_of"),
    ("device_platform", "os_any_of"),
    ("device_platform_exclude", "os_none_of"),
    ("operating_system_any_of", "os_any_of"),
    ("operating_system_none_of", "os_none_of"),
    ("content_cat_any_of", "content_category_any_of"),
    ("content_cat_none_of", "content_category_none_of"),
    ("audiences_any_of", "audience_segment_any_of"),
    ("audiences_none_of", "audience_segment_none_of"),
    ("audience_include", "audience_segment_any_of"),
    ("audience_exclude", "audience_segment_none_of"),
    ("daypart_targets", "dayparting"),
    ("targeting", "targeting_overlay"),
    ("start_time", "flight_start_date"),
    ("end_time", "flight_end_date"),
    ("budget", "total_budget"),
    ("product_id", "package_id"),
    ("products", "packages"),
    ("product_ids", "packages"),
    ("daily_budget_cap", "daily_budget"),
    ("cost_per_click", "cpc"),
    ("cost_per_completed_view", "cpcv"),
    ("flat_rate", "flat_price"),
    ("completed_views", "video_completions"),
    ("suppress", "suppress_minutes"),
];

/// Words that mark a name as excluding or forbidding.
const EXCLUDING: [&str; 22] = [
    "none",
    "exclude",
    "excludes",
    "excluded",
    "excluding",
    "exclusion",
    "exclusions",
    "except",
    "not",
    "no",
    "without",
    "never",
    "block",
    "blocked",
    "blocklist",
    "deny",
    "denied",
    "denylist",
    "negative",
    "cannot",
    "avoid",
    "suppressed",
];
/// Words that mark a name as including.
const INCLUDING: [&str; 13] = [
    "any",
    "include",
    "includes",
    "included",
    "including",
    "inclusion",
    "inclusions",
    "in",
    "allow",
    "allowed",
    "allowlist",
    "only",
    "targets",
];
/// Words without meaning of their own.
const FILLING: [&str; 4] = ["of", "is", "the", "list"];
/// Prefixes that turn a word into its opposite.
const TURNING: [&str; 7] = ["in", "un", "non", "dis", "de", "im", "ir"];

/// Whether a name includes or excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Includes,
    Excludes,
    /// Neither.
    Plain,
    /// Contradictory.
    Unclear,
}

/// Returns the known name that was meant, if that is beyond doubt.
pub fn meant<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let name = in_snake_case(name);
    let among = |wanted: &str| known.iter().map(String::as_str).find(|known| *known == wanted);
    if let Some((_, ours)) = OTHER_NAMES.iter().find(|(other, _)| *other == name)
        && let Some(known) = among(ours)
    {
        return Some(known);
    }
    // `cpcs` is the plural of `cpc`, and `cpcv` with one slip.
    let is_elsewhere =
        |found: &str| known.iter().any(|other| other != found && strsim::osa_distance(&name, other) <= 1);
    let by_words = || by_its_words(&name, known).filter(|found| !is_elsewhere(found));
    among(&name).or_else(|| by_a_slip(&name, known)).or_else(by_words)
}

/// Returns the known name that is fewer slips away than all others.
fn by_a_slip<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let most = if name.chars().count() < 8 { 1 } else { 2 };
    let mut scored: Vec<(usize, &str)> =
        known.iter().map(|known| (strsim::osa_distance(name, &known.to_lowercase()), known.as_str())).collect();
    scored.sort_unstable();
    let (distance, nearest) = *scored.first().filter(|(distance, _)| *distance <= most)?;
    let is_rival = |(other, rival): &(usize, &str)| {
        // The opposite must be far away: two slips could lead there as easily as one leads here.
        let opposite = words(rival).1 == words(nearest).1 && *other <= distance + 1;
        *other == distance || opposite
    };
    let contested = scored.iter().skip(1).any(is_rival);
    // If the slip is in the word that includes or excludes, the name's sense is unknown.
    let agreed = sense(name) == Sense::Plain || agrees(sense(name), sense(nearest), true);
    (!contested && !is_turned(name, nearest) && agreed).then_some(nearest)
}

/// Returns the only known name that contains all words of the name.
fn by_its_words<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let (wish, wanted) = (sense(name), words(name).1);
    if wanted.iter().map(String::len).sum::<usize>() < 3 && !known.iter().any(|known| words(known).1 == wanted) {
        return None;
    }
    let has_all = |known: &&String| {
        let has = words(known).1;
        !wanted.is_empty() && 2 * wanted.len() >= has.len() && wanted.iter().all(|word| has.contains(word))
    };
    let fitting: Vec<&str> = known.iter().filter(has_all).map(String::as_str).collect();
    let exact: Vec<&str> = fitting.iter().copied().filter(|known| words(known).1 == wanted).collect();
    let fitting = if exact.is_empty() { fitting } else { exact };
    let of_sense = |strict: bool| {
        let mut fitting = fitting.iter().copied().filter(|known| agrees(wish, sense(known), strict));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    of_sense(true).or_else(|| of_sense(false))
}

/// Returns whether a known name's sense fits the given name's. Strictly, a name that says it
/// includes is preferred to one that doesn't say.
fn agrees(wish: Sense, known: Sense, strict: bool) -> bool {
    match (wish, known) {
        (Sense::Unclear, _) | (_, Sense::Unclear) => false,
        (Sense::Excludes, known) => known == Sense::Excludes,
        (_, Sense::Excludes) => false,
        (Sense::Includes, Sense::Plain) => !strict,
        _ => true,
    }
}

/// Returns whether one name is the other with a negating prefix: `inactive`, `active`.
fn is_turned(one: &str, other: &str) -> bool {
    let turns = |long: &str, short: &str| {
        TURNING.iter().any(|turn| long.strip_prefix(turn).is_some_and(|rest| rest.trim_start_matches('_') == short))
    };
    turns(one, other) || turns(other, one)
}

fn sense(name: &str) -> Sense {
    words(name).0
}

/// Returns the sense of a name, and its other words in the singular.
fn words(name: &str) -> (Sense, Vec<String>) {
    let mut sense = Sense::Plain;
    let mut others = Vec::new();
    for word in name.split('_').filter(|word| !word.is_empty() && !FILLING.contains(word)) {
        let said = if EXCLUDING.contains(&word) {
            Sense::Excludes
        } else if INCLUDING.contains(&word) {
            Sense::Includes
        } else {
            others.push(singular(word));
            continue;
        };
        // `not_in` excludes, and so does `exclude_any_of`.
        sense = match (sense, said) {
            (Sense::Excludes, Sense::Excludes) => Sense::Unclear,
            (Sense::Excludes, _) | (_, Sense::Excludes) => Sense::Excludes,
            (Sense::Unclear, _) => Sense::Unclear,
            _ => Sense::Includes,
        };
    }
    (sense, others)
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ if word.len() > 3 && !word.ends_with("ss") => word.trim_end_matches('s').to_owned(),
        _ => word.to_owned(),
    }
}

/// Converts `geoCountries` and `geo-countries` to `geo_countries`.
fn in_snake_case(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    let mut before = '_';
    for letter in name.trim().chars() {
        if letter.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            written.push('_');
        }
        written.extend(if matches!(letter, '-' | ' ' | '.') { '_' } else { letter }.to_lowercase());
        before = letter;
    }
    written
}

#[cfg(test)]
mod tests;

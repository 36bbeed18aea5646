//! Finds secrets in responses, however the ad server's software spelled them when it echoed a
//! request.
//!
//! | spelling of `a=b/c` | used by |
//! |---|---|
//! | `a=b/c` | everything |
//! | `a\u003db\/c`, `a\\u003db`, `a\x3db` | JSON, JSON within JSON, Python |
//! | `a%3Db%2fc`, `a%253Db`, `+` for a space | URLs and forms, also encoded twice |
//! | `a&#61;b&#x2f;c`, `&amp;` | HTML |
//! | `YT1iL2M=`, also within a longer text, either alphabet, broken into lines | base64 |
//! | `613d622f63`, `61:3D:62` | dumps |
//!
//! Each spelling may be mixed with the others, be written with two or four bytes per character, and
//! be split anywhere by the network. Text that an ad server disguises on purpose, by encrypting or
//! reversing it, is not found: the ad server has the secret anyway.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

mod scrubber;
mod spelling;

pub(super) use scrubber::Scrubber;
use spelling::Reader;

/// Minimum length of a secret to look for. A shorter one would match ordinary words, and protects
/// nothing anyway.
const SHORTEST: usize = 4;

/// Zero bytes between two characters of UTF-32.
const ZEROS: usize = 3;

/// Line breaks within base64, with the spaces after them.
const BREAKS: usize = 4;

/// How a text is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Plain,
    Base64,
    Hex,
}

/// A text that represents a secret.
#[derive(Debug, Clone)]
struct Pattern {
    text: Vec<char>,
    spelling: Spelling,
}

/// Searches for texts that must never come back or be printed.
#[derive(Clone, Default)]
pub(crate) struct Echoes {
    patterns: Vec<Pattern>,
    /// For each byte, whether a pattern may begin with it.
    begins: Vec<bool>,
}

impl Echoes {
    /// Prepares the search for these secrets.
    pub(super) fn of(secrets: &[String]) -> Self {
        let mut patterns = Vec::new();
        for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST) {
            patterns.push(Pattern { text: secret.chars().collect(), spelling: Spelling::Plain });
            patterns.push(Pattern { text: hex::encode(secret).chars().collect(), spelling: Spelling::Hex });
            let base64 =
                (0..3).map(|before| Pattern { text: within_base64(secret, before), spelling: Spelling::Base64 });
            patterns.extend(base64);
        }
        let mut begins = vec![false; 256];
        for pattern in &patterns {
            for variant in variants(pattern.text[0], pattern.spelling).into_iter().flatten() {
                let mut buffer = [0; 4];
                begins[usize::from(variant.encode_utf8(&mut buffer).as_bytes()[0])] = true;
            }
            // An escape of any character.
            [b'\\', b'%', b'&', b'+'].into_iter().for_each(|byte| begins[usize::from(byte)] = true);
        }
        Self { patterns, begins }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Returns whether any secret occurs.
    pub(super) fn occur_in(&self, bytes: &[u8]) -> bool {
        let mut copy = bytes.to_vec();
        self.scrub_all(&mut copy);
        copy != bytes
    }

    /// Overwrites every occurrence with asterisks, byte for byte, so that lengths don't change.
    pub(super) fn scrub_all(&self, bytes: &mut [u8]) {
        self.scrub(bytes, &mut 0, true);
    }

    /// Overwrites the first `hidden` bytes and every occurrence. Returns how many leading bytes are
    /// final, and leaves in `hidden` how many of the rest belong to an occurrence that began before
    /// them. The rest may be the beginning of a secret that continues in the next piece; if `ended`,
    /// everything is final.
    ///
    /// Occurrences may overlap: the text before a secret may complete another reading of its
    /// beginning. So the search goes on at the byte after a match's first, and a byte is overwritten
    /// only when no later match can need it.
    fn scrub(&self, bytes: &mut [u8], hidden: &mut usize, ended: bool) -> usize {
        if self.is_empty() {
            return bytes.len();
        }
        let (mut until, mut room) = (std::mem::take(hidden), Room::default());
        for at in 0..bytes.len() {
            if self.begins[usize::from(bytes[at])] {
                let mut goes_on = false;
                for pattern in &self.patterns {
                    let found = pattern.at(bytes, at, &mut room);
                    until = until.max(found.end.unwrap_or(0));
                    goes_on |= found.goes_on;
                }
                if goes_on && !ended {
                    *hidden = until.saturating_sub(at);
                    return at;
                }
            }
            if at < until {
                bytes[at] = b'*';
            }
        }
        bytes.len()
    }
}

/// Returns the base64 characters determined by the secret alone when `before` bytes precede it,
/// modulo 3.
fn within_base64(secret: &str, before: usize) -> Vec<char> {
    let whole = [vec![0; before], secret.as_bytes().to_vec()].concat();
    let encoded = BASE64_STANDARD_NO_PAD.encode(&whole);
    encoded[(before * 8).div_ceil(6)..whole.len() * 8 / 6].chars().collect()
}

/// Returns the alternatives that may stand for a character.
fn variants(char: char, spelling: Spelling) -> [Option<char>; 2] {
    let other = match (spelling, char) {
        (Spelling::Hex, 'a'..='f') => Some(char.to_ascii_uppercase()),
        (Spelling::Base64, '+') => Some('-'),
        (Spelling::Base64, '/') => Some('_'),
        _ => None,
    };
    [Some(char), other]
}

/// The result of a match attempt at one position.
struct Found {
    /// Where the match ends, if there is one.
    end: Option<usize>,
    /// Whether more input could complete or extend the match.
    goes_on: bool,
}

/// Positions reached by a pattern so far; a buffer reused between searches.
#[derive(Default)]
struct Room {
    places: Vec<usize>,
    next: Vec<usize>,
}

impl Pattern {
    /// Matches the pattern from `at` on. An escape may be read in several ways, so all positions
    /// are followed at once.
    fn at(&self, bytes: &[u8], at: usize, room: &mut Room) -> Found {
        room.places.clear();
        room.places.push(at);
        let mut goes_on = false;
        for (number, char) in self.text.iter().enumerate() {
            let mut reader = Reader { bytes, ends: &mut room.next, is_cut: false };
            for place in &room.places {
                let gaps = if number == 0 { 0 } else { self.gap(bytes, *place) };
                for place in *place..=*place + gaps {
                    for variant in variants(*char, self.spelling).into_iter().flatten() {
                        reader.character(variant, place);
                    }
                }
                if number > 0 && self.spelling == Spelling::Base64 {
                    let after = reader.after_escaped_break(*place);
                    for variant in after.into_iter().flat_map(|_| variants(*char, self.spelling)).flatten() {
                        reader.character(variant, after.unwrap_or(*place));
                    }
                }
            }
            goes_on |= reader.is_cut;
            std::mem::swap(&mut room.places, &mut room.next);
            room.next.clear();
            room.places.sort_unstable();
            room.places.dedup();
            if room.places.is_empty() {
                return Found { end: None, goes_on };
            }
        }
        Found { end: room.places.last().copied(), goes_on }
    }

    /// Returns how many bytes may be skipped before the next character.
    fn gap(&self, bytes: &[u8], at: usize) -> usize {
        let rest = &bytes[at..];
        let run = |most: usize, of: fn(u8) -> bool| rest.iter().take(most).take_while(|byte| of(**byte)).count();
        match self.spelling {
            Spelling::Plain => run(ZEROS, |byte| byte == 0),
            Spelling::Base64 => run(BREAKS, |byte| matches!(byte, 0 | b'\r' | b'\n' | b' ' | b'\t')),
            Spelling::Hex => run(ZEROS, |byte| byte == 0).max(run(1, |byte| matches!(byte, b':' | b' ' | b'-'))),
        }
    }
}

#[cfg(test)]
mod tests;

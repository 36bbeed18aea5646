//! Finds secrets in what comes back, however an ad server's software spelled them when it echoed a request.
//!
//! | spelling of `a=b/c` | who writes so |
//! |---|---|
//! | `a=b/c` | everybody |
//! | `a\u003db\/c`, `a\\u003db`, `a\x3db` | JSON, JSON within JSON, Python |
//! | `a%3Db%2fc`, `a%253Db`, `+` for a space | addresses and forms, also twice |
//! | `a&#61;b&#x2f;c`, `&amp;` | pages |
//! | `YT1iL2M=`, also within a longer text, either alphabet, broken into lines | base64 |
//! | `613d622f63`, `61:3D:62` | dumps |
//!
//! Each may be mixed with the others, be written with two or four bytes a character, and be cut anywhere by the network. What an
//! ad server hides on purpose, enciphered or turned around, is not found: it has the secret anyway.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

mod scrubber;
mod spelling;

pub(super) use scrubber::Scrubber;
use spelling::Reader;

/// A shorter secret would be found in ordinary words, and protects nothing anyway.
const SHORTEST: usize = 4;

/// Zero bytes between two characters of UTF-32.
const ZEROS: usize = 3;

/// Line breaks, and the spaces after them, within base64.
const BREAKS: usize = 4;

/// How a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Plain,
    Base64,
    Hex,
}

/// A text that stands for a secret.
#[derive(Debug, Clone)]
struct Pattern {
    text: Vec<char>,
    spelling: Spelling,
}

/// What must never come back or be printed.
#[derive(Clone, Default)]
pub(crate) struct Echoes {
    patterns: Vec<Pattern>,
    /// Whether a pattern may begin with this byte.
    begins: Vec<bool>,
}

impl Echoes {
    /// Looks for these.
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

    /// Whether one occurs.
    pub(super) fn occur_in(&self, bytes: &[u8]) -> bool {
        let mut copy = bytes.to_vec();
        self.scrub(&mut copy, true);
        copy != bytes
    }

    /// Writes asterisks over every one, byte for byte, so that lengths stay what they were. Answers how much of the beginning is done:
    /// behind it stands what may be the beginning of one that goes on in what follows, unless nothing follows.
    pub(super) fn scrub(&self, bytes: &mut [u8], ended: bool) -> usize {
        if self.is_empty() {
            return bytes.len();
        }
        let (mut at, mut room) = (0, Room::default());
        while at < bytes.len() {
            if !self.begins[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            let (mut longest, mut goes_on) = (None, false);
            for pattern in &self.patterns {
                let found = pattern.at(bytes, at, &mut room);
                longest = longest.max(found.end);
                goes_on |= found.goes_on;
            }
            if goes_on && !ended {
                return at;
            }
            match longest {
                Some(end) => {
                    bytes[at..end].fill(b'*');
                    at = end;
                }
                None => at += 1,
            }
        }
        bytes.len()
    }
}

/// The characters of a base64 that are the secret's alone when `before` bytes stand before it, modulo 3.
fn within_base64(secret: &str, before: usize) -> Vec<char> {
    let whole = [vec![0; before], secret.as_bytes().to_vec()].concat();
    let encoded = BASE64_STANDARD_NO_PAD.encode(&whole);
    encoded[(before * 8).div_ceil(6)..whole.len() * 8 / 6].chars().collect()
}

/// What may stand for a character.
fn variants(char: char, spelling: Spelling) -> [Option<char>; 2] {
    let other = match (spelling, char) {
        (Spelling::Hex, 'a'..='f') => Some(char.to_ascii_uppercase()),
        (Spelling::Base64, '+') => Some('-'),
        (Spelling::Base64, '/') => Some('_'),
        _ => None,
    };
    [Some(char), other]
}

/// What was found at a place.
struct Found {
    /// Where it ends.
    end: Option<usize>,
    /// Whether what follows may make one of it, or a longer one.
    goes_on: bool,
}

/// Places up to which a pattern has been found, kept for the next search.
#[derive(Default)]
struct Room {
    places: Vec<usize>,
    next: Vec<usize>,
}

impl Pattern {
    /// Looks for it from `at` on. There may be several ways to read an escape, so all places are followed at once.
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

    /// How many bytes may be left out before the next character.
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

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
use bytes::{Bytes, BytesMut};

/// A shorter secret would be found in ordinary words, and protects nothing anyway.
const SHORTEST: usize = 4;

/// How many backslashes may stand before an escaped character: each level of JSON within JSON doubles them.
const BACKSLASHES: usize = 16;

/// How often an escape may be escaped again: `%252525`, `&amp;amp;`.
const NESTED: usize = 4;

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

/// Reads one character in every spelling.
struct Reader<'a> {
    bytes: &'a [u8],
    ends: &'a mut Vec<usize>,
    /// Whether the bytes ended in the middle of something that fits so far.
    is_cut: bool,
}

impl Reader<'_> {
    fn byte(&mut self, at: usize) -> Option<u8> {
        let byte = self.bytes.get(at).copied();
        self.is_cut |= byte.is_none();
        byte
    }

    /// Whether these bytes stand there, as far as there are any.
    fn has(&mut self, at: usize, wanted: &[u8]) -> bool {
        wanted.iter().enumerate().all(|(offset, byte)| self.byte(at + offset) == Some(*byte))
    }

    /// The number that so many hexadecimal digits say.
    fn hex(&mut self, at: usize, digits: usize) -> Option<u32> {
        (at..at + digits).try_fold(0, |number, at| Some(number * 16 + char::from(self.byte(at)?).to_digit(16)?))
    }

    fn character(&mut self, char: char, at: usize) {
        self.encoded(char, at);
        match self.byte(at) {
            Some(b'\\') => self.escaped(char, at),
            Some(b'&') => self.entity(char, at),
            Some(b'+') if char == ' ' => self.ends.push(at + 1),
            _ => {}
        }
    }

    /// Its bytes in UTF-8, each by itself or after a percent sign.
    fn encoded(&mut self, char: char, at: usize) {
        let mut buffer = [0; 4];
        let mut place = at;
        for byte in char.encode_utf8(&mut buffer).bytes() {
            let end = match self.byte(place) {
                Some(found) if found == byte => Some(place + 1),
                Some(b'%') => self.percent(byte, place + 1),
                _ => None,
            };
            let Some(end) = end else { return };
            // A percent sign stands for itself, or begins its own escape.
            if byte == b'%'
                && let Some(end) = self.percent(byte, place + 1)
            {
                self.ends.push(end);
            }
            place = end;
        }
        self.ends.push(place);
    }

    fn percent(&mut self, byte: u8, at: usize) -> Option<usize> {
        let mut place = at;
        let mut end = None;
        for _ in 0..=NESTED {
            let Some(said) = self.hex(place, 2) else { return end };
            place += 2;
            if said == u32::from(byte) {
                end = Some(place);
            }
            if said != u32::from(b'%') {
                return end;
            }
        }
        end
    }

    /// Backslashes, and what they stand before.
    fn escaped(&mut self, char: char, at: usize) {
        let run = self.bytes[at..].iter().take(BACKSLASHES).take_while(|byte| **byte == b'\\').count();
        if char == '\\' {
            self.ends.extend((2..=run).map(|length| at + length));
        }
        let place = at + run;
        let Some(after) = self.byte(place) else { return };
        let short = match char {
            '\u{8}' => Some(b'b'),
            '\t' => Some(b't'),
            '\n' => Some(b'n'),
            '\u{c}' => Some(b'f'),
            '\r' => Some(b'r'),
            other if other.is_ascii_punctuation() => u8::try_from(other).ok(),
            _ => None,
        };
        if short == Some(after) {
            self.ends.push(place + 1);
        }
        if after == b'x' && self.hex(place + 1, 2) == Some(u32::from(char)) {
            self.ends.push(place + 3);
        }
        if after == b'u' {
            self.utf16(char, place + 1);
        }
    }

    /// One or two units of UTF-16 after `\u`.
    fn utf16(&mut self, char: char, at: usize) {
        let mut buffer = [0; 2];
        let mut place = at;
        for (number, unit) in char.encode_utf16(&mut buffer).iter().enumerate() {
            if number > 0 {
                let run = self.bytes[place.min(self.bytes.len())..]
                    .iter()
                    .take(BACKSLASHES)
                    .take_while(|b| **b == b'\\')
                    .count();
                if !self.has(place + run, b"u") || run == 0 {
                    return;
                }
                place += run + 1;
            }
            if self.hex(place, 4) != Some(u32::from(*unit)) {
                return;
            }
            place += 4;
        }
        self.ends.push(place);
    }

    /// `&#61;`, `&#x3d;`, `&amp;`, and these with their own ampersand escaped again.
    fn entity(&mut self, char: char, at: usize) {
        const NAMED: [(char, &[u8]); 5] =
            [('&', b"amp;"), ('<', b"lt;"), ('>', b"gt;"), ('"', b"quot;"), ('\'', b"apos;")];
        let mut place = at + 1;
        for _ in 0..=NESTED {
            let named = NAMED.iter().find(|(named, _)| *named == char);
            if let Some((_, name)) = named.filter(|(_, name)| self.has(place, name)) {
                self.ends.push(place + name.len());
            }
            for number in [
                format!("#{};", u32::from(char)),
                format!("#x{:x};", u32::from(char)),
                format!("#x{:X};", u32::from(char)),
            ] {
                let digits = number.trim_start_matches(['#', 'x']);
                let zeros = number.len() - digits.len();
                if self.has(place, &number.as_bytes()[..zeros]) {
                    let padded = self.bytes[(place + zeros).min(self.bytes.len())..]
                        .iter()
                        .take(NESTED)
                        .take_while(|b| **b == b'0')
                        .count();
                    if self.has(place + zeros + padded, digits.as_bytes()) {
                        self.ends.push(place + zeros + padded + digits.len());
                    }
                }
            }
            if !self.has(place, b"amp;") {
                return;
            }
            place += b"amp;".len();
        }
    }

    /// The place after a line break that JSON has escaped.
    fn after_escaped_break(&mut self, at: usize) -> Option<usize> {
        let mut place = at;
        for _ in 0..2 {
            let run =
                self.bytes[place.min(self.bytes.len())..].iter().take(BACKSLASHES).take_while(|b| **b == b'\\').count();
            if run == 0 || !matches!(self.byte(place + run), Some(b'r' | b'n')) {
                break;
            }
            place += run + 1;
        }
        (place > at).then_some(place)
    }
}

/// What comes in pieces, without secrets, also those that begin in one piece and end in another.
pub(super) struct Scrubber {
    /// The end of what came, held back because a secret may begin there.
    held: BytesMut,
}

impl Scrubber {
    pub(super) fn new() -> Self {
        Self { held: BytesMut::new() }
    }

    /// What of a piece, and of what was held back, can go on.
    pub(super) fn next(&mut self, echoes: &Echoes, piece: Bytes) -> Bytes {
        if echoes.is_empty() {
            return piece;
        }
        self.held.extend_from_slice(&piece);
        let ready = echoes.scrub(&mut self.held, false);
        self.held.split_to(ready).freeze()
    }

    /// What was held back, when nothing follows.
    pub(super) fn end(&mut self, echoes: &Echoes) -> Bytes {
        echoes.scrub(&mut self.held, true);
        self.held.split().freeze()
    }

    /// Whether nothing is held back.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests;

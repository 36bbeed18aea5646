//! The spellings of one character: plain, percent-encoded, after backslashes, as an entity.

/// Maximum backslashes before an escaped character: each level of JSON within JSON doubles them.
pub(super) const BACKSLASHES: usize = 16;

/// Maximum nesting of escapes: `%252525`, `&amp;amp;`.
const NESTED: usize = 4;

/// Reads one character in every spelling.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) ends: &'a mut Vec<usize>,
    /// Whether the input ended in the middle of something that matches so far.
    pub(super) is_cut: bool,
}

impl Reader<'_> {
    fn byte(&mut self, at: usize) -> Option<u8> {
        let byte = self.bytes.get(at).copied();
        self.is_cut |= byte.is_none();
        byte
    }

    /// Returns whether these bytes follow, as far as there is input.
    fn has(&mut self, at: usize, wanted: &[u8]) -> bool {
        wanted.iter().enumerate().all(|(offset, byte)| self.byte(at + offset) == Some(*byte))
    }

    /// Parses a number of exactly `digits` hexadecimal digits.
    fn hex(&mut self, at: usize, digits: usize) -> Option<u32> {
        (at..at + digits).try_fold(0, |number, at| Some(number * 16 + char::from(self.byte(at)?).to_digit(16)?))
    }

    pub(super) fn character(&mut self, char: char, at: usize) {
        self.encoded(char, at);
        match self.byte(at) {
            Some(b'\\') => self.escaped(char, at),
            Some(b'&') => self.entity(char, at),
            Some(b'+') if char == ' ' => self.ends.push(at + 1),
            _ => {}
        }
    }

    /// Matches the character's UTF-8 bytes, each plain or percent-encoded.
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
            // A percent sign may be literal, or begin its own escape.
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

    /// Matches backslashes and what they escape.
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

    /// Matches one or two UTF-16 units after `\u`.
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

    /// Matches `&#61;`, `&#x3d;`, `&amp;`, and the same with their own ampersand escaped again.
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

    /// Returns the position after a line break that is escaped as in JSON.
    pub(super) fn after_escaped_break(&mut self, at: usize) -> Option<usize> {
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

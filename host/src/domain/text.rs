//! What a text may hold that a person reads and decides on: nothing that can't be seen, and nothing that turns the order of what
//! is seen round.
//!
//! Letters of every script pass. What joins letters or emoji passes where it does that: U+200D between two emoji, U+200C after
//! a Persian letter, the variation selectors after what they vary, the tags of a flag.

use std::fmt;

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        BidiControl, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory,
        Ideographic, PrependedConcatenationMark, Script,
    },
};

/// Joins two letters or two emoji.
const ZWJ: char = '\u{200d}';
/// Keeps two letters apart that would join.
const ZWNJ: char = '\u{200c}';
/// Ends the tags of a flag.
const CANCEL_TAG: char = '\u{e007f}';
/// What a flag with tags begins with.
const BLACK_FLAG: char = '\u{1f3f4}';
/// What looks like a space and is none: the empty pattern of Braille, and a note without a head.
const BLANK: [char; 2] = ['\u{2800}', '\u{1d159}'];

/// How many lines a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// One: a name, a number, an id.
    One,
    /// Any number, with tabs: somebody's words.
    Many,
}

/// Why a text is none that a person could read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Nothing of it can be seen.
    Blank,
    /// A character that can't be seen, or that changes how others are seen.
    Character {
        /// Which one.
        letter: char,
        /// The how manieth character of the text it is, from 1 on.
        place: usize,
    },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("nothing of it can be seen"),
            Self::Character { letter, place } => write!(f, "its character {place} is {}", Named(*letter)),
        }
    }
}

/// A character by its code point and name: `U+202E RIGHT-TO-LEFT OVERRIDE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named(pub char);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.0))?;
        // Control characters have no names of their own, only aliases.
        let alias = match self.0 {
            '\0' => "NULL",
            '\t' => "CHARACTER TABULATION",
            '\n' => "LINE FEED",
            '\u{b}' => "LINE TABULATION",
            '\u{c}' => "FORM FEED",
            '\r' => "CARRIAGE RETURN",
            '\u{1b}' => "ESCAPE",
            '\u{7f}' => "DELETE",
            '\u{85}' => "NEXT LINE",
            letter if letter.is_control() => "CONTROL CHARACTER",
            letter => {
                return match unicode_names2::name(letter) {
                    Some(name) => write!(f, " {name}"),
                    None => f.write_str(" (without a name)"),
                };
            }
        };
        write!(f, " {alias}")
    }
}

/// Checks a text.
///
/// # Errors
/// The first character that a person could not see, or that would change how others are seen; a text of which nothing can be seen.
pub fn readable(text: &str, lines: Lines) -> Result<(), Unreadable> {
    let letters: Vec<char> = text.chars().collect();
    let mut seen = false;
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let before = &letters[..at];
        let after = &letters[at + 1..];
        let broken = lines == Lines::Many && matches!(letter, '\n' | '\r' | '\t');
        if broken || !is_unseen(letter) || is_joined(letter, before, after) {
            seen |= !broken && !is_blank(letter);
            at += 1;
        } else if let Some(tags) = tags_of_a_flag(before, &letters[at..]) {
            at += tags;
        } else {
            return Err(Unreadable::Character { letter, place: at + 1 });
        }
    }
    if seen { Ok(()) } else { Err(Unreadable::Blank) }
}

/// Whether a character is never seen by itself: controls, formats, fillers, separators of lines, and what is no character at all.
/// It may still pass where it belongs.
pub fn is_unseen(letter: char) -> bool {
    let format = match CodePointMapData::<GeneralCategory>::new().get(letter) {
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => true,
        // Signs around a number and the joiners of hieroglyphs are formats by name, and seen.
        GeneralCategory::Format => {
            !CodePointSetData::new::<PrependedConcatenationMark>().contains(letter)
                && script(letter) != Script::EgyptianHieroglyphs
        }
        _ => false,
    };
    let noncharacter = (0xfdd0..=0xfdef).contains(&u32::from(letter)) || u32::from(letter) & 0xfffe == 0xfffe;
    format
        || noncharacter
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(letter)
        || CodePointSetData::new::<BidiControl>().contains(letter)
}

/// Whether an unseen character passes where it joins what is before it.
pub fn may_join(letter: char) -> bool {
    matches!(
        letter,
        ZWJ | ZWNJ | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | CANCEL_TAG
    ) || is_tag_of_a_flag(letter)
}

fn is_tag_of_a_flag(letter: char) -> bool {
    matches!(letter, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}')
}

/// Whether a character leaves no ink.
pub fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || BLANK.contains(&letter) || is_unseen(letter)
}

/// Whether an unseen character does what it is for.
fn is_joined(letter: char, before: &[char], after: &[char]) -> bool {
    let Some(last) = before.last().copied() else { return false };
    match letter {
        ZWJ => joins_letters(last) || (ends_an_emoji(before) && after.first().copied().is_some_and(is_pictographic)),
        ZWNJ => joins_letters(last) && after.first().copied().is_some_and(joins_letters),
        // As text, or as an emoji; and the standardised forms of ideographs and of Mongolian letters.
        '\u{fe0e}' | '\u{fe0f}' if CodePointSetData::new::<Emoji>().contains(last) => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => CodePointSetData::new::<Ideographic>().contains(last),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => script(last) == Script::Mongolian && !is_unseen(last),
        _ => false,
    }
}

fn is_pictographic(letter: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(letter)
}

/// Whether an emoji ends here: a picture, with its variation or the colour of its skin.
fn ends_an_emoji(before: &[char]) -> bool {
    let modifies = |letter: char| letter == '\u{fe0f}' || CodePointSetData::new::<EmojiModifier>().contains(letter);
    match before {
        [.., picture, modifier] if modifies(*modifier) => is_pictographic(*picture),
        [.., picture] => is_pictographic(*picture),
        [] => false,
    }
}

/// Whether a character is a letter or mark of a script in which U+200C and U+200D mean something: the cursive ones, and those that
/// stack letters.
fn joins_letters(letter: char) -> bool {
    const SCRIPTS: [Script; 32] = [
        Script::Arabic,
        Script::Syriac,
        Script::Mandaic,
        Script::Nko,
        Script::Mongolian,
        Script::PhagsPa,
        Script::Adlam,
        Script::HanifiRohingya,
        Script::Sogdian,
        Script::Devanagari,
        Script::Bengali,
        Script::Gurmukhi,
        Script::Gujarati,
        Script::Oriya,
        Script::Tamil,
        Script::Telugu,
        Script::Kannada,
        Script::Malayalam,
        Script::Sinhala,
        Script::Thai,
        Script::Lao,
        Script::Tibetan,
        Script::Myanmar,
        Script::Khmer,
        Script::Balinese,
        Script::Javanese,
        Script::Sundanese,
        Script::Tirhuta,
        Script::Grantha,
        Script::Newa,
        Script::MeeteiMayek,
        Script::Chakma,
    ];
    if is_unseen(letter) {
        return false;
    }
    let kind = CodePointMapData::<GeneralCategory>::new().get(letter);
    let mark = matches!(kind, GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark);
    // Some marks are shared by scripts.
    SCRIPTS.contains(&script(letter)) && (mark || letter.is_alphabetic())
        || (mark && script(letter) == Script::Inherited)
}

fn script(letter: char) -> Script {
    CodePointMapData::<Script>::new().get(letter)
}

/// How many tags follow, if they are those of a flag: three to six letters and digits, and the end.
fn tags_of_a_flag(before: &[char], from: &[char]) -> Option<usize> {
    let tags = from.iter().take_while(|letter| is_tag_of_a_flag(**letter)).count();
    let whole = before.last() == Some(&BLACK_FLAG) && (3..=6).contains(&tags) && from.get(tags) == Some(&CANCEL_TAG);
    whole.then_some(tags + 1)
}

#[cfg(test)]
pub(crate) mod tests;

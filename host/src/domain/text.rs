//! Checks texts that a person reads and bases decisions on. They must not contain invisible
//! characters, or characters that change the order in which others are displayed.
//!
//! Letters of every script are allowed. Characters that join letters or emoji are allowed where
//! they have that effect: U+200D between two emoji, U+200C after a Persian letter, variation
//! selectors after the characters that they vary, and the tags of a flag.

use std::fmt;

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        BidiControl, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic, GeneralCategory,
        Ideographic, PrependedConcatenationMark, Script,
    },
};

/// Zero-width joiner. Joins two letters or two emoji.
const ZWJ: char = '\u{200d}';
/// Zero-width non-joiner. Separates two letters that would otherwise join.
const ZWNJ: char = '\u{200c}';
/// Ends the tag sequence of a flag.
const CANCEL_TAG: char = '\u{e007f}';
/// Begins a flag with a tag sequence.
const BLACK_FLAG: char = '\u{1f3f4}';
/// Characters that look like a space but are not one: the blank Braille pattern, and a musical note
/// without a head.
const BLANK: [char; 2] = ['\u{2800}', '\u{1d159}'];

/// The number of lines that a text may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// One line: a name, a number, an id.
    One,
    /// Any number of lines, with tabs: a comment or a description.
    Many,
}

/// Why a text is not readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// The whole text is invisible.
    Blank,
    /// A character that is invisible, or that changes how others are displayed.
    Character {
        /// The character.
        letter: char,
        /// Its position in the text in characters, from 1.
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

/// Displays a character as its code point and name: `U+202E RIGHT-TO-LEFT OVERRIDE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named(pub char);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}", u32::from(self.0))?;
        // Control characters have no Unicode names, only aliases.
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
/// When a character is invisible or changes how others are displayed (returns the first one), or
/// when the whole text is invisible.
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

/// Whether a character is invisible by itself: control and format characters, fillers, line
/// separators, and noncharacters. It may still be allowed where it joins others.
pub fn is_unseen(letter: char) -> bool {
    let format = match CodePointMapData::<GeneralCategory>::new().get(letter) {
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => true,
        // Signs around a number and the joiners of hieroglyphs are format characters by category,
        // but visible.
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

/// Whether an invisible character is allowed if it joins what comes before it.
pub fn may_join(letter: char) -> bool {
    matches!(
        letter,
        ZWJ | ZWNJ | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | CANCEL_TAG
    ) || is_tag_of_a_flag(letter)
}

fn is_tag_of_a_flag(letter: char) -> bool {
    matches!(letter, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}')
}

/// Whether a character is blank.
pub fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || BLANK.contains(&letter) || is_unseen(letter)
}

/// Whether an invisible character has its intended effect here.
fn is_joined(letter: char, before: &[char], after: &[char]) -> bool {
    let Some(last) = before.last().copied() else { return false };
    match letter {
        ZWJ => joins_letters(last) || (ends_an_emoji(before) && after.first().copied().is_some_and(is_pictographic)),
        ZWNJ => joins_letters(last) && after.first().copied().is_some_and(joins_letters),
        // Text or emoji presentation, and the standardised variants of ideographs and of Mongolian
        // letters.
        '\u{fe0e}' | '\u{fe0f}' if CodePointSetData::new::<Emoji>().contains(last) => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => CodePointSetData::new::<Ideographic>().contains(last),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => script(last) == Script::Mongolian && !is_unseen(last),
        _ => false,
    }
}

fn is_pictographic(letter: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(letter)
}

/// Whether an emoji ends here: a pictograph, with its variation selector or skin tone.
fn ends_an_emoji(before: &[char]) -> bool {
    let modifies = |letter: char| letter == '\u{fe0f}' || CodePointSetData::new::<EmojiModifier>().contains(letter);
    match before {
        [.., picture, modifier] if modifies(*modifier) => is_pictographic(*picture),
        [.., picture] => is_pictographic(*picture),
        [] => false,
    }
}

/// Whether a character is a letter or mark of a script in which U+200C and U+200D have an effect:
/// the cursive scripts, and those that stack letters.
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
    // Some marks are shared by several scripts.
    SCRIPTS.contains(&script(letter)) && (mark || letter.is_alphabetic())
        || (mark && script(letter) == Script::Inherited)
}

fn script(letter: char) -> Script {
    CodePointMapData::<Script>::new().get(letter)
}

/// Returns the length of the tag sequence that follows, if it is that of a flag: three to six
/// letters and digits, and the end tag.
fn tags_of_a_flag(before: &[char], from: &[char]) -> Option<usize> {
    let tags = from.iter().take_while(|letter| is_tag_of_a_flag(**letter)).count();
    let whole = before.last() == Some(&BLACK_FLAG) && (3..=6).contains(&tags) && from.get(tags) == Some(&CANCEL_TAG);
    whole.then_some(tags + 1)
}

#[cfg(test)]
pub(crate) mod tests;

use proptest::prelude::*;

use super::*;

/// Every code point, except for the planes in which nothing is assigned and nothing is ignorable.
/// The ends of those planes stand for them.
pub(crate) fn every_character() -> impl Iterator<Item = char> {
    let is_empty_plane = |code: u32| matches!(code >> 16, 4..=13 | 15..=16);
    ('\0'..=char::MAX).filter(move |letter| {
        let code = u32::from(*letter);
        !is_empty_plane(code) || code & 0xffff == 0 || code & 0xffff >= 0xfffd
    })
}

fn one(text: &str) -> Result<(), String> {
    readable(text, Lines::One).map_err(|wrong| wrong.to_string())
}

#[test]
fn names_of_every_script_pass() {
    for name in [
        "Spring Campaign Banner",
        "Ünïcödé №5 — “quoted” (50 %)",
        "Göteborg · İstanbul",
        "می‌خواهم",
        "ه‍",
        "क्‍ष और क्‌ष",
        "ന്‍",
        "శ్రీ",
        "ශ්‍රී ලංකා",
        "ខ្មែរ",
        "မြန်မာ",
        "བོད་ཡིག",
        "עִבְרִית",
        "العربية",
        "葛󠄀城市",
        "東京　春",
        "한국어",
        "ᠮᠣᠩᠭᠣᠯ",
        "ᠠ᠋",
        "ไทย",
        "ⵜⴰⵎⴰⵣⵉⵖⵜ",
        "𓀀𓐰𓀁",
        "Prix : 5 €",
        "e\u{301}",
        "⠓⠊",
        "\u{378} is not assigned yet",
    ] {
        assert_eq!(one(name), Ok(()), "{name:?}");
    }
}

#[test]
fn emoji_pass_with_what_joins_them() {
    for name in ["🎉", "❤️", "☎︎", "1️⃣", "👍🏽", "👨‍👩‍👧‍👦", "👩🏽‍🚀", "🏳️‍🌈", "🏴‍☠️", "❤️‍🔥", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 v 🏴󠁧󠁢󠁳󠁣󠁴󠁿"]
    {
        assert_eq!(one(name), Ok(()), "{name:?}");
    }
}

#[test]
fn what_cannot_be_seen_is_named_with_its_place() {
    for (text, place, named) in [
        ("PO\u{202e}7", 3, "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u{200b}", 1, "U+200B ZERO WIDTH SPACE"),
        ("é\u{200f}", 2, "U+200F RIGHT-TO-LEFT MARK"),
        ("a\u{61c}", 2, "U+061C ARABIC LETTER MARK"),
        ("a\u{2066}b\u{2069}", 2, "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("a\u{2060}", 2, "U+2060 WORD JOINER"),
        ("a\u{feff}", 2, "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("a\u{ad}b", 2, "U+00AD SOFT HYPHEN"),
        ("a\u{34f}", 2, "U+034F COMBINING GRAPHEME JOINER"),
        ("\u{3164}", 1, "U+3164 HANGUL FILLER"),
        ("a\u{2028}b", 2, "U+2028 LINE SEPARATOR"),
        ("a\nb", 2, "U+000A LINE FEED"),
        ("a\u{1}b", 2, "U+0001 CONTROL CHARACTER"),
        ("a\u{e0041}", 2, "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("a\u{e0001}", 2, "U+E0001 LANGUAGE TAG"),
        ("a\u{fffe}", 2, "U+FFFE (without a name)"),
        // Joiners where there is nothing to join.
        ("PO\u{200d}7", 3, "U+200D ZERO WIDTH JOINER"),
        ("PO\u{200c}7", 3, "U+200C ZERO WIDTH NON-JOINER"),
        ("می\u{200c}", 3, "U+200C ZERO WIDTH NON-JOINER"),
        ("👍\u{200d}", 2, "U+200D ZERO WIDTH JOINER"),
        ("a\u{fe0f}", 2, "U+FE0F VARIATION SELECTOR-16"),
        ("a\u{e0101}", 2, "U+E0101 VARIATION SELECTOR-18"),
        ("🎉\u{e0067}\u{e007f}", 2, "U+E0067 TAG LATIN SMALL LETTER G"),
        ("🏴\u{e0067}\u{e0062}", 2, "U+E0067 TAG LATIN SMALL LETTER G"),
    ] {
        assert_eq!(one(text), Err(format!("its character {place} is {named}")), "{text:?}");
    }
}

#[test]
fn a_text_of_which_nothing_is_seen_is_none() {
    for text in ["", " ", "\u{a0}\u{3000}", "\u{2800}", "\u{2800} \u{1d159}", "\u{1680}"] {
        assert_eq!(readable(text, Lines::One), Err(Unreadable::Blank), "{text:?}");
        assert_eq!(readable(text, Lines::Many), Err(Unreadable::Blank), "{text:?}");
    }
    assert_eq!(readable("\n\t\r\n", Lines::Many), Err(Unreadable::Blank));
}

#[test]
fn words_have_lines_and_tabs_and_nothing_else_that_is_unseen() {
    assert_eq!(readable("one\r\n\ttwo", Lines::Many), Ok(()));
    for letter in ['\u{202e}', '\u{200b}', '\u{2029}', '\u{b}', '\0'] {
        assert!(readable(&format!("one\n{letter}two"), Lines::Many).is_err(), "{letter:?}");
    }
}

/// Every code point, between two letters that nothing joins.
#[test]
fn of_all_characters_those_pass_that_are_seen() {
    let category = CodePointMapData::<GeneralCategory>::new();
    let refused = |letter: char| {
        let code = u32::from(letter);
        match code {
            // Characters that change the order: marks, embeddings, overrides, isolates.
            0x61c | 0x200e..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => true,
            // Characters without width.
            0xad | 0x34f | 0x180b..=0x180f | 0x200b..=0x200d | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff => true,
            // Fillers, which are blank.
            0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x3164 | 0xffa0 => true,
            // Annotations, shorthand and musical controls, and the whole plane of tags and
            // selectors.
            0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff => true,
            0xfdd0..=0xfdef => true,
            _ if code & 0xfffe == 0xfffe => true,
            _ => matches!(
                category.get(letter),
                GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
            ),
        }
    };
    for letter in every_character() {
        let answer = readable(&format!("a{letter}b"), Lines::One);
        let wanted = if refused(letter) { Err(Unreadable::Character { letter, place: 2 }) } else { Ok(()) };
        assert_eq!(answer, wanted, "{}", Named(letter));
    }
}

proptest! {
    #[test]
    fn what_passes_holds_nothing_unseen_but_what_joins(text in "[\\PC\\p{Cf}\\p{Cc}]{0,12}") {
        if readable(&text, Lines::One).is_ok() {
            let (clean, seen) = (|letter| !is_unseen(letter) || may_join(letter), |letter| !is_blank(letter));
            prop_assert!(text.chars().all(clean));
            prop_assert!(text.chars().any(seen));
        }
    }

    #[test]
    fn two_readable_texts_are_one(left in "\\PC{1,8}", right in "\\PC{1,8}") {
        let passes = |text: &str| readable(text, Lines::One).is_ok();
        if passes(&left) && passes(&right) {
            let both = format!("{left} {right}");
            prop_assert!(passes(&both));
        }
    }
}

//! Zerkel, the language of `CustomTargeting`.
//!
//! Kevel's open-source parser (<https://github.com/adzerk/zerkel>, `src/zerkel-parser.jison`) shows
//! what Kevel makes of an expression. Three things follow from it that the reference page doesn't
//! say:
//!
//! - A string is `"` up to the next `"`. **There is no escape**, so a value with a quote can't be
//!   written. An expression is compiled to JavaScript, so neither can a value with a backslash or a
//!   line break. Such values are refused.
//! - `and` and `or` follow JavaScript's precedence, not Zerkel's, and `not a = b` means `(not a) =
//!   b`. So every part is put in parentheses.
//! - `//` and `/* */` are comments. A buyer's own expression must not contain one, because it could
//!   swallow what follows.
//!
//! Keys and strings are case-sensitive, and an expression has at most 1000 characters
//! (dev.kevel.com, "Zerkel Queries").

use std::fmt;

use keys::known;

mod keys;

/// The maximum length of an expression, in characters.
pub const MAX_LENGTH: usize = 1000;
/// Deeper than any real expression. Bounds the recursion.
const MAX_DEPTH: u8 = 32;

/// A Zerkel expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A key equals a value.
    Is(&'static str, Text),
    /// A key contains a value.
    Contains(&'static str, Text),
    /// A key starts with a value.
    Begins(&'static str, Text),
    /// All must hold; never empty.
    All(Vec<Expression>),
    /// At least one must hold; never empty.
    Any(Vec<Expression>),
    /// The expression must not hold.
    Not(Box<Expression>),
    /// A validated expression of the buyer.
    Own(String),
}

/// A text that can be written as a Zerkel string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Makes a text, or returns `None` if it can't be written as a string (see the module's
    /// documentation).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain =
            |char: char| char != '"' && char != '\\' && !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}');
        (!text.is_empty() && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                let word = if index > 0 { word } else { "" };
                match part {
                    Self::All(_) | Self::Any(_) if parts.len() > 1 => write!(f, "{word}({part})")?,
                    _ => write!(f, "{word}{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Is(key, Text(text)) => write!(f, "{key} = \"{text}\""),
            Self::Contains(key, Text(text)) => write!(f, "{key} contains \"{text}\""),
            Self::Begins(key, Text(text)) => write!(f, "{key} like \"{text}*\""),
            Self::All(parts) => joined(f, parts, " and "),
            Self::Any(parts) => joined(f, parts, " or "),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Own(text) => write!(f, "({text})"),
        }
    }
}

impl Expression {
    /// Matches a request with a keyword (dev.kevel.com, "Zerkel Queries": `$keywords contains
    /// "…"`).
    #[must_use]
    pub const fn keyword(keyword: Text) -> Self {
        Self::Contains("$keywords", keyword)
    }

    /// Validates a buyer's own expression: it must be an expression, and must not affect anything
    /// outside of itself.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn own(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens };
        parser.either(0)?;
        match parser.take() {
            None => Ok(Self::Own(text.trim().to_owned())),
            Some(token) => Err(format!("expected and, or or the end, found {token}")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Text(String),
    Number(String),
    Word(String),
    Symbol(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Number(text) | Self::Word(text) => f.write_str(text),
            Self::Symbol(text) => f.write_str(text),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SYMBOLS: [&str; 8] = ["<>", "<=", ">=", "<", ">", "=", "(", ")"];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(char) = rest.chars().next() {
        let length = if char == '"' {
            let end = rest[1..].find('"').ok_or("a text is not closed")?;
            let inner = &rest[1..=end];
            if !inner.is_empty() && Text::new(inner).is_none() {
                return Err(format!("{inner:?} can't be written in Zerkel"));
            }
            tokens.push(Token::Text(inner.to_owned()));
            end + 2
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            tokens.push(Token::Symbol(symbol));
            symbol.len()
        } else if char.is_ascii_digit() || char == '-' {
            let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            if char == '-' && digits == 0 {
                return Err("- is not followed by a number".to_owned());
            }
            tokens.push(Token::Number(rest[..=digits].to_owned()));
            digits + 1
        } else if char.is_ascii_alphabetic() || char == '_' || char == '$' {
            let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"_.$".contains(b)).count();
            tokens.push(Token::Word(rest[..length].to_owned()));
            length
        } else {
            return Err(format!("{char:?} has no meaning here"));
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
}

impl<'a> Parser<'a> {
    fn take(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Consumes one of some words, which Zerkel accepts in lower and upper case.
    fn word(&mut self, words: &[&str]) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(word)) if is_word(word, words));
        if found {
            self.take();
        }
        found
    }

    fn expected(&self, what: &str) -> String {
        let found = self.tokens.first().map_or_else(|| "the end".to_owned(), ToString::to_string);
        format!("expected {what}, found {found}")
    }

    fn either(&mut self, depth: u8) -> Result<(), String> {
        self.unit(depth)?;
        while self.word(&["and", "or"]) {
            self.unit(depth)?;
        }
        Ok(())
    }

    fn unit(&mut self, depth: u8) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("it is nested too deep".to_owned());
        }
        if self.word(&["not"]) {
            // Kevel reads `not a = b` as `(not a) = b`, which is not what a buyer means.
            if self.tokens.first() != Some(&Token::Symbol("(")) {
                return Err("what not negates stands in parentheses: not (a = 1)".to_owned());
            }
            return self.unit(depth + 1);
        }
        if self.tokens.first() == Some(&Token::Symbol("(")) {
            self.take();
            self.either(depth + 1)?;
            return match self.take() {
                Some(Token::Symbol(")")) => Ok(()),
                _ => Err("a parenthesis is not closed".to_owned()),
            };
        }
        self.key()?;
        if self.word(&["contains", "like"]) {
            return match self.take() {
                Some(Token::Text(_)) => Ok(()),
                _ => Err("contains and like need a text in double quotes".to_owned()),
            };
        }
        match self.take() {
            Some(Token::Symbol("=" | "<>" | "<" | ">" | "<=" | ">=")) => {}
            _ => return Err("a key needs a comparison".to_owned()),
        }
        match self.tokens.first() {
            Some(Token::Text(_) | Token::Number(_)) => self.take().map(|_| ()).ok_or_else(String::new),
            _ => self.key(),
        }
    }

    fn key(&mut self) -> Result<(), String> {
        match self.tokens.first() {
            Some(Token::Word(word)) if !is_operator(word) => {
                self.take();
                known(word)
            }
            _ => Err(self.expected("a key")),
        }
    }
}

/// Whether a word can't be a key, in whatever case.
fn is_operator(word: &str) -> bool {
    ["and", "or", "not", "contains", "like"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn is_word(found: &str, words: &[&str]) -> bool {
    words.iter().any(|word| found == *word || found == word.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is(text: &str) -> Expression {
        Expression::Is("$device.os", Text::new(text).unwrap())
    }

    #[test]
    fn every_part_stands_in_parentheses() {
        let either = Expression::Any(vec![is("a"), is("b")]);
        let all = Expression::All(vec![either.clone(), Expression::Not(Box::new(either.clone())), is("c")]);
        assert_eq!(
            all.to_string(),
            r#"($device.os = "a" or $device.os = "b") and not ($device.os = "a" or $device.os = "b") and $device.os = "c""#
        );
        assert_eq!(Expression::All(vec![either]).to_string(), r#"$device.os = "a" or $device.os = "b""#);
        assert_eq!(Expression::Not(Box::new(is("a"))).to_string(), r#"not ($device.os = "a")"#);
    }

    #[test]
    fn what_would_end_a_string_early_is_no_text() {
        for text in ["", "\"", "a\"b", "a\\", "a\nb", "a\r", "\u{0}", "\u{2028}"] {
            assert_eq!(Text::new(text), None, "{text:?}");
        }
        for text in ["Köln", "St. John's", "a//b", "/*", "100%", "東京", "a and b", ")"] {
            assert!(Text::new(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_buyers_own_expression_is_taken_if_it_is_whole() {
        for text in [
            r#"age >= 21"#,
            r#"$keywords contains "sport" or (not (a <> 1))"#,
            r#"( a = "x" AND b like "y*" ) or c < -5"#,
            r#"a = b"#,
            r#"not (a = "x") and NOT (b = 1)"#,
            r#"a = """#,
            r#"url = "http://x/*y*/""#,
            r#"$device.osVersion.major >= 12 and $user.interests contains "x" and $location.city = "Bonn""#,
        ] {
            assert!(Expression::own(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "a",
            "a = 1 //",
            "a = 1 /* x */",
            "a = 1) or (b = 2",
            "(a = 1",
            r#"a = "x"#,
            r#"a = "x\" or b = "y""#,
            "a = 'x'",
            "a = 1 b = 2",
            "and",
            "a = 1 and",
            "not",
            r#"not a = "x""#,
            "a = 1 and NOT b = 2",
            "not not (a = 1)",
            "a contains b",
            "a = and",
            "a + 1 = 2",
            "a = 1; b = 2",
            "a() = 1",
            "$device = 1",
            r#"$device.os = $device"#,
            r#"$device.colour = "red""#,
            r#"$keyword contains "sport""#,
            r#"a$b = 1"#,
            "a contains 4",
            "a like 4",
            "And = 1",
            "a = Like",
        ] {
            assert!(Expression::own(text).is_err(), "{text}");
        }
        assert!(Expression::own(&format!("{}a = 1{}", "(".repeat(500), ")".repeat(500))).is_err());
    }

    proptest! {
        /// Whatever a buyer writes as a value, the resulting expression is exactly one comparison.
        #[test]
        fn no_value_reaches_beyond_its_string(value in "\\PC{0,40}|[\"\\\\() =a-z/*\n]{0,20}") {
            if let Some(text) = Text::new(&value) {
                let written = Expression::Is("a", text).to_string();
                prop_assert_eq!(
                    tokens(&written),
                    Ok(vec![Token::Word("a".into()), Token::Symbol("="), Token::Text(value)])
                );
            }
        }

        #[test]
        fn no_own_expression_makes_the_parser_panic(text in "[\"\\\\()$<>=a-z0-9 é-]{0,40}") {
            let _ = Expression::own(&text);
        }
    }
}

//! The syntax of Zerkel, the language of `CustomTargeting`.
//!
//! Expressions are only checked, never evaluated: the emulator serves no ads. It refuses the
//! mistakes that an adapter may make when it builds an expression from a buyer's words: quotes that
//! end too early, parentheses that don't close, keys that don't exist.
//!
//! ```text
//! either     = both { "or" both }
//! both       = unit { "and" unit }
//! unit       = "not" "(" either ")" | "(" either ")" | key comparison value
//! comparison = "=" | "<>" | "<" | ">" | "<=" | ">=" | "like" | "contains"
//! value      = "text" | number | key
//! ```
//!
//! Words are case-insensitive. A key with `$` is one of Kevel's own and must be known; a key without
//! `$` is one that the publisher sends.
//!
//! Three rules are the guide's (dev.kevel.com, "Zerkel Queries"): what `not` negates must be in
//! parentheses, a string has no escapes, and an expression has at most 1,000 characters. Kevel
//! parses `not a = "b"` as `(not a) = "b"`, which is never meant, so the emulator refuses it.

/// Kevel's own keys by their first part, with the possible second parts; empty: any.
const RESERVED: &[(&str, &[&str])] = &[
    (
        "$device",
        &[
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
        ],
    ),
    (
        "$location",
        &[
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
        ],
    ),
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

/// How deep parentheses and `not` may be nested: deeper than any real expression. Bounds the
/// recursion.
const MAX_DEPTH: u32 = 100;
/// The longest expression, in characters (guide, Zerkel queries).
const LONGEST: usize = 1000;

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZerkelError {
    /// A text is not closed.
    #[error("the text that begins at character {0} is not closed")]
    OpenText(usize),
    /// A backslash in a text.
    #[error("a text can't contain a backslash: there are no escapes")]
    Escape,
    /// An expression that is too long.
    #[error("it is longer than {LONGEST} characters")]
    TooLong,
    /// An unexpected character.
    #[error("unexpected character {0:?}")]
    Character(char),
    /// An unexpected token.
    #[error("expected {expected} but found {found}")]
    Expected {
        /// The expected token.
        expected: &'static str,
        /// The actual token.
        found: String,
    },
    /// An unknown `$` key.
    #[error("{0} is not a reserved key")]
    UnknownKey(String),
    /// Nested too deeply.
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text,
    Number(String),
    Word(String),
    Symbol(&'static str),
    End,
}

/// Checks an expression.
///
/// # Errors
/// [`ZerkelError`] with the first mistake.
pub fn check(text: &str) -> Result<(), ZerkelError> {
    if text.chars().count() > LONGEST {
        return Err(ZerkelError::TooLong);
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    parser.either(0)?;
    match parser.peek() {
        Token::End => Ok(()),
        other => Err(expected("and, or or the end", other)),
    }
}

fn expected(expected: &'static str, found: &Token) -> ZerkelError {
    let found = match found {
        Token::Text => "a text".to_owned(),
        Token::Number(text) | Token::Word(text) => format!("{text:?}"),
        Token::Symbol(text) => format!("{text:?}"),
        Token::End => "the end".to_owned(),
    };
    ZerkelError::Expected { expected, found }
}

fn tokens(text: &str) -> Result<Vec<Token>, ZerkelError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&char) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        let (token, length) = match (char, next) {
            (char, _) if char.is_whitespace() => {
                at += 1;
                continue;
            }
            ('"', _) => (Token::Text, text_length(&chars[at..], at)?),
            ('<', Some('>')) => (Token::Symbol("<>"), 2),
            ('<', Some('=')) => (Token::Symbol("<="), 2),
            ('>', Some('=')) => (Token::Symbol(">="), 2),
            ('<', _) => (Token::Symbol("<"), 1),
            ('>', _) => (Token::Symbol(">"), 1),
            ('=', _) => (Token::Symbol("="), 1),
            ('(', _) => (Token::Symbol("("), 1),
            (')', _) => (Token::Symbol(")"), 1),
            ('$' | '_' | 'a'..='z' | 'A'..='Z', _) => {
                let word =
                    run(&chars[at..], |char| char == '$' || char == '_' || char == '.' || char.is_ascii_alphanumeric());
                (Token::Word(word.clone()), word.len())
            }
            ('0'..='9', _) | ('-', Some('0'..='9')) => {
                let number = run(&chars[at..], |char| matches!(char, '-' | '.' | '0'..='9'));
                if number.parse::<f64>().is_err() {
                    return Err(ZerkelError::Character(char));
                }
                (Token::Number(number.clone()), number.len())
            }
            _ => return Err(ZerkelError::Character(char)),
        };
        tokens.push(token);
        at += length;
    }
    tokens.push(Token::End);
    Ok(tokens)
}

fn run(chars: &[char], belongs: impl Fn(char) -> bool) -> String {
    chars.iter().copied().take_while(|char| belongs(*char)).collect()
}

/// Returns how many characters a quoted text has, including both quotes.
fn text_length(chars: &[char], begins: usize) -> Result<usize, ZerkelError> {
    let mut at = 1;
    loop {
        match chars.get(at) {
            None | Some('\n' | '\r') => return Err(ZerkelError::OpenText(begins + 1)),
            Some('"') => return Ok(at + 1),
            Some('\\') => return Err(ZerkelError::Escape),
            Some(_) => at += 1,
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: u32) -> Result<(), ZerkelError> {
        self.both(depth)?;
        while self.word("or") {
            self.both(depth)?;
        }
        Ok(())
    }

    fn both(&mut self, depth: u32) -> Result<(), ZerkelError> {
        self.unit(depth)?;
        while self.word("and") {
            self.unit(depth)?;
        }
        Ok(())
    }

    fn unit(&mut self, depth: u32) -> Result<(), ZerkelError> {
        if depth > MAX_DEPTH {
            return Err(ZerkelError::TooDeep);
        }
        if self.word("not") {
            return match self.peek() {
                Token::Symbol("(") => self.unit(depth + 1),
                other => Err(expected("an opening parenthesis after not", other)),
            };
        }
        match self.take() {
            Token::Symbol("(") => {
                self.either(depth + 1)?;
                match self.take() {
                    Token::Symbol(")") => Ok(()),
                    other => Err(expected("a closing parenthesis", &other)),
                }
            }
            Token::Word(key) if !is_operator(&key) => {
                known(&key)?;
                self.comparison()
            }
            other => Err(expected("a key, not or an opening parenthesis", &other)),
        }
    }

    fn comparison(&mut self) -> Result<(), ZerkelError> {
        let textual = match self.take() {
            Token::Symbol("=" | "<>" | "<" | ">" | "<=" | ">=") => false,
            Token::Word(word) if word.eq_ignore_ascii_case("like") || word.eq_ignore_ascii_case("contains") => true,
            other => return Err(expected("a comparison", &other)),
        };
        match self.take() {
            Token::Text => Ok(()),
            Token::Number(_) if !textual => Ok(()),
            Token::Word(key) if !textual && !is_operator(&key) => known(&key),
            other if textual => Err(expected("a text in double quotes", &other)),
            other => Err(expected("a value", &other)),
        }
    }
}

fn is_operator(word: &str) -> bool {
    ["and", "or", "not", "like", "contains"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn known(key: &str) -> Result<(), ZerkelError> {
    let unknown = || ZerkelError::UnknownKey(key.to_owned());
    if !key.starts_with('$') {
        return if key.contains('$') { Err(unknown()) } else { Ok(()) };
    }
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let (_, members) = RESERVED.iter().find(|(name, _)| *name == first).ok_or_else(unknown)?;
    if members.is_empty() || members.contains(&rest) { Ok(()) } else { Err(unknown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_adapter_writes_is_accepted() {
        for text in [
            r#"$device.formFactor = "mobile""#,
            r#"($device.os like "iOS*" or $device.os = "Android") and not ($location.city = "Köln")"#,
            r#"$location.postalCode = "10115" AND age >= 21"#,
            r#"$keywords contains "sport" or (not (a <> 1))"#,
            "$device.osVersion.major > 12",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_goes_wrong_is_refused() {
        for text in [
            r#"$device.formFactor = "mobile"#,
            r#"$device.formFactor "mobile""#,
            r#"$device.formfactor = "mobile""#,
            r#"$nothing.at = "all""#,
            r#"$device.os = "a" $device.os = "b""#,
            r#"($device.os = "a""#,
            r#"$device.os = "a")"#,
            r#"$device.os = 'a'"#,
            r#"$device.os = "a" and"#,
            r#"$device.os = "\q""#,
            r#"a = "a\"b""#,
            r#"not a = "b""#,
            r#"a = 1 and not b = 2"#,
            "not not (a = 1)",
            r#"$device.os like 3"#,
            "and",
            r#""a" = "b""#,
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(check(&"(".repeat(500)), Err(ZerkelError::TooDeep));
        assert_eq!(check(&format!("a = {}", "1".repeat(997))), Err(ZerkelError::TooLong));
    }
}

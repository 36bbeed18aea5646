//! Removes confidential details from the messages of ad servers: the address of the ad server, and
//! other content of its responses.
//!
//! A message of an ad server is often what a buyer needs ("the end date is in the past"). The
//! addresses and host names, API paths, ids of the publisher's network and whole response bodies in
//! it are not.

/// The replacement for what was removed.
const WITHHELD: &str = "[withheld]";

/// The beginnings of a response body in a text: JSON, HTML, XML.
const BODIES: [&str; 6] = ["{\"", "{ \"", "{'", "[{", "[\"", "[ {"];

/// Top-level labels that make two labels a host name. Labels of two letters always do.
const DOMAINS: [&str; 19] = [
    "ai",
    "app",
    "biz",
    "cloud",
    "com",
    "corp",
    "dev",
    "example",
    "home",
    "info",
    "internal",
    "invalid",
    "lan",
    "local",
    "localhost",
    "net",
    "org",
    "svc",
    "test",
];

/// Whether a character separates words. Separators are kept.
const fn separates(char: char) -> bool {
    char.is_whitespace()
        || matches!(char, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | ',' | ';')
}

/// Removes addresses, host names, paths and response bodies from a text. A text without any of them
/// is returned unchanged.
pub fn without_addresses(text: &str) -> String {
    let (words, body) = text.split_at(body_at(text).unwrap_or(text.len()));
    let mut plain = String::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let end = rest.find(separates).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        push_word(&mut plain, word);
        let next = after.find(|char| !separates(char)).unwrap_or(after.len());
        plain.push_str(&after[..next]);
        rest = &after[next..];
    }
    if !body.is_empty() {
        plain.push_str(WITHHELD);
    }
    plain
}

/// Whether a redacted text still contains information.
pub fn says_something(plain: &str) -> bool {
    plain.replace(WITHHELD, "").chars().filter(|char| char.is_alphabetic()).count() > 2
}

fn push_word(plain: &mut String, word: &str) {
    let core = word.trim_end_matches(['.', ':', '!', '?']);
    // `url=http://…`, `host=10.0.0.7`.
    if core.contains("://") || core.split('=').any(is_withheld) {
        plain.push_str(WITHHELD);
        plain.push_str(&word[core.len()..]);
    } else {
        plain.push_str(word);
    }
}

fn body_at(text: &str) -> Option<usize> {
    let tag = text.match_indices('<').find(|(at, _)| {
        text[at + 1..].chars().next().is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '!' | '/' | '?'))
    });
    let json = BODIES.iter().filter_map(|begins| text.find(begins)).min();
    tag.map(|(at, _)| at).into_iter().chain(json).min()
}

fn is_withheld(word: &str) -> bool {
    if word.contains("::") {
        return true;
    }
    let word = word.trim_start_matches(['.', ':', '!', '?', '#']);
    word.contains("://")
        || word.contains('\\')
        || word.starts_with("//")
        || (word.contains('@') && word.contains('.'))
        || is_path(word)
        || word.split('/').next().is_some_and(is_machine)
}

fn is_path(word: &str) -> bool {
    let parts: Vec<&str> = word.split('/').collect();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let version = |part: &str| part.strip_prefix('v').is_some_and(digits);
    match parts.as_slice() {
        [_] => false,
        ["", rest] => rest.chars().any(char::is_alphanumeric),
        // `lineItems/7`, `v1/flight`; but not `24/7`, `and/or`, `image/png`.
        [one, two] => (letters(one) && digits(two)) || version(one) || two.contains('?'),
        // But not `2026/12/01`.
        more => !more.iter().all(|part| digits(part)),
    }
}

fn is_machine(word: &str) -> bool {
    let (name, port) = word.rsplit_once(':').map_or((word, None), |(name, port)| (name, Some(port)));
    let has_port =
        port.is_some_and(|port| (2..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = if has_port { name } else { word };
    let labels: Vec<&str> = name.split('.').collect();
    let label =
        |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !labels.iter().all(label) {
        return false;
    }
    let last = labels.last().copied().unwrap_or_default().to_ascii_lowercase();
    let is_number = |label: &&str| label.bytes().all(|byte| byte.is_ascii_digit());
    match labels.len() {
        1 => last == "localhost" || (has_port && name.bytes().any(|byte| byte.is_ascii_alphabetic())),
        4 if labels.iter().all(is_number) => true,
        _ if labels.iter().all(is_number) => has_port,
        // `campaign.id` is a field of a request.
        2 => {
            let country = last.len() == 2 && last != "id" && last.bytes().all(|byte| byte.is_ascii_alphabetic());
            has_port || country || DOMAINS.contains(&last.as_str())
        }
        _ => last.bytes().any(|byte| byte.is_ascii_alphabetic()),
    }
}

#[cfg(test)]
mod tests;

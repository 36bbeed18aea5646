//! Percent-encoding.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All characters except the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a value as one segment of a path.
#[must_use]
pub fn segment(value: &impl Display) -> String {
    encode(&value.to_string())
}

/// Encodes a name and a value of a query or a form.
#[must_use]
pub fn pair(name: &str, value: &str) -> String {
    format!("{}={}", encode(name), encode(value))
}

/// Returns a URL without its query, for messages: a query may contain a buyer's input.
#[must_use]
pub fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(before, _)| before)
}

fn encode(text: &str) -> String {
    // URL normalisation would resolve a dot segment away.
    match text {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, RESERVED).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path;

    #[test]
    fn what_a_buyer_writes_stays_one_segment() {
        assert_eq!(path!("/v1/flight/{}/x/{}", 5, "a/b ?#%é"), "/v1/flight/5/x/a%2Fb%20%3F%23%25%C3%A9");
        assert_eq!(path!("/v1/{}/x", ".."), "/v1/%2E%2E/x");
        assert_eq!(pair("a b", "1&2=3"), "a%20b=1%262%3D3");
        assert_eq!(without_query("http://x/y?z=secret"), "http://x/y");
    }
}

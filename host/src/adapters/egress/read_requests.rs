//! The requests that an adapter declares to be reads although their method is neither GET nor HEAD.

use http::Method;
use reqwest::Url;

/// A list of patterns as `POST /v1/report/queue` or `POST /v1/flight/*/forecast`, counted from the endpoint's path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReadRequests(Vec<(Method, Vec<String>)>);

impl ReadRequests {
    /// Reads the patterns.
    ///
    /// # Errors
    /// The pattern that can't be read.
    pub(crate) fn parse(patterns: &[String]) -> Result<Self, String> {
        let parse = |pattern: &String| {
            let (method, path) = pattern.split_once(' ').ok_or_else(|| pattern.clone())?;
            let method = Method::from_bytes(method.as_bytes()).map_err(|_| pattern.clone())?;
            let path = path.strip_prefix('/').ok_or_else(|| pattern.clone())?;
            // A pattern for deletions is a mistake whatever it is meant to say.
            if method == Method::DELETE || path.contains(['?', '#', ' ']) {
                return Err(pattern.clone());
            }
            Ok((method, path.split('/').map(str::to_owned).collect()))
        };
        patterns.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a request to the platform matches one of them.
    pub(crate) fn contains(&self, method: &Method, url: &Url, endpoint: &Url) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let base = endpoint.path().trim_end_matches('/');
        let inside = if url.origin() == endpoint.origin() { url.path().strip_prefix(base) } else { None };
        let path = inside.filter(|rest| rest.starts_with('/')).unwrap_or(url.path()).trim_start_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        self.0.iter().any(|(wanted, pattern)| {
            wanted == method
                && pattern.len() == parts.len()
                && pattern.iter().zip(&parts).all(|(wanted, part)| wanted == "*" || wanted == part)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_part_of_the_path() {
        let patterns = ["POST /v1/report/queue", "POST /v1/flight/*/forecast"].map(str::to_owned);
        let reads = ReadRequests::parse(&patterns).unwrap();
        let endpoint = Url::parse("https://api.acme.example/base/").unwrap();
        let contains = |method, path: &str| reads.contains(&method, &endpoint.join(path).unwrap(), &endpoint);
        assert!(contains(Method::POST, "/base/v1/report/queue"));
        assert!(contains(Method::POST, "/base/v1/report/queue?x=1"));
        assert!(contains(Method::POST, "/base/v1/flight/7/forecast"));
        assert!(!contains(Method::PUT, "/base/v1/report/queue"));
        assert!(!contains(Method::POST, "/base/v1/report/queue/"));
        assert!(!contains(Method::POST, "/base/v1/flight/7/8/forecast"));
        assert!(!contains(Method::POST, "/base/v1/flight/7/../../flight"));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for pattern in ["POST", "POST v1", "DELETE /v1/x", "P OST /v1", "POST /v1?x"] {
            assert_eq!(ReadRequests::parse(&[pattern.to_owned()]), Err(pattern.to_owned()));
        }
    }
}

//! The requests that are not what their method says: an adapter declares them.

use http::Method;
use reqwest::Url;

/// What an adapter declares about its requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeclaredRequests {
    /// `POST`s that only read.
    reads: Patterns,
    /// `GET`s that change something.
    writes: Patterns,
}

impl DeclaredRequests {
    /// Reads the patterns.
    ///
    /// # Errors
    /// The pattern that can't be read.
    pub(crate) fn parse(reads: &[String], writes: &[String]) -> Result<Self, String> {
        Ok(Self { reads: Patterns::parse(&Method::POST, reads)?, writes: Patterns::parse(&Method::GET, writes)? })
    }

    /// Whether a request only reads.
    pub(crate) fn only_reads(&self, method: &Method, url: &Url, endpoint: &Url) -> bool {
        match *method {
            Method::GET => !self.writes.contain(url, endpoint),
            Method::HEAD => true,
            Method::POST => self.reads.contain(url, endpoint),
            _ => false,
        }
    }
}

/// Patterns for the requests of one method, as `POST /v1/flight/*/forecast`, counted from the endpoint's path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Patterns(Vec<Vec<String>>);

impl Patterns {
    fn parse(method: &Method, patterns: &[String]) -> Result<Self, String> {
        let parse = |pattern: &String| {
            let path = pattern.split_once(' ').filter(|(word, _)| *word == method.as_str()).map(|(_, path)| path);
            let path = path.and_then(|path| path.strip_prefix('/')).ok_or_else(|| pattern.clone())?;
            if path.contains(['?', '#', ' ']) {
                return Err(pattern.clone());
            }
            Ok(path.split('/').map(str::to_owned).collect())
        };
        patterns.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a request to the endpoint matches one of them; what goes to another origin matches none.
    fn contain(&self, url: &Url, endpoint: &Url) -> bool {
        if self.0.is_empty() || url.origin() != endpoint.origin() {
            return false;
        }
        let base = endpoint.path().trim_end_matches('/');
        let inside = url.path().strip_prefix(base).filter(|rest| rest.starts_with('/'));
        let parts: Vec<&str> = inside.unwrap_or(url.path()).trim_start_matches('/').split('/').collect();
        self.0.iter().any(|pattern| {
            pattern.len() == parts.len()
                && pattern.iter().zip(&parts).all(|(wanted, part)| wanted == "*" || wanted == part)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(reads: &[&str], writes: &[&str]) -> Result<DeclaredRequests, String> {
        let owned = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>();
        DeclaredRequests::parse(&owned(reads), &owned(writes))
    }

    #[test]
    fn a_star_stands_for_one_part_of_the_path() {
        let declared =
            declared(&["POST /v1/report/queue", "POST /v1/flight/*/forecast"], &["GET /v1/flight/*/delete"]).unwrap();
        let endpoint = Url::parse("https://api.acme.example/base/").unwrap();
        let reads = |method, path: &str| declared.only_reads(&method, &endpoint.join(path).unwrap(), &endpoint);
        assert!(reads(Method::POST, "/base/v1/report/queue"));
        assert!(reads(Method::POST, "/base/v1/report/queue?x=1"));
        assert!(reads(Method::POST, "/base/v1/flight/7/forecast"));
        assert!(!reads(Method::PUT, "/base/v1/report/queue"));
        assert!(!reads(Method::POST, "/base/v1/report/queue/"));
        assert!(!reads(Method::POST, "/base/v1/flight/7/8/forecast"));
        assert!(!reads(Method::POST, "/base/v1/flight/7/../../flight"));
        assert!(!reads(Method::POST, "https://files.acme.example/base/v1/report/queue"), "another origin");
        assert!(reads(Method::GET, "/base/v1/flight/7"));
        assert!(!reads(Method::GET, "/base/v1/flight/7/delete"));
        assert!(!reads(Method::DELETE, "/base/v1/flight/7"));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for pattern in ["POST", "POST v1", "DELETE /v1/x", "PUT /v1/*", "P OST /v1", "POST /v1?x"] {
            assert_eq!(declared(&[pattern], &[]), Err(pattern.to_owned()));
        }
        assert_eq!(declared(&[], &["POST /v1"]), Err("POST /v1".to_owned()));
    }
}

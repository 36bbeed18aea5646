//! Requests that do something other than their method suggests. An adapter declares them; the
//! operator's configuration grants them.
//!
//! | declared | granted by the configuration | the request |
//! |---|---|---|
//! | `POST /v1/report/queue` | `POST /v1/report/queue` | reads |
//! | `POST /v1/report/queue` | nothing | writes: it needs a step |
//! | nothing | `POST /v1/report/queue` | writes |
//! | `GET /v1/flight/*/delete` | either way | writes |
//!
//! A `POST` counts as a read only if both agree, because a read passes without a step. For a `GET`
//! that writes one of them is enough, because that is only stricter.

use std::{fmt, str::FromStr, sync::Arc};

use http::Method;
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// Path segments that name no resource; anything the platform has may follow them.
const PREFIXES: [&str; 3] = ["api", "rest", "services"];

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not a valid pattern.
    #[error("`{pattern}` is no request; it is written like {example}")]
    Form {
        /// The pattern as written.
        pattern: String,
        /// A valid example.
        example: &'static str,
    },
    /// It grants too much.
    #[error(
        "`{0}` is too wide: it would let writes pass as reads. Name the resource before the first star, as in POST \
         /v1/reports/*, and put a name between two stars"
    )]
    TooWide(String),
}

/// A pattern for requests of one method, such as `POST /v1/flight/*/forecast`. A star stands for
/// one path segment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern(Vec<String>);

impl Pattern {
    fn parse(method: &Method, example: &'static str, pattern: &str) -> Result<Self, PatternError> {
        let form = || PatternError::Form { pattern: pattern.to_owned(), example };
        let path = pattern.split_once(' ').filter(|(word, _)| *word == method.as_str()).map(|(_, path)| path);
        let path = path.and_then(|path| path.strip_prefix('/')).ok_or_else(form)?;
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        let plain = |part: &String| part == "*" || !part.contains(['?', '#', ' ', '*', '%', '\\']);
        if path.is_empty() || !parts.iter().all(|part| plain(part) && part != "." && part != "..") {
            return Err(form());
        }
        Ok(Self(parts))
    }

    /// Parses a pattern for a `POST` that only reads.
    fn read(pattern: &str) -> Result<Self, PatternError> {
        let read = Self::parse(&Method::POST, "POST /v1/report/queue", pattern)?;
        let named = |part: &String| part != "*" && !part.is_empty() && !is_prefix(part);
        let mut before_star = read.0.iter().take_while(|part| *part != "*");
        let stars_together = read.0.windows(2).any(|two| two[0] == "*" && two[1] == "*");
        if before_star.any(named) && !stars_together {
            Ok(read)
        } else {
            Err(PatternError::TooWide(pattern.to_owned()))
        }
    }

    /// Parses a pattern for a `GET` that writes. It may be as wide as it likes, because it only
    /// requires more steps.
    fn write(pattern: &str) -> Result<Self, PatternError> {
        Self::parse(&Method::GET, "GET /v1/flight/*/delete", pattern)
    }

    /// Returns whether every request that matches `other` also matches this pattern.
    fn covers(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(mine, theirs)| mine == "*" || mine == theirs)
    }

    /// Returns whether a path matches as a read. A star does not match a segment that a server
    /// might split further.
    fn is_read(&self, parts: &[&str]) -> bool {
        let fits = |(wanted, part): (&String, &&str)| wanted == part || (wanted == "*" && is_one_part(part));
        self.0.len() == parts.len() && self.0.iter().zip(parts).all(fits)
    }

    /// Returns whether a path matches as a write, however it is spelled.
    fn is_write(&self, parts: &[String]) -> bool {
        let wanted = self.0.iter().filter(|part| !part.is_empty());
        let fits = |(wanted, part): (&String, &String)| wanted == "*" || wanted.eq_ignore_ascii_case(part);
        wanted.clone().count() == parts.len() && wanted.zip(parts).all(fits)
    }
}

/// Returns whether a path segment is a version or another word that comes before the resources.
fn is_prefix(part: &str) -> bool {
    let version = part.strip_prefix(['v', 'V']).is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    });
    version || PREFIXES.iter().any(|prefix| part.eq_ignore_ascii_case(prefix))
}

/// Returns whether every server takes this as one path segment: not empty, and without a slash or a
/// dot after decoding.
fn is_one_part(part: &str) -> bool {
    let decoded = percent_decode_str(part).decode_utf8_lossy();
    !part.is_empty() && !decoded.contains(['/', '\\', '%', ';', '?', '#']) && decoded != "." && decoded != ".."
}

/// A `POST` that only reads, such as `POST /v1/report/queue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRequest {
    pattern: Pattern,
    /// The pattern as written.
    text: String,
}

impl FromStr for ReadRequest {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Ok(Self { pattern: Pattern::read(text)?, text: text.to_owned() })
    }
}

impl fmt::Display for ReadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A `GET` that changes something, such as `GET /v1/flight/*/delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRequest(Pattern);

impl FromStr for WriteRequest {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Pattern::write(text).map(Self)
    }
}

impl fmt::Display for WriteRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", Method::GET, self.0.0.join("/"))
    }
}

/// Declared requests that do something other than their method suggests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    reads: Vec<ReadRequest>,
    writes: Vec<WriteRequest>,
}

impl Requests {
    pub(crate) fn new(reads: Vec<ReadRequest>, writes: Vec<WriteRequest>) -> Self {
        Self { reads, writes }
    }

    /// Parses the patterns that an adapter declares.
    ///
    /// # Errors
    /// When a pattern is invalid or too wide; the first such pattern.
    pub(crate) fn parse(reads: &[String], writes: &[String]) -> Result<Self, PatternError> {
        let reads = reads.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Ok(Self::new(reads, writes.iter().map(|text| text.parse()).collect::<Result<_, _>>()?))
    }

    /// Returns the read patterns of `asked` that these don't cover.
    pub(crate) fn missing<'a>(&self, asked: &'a Self) -> Vec<&'a str> {
        let covered = |asked: &Pattern| self.reads.iter().any(|granted| granted.pattern.covers(asked));
        asked.reads.iter().filter(|asked| !covered(&asked.pattern)).map(|asked| asked.text.as_str()).collect()
    }

    fn reads(&self, parts: &[&str]) -> bool {
        self.reads.iter().any(|request| request.pattern.is_read(parts))
    }

    fn writes(&self, parts: &[String]) -> bool {
        self.writes.iter().any(|request| request.0.is_write(parts))
    }
}

/// The rules that classify one call's requests. By default every `POST` counts as a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeclaredRequests {
    /// The declarations of the call's release.
    asked: Arc<Requests>,
    /// What the configuration grants.
    granted: Arc<Requests>,
    /// The call's endpoint; patterns are relative to its path.
    endpoint: Option<Url>,
}

impl DeclaredRequests {
    pub(crate) fn new(asked: Arc<Requests>, granted: Arc<Requests>, endpoint: Url) -> Self {
        Self { asked, granted, endpoint: Some(endpoint) }
    }

    /// Returns whether a request only reads.
    pub(crate) fn only_reads(&self, method: &Method, url: &Url) -> bool {
        match *method {
            Method::HEAD => true,
            Method::GET => !self.declared_to_write(url),
            Method::POST => self.declared_to_read(url),
            _ => false,
        }
    }

    /// Returns whether both adapter and operator declare a `POST` to the endpoint as a read.
    fn declared_to_read(&self, url: &Url) -> bool {
        let Some(endpoint) = self.endpoint.as_ref().filter(|endpoint| endpoint.origin() == url.origin()) else {
            return false;
        };
        let Some(inside) = below(endpoint, url.path()) else { return false };
        let parts: Vec<&str> = inside.split('/').collect();
        self.asked.reads(&parts) && self.granted.reads(&parts)
    }

    /// Returns whether adapter or operator declares a `GET` as a write, relative to the endpoint's
    /// path or to the root.
    fn declared_to_write(&self, url: &Url) -> bool {
        let inside = self.endpoint.as_ref().and_then(|endpoint| below(endpoint, url.path()));
        [inside, Some(url.path())].into_iter().flatten().any(|path| {
            let decoded = percent_decode_str(path).decode_utf8_lossy();
            // Text after a semicolon is a path parameter of the segment.
            let named = |part: &str| part.split(';').next().unwrap_or_default().to_owned();
            let parts: Vec<String> = decoded.split(['/', '\\']).map(named).filter(|part| !part.is_empty()).collect();
            self.asked.writes(&parts) || self.granted.writes(&parts)
        })
    }
}

/// Returns the path below the endpoint's, without a leading slash.
fn below<'a>(endpoint: &Url, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(endpoint.path().trim_end_matches('/'))?.strip_prefix('/')
}

#[cfg(test)]
mod tests;

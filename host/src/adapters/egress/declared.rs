//! The requests that are not what their method says. An adapter declares them; the operator's configuration grants them.
//!
//! | declared | granted by the configuration | the request |
//! |---|---|---|
//! | `POST /v1/report/queue` | `POST /v1/report/queue` | reads |
//! | `POST /v1/report/queue` | nothing | writes: it needs a step |
//! | nothing | `POST /v1/report/queue` | writes |
//! | `GET /v1/flight/*/delete` | either way | writes |
//!
//! A read needs both words, because what passes as a read passes without a step. A write needs one, because that is only stricter.

use std::{fmt, str::FromStr, sync::Arc};

use http::Method;
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// Parts of a path that name no resource: what comes after them may be anything that the platform has.
const PREFIXES: [&str; 3] = ["api", "rest", "services"];

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no pattern.
    #[error("`{pattern}` is no request; it is written like {example}")]
    Form {
        /// As it was written.
        pattern: String,
        /// How one is written.
        example: &'static str,
    },
    /// It grants too much.
    #[error(
        "`{0}` is too wide: it would let writes pass as reads. Name the resource before the first star, as in POST \
         /v1/reports/*, and put a name between two stars"
    )]
    TooWide(String),
}

/// A pattern for the requests of one method, as `POST /v1/flight/*/forecast`: a star stands for one part of the path.
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

    /// Reads one for a `POST` that only reads.
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

    /// Reads one for a `GET` that writes. However wide it is, it only asks for more steps.
    fn write(pattern: &str) -> Result<Self, PatternError> {
        Self::parse(&Method::GET, "GET /v1/flight/*/delete", pattern)
    }

    /// Whether every request that matches `other` matches this one.
    fn covers(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(mine, theirs)| mine == "*" || mine == theirs)
    }

    /// Whether a path is one of a read. A part that a server may take apart again stands for no star.
    fn is_read(&self, parts: &[&str]) -> bool {
        let fits = |(wanted, part): (&String, &&str)| wanted == part || (wanted == "*" && is_one_part(part));
        self.0.len() == parts.len() && self.0.iter().zip(parts).all(fits)
    }

    /// Whether a path is one of a write, however it is spelled.
    fn is_write(&self, parts: &[String]) -> bool {
        let wanted = self.0.iter().filter(|part| !part.is_empty());
        let fits = |(wanted, part): (&String, &String)| wanted == "*" || wanted.eq_ignore_ascii_case(part);
        wanted.clone().count() == parts.len() && wanted.zip(parts).all(fits)
    }
}

/// Whether a part of a path is a version or another word before the resources.
fn is_prefix(part: &str) -> bool {
    let version = part.strip_prefix(['v', 'V']).is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    });
    version || PREFIXES.iter().any(|prefix| part.eq_ignore_ascii_case(prefix))
}

/// Whether a part of a path is one for every server: not empty, and nothing in it that is a slash or a dot after decoding.
fn is_one_part(part: &str) -> bool {
    let decoded = percent_decode_str(part).decode_utf8_lossy();
    !part.is_empty() && !decoded.contains(['/', '\\', '%', ';', '?', '#']) && decoded != "." && decoded != ".."
}

/// A `POST` that only reads, as `POST /v1/report/queue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRequest {
    pattern: Pattern,
    /// As it was written.
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

/// A `GET` that changes something, as `GET /v1/flight/*/delete`.
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

/// Requests that are not what their method says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    reads: Vec<ReadRequest>,
    writes: Vec<WriteRequest>,
}

impl Requests {
    pub(crate) fn new(reads: Vec<ReadRequest>, writes: Vec<WriteRequest>) -> Self {
        Self { reads, writes }
    }

    /// Reads the patterns that an adapter declares.
    ///
    /// # Errors
    /// The first pattern that can't be taken.
    pub(crate) fn parse(reads: &[String], writes: &[String]) -> Result<Self, PatternError> {
        let reads = reads.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Ok(Self::new(reads, writes.iter().map(|text| text.parse()).collect::<Result<_, _>>()?))
    }

    /// The patterns for reads that these don't cover.
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

/// What one call's requests are judged by. The default takes every `POST` for a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeclaredRequests {
    /// What the release of the call declares.
    asked: Arc<Requests>,
    /// What the configuration grants.
    granted: Arc<Requests>,
    /// The call's endpoint, from whose path patterns are counted.
    endpoint: Option<Url>,
}

impl DeclaredRequests {
    pub(crate) fn new(asked: Arc<Requests>, granted: Arc<Requests>, endpoint: Url) -> Self {
        Self { asked, granted, endpoint: Some(endpoint) }
    }

    /// Whether a request only reads.
    pub(crate) fn only_reads(&self, method: &Method, url: &Url) -> bool {
        match *method {
            Method::HEAD => true,
            Method::GET => !self.declared_to_write(url),
            Method::POST => self.declared_to_read(url),
            _ => false,
        }
    }

    /// Whether adapter and operator both say of a `POST` to the endpoint that it reads.
    fn declared_to_read(&self, url: &Url) -> bool {
        let Some(endpoint) = self.endpoint.as_ref().filter(|endpoint| endpoint.origin() == url.origin()) else {
            return false;
        };
        let Some(inside) = below(endpoint, url.path()) else { return false };
        let parts: Vec<&str> = inside.split('/').collect();
        self.asked.reads(&parts) && self.granted.reads(&parts)
    }

    /// Whether adapter or operator says of a `GET` that it writes: counted from the endpoint's path or from the root.
    fn declared_to_write(&self, url: &Url) -> bool {
        let inside = self.endpoint.as_ref().and_then(|endpoint| below(endpoint, url.path()));
        [inside, Some(url.path())].into_iter().flatten().any(|path| {
            let decoded = percent_decode_str(path).decode_utf8_lossy();
            // What stands after a semicolon are parameters of a part.
            let named = |part: &str| part.split(';').next().unwrap_or_default().to_owned();
            let parts: Vec<String> = decoded.split(['/', '\\']).map(named).filter(|part| !part.is_empty()).collect();
            self.asked.writes(&parts) || self.granted.writes(&parts)
        })
    }
}

/// The path below the endpoint's, without a slash before it.
fn below<'a>(endpoint: &Url, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(endpoint.path().trim_end_matches('/'))?.strip_prefix('/')
}

#[cfg(test)]
mod tests;

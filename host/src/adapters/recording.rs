//! A call of an adapter as a file: what it was given, what the journal and the ad server answered, and
//! how it ended. Whoever has the file can make the same call again, without the ad server and
//! without a credential.
//!
//! - [`Recording`]: the file. `error`: what is wrong with one. `recorder`: what listens to a call. `kept`: the failed calls that a
//!   host keeps. The egress answers from a recording (`egress::replay`).
//!
//! Credentials are added to requests after the guest has let go of them, and overwritten in answers
//! before it sees them. So what a guest sent and saw has none; the file is searched once more
//! before it is written, and not written if one is left.

use std::path::{Path, PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    by_hand::Function,
    compatibility,
    egress::{Answer, Exchange, Unanswered, credentials::Injection},
    limits::Limits,
};
use crate::domain::{failure::FailureKind, targeting::names};

mod error;
mod kept;
mod recorder;

pub use error::RecordingError;
pub use kept::{Kept, KeptCall};
pub(crate) use recorder::{CallRecorder, Listening, Told};

/// The version of the file's form. Raised when an older host could misread a newer file.
pub(super) const FORM: u32 = 1;

/// A call of an adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The version of this form.
    pub flightdeck_recording: u32,
    /// The version of the contract.
    pub contract: String,
    /// When the call began, in RFC 3339. A replay sets the guest's clock to it.
    pub recorded_at: String,
    /// The operation, or the name of a read.
    pub operation: String,
    /// The SHA-256 of the component that was called.
    pub release: String,
    /// The component's own version.
    pub adapter_version: String,
    /// What the host was configured with.
    pub platform: RecordedPlatform,
    /// The function.
    pub function: Function,
    /// Its arguments, in the form of `adapter call --input`, with the whole context.
    pub arguments: Value,
    /// The steps that it began, in order, as the journal knew them.
    pub steps: Vec<RecordedStep>,
    /// The requests that it sent, in order, and what it got.
    pub exchanges: Vec<RecordedExchange>,
    /// What it read of the cache, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached: Vec<RecordedRead>,
    /// How it ended.
    pub result: RecordedResult,
    /// What the component printed.
    pub printed: String,
}

/// The configuration of a recorded call that its arguments don't have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPlatform {
    /// The platform's name.
    pub name: String,
    /// The endpoint.
    pub endpoint: String,
    /// The origins that may be reached.
    pub origins: Vec<String>,
    /// The `POST`s that may pass as reads.
    pub read_requests: Vec<String>,
    /// The `GET`s that count as writes.
    pub write_requests: Vec<String>,
    /// The limits of a call.
    pub limits: Limits,
}

names! {
    /// What the journal knew of a step when it began.
    RecordedState {
        /// It had never happened.
        Fresh = "fresh",
        /// It might have happened.
        InDoubt = "in-doubt",
        /// It had happened.
        Done = "done",
        /// The journal refused to begin it.
        Refused = "refused",
    }
}

/// A step that a recorded call began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedStep {
    /// Its name.
    pub name: String,
    /// What was known of it.
    pub state: RecordedState,
    /// Its reference, if it was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Its outcome, if it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Content>,
    /// Why it was refused, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether an earlier request of it might still have been under way.
    #[serde(default, skip_serializing_if = "is_false")]
    pub under_way: bool,
    /// Whether it had happened and was only to be made once more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repeated: bool,
}

/// A request of a recorded call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedExchange {
    /// The method.
    pub method: String,
    /// The address, as the adapter asked for it.
    pub url: String,
    /// The body that the adapter sent.
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub request: Content,
    /// What it got.
    pub answer: RecordedAnswer,
    /// Whether a body is not here as a whole, because it was too large.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_cut: bool,
    /// In milliseconds.
    pub took_ms: u64,
}

/// What a recorded request got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RecordedAnswer {
    /// An answer of the ad server.
    Answered {
        /// Its status.
        status: u16,
        /// Its headers, without those that adapters may not see.
        headers: Vec<(String, String)>,
        /// Its body, as far as the adapter read it.
        #[serde(default, skip_serializing_if = "Content::is_empty")]
        body: Content,
        /// Whether it broke off.
        #[serde(default, skip_serializing_if = "is_false")]
        broke_off: bool,
    },
    /// None.
    Unanswered {
        /// Why, in the words of WASI.
        why: Unanswered,
        /// The same for people.
        words: String,
    },
}

/// A value that a recorded call read of the cache that it shares with other calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRead {
    /// The key.
    pub key: String,
    /// The value, if the cache had one.
    pub value: Option<Content>,
}

/// How a recorded call ended. A call of which a host kept only the failure has no output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedResult {
    /// The answer of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why the call failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RecordedFailure>,
}

/// Why a recorded call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedFailure {
    /// The kind.
    pub kind: FailureKind,
    /// The code.
    pub code: String,
    /// The message.
    pub message: String,
}

/// Bytes in JSON: as text wherever they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// UTF-8.
    Text(String),
    /// Anything else.
    Binary {
        /// In base64.
        base64: String,
    },
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Binary { base64: BASE64_STANDARD.encode(bytes) },
        }
    }

    /// Returns the bytes. What is no base64 is empty: a file that says so was edited by hand.
    pub(crate) fn bytes(&self) -> Bytes {
        match self {
            Self::Text(text) => Bytes::from(text.clone()),
            Self::Binary { base64 } => BASE64_STANDARD.decode(base64).unwrap_or_default().into(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_empty())
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl From<Exchange> for RecordedExchange {
    fn from(exchange: Exchange) -> Self {
        let answer = match exchange.answer {
            Answer::Answered { status, headers, body, broke_off } => {
                let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
                // The length is that of the body which is answered with.
                let headers = headers.iter().filter(|(name, _)| **name != http::header::CONTENT_LENGTH);
                let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
                RecordedAnswer::Answered { status, headers, body: Content::of(&body), broke_off }
            }
            Answer::Failed(why, words) => RecordedAnswer::Unanswered { why, words },
        };
        Self {
            method: exchange.method,
            url: exchange.url,
            request: Content::of(&exchange.request),
            answer,
            is_cut: exchange.is_cut,
            took_ms: u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// When the file is none, or not one of this version.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let file = |source| RecordingError::File { path: path.to_owned(), source };
        Self::parse(&std::fs::read(path).map_err(file)?, path)
    }

    /// Reads a recording from its text. `path` is its name in messages.
    ///
    /// # Errors
    /// As [`Recording::read`].
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, RecordingError> {
        let path = || path.to_owned();
        let whole: Value = serde_json::from_slice(text).map_err(|source| match source.is_eof() {
            true => RecordingError::CutOff(path()),
            false => RecordingError::NoJson { path: path(), source },
        })?;
        let form = whole.get("flightdeck_recording").ok_or_else(|| RecordingError::NoRecording(path()))?;
        if form.as_u64() != Some(u64::from(FORM)) {
            return Err(RecordingError::Form { path: path(), found: form.to_string() });
        }
        // What another version would have is told before what it would not have.
        let text = |key: &str| whole.get(key).and_then(Value::as_str);
        let offered = compatibility::offered();
        if let Some(recorded) = text("contract").filter(|recorded| !compatibility::is_offered(recorded)) {
            return Err(RecordingError::Contract { path: path(), recorded: recorded.to_owned(), offered });
        }
        if let Some(name) = text("function").filter(|name| Function::parse(name).is_none()) {
            return Err(RecordingError::Function { path: path(), name: name.to_owned(), offered });
        }
        serde_json::from_value(whole).map_err(|source| RecordingError::Shape { path: path(), source })
    }

    /// Returns the text of the file.
    pub fn text(&self) -> String {
        // Strings, numbers and lists only: this can't fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Overwrites every occurrence of the platform's credentials.
    ///
    /// # Errors
    /// [`RecordingError::Credential`] if one is left, such as a number, which can't be overwritten.
    pub(crate) fn without_credentials(self, known: &Injection) -> Result<Self, RecordingError> {
        let clean = self.with_texts(&|text| {
            let mut bytes = text.as_bytes().to_vec();
            known.redact(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })?;
        if known.occurs_in(clean.text().as_bytes()) { Err(RecordingError::Credential) } else { Ok(clean) }
    }

    /// Names another address instead of one that only the recording host had.
    ///
    /// # Errors
    /// [`RecordingError::Shape`] if the form does not survive it, which no address does.
    pub(crate) fn renamed(self, from: &str, to: &str) -> Result<Self, RecordingError> {
        self.with_texts(&|text| text.replace(from, to))
    }

    fn with_texts(self, change: &dyn Fn(&str) -> String) -> Result<Self, RecordingError> {
        let unchanged = |source| RecordingError::Shape { path: PathBuf::from("the recording"), source };
        let mut value = serde_json::to_value(self).map_err(unchanged)?;
        texts(&mut value, change);
        serde_json::from_value(value).map_err(unchanged)
    }

    /// Says how the call ended, in words.
    pub fn ended(&self) -> String {
        match (&self.result.failure, &self.result.output) {
            (Some(failure), _) => format!("{} ({}): {}", failure.kind, failure.code, failure.message),
            (None, Some(output)) if output.get("err").is_some() => "it returned a failure".to_owned(),
            (None, _) => "it succeeded".to_owned(),
        }
    }
}

/// Changes every text within a value, except the names of fields.
fn texts(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| texts(value, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| texts(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;

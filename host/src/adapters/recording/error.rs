//! What is wrong with a recording.

use std::path::PathBuf;

use super::{FORM, Function};

/// Why a recording can't be read, written or replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file ends in the middle.
    #[error("{0} is cut off: its end is missing. Copy the whole file again")]
    CutOff(PathBuf),
    /// The file is no JSON.
    #[error("{path} is no JSON, so it is no recording: {source}")]
    NoJson {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
    /// The file is JSON, and something else.
    #[error(
        "{0} is no recording: it has no `flightdeck_recording`. `flightdeck adapter record` and `flightdeck adapter call --record` \
         write recordings"
    )]
    NoRecording(PathBuf),
    /// A newer or older host wrote it.
    #[error(
        "{path} is a recording of form {found}, and this flightdeck reads form {FORM}: use the version that wrote it, or a newer one"
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: String,
    },
    /// The call is of another version of the contract.
    #[error(
        "{path} was recorded with ad-server {recorded}, and this flightdeck offers {offered}: replay it with a version that offers \
         {recorded}"
    )]
    Contract {
        /// The file.
        path: PathBuf,
        /// Its version.
        recorded: String,
        /// The host's.
        offered: String,
    },
    /// The contract has no such function.
    #[error(
        "{path} records a call of `{name}`, which is no function of ad-server {offered}; there are: {}",
        functions()
    )]
    Function {
        /// The file.
        path: PathBuf,
        /// The function.
        name: String,
        /// The host's version of the contract.
        offered: String,
    },
    /// Something in it has another form.
    #[error(
        "{path} is no recording that can be replayed: {source}. It was edited or written by another program; record the call again"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
    /// A value of its platform can't be used.
    #[error("the recording has {what} `{value}`, which {reason}; record the call again")]
    Value {
        /// What the value is.
        what: &'static str,
        /// The value.
        value: String,
        /// Why it can't be used.
        reason: String,
    },
    /// It would contain a credential.
    #[error(
        "the call can't be recorded: a credential of the platform would be in the file, in a place where it can't be overwritten"
    )]
    Credential,
}

fn functions() -> String {
    Function::ALL.iter().map(|function| function.as_str()).collect::<Vec<_>>().join(", ")
}

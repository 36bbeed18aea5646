//! The errors of the interface: a code, a message, the field, and what to do.

use crate::{
    app::caller::Caller,
    domain::{
        disclosure::{self, Disclosure},
        failure::{Failure, FailureDetails},
        field::FieldPath,
        id::PlatformName,
        problem::{self, Problem},
        task::Task,
    },
    store::StoreError,
};

pub use crate::domain::error_code::ErrorCode;

/// An error of the interface, as every face shows it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AppError {
    /// The error code.
    pub code: ErrorCode,
    /// What is wrong, for people.
    pub message: String,
    /// The field that caused the error.
    pub field: Option<FieldPath>,
    /// What to do about it.
    pub suggestion: Option<String>,
    /// Every individual problem. `message` is then their [`summary`](problem::summary), unless it
    /// says more.
    pub problems: Vec<Problem>,
    /// Details that belong to the code if there are no individual problems, such as the ad server's
    /// message.
    pub details: Option<serde_json::Value>,
    /// The current task, if a decision was based on another version of it. Faces show it in the
    /// details.
    pub task: Option<Box<Task>>,
    /// The number of seconds to wait before a retry.
    pub retry_after: Option<u64>,
    /// What the publisher's people see instead of message and details, if there is more to see.
    pub internal: Option<Box<Internal>>,
}

/// The contents of an error for the publisher's people.
#[derive(Debug, Clone, PartialEq)]
pub struct Internal {
    message: String,
    problems: Vec<Problem>,
    details: Option<serde_json::Value>,
}

impl AppError {
    /// Returns an error with a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            field: None,
            suggestion: None,
            problems: Vec::new(),
            details: None,
            task: None,
            retry_after: None,
            internal: None,
        }
    }

    /// Returns `NOT_FOUND`, with the same words whether the thing does not exist or belongs to
    /// somebody else.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// Returns `PERMISSION_DENIED`.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::PermissionDenied, message)
    }

    /// Returns `INVALID_PARAMETER` for one field.
    pub fn invalid(field: impl Into<FieldPath>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(ErrorCode::InvalidParameter, message) }
    }

    /// Returns `INVALID_STATE`.
    pub fn state(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidState, message)
    }

    /// Adds a suggestion of what to do.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds details.
    #[must_use]
    pub fn details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Adds the current task.
    #[must_use]
    pub fn current_task(mut self, task: &Task) -> Self {
        self.task = Some(Box::new(task.clone()));
        self
    }

    /// Adds the number of seconds to wait.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Returns the error with the contents that this caller may see.
    #[must_use]
    pub fn told_to(mut self, caller: &Caller) -> Self {
        if let Some(internal) = self.internal.take().filter(|_| caller.is_staff()) {
            self.message = internal.message;
            self.problems = internal.problems;
            self.details = internal.details;
        }
        self
    }

    /// Returns one error for all problems of a request, with the field of the first one.
    pub fn problems(code: ErrorCode, problems: Vec<Problem>) -> Self {
        let mut error = Self::new(code, problem::summary(&problems));
        if let Some(first) = problems.first() {
            error.field = Some(first.field.clone());
            if !first.supported.is_empty() {
                error.suggestion = Some(format!("supported: {}", first.supported.join(", ")));
            }
        }
        error.problems = problems;
        error
    }

    /// Converts a failed adapter call to the error for a caller that waits for the answer itself.
    /// The message is the one for buyers.
    pub fn from_failure(platform: &PlatformName, failure: &Failure) -> Self {
        let told = Disclosure::failure(platform, failure);
        let mut error = Self::in_words(failure, told.buyer(), disclosure::details_for_buyers(failure));
        let Self { message, problems, details, .. } =
            Self::in_words(failure, told.staff(), disclosure::details_for_staff(failure));
        if (&message, &problems, &details) != (&error.message, &error.problems, &error.details) {
            error.internal = Some(Box::new(Internal { message, problems, details }));
        }
        if matches!(error.code, ErrorCode::PlatformUnavailable | ErrorCode::AdapterUnavailable) {
            error.retry_after = Some(failure.retry_after_ms.map_or(5, |millis| millis.div_ceil(1_000)).max(1));
        }
        error
    }

    /// Returns the error for a failure with this message, or with those of its items.
    fn in_words(failure: &Failure, words: &str, details: FailureDetails) -> Self {
        let code = ErrorCode::of(failure);
        match details {
            FailureDetails::Items { items } => Self::problems(code, items),
            FailureDetails::Other(details) => Self::new(code, words).details(details),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale(what) => {
                Self::new(ErrorCode::Conflict, format!("{what} was changed meanwhile: read it again and decide anew"))
            }
            StoreError::Expired(what) => Self::state(format!("{what} is over")),
            StoreError::Full | StoreError::Unavailable(_) => {
                tracing::error!(%error, "the store can't be used");
                Self::new(ErrorCode::StorageUnavailable, "nothing can be recorded now; nothing was changed")
                    .retry_after(5)
            }
            StoreError::Unsure(_) => {
                tracing::error!(%error, "the store did not say whether it was written");
                Self::new(ErrorCode::StorageUnavailable, "the database did not say whether this was recorded")
                    .suggest("ask again with the same idempotency key: what was recorded is not done twice; without a key, look first")
                    .retry_after(5)
            }
            StoreError::Fenced(_) | StoreError::KeyTaken(_) | StoreError::NoKey(_) | StoreError::Corrupt(_) => {
                tracing::error!(%error, "unexpected answer of the store");
                Self::new(ErrorCode::Internal, "something went wrong here; nothing is known to have been changed")
                    .suggest("ask again with the same idempotency key; tell the operator if it goes on")
            }
        }
    }
}

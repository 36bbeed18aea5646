//! The errors of the interface: a code, words, the field, and what to do.

use serde_json::json;

use crate::{
    app::caller::Caller,
    domain::{
        failure::Failure,
        id::PlatformName,
        problem::{self, Problem},
        task::Task,
        told::{self, Told, items_for_buyers},
    },
    store::StoreError,
};

pub use crate::domain::error_code::ErrorCode;

/// An error as every face shows it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AppError {
    /// Its code.
    pub code: ErrorCode,
    /// What is wrong, for people.
    pub message: String,
    /// A JSON pointer into the request.
    pub field: Option<String>,
    /// What to do.
    pub suggestion: Option<String>,
    /// Every single thing, or what belongs to the code: the ad server's words.
    pub details: Option<serde_json::Value>,
    /// The task as it stands now, for who decided on another version of it. Faces show it in the details.
    pub task: Option<Box<Task>>,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// What the people of the publisher read instead of message and details, where it is more.
    pub internal: Option<Box<Internal>>,
}

/// What an error says to the people of the publisher.
#[derive(Debug, Clone, PartialEq)]
pub struct Internal {
    message: String,
    details: Option<serde_json::Value>,
}

impl AppError {
    /// An error with a code and words.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            field: None,
            suggestion: None,
            details: None,
            task: None,
            retry_after: None,
            internal: None,
        }
    }

    /// `NOT_FOUND`: the same words for what is not there and for what is somebody else's.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// `PERMISSION_DENIED`.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::PermissionDenied, message)
    }

    /// `INVALID_PARAMETER` for one field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(ErrorCode::InvalidParameter, message) }
    }

    /// `INVALID_STATE`.
    pub fn state(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidState, message)
    }

    /// With what to do.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// With details.
    #[must_use]
    pub fn details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(details);
        self
    }

    /// With the task as it stands now.
    #[must_use]
    pub fn current_task(mut self, task: &Task) -> Self {
        self.task = Some(Box::new(task.clone()));
        self
    }

    /// With seconds to wait.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The error in the words for whoever asks.
    #[must_use]
    pub fn told_to(mut self, caller: &Caller) -> Self {
        if let Some(internal) = self.internal.take().filter(|_| caller.is_staff()) {
            self.message = internal.message;
            self.details = internal.details;
        }
        self
    }

    /// One error for all problems of a request: the first one's field in front, every one in the details.
    pub fn problems(code: ErrorCode, problems: &[Problem]) -> Self {
        let Some(first) = problems.first() else {
            return Self::new(code, problem::summary(problems));
        };
        let mut error = Self::new(code, problem::summary(problems));
        error.field = Some(first.field.clone());
        if !first.supported.is_empty() {
            error.suggestion = Some(format!("supported: {}", first.supported.join(", ")));
        }
        error.details = Some(json!({ "items": problems }));
        error
    }

    /// What a failed call to a platform's adapter means for a caller who waits for the answer itself, in the words for buyers.
    pub fn from_failure(platform: &PlatformName, failure: &Failure) -> Self {
        let told = Told::failure(platform, failure);
        let mut error = Self::in_words(failure, told.buyer(), &items_for_buyers(&failure.items))
            .details(told::details_for_buyers(failure));
        let staff = Self::in_words(failure, told.staff(), &failure.items).details(told::details_for_staff(failure));
        if (&staff.message, &staff.details) != (&error.message, &error.details) {
            error.internal = Some(Box::new(Internal { message: staff.message, details: staff.details }));
        }
        if matches!(error.code, ErrorCode::PlatformUnavailable | ErrorCode::AdapterUnavailable) {
            error.retry_after = Some(failure.retry_after_ms.map_or(5, |millis| millis.div_ceil(1_000)).max(1));
        }
        error
    }

    /// A failure in these words, or in those of its items.
    fn in_words(failure: &Failure, words: &str, items: &[Problem]) -> Self {
        let code = ErrorCode::of(failure);
        if items.is_empty() { Self::new(code, words) } else { Self::problems(code, items) }
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

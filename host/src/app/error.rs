//! The coded errors of the interface.
//!
//! | code | when |
//! |---|---|
//! | `AUTHENTICATION_REQUIRED` | no token, or one that is worth nothing |
//! | `PERMISSION_DENIED` | the role may not do it |
//! | `NOT_FOUND` | no such thing for this caller; somebody else's thing answers exactly so |
//! | `INVALID_PARAMETER` | malformed or impossible input, with the field |
//! | `UNSUPPORTED_TARGETING`, `UNSUPPORTED_FORMAT` | the platform can't, item by item |
//! | `CONFLICT` | made on a version that is no longer the current one |
//! | `OPERATION_IN_PROGRESS` | the first request under an idempotency key still runs |
//! | `INVALID_STATE` | not possible in this status |
//! | `IDEMPOTENCY_CONFLICT` | the key was used with another body |
//! | `RATE_LIMITED` | too many requests |
//! | `PLATFORM_ERROR` | the ad server refused |
//! | `PLATFORM_UNAVAILABLE`, `ADAPTER_UNAVAILABLE` | can't be used now |
//! | `ADAPTER_FAULT` | the component broke |
//! | `STORAGE_UNAVAILABLE`, `INTERNAL` | the host itself |

use serde_json::json;

use crate::{
    app::caller::Caller,
    domain::{
        failure::{Failure, FailureKind, PlatformAnswer},
        id::PlatformName,
        plain::without_addresses,
        problem::Problem,
        targeting::names,
        task::Task,
        told::{Told, items_for_buyers},
    },
    store::StoreError,
};

names! {
    /// A code of the interface.
    ErrorCode {
        /// 401.
        AuthenticationRequired = "AUTHENTICATION_REQUIRED",
        /// 403.
        PermissionDenied = "PERMISSION_DENIED",
        /// 404.
        NotFound = "NOT_FOUND",
        /// 400.
        InvalidParameter = "INVALID_PARAMETER",
        /// 400.
        UnsupportedTargeting = "UNSUPPORTED_TARGETING",
        /// 400.
        UnsupportedFormat = "UNSUPPORTED_FORMAT",
        /// 409.
        Conflict = "CONFLICT",
        /// 409.
        OperationInProgress = "OPERATION_IN_PROGRESS",
        /// 409.
        InvalidState = "INVALID_STATE",
        /// 422.
        IdempotencyConflict = "IDEMPOTENCY_CONFLICT",
        /// 429.
        RateLimited = "RATE_LIMITED",
        /// 502.
        PlatformError = "PLATFORM_ERROR",
        /// 503.
        PlatformUnavailable = "PLATFORM_UNAVAILABLE",
        /// 503.
        AdapterUnavailable = "ADAPTER_UNAVAILABLE",
        /// 500.
        AdapterFault = "ADAPTER_FAULT",
        /// 503.
        StorageUnavailable = "STORAGE_UNAVAILABLE",
        /// 500.
        Internal = "INTERNAL",
    }
}

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
    pub inside: Option<Box<Inside>>,
}

/// What an error says to the people of the publisher.
#[derive(Debug, Clone, PartialEq)]
pub struct Inside {
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
            inside: None,
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
        if let Some(inside) = self.inside.take().filter(|_| caller.is_staff()) {
            self.message = inside.message;
            self.details = inside.details;
        }
        self
    }

    /// One error for all problems of a request: the first one's field in front, every one in the details.
    pub fn problems(code: ErrorCode, problems: &[Problem]) -> Self {
        let Some(first) = problems.first() else {
            return Self::new(code, "the request can't be carried out");
        };
        let more = match problems.len() {
            1 => String::new(),
            2 => " (and 1 more problem, see details)".to_owned(),
            count => format!(" (and {} more problems, see details)", count - 1),
        };
        let name = first.field.rsplit('/').next().unwrap_or_default();
        let subject = first.value.as_deref().map_or_else(|| name.to_owned(), |value| format!("{name} {value:?}"));
        let mut error = Self::new(code, format!("{subject} {}{more}", first.message));
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
        let refused = failure.platform.clone().filter(|_| failure.kind.is_refusal());
        let refused = refused.map(|answer| PlatformAnswer { message: without_addresses(&answer.message), ..answer });
        let mut error = Self::in_words(failure, told.buyer(), &items_for_buyers(&failure.items), refused);
        let staff = Self::in_words(failure, told.staff(), &failure.items, failure.platform.clone());
        if (&staff.message, &staff.details) != (&error.message, &error.details) {
            error.inside = Some(Box::new(Inside { message: staff.message, details: staff.details }));
        }
        if matches!(error.code, ErrorCode::PlatformUnavailable | ErrorCode::AdapterUnavailable) {
            error.retry_after = Some(failure.retry_after_ms.map_or(5, |millis| millis.div_ceil(1_000)).max(1));
        }
        error
    }

    /// A failure in these words, with these items and what the ad server said.
    fn in_words(failure: &Failure, words: &str, items: &[Problem], said: Option<PlatformAnswer>) -> Self {
        let code = code_of(failure);
        if !items.is_empty() {
            return Self::problems(code, items);
        }
        let mut details = json!({ "reason": failure.code });
        if let Some(said) = said {
            details["platform"] = json!(said);
        }
        Self::new(code, words).details(details)
    }
}

fn code_of(failure: &Failure) -> ErrorCode {
    let about = |part: fn(&str) -> bool| failure.items.iter().any(|item| part(&item.field));
    match failure.kind {
        FailureKind::Invalid => ErrorCode::InvalidParameter,
        FailureKind::Unsupported if about(|field| field.contains("targeting")) => ErrorCode::UnsupportedTargeting,
        FailureKind::Unsupported if about(|field| field.starts_with("/assets")) => ErrorCode::UnsupportedFormat,
        FailureKind::Unsupported => ErrorCode::InvalidParameter,
        FailureKind::Permission
        | FailureKind::ApprovalRequired
        | FailureKind::Rejected
        | FailureKind::NotFound
        | FailureKind::Unresolved => ErrorCode::PlatformError,
        FailureKind::Unavailable if failure.code == "adapter_unavailable" => ErrorCode::AdapterUnavailable,
        FailureKind::Unavailable => ErrorCode::PlatformUnavailable,
        FailureKind::Fault => ErrorCode::AdapterFault,
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale(what) => {
                Self::new(ErrorCode::Conflict, format!("{what} was changed meanwhile: read it again and decide anew"))
            }
            StoreError::Late(what) => Self::state(format!("{what} is over")),
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

//! The error codes of all interfaces and records.
//!
//! | code | when |
//! |---|---|
//! | `AUTHENTICATION_REQUIRED` | the token is missing or invalid |
//! | `PERMISSION_DENIED` | the role may not do it |
//! | `NOT_FOUND` | it does not exist for this caller; another caller's object has the same answer |
//! | `INVALID_PARAMETER` | malformed or impossible input, with the field |
//! | `UNSUPPORTED_TARGETING`, `UNSUPPORTED_FORMAT` | the platform does not support it, item by item |
//! | `CONFLICT` | the request is based on an outdated version |
//! | `OPERATION_IN_PROGRESS` | the first request with this idempotency key is still running |
//! | `INVALID_STATE` | not possible in this status |
//! | `IDEMPOTENCY_CONFLICT` | the idempotency key was used with another body |
//! | `RATE_LIMITED` | too many requests |
//! | `PLATFORM_ERROR` | the ad server refused |
//! | `PLATFORM_UNAVAILABLE`, `ADAPTER_UNAVAILABLE` | temporarily unavailable |
//! | `ADAPTER_FAULT` | the component failed |
//! | `STORAGE_UNAVAILABLE`, `INTERNAL` | a failure of the host itself |

use super::{
    failure::{Failure, FailureKind},
    field::FieldPath,
    targeting::names,
};

names! {
    /// An error code of the interface. The number is its HTTP status.
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

impl ErrorCode {
    /// The error code of a failed call to an adapter.
    pub fn of(failure: &Failure) -> Self {
        let about = |part: fn(&FieldPath) -> bool| failure.items.iter().any(|item| part(&item.field));
        match failure.kind {
            FailureKind::Invalid => Self::InvalidParameter,
            FailureKind::Unsupported if about(FieldPath::concerns_targeting) => Self::UnsupportedTargeting,
            FailureKind::Unsupported if about(FieldPath::concerns_creative) => Self::UnsupportedFormat,
            FailureKind::Unsupported => Self::InvalidParameter,
            FailureKind::Permission
            | FailureKind::ApprovalRequired
            | FailureKind::Rejected
            | FailureKind::NotFound
            | FailureKind::Unresolved => Self::PlatformError,
            FailureKind::Unavailable if failure.code == "adapter_unavailable" => Self::AdapterUnavailable,
            FailureKind::Unavailable => Self::PlatformUnavailable,
            FailureKind::Fault => Self::AdapterFault,
        }
    }
}

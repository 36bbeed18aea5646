//! The codes of what goes wrong, on every face and in what is recorded.
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

use super::{
    failure::{Failure, FailureKind},
    field::FieldPath,
    targeting::names,
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

impl ErrorCode {
    /// The code of a failed call to an adapter.
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

//! Failures of adapters and of the sandbox.

use serde::{Deserialize, Serialize};

use super::{problem::Problem, targeting::names};

names! {
    /// The kind of a failure, which decides how the host reacts.
    FailureKind {
        /// The request is invalid for the platform: report it to the buyer.
        Invalid = "invalid",
        /// The platform does not support it: report it to the buyer, item by item.
        Unsupported = "unsupported",
        /// The platform's account lacks a permission: `pending_permission`.
        Permission = "permission",
        /// The platform requires approval: `pending_manual`.
        ApprovalRequired = "approval_required",
        /// Refused permanently: the operation fails.
        Rejected = "rejected",
        /// Temporarily unavailable: retry later.
        Unavailable = "unavailable",
        /// The object to be changed does not exist: the operation fails.
        NotFound = "not_found",
        /// A step may have happened and the adapter can't find out: a person must look.
        Unresolved = "unresolved",
        /// The component trapped, exceeded a limit, or violated the contract.
        Fault = "fault",
    }
}

impl FailureKind {
    /// Whether the failure is about the request itself, so that its reason is useful to a buyer.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Invalid | Self::Unsupported | Self::ApprovalRequired | Self::Rejected | Self::NotFound)
    }
}

/// The error response of the ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The ad server's error code; may be empty.
    pub code: String,
    /// The ad server's message.
    pub message: String,
}

/// A failed call to an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind, which decides how the host reacts.
    pub kind: FailureKind,
    /// A stable identifier, such as `unsupported_device_type` or `memory_limit`.
    pub code: String,
    /// For people: what happened, and what to do.
    pub message: String,
    /// Every individual problem.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Problem>,
    /// The minimum time before a retry, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The error response of the ad server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformAnswer>,
}

/// The details of a failure, in addition to its code and message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FailureDetails {
    /// Every individual problem.
    Items {
        /// The problems, in the order in which they were found.
        items: Vec<Problem>,
    },
    /// Other details, or none (`null`).
    Other(serde_json::Value),
}

impl Failure {
    /// Creates a failure without items.
    pub fn new(kind: FailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            items: Vec::new(),
            retry_after_ms: None,
            platform: None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if let Some(answer) = &self.platform {
            write!(f, " (the ad server answered {}", answer.status)?;
            if !answer.code.is_empty() {
                write!(f, " {}", answer.code)?;
            }
            if !answer.message.is_empty() {
                write!(f, ": {}", answer.message)?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form that hosts of every version write.
    #[test]
    fn what_was_refused_field_by_field_is_read_and_written_as_ever() {
        for stored in [
            r#"{"items":[{"field":"/packages/news/targeting_overlay/os_any_of","message":"no","value":"beos","supported":["ios"],"suggestion":"so"},{"field":"/zone","message":"no"}]}"#,
            r#"{"items":[{"field":"","message":"no"}]}"#,
            r#"{"platform":{"status":400},"reason":"rejected"}"#,
            r#"{"items":"none"}"#,
            "null",
        ] {
            let details: FailureDetails = serde_json::from_str(stored).unwrap();
            let is_items = stored.contains("\"message\"");
            assert_eq!(matches!(details, FailureDetails::Items { .. }), is_items, "{stored}");
            assert_eq!(serde_json::to_string(&details).unwrap(), stored);
        }
    }
}

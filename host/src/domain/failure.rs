//! How an adapter or the sandbox fails, and what follows from it.

use serde::{Deserialize, Serialize};

use super::{problem::Problem, targeting::names};

names! {
    /// What went wrong, and so what the host does.
    FailureKind {
        /// The request makes no sense for the platform: tell the buyer.
        Invalid = "invalid",
        /// The platform can't: tell the buyer, item by item.
        Unsupported = "unsupported",
        /// The platform's account may not: `pending_permission`.
        Permission = "permission",
        /// The platform wants consent: `pending_manual`.
        ApprovalRequired = "approval_required",
        /// Refused for good: the operation fails.
        Rejected = "rejected",
        /// Try again later.
        Unavailable = "unavailable",
        /// What is to be changed is not there: the operation fails.
        NotFound = "not_found",
        /// A step may have happened and nobody can tell: a person looks.
        Unresolved = "unresolved",
        /// The component trapped, ran out of a limit, or broke the contract.
        Fault = "fault",
    }
}

impl FailureKind {
    /// Whether it is about what was asked for, so that a buyer has use for the reason.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Invalid | Self::Unsupported | Self::ApprovalRequired | Self::Rejected | Self::NotFound)
    }
}

/// What the ad server itself said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its own error code, may be empty.
    pub code: String,
    /// Its own words.
    pub message: String,
}

/// A failure of a call to an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the host does about it.
    pub kind: FailureKind,
    /// A stable word, as `unsupported_device_type` or `memory_limit`.
    pub code: String,
    /// For people: what happened and what to do.
    pub message: String,
    /// Every single thing that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Problem>,
    /// Not before so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The ad server's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformAnswer>,
}

/// What stands beside the words of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FailureDetails {
    /// Every single thing that is wrong.
    Items {
        /// In the order in which they were found.
        items: Vec<Problem>,
    },
    /// Something else, or nothing (`null`).
    Other(serde_json::Value),
}

impl Failure {
    /// A failure without items.
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

    /// As hosts of every version write it.
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

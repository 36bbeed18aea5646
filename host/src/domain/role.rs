//! The roles of callers.

use super::targeting::names;

names! {
    /// The role of a token.
    Role {
        /// Buys media for one principal.
        Buyer = "buyer",
        /// Handles the publisher's tasks.
        Reviewer = "reviewer",
        /// Operates the host.
        Operator = "operator",
    }
}

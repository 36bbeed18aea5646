//! What callers may do.

use super::targeting::names;

names! {
    /// What a token may do.
    Role {
        /// Buys, for one principal.
        Buyer = "buyer",
        /// Works the publisher's tasks.
        Reviewer = "reviewer",
        /// Runs the host.
        Operator = "operator",
    }
}

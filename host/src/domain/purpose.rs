//! The purposes of calls to adapters. The purpose decides a call's priority and its circuit
//! breaker.

use super::targeting::names;

names! {
    /// The purpose of a call, the most urgent first.
    Purpose {
        /// Changes something on the ad server.
        Change = "change",
        /// Plans a change. Uses no network.
        Plan = "plan",
        /// Reads the status or the delivery of buys.
        Read = "read",
    }
}

impl Purpose {
    /// The purposes that have a circuit breaker, one each. Plans have none: nothing can be accepted
    /// without a plan, and a plan costs no more than its own limits.
    pub const GUARDED: [Self; 2] = [Self::Change, Self::Read];
}

//! What an adapter is called for: what gets its turn first, and what may be left alone without anybody else noticing.

use super::targeting::names;

names! {
    /// What an adapter is called for, the most urgent first.
    Purpose {
        /// To change something on the ad server.
        Change = "change",
        /// To say what a change will do there. No network is used.
        Plan = "plan",
        /// To ask how buys stand, or what they delivered.
        Read = "read",
    }
}

impl Purpose {
    /// Those for which an adapter that keeps breaking is left alone, each by itself. A plan is asked always: nothing can be accepted without
    /// one, and it costs no more than its own limits.
    pub const GUARDED: [Self; 2] = [Self::Change, Self::Read];
}

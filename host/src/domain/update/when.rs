//! When a change was asked for, which decides whose word holds.

use crate::domain::time::Timestamp;

/// When a change was asked for, and when it is applied.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// When the buyer asked for it.
    pub asked: Timestamp,
    /// The moment against which dates are checked.
    pub now: Timestamp,
}

impl When {
    /// Asked for at this moment.
    pub const fn at_once(now: Timestamp) -> Self {
        Self { asked: now, now }
    }

    /// Sets whether something may deliver, unless the buyer said something else since: a pause overtakes what waits, and what
    /// waited must not undo it.
    pub(super) fn switch(self, active: &mut bool, switched_at: &mut Option<Timestamp>, wanted: Option<bool>) {
        if let Some(wanted) = wanted.filter(|_| switched_at.is_none_or(|since| since <= self.asked)) {
            *active = wanted;
            *switched_at = Some(self.asked);
        }
    }
}

//! The time at which a change was requested, which decides which of two changes wins.

use crate::domain::time::Timestamp;

/// When a change was requested, and when it is applied.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// The time at which the buyer requested it.
    pub asked: Timestamp,
    /// The time against which dates are checked.
    pub now: Timestamp,
}

impl When {
    /// A change that is requested and applied at the same time.
    pub const fn at_once(now: Timestamp) -> Self {
        Self { asked: now, now }
    }

    /// Sets whether something may deliver, unless the buyer changed it after this request. A pause
    /// overtakes operations that wait, and those must not undo it later.
    pub(super) fn switch(self, active: &mut bool, switched_at: &mut Option<Timestamp>, wanted: Option<bool>) {
        if let Some(wanted) = wanted.filter(|_| switched_at.is_none_or(|since| since <= self.asked)) {
            *active = wanted;
            *switched_at = Some(self.asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing;

    #[test]
    fn the_word_that_was_said_last_holds_whatever_is_carried_out_last() {
        let start = testing::buy(1).start;
        let at = |ms: i64| When { asked: start.plus_millis(ms), now: start };
        let (mut active, mut since) = (true, None);
        at(2).switch(&mut active, &mut since, Some(false));
        assert_eq!((active, since), (false, Some(at(2).asked)));
        at(1).switch(&mut active, &mut since, Some(true));
        assert_eq!((active, since), (false, Some(at(2).asked)), "asked for before the pause, carried out after it");
        at(3).switch(&mut active, &mut since, None);
        assert_eq!((active, since), (false, Some(at(2).asked)), "says nothing of it");
        at(2).switch(&mut active, &mut since, Some(true));
        assert!(active, "the same change, carried out again");
    }
}

//! Questions that a reviewer asks the buyer about a task. While one is open, the task's due date
//! stands still: nobody at the publisher can be late with a decision that waits for the buyer.

use serde::{Deserialize, Serialize};

use super::{task::Task, time::Timestamp};

/// A question to the buyer, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inquiry {
    /// The reviewer: the name of the token.
    pub by: String,
    /// When it was asked.
    pub at: Timestamp,
    /// The question.
    pub words: String,
    /// The buyer's answer, once there is one.
    pub answer: Option<InquiryAnswer>,
}

/// A buyer's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InquiryAnswer {
    /// Who answered: the name of the token.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The answer.
    pub words: String,
}

impl Task {
    /// The question that waits for the buyer's answer.
    pub fn open_inquiry(&self) -> Option<&Inquiry> {
        let last = self.inquiries.last().filter(|inquiry| inquiry.answer.is_none());
        last.filter(|_| self.status.is_open() && self.decision.is_none())
    }

    /// Asks the buyer. Returns whether that was possible: one question at a time is open.
    pub fn ask_buyer(&mut self, by: &str, words: &str, at: Timestamp) -> bool {
        if self.open_inquiry().is_some() {
            return false;
        }
        self.inquiries.push(Inquiry { by: by.to_owned(), at, words: words.to_owned(), answer: None });
        self.version += 1;
        true
    }

    /// Answers the open question, and moves the due date by the time for which it stood still, but
    /// not past the task's end. Returns whether there was one.
    pub fn answer_reviewer(&mut self, by: &str, words: &str, at: Timestamp) -> bool {
        let Some(asked) = self.open_inquiry().map(|inquiry| inquiry.at) else { return false };
        if let Some(inquiry) = self.inquiries.last_mut() {
            inquiry.answer = Some(InquiryAnswer { by: by.to_owned(), at, words: words.to_owned() });
        }
        // A task that was late already when the question was asked stays as late as it was.
        self.due_by = self.due_by.plus(asked.until(at)).min(self.expires_at);
        self.version += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{task::TaskStatus, testing};

    fn at(seconds: i64) -> Timestamp {
        testing::task().created_at.plus_millis(seconds * 1_000)
    }

    #[test]
    fn the_clock_stands_still_while_the_buyer_is_asked() {
        let mut task = Task { due_by: at(100), expires_at: at(10_000), ..testing::task() };
        assert!(task.is_overdue(at(101)));
        assert!(task.ask_buyer("ana", "for which brand?", at(40)));
        assert!(!task.ask_buyer("ana", "and when?", at(41)), "one question at a time");
        assert!(!task.is_overdue(at(5_000)));
        assert!(task.answer_reviewer("agency", "shoes", at(1_040)));
        assert_eq!(task.due_by, at(1_100), "sixty seconds were left, and are left");
        assert!(!task.answer_reviewer("agency", "and hats", at(1_050)), "nothing is asked any more");
        assert!(!task.is_overdue(at(1_100)) && task.is_overdue(at(1_101)));
        assert!(task.ask_buyer("ana", "until when?", at(1_200)));
        task.status = TaskStatus::Failed;
        assert_eq!(task.open_inquiry(), None, "a closed task asks nothing");
    }

    proptest! {
        #[test]
        fn the_time_to_decide_is_neither_lost_nor_won(
            rounds in prop::collection::vec((0i64..500, 0i64..500), 0..8),
        ) {
            let mut task = Task { due_by: at(2_000), expires_at: at(1_000_000), ..testing::task() };
            let (mut now, mut asked_for) = (0, 0);
            for (thinks, waits) in rounds {
                now += thinks;
                prop_assert!(task.ask_buyer("ana", "?", at(now)));
                now += waits;
                asked_for += waits;
                prop_assert!(task.answer_reviewer("agency", "!", at(now)));
            }
            prop_assert_eq!(task.due_by, at(2_000 + asked_for));
        }
    }
}

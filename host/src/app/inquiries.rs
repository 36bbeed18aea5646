//! `ask_buyer` and `answer_task`: a reviewer's question about a task, and the buyer's answer.

use crate::{
    app::{
        App, TaskView,
        caller::Caller,
        error::{AppError, ErrorCode},
        tasks::line,
    },
    domain::{
        event::EventKind,
        id::TaskId,
        task::{Task, TaskStatus},
        time::Timestamp,
    },
    operations::events,
    store::{Recording, Write},
};

/// The action of a question in a task's history.
pub(super) const ASK: &str = "ask_buyer";

/// The action of an answer.
const ANSWER: &str = "answer";

impl App {
    /// Asks the buyer something about a task. The caller takes the task, as far as nobody has it. Its
    /// due date stands still until the buyer answers; the task still ends when it expires.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `INVALID_STATE`.
    pub async fn ask_buyer(&self, caller: &Caller, id: &TaskId, question: &str) -> Result<TaskView, AppError> {
        caller.reviewer()?;
        self.change_task(caller, id, |task, at, recording| {
            if !task.status.is_open() || task.decision.is_some() {
                return Err(AppError::state("it is decided: there is nothing to ask any more").current_task(task));
            }
            if matches!(task.status, TaskStatus::Pending | TaskStatus::Assigned) {
                super::tasks::take_up(task, caller, at, recording)?;
            }
            if !task.ask_buyer(&caller.name, question, at) {
                return Err(AppError::state("the buyer has not answered the last question yet")
                    .suggest("wait for the answer, or decide without it")
                    .current_task(task));
            }
            told(task, caller, (ASK, question), EventKind::TaskQuestionAsked, at, recording);
            Ok(())
        })
        .await
    }

    /// Answers the question that a reviewer asked about a task. Sent twice, it is one answer.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` unless the buyer answers, `NOT_FOUND`, `INVALID_STATE` if nothing is asked,
    /// `CONFLICT` if another answer was given.
    pub async fn answer_task(&self, caller: &Caller, id: &TaskId, answer: &str) -> Result<TaskView, AppError> {
        caller.buyer()?;
        let task = self.visible_task(caller, id).await?.value;
        if let Some(given) = task.inquiries.last().and_then(|inquiry| inquiry.answer.as_ref()) {
            return match given.words == answer {
                true => self.view(caller, task).await,
                false => Err(AppError::new(ErrorCode::Conflict, "the question was answered already, otherwise")
                    .suggest("get the task to see the answer; the reviewer may ask again")),
            };
        }
        self.change_task(caller, id, |task, at, recording| {
            if !task.answer_reviewer(&caller.name, answer, at) {
                return Err(AppError::state("nothing is asked about this task"));
            }
            told(task, caller, (ANSWER, answer), EventKind::TaskQuestionAnswered, at, recording);
            Ok(())
        })
        .await
    }
}

/// Records a question or an answer: in the task's history, in the audit log and as an event.
fn told(
    task: &Task,
    caller: &Caller,
    (action, words): (&str, &str),
    kind: EventKind,
    at: Timestamp,
    recording: &mut Recording,
) {
    let entry = events::history(&caller.signature(), action, task.status, task.status, Some(words), at);
    recording.push(Write::History(task.id.clone(), entry));
    recording.push(Write::Audit(line(kind.as_str(), task, caller, Some(words.to_owned()), at)));
    if let Some(inquiry) = task.inquiries.last() {
        recording.push(Write::Event(events::inquiry_event(kind, task, inquiry, at)));
    }
}

//! `complete_tasks`: several decisions in one request, each with a result of its own.

use crate::{
    app::{App, Decide, TaskView, caller::Caller, error::AppError},
    domain::id::TaskId,
};

/// The most decisions of one request. Each is a transaction, and they are made one after the other.
pub const MOST_DECISIONS: usize = 50;

/// A decision's result.
#[derive(Debug)]
pub struct Decided {
    /// The task.
    pub task: TaskId,
    /// The task as it is now, or why it was not decided.
    pub result: Result<TaskView, AppError>,
}

impl App {
    /// Decides several tasks in order. One that is refused does not keep the others from being
    /// decided.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for buyers.
    pub async fn complete_tasks(&self, caller: &Caller, decisions: Vec<Decide>) -> Result<Vec<Decided>, AppError> {
        caller.reviewer()?;
        let mut results = Vec::with_capacity(decisions.len());
        for decide in decisions.into_iter().take(MOST_DECISIONS) {
            let task = decide.task.clone();
            results.push(Decided { task, result: self.complete_task(caller, decide).await });
        }
        Ok(results)
    }
}

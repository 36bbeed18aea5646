//! The checklist of an installation and the feed of what happens, as the desk shows them.

use crate::{
    app::{App, caller::Caller, error::AppError, lists::DEFAULT_LIMIT},
    domain::event::Event,
    operations::checklist::{self, Check, Reached},
};

/// A page of the feed, newest first.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    /// The events.
    pub events: Vec<Event>,
    /// The number before which the next page begins.
    pub older: Option<i64>,
}

impl App {
    /// Returns what an installation needs and what of it is missing. Of the platforms it says what
    /// this host knows already, and asks none.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, or when the store can't be read.
    pub async fn setup_checks(&self, caller: &Caller) -> Result<Vec<Check>, AppError> {
        caller.reviewer()?;
        let known = |name: &_| self.known_account(name).map_or(Reached::NotRead, Reached::Read);
        Ok(checklist::checks(&self.config, &self.adapters, Some(&self.store), known).await?)
    }

    /// Returns the latest events of all media buys, or those before a number.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, or when the store can't be read.
    pub async fn activity(&self, caller: &Caller, before: Option<i64>) -> Result<Feed, AppError> {
        caller.reviewer()?;
        let mut found = self.store.recent_events(before, DEFAULT_LIMIT + 1).await?;
        let more = found.len() > DEFAULT_LIMIT as usize;
        found.truncate(DEFAULT_LIMIT as usize);
        let older = found.last().filter(|_| more).map(|(number, _)| *number);
        Ok(Feed { events: found.into_iter().map(|(_, event)| event).collect(), older })
    }
}

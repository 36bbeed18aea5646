//! The steps of a call over an operation's journal, as a call of an adapter has them.

use std::{ops::Deref, sync::Arc};

use flightdeck::{
    adapters::{CallSteps, JournalError},
    operations::journal::OperationJournal,
};

pub(crate) struct Pages {
    pub(crate) journal: Arc<OperationJournal>,
    steps: Arc<CallSteps>,
}

impl Pages {
    pub(crate) fn of(journal: OperationJournal) -> Self {
        let journal = Arc::new(journal);
        Self { steps: CallSteps::new(journal.clone(), &[]), journal }
    }

    /// Ends the call, and records what it left.
    pub(crate) async fn close(&self) -> Result<(), JournalError> {
        self.leave();
        self.journal.close().await
    }
}

impl Deref for Pages {
    type Target = CallSteps;

    fn deref(&self) -> &CallSteps {
        &self.steps
    }
}

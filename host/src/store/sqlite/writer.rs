//! The single writer: a task that owns a connection and merges waiting writes into one commit.
//!
//! The cost of a write is the disk sync at its commit. SQLite lets one connection write at a time,
//! so several connections would only queue up where the host can't see the queue. Here the host
//! owns the queue. It takes everything that waits at once, runs each write in its own savepoint,
//! and pays for all of them with one commit. No caller gets a result before that commit has
//! returned.
//!
//! A rejected write undoes only itself. An error of the connection or the disk fails the whole
//! batch: every caller gets the error, nothing of the batch was written, and the next batch begins
//! on a new connection.

use std::panic::AssertUnwindSafe;

use futures::{FutureExt, future::BoxFuture};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    error::{again, breaks_transaction, closed, from_sqlx},
    lock::Lock,
};
use crate::store::StoreError;

/// The maximum number of writes that share a commit. More would keep the first callers waiting; at
/// some 0.1 ms per write, this many take less than the sync of a slow disk.
const BATCH: usize = 64;

/// The number of writes that may be queued; further callers wait for room. Four batches keep the
/// writer busy.
const QUEUE: usize = 256;

/// A handle to the writer.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    task: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Write(Box<dyn Job>),
    Close,
}

impl Writer {
    /// Starts the writer on an open connection. The writer holds the lock, if there is one, for as
    /// long as it may write.
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions, lock: Option<Lock>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let writer = WriterTask { connection: Some(connection), options, _lock: lock };
        Self { queue, task: Mutex::new(Some(tokio::spawn(writer.work(waiting)))) }
    }

    /// Runs `work` in a transaction, alone or together with others.
    ///
    /// If the returned future is dropped before it completes, the write may or may not happen.
    ///
    /// # Errors
    /// The error of `work`, or the reason why it could not be run or committed.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Ask { work: Some(work), result: None, caller });
        self.queue.send(Message::Write(job)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Returns whether the writer takes writes.
    pub(super) fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Finishes the queued writes, closes the connection and releases the lock.
    pub(super) async fn close(&self) {
        // If the queue is already closed, so is the writer, and all that is left is to wait for its
        // end.
        let _ = self.queue.send(Message::Close).await;
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the database's writer did not end as it should");
        }
    }
}

/// The result of a write that has run but is not committed.
enum Verdict {
    Done,
    Refused,
    Broken(StoreError),
}

/// A write in the queue, independent of its result type.
trait Job: Send {
    /// Returns whether the caller has gone.
    fn is_abandoned(&self) -> bool;
    /// Runs the write and keeps its result.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Verdict>;
    /// Sends the caller the result, or the reason why the batch failed.
    fn answer(self: Box<Self>, failure: Option<&StoreError>);
}

struct Ask<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Ask<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Verdict> {
        async move {
            let Some(work) = self.work.take() else { return Verdict::Refused };
            let result = work(connection).await;
            let verdict = match &result {
                Ok(_) => Verdict::Done,
                Err(error) if breaks_transaction(error) => Verdict::Broken(again(error)),
                Err(_) => Verdict::Refused,
            };
            self.result = Some(result);
            verdict
        }
        .boxed()
    }

    fn answer(self: Box<Self>, failure: Option<&StoreError>) {
        // Even a rejection counts only if the batch was committed, because it may depend on another
        // write of the batch.
        let result = match (failure, self.result) {
            (Some(error), _) => Err(again(error)),
            (None, Some(result)) => result,
            (None, None) => Err(closed()),
        };
        // A caller that has gone needs no answer.
        let _ = self.caller.send(result);
    }
}

/// The task that owns the writing connection.
struct WriterTask {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    _lock: Option<Lock>,
}

impl WriterTask {
    async fn work(mut self, mut waiting: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        let mut closing = false;
        while !closing && waiting.recv_many(&mut messages, BATCH).await > 0 {
            let mut jobs = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Write(job) if !closing && !job.is_abandoned() => jobs.push(job),
                    Message::Write(_) => {}
                    Message::Close => closing = true,
                }
            }
            self.run_batch(jobs).await;
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed cleanly; it will be recovered when it is opened");
        }
    }

    async fn run_batch(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        // A panic in a write is a bug, but it must not leave all other callers waiting forever.
        let outcome = AssertUnwindSafe(self.commit(&mut jobs)).catch_unwind().await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("a write panicked, which is a bug; the log has more".to_owned()))
        });
        if let Err(error) = &outcome {
            tracing::error!(%error, writes = jobs.len(), "nothing could be written");
            // The state of the connection is unknown, and closing it rolls back.
            if let Some(connection) = self.connection.take() {
                let _ = connection.close_hard().await;
            }
        }
        for job in jobs {
            job.answer(outcome.as_ref().err());
        }
    }

    async fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.options.connect().await.map_err(from_sqlx)?),
        };
        match jobs {
            [job] => commit_one(connection, job.as_mut()).await,
            jobs => commit_all(connection, jobs).await,
        }
    }
}

async fn commit_one(connection: &mut SqliteConnection, job: &mut dyn Job) -> Result<(), StoreError> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    match job.run(connection).await {
        Verdict::Done => execute(connection, "COMMIT").await,
        Verdict::Refused => execute(connection, "ROLLBACK").await,
        Verdict::Broken(error) => Err(error),
    }
}

async fn commit_all(connection: &mut SqliteConnection, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    // Two statements in one command, because each command costs a hop to the connection's thread.
    execute(connection, "BEGIN IMMEDIATE; SAVEPOINT job").await?;
    let last = jobs.len().saturating_sub(1);
    for (index, job) in jobs.iter_mut().enumerate() {
        match job.run(connection).await {
            Verdict::Done if index < last => execute(connection, "RELEASE job; SAVEPOINT job").await?,
            Verdict::Done => {}
            // The savepoint itself stays for the next write.
            Verdict::Refused => execute(connection, "ROLLBACK TO job").await?,
            Verdict::Broken(error) => return Err(error),
        }
    }
    execute(connection, "RELEASE job; COMMIT").await
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), StoreError> {
    match sqlx::query(sql).execute(connection).await.map_err(from_sqlx) {
        Ok(_) => Ok(()),
        // Any error: a transaction that fails to begin or end is not the fault of a single write.
        Err(error) => Err(again(&error)),
    }
}

#[cfg(test)]
mod tests;

//! The output that a guest prints, bounded and without secrets.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::adapters::egress::credentials::Injection;

/// Maximum bytes that a guest may pass in one write.
const CHUNK: usize = 4096;

/// Maximum lines of one call that reach the log; the rest is counted.
const LINES: usize = 100;

#[derive(Debug, Default)]
struct Printed {
    bytes: Vec<u8>,
    dropped: usize,
}

/// Collects what is printed. Output beyond the limit is accepted and dropped: printing too much is
/// no failure.
#[derive(Debug, Clone)]
pub(crate) struct GuestLog {
    printed: Arc<Mutex<Printed>>,
    limit: usize,
}

impl GuestLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { printed: Arc::default(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, bytes: &[u8]) {
        let mut printed = self.lock();
        let room = self.limit.saturating_sub(printed.bytes.len()).min(bytes.len());
        printed.bytes.extend_from_slice(&bytes[..room]);
        printed.dropped += bytes.len() - room;
    }

    /// Writes the output to the host's log and returns it, for the log of a fault.
    pub(crate) fn flush(&self, adapter: &str, operation: &str, injection: &Injection) -> String {
        let (mut bytes, dropped) = {
            let mut printed = self.lock();
            (std::mem::take(&mut printed.bytes), std::mem::take(&mut printed.dropped))
        };
        injection.redact(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in text.lines().take(LINES).filter(|line| !line.trim().is_empty()) {
            tracing::info!(target: "flightdeck::guest", adapter, operation, "{}", line.escape_debug());
        }
        let more = text.lines().count().saturating_sub(LINES);
        if dropped > 0 || more > 0 {
            tracing::warn!(
                adapter,
                operation,
                code = "log_limit",
                "the adapter printed too much: {dropped} bytes and {more} lines were cut off"
            );
        }
        text
    }
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[async_trait]
impl Pollable for GuestLog {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestLog {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

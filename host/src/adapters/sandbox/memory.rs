//! Limits a guest's memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use wasmtime::ResourceLimiter;

use crate::adapters::limits::{LimitHit, Limits};

/// Counts all memories and all tables of one call together. Exceeding the limit ends the call with
/// a specific error; a guest whose allocation merely failed would only report `unreachable`.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    memory: usize,
    /// The same, for those who look at it after the instance is gone.
    seen: Arc<AtomicUsize>,
    most_memory: usize,
    elements: usize,
    most_elements: usize,
}

impl MemoryLimiter {
    pub(crate) fn new(limits: &Limits, seen: Arc<AtomicUsize>) -> Self {
        let most_memory = limits.memory_bytes.min(Limits::MAX_MEMORY);
        Self { memory: 0, seen, most_memory, elements: 0, most_elements: limits.table_elements }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.most_memory {
            return Err(LimitHit::Memory(self.most_memory).into());
        }
        self.memory = total;
        self.seen.store(total, Ordering::Relaxed);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(LimitHit::Memory(self.most_memory).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.elements.saturating_add(desired.saturating_sub(current));
        if total > self.most_elements {
            return Err(LimitHit::Table(self.most_elements).into());
        }
        self.elements = total;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(LimitHit::Table(self.most_elements).into())
    }

    /// Python components contain dozens; the pool has its own limit.
    fn instances(&self) -> usize {
        10_000
    }
}

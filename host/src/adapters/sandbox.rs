//! One call of an adapter: a fresh instance, its limits, and its result.
//!
//! Nothing of a call outlives it: store and instance are dropped at its end, however it ends, and
//! none of its requests leaves afterwards.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};
use wasmtime_wasi::{I32Exit, ResourceTable, ResourceTableError, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    admission::{Demand, Slot},
    call_cache::{CacheOfRelease, GuestCache, MisusedCache},
    egress::{CallEgress, DeclaredRequests, Gate, Hooks, Mode, PlatformEgress, Running, Traffic},
    engine::Runtime,
    failures::{self, FirstFailure, HOST_BUSY, OutOfTime, STOPPING},
    limits::{LimitHit, Limits},
    linked::{Exports, Linked},
    recording::Listening,
    steps::{GuestSteps, RefusedStep},
    usage::Usage,
    wait_times::{Party, WaitClock},
};
use crate::domain::{
    failure::{Failure, FailureKind},
    purpose::Purpose,
    time::Timestamp,
};

mod clock;
mod log;
mod memory;
mod meter;
mod threads;

pub(crate) use clock::ClockShift;
use clock::GuestClock;
use log::GuestLog;
use memory::MemoryLimiter;
use meter::{CpuClock, Metered};
pub(crate) use threads::Threads;

/// Random bytes that a guest may request at once. Keys and ids are smaller; more would only cost
/// the host time.
const RANDOM_BYTES: u64 = 64 * 1024;

/// Memory for the headers of one request or response, some 16 KiB on the wire.
const HEADER_BYTES: usize = 128 * 1024;

/// How long to wait after a call until its aborted requests have recorded their results. Normally
/// they do so at once.
const SETTLE: Duration = Duration::from_secs(5);

/// What a store holds for its guest.
pub(crate) struct CallState {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    memory: MemoryLimiter,
    pub(super) steps: GuestSteps,
    pub(super) cache: GuestCache,
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Everything that a call needs besides its arguments.
pub(crate) struct CallSetup<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) linked: &'a Linked,
    pub(crate) platform: &'a Arc<PlatformEgress>,
    pub(crate) purpose: Purpose,
    pub(crate) adapter: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) mode: Mode,
    /// The values that its release keeps between calls. `None` where an answer may depend on nothing
    /// but its arguments.
    pub(crate) cache: Option<CacheOfRelease>,
    pub(crate) declared: DeclaredRequests,
    pub(crate) limits: &'a Limits,
    /// When the caller gives up.
    pub(crate) deadline: Option<Timestamp>,
    /// How the guest's clock differs from the host's.
    pub(crate) clock: ClockShift,
    /// Who records the call, or answers its requests.
    pub(crate) listening: Listening,
}

/// A call that has ended.
pub(crate) struct Ended<T> {
    /// The answer of the exported function, or why there is none.
    pub(crate) answer: Result<T, Failure>,
    /// What the guest has printed, bounded and without secrets.
    pub(crate) printed: String,
}

/// Closes the gate when the call's future ends or is dropped.
struct ShutOnDrop(Arc<CallEgress>);

impl Drop for ShutOnDrop {
    fn drop(&mut self) {
        self.0.gate.shut();
    }
}

/// An exported function, to be called in an instance of its own.
pub(crate) trait Function<T>:
    for<'a> FnOnce(&'a mut Store<CallState>, &'a Exports) -> BoxFuture<'a, wasmtime::Result<T>> + Send + 'static
{
}

impl<T, F> Function<T> for F where
    F: for<'a> FnOnce(&'a mut Store<CallState>, &'a Exports) -> BoxFuture<'a, wasmtime::Result<T>> + Send + 'static
{
}

/// What a call uses while it runs, besides its instance.
struct Parts {
    egress: Arc<CallEgress>,
    log: GuestLog,
    clock: CpuClock,
    memory: Arc<AtomicUsize>,
    waiting: WaitClock,
}

impl Parts {
    /// Returns what the call has used when it ends after this time.
    fn used(&self, wall: Duration) -> Usage {
        let (requests, sent_bytes, received_bytes) = self.egress.traffic.so_far();
        let memory_bytes = self.memory.load(Ordering::Relaxed);
        Usage { memory_bytes, cpu: self.clock.used(), wall, requests, sent_bytes, received_bytes }
    }
}

impl CallSetup<'_> {
    /// Runs one exported function in a fresh instance, on the guest threads. Returns as well what the
    /// guest has printed, which only its author may be shown. The answer is a failure if a limit is
    /// hit, the guest traps, or something is refused; failures never reveal the host's internals.
    pub(crate) async fn run_and_listen<T: Send + 'static>(self, function: impl Function<T>) -> Ended<T> {
        let log = GuestLog::new(self.limits.log_bytes);
        let answer = self.run_with(&log, function).await;
        let printed = log.flush(self.adapter, self.operation, &self.platform.authentication.known());
        if let Some(recorder) = &self.listening.recorder {
            recorder.printed(&printed);
        }
        if let Err(failure) = &answer
            && failure.kind == FailureKind::Fault
        {
            tracing::error!(
                adapter = self.adapter,
                operation = self.operation,
                code = failure.code,
                printed = last(&printed),
                "{}",
                failure.message
            );
        }
        Ended { answer, printed }
    }

    async fn run_with<T: Send + 'static>(&self, log: &GuestLog, function: impl Function<T>) -> Result<T, Failure> {
        let wall = self.wall();
        let started = tokio::time::Instant::now();
        let waiting = WaitClock::default();
        let slot = self.slot(wall, &waiting).await?;
        let parts = self.parts(log, waiting, started, wall);
        let shut = ShutOnDrop(Arc::clone(&parts.egress));
        let called = self.call(&parts, slot, function)?;
        let called = tokio::time::timeout(wall.saturating_sub(started.elapsed()), called).await;
        // The wait times are read before anything is stopped.
        let waited = parts.waiting.so_far();
        drop(shut);
        parts.egress.running.close();
        if tokio::time::timeout(SETTLE, parts.egress.running.wait()).await.is_err() {
            tracing::error!(adapter = self.adapter, "requests of an ended call did not end");
        }
        self.runtime.peak.note(parts.used(started.elapsed()));

        let first_failure = &parts.egress.first_failure;
        match called {
            Ok(Ok(Ok(answer))) => first_failure.get().map_or(Ok(answer), Err),
            Ok(Ok(Err(error))) => Err(self.classify(&error, first_failure)),
            Ok(Err(ended)) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(stopping()),
            },
            Err(_) => Err(first_failure.get().unwrap_or_else(|| {
                let elapsed = started.elapsed();
                let whom = waited.waited_for(elapsed, self.limits.wall());
                failures::out_of_time(self.adapter, &OutOfTime { whom, waited, elapsed, allowed: wall })
            })),
        }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// When there is none in time, which is not the adapter's fault.
    async fn slot(&self, wall: Duration, waiting: &WaitClock) -> Result<Slot, Failure> {
        let _waits = waiting.begin(Party::Host);
        let demand = Demand {
            purpose: self.purpose,
            platform: &self.platform.name,
            bytes: self.limits.memory_bytes,
            requests_at_a_time: self.platform.pace.most_at_a_time(),
        };
        self.runtime.admission.admit(&demand, wall).await.ok_or_else(busy)
    }

    fn parts(&self, log: &GuestLog, waiting: WaitClock, started: tokio::time::Instant, wall: Duration) -> Parts {
        let egress = CallEgress {
            platform: Arc::clone(self.platform),
            mode: self.mode.clone(),
            declared: self.declared.clone(),
            limits: self.limits.clone(),
            first_failure: FirstFailure::default(),
            traffic: Traffic::default(),
            gate: Gate::default(),
            ends_at: started + wall,
            write_window: self.limits.write_window(wall),
            forbidden_headers: Mutex::default(),
            running: Running::new(waiting.clone()),
            listening: self.listening.clone(),
        };
        Parts {
            egress: Arc::new(egress),
            log: log.clone(),
            clock: CpuClock::default(),
            memory: Arc::default(),
            waiting,
        }
    }

    /// Starts the call. It keeps its slot until its instance is gone.
    fn call<T: Send + 'static>(
        &self,
        parts: &Parts,
        slot: Slot,
        function: impl Function<T>,
    ) -> Result<AbortOnDropHandle<wasmtime::Result<T>>, Failure> {
        let store = self.store(parts);
        let linked = self.linked.clone();
        let called = async move {
            // Locals are dropped in reverse order of declaration, so the slot goes last.
            let _slot = slot;
            let mut store = store;
            let adapter = linked.instantiate(&mut store).await?;
            function(&mut store, &adapter).await
        };
        let metered = Metered::new(called, parts.clock.clone(), parts.waiting.clone());
        self.runtime.threads.run(metered).ok_or_else(stopping)
    }

    fn wall(&self) -> Duration {
        let wall = self.limits.wall();
        self.deadline.map_or(wall, |deadline| wall.min(crate::clock::now().until(deadline)))
    }

    fn store(&self, Parts { egress, log, clock, memory, waiting }: &Parts) -> Store<CallState> {
        let limits = self.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut wasi = WasiCtx::builder();
        // Sockets and name lookups are denied by default; no file, variable or argument is passed
        // in.
        wasi.stdout(log.clone()).stderr(log.clone()).max_random_size(RANDOM_BYTES).allow_ip_name_lookup(false);
        if self.clock != ClockShift::NONE {
            wasi.wall_clock(GuestClock(self.clock));
        }
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HEADER_BYTES);
        let steps = match &self.mode {
            Mode::Write(steps) => Some(Arc::clone(steps)),
            Mode::Offline | Mode::Read => None,
        };
        let state = CallState {
            table,
            wasi: wasi.build(),
            http,
            hooks: Hooks(Arc::clone(egress)),
            memory: MemoryLimiter::new(limits, Arc::clone(memory)),
            steps: GuestSteps::new(steps, egress.first_failure.clone(), waiting.clone()),
            cache: GuestCache { of_release: self.cache.clone(), listening: self.listening.clone() },
        };
        let mut store = Store::new(&self.runtime.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.result_bytes);
        store.set_max_component_handles(limits.handles);
        // At every tick a running guest yields, and is killed once its CPU time is used up.
        store.set_epoch_deadline(1);
        let (clock, cpu) = (clock.clone(), limits.cpu());
        store.epoch_deadline_callback(move |_| {
            if clock.used() > cpu {
                return Err(LimitHit::Cpu(millis(cpu)).into());
            }
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }

    /// Classifies an error of the engine. The log gets all of it, the caller only its kind.
    fn classify(&self, error: &wasmtime::Error, first_failure: &FirstFailure) -> Failure {
        // Innermost cause first: a guest that traps because of a refusal is reported as refused.
        if let Some(failure) = first_failure.get() {
            return failure;
        }
        tracing::debug!(
            adapter = self.adapter,
            operation = self.operation,
            error = format!("{error:#}"),
            "a call ended"
        );
        if let Some(hit) = error.downcast_ref::<LimitHit>() {
            return failures::limit(self.adapter, *hit);
        }
        if let Some(RefusedStep(error)) = error.downcast_ref::<RefusedStep>() {
            return failures::journal(self.adapter, error);
        }
        if let Some(misused) = error.downcast_ref::<MisusedCache>() {
            return failures::fault("misuse", self.adapter, misused);
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return busy();
        }
        if error.downcast_ref::<ResourceTableError>().is_some_and(|error| matches!(error, ResourceTableError::Full)) {
            return failures::limit(self.adapter, LimitHit::Handles(self.limits.handles));
        }
        // The engine has no type for this error; a test pins its wording.
        let words = format!("{error:#}");
        if words.contains("fuel allocated for hostcalls has been exhausted") {
            return failures::limit(self.adapter, LimitHit::Result(self.limits.result_bytes));
        }
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return failures::fault("trap", self.adapter, format_args!("ended itself with status {}", exit.0));
        }
        match error.downcast_ref::<Trap>() {
            Some(trap) => failures::fault("trap", self.adapter, format_args!("stopped with an error: {trap}")),
            None => {
                failures::fault("trap", self.adapter, "stopped with an error; what it printed is in the host's log")
            }
        }
    }
}

fn busy() -> Failure {
    let mut failure =
        Failure::new(FailureKind::Unavailable, HOST_BUSY, "too many calls of adapters run at this moment");
    failure.retry_after_ms = Some(1_000);
    failure
}

fn stopping() -> Failure {
    Failure::new(FailureKind::Unavailable, STOPPING, "the host is stopping")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the end of what was printed, where the reason for a crash is.
fn last(printed: &str) -> &str {
    const KEEP: usize = 2_000;
    let from = printed.len().saturating_sub(KEEP);
    let from = (from..=printed.len()).find(|at| printed.is_char_boundary(*at)).unwrap_or(0);
    &printed[from..]
}

//! The only place that configures the WebAssembly engine.
//!
//! The process has one engine and one linker. Instances come from a pool of preallocated slots. If
//! the machine has no room for the pool, the engine allocates instances on demand, which is slower,
//! and logs this.

use std::{thread, time::Duration};

use flightdeck_bindings::v1::flightdeck::ad_server::{adapter_types, cache, steps};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    component::{Component, HasSelf, Linker},
};

use super::{
    admission::Admission,
    limits::Limits,
    linked::Linked,
    resources,
    sandbox::{CallState, Threads},
    usage::PeakUsage,
};

/// The interval at which running guests are checked. A tick of 1 ms drifts and costs; 10 ms is
/// accurate enough for limits of seconds.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// How much of its memory a slot keeps for the next call: most guests fit, and it need not be
/// cleared page by page.
const KEEP_RESIDENT: usize = 2 * 1024 * 1024;

/// Maximum core instances in a component. A Python component has more than 32.
const CORE_INSTANCES: u32 = 200;

/// Stack size of a guest. The default; deep recursion in a JSON parser fits.
const GUEST_STACK: usize = 512 * 1024;

/// Engine settings. They may differ between machines, but never between the server and its
/// compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// Maximum concurrent calls; more wait for their turn. Each takes 4 GiB of address space, not
    /// of memory.
    pub slots: u32,
    /// Whether to try the pool. Without it every call maps its own memory, which is two to four
    /// times slower.
    pub pooling: bool,
    /// Bytes that all calls together may use; a call that would exceed them waits. `None`: half of
    /// what the process may have. The other half is left to the host itself, the database's pages
    /// and whatever else runs on the machine.
    pub memory: Option<usize>,
    /// Threads on which guests compute. `None`: one fewer than there are cores, so that one is left
    /// to the host.
    pub threads: Option<usize>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { slots: 200, pooling: true, memory: None, threads: None }
    }
}

/// The engine, the linker, admission for calls, and the threads on which they compute.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    linker: Linker<CallState>,
    /// A slot is taken before an instance, so the pool never reports that it is empty.
    pub(crate) admission: Admission,
    pub(crate) threads: Threads,
    /// The most that a call has used so far.
    pub(crate) peak: PeakUsage,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// Starts the engine and its clock.
    ///
    /// # Errors
    /// When the machine supports neither the pool nor on-demand allocation; the engine's error.
    pub(crate) fn start(options: &EngineOptions) -> wasmtime::Result<Self> {
        let engine = if options.pooling {
            match Engine::new(&pooled(options.slots)) {
                Ok(engine) => engine,
                Err(error) => {
                    tracing::warn!(
                        error = %error,
                        slots = options.slots,
                        "no room for the pool of instances, calls will be slower: raise the limit of address space \
                         (ulimit -v) or lower `engine.slots`"
                    );
                    Engine::new(&plain())?
                }
            }
        } else {
            Engine::new(&plain())?
        };
        tick(&engine)?;
        let linker = linker(&engine)?;
        let slots = usize::try_from(options.slots).unwrap_or(1);
        let memory = options.memory.unwrap_or_else(|| resources::memory() / 2);
        let threads = options.threads.unwrap_or_else(|| resources::cores().saturating_sub(1)).max(1);
        let (admission, threads) = (Admission::new(slots, memory), Threads::start(threads)?);
        Ok(Self { engine, linker, admission, threads, peak: PeakUsage::default() })
    }

    /// Links a component, checking that everything it imports is provided and everything the host
    /// calls is exported.
    ///
    /// # Errors
    /// When it does not link; the engine's error, which `release` translates.
    pub(crate) fn link(&self, component: &Component) -> wasmtime::Result<Linked> {
        let kind = component.component_type();
        let exported: Vec<&str> = kind.exports(&self.engine).map(|(name, _)| name).collect();
        Linked::new(self.linker.instantiate_pre(component)?, &exported)
    }
}

/// Returns the engine of the compiler process, which generates the same code for the same input but
/// reserves no pool.
///
/// # Errors
/// When the engine can't be created.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&plain())
}

/// Returns the settings that compiled code depends on. They are set only here, so that code from
/// the compiler process fits the server.
fn plain() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // This version of the contract has no asynchronous WIT, and the bookkeeping would cost
        // every call.
        .concurrency_support(false)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(GUEST_STACK)
        // Function names for the log; never addresses or paths of the host.
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable);
    config
}

fn pooled(slots: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES))
        .total_memories(slots)
        .total_tables(slots.saturating_mul(4).max(64))
        .total_stacks(slots)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .table_elements(100_000)
        .max_memory_size(Limits::MAX_MEMORY)
        .max_component_instance_size(4 * 1024 * 1024)
        .max_core_instance_size(4 * 1024 * 1024)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    let mut config = plain();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Increments the engine's epoch until the engine is dropped.
fn tick(engine: &Engine) -> wasmtime::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("adapter-clock".to_owned()).spawn(move || {
        loop {
            thread::sleep(TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    })?;
    Ok(())
}

/// Links everything that a component may import. Files, sockets and the environment can be linked,
/// because every Rust, Go and Python guest imports them, but are empty: nothing is opened, resolved
/// or read through them.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    adapter_types::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
    steps::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
    cache::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
    Ok(linker)
}

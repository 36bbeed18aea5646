//! The one place that knows how the WebAssembly engine is set up.
//!
//! One engine and one linker for the process. Instances come from a pool of slots that are made ready before they are
//! needed; where the machine gives no room for the pool, the engine makes them on demand, slower, and says so.

use std::{thread, time::Duration};

use flightdeck_bindings::v0_1::{
    AdapterPre,
    flightdeck::ad_server::{steps, types},
};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    component::{Component, HasSelf, Linker},
};

use super::{
    admission::Admission,
    limits::Limits,
    resources,
    sandbox::{CallState, Threads},
};

/// How often running guests are looked at. A tick of 1 ms drifts and costs; 10 ms is exact enough for limits of seconds.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What an instance keeps of its memory for the next call: most guests fit, and it need not be cleared page by page.
const KEEP_RESIDENT: usize = 2 * 1024 * 1024;

/// Core instances in a component. A Python component has more than 32.
const CORE_INSTANCES: u32 = 200;

/// Stack of a guest. The default: deep recursion in a JSON parser fits.
const GUEST_STACK: usize = 512 * 1024;

/// How the engine is set up. It may differ from machine to machine, never between the server and its compiler.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Calls that run at a time; more wait for their turn. Each takes 4 GiB of address space, not of memory.
    pub slots: u32,
    /// Whether to try the pool. Without it every call maps its own memory, which is two to four times slower.
    pub pooling: bool,
    /// Bytes that all calls together may use; a call that would be too much waits. `None`: half of what the process may have, so that the
    /// other half is left to the host itself, the database's pages and whatever else runs on the machine.
    pub memory: Option<usize>,
    /// Threads on which guests compute. `None`: one less than there are cores, so that one is left to the host.
    pub threads: Option<usize>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { slots: 200, pooling: true, memory: None, threads: None }
    }
}

/// The engine, the linker, room for calls, and the threads on which they compute.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    linker: Linker<CallState>,
    /// A place is taken before an instance: the pool never says that it is empty.
    pub(crate) admission: Admission,
    pub(crate) threads: Threads,
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
    /// What the engine says if neither the pool nor the plain way works on this machine.
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
        Ok(Self { engine, linker, admission, threads })
    }

    /// Links a component: everything that it imports is there and everything that the host calls is exported.
    ///
    /// # Errors
    /// The engine's words; `release` translates them.
    pub(crate) fn link(&self, component: &Component) -> wasmtime::Result<AdapterPre<CallState>> {
        AdapterPre::new(self.linker.instantiate_pre(component)?)
    }
}

/// The engine of the compiler process: the same code for the same input, without the pool's room.
///
/// # Errors
/// What the engine says.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&plain())
}

/// What compiled code depends on is set here and nowhere else, so that code of the compiler process fits the server.
fn plain() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // No asynchronous WIT in this version of the contract, and its bookkeeping costs every call.
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

/// Moves the engine's epoch on until the engine is gone.
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

/// Everything that a component may import. Files, sockets and the environment are there to be linked, because every
/// Rust, Go and Python guest names them, and are empty: nothing is opened, resolved or read through them.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    types::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
    steps::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
    Ok(linker)
}

//! Compiling a component into native code, in a process of its own.
//!
//! A compiler is the largest piece of code that reads an untrusted file, it takes seconds and hundreds of megabytes
//! for a large component, and it keeps them. So the server starts itself again as `flightdeck compile`, with low
//! priority and a bound on memory, and only loads what comes out.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, sync::Semaphore};

use super::engine;

/// Address space of the compiler, in KiB as `ulimit -v` counts: 4 GiB. A Python component takes 300 MiB of memory and
/// several times as much address space.
const ADDRESS_SPACE_KIB: u32 = 4 * 1024 * 1024;

/// How long a compilation may take. A Python component takes 15 s on two slow cores.
const PATIENCE: Duration = Duration::from_secs(300);

/// Compilations at a time: each uses all cores.
const AT_A_TIME: usize = 1;

/// What of the compiler's own words is kept.
const WORDS: usize = 2_000;

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// The compiler does not take it.
    #[error("is no component that this host can compile: {0}")]
    Refused(String),
    /// The compiler could not be started.
    #[error("the compiler could not be started ({path}): {source}; set its path to the flightdeck program")]
    Start {
        /// The program.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// It took too long.
    #[error("compiling took longer than {} s; compile it on a faster machine or make it smaller", PATIENCE.as_secs())]
    TooSlow,
}

/// Starts compiler processes.
#[derive(Debug)]
pub(crate) struct Compiler {
    program: PathBuf,
    turn: Semaphore,
}

impl Compiler {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program, turn: Semaphore::new(AT_A_TIME) }
    }

    /// Compiles `input` into `output`.
    pub(crate) async fn compile(&self, input: &Path, output: &Path) -> Result<(), CompileError> {
        let start = |source| CompileError::Start { path: self.program.clone(), source };
        let _turn = self.turn.acquire().await.map_err(|error| start(std::io::Error::other(error)))?;
        // The shell sets what this process may not set for another one without unsafe code. Paths are its arguments,
        // never part of its program.
        let script =
            format!("ulimit -v {ADDRESS_SPACE_KIB}; exec nice -n 10 \"$0\" compile --input \"$1\" --output \"$2\"");
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg(&self.program).arg(input).arg(output);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().map_err(start)?;
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let ended = ended.map_err(|_| CompileError::TooSlow)?.map_err(start)?;
        if ended.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&ended.stderr);
        let words: String = words.trim().chars().take(WORDS).collect();
        match ended.status.code() {
            // What a shell says if there is no such program, or it may not be run.
            Some(126 | 127) => Err(start(std::io::Error::other(words))),
            Some(_) => Err(CompileError::Refused(words)),
            None => Err(CompileError::Refused(format!("the compiler was killed ({})", ended.status))),
        }
    }
}

/// The work of `flightdeck compile`: reads a component, checks all of it, and writes native code for this machine.
///
/// # Errors
/// A file that can't be read or written, a component that can't be compiled.
pub fn compile_main(input: &Path, output: &Path) -> Result<(), CompileError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| CompileError::File { path, source }
    };
    let component = std::fs::read(input).map_err(file(input))?;
    let refused = |error: wasmtime::Error| CompileError::Refused(format!("{error:#}"));
    let engine = engine::compiler().map_err(refused)?;
    let code = engine.precompile_component(&component).map_err(refused)?;
    std::fs::write(output, code).map_err(file(output))
}

//! Compiles a component into native code in a separate process.
//!
//! A compiler is the largest piece of code that reads an untrusted file. For a large component it
//! takes seconds and hundreds of megabytes of memory, and doesn't give the memory back. So the
//! server starts itself again as `flightdeck compile`, with low priority and bounded memory, and
//! only loads the result.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, sync::Semaphore};

use super::{compatibility, engine};

/// The compiler's address space, in KiB as for `ulimit -v`: 4 GiB. A Python component takes 300 MiB
/// of memory and several times as much address space.
const ADDRESS_SPACE_KIB: u32 = 4 * 1024 * 1024;

/// How long a compilation may take. A Python component takes 15 s on two slow cores.
const PATIENCE: Duration = Duration::from_secs(300);

/// Concurrent compilations: one, because each uses all cores.
const AT_A_TIME: usize = 1;

/// The maximum length of compiler output that is kept.
const WORDS: usize = 2_000;

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file's path.
        path: PathBuf,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The compiler rejected the component.
    #[error("is no component that this host can compile: {0}")]
    Refused(String),
    /// The compiler process could not be started.
    #[error("the compiler could not be started ({path}): {source}; set its path to the flightdeck program")]
    Start {
        /// Path of the program.
        path: PathBuf,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The compilation timed out.
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
        // The shell sets limits that this process can't set for another one without unsafe code.
        // Paths are passed as arguments and never become part of the script.
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
            // The shell's exit statuses for a program that doesn't exist or isn't executable.
            Some(126 | 127) => Err(start(std::io::Error::other(words))),
            Some(_) => Err(CompileError::Refused(words)),
            None => Err(CompileError::Refused(format!("the compiler was killed ({})", ended.status))),
        }
    }
}

/// Runs `flightdeck compile`: reads and validates a component and writes native code for this
/// machine.
///
/// # Errors
/// When a file can't be read or written, or the component can't be compiled.
pub fn compile_main(input: &Path, output: &Path) -> Result<(), CompileError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| CompileError::File { path, source }
    };
    let component = std::fs::read(input).map_err(file(input))?;
    let refused = |error: wasmtime::Error| CompileError::Refused(compatibility::with_cure(&format!("{error:#}")));
    let engine = engine::compiler().map_err(refused)?;
    let code = engine.precompile_component(&component).map_err(refused)?;
    std::fs::write(output, code).map_err(file(output))
}

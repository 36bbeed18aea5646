//! Measures the host's performance on this machine. Each figure is shown beside the machine's own
//! limit, measured in the same run.
//!
//! - [`calls`]: adapter calls per second, compared to the same function called natively.
//! - [`machine`]: commits per second of a bare loop on the same file system.
//! - [`served`]: durable acknowledgements and full creates per second, through the real binary over
//!   HTTP.
//! - [`swaps`]: how soon another adapter serves, in each language of the examples.
//! - [`figures`]: rates and percentiles.
//!
//! `flightdeck-bench swaps` measures these alone.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::path::PathBuf;

mod calls;
mod figures;
mod machine;
mod served;
mod swaps;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    // The host of the same build.
    let host = std::env::current_exe()?.with_file_name("flightdeck");
    let folder = tempfile::tempdir_in(&target)?;
    println!("machine: {} cores, files in {}", std::thread::available_parallelism()?, target.display());
    if std::env::args().nth(1).as_deref() != Some("swaps") {
        let limit = machine::commits(folder.path()).await?;
        calls::measure(&target, &host, folder.path()).await?;
        served::measure(&target, &host, folder.path(), limit).await?;
    }
    swaps::measure(&target, &host, folder.path()).await
}

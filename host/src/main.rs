//! The `flightdeck` program.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "flightdeck", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compiles a component into native code. Started by the server itself.
    #[command(hide = true)]
    Compile {
        /// The component.
        #[arg(long)]
        input: PathBuf,
        /// Where the native code goes.
        #[arg(long)]
        output: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Compile { input, output } => Ok(flightdeck::adapters::compile_main(&input, &output)?),
    }
}

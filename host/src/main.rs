//! The binary: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use flightdeck::cli::{self, Arguments};

fn main() -> ExitCode {
    cli::run(Arguments::parse())
}

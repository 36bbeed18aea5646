//! Starts an emulator from the command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use flightdeck_emulators::kevel::{Kevel, Options};
use tokio::signal::unix::{SignalKind, signal};

/// Stand-ins for the ad servers flightdeck books on.
#[derive(Debug, Parser)]
#[command(name = "flightdeck-emulators", version)]
struct Arguments {
    #[command(subcommand)]
    platform: Platform,
}

#[derive(Debug, Subcommand)]
enum Platform {
    /// The Kevel Management API.
    Kevel {
        /// The address to listen on; port 0 picks a free one.
        #[arg(long, default_value = "127.0.0.1:9101")]
        listen: String,
        /// The key callers must send in X-Adzerk-ApiKey.
        #[arg(long, default_value = "demo-key")]
        api_key: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flightdeck-emulators: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let Platform::Kevel { listen, api_key } = arguments.platform;
    let running = Kevel::start(Options { api_key, listen }).await?;
    println!("{}", running.url);
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    running.shutdown().await;
    Ok(())
}

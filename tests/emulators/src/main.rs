//! Starts an emulator from the command line.

use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use flightdeck_emulators::{
    Running,
    gam::{self, Gam},
    kevel::{Kevel, Options},
    platform::Platform,
    signpost::{self, Signpost},
    triton::{self, Triton},
};
use tokio::signal::unix::{SignalKind, signal};

/// Stand-ins for the ad servers flightdeck books on.
#[derive(Debug, Parser)]
#[command(name = "flightdeck-emulators", version)]
struct Arguments {
    #[command(subcommand)]
    platform: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// The Kevel Management API.
    Kevel {
        /// The address to listen on; port 0 picks a free one.
        #[arg(long, default_value = "127.0.0.1:9101")]
        listen: String,
        /// The key callers must send in X-Adzerk-ApiKey.
        #[arg(long, default_value = "demo-key")]
        api_key: String,
    },
    /// The Google Ad Manager REST API, with its OAuth token endpoint.
    Gam {
        /// The address to listen on; port 0 picks a free one.
        #[arg(long, default_value = "127.0.0.1:9102")]
        listen: String,
        /// Write the service account's key file here, once it is listening.
        #[arg(long, value_name = "FILE")]
        write_key: Option<PathBuf>,
    },
    /// Signpost, an invented ad server for the example adapters.
    Signpost {
        /// The address to listen on; port 0 picks a free one.
        #[arg(long, default_value = "127.0.0.1:9104")]
        listen: String,
        /// The key callers must send in X-Signpost-Key.
        #[arg(long, default_value = "demo-key")]
        api_key: String,
    },
    /// Triton Digital's Booking API, with its login.
    Triton {
        /// The address to listen on; port 0 picks a free one.
        #[arg(long, default_value = "127.0.0.1:9103")]
        listen: String,
        /// Who may log in.
        #[arg(long, default_value = "flightdeck")]
        username: String,
        /// With which password.
        #[arg(long, default_value = "demo-password")]
        password: String,
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
    match arguments.platform {
        Which::Kevel { listen, api_key } => serve(Kevel::start(Options { api_key, listen }).await?).await,
        Which::Gam { listen, write_key } => {
            let running = Gam::start(gam::Options { listen, ..gam::Options::default() }).await?;
            if let Some(file) = write_key {
                write_secret(&file, &format!("{:#}\n", running.platform().key_file()))
                    .map_err(|error| format!("cannot write the key to {}: {error}", file.display()))?;
            }
            serve(running).await
        }
        Which::Signpost { listen, api_key } => {
            serve(Signpost::start(signpost::Options { listen, api_key }).await?).await
        }
        Which::Triton { listen, username, password } => {
            let options = triton::Options { listen, username, password, ..triton::Options::default() };
            serve(Triton::start(options).await?).await
        }
    }
}

/// Writes a file that only its owner can read.
fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(file)?.write_all(text.as_bytes())
}

async fn serve<P: Platform>(running: Running<P>) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    println!("{}", running.url);
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    running.shutdown().await;
    Ok(())
}

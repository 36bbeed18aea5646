//! The demo: three emulated ad servers, a host, and a media buy across all of them from its
//! creation to its pause.
//!
//! - `flightdeck-demo play` starts everything on free ports with a new database, plays the buy over
//!   HTTP, prints every exchange, and stops.
//! - `flightdeck-demo run` starts everything and keeps it running until it is told to stop.
//!
//! - [`house`]: the emulators in this process, and the host as its child.
//! - [`story`]: the buy, from the view of a buyer and a reviewer.
//! - [`show`]: printing of exchanges.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

mod house;
mod show;
mod story;

/// Plays a whole media buy across emulated ad servers, or leaves them and the host serving.
#[derive(Debug, Parser)]
#[command(name = "flightdeck-demo")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The host's binary.
    #[arg(long, global = true, default_value = "target/debug/flightdeck")]
    host: PathBuf,
    /// The host's configuration.
    #[arg(long, global = true, default_value = "examples/demo/flightdeck.toml")]
    config: PathBuf,
    /// Where the host keeps its files.
    #[arg(long, global = true, default_value = "target/demo")]
    data: PathBuf,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Plays the buy and ends.
    Play,
    /// Leaves the host and the emulators serving.
    Run {
        /// The host's port.
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Play => {
            let house = house::House::open(&arguments.host, &arguments.config, &arguments.data, 0, true).await?;
            let told = story::tell(&house).await;
            house.close().await?;
            told
        }
        Command::Run { port } => {
            let house = house::House::open(&arguments.host, &arguments.config, &arguments.data, port, false).await?;
            show::welcome(&house);
            house::until_told_to_stop().await?;
            house.close().await
        }
    }
}

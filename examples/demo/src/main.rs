//! The demo: three ad servers of one's own, the host beside them, and a media buy across them from its creation to its pause.
//!
//! - `flightdeck-demo play` starts all on free ports and a new database, plays the buy over HTTP, prints every exchange, and stops.
//! - `flightdeck-demo run` starts all and leaves them serving until it is told to stop.
//!
//! - [`house`]: the emulators in this process, the host as a child of it.
//! - [`story`]: the buy, as a buyer and a reviewer live it.
//! - [`show`]: how an exchange is printed.

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

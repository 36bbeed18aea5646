//! The command line.
//!
//! | command | does |
//! |---|---|
//! | `serve` | serves until SIGTERM or Ctrl-C |
//! | `check` | validates the configuration and every adapter, without serving; with `--online`, also asks the platforms |
//! | `reload` | has every host read its configuration again, without a restart |
//! | `adapter new` | writes a project for an adapter, in Rust, JavaScript or Python |
//! | `adapter inspect` | prints what a component is, imports and can do |
//! | `adapter check` | verifies a component against the contract and an ad server, for its author |
//! | `adapter call` | calls one function of a component and shows its exchanges |
//! | `adapter record` | prints a failed call that the host has kept, for the adapter's author |
//! | `adapter replay` | makes a recorded call again, without the ad server |
//! | `adapter dev` | builds, serves and swaps an adapter while its author works on it |
//! | `adapter compare` | prints what several components can do, side by side |
//! | `adapter install`, `activate`, `rollback`, `remove`, `list`, `show`, `history` | manages the releases of a platform's adapter |
//! | `adapter push`, `pull` | carries components through OCI registries |
//! | `adapter keygen`, `sign`, `verify` | makes keys, signs components and verifies their signatures |
//! | `token create`, `list`, `revoke`, `restore` | manages bearer tokens; a token's text is printed once |
//! | `webhook …` | manages webhook endpoints and their deliveries |
//! | `rules explain` | says which approval rules apply to a request, and why |
//! | `backup` | copies an SQLite database to a file |
//! | `restore` | replaces the SQLite database with such a copy |
//! | `restored` | marks a database that was restored by other means |
//! | `move` | copies an SQLite database into an empty PostgreSQL |
//! | `audit verify` | proves that the audit log is complete and unedited |
//! | `audit export` | prints the audit log as JSON lines |
//! | `compile` | compiles a component; the host runs this in a child process |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{Config, tokens},
    domain::{audit::Head, role::Role, time::Day},
    serve,
};

mod ad_server;
mod audit;
mod audit_object;
mod backup;
mod call_adapter;
mod check_adapter;
mod compare;
mod dev_adapter;
mod doctor;
mod inspect;
mod moving;
mod new_adapter;
mod oci;
mod online;
mod record_adapter;
mod releases;
mod reload;
mod replay_adapter;
mod rules;
mod signing;
mod token;
mod webhook;

/// One API for buying media on many ad servers, through sandboxed adapters.
#[derive(Debug, Parser)]
#[command(name = "flightdeck", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C.
    Serve(WithConfig),
    /// Validate the configuration and every adapter, without serving.
    Check {
        #[command(flatten)]
        with: WithConfig,
        #[command(flatten)]
        online: online::Online,
    },
    /// List what an installation needs before its first media buy, what of it is missing, and the line
    /// that mends it. Asks the platforms. Works while a host is serving.
    Doctor(doctor::Doctor),
    /// Validate the configuration, and have every host on its database read its own again while it
    /// serves. Prints how each host fared.
    Reload {
        #[command(flatten)]
        with: WithConfig,
        /// Make the components serve that the configuration names, even if the hosts have left them
        /// for others.
        #[arg(long)]
        activate: bool,
        /// How many seconds to wait for the hosts.
        #[arg(long, default_value_t = 60)]
        timeout: u64,
    },
    /// Inspect, compare, sign and distribute adapters.
    #[command(subcommand)]
    Adapter(AdapterCommand),
    /// Manage bearer tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Try the approval rules on a request.
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Copy an SQLite database to a file. Works while a host is serving.
    Backup {
        #[command(flatten)]
        with: WithConfig,
        /// The file to write. It must not exist.
        file: PathBuf,
    },
    /// Replace the SQLite database with a copy that `backup` wrote. Stop the host first. Operations
    /// that had not ended in the copy are looked up on the ad servers before anything is made.
    Restore {
        #[command(flatten)]
        with: WithConfig,
        /// The copy to restore. It is not moved.
        file: PathBuf,
    },
    /// Mark the database as restored by other means than `restore`. Run it before the first host
    /// starts.
    Restored(WithConfig),
    /// Copy the SQLite database into an empty PostgreSQL. Stop the host first. Run the same command
    /// again to resume a move that was interrupted.
    Move {
        #[command(flatten)]
        with: WithConfig,
        /// The target, as postgres://user:password@host:5432/database. Prefer the environment
        /// variable: other users can read command lines.
        #[arg(long, env = "FLIGHTDECK_MOVE_TO", hide_env_values = true, required_unless_present = "back")]
        to: Option<String>,
        /// Undo a move, so that hosts serve from the file again. Changes made in PostgreSQL since
        /// the move are not copied back.
        #[arg(long)]
        back: bool,
    },
    /// Manage webhook endpoints of all principals. Works while a host is serving.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Verify and export the audit log. Works while a host is serving.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Compile a component to native code. The host runs this in a child process.
    #[command(hide = true)]
    Compile {
        /// The component.
        #[arg(long)]
        input: PathBuf,
        /// The file to write the native code to.
        #[arg(long)]
        output: PathBuf,
    },
}

/// Options of a command that reads the configuration.
#[derive(Debug, Args)]
pub(crate) struct WithConfig {
    /// The configuration file.
    #[arg(long, env = "FLIGHTDECK_CONFIG", default_value = "flightdeck.toml")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum AdapterCommand {
    /// Print what a component is, what it imports and what it can do.
    Inspect {
        /// The component.
        file: PathBuf,
        /// A component to compare with, such as the active one: also print what FILE asks for and
        /// can do beyond it.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Print the WIT of the component instead: what it imports and exports, with every type.
        #[arg(long, conflicts_with_all = ["json", "against"])]
        wit: bool,
    },
    /// Write a project for an adapter: an example that builds with one command, with a test.
    New {
        /// The adapter's name, like acme: a folder of this name is made.
        name: String,
        /// The language.
        #[arg(long, value_enum)]
        lang: new_adapter::Language,
        /// The folder in which to make it.
        #[arg(long, default_value = ".")]
        into: PathBuf,
    },
    /// Check a component against the contract and an ad server, for its author: plans, crashes at
    /// every request, reads, updates. Needs neither a database nor a serving host.
    Check(check_adapter::CheckAdapter),
    /// Work on an adapter: builds it, serves it in a host of its own with an emulator, builds and
    /// swaps it again whenever a file is saved, and prints each call with its requests.
    Dev(dev_adapter::DevAdapter),
    /// Call one function of a component, and print its requests, its steps and its answer.
    Call(call_adapter::CallAdapter),
    /// Print a failed call that this host has kept, for the adapter's author: its arguments, its
    /// steps and its exchanges, without credentials. Needs `record_failures` on the platform.
    Record(record_adapter::RecordAdapter),
    /// Make a recorded call again, with the recorded answers instead of an ad server. Prints its
    /// requests, its steps and its answer, and in what it differs.
    Replay(replay_adapter::ReplayAdapter),
    /// Print what several components can do, side by side, as a Markdown table.
    Compare {
        /// The components.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    #[command(flatten)]
    Releases(releases::ReleaseCommand),
    #[command(flatten)]
    Signing(signing::SigningCommand),
    #[command(flatten)]
    Oci(oci::OciCommand),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Create a token, store its digest and print the token once.
    Create(NewToken),
    /// List all tokens, including those of the configuration, one per line. Token texts are never
    /// printed.
    List {
        #[command(flatten)]
        with: WithConfig,
    },
    /// Revoke a token on every host, whether it was created here or is in the configuration.
    Revoke(WhichToken),
    /// Restore a revoked token.
    Restore(WhichToken),
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Verify the whole log and name the first line that was edited, removed, moved or forged.
    /// Prints the log's head.
    Verify {
        #[command(flatten)]
        with: WithConfig,
        /// A head that an earlier run printed: proves that no line was cut off since.
        #[arg(long, value_name = "NUMBER:LINK")]
        head: Option<Head>,
    },
    /// Print who approved what an object on an ad server is, with the lines that prove it. Fails if
    /// something is not proven.
    Object(audit_object::AuditObject),
    /// Print the log as JSON lines, oldest first.
    Export {
        #[command(flatten)]
        with: WithConfig,
        /// Only lines after this number [default: all].
        #[arg(long)]
        after: Option<i64>,
    },
}

/// Options that name an existing token.
#[derive(Debug, Args)]
pub(crate) struct WhichToken {
    #[command(flatten)]
    with: WithConfig,
    /// The token's name.
    name: String,
    /// The SHA-256 of the token's text, if this configuration does not have the token, or has
    /// another one of that name.
    #[arg(long, value_parser = sha256)]
    sha256: Option<String>,
    /// The reason, for the audit log.
    #[arg(long)]
    reason: Option<String>,
}

/// Options of a new token.
#[derive(Debug, Args)]
pub(crate) struct NewToken {
    #[command(flatten)]
    with: WithConfig,
    /// A unique name, shown in histories and in the audit log.
    #[arg(long, value_parser = token_name)]
    name: String,
    /// The person who uses the token, if the name does not say so. Nobody decides on their own
    /// request, whichever token they use.
    #[arg(long, value_parser = token_name)]
    person: Option<String>,
    /// buyer, reviewer or operator.
    #[arg(long, value_parser = role)]
    role: Role,
    /// The principal that a buyer's token acts for.
    #[arg(long)]
    principal: Option<String>,
    /// The last day on which the token is valid, in UTC.
    #[arg(long, value_parser = day)]
    expires: Option<Day>,
}

fn token_name(text: &str) -> Result<String, String> {
    tokens::name(text).map(|()| text.to_owned())
}

fn sha256(text: &str) -> Result<String, String> {
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { Ok(text.to_ascii_lowercase()) } else { Err("must be 64 hexadecimal digits".to_owned()) }
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be buyer, reviewer or operator".to_owned())
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).map_err(|error| error.to_string())
}

/// Runs the command. If it fails, prints its error to standard error.
pub fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Serve(with) => load(&with).and_then(serve::serve),
        Command::Check { with, online } if online.is_wanted() => {
            load(&with).and_then(|config| online::run(config, &online))
        }
        Command::Check { with, .. } => load(&with).and_then(|config| {
            let summary = config.summary();
            serve::check(config)?;
            println!("{summary}\nthe configuration and its adapters are fine");
            Ok(())
        }),
        Command::Doctor(asked) => load(&asked.with).and_then(|config| doctor::run(config, &asked)),
        Command::Reload { with, activate, timeout } => {
            load(&with).and_then(|config| reload::reload(&config, activate, std::time::Duration::from_secs(timeout)))
        }
        Command::Adapter(AdapterCommand::Inspect { file, wit: true, .. }) => inspect::wit(&file),
        Command::Adapter(AdapterCommand::Inspect { file, against, json, .. }) => {
            inspect::inspect(&file, against.as_deref(), json)
        }
        Command::Adapter(AdapterCommand::New { name, lang, into }) => new_adapter::new(&name, lang, &into),
        Command::Adapter(AdapterCommand::Check(asked)) => check_adapter::run(asked),
        Command::Adapter(AdapterCommand::Dev(asked)) => dev_adapter::run(asked),
        Command::Adapter(AdapterCommand::Call(asked)) => call_adapter::run(asked),
        Command::Adapter(AdapterCommand::Record(asked)) => record_adapter::run(&asked),
        Command::Adapter(AdapterCommand::Replay(asked)) => replay_adapter::run(asked),
        Command::Adapter(AdapterCommand::Compare { files }) => compare::compare(&files),
        Command::Adapter(AdapterCommand::Releases(command)) => releases::run(command),
        Command::Adapter(AdapterCommand::Signing(command)) => signing::run(&command),
        Command::Adapter(AdapterCommand::Oci(command)) => oci::run(command),
        Command::Token(TokenCommand::Create(new)) => load(&new.with).and_then(|config| token::create(&config, &new)),
        Command::Token(TokenCommand::List { with }) => load(&with).and_then(|config| token::list(&config)),
        Command::Token(TokenCommand::Revoke(which)) => {
            load(&which.with).and_then(|config| token::revoke(&config, &which))
        }
        Command::Token(TokenCommand::Restore(which)) => {
            load(&which.with).and_then(|config| token::restore(&config, &which))
        }
        Command::Rules(rules::RulesCommand::Explain(asked)) => {
            load(&asked.with).and_then(|config| rules::explain(&config, &asked))
        }
        Command::Backup { with, file } => load(&with).and_then(|config| backup::back_up(&config, &file)),
        Command::Restore { with, file } => load(&with).and_then(|config| backup::restore(&config, &file)),
        Command::Restored(with) => load(&with).and_then(|config| backup::restored(&config)),
        Command::Move { with, to, back } => load(&with).and_then(|config| match to {
            Some(to) if !back => moving::to_postgres(&config, &to),
            _ => moving::back(&config),
        }),
        Command::Webhook(command) => load(command.with()).and_then(|config| webhook::run(&config, &command)),
        Command::Audit(AuditCommand::Verify { with, head }) => {
            load(&with).and_then(|config| audit::verify(&config, head))
        }
        Command::Audit(AuditCommand::Object(asked)) => {
            load(&asked.with).and_then(|config| audit_object::run(&config, &asked))
        }
        Command::Audit(AuditCommand::Export { with, after }) => {
            load(&with).and_then(|config| audit::export(&config, after))
        }
        Command::Compile { input, output } => {
            crate::adapters::compile_main(&input, &output).map_err(anyhow::Error::from)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn load(with: &WithConfig) -> anyhow::Result<Config> {
    Ok(Config::load(&with.config)?)
}

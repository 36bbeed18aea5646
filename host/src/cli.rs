//! The command line.
//!
//! | command | does |
//! |---|---|
//! | `serve` | serves until SIGTERM or Ctrl-C |
//! | `check` | validates the configuration and every adapter, without serving |
//! | `adapter inspect` | says what a component is, needs and can do |
//! | `adapter compare` | shows side by side what several can do |
//! | `token create`, `list`, `revoke`, `restore` | makes a bearer token and shows it once; lists them; has one be refused; takes that back |
//! | `webhook …` | manages endpoints of webhooks: `list`, `show`, `create`, `change`, `disable`, `enable`, `delete`, `rotate`, `test`, `deliveries`, `replay` |
//! | `backup` | writes a whole copy of an SQLite database to a file |
//! | `restore` | puts such a copy in the place of the database |
//! | `restored` | says that the database was restored by other means |
//! | `move` | carries a whole SQLite database over to an empty PostgreSQL |
//! | `audit verify` | proves with its keys that nobody edited the audit log |
//! | `audit export` | prints the audit log, a line of JSON each |
//! | `compile` | compiles a component; the host calls this itself, in a process of its own |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{Config, tokens},
    domain::{audit::Head, role::Role, time::Day},
    serve,
};

mod audit;
mod backup;
mod compare;
mod inspect;
mod moving;
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
    /// Serve until told to stop.
    Serve(WithConfig),
    /// Validate the configuration and every adapter, without serving.
    Check(WithConfig),
    /// Look at adapters.
    #[command(subcommand)]
    Adapter(AdapterCommand),
    /// Manage bearer tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Write a whole copy of an SQLite database to a file, also while a host serves from it.
    Backup {
        #[command(flatten)]
        with: WithConfig,
        /// Where the copy goes; it must not exist.
        file: PathBuf,
    },
    /// Put a copy that `backup` wrote in the place of an SQLite database, with its host stopped, and say that it was restored: what had
    /// not ended in it is looked up on the ad servers before anything is made.
    Restore {
        #[command(flatten)]
        with: WithConfig,
        /// The copy; it stays where it is.
        file: PathBuf,
    },
    /// Say that the database was restored by other means than `restore`, before the first host starts on it.
    Restored(WithConfig),
    /// Carry the whole SQLite database over to an empty PostgreSQL, with the host stopped. A move that was cut off is begun again with the
    /// same command, and goes on.
    Move {
        #[command(flatten)]
        with: WithConfig,
        /// Where to: postgres://user:password@host:5432/database. Better from the environment, for other users see command lines.
        #[arg(long, env = "FLIGHTDECK_MOVE_TO", hide_env_values = true, required_unless_present = "back")]
        to: Option<String>,
        /// Take a move back, so that hosts may serve from the file again. What was recorded in PostgreSQL since is not in it.
        #[arg(long)]
        back: bool,
    },
    /// Manage endpoints of webhooks: everybody's. Also while a host serves, which delivers.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Prove that the audit log is whole, and print it. Also while a host serves.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Compile a component to native code. The host calls this in a process of its own.
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

/// A command that needs the configuration.
#[derive(Debug, Args)]
pub(crate) struct WithConfig {
    /// The configuration file.
    #[arg(long, env = "FLIGHTDECK_CONFIG", default_value = "flightdeck.toml")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum AdapterCommand {
    /// Say what a component is, what it imports and what it can do.
    Inspect {
        /// The component.
        file: PathBuf,
        /// Another component, as the one that serves now: also say what this one asks for and does beyond it.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show side by side what several components can do, as a table in Markdown.
    Compare {
        /// The components.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token, store its digest, and show the token once.
    Create(NewToken),
    /// List the tokens, those of the configuration included, a line each: never the token itself.
    List {
        #[command(flatten)]
        with: WithConfig,
    },
    /// Have a token be refused from now on, by every host, whether it was made here or stands in the configuration.
    Revoke(WhichToken),
    /// Take the revocation of a token back.
    Restore(WhichToken),
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Go through the whole log: a line that was edited, taken out, put elsewhere or made without the key is named. Prints how far the log goes.
    Verify {
        #[command(flatten)]
        with: WithConfig,
        /// How far the log went when it was verified before, as it was printed then: proves that nothing was cut off since.
        #[arg(long, value_name = "NUMBER:LINK")]
        head: Option<Head>,
    },
    /// Print the log, oldest first, a line of JSON each.
    Export {
        #[command(flatten)]
        with: WithConfig,
        /// Only lines after this number. Left out: all.
        #[arg(long)]
        after: Option<i64>,
    },
}

/// A token that is there.
#[derive(Debug, Args)]
pub(crate) struct WhichToken {
    #[command(flatten)]
    with: WithConfig,
    /// Its name.
    name: String,
    /// The SHA-256 of its text, where this configuration no longer has it or has another one by that name.
    #[arg(long, value_parser = sha256)]
    sha256: Option<String>,
    /// Why; stands in the audit log.
    #[arg(long)]
    reason: Option<String>,
}

/// A new token.
#[derive(Debug, Args)]
pub(crate) struct NewToken {
    #[command(flatten)]
    with: WithConfig,
    /// Who acts with it; unique. Stands in histories and in the audit log.
    #[arg(long, value_parser = token_name)]
    name: String,
    /// Who stands behind it, if the name does not say so: nobody decides on their own request, whatever tokens they have.
    #[arg(long, value_parser = token_name)]
    person: Option<String>,
    /// buyer, reviewer or operator.
    #[arg(long, value_parser = role)]
    role: Role,
    /// For a buyer: whose.
    #[arg(long)]
    principal: Option<String>,
    /// The last day on which it is good.
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

/// Does what the command line says.
pub fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Serve(with) => load(&with).and_then(serve::serve),
        Command::Check(with) => load(&with).and_then(|config| {
            let summary = config.summary();
            serve::check(config)?;
            println!("{summary}\nthe configuration and its adapters are fine");
            Ok(())
        }),
        Command::Adapter(AdapterCommand::Inspect { file, against, json }) => {
            inspect::inspect(&file, against.as_deref(), json)
        }
        Command::Adapter(AdapterCommand::Compare { files }) => compare::compare(&files),
        Command::Token(TokenCommand::Create(new)) => load(&new.with).and_then(|config| token::create(&config, &new)),
        Command::Token(TokenCommand::List { with }) => load(&with).and_then(|config| token::list(&config)),
        Command::Token(TokenCommand::Revoke(which)) => {
            load(&which.with).and_then(|config| token::revoke(&config, &which))
        }
        Command::Token(TokenCommand::Restore(which)) => {
            load(&which.with).and_then(|config| token::restore(&config, &which))
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

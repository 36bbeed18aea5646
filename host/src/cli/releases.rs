//! The commands `adapter install`, `activate`, `rollback`, `remove`, `list`, `show` and `history`. They write
//! to the database, and the hosts that serve from it follow within a second.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use std::{sync::Arc, time::Duration};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{WithConfig, load, oci};
use crate::{
    adapters::Adapters,
    domain::{
        capability::difference::Difference,
        id::PlatformName,
        release::{Activation, Canary},
    },
    operations::releases::{Decision, Installed, ReleaseView, Releases, Shown, Trial},
    serve,
    web::v1::release::{ActivationAnswer, DifferenceAnswer, ListedRelease},
};

/// The actor of commands, in histories and in the audit log.
const ACTOR: &str = "command line";

#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    /// Install a component as a release of a platform's adapter. It is compiled and checked, and
    /// serves once it is activated.
    Install {
        #[command(flatten)]
        on: OnPlatform,
        /// The component: a file, or oci://REGISTRY/REPOSITORY@sha256:… in an OCI registry.
        #[arg(value_name = "FILE|REFERENCE")]
        component: String,
        /// Also activate it.
        #[arg(long)]
        activate: bool,
        #[command(flatten)]
        decision: Why,
        /// Activate it although it can do less than the release that serves.
        #[arg(long, requires = "activate")]
        accept_losses: bool,
        #[command(flatten)]
        share: Share,
        #[command(flatten)]
        registry: oci::RegistryOptions,
    },
    /// Make an installed release serve its platform, on every host.
    Activate {
        #[command(flatten)]
        on: OnPlatform,
        /// The release: the SHA-256 of its component, or at least its first 6 digits.
        digest: String,
        #[command(flatten)]
        decision: Why,
        /// Activate it although it can do less than the release that serves.
        #[arg(long)]
        accept_losses: bool,
        #[command(flatten)]
        share: Share,
    },
    /// Make the release serve again that served before the current one was activated.
    Rollback {
        #[command(flatten)]
        on: OnPlatform,
        #[command(flatten)]
        decision: Why,
    },
    /// Remove a release that does not serve and that no operation needs.
    Remove {
        #[command(flatten)]
        on: OnPlatform,
        /// The release: the SHA-256 of its component, or at least its first 6 digits.
        digest: String,
        /// The reason, for the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
    /// List the installed releases of a platform, oldest first.
    List {
        #[command(flatten)]
        on: OnPlatform,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what an installed release is and can do, and what it changes against the one that serves.
    Show {
        #[command(flatten)]
        on: OnPlatform,
        /// The release: the SHA-256 of its component, or at least its first 6 digits.
        digest: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List which releases served a platform, newest first, and who decided that.
    History {
        #[command(flatten)]
        on: OnPlatform,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The platform of a command.
#[derive(Debug, Args)]
pub(crate) struct OnPlatform {
    #[command(flatten)]
    with: WithConfig,
    /// The platform, as the configuration names it.
    platform: String,
}

/// The share of a release on trial.
#[derive(Debug, Args)]
pub(crate) struct Share {
    /// Give the release this share of the media buys, as 5%, beside the one that serves. It takes over
    /// by itself if it does well, and is rolled back if not.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    canary: Option<u8>,
    /// After which time it takes over, as 30m or 2h.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "canary", default_value = "30m")]
    canary_for: Duration,
}

impl Share {
    fn trial(&self) -> Option<Trial> {
        self.canary.map(|percent| Trial { percent, lasts: self.canary_for })
    }
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok();
    number
        .filter(|number| (1..100).contains(number))
        .ok_or_else(|| "must be a share like 5%, from 1% to 99%".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    let found = crate::config::parse_duration(text).filter(|found| !found.is_zero());
    found.ok_or_else(|| "must be a time with its unit (s, m, h, d), like 30m".to_owned())
}

/// The options of a decision.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The reason, for the history and the audit log.
    #[arg(long)]
    reason: Option<String>,
    /// Decide only if this activation still holds: its number in `history`.
    #[arg(long, value_name = "NUMBER")]
    expect: Option<i64>,
}

impl Why {
    fn decision(self, accept_losses: bool, trial: Option<Trial>) -> Decision {
        Decision { reason: self.reason, expected: self.expect, accept_losses, trial }
    }
}

/// Runs a command.
pub(crate) fn run(command: ReleaseCommand) -> anyhow::Result<()> {
    match command {
        ReleaseCommand::Install { on, component, activate, decision, accept_losses, share, registry } => {
            let (bytes, origin) = oci::fetch(&component, &on.platform, &registry)?;
            with_releases(&on, async |releases, platform| {
                let installed = releases.install(platform, &bytes, origin.as_deref()).await?;
                show_installed(&installed);
                if !activate {
                    println!(
                        "activate it with: flightdeck adapter activate {platform} {}",
                        short(&installed.release.digest)
                    );
                    return Ok(());
                }
                let decision = decision.decision(accept_losses, share.trial());
                show_activation(&releases.activate(platform, &installed.release.digest, &decision).await?);
                Ok(())
            })
        }
        ReleaseCommand::Activate { on, digest, decision, accept_losses, share } => {
            with_releases(&on, async |releases, platform| {
                let decision = decision.decision(accept_losses, share.trial());
                show_activation(&releases.activate(platform, &digest, &decision).await?);
                Ok(())
            })
        }
        ReleaseCommand::Rollback { on, decision } => with_releases(&on, async |releases, platform| {
            show_activation(&releases.rollback(platform, &decision.decision(true, None)).await?);
            Ok(())
        }),
        ReleaseCommand::Remove { on, digest, reason } => with_releases(&on, async |releases, platform| {
            let removed = releases.remove(platform, &digest, reason).await?;
            println!("removed {}", removed.digest);
            Ok(())
        }),
        ReleaseCommand::List { on, json } => with_releases(&on, async |releases, platform| {
            let list = releases.list(platform).await?;
            if json {
                let releases: Vec<ListedRelease> = list.into_iter().map(ListedRelease::from).collect();
                return print_json(&json!({ "releases": releases }));
            }
            list.iter().for_each(show_release);
            Ok(())
        }),
        ReleaseCommand::Show { on, digest, json } => with_releases(&on, async |releases, platform| {
            let Shown { view, capabilities, difference } = releases.show(platform, &digest).await?;
            if json {
                let mut whole = serde_json::to_value(ListedRelease::from(view))?;
                whole["description"] = serde_json::to_value(&*capabilities)?;
                whole["difference"] = serde_json::to_value(DifferenceAnswer::from(difference))?;
                return print_json(&whole);
            }
            show_release(&view);
            show_difference(&difference);
            print_json(&serde_json::to_value(&*capabilities)?)
        }),
        ReleaseCommand::History { on, json } => with_releases(&on, async |releases, platform| {
            let history = releases.history(platform).await?;
            if json {
                let activations: Vec<ActivationAnswer> =
                    history.into_iter().rev().map(ActivationAnswer::from).collect();
                return print_json(&json!({ "activations": activations }));
            }
            history.iter().rev().for_each(show_activation);
            Ok(())
        }),
    }
}

/// Runs a command with the adapter of one platform, beside the hosts that serve.
fn with_releases(
    on: &OnPlatform,
    command: impl AsyncFnOnce(Releases<'_>, &PlatformName) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let config = load(&on.with)?;
    let platform = PlatformName::from(on.platform.as_str());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let adapters: Arc<Adapters> = serve::adapters_of(&config, &platform).await?;
        let store = serve::open_store_beside(&config).await?;
        serve::follow(&store, &adapters).await?;
        let releases = Releases { store: &store, adapters: &adapters, config: &config, actor: ACTOR };
        let done = command(releases, &platform).await;
        store.close().await;
        done
    })
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn show_installed(installed: &Installed) {
    let Installed { release, is_new, difference } = installed;
    let news = if *is_new { "installed" } else { "was installed already:" };
    println!("{news} {} version {}", release.digest, release.version);
    show_difference(difference);
}

fn show_difference(difference: &Difference) {
    if difference.is_nothing() {
        println!("it can do and asks for the same as the release that serves");
    }
    for line in &difference.gained {
        println!("gained    {line}");
    }
    for line in &difference.lost {
        println!("lost      {line}");
    }
    for line in &difference.asks {
        println!("asks      {line}");
    }
}

/// Prints JSON; releases and activations have the form that they have over HTTP.
fn print_json(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

fn show_release(view: &ReleaseView) {
    let ReleaseView { release, serving, rollback, canary } = view;
    let standing = match (serving, rollback, release.unhealthy_at) {
        (true, ..) => "serves".to_owned(),
        _ if let Some(canary) = canary => shown_trial(*canary),
        (_, true, _) => "rollback".to_owned(),
        (_, _, Some(at)) => format!("unhealthy {at}"),
        _ => String::new(),
    };
    println!(
        "{}  {:<12} {}  by {}  {standing}",
        release.digest, release.version, release.installed_at, release.installed_by
    );
}

fn show_activation(activation: &Activation) {
    let Activation { number, digest, at, actor, kind, reason, canary, .. } = activation;
    let trial = canary.map_or_else(String::new, |canary| format!("  {}", shown_trial(canary)));
    let reason = reason.as_deref().map_or_else(String::new, |reason| format!("  {reason}"));
    println!("{number:>4}  {at}  {digest}  {kind} by {actor}{reason}{trial}");
}

fn shown_trial(canary: Canary) -> String {
    format!("on trial with {} % of the media buys, takes over at {}", canary.percent, canary.promote_at)
}

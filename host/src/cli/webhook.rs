//! `webhook list`, `create`, `disable`, `enable`, `delete`, `rotate`, `test`, `deliveries`, `replay`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use anyhow::{Context, bail};
use clap::Subcommand;

use super::WithConfig;
use crate::{
    config::Config,
    domain::{
        event::EventKind,
        id::{EventId, WebhookId},
        time::Timestamp,
        webhook::{DeliveryStatus, Endpoint},
    },
    serve,
    store::webhooks::{DeliveryFilter, Replay},
    webhooks::desk::{Desk, EndpointPatch, NewEndpoint, Whose, WithSecret},
};

/// How many deliveries are shown.
const SHOWN: u32 = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// List the endpoints, a line each.
    List {
        #[command(flatten)]
        with: WithConfig,
    },
    /// Make an endpoint of the publisher's, which hears of everybody's media buys; shows its secret once.
    Create {
        #[command(flatten)]
        with: WithConfig,
        /// Where it is.
        url: String,
        /// What it wants to hear of; several are separated by commas. Left out: everything.
        #[arg(long, value_delimiter = ',', value_parser = event)]
        events: Vec<EventKind>,
        /// What you call it.
        #[arg(long)]
        description: Option<String>,
    },
    /// Send an endpoint nothing more; what waits for it is given up.
    Disable {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint.
        id: String,
    },
    /// Send to an endpoint again.
    Enable {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint.
        id: String,
    },
    /// Remove an endpoint, what waits for it and the list of what was sent to it.
    Delete {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint.
        id: String,
    },
    /// Give an endpoint another secret, shown once; the last one signs for a day beside it.
    Rotate {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint.
        id: String,
    },
    /// Send an endpoint the event webhook.test.
    Test {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint.
        id: String,
    },
    /// Show what was and will be sent to an endpoint, newest first, 100 at most.
    Deliveries {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint.
        id: String,
        /// Only those that stand so: pending, delivered or dead.
        #[arg(long, value_parser = status)]
        status: Option<DeliveryStatus>,
    },
    /// Send again to an endpoint, 10,000 events at most.
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Replay {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint.
        id: String,
        /// One event.
        #[arg(long, group = "what")]
        event: Option<String>,
        /// Everything that was given up.
        #[arg(long, group = "what")]
        failed: bool,
        /// Everything that happened since then, like 2026-12-01T00:00:00Z.
        #[arg(long, group = "what", value_parser = moment)]
        since: Option<Timestamp>,
    },
}

impl WebhookCommand {
    /// Where its configuration is.
    pub(crate) fn with(&self) -> &WithConfig {
        match self {
            Self::List { with }
            | Self::Create { with, .. }
            | Self::Disable { with, .. }
            | Self::Enable { with, .. }
            | Self::Delete { with, .. }
            | Self::Rotate { with, .. }
            | Self::Test { with, .. }
            | Self::Deliveries { with, .. }
            | Self::Replay { with, .. } => with,
        }
    }
}

fn event(text: &str) -> Result<EventKind, String> {
    let known = || EventKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    EventKind::parse(text).ok_or_else(|| format!("must be one of {}", known()))
}

fn status(text: &str) -> Result<DeliveryStatus, String> {
    DeliveryStatus::parse(text).ok_or_else(|| "must be pending, delivered or dead".to_owned())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

/// Does what the command says.
pub(crate) fn run(config: &Config, command: &WebhookCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let desk =
            Desk { store: store.as_ref(), policy: &config.webhooks, by: "command line", whose: Whose::Everybodys };
        let done = at_the_desk(&desk, command).await;
        store.close().await;
        done
    })
}

async fn at_the_desk(desk: &Desk<'_>, command: &WebhookCommand) -> anyhow::Result<()> {
    let id = |id: &String| WebhookId::new(id.clone());
    match command {
        WebhookCommand::List { .. } => {
            for endpoint in desk.list().await? {
                println!("{}", line(&endpoint));
            }
        }
        WebhookCommand::Create { url, events, description, .. } => {
            let events = if events.is_empty() { EventKind::ALL.to_vec() } else { events.clone() };
            let new = NewEndpoint { url: url.clone(), events, description: description.clone() };
            show_secret(&desk.create(new).await?);
        }
        WebhookCommand::Disable { id: of, .. } => switch(desk, &id(of), false).await?,
        WebhookCommand::Enable { id: of, .. } => switch(desk, &id(of), true).await?,
        WebhookCommand::Delete { id: of, .. } => {
            desk.delete(&id(of)).await?;
            println!("{of} is gone");
        }
        WebhookCommand::Rotate { id: of, .. } => show_secret(&desk.rotate(&id(of)).await?),
        WebhookCommand::Test { id: of, .. } => println!("{}", desk.test(&id(of)).await?),
        WebhookCommand::Deliveries { id: of, status, .. } => {
            let filter = DeliveryFilter { status: *status, before: None, limit: SHOWN };
            for delivery in desk.deliveries(&id(of), &filter).await? {
                let answered = delivery.answered.map(|status| status.to_string()).unwrap_or_default();
                println!(
                    "{}  {:<9}  {:<24}  {} attempts  {answered}  {}",
                    delivery.event,
                    delivery.status,
                    delivery.kind,
                    delivery.attempts,
                    delivery.error.unwrap_or_default()
                );
            }
        }
        WebhookCommand::Replay { id: of, event, failed, since, .. } => {
            let what = match (event, failed, since) {
                (Some(event), ..) => Replay::One(EventId::new(event.clone())),
                (_, true, _) => Replay::Dead,
                (.., Some(since)) => Replay::Since(*since),
                _ => bail!("give --event, --failed or --since"),
            };
            println!("{} events are sent again", desk.replay(&id(of), what).await?);
        }
    }
    Ok(())
}

async fn switch(desk: &Desk<'_>, id: &WebhookId, active: bool) -> anyhow::Result<()> {
    let patch = EndpointPatch { active: Some(active), ..EndpointPatch::default() };
    let endpoint = desk.change(id, patch).await.with_context(|| id.to_string())?;
    println!("{}", line(&endpoint));
    Ok(())
}

fn show_secret(made: &WithSecret) {
    println!("{}\n{}", line(&made.endpoint), made.secret);
}

fn line(endpoint: &Endpoint) -> String {
    let owner = endpoint.owner.as_ref().map_or("the publisher", |owner| owner.as_str());
    let standing = match (&endpoint.disabled, endpoint.failing_since) {
        (Some(disabled), _) => format!("disabled since {}: {}", disabled.at, disabled.reason),
        (None, Some(since)) => format!("failing since {since}"),
        (None, None) => "active".to_owned(),
    };
    format!("{}  {owner}  {}  {standing}", endpoint.id, endpoint.url)
}

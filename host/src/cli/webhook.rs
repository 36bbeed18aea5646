//! The commands `webhook list`, `show`, `create`, `change`, `disable`, `enable`, `delete`,
//! `rotate`, `test`, `deliveries` and `replay`.
#![expect(clippy::print_stdout, reason = "a command line prints")]

use anyhow::{Context, bail};
use clap::Subcommand;

use super::WithConfig;
use crate::{
    config::Config,
    domain::{
        event::EventKind,
        id::{EventId, WebhookId},
        time::{Day, Timestamp},
        webhook::{DeliveryStatus, Endpoint},
    },
    operations::now,
    serve,
    store::webhooks::{DeliveryFilter, Replay},
    webhooks::endpoints::{EndpointManager, EndpointPatch, EndpointWithSecret, NewEndpoint, Scope},
};

/// The default of `--limit`.
const SHOWN: u32 = 100;

/// How many deliveries are read from the store at a time.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// List the endpoints, one per line.
    List {
        #[command(flatten)]
        with: WithConfig,
    },
    /// Show an endpoint: its events, its state and since when.
    Show {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
    },
    /// Create an endpoint of the publisher, which receives events of all principals' media buys.
    /// Prints its secret once.
    Create {
        #[command(flatten)]
        with: WithConfig,
        /// The URL that events are sent to.
        url: String,
        /// The events to send, separated by commas [default: all].
        #[arg(long, value_delimiter = ',', value_parser = event)]
        events: Vec<EventKind>,
        /// A description, for people.
        #[arg(long)]
        description: Option<String>,
    },
    /// Change an endpoint's URL, events or description. Options that are left out change nothing.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Change {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
        /// The new URL.
        #[arg(long, group = "change")]
        url: Option<String>,
        /// The events to send, separated by commas. Replaces the old list.
        #[arg(long, group = "change", value_delimiter = ',', value_parser = event)]
        events: Option<Vec<EventKind>>,
        /// The new description. An empty text removes it.
        #[arg(long, group = "change")]
        description: Option<String>,
    },
    /// Disable an endpoint. Its pending deliveries become dead letters.
    Disable {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
    },
    /// Enable a disabled endpoint.
    Enable {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
    },
    /// Delete an endpoint with all of its deliveries, pending ones included.
    Delete {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
    },
    /// Rotate an endpoint's secret and print the new one once. The old secret also signs for one
    /// more day.
    Rotate {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
    },
    /// Send the event webhook.test to an endpoint.
    Test {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
    },
    /// List an endpoint's deliveries, newest first, one numbered line each.
    Deliveries {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
        /// Only deliveries of this status: pending, delivered or dead.
        #[arg(long, value_parser = status)]
        status: Option<DeliveryStatus>,
        /// The most deliveries to list.
        #[arg(long, default_value_t = SHOWN)]
        limit: u32,
        /// Only deliveries below this number, which is the last one of the previous page.
        #[arg(long)]
        before: Option<i64>,
    },
    /// Replay events to an endpoint, at most 10,000.
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Replay {
        #[command(flatten)]
        with: WithConfig,
        /// The endpoint's id.
        id: String,
        /// The id of one event.
        #[arg(long, group = "what")]
        event: Option<String>,
        /// All dead letters.
        #[arg(long, group = "what")]
        failed: bool,
        /// All events since this moment (2026-12-01T00:00:00Z) or since midnight UTC of this day
        /// (2026-12-01).
        #[arg(long, group = "what", value_parser = moment)]
        since: Option<Timestamp>,
    },
}

impl WebhookCommand {
    /// Returns the options that name the configuration.
    pub(crate) fn with(&self) -> &WithConfig {
        match self {
            Self::List { with }
            | Self::Show { with, .. }
            | Self::Change { with, .. }
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
    let day = || Day::parse(text).map(Day::start).map_err(|_| ());
    Timestamp::parse(text).or_else(|error| day().map_err(|()| format!("{error}; or a day, like 2026-12-01")))
}

/// Runs the command.
pub(crate) fn run(config: &Config, command: &WebhookCommand) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let manager =
            EndpointManager { store: &store, policy: &config.webhooks, by: "command line", scope: Scope::All };
        let done = manage(&manager, command).await;
        store.close().await;
        done
    })
}

async fn manage(manager: &EndpointManager<'_>, command: &WebhookCommand) -> anyhow::Result<()> {
    let id = |id: &String| WebhookId::new(id.clone());
    match command {
        WebhookCommand::List { .. } => {
            for endpoint in manager.list().await? {
                println!("{}", line(&endpoint));
            }
        }
        WebhookCommand::Show { id: of, .. } => {
            let endpoint = manager.get(&id(of)).await?;
            manager.audit_reading(&endpoint).await?;
            show(&endpoint);
        }
        WebhookCommand::Change { id: of, url, events, description, .. } => {
            let description = description.clone().map(|text| Some(text).filter(|text| !text.is_empty()));
            let patch = EndpointPatch { url: url.clone(), events: events.clone(), description, active: None };
            show(&manager.change(&id(of), patch).await?);
        }
        WebhookCommand::Create { url, events, description, .. } => {
            let events = if events.is_empty() { EventKind::ALL.to_vec() } else { events.clone() };
            let new = NewEndpoint { url: url.clone(), events, description: description.clone() };
            show_secret(&manager.create(new).await?);
        }
        WebhookCommand::Disable { id: of, .. } => switch(manager, &id(of), false).await?,
        WebhookCommand::Enable { id: of, .. } => switch(manager, &id(of), true).await?,
        WebhookCommand::Delete { id: of, .. } => {
            manager.delete(&id(of)).await?;
            println!("{of} is gone");
        }
        WebhookCommand::Rotate { id: of, .. } => show_secret(&manager.rotate(&id(of)).await?),
        WebhookCommand::Test { id: of, .. } => println!("{}", manager.test(&id(of)).await?),
        WebhookCommand::Deliveries { id: of, status, limit, before, .. } => {
            let filter = DeliveryFilter { status: *status, before: *before, limit: *limit };
            list_deliveries(manager, &id(of), filter).await?;
        }
        WebhookCommand::Replay { id: of, event, failed, since, .. } => {
            let what = match (event, failed, since) {
                (Some(event), ..) => Replay::One(EventId::new(event.clone())),
                (_, true, _) => Replay::DeadLetters,
                (.., Some(since)) => Replay::Since(*since),
                _ => bail!("give --event, --failed or --since"),
            };
            let replayed = manager.replay(&id(of), what).await?;
            println!("{} events are sent again", replayed.count);
            match replayed.next_since {
                Some(next) => println!("there are more: go on with --since {next}"),
                None if replayed.more => println!("there are more: run it again"),
                None => {}
            }
        }
    }
    Ok(())
}

/// Prints deliveries, page after page, up to the limit of the filter.
async fn list_deliveries(
    manager: &EndpointManager<'_>,
    id: &WebhookId,
    mut filter: DeliveryFilter,
) -> anyhow::Result<()> {
    let mut left = filter.limit;
    while left > 0 {
        filter.limit = left.min(PAGE);
        let page = manager.deliveries(id, &filter).await?;
        for delivery in &page {
            let answered = delivery.answered.map(|status| status.to_string()).unwrap_or_default();
            println!(
                "{}  {}  {:<9}  {:<24}  {} attempts  {answered}  {}",
                delivery.number,
                delivery.event,
                delivery.status,
                delivery.kind,
                delivery.attempts,
                delivery.error.as_deref().unwrap_or_default()
            );
        }
        filter.before = page.last().map(|last| last.number);
        left = if page.len() < filter.limit as usize { 0 } else { left - filter.limit };
    }
    Ok(())
}

async fn switch(manager: &EndpointManager<'_>, id: &WebhookId, active: bool) -> anyhow::Result<()> {
    let patch = EndpointPatch { active: Some(active), ..EndpointPatch::default() };
    let endpoint = manager.change(id, patch).await.with_context(|| id.to_string())?;
    println!("{}", line(&endpoint));
    Ok(())
}

fn show_secret(made: &EndpointWithSecret) {
    println!("{}\n{}", line(&made.endpoint), made.secret);
}

/// Prints an endpoint, one line per property.
fn show(endpoint: &Endpoint) {
    println!("{}", line(endpoint));
    println!("made         {}\nlast changed {}", endpoint.created_at, endpoint.updated_at);
    if let Some(disabled) = &endpoint.disabled {
        println!("disabled by  {}", disabled.by);
    }
    if let Some(until) = endpoint.signing(now()).find_map(|secret| secret.until) {
        println!("an older secret signs until {until}");
    }
}

fn line(endpoint: &Endpoint) -> String {
    let owner = endpoint.owner.as_ref().map_or("the publisher", |owner| owner.as_str());
    let events = if endpoint.events.len() == EventKind::ALL.len() {
        "everything".to_owned()
    } else {
        endpoint.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(",")
    };
    let called = endpoint.description.as_ref().map(|text| format!("  {text:?}")).unwrap_or_default();
    let standing = match (&endpoint.disabled, endpoint.failing_since) {
        (Some(disabled), _) => format!("disabled since {}: {}", disabled.at, disabled.reason),
        (None, Some(since)) => format!("failing since {since}"),
        (None, None) => "active".to_owned(),
    };
    format!("{}  {owner}  {}{called}  {events}  {} dead  {standing}", endpoint.id, endpoint.url, endpoint.dead)
}

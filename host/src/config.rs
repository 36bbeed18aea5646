//! The configuration: one TOML file, its overrides from the environment, and its secrets.
//!
//! The host reads the whole file before it starts anything. It reports every mistake with its
//! position (`flightdeck.toml:12:8`), not just the first one. It refuses unknown keys and suggests
//! the known name that is closest. The rest of the host relies on these checks.
//! `docs/configuration.md` describes every key.
//!
//! - [`Config`] and one module for each section: [`server`], [`callers`], [`store`], [`keys`],
//!   [`operations`], [`releases`], `platforms`, [`principals`], [`tokens`], [`products`], `groups`,
//!   [`approvals`], [`retention`].
//! - [`AdapterCheck`]: the file of `adapter check`, which has some of the same sections.
//! - `reader` and `section` walk the document and collect mistakes. `values` defines what single
//!   values must be.
//! - [`mistake`]: mistakes and their places in the file. `secret`: the sources of secrets.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use toml::{Spanned, de::DeTable};

use crate::{
    adapters::{AdaptersConfig, EngineOptions, PlatformConfig},
    domain::{
        approval::{ApprovalRule, Group},
        id::{PlatformName, PrincipalId},
        lane::Workers,
    },
    network::receivers::Policy,
};

mod adapter_check;
mod approvals;
pub mod callers;
pub mod desk;
mod difference;
mod engine;
mod groups;
pub mod keys;
pub mod mistake;
pub mod operations;
mod platforms;
pub mod principals;
pub mod products;
mod publisher;
mod reader;
pub mod releases;
pub mod retention;
mod secret;
mod section;
pub mod server;
pub mod store;
pub mod tokens;
mod values;
mod webhooks;

pub use adapter_check::{AdapterCheck, Dev};
pub use callers::{Callers, Rate, Rates};
pub use desk::{Desk, Oidc};
pub use keys::KeySetting;
pub use mistake::{ConfigErrors, Place, Remark};
pub use operations::Operations;
pub use principals::{PlatformMapping, Principal};
pub use products::{Product, price_key};
pub use publisher::Publisher;
pub use releases::Releases;
pub use retention::Retention;
pub use server::{Data, Server};
pub use store::{StoreSettings, StoreUrl};
pub use tokens::Token;
pub(crate) use values::{parse_duration, written};

use mistake::Lines;
use reader::Reader;

/// The environment in which a configuration is read. [`Config::load`] uses the process's own; tests
/// supply theirs.
pub struct Surroundings<'s> {
    /// Returns the value of an environment variable.
    pub environment: &'s dyn Fn(&str) -> Option<String>,
    /// Whether a file exists at this path.
    pub is_file: &'s dyn Fn(&Path) -> bool,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// A valid configuration. Its `Debug` output shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`: how the host is reached.
    pub server: Server,
    /// `[data]`: the data directory.
    pub data: Data,
    /// `[store]`: the database.
    pub store: StoreSettings,
    /// `[[keys]]`. The first one signs and encrypts; all of them verify and decrypt.
    pub keys: Vec<KeySetting>,
    /// `[engine]`: the limits of the engine that runs adapters.
    pub engine: EngineOptions,
    /// `[releases]`: where the host takes releases of adapters from by itself.
    pub releases: Releases,
    /// `[operations]`: how accepted changes are carried out.
    pub operations: Operations,
    /// `[callers]`: rate limits.
    pub callers: Callers,
    /// `[retention]`: how long ended operations, closed tasks and events are kept.
    pub retention: Retention,
    /// `[desk]`: the pages for reviewers and operators.
    pub desk: Desk,
    /// `[webhooks]`: the addresses to which webhooks may be sent.
    pub webhooks: Policy,
    /// `[publisher]`: the publisher that runs this host.
    pub publisher: Publisher,
    /// `[[platforms]]`, in the order of the file.
    pub platforms: Vec<PlatformConfig>,
    /// `[[principals]]`: the buyers.
    pub principals: Vec<Principal>,
    /// `[[tokens]]`. Tokens made by `flightdeck token create` are in the database instead.
    pub tokens: Vec<Token>,
    /// `[[products]]`: what is for sale.
    pub products: Vec<Product>,
    /// `[[groups]]`: the people whom rules ask.
    pub groups: Vec<Group>,
    /// `[[approvals]]`: the rules that decide which changes need a reviewer.
    pub approvals: Vec<ApprovalRule>,
    /// The SHA-256 of the file in hexadecimal. Two configurations with the same digest differ at
    /// most in their environment.
    pub digest: String,
    /// The path of the file.
    pub file: PathBuf,
    /// The positions of the settings of each platform.
    platform_places: Vec<Place>,
    warnings: Vec<Remark>,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// When the configuration is invalid. Lists every mistake.
    pub fn load(file: &Path) -> Result<Self, ConfigErrors> {
        Self::load_in(file, &Surroundings { environment: &environment, is_file: &Path::is_file })
    }

    /// Reads a configuration file in the given surroundings.
    ///
    /// # Errors
    /// When the configuration is invalid. Lists every mistake.
    pub fn load_in(file: &Path, around: &Surroundings<'_>) -> Result<Self, ConfigErrors> {
        let unreadable = |what: String| {
            let place = Place::File(file.to_owned());
            ConfigErrors::new(vec![Remark { place, message: what }])
        };
        let bytes = std::fs::read(file)
            .map_err(|error| unreadable(format!("can't be read: {error}; name another with --config")))?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(file, text, around),
            Err(error) => {
                // The text before the first invalid byte is valid UTF-8. It gives the position.
                let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("");
                let place = Lines::new(file.to_owned(), good).place(good.len());
                let message = "is not UTF-8 from here on; save the file as UTF-8".to_owned();
                Err(ConfigErrors::new(vec![Remark { place, message }]))
            }
        }
    }

    /// Reads the text of a configuration. `file` is its path, for messages and for relative paths.
    ///
    /// # Errors
    /// When the configuration is invalid. Lists every mistake.
    pub fn parse(file: &Path, text: &str, around: &Surroundings<'_>) -> Result<Self, ConfigErrors> {
        let lines = Lines::new(file.to_owned(), text);
        let document = document(&lines, text)?;
        let reader = Reader::new(lines, around, folder_of(file));
        let config = Self::read(&reader, document.get_ref());
        let (mistakes, warnings) = reader.finish();
        match config {
            Some(config) if mistakes.is_empty() => Ok(Self {
                warnings,
                digest: crate::domain::digest::sha256(text.as_bytes()),
                file: file.to_owned(),
                ..config
            }),
            _ => Err(ConfigErrors::new(mistakes)),
        }
    }

    /// Reads every section, even after a mistake. `None` means only that a mistake was recorded.
    fn read<'r>(reader: &'r Reader<'r>, document: &'r DeTable<'r>) -> Option<Self> {
        let root = reader.root(document);
        let server = root.section("server", Server::read).map(|server| server.overridden(reader));
        let data = root.section("data", Data::read).map(|data| data.overridden(reader));
        let store = root.section("store", StoreSettings::read);
        let keys = root.tables("keys", KeySetting::read);
        if store.as_ref().is_some_and(|store| matches!(store.url, StoreUrl::Postgres(_))) && root.get("keys").is_none()
        {
            keys::refuse_none(&root);
        }
        let engine = root.section("engine", engine::read);
        let releases = root.section("releases", Releases::read);
        let operations = root.section("operations", Operations::read);
        let callers = root.section("callers", Callers::read);
        let retention = root.section("retention", Retention::read);
        let desk = root.section("desk", Desk::read);
        let webhooks = root.section("webhooks", webhooks::read);
        let publisher = root.section("publisher", Publisher::read).flatten();
        let currency = publisher.as_ref().map_or("", |publisher| publisher.currency.as_str());
        let most = engine.as_ref().and_then(|engine| engine.memory);
        let read = root.tables("platforms", |section| {
            let platform = platforms::read(section)?;
            engine::fits(section, &platform.limits, most);
            Some((platform, section.place("settings")))
        });
        let (platforms, platform_places) = read.into_iter().unzip();
        let principals = root.tables("principals", Principal::read);
        let tokens = root.tables("tokens", Token::read);
        let products = root.tables("products", |section| Product::read(section, currency));
        let groups = root.tables("groups", groups::read);
        let approvals = approvals::read(&root);
        root.refuse_unknown_keys();
        Some(Self {
            server: server?,
            data: data?,
            store: store?,
            keys,
            engine: engine?,
            releases: releases?,
            operations: operations?,
            callers: callers?,
            retention: retention?,
            desk: desk?,
            webhooks: webhooks?,
            publisher: publisher?,
            platforms,
            principals,
            tokens,
            products,
            groups,
            approvals,
            digest: String::new(),
            file: PathBuf::new(),
            platform_places,
            warnings: Vec::new(),
        })
    }

    /// The SHA-256, in hexadecimal, of the file and of the tokens and their roles, for the audit
    /// log. A token may come from the environment or from another file, so the digest of the file
    /// alone does not cover it. Only digests of tokens are included, and nothing from which a token
    /// could be guessed.
    pub fn audited_digest(&self) -> String {
        let tokens: Vec<_> = self.tokens.iter().map(Token::for_digest).collect();
        crate::domain::digest::canonical(&serde_json::json!({ "file": self.digest, "tokens": tokens }))
    }

    /// The warnings: what is allowed but probably not intended. In the order of the file.
    pub fn warnings(&self) -> &[Remark] {
        &self.warnings
    }

    /// Leaves out the platforms that `wanted` does not want.
    pub(crate) fn keep_platforms(&mut self, wanted: impl Fn(&PlatformName) -> bool) {
        let places = std::mem::take(&mut self.platform_places);
        let kept = std::mem::take(&mut self.platforms).into_iter().zip(places);
        (self.platforms, self.platform_places) = kept.filter(|(platform, _)| wanted(&platform.name)).unzip();
    }

    /// The position of a platform's settings, or of the platform itself if it has none.
    pub fn place_of_platform(&self, name: &PlatformName) -> Option<&Place> {
        let index = self.platforms.iter().position(|platform| platform.name == *name)?;
        self.platform_places.get(index)
    }

    /// The path of the database file, or `None` with PostgreSQL.
    pub fn database_path(&self) -> Option<PathBuf> {
        match &self.store.url {
            StoreUrl::Sqlite(path) => Some(self.data.dir.join(path)),
            StoreUrl::Postgres(_) => None,
        }
    }

    /// The location of the database, for people. Contains no password.
    fn shown_database(&self) -> String {
        match &self.store.url {
            StoreUrl::Sqlite(path) => self.data.dir.join(path).display().to_string(),
            StoreUrl::Postgres(url) => store::shown(url),
        }
    }

    /// The advertiser id of a principal on a platform, or `None` if the principal may not buy
    /// there.
    pub fn advertiser(&self, principal: &PrincipalId, platform: &PlatformName) -> Option<&str> {
        let principal = self.principals.iter().find(|known| known.id == *principal)?;
        principal.platform_mappings.get(platform).map(|mapping| mapping.advertiser_id.as_str())
    }

    /// The name of a principal, for people.
    pub fn buyer_name(&self, principal: &PrincipalId) -> Option<&str> {
        self.principals.iter().find(|known| known.id == *principal).map(|known| known.name.as_str())
    }

    /// The rate limits of a principal. All of its tokens share them.
    pub fn rates_of(&self, principal: &PrincipalId) -> Rates {
        let known = self.principals.iter().find(|known| known.id == *principal);
        known.map_or(self.callers.rates, |known| known.calls.over(self.callers.rates))
    }

    /// The number of workers, in total and per platform.
    pub fn workers(&self) -> Workers {
        let Operations { workers: all, workers_per_platform, switch_workers: for_switches, .. } = self.operations;
        // With several platforms, each leaves half of the workers to the others.
        let share = if self.platforms.len() > 1 { all.div_ceil(2) } else { all };
        Workers { all, on_a_platform: workers_per_platform.unwrap_or(share), for_switches }
    }

    /// The configuration with which the adapters are loaded.
    pub fn adapters(&self, compiler: PathBuf) -> AdaptersConfig {
        AdaptersConfig {
            data_dir: self.data.dir.clone(),
            compiler,
            engine: self.engine.clone(),
            platforms: self.platforms_in_time(),
        }
    }

    /// The platforms as their adapters are loaded: each with a connect timeout that fits the lease.
    pub fn platforms_in_time(&self) -> Vec<PlatformConfig> {
        self.platforms.iter().map(|platform| self.in_time(platform)).collect()
    }

    /// Limits a platform's connect timeout so that an attempt ends well within the remaining time
    /// of any lease. A lease is renewed before half of it has passed.
    fn in_time(&self, platform: &PlatformConfig) -> PlatformConfig {
        let connect_timeout = platform.connect_timeout.min(self.operations.lease / 4);
        PlatformConfig { connect_timeout, ..platform.clone() }
    }

    /// A summary for people: one line for each part, and one for each warning.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "publisher   {} ({})\nlisten      {}\ndatabase    {}\n",
            self.publisher.name,
            self.publisher.currency,
            self.server.listen,
            self.shown_database()
        );
        let platforms: Vec<&str> = self.platforms.iter().map(|platform| platform.name.as_str()).collect();
        let platforms = if platforms.is_empty() { "none".to_owned() } else { platforms.join(", ") };
        let approvals = if self.approvals.is_empty() {
            "none: every change is carried out at once".to_owned()
        } else {
            format!("{} rule{}", self.approvals.len(), if self.approvals.len() == 1 { "" } else { "s" })
        };
        for (what, value) in [
            ("platforms", platforms),
            ("principals", self.principals.len().to_string()),
            ("products", self.products.len().to_string()),
            ("tokens", self.tokens.len().to_string()),
            ("approvals", approvals),
        ] {
            // Writing to a `String` can't fail.
            let _ = writeln!(text, "{what:<11} {value}");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        text.trim_end().to_owned()
    }
}

/// Reads the text of a file as TOML.
fn document<'t>(lines: &Lines, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigErrors> {
    let (document, broken) = DeTable::parse_recoverable(text);
    if broken.is_empty() {
        return Ok(document);
    }
    // The recovered document lacks what could not be parsed. Reading on would report mistakes in the
    // wrong places.
    let remark = |error: &toml::de::Error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        Remark { place: lines.place(at), message: error.message().replace('\n', ", ") }
    };
    Err(ConfigErrors::new(broken.iter().map(remark).collect()))
}

/// Returns a variable of this process's environment.
fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The directory against which the file's relative paths are resolved.
fn folder_of(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests;

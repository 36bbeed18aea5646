//! The configuration: one TOML file, what the environment overrides, and secrets from wherever the file says.
//!
//! It is read whole before anything is started. Every mistake is reported with its place (`flightdeck.toml:12:8`), not
//! the first one alone; unknown keys are refused with the name that was probably meant. What is read is checked: the
//! rest of the host trusts it. `docs/configuration.md` describes every key.
//!
//! - [`Config`] and one module for each section: [`server`], [`callers`], [`store`], [`keys`], [`operations`], `platforms`, [`principals`],
//!   [`tokens`], [`products`], [`approvals`], [`retention`].
//! - `reader` and `section` walk the document and collect mistakes; `values` says what single values must be.
//! - [`mistake`]: what is said about a place. `secret`: where secrets come from.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use toml::de::DeTable;

use crate::{
    adapters::{AdaptersConfig, EngineOptions, PlatformConfig},
    domain::{
        id::{PlatformName, PrincipalId},
        lane::Workers,
    },
    network::receivers::Policy,
};

pub mod approvals;
pub mod callers;
mod engine;
pub mod keys;
pub mod mistake;
pub mod operations;
mod platforms;
pub mod principals;
pub mod products;
mod publisher;
mod reader;
pub mod retention;
mod secret;
mod section;
pub mod server;
pub mod store;
pub mod tokens;
mod values;
mod webhooks;

pub use approvals::{ApprovalQuestion, ApprovalRule, Needed};
pub use callers::{Callers, Rate, Rates};
pub use keys::KeySetting;
pub use mistake::{ConfigErrors, Place, Remark};
pub use operations::Operations;
pub use principals::{PlatformMapping, Principal};
pub use products::Product;
pub use publisher::Publisher;
pub use retention::Retention;
pub use server::{Data, Server};
pub use store::{StoreSettings, StoreUrl};
pub use tokens::Token;

use mistake::Lines;
use reader::Reader;

/// What a configuration is read in. [`Config::load`] takes the machine's own; tests bring theirs.
pub struct Surroundings<'s> {
    /// The value of an environment variable.
    pub environment: &'s dyn Fn(&str) -> Option<String>,
    /// Whether there is a file of that name.
    pub is_file: &'s dyn Fn(&Path) -> bool,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// A configuration without mistakes. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`.
    pub server: Server,
    /// `[data]`.
    pub data: Data,
    /// `[store]`.
    pub store: StoreSettings,
    /// `[[keys]]`, the one that makes first.
    pub keys: Vec<KeySetting>,
    /// `[engine]`.
    pub engine: EngineOptions,
    /// `[operations]`.
    pub operations: Operations,
    /// `[callers]`.
    pub callers: Callers,
    /// `[retention]`: how long what has ended is kept.
    pub retention: Retention,
    /// `[webhooks]`: where they may be sent.
    pub webhooks: Policy,
    /// `[publisher]`.
    pub publisher: Publisher,
    /// `[[platforms]]`, in the order of the file.
    pub platforms: Vec<PlatformConfig>,
    /// `[[principals]]`.
    pub principals: Vec<Principal>,
    /// `[[tokens]]`; those made by `flightdeck token create` are in the database.
    pub tokens: Vec<Token>,
    /// `[[products]]`.
    pub products: Vec<Product>,
    /// `[[approvals]]`.
    pub approvals: Vec<ApprovalRule>,
    /// SHA-256 of the file, hexadecimal: two configurations with the same one are the same but for their environment.
    pub digest: String,
    /// Where the settings of each platform stand.
    platform_places: Vec<Place>,
    warnings: Vec<Remark>,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(file: &Path) -> Result<Self, ConfigErrors> {
        let environment = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::load_in(file, &Surroundings { environment: &environment, is_file: &Path::is_file })
    }

    /// Reads a configuration file in other surroundings.
    ///
    /// # Errors
    /// Everything that is wrong with it.
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
                // What stands before the first bad byte is good, and tells the line.
                let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("");
                let place = Lines::new(file.to_owned(), good).place(good.len());
                let message = "is not UTF-8 from here on; save the file as UTF-8".to_owned();
                Err(ConfigErrors::new(vec![Remark { place, message }]))
            }
        }
    }

    /// Reads the text of a configuration; `file` is where it stands, for messages and for relative paths.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &Path, text: &str, around: &Surroundings<'_>) -> Result<Self, ConfigErrors> {
        let lines = Lines::new(file.to_owned(), text);
        let (document, broken) = DeTable::parse_recoverable(text);
        if !broken.is_empty() {
            // What was recovered lacks what could not be read: to read on would accuse the wrong places.
            let remark = |error: &toml::de::Error| {
                let at = error.span().map_or(text.len(), |span| span.start);
                Remark { place: lines.place(at), message: error.message().replace('\n', ", ") }
            };
            return Err(ConfigErrors::new(broken.iter().map(remark).collect()));
        }
        let reader = Reader::new(lines, around, folder_of(file));
        let config = Self::read(&reader, document.get_ref());
        let (mistakes, warnings) = reader.finish();
        match config {
            Some(config) if mistakes.is_empty() => {
                Ok(Self { warnings, digest: crate::domain::digest::sha256(text.as_bytes()), ..config })
            }
            _ => Err(ConfigErrors::new(mistakes)),
        }
    }

    /// Reads every section, also after a mistake: `None` only tells that one was recorded.
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
        let operations = root.section("operations", Operations::read);
        let callers = root.section("callers", Callers::read);
        let retention = root.section("retention", Retention::read);
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
        let approvals = approvals::read(&root);
        root.refuse_unknown_keys();
        Some(Self {
            server: server?,
            data: data?,
            store: store?,
            keys,
            engine: engine?,
            operations: operations?,
            callers: callers?,
            retention: retention?,
            webhooks: webhooks?,
            publisher: publisher?,
            platforms,
            principals,
            tokens,
            products,
            approvals,
            digest: String::new(),
            platform_places,
            warnings: Vec::new(),
        })
    }

    /// SHA-256 of the file and of who may call with which token, hexadecimal, for the audit log: a token may come from the
    /// environment or from a file beside it. It has their digests, and nothing by which one could be guessed.
    pub fn audited_digest(&self) -> String {
        let tokens: Vec<_> = self.tokens.iter().map(Token::for_digest).collect();
        crate::domain::digest::canonical(&serde_json::json!({ "file": self.digest, "tokens": tokens }))
    }

    /// What is allowed and probably not meant, in the order of the file.
    pub fn warnings(&self) -> &[Remark] {
        &self.warnings
    }

    /// Where the settings of a platform stand, or the platform itself if it has none.
    pub fn place_of_platform(&self, name: &PlatformName) -> Option<&Place> {
        let index = self.platforms.iter().position(|platform| platform.name == *name)?;
        self.platform_places.get(index)
    }

    /// The database's file, if it is one.
    pub fn database_path(&self) -> Option<PathBuf> {
        match &self.store.url {
            StoreUrl::Sqlite(path) => Some(self.data.dir.join(path)),
            StoreUrl::Postgres(_) => None,
        }
    }

    /// Where the database is, for people.
    fn shown_database(&self) -> String {
        match &self.store.url {
            StoreUrl::Sqlite(path) => self.data.dir.join(path).display().to_string(),
            StoreUrl::Postgres(url) => store::shown(url),
        }
    }

    /// The id under which a platform knows a principal; `None`: it may not buy there.
    pub fn advertiser(&self, principal: &PrincipalId, platform: &PlatformName) -> Option<&str> {
        let principal = self.principals.iter().find(|known| known.id == *principal)?;
        principal.platform_mappings.get(platform).map(|mapping| mapping.advertiser_id.as_str())
    }

    /// How much a principal may ask, with all its tokens together.
    pub fn rates_of(&self, principal: &PrincipalId) -> Rates {
        let known = self.principals.iter().find(|known| known.id == *principal);
        known.map_or(self.callers.rates, |known| known.calls.over(self.callers.rates))
    }

    /// Whose word a change needs before it is carried out; `None`: nobody's.
    pub fn approvals_needed(&self, question: &ApprovalQuestion<'_>) -> Option<Needed> {
        approvals::strictest(&self.approvals, question)
    }

    /// How many workers there are, and for what.
    pub fn workers(&self) -> Workers {
        let Operations { workers: all, workers_per_platform, switch_workers: for_switches, .. } = self.operations;
        // Of several platforms, one leaves half of the workers to the others.
        let share = if self.platforms.len() > 1 { all.div_ceil(2) } else { all };
        Workers { all, on_a_platform: workers_per_platform.unwrap_or(share), for_switches }
    }

    /// What the adapters are started with.
    pub fn adapters(&self, compiler: PathBuf) -> AdaptersConfig {
        AdaptersConfig {
            data_dir: self.data.dir.clone(),
            compiler,
            engine: self.engine.clone(),
            platforms: self.platforms.iter().map(|platform| self.in_time(platform)).collect(),
        }
    }

    /// A platform on which a connection is made, or given up, well within what any lease has left: it is prolonged before half of it has
    /// passed.
    fn in_time(&self, platform: &PlatformConfig) -> PlatformConfig {
        let connect_timeout = platform.connect_timeout.min(self.operations.lease / 4);
        PlatformConfig { connect_timeout, ..platform.clone() }
    }

    /// What was read, for people: one line for each part, and one for each warning.
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
            // Writing to a text can't fail.
            let _ = writeln!(text, "{what:<11} {value}");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        text.trim_end().to_owned()
    }
}

/// The folder against which the file's relative paths are resolved.
fn folder_of(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests;

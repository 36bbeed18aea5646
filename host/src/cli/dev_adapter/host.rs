//! The host in which an author tries an adapter: its configuration, made from check.toml.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use toml::{Table, Value};

use crate::{
    config::{AdapterCheck, price_key},
    domain::{capability::Capabilities, price::PriceModel},
    network::base_url::BaseUrl,
};

/// The tokens of the host. They are known to everybody, and so it listens on loopback by default.
const BUYER: &str = "dev-buyer";
const REVIEWER: &str = "dev-reviewer";
pub(super) const OPERATOR: &str = "dev-operator";

/// A configuration that is removed when it is dropped. It lies beside check.toml, because paths in
/// check.toml are relative to it.
#[derive(Debug)]
pub(super) struct Host {
    file: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    platform: String,
}

impl Drop for Host {
    fn drop(&mut self) {
        // What is left behind is a file that the next run replaces, and a temporary folder.
        let _ = std::fs::remove_file(&self.file);
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

impl Host {
    /// Writes the configuration.
    ///
    /// # Errors
    /// When check.toml can't be read, or the file can't be written.
    pub(super) fn new(
        check: &Path,
        component: &Path,
        described: &Capabilities,
        ad_server: &BaseUrl,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(check).with_context(|| format!("{} can't be read", check.display()))?;
        let given: Table = AdapterCheck::at(&text, ad_server).parse().context("check.toml is no TOML")?;
        let file = check.with_file_name(".flightdeck-dev.toml");
        let data = std::env::temp_dir().join(format!("flightdeck-dev-{}", uuid::Uuid::now_v7().simple()));
        let platform = AdapterCheck::platform_name(&described.platform);
        let host = Self { file, data, address, platform };
        let config = host.config(&given, component, described, ad_server);
        std::fs::write(&host.file, config.to_string())
            .with_context(|| format!("{} can't be written", host.file.display()))?;
        Ok(host)
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says how to use it.
    pub(super) fn welcome(&self) -> String {
        let Self { address, platform, .. } = self;
        format!(
            "serving on http://{address}. Save a file, and the adapter is built and swapped. Buy something, as in:\n\n  \
             curl -H 'Authorization: Bearer {BUYER}' -H 'Content-Type: application/json' http://{address}/v1/media-buys \\\n    \
             -d '{{\"packages\": [\"{platform}\"], \"total_budget\": 1000, \"flight_start_date\": \"DATE\", \"flight_end_date\": \"DATE\"}}'\n\n\
             Its tokens are {BUYER}, {REVIEWER} and {OPERATOR}. Ctrl-C stops it.\n"
        )
    }

    fn config(&self, given: &Table, component: &Path, described: &Capabilities, ad_server: &BaseUrl) -> Table {
        let within = |section: &str, key: &str| given.get(section).and_then(|section| section.get(key)).cloned();
        let name = || Value::from(self.platform.clone());
        let mut platform = given.get("platform").and_then(Value::as_table).cloned().unwrap_or_default();
        platform.insert("name".to_owned(), name());
        platform.insert("adapter".to_owned(), component.display().to_string().into());
        platform.insert("endpoint".to_owned(), ad_server.as_str().into());
        if let Value::Array(private) = platform.entry("allow_private").or_insert_with(|| Value::Array(Vec::new())) {
            private.extend(["127.0.0.0/8", "::1/128"].map(Value::from));
        }
        let advertiser = given.get("advertiser_id").cloned().unwrap_or_else(|| "1".into());
        let mappings = table([(self.platform.as_str(), table([("advertiser_id", advertiser)]))]);
        let formats = within("sample", "formats")
            .unwrap_or_else(|| Value::Array(described.formats.iter().map(|format| format.as_str().into()).collect()));
        let mut product = Table::from_iter([
            ("id".to_owned(), name()),
            ("name".to_owned(), name()),
            ("description".to_owned(), "To try the adapter with.".into()),
            ("platform".to_owned(), name()),
            ("formats".to_owned(), formats),
            price(described),
        ]);
        if let Some(settings) = within("product", "settings") {
            product.insert("settings".to_owned(), settings);
        }
        let token = |name: &str, role: &str, more: &[(&str, &str)]| {
            let more = more.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
            let mut token = Table::from_iter(more);
            token.insert("name".to_owned(), name.into());
            token.insert("role".to_owned(), role.into());
            token.insert("secret".to_owned(), table([("value", name.into())]));
            token.insert("allow_weak".to_owned(), true.into());
            Value::Table(token)
        };
        let tokens = vec![
            token(BUYER, "buyer", &[("principal", "author")]),
            token(REVIEWER, "reviewer", &[]),
            token(OPERATOR, "operator", &[]),
        ];
        // Creates are not approved by anybody, unless they are very large.
        let approvals = table([
            ("operations", Value::Array(vec!["create_media_buy".into()])),
            ("above_budget", 1_000_000_000_i64.into()),
        ]);
        let currency = within("sample", "currency").unwrap_or_else(|| "USD".into());
        let sections = [
            ("publisher", table([("name", "Development".into()), ("currency", currency)])),
            ("server", table([("listen", self.address.to_string().into())])),
            ("data", table([("dir", self.data.display().to_string().into())])),
            ("platforms", Value::Array(vec![Value::Table(platform)])),
            (
                "principals",
                Value::Array(vec![table([
                    ("id", "author".into()),
                    ("name", "Author".into()),
                    ("platform_mappings", mappings),
                ])]),
            ),
            ("tokens", Value::Array(tokens)),
            ("products", Value::Array(vec![Value::Table(product)])),
            ("approvals", Value::Array(vec![approvals])),
        ];
        sections.into_iter().map(|(name, section)| (name.to_owned(), section)).collect()
    }
}

/// The price of the product, as its key and value: in the first way in which the adapter sells.
fn price(described: &Capabilities) -> (String, Value) {
    let model = PriceModel::ALL.iter().copied().find(|model| described.sells_by(*model)).unwrap_or(PriceModel::Cpm);
    let rate = if model == PriceModel::Flat { 1_000 } else { 10 };
    (price_key(model).to_owned(), rate.into())
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

//! The file with which `adapter check` is told what a component needs: settings, credentials and
//! samples. Its section `[platform]` has the keys of `[[platforms]]`, without the name, the adapter
//! and the endpoint, which the command line gives.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde_json::Value;

use super::{
    ConfigErrors, Place, Remark, Surroundings, document, environment, folder_of,
    mistake::Lines,
    platforms::{self, Named},
    reader::{Node, Read, Reader},
    section::Section,
    values,
};
use crate::{
    adapters::PlatformConfig,
    domain::{
        creative::{Creative, Format},
        price::PriceModel,
        targeting::Dimension,
    },
    network::base_url::BaseUrl,
};

/// What stands for the ad server's address anywhere in the file, as in the address of a login.
const AD_SERVER: &str = "${AD_SERVER}";

/// Stands for the ad server's address while there is none.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The addresses of this machine, at which the kit itself listens.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

/// What a component is checked with.
#[derive(Debug, Clone)]
pub struct AdapterCheck {
    /// The platform. Its endpoint is the ad server's address.
    pub platform: PlatformConfig,
    /// `advertiser_id`: an advertiser that exists on the ad server.
    pub advertiser_id: String,
    /// `lookup_wait`: how long a lookup may miss what was written. Default: what the adapter
    /// declares.
    pub lookup_wait: Option<Duration>,
    /// `settings` of `[product]`.
    pub product_settings: Value,
    /// `currency` of `[sample]`, ISO 4217.
    pub currency: String,
    /// `formats` of `[sample]`: the formats that the sample's product accepts. Empty: all that the
    /// adapter declares.
    pub formats: Vec<Format>,
    /// `price_models` of `[sample]`: the ways in which the sample's product can be sold. Empty: all that
    /// the adapter declares.
    pub price_models: Vec<PriceModel>,
    /// `[[sample.creatives]]`: creatives that the ad server accepts. They name no packages.
    pub creatives: Vec<Creative>,
    /// `[sample.values]`: for targeting dimensions without a list of values, some that the ad server
    /// knows.
    pub values: BTreeMap<Dimension, Vec<String>>,
    /// `frequency_cap_minutes` of `[sample]`: periods that the ad server counts. Empty: whole hours
    /// between the declared limits.
    pub frequency_cap_minutes: Vec<u32>,
    /// `time_zones` of `[sample]`: zones in which hours are taken. Empty: any.
    pub time_zones: Vec<String>,
    /// `[dev]`: how the adapter is built and tried.
    pub dev: Dev,
}

/// The section `[dev]`, for `adapter dev`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dev {
    /// `build`: the command that builds the component, in the folder of the file.
    pub build: Option<String>,
    /// `component`: the component that it builds, relative to the folder of the file.
    pub component: Option<String>,
    /// `emulator`: the command that starts an emulator of the ad server.
    pub emulator: Option<String>,
}

impl AdapterCheck {
    /// Reads what the file says before there is a component or an ad server.
    ///
    /// # Errors
    /// When the file can't be read or is invalid. Lists every mistake.
    pub fn dev(file: &Path) -> Result<Dev, ConfigErrors> {
        let nowhere = NOWHERE.parse().map_err(|_| ConfigErrors::new(Vec::new()))?;
        Self::load(Some(file), "dev", Path::new("component.wasm"), &nowhere).map(|check| check.dev)
    }

    /// Returns the text of a file with the ad server's address in it.
    pub fn at(text: &str, ad_server: &BaseUrl) -> String {
        text.replace(AD_SERVER, ad_server.as_str())
    }

    /// Returns the name of the platform of an adapter that describes itself with this one.
    pub fn platform_name(described: &str) -> String {
        described.replace('-', "_")
    }

    /// Reads the file, or takes the defaults if there is none. `name` is the platform's name.
    ///
    /// # Errors
    /// When the file is invalid. Lists every mistake.
    pub fn load(file: Option<&Path>, name: &str, component: &Path, ad_server: &BaseUrl) -> Result<Self, ConfigErrors> {
        let (path, text) = match file {
            None => (Path::new("check.toml"), String::new()),
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => (path, text),
                Err(error) => {
                    let message = format!("can't be read: {error}; name another with --config");
                    return Err(ConfigErrors::new(vec![Remark { place: Place::File(path.to_owned()), message }]));
                }
            },
        };
        Self::parse(path, &Self::at(&text, ad_server), name, component, ad_server)
    }

    fn parse(file: &Path, text: &str, name: &str, component: &Path, ad_server: &BaseUrl) -> Result<Self, ConfigErrors> {
        let lines = Lines::new(file.to_owned(), text);
        let document = document(&lines, text)?;
        let around = Surroundings { environment: &environment, is_file: &Path::is_file };
        let reader = Reader::new(lines, &around, folder_of(file));
        let named = Named {
            name: Some(name.to_owned()),
            component: Some(component.to_owned()),
            endpoint: Some(ad_server.clone()),
        };
        let check = Self::read(&reader.root(document.get_ref()), named);
        let (mistakes, _) = reader.finish();
        match check {
            Some(check) if mistakes.is_empty() => Ok(check),
            _ => Err(ConfigErrors::new(mistakes)),
        }
    }

    fn read(root: &Section<'_>, named: Named) -> Option<Self> {
        let advertiser_id = root.or("advertiser_id", "1".to_owned(), values::foreign_id);
        let wait = |node: Node<'_>| values::short_millis(node).map(|ms| Duration::from_millis(u64::from(ms)));
        let lookup_wait = root.optional("lookup_wait", wait);
        let platform = root.section("platform", |section| platform(section, named)).flatten();
        let product_settings = root.section("product", |section| {
            section.or("settings", values::empty_object(), values::object) //
        });
        let sample = root.section("sample", |section| Sample {
            currency: section.or("currency", "USD".to_owned(), values::currency),
            formats: section.list("formats", format).unwrap_or_default(),
            price_models: section.list("price_models", price_model).unwrap_or_default(),
            creatives: section.tables("creatives", creative),
            values: section.table_if_table("values", |section| Some(listed(section))).unwrap_or_default(),
            frequency_cap_minutes: section.list("frequency_cap_minutes", minutes).unwrap_or_default(),
            time_zones: section.list("time_zones", values::words).unwrap_or_default(),
        });
        let dev = root.section("dev", |section| Dev {
            build: section.optional("build", values::words),
            component: section.optional("component", values::words),
            emulator: section.optional("emulator", values::words),
        });
        root.refuse_unknown_keys();
        let Sample { currency, formats, price_models, creatives, values, frequency_cap_minutes, time_zones } = sample?;
        Some(Self {
            platform: platform?,
            advertiser_id,
            lookup_wait,
            product_settings: product_settings?,
            currency,
            formats,
            price_models,
            creatives,
            values,
            frequency_cap_minutes,
            time_zones,
            dev: dev?,
        })
    }
}

/// The section `[sample]`.
struct Sample {
    currency: String,
    formats: Vec<Format>,
    price_models: Vec<PriceModel>,
    creatives: Vec<Creative>,
    values: BTreeMap<Dimension, Vec<String>>,
    frequency_cap_minutes: Vec<u32>,
    time_zones: Vec<String>,
}

fn minutes(node: Node<'_>) -> Read<u32> {
    values::whole(node, 1, 366 * 24 * 60)
}

fn platform(section: &Section<'_>, named: Named) -> Option<PlatformConfig> {
    let mut allow_private = section.list("allow_private", values::parsed).unwrap_or_default();
    allow_private.extend(LOOPBACK.iter().filter_map(|network| network.parse().ok()));
    platforms::rest(section, allow_private, named)
}

fn format(node: Node<'_>) -> Read<Format> {
    values::choice(node, Format::ALL, Format::as_str)
}

fn price_model(node: Node<'_>) -> Read<PriceModel> {
    values::choice(node, PriceModel::ALL, PriceModel::as_str)
}

fn creative(section: &Section<'_>) -> Option<Creative> {
    let id = section.required("id", "\"banner\"", values::id);
    let format = section.required("format", "\"image\"", format);
    let number = |key| section.optional(key, |node| values::whole(node, 1, 100_000));
    let address = |key| section.optional(key, values::words);
    let duration_ms = section.optional("duration", values::short_millis);
    let (media_url, click_url) = (address("media_url"), address("click_url"));
    let (width, height) = (number("width"), number("height"));
    let template_id = section.optional("template_id", values::foreign_id);
    let template_values = section.optional("template_values", values::object);
    let id = id?;
    Some(Creative {
        name: format!("Sample {id}"),
        id: id.into(),
        format: format?,
        media_url,
        click_url,
        duration_ms,
        width,
        height,
        template_id,
        template_values,
        packages: Vec::new(),
    })
}

/// Reads a table of lists, by the names of dimensions.
fn listed(section: &Section<'_>) -> BTreeMap<Dimension, Vec<String>> {
    section.take_any_key();
    let mut found = BTreeMap::new();
    for (name, at, node) in section.entries() {
        let Some(dimension) = Dimension::parse(name) else {
            section.wrong(at, format!("`{name}` is no dimension of targeting, like geo_city"));
            continue;
        };
        let listed = node.elements().map(|list| list.into_iter().map(values::words).collect::<Read<Vec<_>>>());
        match listed {
            Some(Ok(listed)) => drop(found.insert(dimension, listed)),
            _ => section.wrong(at, format!("`{name}` must be a list of values in quotes")),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AdapterCheck, String> {
        let ad_server: BaseUrl = "http://127.0.0.1:9101".parse().unwrap();
        let text = AdapterCheck::at(text, &ad_server);
        AdapterCheck::parse(Path::new("check.toml"), &text, "acme", Path::new("acme.wasm"), &ad_server)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_has_to_be_said() {
        let check = parse("").unwrap();
        assert_eq!((check.advertiser_id.as_str(), check.currency.as_str(), check.lookup_wait), ("1", "USD", None));
        assert_eq!(check.platform.endpoint.as_str(), "http://127.0.0.1:9101");
    }

    #[test]
    fn everything_can_be_said() {
        let check = parse(
            r#"
            advertiser_id = 7
            lookup_wait = "0s"
            [platform]
            auth = { scheme = "login_token", url = "${AD_SERVER}/login", username = "me", password = { value = "x" } }
            read_requests = ["POST /v1/reports"]
            limits = { requests = 50 }
            [platform.settings]
            network = "n"
            [product]
            settings = { zone = 1 }
            [sample]
            currency = "EUR"
            formats = ["image"]
            frequency_cap_minutes = [60, 1440]
            time_zones = ["America/Toronto"]
            [[sample.creatives]]
            id = "banner"
            format = "image"
            media_url = "https://cdn.example.com/b.png"
            width = 300
            height = 250
            [dev]
            build = "make"
            component = "acme.wasm"
            [sample.values]
            geo_city = ["Toronto, CA-ON"]
            "#,
        )
        .unwrap();
        assert_eq!(check.platform.settings["network"], "n");
        assert_eq!(check.platform.limits.requests, 50);
        assert_eq!((check.dev.build.as_deref(), check.dev.emulator), (Some("make"), None));
        assert_eq!((check.creatives[0].width, check.lookup_wait), (Some(300), Some(Duration::ZERO)));
        assert_eq!(check.values[&Dimension::GeoCity], ["Toronto, CA-ON"]);
        assert_eq!(
            (check.frequency_cap_minutes, check.time_zones),
            (vec![60, 1440], vec!["America/Toronto".to_owned()])
        );
    }

    #[test]
    fn what_is_unknown_or_wrong_is_named_with_its_place() {
        let wrong = parse("advertiser = 7\n[sample]\nformats = [\"picture\"]\nvalues = { moon = [] }").unwrap_err();
        for words in
            ["check.toml:1:1: `advertiser` is no key", "check.toml:3:12: `formats` must be", "`moon` is no dimension"]
        {
            assert!(wrong.contains(words), "{wrong}");
        }
    }
}

//! Valid documents: defaults, the effect of every key, and overrides from the environment.

use std::{path::Path, time::Duration};

use serde_json::json;

use super::{HOUSE, PUBLISHER, fine, shown};
use crate::{
    adapters::Limits,
    config::{Config, Surroundings, server},
    domain::{
        creative::Format,
        id::{PlatformName, PrincipalId},
        lane::Workers,
        money::Micros,
        price::{Price, PriceModel},
        role::Role,
    },
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_shortest_configuration_has_the_documented_defaults() {
    let config = fine(PUBLISHER);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.server.max_request_bytes.get(), 1 << 20);
    assert_eq!(config.server.shutdown_grace, 25 * SECOND);
    assert_eq!((config.server.default_wait, config.server.max_wait), (20 * SECOND, 55 * SECOND));
    assert!(!config.server.json_logs);
    assert_eq!((config.server.max_connections, config.server.max_connections_per_address), (None, 1_000));
    assert_eq!((config.server.header_timeout, config.server.body_timeout), (10 * SECOND, 30 * SECOND));
    assert_eq!((config.server.idle_timeout, config.server.max_streams), (75 * SECOND, 100));
    assert!(config.server.trusted_proxies.is_empty());
    let rates = config.callers.rates;
    assert_eq!([rates.reads.per_second, rates.reads.burst, rates.reads.in_flight].map(u32::from), [100, 1_000, 64]);
    assert_eq!([rates.writes.per_second, rates.writes.burst, rates.writes.in_flight].map(u32::from), [50, 500, 256]);
    assert_eq!((config.callers.failed_logins_per_minute.get(), config.callers.delivery_cache), (30, 5 * SECOND));
    assert_eq!(config.data.dir, Path::new("/etc/flightdeck/data"));
    assert_eq!(config.database_path().as_deref(), Some(Path::new("/etc/flightdeck/data/flightdeck.db")));
    let operations = &config.operations;
    assert_eq!(
        (operations.lease, operations.heartbeat, operations.deadline),
        (30 * SECOND, 10 * SECOND, 86_400 * SECOND)
    );
    assert_eq!((operations.workers, operations.max_claims), (8, 10));
    assert_eq!((operations.workers_per_platform, operations.switch_workers), (None, 4));
    assert_eq!((operations.backoff_initial, operations.backoff_max), (SECOND, 300 * SECOND));
    let days = |days: u32| days * 86_400 * SECOND;
    let retention = &config.retention;
    assert_eq!((retention.events, retention.operations, retention.tasks), (days(90), days(400), days(400)));
    assert_eq!((config.engine.slots, config.engine.pooling), (200, true));
    assert_eq!((config.engine.memory, config.engine.threads), (None, None));
    assert!(config.platforms.is_empty() && config.principals.is_empty() && config.products.is_empty());
    assert_eq!(config.warnings(), []);
}

#[test]
fn one_of_several_platforms_leaves_half_of_the_workers_to_the_others() {
    let another = "[[platforms]]\nname = \"other\"\nadapter = \"acme.wasm\"\nendpoint = \"https://b.example\"\n";
    let workers = |all, on_a_platform, for_switches| Workers { all, on_a_platform, for_switches };
    assert_eq!(fine(HOUSE).workers(), workers(8, 8, 4));
    assert_eq!(fine(&format!("{HOUSE}\n{another}")).workers(), workers(8, 4, 4));
    let keys = "[operations]\nworkers = 5\n";
    assert_eq!(fine(&format!("{HOUSE}\n{another}{keys}")).workers(), workers(5, 3, 4));
    let keys = format!("{keys}workers_per_platform = 2\nswitch_workers = 1\n");
    assert_eq!(fine(&format!("{HOUSE}\n{keys}")).workers(), workers(5, 2, 1));
}

#[test]
fn a_platform_has_the_adapters_defaults() {
    let config = fine(HOUSE);
    let adapters = config.adapters("/usr/bin/flightdeck".into());
    assert_eq!(adapters.data_dir, config.data.dir);
    assert_eq!(adapters.compiler, Path::new("/usr/bin/flightdeck"));
    let [platform] = adapters.platforms.as_slice() else { panic!("one platform") };
    assert_eq!(platform.component.as_deref(), Some(Path::new("/etc/flightdeck/acme.wasm")));
    assert_eq!(shown(&platform.origins), ["https://api.acme.example"]);
    assert_eq!((platform.limits.clone(), platform.settings.clone()), (Limits::default(), json!({})));
    assert!(platform.read_requests.is_empty() && platform.write_requests.is_empty(), "nothing is granted unasked");
    assert!(platform.trusted_keys.is_empty(), "adapters need no signature");
    assert_eq!((platform.rate_per_second, platform.max_concurrent_requests, platform.in_doubt_wait_ms), (None, 16, 0));
}

#[test]
fn a_platform_takes_what_is_written() {
    let text = HOUSE.replace(
        "[[principals]]",
        r#"rate_per_second = 50
max_concurrent_requests = 4
in_doubt_wait = "1m500ms"
processing_bound = "10m"
endpoint_aliases = ["https://api.eu.acme.example/v1/"]
trusted_keys = ["flightdeck-ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
read_requests = ["POST /v1/report/queue", "POST /v1/flight/*/forecast"]
write_requests = ["GET /v1/flight/*/delete"]
settings = { network = 9, ratio = 0.5, since = 2026-01-31, deep = { list = [true, "x"] } }

[platforms.limits]
memory = "256MiB"
cpu_time = "500ms"
wall_time = "2m"
first_byte_time = "5s"
requests = 10
request_size = 1024
requests_size = "1KiB"
response_size = "2KiB"
responses_size = "3KiB"
result_size = "4KiB"
log_size = "5KiB"
handles = 11
table_elements = 12

[[principals]]"#,
    );
    let config = fine(&text);
    let platform = &config.platforms[0];
    assert_eq!(
        platform.settings,
        json!({"network": 9, "ratio": 0.5, "since": "2026-01-31", "deep": {"list": [true, "x"]}})
    );
    assert_eq!(
        (platform.rate_per_second, platform.max_concurrent_requests, platform.in_doubt_wait_ms),
        (Some(50), 4, 60_500)
    );
    assert_eq!(platform.processing_bound_ms, 600_000);
    assert_eq!(shown(&platform.endpoint_aliases), ["https://api.eu.acme.example/v1"]);
    assert_eq!(shown(&platform.origins), ["https://api.acme.example"], "nothing is sent to an alias");
    assert_eq!(shown(&platform.trusted_keys), ["flightdeck-ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]);
    assert_eq!(shown(&platform.read_requests), ["POST /v1/report/queue", "POST /v1/flight/*/forecast"]);
    assert_eq!(shown(&platform.write_requests), ["GET /v1/flight/*/delete"]);
    let limits = Limits {
        memory_bytes: 256 << 20,
        table_elements: 12,
        cpu_ms: 500,
        wall_ms: 120_000,
        result_bytes: 4 << 10,
        handles: 11,
        requests: 10,
        request_bytes: 1 << 10,
        requests_bytes: 1 << 10,
        response_bytes: 2 << 10,
        responses_bytes: 3 << 10,
        first_byte_ms: 5_000,
        log_bytes: 5 << 10,
    };
    assert_eq!(platform.limits, limits);
}

#[test]
fn a_product_takes_its_defaults_from_its_price_and_its_publisher() {
    let text = format!(
        "{HOUSE}[[products]]\nid = \"a\"\nname = \"A\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpm = 12.50\n\
         [[products]]\nid = \"b\"\nname = \" B \"\ndescription = \"for b\"\nplatform = \"acme\"\n\
         formats = [\"video\", \"image\"]\ncpm = 1_000\nfloor_cpm = 0.000001\ncurrency = \"EUR\"\nreview_lead = \"0s\"\n\
         settings = {{ priority = 1 }}\n"
    );
    let config = fine(&text);
    let [plain, full] = config.products.as_slice() else { panic!("two products") };
    assert_eq!((plain.price, plain.floor), (Price::cpm(Micros::new(12_500_000).unwrap()), plain.price.rate));
    assert_eq!((plain.currency.as_str(), plain.review_lead_ms, &plain.settings), ("USD", 48 * 3_600_000, &json!({})));
    assert_eq!((full.name.as_str(), full.description.as_deref()), ("B", Some("for b")));
    assert_eq!(full.formats, [Format::Video, Format::Image]);
    assert_eq!((full.price.rate.get(), full.floor.get()), (1_000_000_000, 1));
    assert_eq!((full.currency.as_str(), full.review_lead_ms, &full.settings), ("EUR", 0, &json!({"priority": 1})));
}

#[test]
fn a_product_is_sold_at_one_of_four_prices() {
    let product = |price: &str| {
        let text = format!(
            "{HOUSE}[[products]]\nid = \"a\"\nname = \"A\"\nplatform = \"acme\"\nformats = [\"video\"]\n{price}\n"
        );
        let product = fine(&text).products.remove(0);
        (product.price.model, product.price.rate.get(), product.floor.get())
    };
    assert_eq!(product("cpm = 12.50"), (PriceModel::Cpm, 12_500_000, 12_500_000));
    assert_eq!(product("cpc = 0.80\nfloor_cpc = 0.5"), (PriceModel::Cpc, 800_000, 500_000));
    assert_eq!(product("cpcv = 0.05\nfloor_cpcv = 0.05"), (PriceModel::Cpcv, 50_000, 50_000));
    assert_eq!(
        product("flat_price = 5_000\nfloor_flat_price = 4_000"),
        (PriceModel::Flat, 5_000_000_000, 4_000_000_000)
    );
}

#[test]
fn principals_are_known_to_platforms_by_other_ids() {
    let config = fine(HOUSE);
    let advertiser = |principal: &str, platform: &str| {
        config.advertiser(&PrincipalId::from(principal), &PlatformName::from(platform)).map(str::to_owned)
    };
    assert_eq!(config.principals[0].name, "agency");
    assert_eq!(advertiser("agency", "acme"), Some("7".to_owned()));
    assert_eq!(advertiser("agency", "zenith"), None);
    assert_eq!(advertiser("nobody", "acme"), None);
}

#[test]
fn tokens_expire_at_a_moment_or_at_the_end_of_a_day() {
    let token =
        |name: &str, more: &str| format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{:064x}\"\n{more}\n", name.len());
    let text = HOUSE.to_owned()
        + &token("a", "role = \"buyer\"\nprincipal = \"agency\"\nexpires = 2030-01-31")
        + &token("bb", "role = \"reviewer\"\nexpires = 2030-01-31T12:00:00+02:00")
        + &token("anna@acme.example", "role = \"operator\"\nexpires = \"2030-01-31T12:00:00Z\"")
        + &token("last", "role = \"operator\"");
    let tokens = fine(&text).tokens;
    let shown: Vec<_> = tokens.iter().map(|token| token.expires_at.map(|at| at.to_string())).collect();
    let moment = |text: &str| Some(text.to_owned());
    assert_eq!(
        shown,
        [moment("2030-01-31T23:59:59Z"), moment("2030-01-31T10:00:00Z"), moment("2030-01-31T12:00:00Z"), None]
    );
    assert_eq!(tokens[0].principal, Some(PrincipalId::from("agency")));
    assert_eq!((tokens[1].role, &tokens[1].principal), (Role::Reviewer, &None));
}

fn overridden(variable: &'static str, value: &'static str) -> Result<Config, String> {
    let environment = move |name: &str| (name == variable).then(|| value.to_owned());
    let around = Surroundings { environment: &environment, is_file: &|_| true };
    let text = format!("{PUBLISHER}[server]\nlisten = \"[::]:1\"\n[data]\ndir = \"/var/lib/flightdeck\"\n");
    Config::parse(Path::new("f.toml"), &text, &around).map_err(|errors| errors.to_string())
}

#[test]
fn the_environment_overrides_address_and_data_folder() {
    let config = overridden(server::LISTEN_VARIABLE, "0.0.0.0:80").unwrap();
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:80");
    assert_eq!(config.database_path().as_deref(), Some(Path::new("/var/lib/flightdeck/flightdeck.db")));
    let config = overridden(server::DATA_DIR_VARIABLE, "/tmp/elsewhere").unwrap();
    assert_eq!(config.server.listen.to_string(), "[::]:1");
    assert_eq!(config.database_path().as_deref(), Some(Path::new("/tmp/elsewhere/flightdeck.db")));
    // Shells and containers use an empty variable to mean that it is unset.
    assert_eq!(overridden(server::LISTEN_VARIABLE, "").unwrap().server.listen.port(), 1);
    assert_eq!(
        overridden(server::LISTEN_VARIABLE, "80").unwrap_err(),
        "FLIGHTDECK_LISTEN: must be an address and a port, like \"127.0.0.1:8080\" or \"[::]:8080\""
    );
}

#[test]
fn the_public_address_is_shown_as_clients_send_it() {
    let authority = |url: &str| {
        let config = fine(&format!("{PUBLISHER}[server]\npublic_url = \"{url}\"\n"));
        config.server.public_url.unwrap().authority()
    };
    assert_eq!(authority("https://Ads.acme.example:443/flightdeck/"), "ads.acme.example");
    assert_eq!(authority("http://ads.acme.example:8080"), "ads.acme.example:8080");
}

#[test]
fn the_database_may_lie_elsewhere() {
    let path = |url: &str| fine(&format!("{PUBLISHER}[store]\nurl = \"{url}\"\n")).database_path().unwrap();
    assert_eq!(path("sqlite://other.db"), Path::new("/etc/flightdeck/data/other.db"));
    assert_eq!(path("sqlite:///var/lib/other.db"), Path::new("/var/lib/other.db"));
}

#[test]
fn the_summary_names_what_was_read() {
    assert_eq!(
        fine(HOUSE).summary(),
        "publisher   Acme News (USD)\nlisten      127.0.0.1:8080\ndatabase    /etc/flightdeck/data/flightdeck.db\n\
         platforms   acme\nprincipals  1\nproducts    0\ntokens      0\napprovals   1 rule"
    );
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flightdeck.toml");
    let message = Config::load(&file).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: can't be read: No such file", file.display())), "{message}");
    std::fs::write(&file, b"[publisher]\nname = \"caf\xe9\"\n").unwrap();
    let message = Config::load(&file).unwrap_err().to_string();
    assert_eq!(message, format!("{}:2:12: is not UTF-8 from here on; save the file as UTF-8", file.display()));
    std::fs::write(&file, PUBLISHER).unwrap();
    assert!(Config::load(&file).is_ok());
}

/// The keys that a host on PostgreSQL needs.
const KEYS: &str = "[[keys]]\nid = \"2026-11\"\nsecret = { value = \"hunter3-hunter3-hunter3-hunter3-\" }\n\
                    [[keys]]\nid = \"2025-11\"\nsecret = { value = \"hunter4-hunter4-hunter4-hunter4-\" }\n";

#[test]
fn keys_are_kept_in_their_order_and_shown_to_nobody() {
    let config = fine(&format!("{PUBLISHER}{KEYS}"));
    let ids: Vec<&str> = config.keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["2026-11", "2025-11"]);
    assert_eq!(config.keys[0].secret.expose(), "hunter3-hunter3-hunter3-hunter3-");
    let shown = format!("{config:?} {}", config.summary());
    assert!(!shown.contains("hunter3"), "{shown}");
    assert!(shown.contains("`secret` stands here in plain text"), "{shown}");
    assert!(fine(PUBLISHER).keys.is_empty());
}

#[test]
fn the_database_may_be_a_server() {
    let text = format!(
        "{PUBLISHER}[store]\nurl = {{ value = \"postgres://me:hunter2@db:5433/ads\" }}\nconnections = 4\n{KEYS}"
    );
    let config = fine(&text);
    assert_eq!((config.store.connections, config.database_path()), (4, None));
    let crate::config::StoreUrl::Postgres(url) = &config.store.url else { panic!("a server") };
    assert_eq!(url.expose(), "postgres://me:hunter2@db:5433/ads");
    let shown = format!("{config:?} {}", config.summary());
    assert!(shown.contains("postgres://db:5433/ads") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn lost_requests_are_looked_for_when_it_is_written_and_connections_are_made_within_a_lease() {
    let usual = fine(HOUSE);
    assert_eq!(usual.operations.look_again.len(), 5);
    let connects = |config: &Config| config.adapters("compiler".into()).platforms[0].connect_timeout;
    assert_eq!(connects(&usual), Duration::from_millis(7_500), "a quarter of the usual lease");
    let text = HOUSE.replace(
        "[[principals]]",
        "[operations]\nlook_again = [\"1m\", \"2h\"]\nlease = \"8s\"\nheartbeat = \"2s\"\n\n[[principals]]",
    );
    let config = fine(&text);
    assert_eq!(config.operations.look_again, [Duration::from_secs(60), Duration::from_secs(7_200)]);
    assert_eq!(connects(&config), Duration::from_secs(2));
}

#[test]
fn a_principal_may_ask_more_or_less_than_everybody() {
    let config = fine(&format!(
        "{HOUSE}calls = {{ reads_per_second = 500, writes_in_flight = 2 }}\n[callers]\nreads_burst = 7\n"
    ));
    let rates = config.rates_of(&"agency".into());
    assert_eq!([rates.reads.per_second, rates.reads.burst, rates.reads.in_flight].map(u32::from), [500, 7, 64]);
    assert_eq!([rates.writes.per_second, rates.writes.burst, rates.writes.in_flight].map(u32::from), [50, 500, 2]);
    assert_eq!(config.rates_of(&"somebody".into()), config.callers.rates);
}

#[test]
fn a_trusted_proxy_is_a_network_or_an_address() {
    let config = fine(&format!("{PUBLISHER}[server]\ntrusted_proxies = [\"10.1.2.3/8\", \"::1\"]\n"));
    let proxies: Vec<String> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
}

#[test]
fn a_token_is_its_own_person_unless_it_names_one() {
    let token = |name: &str, more: &str| {
        format!("[[tokens]]\nname = \"{name}\"\nrole = \"operator\"\nsha256 = \"{:064x}\"\n{more}\n", name.len())
    };
    let tokens = fine(&format!("{HOUSE}{}{}", token("anna", ""), token("night-desk", "person = \"Anna\""))).tokens;
    assert_eq!((tokens[0].person.as_str(), tokens[1].person.as_str()), ("anna", "Anna"));
    assert_eq!(tokens[0].person, tokens[1].person);
}

#[test]
fn a_buy_is_taken_for_gone_after_minutes_unless_the_file_says_otherwise() {
    let operations = |more: &str| fine(&format!("{PUBLISHER}[operations]\n{more}")).operations;
    let shown = |more: &str| (operations(more).missing_after.as_secs(), operations(more).missing_alarm);
    assert_eq!(shown(""), (300, 10));
    assert_eq!(shown("missing_after = \"1m\"\nmissing_alarm = 3\n"), (60, 3));
}

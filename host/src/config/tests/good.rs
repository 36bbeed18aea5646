//! What is fine: defaults, every key at work, what the environment overrides.

use std::{path::Path, time::Duration};

use serde_json::json;

use super::{HOUSE, PUBLISHER, fine};
use crate::{
    adapters::Limits,
    config::{Config, Surroundings, server},
    domain::{
        creative::Format,
        id::{PlatformName, PrincipalId},
        money::Micros,
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
    assert_eq!(config.data.dir, Path::new("/etc/flightdeck/data"));
    assert_eq!(config.database_path().as_deref(), Some(Path::new("/etc/flightdeck/data/flightdeck.db")));
    let operations = &config.operations;
    assert_eq!(
        (operations.lease, operations.heartbeat, operations.deadline),
        (30 * SECOND, 10 * SECOND, 86_400 * SECOND)
    );
    assert_eq!((operations.workers, operations.max_claims), (8, 10));
    assert_eq!((operations.backoff_initial, operations.backoff_max), (SECOND, 300 * SECOND));
    let days = |days: u32| days * 86_400 * SECOND;
    let retention = &config.retention;
    assert_eq!((retention.events, retention.operations, retention.tasks), (days(90), days(400), days(400)));
    assert_eq!((config.engine.slots, config.engine.pooling), (200, true));
    assert!(config.platforms.is_empty() && config.principals.is_empty() && config.products.is_empty());
    assert_eq!(config.warnings(), []);
}

#[test]
fn a_platform_has_the_adapters_defaults() {
    let config = fine(HOUSE);
    let adapters = config.adapters("/usr/bin/flightdeck".into());
    assert_eq!(adapters.data_dir, config.data.dir);
    assert_eq!(adapters.compiler, Path::new("/usr/bin/flightdeck"));
    let [platform] = adapters.platforms.as_slice() else { panic!("one platform") };
    assert_eq!(platform.component, Path::new("/etc/flightdeck/acme.wasm"));
    assert_eq!(platform.origins, ["https://api.acme.example"]);
    assert_eq!((platform.limits.clone(), platform.settings.clone()), (Limits::default(), json!({})));
    assert_eq!((platform.rate_per_second, platform.max_concurrent_requests, platform.in_doubt_wait_ms), (None, 16, 0));
}

#[test]
fn a_platform_takes_what_is_written() {
    let text = HOUSE.replace(
        "[[principals]]",
        r#"rate_per_second = 50
max_concurrent_requests = 4
in_doubt_wait = "1m500ms"
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
    assert_eq!((plain.cpm, plain.floor_cpm), (Micros::new(12_500_000).unwrap(), plain.cpm));
    assert_eq!((plain.currency.as_str(), plain.review_lead_ms, &plain.settings), ("USD", 48 * 3_600_000, &json!({})));
    assert_eq!((full.name.as_str(), full.description.as_deref()), ("B", Some("for b")));
    assert_eq!(full.formats, [Format::Video, Format::Image]);
    assert_eq!((full.cpm.get(), full.floor_cpm.get()), (1_000_000_000, 1));
    assert_eq!((full.currency.as_str(), full.review_lead_ms, &full.settings), ("EUR", 0, &json!({"priority": 1})));
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
    // An empty variable is how shells and containers say that there is none.
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

#[test]
fn the_database_may_be_a_server() {
    let text =
        format!("{PUBLISHER}[store]\nurl = {{ value = \"postgres://me:hunter2@db:5433/ads\" }}\nconnections = 4\n");
    let config = fine(&text);
    assert_eq!((config.store.connections, config.database_path()), (4, None));
    let crate::config::StoreUrl::Postgres(url) = &config.store.url else { panic!("a server") };
    assert_eq!(url.expose(), "postgres://me:hunter2@db:5433/ads");
    let shown = format!("{config:?} {}", config.summary());
    assert!(shown.contains("postgres://db:5433/ads") && !shown.contains("hunter2"), "{shown}");
}

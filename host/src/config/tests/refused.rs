//! The file itself and its sections: what is refused, at which position, and with which message.

use super::{PUBLISHER, refused, refused_in_house};

#[test]
fn broken_toml_is_refused_where_it_breaks() {
    refused("[publisher¦\nname = \"x\"\n", &["unclosed table, expected `]`"]);
    refused(&format!("{PUBLISHER}¦name = \"twice\"\n"), &["duplicate key"]);
}

#[test]
fn every_mistake_is_found_in_one_run() {
    refused(
        "[server]\nlisten = ¦\"here\"\n¦listn = 1\n[publisher]\nname = ¦7\ncurrency = ¦\"usd\"\n",
        &[
            "`listen` must be an address and a port, like \"127.0.0.1:8080\" or \"[::]:8080\"",
            "`listn` is no key of [server]; did you mean `listen`?",
            "`name` must be a text in quotes",
            "`currency` must be the three capital letters of a currency (ISO 4217), like \"USD\"",
        ],
    );
}

#[test]
fn unknown_keys_and_sections_are_refused() {
    refused(
        &format!("¦frobnicate = 1\n{PUBLISHER}¦nam = 1\n[¦sever]\nlisten = 1\n"),
        &[
            "`frobnicate` is no key of the configuration; known: `approvals`, `callers`, `data`, `desk`, `engine`, `groups`, `keys`, `operations`, \
             `platforms`, `principals`, `products`, `publisher`, `releases`, `retention`, `server`, `store`, `tokens` or \
             `webhooks`",
            "`nam` is no key of [publisher]; did you mean `name`?",
            "`sever` is no key of the configuration; did you mean `server`?",
        ],
    );
}

#[test]
fn sections_have_their_form() {
    refused(
        "[publisher]\nname = \"x\"\ncurrency = \"USD\"\n¦[platforms]\nname = \"acme\"\n",
        &["`platforms` is a list of sections: write [[platforms]] above each"],
    );
    refused(
        &format!("server = ¦1\ntokens = [¦1]\n{PUBLISHER}"),
        &[
            "`server` must be a section: write [server] on a line of its own",
            "`tokens` is a list of sections: write [[tokens]] above each",
        ],
    );
}

#[test]
fn nothing_is_forgotten_before_its_time() {
    refused(
        &format!(
            "{PUBLISHER}[retention]\nevents = ¦\"29d\"\noperations = ¦\"6d\"\ntasks = ¦\"167h\"\n¦task = \"9d\"\n"
        ),
        &[
            "`events` must be at least 30d: until then webhooks may be replayed",
            "`operations` must be at least 7d: repeated requests are answered with them, and their steps may be looked up again",
            "`tasks` must be at least 7d: until then closed tasks are listed",
            "`task` is no key of [retention]; did you mean `tasks`?",
        ],
    );
}

#[test]
fn the_publisher_has_a_name_and_a_currency() {
    let (name, currency) = (
        "[publisher] needs `name`; add it, like name = \"Acme News\"",
        "[publisher] needs `currency`; add it, like currency = \"USD\"",
    );
    refused("¦¦", &[currency, name]);
    refused("\n¦¦[publisher]\n", &[currency, name]);
}

#[test]
fn durations_have_units_and_fit_each_other() {
    let must = "must be a duration with its unit (ms, s, m, h, d) in quotes, like \"30s\" or \"1h30m\"";
    refused(
        &format!("{PUBLISHER}[server]\nmax_wait = ¦30\nshutdown_grace = ¦\"5 min\"\ndefault_wait = ¦\"9999999d\"\n"),
        &[
            &format!("`max_wait` {must}"),
            &format!("`shutdown_grace` {must}"),
            "`default_wait` must be at most ten years",
        ],
    );
    refused(
        &format!("{PUBLISHER}[server]\nmax_wait = ¦\"10s\"\n"),
        &["`default_wait` (20s) must not be longer than `max_wait` (10s)"],
    );
    refused(
        &format!(
            "{PUBLISHER}[operations]\nlease = \"10s\"\nheartbeat = ¦\"5s\"\nbackoff_initial = ¦\"2h\"\nbackoff_max = \"1h\"\n"
        ),
        &[
            "`heartbeat` (5s) must be less than half of `lease` (10s)",
            "`backoff_initial` (2h) must be at most `backoff_max` (1h)",
        ],
    );
    refused(
        &format!("{PUBLISHER}[operations]\nlease = ¦\"2m\"\nbackoff_max = ¦\"25h\"\ndeadline = \"1m\"\n"),
        &[
            "`lease` (2m) must be shorter than `deadline` (1m)",
            "`backoff_max` (1d1h) must be shorter than `deadline` (1m)",
        ],
    );
}

#[test]
fn numbers_have_bounds() {
    refused(
        &format!(
            "{PUBLISHER}[operations]\nworkers = ¦0\nworkers_per_platform = ¦0\nswitch_workers = ¦1001\nmax_claims = ¦1001\n\
             [engine]\nslots = ¦\"many\"\npooling = ¦1\nmemory = ¦\"much\"\nthreads = ¦0\n\
             [server]\nmax_request_size = ¦\"1MB\"\njson_logs = ¦\"yes\"\n"
        ),
        &[
            "`workers` must be a whole number from 1 to 1000",
            "`workers_per_platform` must be a whole number from 1 to 1000",
            "`switch_workers` must be a whole number from 1 to 1000",
            "`max_claims` must be a whole number from 1 to 1000",
            "`slots` must be a whole number from 1 to 10000",
            "`pooling` must be true or false, without quotes",
            "`memory` must be a number of bytes above 0, like 65536, \"64KiB\" or \"1MiB\"",
            "`threads` must be a whole number from 1 to 1000",
            "`max_request_size` must be a number of bytes above 0, like 65536, \"64KiB\" or \"1MiB\"",
            "`json_logs` must be true or false, without quotes",
        ],
    );
}

#[test]
fn what_callers_may_ask_has_bounds() {
    refused(
        &format!(
            "{PUBLISHER}[callers]\nreads_per_second = ¦0\nwrites_burst = ¦1000001\nreads_in_flight = ¦\"all\"\n\
             failed_logins_per_minute = ¦-1\ndelivery_cache = ¦\"2h\"\n¦reads_in_flght = 1\n"
        ),
        &[
            "`reads_per_second` must be a whole number from 1 to 1000000",
            "`writes_burst` must be a whole number from 1 to 1000000",
            "`reads_in_flight` must be a whole number from 1 to 1000000",
            "`failed_logins_per_minute` must be a whole number from 1 to 1000000",
            "`delivery_cache` must be at most 1h",
            "`reads_in_flght` is no key of [callers]; did you mean `reads_in_flight`?",
        ],
    );
    refused_in_house(
        "[[principals]]\nid = \"other\"\nplatform_mappings = { acme = { advertiser_id = 1 } }\n\
         calls = { writes_per_second = ¦0, ¦reads_burts = 1 }\n[[principals]]\nid = \"third\"\n\
         platform_mappings = { acme = { advertiser_id = 2 } }\ncalls = ¦5\n",
        &[
            "`writes_per_second` must be a whole number from 1 to 1000000",
            "`reads_burts` is no key of `calls`; did you mean `reads_burst`?",
            "`calls` must be a table, like calls = { reads_per_second = 500 }",
        ],
    );
}

#[test]
fn connections_have_bounds_and_proxies_are_networks() {
    refused(
        &format!(
            "{PUBLISHER}[server]\nmax_connections = ¦0\nmax_connections_per_address = ¦100001\nheader_timeout = ¦\"0s\"\n\
             body_timeout = ¦5\nidle_timeout = ¦\"forever\"\nmax_streams = ¦1001\ntrusted_proxies = [\"10.0.0.0/8\", ¦\"proxy\"]\n"
        ),
        &[
            "`max_connections` must be a whole number from 1 to 100000",
            "`max_connections_per_address` must be a whole number from 1 to 100000",
            "`header_timeout` must be more than 0",
            "`body_timeout` must be a duration with its unit (ms, s, m, h, d) in quotes, like \"30s\" or \"1h30m\"",
            "`idle_timeout` must be a duration with its unit (ms, s, m, h, d) in quotes, like \"30s\" or \"1h30m\"",
            "`max_streams` must be a whole number from 1 to 1000",
            "`trusted_proxies` must be a network (\"10.1.0.0/16\") or an address, in quotes",
        ],
    );
}

#[test]
fn shares_are_parts_of_a_whole() {
    refused(
        &format!("{PUBLISHER}[operations]\nworkers = 4\nworkers_per_platform = ¦5\n"),
        &["`workers_per_platform` must be at most `workers` (4)"],
    );
    // A platform that may use as much memory as all calls together runs alone. One that may use
    // more would never run.
    refused_in_house(
        "[engine]\nmemory = \"128MiB\"\n[[platforms]]\nname = \"large\"\nadapter = \"acme.wasm\"\n\
         endpoint = \"https://b.example\"\nlimits = ¦{ memory = \"129MiB\" }\n",
        &[
            "`limits` allow one call 135266304 bytes of `memory`, and `memory` of [engine] all calls together 134217728: lower the first, \
           or raise the second",
        ],
    );
}

#[test]
fn the_store_is_a_file_or_a_server() {
    let must = "`url` must be sqlite:// and a path, like \"sqlite://flightdeck.db\" or \"sqlite:///var/lib/flightdeck.db\", or a \
                postgres:// address";
    refused(&format!("{PUBLISHER}[store]\nurl = ¦\"flightdeck.db\"\n"), &[must]);
    // Neither message repeats the password.
    let must = "`url` must be like postgres://user:password@host:5432/database";
    refused(&format!("{PUBLISHER}[store]\nurl = ¦\"postgres://me:hunter2@:5432/flightdeck\"\n"), &[must]);
    refused(&format!("{PUBLISHER}[store]\nurl = ¦{{ value = \"postgres://\" }}\n"), &[must]);
    refused(
        &format!("{PUBLISHER}[store]\nconnections = ¦1\n"),
        &["`connections` must be a whole number from 2 to 1000"],
    );
}

#[test]
fn a_key_has_a_name_of_its_own_and_can_not_be_guessed() {
    let long = "0123456789abcdef0123456789abcdef";
    refused(
        &format!(
            "{PUBLISHER}[[keys]]\nid = \"one\"\nsecret = ¦{{ value = \"{}\" }}\n¦[[keys]]\nid = ¦\"t:o\"\n\
             [[keys]]\nid = \"three\"\nsecret = {{ value = \"{long}\" }}\n[[keys]]\nid = ¦\"three\"\nsecret = ¦\"{long}\"\n",
            &long[1..]
        ),
        &[
            "`secret` must have 32 characters at least, so that nobody guesses it (`openssl rand -base64 32` makes one)",
            "[[keys]] needs `secret`; add it, like secret = { env = \"NAME\" }",
            "`id` must be an id of letters, digits, `_`, `-` and `.`, at most 64, like \"agency-7\"",
            "there is a key `three` on line 10 already; choose another name",
            "`secret` must say where the secret is: { env = \"NAME\" }, { file = \"path\" } or { value = \"…\" }",
        ],
    );
}

#[test]
fn a_database_that_hosts_share_needs_a_key_that_they_share() {
    let needs = "[store] is PostgreSQL, which hosts may share, and there is no key with which they all sign its audit log and encrypt its \
                 secrets; add a section [[keys]] with id = \"2026-11\" and secret = { env = \"FLIGHTDECK_KEY\" } (`openssl rand -base64 32` \
                 makes one), and keep that key elsewhere, too";
    refused(&format!("{PUBLISHER}¦[store]\nurl = {{ value = \"postgres://db/ads\" }}\n"), &[needs]);
}

#[test]
fn receivers_of_webhooks_may_not_take_for_ever() {
    refused(
        &format!("{PUBLISHER}[webhooks]\ntimeout = ¦\"61s\"\n"),
        &["`timeout` must be at most 1m: receivers that take longer answer first and work afterwards"],
    );
}

#[test]
fn looks_for_lost_requests_are_durations_and_there_is_one() {
    refused_in_house(
        "[operations]\nlook_again = ¦[]\n",
        &["`look_again` is empty; name at least one duration, like [\"5m\", \"1h\", \"1d\"]"],
    );
    refused_in_house(
        "[operations]\nlook_again = [¦5, \"1h\"]\n",
        &["`look_again` must be a duration with its unit (ms, s, m, h, d) in quotes, like \"30s\" or \"1h30m\""],
    );
}

#[test]
fn what_is_missed_is_not_gone_at_once_nor_never_an_alarm() {
    refused(
        &format!("{PUBLISHER}[operations]\nmissing_after = ¦\"0s\"\nmissing_alarm = ¦0\n"),
        &["`missing_after` must be more than 0", "`missing_alarm` must be a whole number from 1 to 1000000"],
    );
}

#[test]
fn a_browser_can_t_be_idle_for_longer_than_it_is_signed_in() {
    refused(
        &format!("{PUBLISHER}[desk]\nidle_timeout = ¦\"2d\"\nsession_lifetime = \"1d\"\n"),
        &["`idle_timeout` must be at most the session_lifetime, 1d: a browser is signed out then anyway"],
    );
}

//! What may leave the sandbox, and what comes back into it.

use std::sync::{Arc, Mutex};

use flightdeck::{
    adapters::{Credentials, PlatformConfig, Secret},
    domain::{failure::FailureKind, step::StepState},
};
use serde_json::json;

use super::{
    journal::MemoryJournal,
    server::{Server, Writes},
    world::{buy, platform, soon, start},
};
use flightdeck::adapters::RemoteBuy;

const SECRET: &str = "s3cr3t-of-acme";

/// What the host logs from now on.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        // The runner gives each test a process of its own, so no other subscriber is set.
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
        log
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn ssrf(name: &str, endpoint: &str, url: &str) -> PlatformConfig {
    let mut config = platform(name, "ssrf", endpoint);
    config.settings = json!({ "behaviour": "ssrf", "url": url });
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn other_hosts_are_refused_by_name_and_by_number() {
    let server = Server::start().await;
    let (endpoint, port) = (server.endpoint(), server.port);
    let urls = [
        "https://example.com/x?token=hunter2".to_owned(),
        format!("http://localhost:{port}/x"),
        format!("http://127.0.0.2:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("https://127.0.0.1:{port}/x"),
        "http://127.0.0.1:1/x".to_owned(),
        // Its own platform, spelled so that it would have a pool of connections of its own.
        format!("http://someone@127.0.0.1:{port}/x"),
    ];
    let platforms = urls.iter().enumerate().map(|(n, url)| ssrf(&format!("acme{n}"), &endpoint, url)).collect();
    let world = start(platforms).await.unwrap();
    for (number, url) in urls.iter().enumerate() {
        let name = format!("acme{number}");
        let failure = world.create(&name, &MemoryJournal::new()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Fault, "egress_denied"), "{url}: {failure}");
        assert!(failure.message.contains(&name), "{failure}");
        assert!(failure.message.contains("`origins`") || url.contains('@'), "{failure}");
        assert!(!failure.message.contains("hunter2"), "{failure}");
    }
    assert!(server.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_refused_until_the_configuration_names_it() {
    let server = Server::start().await;
    for endpoint in [server.endpoint(), format!("http://localhost:{}", server.port)] {
        let mut config = platform("acme", "ssrf", &endpoint);
        config.settings = json!({ "behaviour": "ssrf", "url": format!("{endpoint}/x") });
        let allowed = config.clone();
        config.allow_private.clear();
        let world = start(vec![config]).await.unwrap();
        let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
        assert_eq!(failure.code, "egress_denied", "{failure}");
        let line = format!("add \"{}\" to `allow_private`", endpoint.trim_start_matches("http://"));
        assert!(failure.message.contains(&line), "{failure}");

        let before = server.received().len();
        let mut allowed = allowed;
        // localhost is ::1, too, where this machine has it.
        allowed.allow_private.push("::1".parse().unwrap());
        let world = start(vec![allowed]).await.unwrap();
        world.create("acme", &MemoryJournal::new()).await.unwrap();
        assert_eq!(server.received().len(), before + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_added_last_and_never_come_back() {
    let server = Server::start().await;
    let mut config = platform("acme", "echo", &server.endpoint());
    config.settings = json!({ "behaviour": "echo", "say": SECRET });
    config.credentials = Credentials::Bearer(Secret::new(SECRET));
    assert!(!format!("{config:?}").contains(&format!("Bearer(\"{SECRET}")));
    let world = start(vec![config]).await.unwrap();
    let outcome = world.create("acme", &MemoryJournal::new()).await.unwrap();
    assert!(server.received()[0].head.contains(&format!("authorization: Bearer {SECRET}")));
    let (headers, body) = (&outcome.notes[0], &outcome.notes[1]);
    assert!(headers.contains("x-plain: yes"), "{headers}");
    assert!(!headers.contains("set-cookie") && !headers.contains("x-echo"), "{headers}");
    assert!(body.contains(&format!("authorization: Bearer {}", "*".repeat(SECRET.len()))), "{body}");
}

/// Everything that a platform may ask for at once.
fn several() -> Credentials {
    let text = |text: &str| text.to_owned();
    Credentials::Several(vec![
        Credentials::Bearer(Secret::new(SECRET)),
        Credentials::Header { name: text("X-Key"), value: Secret::new("key-of-acme") },
        Credentials::PlainHeader { name: text("X-Network"), value: text("network-9") },
        Credentials::Query { name: text("api_key"), value: Secret::new("key & more") },
        Credentials::PlainQuery { name: text("v"), value: text("2") },
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn several_credentials_are_added_together_and_the_secret_ones_never_come_back() {
    let server = Server::start().await;
    let mut config = echo_of("/echo?page=2&api_key=mine", &server.endpoint());
    config.credentials = several();
    let world = start(vec![config]).await.unwrap();
    let outcome = world.create("acme", &MemoryJournal::new()).await.unwrap();
    let head = server.received()[0].head.clone();
    let sent = format!("authorization: Bearer {SECRET}");
    for added in ["GET /echo?page=2&api_key=key%20%26%20more&v=2 ", &sent, "x-key: key-of-acme", "x-network: network-9"]
    {
        assert!(head.contains(added), "{added}: {head}");
    }
    let body = &outcome.notes[1];
    for secret in [SECRET, "key-of-acme", "key%20%26%20more"] {
        assert!(!body.contains(secret), "{body}");
    }
    assert!(body.contains("x-network: network-9") && body.contains("&v=2 ") && body.contains("api_key=****"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_can_not_set_a_header_that_the_host_adds_secret_or_not() {
    let server = Server::start().await;
    for header in ["x-key", "X-Network", "authorization"] {
        let mut config = platform("acme", "secret-header", &server.endpoint());
        config.settings = json!({ "behaviour": "secret-header", "say": header });
        config.credentials = several();
        let world = start(vec![config]).await.unwrap();
        let outcome = world.create("acme", &MemoryJournal::new()).await.unwrap();
        assert!(outcome.notes[0].contains("Forbidden"), "{header}: {:?}", outcome.notes);
    }
    assert!(server.received().is_empty());
}

fn echo_of(path: &str, endpoint: &str) -> PlatformConfig {
    let mut config = platform("acme", "echo-of", endpoint);
    config.settings = json!({ "behaviour": "echo-of", "url": path });
    config.credentials = Credentials::Bearer(Secret::new(SECRET));
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_do_not_come_back_in_another_spelling_either() {
    let server = Server::start().await;
    let world = start(vec![echo_of("/spelled", &server.endpoint())]).await.unwrap();
    let outcome = world.create("acme", &MemoryJournal::new()).await.unwrap();
    let (headers, body) = (&outcome.notes[0], &outcome.notes[1]);
    assert!(headers.contains("x-plain: yes") && !headers.contains("x-echo"), "{headers}");
    assert_eq!(body.lines().count(), 6);
    for line in body.lines() {
        let left = line.bytes().filter(|byte| *byte != b'*').count();
        assert!(left <= 4, "{left} characters of {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_packed_is_refused_unread() {
    let server = Server::start().await;
    for (path, coding) in [("/packed", "`gzip`"), ("/packed-twice", "`br`")] {
        let world = start(vec![echo_of(path, &server.endpoint())]).await.unwrap();
        let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "content_encoding"), "{failure}");
        assert!(failure.message.contains(coding) && failure.message.contains("acme"), "{failure}");
    }
    assert!(server.received()[0].head.contains("accept-encoding: identity"), "{}", server.received()[0].head);
    let world = start(vec![echo_of("/plain", &server.endpoint())]).await.unwrap();
    assert_eq!(world.create("acme", &MemoryJournal::new()).await.unwrap().notes[1], "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_asks_for_more_reads_than_the_operator_grants_is_not_activated() {
    let server = Server::start().await;
    let mut config = platform("acme", "report", &server.endpoint());
    config.read_requests = vec!["POST /report/queue".parse().unwrap()];
    let Err(error) = start(vec![config.clone()]).await else { panic!("it asks for all of /report") };
    let words = error.to_string();
    assert!(words.contains("add to the platform acme: read_requests = [\"POST /report/*\"]"), "{words}");
    config.read_requests = vec!["POST /report/*".parse().unwrap()];
    let world = start(vec![config]).await.unwrap();
    let outcome = world.create("acme", &MemoryJournal::new()).await.unwrap();
    assert_eq!(outcome.notes, ["Ok(200)"], "a read needs no step");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_write_reads_outside_of_its_steps_is_counted() {
    let counted = flightdeck::metrics::start().unwrap();
    let server = Server::start().await;
    let world = start(vec![platform("counted", "report", &server.endpoint())]).await.unwrap();
    world.create("counted", &MemoryJournal::new()).await.unwrap();
    let text = flightdeck::metrics::rendered(&counted, true);
    let line = r#"flightdeck_requests_outside_steps_total{platform="counted",method="POST"} 1"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_the_operator_says_writes_needs_a_step() {
    let server = Server::start().await;
    let mut config = ssrf("acme", &server.endpoint(), &format!("{}/lines/7/remove", server.endpoint()));
    config.write_requests = vec!["GET /lines/*/remove".parse().unwrap()];
    let world = start(vec![config]).await.unwrap();
    let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
    assert_eq!(failure.code, "misuse", "{failure}");
    assert!(server.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_can_not_set_the_hosts_headers() {
    let server = Server::start().await;
    let mut config = platform("acme", "secret-header", &server.endpoint());
    config.credentials = Credentials::Bearer(Secret::new(SECRET));
    let log = Log::start();
    let world = start(vec![config]).await.unwrap();
    let outcome = world.create("acme", &MemoryJournal::new()).await.unwrap();
    assert!(outcome.notes[0].contains("Forbidden"), "{:?}", outcome.notes);
    assert!(server.received().is_empty());
    let log = log.text();
    assert!(log.contains("the adapter tried to set the header authorization, which only the host sets"), "{log}");
    assert!(!log.contains("mine"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_may_not_write() {
    let server = Server::start().await;
    let world = start(vec![platform("acme", "write-in-read", &server.endpoint())]).await.unwrap();
    let buy = buy("acme");
    let asked = [RemoteBuy { buy: &buy, advertiser_id: "7".to_owned() }];
    let failure = world.adapters.check_status(&"acme".into(), &asked, soon()).await.unwrap_err();
    assert_eq!(failure.code, "misuse");
    assert!(failure.message.contains("`read-requests`"), "{failure}");
    assert!(server.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_platform_asks_for_holds_for_all_calls() {
    let server = Server::start().await;
    server.answer_writes(Writes::Status(429, "retry-after: 100\r\n"));
    let world = start(vec![platform("acme", "good", &server.endpoint())]).await.unwrap();
    world.create("acme", &MemoryJournal::new()).await.unwrap_err();
    let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "rate_limited"));
    assert!(failure.retry_after_ms.unwrap() > 90_000);
    assert_eq!(server.received().len(), 1);
    assert!(world.plan("acme").await.is_ok(), "a plan needs no network");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_host_is_never_written_down_as_the_ad_servers() {
    let server = Server::start().await;
    server.answer_writes(Writes::Status(429, "retry-after: 100\r\n"));
    let world = start(vec![platform("acme", "swallow", &server.endpoint())]).await.unwrap();
    let journal = MemoryJournal::new();
    let failure = world.create("acme", &journal).await.unwrap_err();
    journal.end_run();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "rate_limited"), "{failure}");
    assert_eq!(server.received().len(), 1, "the second request waits for the end of the pause");
    assert_eq!(journal.state("a"), StepState::Done, "the ad server itself said 429");
    assert_eq!(journal.state("b"), StepState::Fresh, "the host said wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_that_is_declared_to_write_needs_a_step() {
    let server = Server::start().await;
    let delete = format!("{}/orders/7/delete", server.endpoint());
    let world = start(vec![ssrf("acme", &server.endpoint(), &delete)]).await.unwrap();
    let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
    assert_eq!(failure.code, "misuse", "{failure}");
    assert!(server.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_for_the_endpoint_alone() {
    let (server, files) = (Server::start().await, Server::start().await);
    let mut config = ssrf("acme", &server.endpoint(), &format!("{}/x", files.endpoint()));
    config.origins = [&server, &files].map(|server| server.endpoint().parse().unwrap()).to_vec();
    config.allow_private = vec!["127.0.0.1".parse().unwrap()];
    config.credentials = several();
    let world = start(vec![config]).await.unwrap();
    world.create("acme", &MemoryJournal::new()).await.unwrap();
    let head = files.received()[0].head.to_lowercase();
    for added in ["authorization", "x-key", "x-network", "api_key", "v=2"] {
        assert!(!head.contains(added), "{added}: {head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_read_frees_its_turn_although_it_is_kept() {
    let server = Server::start().await;
    let mut config = platform("acme", "hold", &server.endpoint());
    config.max_concurrent_requests = 1;
    config.limits.wall_ms = 5_000;
    let world = start(vec![config]).await.unwrap();
    let outcome = world.create("acme", &MemoryJournal::new()).await.unwrap();
    assert_eq!(outcome.notes, ["4 4"]);
}

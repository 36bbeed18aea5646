//! Connections that are held for nothing: none of them is kept, and none keeps others out.

use std::time::Duration;

use flightdeck_emulators::control::faults::{Action, Rule};
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};

use crate::{
    host::Host,
    house::{BUYER, House, PATIENCE, today},
};

/// Times that a test can wait for, and long enough for a busy machine. What is answered takes longer than each of them.
const SHORT: &str = "[server]\nheader_timeout = \"2s\"\nbody_timeout = \"3s\"\nidle_timeout = \"3s\"\n";

/// Buys without approval: nothing else matters here.
const NO_APPROVAL: &str = "[[approvals]]\noperations = [\"update_media_buy_performance_index\"]\n";

async fn house(more: &str) -> House {
    let mut house = House::empty(more).await;
    house.start(&[]).await;
    house
}

async fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.trim_start_matches("http://")).await.expect("a connection")
}

/// Reads until the host closes the connection; what it said.
async fn closed(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the host closes it");
    // A reset is an end as well.
    drop(read);
    String::from_utf8_lossy(&said).into_owned()
}

/// Reads the head of an answer; its first line.
async fn answered(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let whole = async {
        while !said.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read_buf(&mut said).await.expect("an answer");
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&said));
        }
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("an answer in time");
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
}

/// Sockets on which half a request line stands.
async fn half_open(url: &str, count: usize) -> Vec<TcpStream> {
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = connect(url).await;
        stream.write_all(b"GET /v1/media-b").await.expect("it is sent");
        all.push(stream);
    }
    all
}

/// A client without a connection yet.
fn fresh() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).build().expect("a client")
}

async fn status(client: &reqwest::Client, url: &str) -> u16 {
    let asked = client.get(format!("{url}/v1/media-buys")).bearer_auth(BUYER).send().await;
    asked.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn whoever_asks_nothing_or_never_ends_is_closed() {
    let house = house(SHORT).await;
    for beginning in
        ["", "GET /v1/media-b", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b", "PRI * HTTP/2.0\r\n\r\n", "\x16\x03\x01"]
    {
        let mut stream = connect(house.url()).await;
        stream.write_all(beginning.as_bytes()).await.expect("it is sent");
        closed(&mut stream).await;
    }
    // A byte from time to time is no progress.
    let (mut reading, mut writing) = connect(house.url()).await.into_split();
    let dripping = tokio::spawn(async move {
        writing.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").await.expect("it is sent");
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut said = Vec::new();
    let end = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut said)).await;
    assert!(end.is_ok(), "the host closes it");
    dripping.abort();
}

#[tokio::test]
async fn a_connection_that_has_asked_is_kept_for_a_while_and_not_for_ever() {
    let house = house(SHORT).await;
    let mut stream = connect(house.url()).await;
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is sent");
        assert_eq!(answered(&mut stream).await, "HTTP/1.1 200 OK");
    }
    closed(&mut stream).await;
    let counted = house.get(crate::house::OPERATOR, "/metrics").await.expect(200);
    let text = counted.body.as_str().expect("text");
    assert!(text.contains("flightdeck_connections_closed_total{reason=\"idle\"} 1"), "{text}");
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_refused_over_http_and_mcp() {
    let house = house(SHORT).await;
    for path in ["/v1/media-buys", "/mcp"] {
        let (mut reading, mut writing) = connect(house.url()).await.into_split();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {BUYER}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: 100000\r\n\r\n{{\"packages\": ["
        );
        writing.write_all(head.as_bytes()).await.expect("it is sent");
        let dripping = tokio::spawn(async move {
            while writing.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut said = Vec::new();
        let read = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut said)).await;
        assert!(read.is_ok(), "{path}: the host closes it");
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("took too long"), "{path}: {said}");
        dripping.abort();
    }
}

#[tokio::test]
async fn an_answer_that_takes_long_is_not_cut_off() {
    let house = house(&format!("{SHORT}{NO_APPROVAL}")).await;
    let stall = Action::stall(5_000);
    house.kevel.controls().faults.add(Rule::new("POST", "/v1/campaign", stall));
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let headers = [("Prefer", "wait=50")];
    let answer = house.try_call(BUYER, Method::POST, "/v1/media-buys", Some(&request), &headers).await;
    let answer = answer.unwrap_or_else(|| panic!("cut off:\n{}", house.log())).expect(200);
    assert_eq!(answer.text("/status"), "pending_activation", "{:#}", answer.body);
    house.assert_faults_happened();
}

#[tokio::test]
async fn half_open_sockets_stop_no_buyer_and_no_connection_that_is_used() {
    // Far fewer places than sockets, and nothing runs out by itself.
    let house = house("[server]\nmax_connections = 60\nheader_timeout = \"1h\"\nidle_timeout = \"1h\"\n").await;
    let mut used = connect(house.url()).await;
    used.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is sent");
    assert_eq!(answered(&mut used).await, "HTTP/1.1 200 OK");
    let sockets = half_open(house.url(), 300).await;
    for _ in 0..20 {
        assert_eq!(status(&fresh(), house.url()).await, 200);
        used.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is sent");
        assert_eq!(answered(&mut used).await, "HTTP/1.1 200 OK");
    }
    drop(sockets);
}

#[tokio::test]
async fn one_address_has_so_many_places_and_a_trusted_proxy_all_of_them() {
    let settings = "[server]\nmax_connections_per_address = 4\nheader_timeout = \"1h\"\n";
    let house = house(settings).await;
    let mut sockets = half_open(house.url(), 10).await;
    assert_eq!(status(&fresh(), house.url()).await, 200);
    // The oldest went first.
    closed(&mut sockets[0]).await;
    drop(sockets);
    let house = self::house(&format!("{settings}trusted_proxies = [\"127.0.0.1\"]\n")).await;
    let mut sockets = half_open(house.url(), 10).await;
    assert_eq!(status(&fresh(), house.url()).await, 200);
    for socket in &mut sockets {
        socket.write_all(b"uys HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("it is sent");
        assert_eq!(answered(socket).await, "HTTP/1.1 401 Unauthorized");
    }
}

#[tokio::test]
async fn half_open_sockets_do_not_keep_a_host_from_stopping() {
    let mut house = house("[server]\nheader_timeout = \"2s\"\n").await;
    let sockets = half_open(house.url(), 20).await;
    house.stop().await;
    assert!(!house.log().contains("requests were still open after the grace period"), "{}", house.log());
    drop(sockets);
}

#[tokio::test]
async fn http_2_is_served_and_its_idle_connections_are_closed() {
    let house = house(SHORT).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().timeout(PATIENCE).build().expect("a client");
    let asks = (0..20).map(|_| status(&client, house.url()));
    assert!(futures::future::join_all(asks).await.into_iter().all(|status| status == 200));
    let idle = "flightdeck_connections_closed_total{reason=\"idle\"}";
    house
        .until(crate::house::OPERATOR, "/metrics", |answer| {
            answer.body.as_str().is_some_and(|text| text.contains(idle))
        })
        .await;
    assert_eq!(status(&client, house.url()).await, 200, "over another connection");
}

/// The host's command where only so many files may be open.
fn with_files(house: &House, files: usize) -> Command {
    let command = house.command();
    let command = command.as_std();
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")]).arg(command.get_program());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    limited
}

#[tokio::test]
async fn a_host_that_may_open_few_files_takes_fewer_connections() {
    let house = House::empty("").await;
    let host = Host::start(with_files(&house, 400), &house.dir().join("flightdeck.log")).await;
    let sockets = half_open(&host.url, 500).await;
    assert_eq!(status(&fresh(), &host.url).await, 200);
    assert!(house.log().contains("may have few files open"), "{}", house.log());
    drop(sockets);
    host.stop().await;
}

#[tokio::test]
async fn a_host_refuses_to_start_with_more_connections_than_it_may_open_files() {
    let house = House::empty("[server]\nmax_connections = 5000\n").await;
    let mut command = with_files(&house, 400);
    let ended = command.arg("serve").output().await.expect("it runs");
    let words = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && words.contains("`max_connections` of [server] is 5000"), "{words}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_can_open_no_more_files_goes_on_once_it_can() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    let house = House::empty("").await;
    let host = Host::start(house.command(), &house.dir().join("flightdeck.log")).await;
    let pid = host.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).expect("a process id");
    let limit = |current| {
        let limits = Rlimit { current, maximum: getrlimit(Resource::Nofile).maximum };
        prlimit(Some(pid), Resource::Nofile, limits).expect("its limit is set")
    };
    let open = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).expect("its files").count();
    let before = limit(Some(open as u64));
    let sockets = half_open(&host.url, 20).await;
    let until = tokio::time::Instant::now() + PATIENCE;
    while !house.log().contains("no connection can be accepted") {
        assert!(tokio::time::Instant::now() < until, "it never ran out of files:\n{}", house.log());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    limit(before.current);
    assert_eq!(status(&fresh(), &host.url).await, 200);
    drop(sockets);
    host.stop().await;
}

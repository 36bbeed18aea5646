//! Receivers that do not answer as they should, and hosts that die while they wait for one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::endpoint;
use crate::{
    house::{Answer, BUYER, House, OPERATOR, PATIENCE},
    receiver::Receiver,
    replicas::Replicas,
};

/// As long as a test may take: who gives up earlier does so for another reason.
const PATIENT: &str = "60s";

/// A receiver that does as the path says, and counts the requests that it was sent.
struct Odd {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Odd {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counted = counted.clone();
                // It ends when the sender has had enough.
                tokio::spawn(async move { behave(stream, &counted).await });
            }
        });
        Self { url, requests }
    }

    /// Waits until so many requests came.
    async fn until(&self, count: usize) {
        let until = tokio::time::Instant::now() + PATIENCE;
        while self.requests.load(Ordering::SeqCst) < count {
            assert!(tokio::time::Instant::now() < until, "{count} requests never came");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

async fn behave(mut stream: TcpStream, requests: &AtomicUsize) -> std::io::Result<()> {
    let mut read = vec![0; 16 << 10];
    let count = stream.read(&mut read).await?;
    requests.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8_lossy(&read[..count]).into_owned();
    let (head, piece): (&[u8], Vec<u8>) = match request.split(' ').nth(1).unwrap_or_default() {
        "/hangs" => {
            while stream.read(&mut read).await? > 0 {}
            return Ok(());
        }
        "/busy" => {
            let answer = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 7200\r\ncontent-length: 0\r\n\r\n";
            return stream.write_all(answer).await;
        }
        "/trickles_its_head" => (b"HTTP/1.1 200 OK\r\nx-more: ", vec![b'x']),
        "/trickles_its_body" => (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", vec![b'x']),
        _ => (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n", vec![b'x'; 64 << 10]),
    };
    stream.write_all(head).await?;
    let slowly = piece.len() == 1;
    loop {
        stream.write_all(&piece).await?;
        if slowly {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// A house whose receivers may take so long.
async fn house(timeout: &str) -> House {
    let webhooks =
        format!("[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\ntimeout = \"{timeout}\"\n");
    let mut house = House::empty(&webhooks).await;
    house.start(&[]).await;
    house
}

async fn test(house: &House, token: &str, id: &str) {
    house.post(token, &format!("/v1/webhooks/{id}/test"), json!({})).await.expect(200);
}

/// The last delivery to an endpoint, once it is as wanted.
async fn last(house: &House, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/v1/webhooks/{id}/deliveries");
    let answer = house.until(OPERATOR, &path, |answer: &Answer| wanted(&answer.body["deliveries"][0])).await;
    answer.body["deliveries"][0].clone()
}

#[tokio::test]
async fn a_receiver_that_does_not_come_to_an_answer_has_failed() {
    let house = house("500ms").await;
    let odd = Odd::start().await;
    for path in ["hangs", "trickles_its_head"] {
        let (id, _) = endpoint(&house, BUYER, &format!("{}/{path}", odd.url)).await;
        test(&house, BUYER, &id).await;
        let failed = last(&house, &id, |line| line["error"].is_string()).await;
        assert_eq!(
            (&failed["error"], &failed["status"]),
            (&json!("it did not answer in time"), &json!("pending")),
            "{path}"
        );
        assert!(failed["response_status"].is_null() && failed["next_attempt_at"].is_string(), "{failed:#}");
    }
}

#[tokio::test]
async fn what_a_receiver_says_counts_however_it_goes_on() {
    let house = house(PATIENT).await;
    let odd = Odd::start().await;
    for path in ["trickles_its_body", "never_ends"] {
        let (id, _) = endpoint(&house, BUYER, &format!("{}/{path}", odd.url)).await;
        test(&house, BUYER, &id).await;
        let taken = last(&house, &id, |line| line["status"] == "delivered").await;
        assert_eq!(taken["response_status"], 200, "{path}");
    }
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_is_given_it() {
    let house = house(PATIENT).await;
    let odd = Odd::start().await;
    let (id, _) = endpoint(&house, BUYER, &format!("{}/busy", odd.url)).await;
    test(&house, BUYER, &id).await;
    let failed = last(&house, &id, |line| line["response_status"] == 503).await;
    let moment = |name: &str| {
        flightdeck::domain::time::Timestamp::parse(failed[name].as_str().expect("a moment")).expect("a moment")
    };
    let pause = moment("last_attempt_at").until(moment("next_attempt_at"));
    assert_eq!(pause.as_secs(), 7_200, "{failed:#}");
}

#[tokio::test]
async fn endpoints_that_hang_keep_no_other_owner_waiting() {
    let house = house(PATIENT).await;
    let (odd, receiver) = (Odd::start().await, Receiver::start().await);
    for _ in 0..10 {
        let (id, _) = endpoint(&house, OPERATOR, &format!("{}/hangs", odd.url)).await;
        for _ in 0..4 {
            test(&house, OPERATOR, &id).await;
        }
    }
    // As many as may be sent at a time hang, and will for a minute.
    odd.until(8).await;
    let (id, _) = endpoint(&house, BUYER, &receiver.url).await;
    test(&house, BUYER, &id).await;
    receiver.until(|hooks| hooks.len() == 1).await;
    assert_eq!(odd.requests.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn another_host_takes_over_what_a_dead_one_was_sending() {
    let more = "[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\ntimeout = \"1s\"\n";
    let Some(replicas) = Replicas::empty(2, more).await else { return };
    let (odd, receiver) = (Odd::start().await, Receiver::start().await);
    replicas.start(0).await;
    let request = json!({ "url": format!("{}/hangs", odd.url), "events": ["task.created"] });
    let id = replicas.post(0, OPERATOR, "/v1/webhooks", request).await.expect(200).text("/webhook_id");
    let path = format!("/v1/webhooks/{id}");
    replicas.post(0, OPERATOR, &format!("{path}/test"), json!({})).await.expect(200);
    // It is on its way, and its host dies.
    odd.until(1).await;
    replicas.kill(0).await;
    replicas.start(1).await;
    let moved = json!({ "url": receiver.url });
    let patched = replicas.ask(1, OPERATOR, reqwest::Method::PATCH, &path, Some(&moved), &[]).await.expect("an answer");
    patched.expect(200);
    let hooks = receiver.until(|hooks| !hooks.is_empty()).await;
    assert_eq!((hooks.len(), hooks[0].kind().as_str()), (1, "webhook.test"));
    let delivered = |answer: &Answer| answer.body["deliveries"][0]["status"] == "delivered";
    let listed = replicas.until(1, OPERATOR, &format!("{path}/deliveries"), delivered).await;
    assert_eq!(listed.body["deliveries"][0]["event_id"], hooks[0].id());
}

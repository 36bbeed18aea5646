//! An HTTP server of a few lines that can misbehave on the wire, and remembers what arrived.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// How to answer requests that write.
#[derive(Debug, Clone)]
pub(crate) enum Writes {
    Status(u16, &'static str),
    CloseAfterReading,
    Stall,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    arrived: Arc<Notify>,
    writes: Arc<Mutex<Writes>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let writes = Arc::new(Mutex::new(Writes::Status(200, "")));
        let arrived = Arc::new(Notify::new());
        let (all, how, tell) = (Arc::clone(&received), Arc::clone(&writes), Arc::clone(&arrived));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&all), Arc::clone(&how), Arc::clone(&tell)));
            }
        });
        Self { port, received, arrived, writes }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn answer_writes(&self, how: Writes) {
        *self.writes.lock().unwrap() = how;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) async fn wait_for_request(&self) {
        loop {
            let notified = self.arrived.notified();
            if !self.received.lock().unwrap().is_empty() {
                return;
            }
            notified.await;
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    all: Arc<Mutex<Vec<Received>>>,
    how: Arc<Mutex<Writes>>,
    tell: Arc<Notify>,
) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let received = read(&mut stream, &mut buffer).await?;
        let number = {
            let mut all = all.lock().unwrap();
            all.push(received.clone());
            all.len()
        };
        tell.notify_waiters();
        let writes = how.lock().unwrap().clone();
        let path = received.path.split('?').next().unwrap();
        let answer = match (received.method.as_str(), path, writes) {
            (_, "/echo", _) => {
                let secret = received.head.lines().find_map(|line| line.strip_prefix("authorization: "))?;
                response(200, &format!("set-cookie: a=b\r\nx-echo: {secret}\r\nx-plain: yes\r\n"), &received.head)
            }
            (_, "/spelled", _) => {
                spelled(received.head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "))?)
            }
            (_, "/packed", _) => response(200, "content-encoding: gzip\r\n", "no gzip, but who knows"),
            (_, "/packed-twice", _) => response(200, "content-encoding: identity\r\ncontent-encoding: br\r\n", "x"),
            (_, "/plain", _) => response(200, "content-encoding: identity\r\n", "read"),
            (_, "/big", _) => response(200, "", &"x".repeat(20 << 20)),
            (_, "/hang", _) => std::future::pending().await,
            ("GET", _, _) => response(200, "", "read"),
            (_, "/report/queue", _) => response(200, "", "queued"),
            (_, _, Writes::Status(status, headers)) => response(status, headers, &format!("id-{number}")),
            (_, _, Writes::CloseAfterReading) => return None,
            (_, _, Writes::Stall) => std::future::pending().await,
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// A secret in every spelling, one a line, and in a header.
fn spelled(secret: &str) -> String {
    use base64::{
        Engine as _,
        prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
    };
    let escaped: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let lines = [
        escaped,
        percent,
        BASE64_STANDARD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(format!("a{secret}z")),
        hex::encode(secret),
        hex::encode_upper(secret),
    ];
    response(200, &format!("x-echo: {}\r\nx-plain: yes\r\n", lines[2]), &lines.join("\n"))
}

fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    while buffer.len() < head_end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&buffer[head_end..head_end + length]).into_owned();
    buffer.drain(..head_end + length);
    let mut words = head.split(' ').map(str::to_owned);
    Some(Received { method: words.next()?, path: words.next()?, head, body })
}

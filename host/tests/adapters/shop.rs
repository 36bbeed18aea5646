//! An ad server for the honest test component: objects with references, states and ids. It counts what it has made.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

#[derive(Debug)]
struct Object {
    kind: String,
    buy: String,
    reference: String,
    state: String,
}

#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) url: String,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let objects: Arc<Mutex<Vec<Object>>> = Arc::default();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&objects)));
            }
        });
        Self { url }
    }
}

/// Answers one request on each connection.
async fn serve(mut stream: TcpStream, objects: Arc<Mutex<Vec<Object>>>) {
    let mut read = Vec::new();
    let (head, body) = loop {
        let mut chunk = [0; 4096];
        let Ok(length @ 1..) = stream.read(&mut chunk).await else { return };
        read.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
            break (head.to_owned(), body.to_owned());
        }
    };
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, answer) = act(&mut objects.lock().unwrap(), method, path, &body);
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}", answer.len());
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn list(objects: &[Object], is_listed: impl Fn(&Object) -> bool) -> (&'static str, String) {
    let found = objects.iter().enumerate().filter(|(_, object)| is_listed(object));
    let lines: Vec<String> = found.map(|(index, object)| format!("{} {}", index + 100_000, object.state)).collect();
    ("200 OK", format!("made\n{}", lines.join("\n")))
}

fn act(objects: &mut Vec<Object>, method: &str, path: &str, body: &str) -> (&'static str, String) {
    const GONE: (&str, String) = ("404 Not Found", String::new());
    let parts: Vec<&str> = path.trim_start_matches('/').split(['/', '?']).collect();
    // Ids of six digits, so that none is mistaken for a number of something.
    let index = |id: &str| id.parse::<usize>().ok().and_then(|id| id.checked_sub(100_000));
    match (method, &parts[..]) {
        ("GET", ["orders", asked]) => {
            let buy = asked.strip_prefix("buy=").unwrap_or_default();
            list(objects, |object| object.kind == "orders" && object.buy == buy)
        }
        ("GET", ["made", asked]) => {
            let reference = asked.strip_prefix("reference=").unwrap_or_default();
            list(objects, |object| !reference.is_empty() && object.reference == reference)
        }
        ("GET", ["object", id]) => match index(id).and_then(|index| objects.get(index)) {
            Some(object) => ("200 OK", object.state.clone()),
            None => GONE,
        },
        ("POST", ["set", id, state]) => match index(id).and_then(|index| objects.get_mut(index)) {
            Some(object) => {
                object.state = (*state).to_owned();
                ("200 OK", String::new())
            }
            None => GONE,
        },
        ("POST", [kind, asked]) => {
            let buy = asked.strip_prefix("buy=").unwrap_or_default().to_owned();
            let (kind, reference, state) = ((*kind).to_owned(), body.to_owned(), "active".to_owned());
            objects.push(Object { kind, buy, reference, state });
            ("200 OK", (objects.len() - 1 + 100_000).to_string())
        }
        _ => GONE,
    }
}

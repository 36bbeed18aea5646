//! The platform `acme`: the test guest, and an ad server on which it can buy.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    routing::any,
};
use flightdeck_test_support::component;

/// An ad server for the test guest: it makes whatever it is asked to, and keeps the references that it was sent.
#[derive(Clone, Default)]
pub(crate) struct AdServer {
    made: Arc<Mutex<Vec<String>>>,
    refuses_lines: Arc<AtomicBool>,
}

impl AdServer {
    pub(crate) async fn start(&self) -> String {
        let router = Router::new().fallback(any(made)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// Refuses every line item from now on.
    pub(crate) fn refuse_lines(&self) {
        self.refuses_lines.store(true, Ordering::Relaxed);
    }

    /// How many objects it made, and for how many references.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let made = self.made.lock().expect("it is whole");
        (made.len(), made.iter().collect::<BTreeSet<_>>().len())
    }
}

async fn made(State(server): State<AdServer>, uri: Uri, body: Bytes) -> (StatusCode, String) {
    if uri.path() == "/lines" && server.refuses_lines.load(Ordering::Relaxed) {
        return (StatusCode::UNPROCESSABLE_ENTITY, String::new());
    }
    let mut made = server.made.lock().expect("it is whole");
    if uri.path() == "/orders" || uri.path() == "/lines" {
        made.push(String::from_utf8_lossy(&body).into_owned());
    }
    (StatusCode::OK, made.len().to_string())
}

pub(crate) fn acme(endpoint: &str) -> String {
    format!(
        "[[platforms]]\nname = \"acme\"\nadapter = \"{}\"\nendpoint = \"{endpoint}\"\nallow_private = [\"127.0.0.0/8\"]\n\
         read_requests = [\"POST /report/*\"]\nsettings = {{ behaviour = \"good\" }}\n\n\
         [[products]]\nid = \"acme\"\nname = \"acme\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpm = 1\n\n\
         [callers]\nreads_per_second = 10000\nreads_burst = 10000\nwrites_per_second = 10000\nwrites_burst = 10000\n\n\
         [[approvals]]\noperations = [\"create_media_buy\"]\nabove_budget = 5_000\n",
        component("flightdeck-test-guest").display()
    )
}

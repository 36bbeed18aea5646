//! A real registry, Debian's `docker-registry`, in a folder and on a port of its own. It takes what only one user may push and
//! pull.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use flightdeck_test_support::left_out;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The one user.
pub(super) const USER: &str = "publisher";

/// The user's password.
pub(super) const PASSWORD: &str = "correct-horse";

/// Both, as `htpasswd -nbBC 4` writes them.
const HTPASSWD: &str = "publisher:$2y$04$gbyHkrhC8LOVVR0.CN9Fm.EGyPWrNXlxwRCW49v8SqNWex1clHUgS\n";

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Without it, this registry hides what is newer than its oldest form.
const ACCEPT: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/octet-stream";

/// The longest that it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Registry {
    server: Child,
    dir: TempDir,
    /// Its host and port.
    pub(super) address: String,
    client: Client,
}

/// The server's program, wherever it is.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/bin")]);
    folders.map(|folder| folder.join("docker-registry")).find(|file| file.is_file())
}

impl Registry {
    /// Starts a registry. `None` if there is none on this machine, which is reported.
    pub(super) fn start() -> Option<Self> {
        let Some(program) = program() else {
            left_out("docker-registry is not there: make setup installs it");
            return None;
        };
        let dir = TempDir::new().expect("a folder");
        std::fs::write(dir.path().join("htpasswd"), HTPASSWD).expect("the users");
        // Between asking for a port and taking it somebody else may have it, so a few are tried.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
            if let Some(server) = serve(&program, dir.path(), &free.to_string()) {
                let client = Client::builder().timeout(PATIENCE).build().expect("a client");
                return Some(Self { server, dir, address: free.to_string(), client });
            }
        }
        let log = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("docker-registry does not start:\n{log}");
    }

    /// The file in which the registry keeps a blob.
    pub(super) fn file(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").expect("a digest");
        self.dir.path().join(format!("data/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]))
    }

    /// Asks the registry for something in a repository, as its user.
    pub(super) async fn ask(&self, method: Method, path: &str, media_type: &str, body: Vec<u8>) -> Response {
        let request = self.client.request(method, format!("http://{}/v2/{path}", self.address));
        let request =
            request.basic_auth(USER, Some(PASSWORD)).header("Accept", ACCEPT).header("Content-Type", media_type);
        request.body(body).send().await.expect("an answer")
    }

    /// A manifest or a configuration.
    pub(super) async fn json(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, "", Vec::new()).await;
        assert_eq!(answer.status(), 200, "{path}");
        serde_json::from_slice(&answer.bytes().await.expect("its body")).expect("JSON")
    }

    /// Pushes bytes by hand; how a manifest describes them.
    pub(super) async fn put_blob(&self, repository: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = format!("sha256:{}", flightdeck::domain::digest::sha256(bytes));
        let begun = self.ask(Method::POST, &format!("{repository}/blobs/uploads/"), "", Vec::new()).await;
        let place = begun.headers()["Location"].to_str().expect("a text").to_owned();
        let path = place.split_once("/v2/").expect("an address").1;
        let done =
            self.ask(Method::PUT, &format!("{path}&digest={digest}"), "application/octet-stream", bytes.into()).await;
        assert_eq!(done.status(), 201);
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    /// Pushes a manifest by hand; its digest.
    pub(super) async fn put_manifest(&self, repository: &str, tag: &str, manifest: &Value) -> String {
        let media_type = manifest["mediaType"].as_str().expect("a media type").to_owned();
        let body = serde_json::to_vec(manifest).expect("JSON");
        let done = self.ask(Method::PUT, &format!("{repository}/manifests/{tag}"), &media_type, body).await;
        assert_eq!(done.status(), 201, "{}", done.text().await.unwrap_or_default());
        done.headers()["Docker-Content-Digest"].to_str().expect("a digest").to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Starts the server, and waits until it listens. `None` if it ends before that.
fn serve(program: &Path, dir: &Path, address: &str) -> Option<Child> {
    let (data, users) = (dir.join("data"), dir.join("htpasswd"));
    let config = json!({
        "version": "0.1",
        "log": { "level": "error", "accesslog": { "disabled": true } },
        "storage": { "filesystem": { "rootdirectory": data } },
        "http": { "addr": address },
        "auth": { "htpasswd": { "realm": "tests", "path": users } },
    });
    // JSON is YAML.
    let file = dir.join("config.yml");
    std::fs::write(&file, config.to_string()).expect("its configuration");
    let log = std::fs::File::create(dir.join("log")).expect("its log");
    let mut server = Command::new(program)
        .arg("serve")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts");
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if server.try_wait().expect("its state").is_some() {
            return None;
        }
        if TcpStream::connect(address).is_ok() {
            return Some(server);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = server.kill();
    let _ = server.wait();
    None
}

//! Databases on a real PostgreSQL server, one per test.
//!
//! `tests/with-postgres` starts a server and names it in `FLIGHTDECK_TEST_POSTGRES`; `make test`
//! does so. Without a server, tests that need one are omitted and say so; see
//! [`left_out`](crate::left_out).

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The variable with the server's URL: `postgres://user@host:port`.
pub const VARIABLE: &str = "FLIGHTDECK_TEST_POSTGRES";

/// Returns the server's URL. If there is none, reports it.
fn server() -> Option<String> {
    let server = std::env::var(VARIABLE).ok();
    if server.is_none() {
        crate::left_out("PostgreSQL is not there: make setup installs it, and tests/with-postgres starts it");
    }
    server
}

/// Runs statements outside of any test database, one at a time.
async fn run(server: &str, statements: &[String]) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&format!("{server}/postgres")).await?;
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut connection).await?;
    }
    connection.close().await
}

/// Returns a name that no other test uses.
fn name() -> String {
    format!("test_{}", uuid::Uuid::now_v7().simple())
}

/// Makes a new, empty database and returns its URL. If there is no server, reports that and returns
/// `None`.
///
/// # Panics
/// When the server can't make a database.
pub async fn database() -> Option<String> {
    let (server, name) = (server()?, name());
    if let Err(error) = run(&server, &[format!("CREATE DATABASE {name}")]).await {
        panic!("{server} made no database: {error}");
    }
    Some(format!("{server}/{name}"))
}

/// A database whose tables are in a folder of the test. It is dropped with this value, before the
/// folder is deleted: a server with missing files stops working for all tests.
#[derive(Debug)]
pub struct ConfinedDatabase {
    /// The URL of the database.
    pub url: String,
    server: String,
    name: String,
}

impl ConfinedDatabase {
    /// Makes a new, empty database in `folder`, which must be empty and inside a folder of the
    /// test. Only root can hand it over to the server, which then runs as `postgres`. If there is
    /// no server, reports that and returns `None`.
    ///
    /// # Panics
    /// When the server can't make a database.
    pub async fn new(folder: &Path) -> Option<Self> {
        let (server, name) = (server()?, name());
        given("chown", "postgres", folder);
        given("chmod", "711", folder.parent().unwrap_or(folder));
        let place = folder.display();
        let made = [
            format!("CREATE TABLESPACE {name} LOCATION '{place}'"),
            format!("CREATE DATABASE {name} TABLESPACE {name}"),
        ];
        if let Err(error) = run(&server, &made).await {
            panic!("{server} made no database in {place}: {error}");
        }
        Some(Self { url: format!("{server}/{name}"), server, name })
    }
}

fn given(program: &str, what: &str, path: &Path) {
    let done = std::process::Command::new(program).arg(what).arg(path).output();
    assert!(done.as_ref().is_ok_and(|done| done.status.success()), "{program} {what} {}: {done:?}", path.display());
}

impl Drop for ConfinedDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let gone = [format!("DROP DATABASE {name} WITH (FORCE)"), format!("DROP TABLESPACE {name}")];
            runtime.map(|runtime| runtime.block_on(run(&server, &gone)))
        });
        if !matches!(dropping.join(), Ok(Ok(Ok(())))) {
            eprintln!("the database {} was not dropped", self.name);
        }
    }
}

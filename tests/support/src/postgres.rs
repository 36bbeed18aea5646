//! Databases of a real PostgreSQL, one for each test.
//!
//! `tests/with-postgres` starts a server and names it in `FLIGHTDECK_TEST_POSTGRES`; `make test` does so. Where there is none, tests that
//! need one say so and are left out; see [`left_out`](crate::left_out).

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Where the server is: `postgres://user@host:port`.
pub const VARIABLE: &str = "FLIGHTDECK_TEST_POSTGRES";

/// Where the server is; otherwise a line that says that there is none.
fn server() -> Option<String> {
    let server = std::env::var(VARIABLE).ok();
    if server.is_none() {
        crate::left_out("PostgreSQL is not there: make setup installs it, and tests/with-postgres starts it");
    }
    server
}

/// Runs statements beside all databases, each by itself.
async fn run(server: &str, statements: &[String]) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(&format!("{server}/postgres")).await?;
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut connection).await?;
    }
    connection.close().await
}

/// A name that no other test has.
fn name() -> String {
    format!("test_{}", uuid::Uuid::now_v7().simple())
}

/// A new, empty database: its URL. `None`, and a line that says so, if there is no server.
///
/// # Panics
/// If there is a server that makes no database.
pub async fn database() -> Option<String> {
    let (server, name) = (server()?, name());
    if let Err(error) = run(&server, &[format!("CREATE DATABASE {name}")]).await {
        panic!("{server} made no database: {error}");
    }
    Some(format!("{server}/{name}"))
}

/// A database whose tables are in a folder of the test's. It is dropped with this, before the folder goes: a server that misses
/// files stops for everybody.
#[derive(Debug)]
pub struct ConfinedDatabase {
    /// Its URL.
    pub url: String,
    server: String,
    name: String,
}

impl ConfinedDatabase {
    /// A new, empty database in `folder`, which is empty and in a folder of the test's: only root can give it to the server, which runs
    /// as `postgres` then. `None`, and a line that says so, if there is no server.
    ///
    /// # Panics
    /// If there is a server that makes no database.
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

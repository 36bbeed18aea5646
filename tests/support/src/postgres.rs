//! Databases of a real PostgreSQL, one for each test.
//!
//! `tests/with-postgres` starts a server and names it in `FLIGHTDECK_TEST_POSTGRES`; `make test` does so. Where there is none, tests that
//! need one say so and are left out.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Where the server is: `postgres://user@host:port`.
pub const VARIABLE: &str = "FLIGHTDECK_TEST_POSTGRES";

/// A new, empty database: its URL. `None`, and a line that says so, if there is no server.
///
/// # Panics
/// If there is a server that makes no database.
pub async fn database() -> Option<String> {
    let Ok(server) = std::env::var(VARIABLE) else {
        println!("left out: there is no PostgreSQL; run the tests with tests/with-postgres");
        return None;
    };
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    let made = async {
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        connection.close().await
    };
    if let Err(error) = made.await {
        panic!("{server} made no database: {error}");
    }
    Some(format!("{server}/{name}"))
}

//! Either database, read from beside the hosts.

use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};

use super::watch;

/// A connection beside the hosts.
pub(super) enum Base {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Base {
    pub(super) async fn connect(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            Self::Sqlite(SqliteConnection::connect(url).await.expect("the database"))
        } else {
            Self::Postgres(PgConnection::connect(url).await.expect("the database"))
        }
    }

    /// Has the database note who writes what.
    pub(super) async fn watch(&mut self) {
        let triggers = match self {
            Self::Postgres(_) => watch::POSTGRES,
            Self::Sqlite(_) => watch::SQLITE,
        };
        self.run(triggers).await;
    }

    /// How many writes were noted, and how many of them nobody was allowed to make.
    pub(super) async fn watched(&mut self) -> (i64, i64) {
        let written = self.number("SELECT count(*) FROM watched").await;
        (written, self.number("SELECT count(*) FROM watched WHERE allowed = 0").await)
    }

    /// Makes each of the forbidden writes and takes it back; those that were not noted.
    pub(super) async fn unnoted(&mut self) -> Vec<&'static str> {
        let mut unnoted = Vec::new();
        // On SQLite nobody writes between this and the first write.
        let begin = if matches!(self, Self::Sqlite(_)) { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.run(begin).await;
        let (_, mut before) = self.watched().await;
        for forbidden in watch::FORBIDDEN {
            self.run(forbidden).await;
            let (_, after) = self.watched().await;
            if after == before {
                unnoted.push(forbidden);
            }
            before = after;
        }
        self.run("ROLLBACK").await;
        unnoted
    }

    /// How many steps were begun again that were in doubt.
    pub(super) async fn begun_again(&mut self) -> i64 {
        self.number(watch::BEGUN_AGAIN).await
    }

    async fn run(&mut self, sql: &'static str) {
        match self {
            Self::Postgres(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop).expect(sql),
            Self::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop).expect(sql),
        }
    }

    /// The one number that a query answers.
    pub(super) async fn number(&mut self, sql: &'static str) -> i64 {
        match self {
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.expect(sql),
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.expect(sql),
        }
    }

    /// The rows of a query whose columns are texts.
    pub(super) async fn texts<const COLUMNS: usize>(&mut self, sql: &'static str) -> Vec<[String; COLUMNS]> {
        match self {
            Self::Postgres(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.expect(sql);
                rows.iter().map(|row| std::array::from_fn(|column| row.get(column))).collect()
            }
            Self::Sqlite(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.expect(sql);
                rows.iter().map(|row| std::array::from_fn(|column| row.get(column))).collect()
            }
        }
    }
}

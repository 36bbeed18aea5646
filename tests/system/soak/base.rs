//! Either database, read from beside the hosts.

use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};

/// A connection beside the hosts.
pub(super) enum Base {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Has the database itself note every step that was written by a process that does not hold the lease: a session's name has its
/// process id, and so has the worker in the lease.
const WATCH: &str = "
        CREATE TABLE trespasses (operation TEXT, worker TEXT, session TEXT);
        CREATE TABLE step_writes (process TEXT);
        CREATE FUNCTION note_trespass() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE holder TEXT;
        BEGIN
            SELECT worker INTO holder FROM operations WHERE id = NEW.operation;
            IF holder IS NULL OR split_part(holder, '-', 1) <> split_part(current_setting('application_name'), '-', 2) THEN
                INSERT INTO trespasses VALUES (NEW.operation, holder, current_setting('application_name'));
            END IF;
            INSERT INTO step_writes VALUES (current_setting('application_name'));
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER steps_are_the_holders AFTER INSERT OR UPDATE ON steps FOR EACH ROW EXECUTE FUNCTION note_trespass();";

impl Base {
    pub(super) async fn connect(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            Self::Sqlite(SqliteConnection::connect(url).await.expect("the database"))
        } else {
            Self::Postgres(PgConnection::connect(url).await.expect("the database"))
        }
    }

    /// Watches who writes steps, where there may be more than one host.
    pub(super) async fn watch(&mut self) {
        if let Self::Postgres(connection) = self {
            sqlx::raw_sql(WATCH).execute(connection).await.expect("the watch");
        }
    }

    /// How many steps were written, and how many of them by somebody without the lease.
    pub(super) async fn watched(&mut self) -> Option<(i64, i64)> {
        match self {
            Self::Postgres(_) => {
                let written = self.number("SELECT count(*) FROM step_writes").await;
                Some((written, self.number("SELECT count(*) FROM trespasses").await))
            }
            Self::Sqlite(_) => None,
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

//! The limits of the machine itself.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::figures::Figures;

/// How long each loop runs.
const RUN_FOR: Duration = Duration::from_secs(3);

/// Runs bare loops on the file system that holds `folder`: blocks appended and synced, and SQLite
/// transactions of one insert with `synchronous=FULL`. Returns the rate of the latter.
pub(crate) async fn commits(folder: &Path) -> anyhow::Result<f64> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let (mut latencies, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < RUN_FOR {
        let one = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        latencies.push(one.elapsed());
    }
    println!("bare: append 4 KiB and sync    {}", Figures::new(latencies, begun.elapsed()).line());

    let mut connection = SqliteConnectOptions::new()
        .filename(folder.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await?;
    sqlx::query("CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
        .execute(&mut connection)
        .await?;
    let text = "x".repeat(1_000);
    let (mut latencies, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < RUN_FOR {
        let one = Instant::now();
        sqlx::query("INSERT INTO bare (text) VALUES (?)").bind(&text).execute(&mut connection).await?;
        latencies.push(one.elapsed());
    }
    connection.close().await?;
    let figures = Figures::new(latencies, begun.elapsed());
    println!("bare: SQLite commit of 1 row   {}", figures.line());
    Ok(figures.rate())
}

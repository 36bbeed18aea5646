//! Measures how long the functions of the store take with 1,000, 10,000, 100,000 and 1,000,000
//! media buys, on either database.
//!
//!     scale sqlite FILE [MOST]          FILE must not exist
//!     scale postgres URL [MOST]         an empty database
//!
//! `make scale` runs both. A function that takes longer in a larger database, although it returns
//! no more, has a bug.
#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::{path::Path, time::Instant};

use anyhow::{Context, bail};
use flightdeck::store::{Store, postgres, sqlite};

#[path = "../scale/documents.rs"]
mod documents;
#[path = "../scale/fill.rs"]
mod fill;
#[path = "../scale/functions.rs"]
mod functions;

use fill::Raw;

/// The numbers of buys at which to measure.
const SIZES: [i64; 4] = [1_000, 10_000, 100_000, 1_000_000];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, place, rest @ ..] = arguments.as_slice() else { bail!("say sqlite FILE or postgres URL") };
    let most: i64 = rest.first().map_or(Ok(SIZES[3]), |most| most.parse()).context("the most buys are a number")?;
    let (store, mut raw): (Store, Raw) = match kind.as_str() {
        "sqlite" => {
            let path = Path::new(place);
            anyhow::ensure!(!path.exists(), "{place} exists");
            let store = sqlite::open(path, sqlite::Options::default()).await?;
            (store, Raw::sqlite(path).await?)
        }
        "postgres" => {
            let options = postgres::Options { callers_clock: true, ..postgres::Options::default() };
            (postgres::open(place, options).await?, Raw::postgres(place).await?)
        }
        other => bail!("{other} is neither sqlite nor postgres"),
    };
    functions::prepare(&store).await?;
    let (mut table, mut there) = (functions::Table::default(), 0);
    for size in SIZES.into_iter().filter(|size| *size <= most) {
        let begun = Instant::now();
        raw.fill(there + 1, size).await?;
        there = size;
        let each = raw.bytes().await? as f64 / 1_024.0 / size as f64;
        println!("{size} buys: filled in {:.0?}, {each:.1} KiB a buy", begun.elapsed());
        functions::measure(&store, size, &mut table).await?;
    }
    table.print(kind);
    store.close().await;
    Ok(())
}

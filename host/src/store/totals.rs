//! The delivery totals of platforms that count nothing else, as they stood at the last reading of
//! each day.

use crate::{
    domain::{
        delivery::DeliveryTotal,
        id::{MediaBuyId, PackageId, PlatformName},
        money::Micros,
        time::{Day, Timestamp},
        totals::Reading,
    },
    store::{
        Store, StoreError,
        sql::{
            Dialect, MOST_ROWS, ROWS, Transaction,
            rows::Row,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// The totals of a buy on a platform at a moment.
#[derive(Debug, Clone)]
pub struct NewTotals {
    /// The buy.
    pub buy: MediaBuyId,
    /// The platform.
    pub platform: PlatformName,
    /// When the platform had counted them.
    pub at: Timestamp,
    /// One for each package.
    pub totals: Vec<DeliveryTotal>,
}

impl Store {
    /// Records totals. Those of an earlier moment of the same day are replaced, later ones stay.
    pub async fn keep_totals(&self, new: NewTotals) -> Result<(), StoreError> {
        if new.totals.is_empty() { Ok(()) } else { self.write(new, work!(keep)).await }
    }

    /// Reads the totals of a buy on a platform, by day.
    pub async fn totals(&self, buy: &MediaBuyId, platform: &PlatformName) -> Result<Vec<Reading>, StoreError> {
        let asked = Statement::new(
            "SELECT package, day, at, impressions, spend, clicks, video_completions FROM delivery_totals
             WHERE buy = ? AND platform = ? ORDER BY day, package LIMIT ?",
        );
        let asked = asked.with(buy.as_str()).with(platform.as_str()).with(MOST_ROWS);
        self.read(asked).await?.iter().map(reading).collect()
    }

    /// Returns when the totals of a buy on a platform were last read.
    pub async fn totals_read_at(
        &self,
        buy: &MediaBuyId,
        platform: &PlatformName,
    ) -> Result<Option<Timestamp>, StoreError> {
        let asked = Statement::new("SELECT max(at) AS at FROM delivery_totals WHERE buy = ? AND platform = ?")
            .with(buy.as_str())
            .with(platform.as_str());
        self.read(asked).await?.first().map_or(Ok(None), |row| row.maybe_moment("at"))
    }
}

fn reading(row: &Row) -> Result<Reading, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("a delivery total has an invalid {what}"));
    Ok(Reading {
        day: Day::parse(&row.text("day")?).map_err(|_| corrupt("day"))?,
        at: row.moment("at")?,
        total: DeliveryTotal {
            package: PackageId::new(row.text("package")?),
            impressions: row.int("impressions")?,
            spend: Micros::new(row.int("spend")?).ok_or_else(|| corrupt("spend"))?,
            clicks: row.maybe_int("clicks")?,
            video_completions: row.maybe_int("video_completions")?,
        },
    })
}

async fn keep(transaction: &mut (dyn Transaction + '_), _: &Dialect, new: &NewTotals) -> Result<(), StoreError> {
    let mut script = Script::default();
    for totals in new.totals.chunks(ROWS) {
        let mut insert = Statement::new(
            "INSERT INTO delivery_totals (buy, platform, package, day, at, impressions, spend, clicks, video_completions) VALUES ",
        );
        for (index, total) in totals.iter().enumerate() {
            insert
                .push(if index == 0 { "(?, ?, ?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?, ?, ?)" })
                .bind(new.buy.as_str())
                .bind(new.platform.as_str())
                .bind(total.package.as_str())
                .bind(new.at.day().to_string())
                .bind(new.at.as_micros())
                .bind(total.impressions)
                .bind(total.spend.get())
                .bind(total.clicks)
                .bind(total.video_completions);
        }
        insert.push(
            " ON CONFLICT (buy, platform, package, day) DO UPDATE SET at = excluded.at, impressions = excluded.impressions,
              spend = excluded.spend, clicks = excluded.clicks, video_completions = excluded.video_completions
              WHERE delivery_totals.at <= excluded.at",
        );
        script.add(insert, Want::Any);
    }
    transaction.run(script).await.map(drop)
}

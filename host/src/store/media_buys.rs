//! Media buys: their rows, their lists, and the schedule by which their status is polled.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    domain::{
        id::{MediaBuyId, PlatformName, PrincipalId},
        media_buy::{MediaBuy, RemoteKind, RemoteObject},
        status::BuyStatus,
        time::Timestamp,
    },
    store::{
        Store, StoreError, Stored,
        sql::{
            Dialect, MOST_PER_PAGE, MOST_ROWS, Transaction, micros,
            rows::{self, to_doc},
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// A filter for listing buys, newest first.
#[derive(Debug, Clone, Default)]
pub struct BuyFilter {
    /// Only buys of this principal; `None`: of all principals.
    pub principal: Option<PrincipalId>,
    /// Only buys in this status.
    pub status: Option<BuyStatus>,
    /// Only buys with a package on this platform.
    pub platform: Option<PlatformName>,
    /// Only buys with this purchase order number.
    pub po_number: Option<String>,
    /// Only buys after this one in the list, which are older.
    pub after: Option<MediaBuyId>,
    /// The maximum number of buys; more than 1,000 are never returned.
    pub limit: u32,
}

impl Store {
    /// Finds the objects that have this id on a platform, or a path that ends in it, each with its buy.
    /// Reads every object: there is no index by their ids, because only audits ask.
    pub async fn remote_objects_named(
        &self,
        platform: &PlatformName,
        id: &str,
    ) -> Result<Vec<(MediaBuyId, RemoteObject)>, StoreError> {
        let like: String = id
            .chars()
            .flat_map(|letter| match letter {
                '%' | '_' | '!' => vec!['!', letter],
                letter => vec![letter],
            })
            .collect();
        let asked = Statement::new(
            "SELECT buy, kind, key, remote_id FROM remote_objects
             WHERE platform = ? AND (remote_id = ? OR remote_id LIKE ? ESCAPE '!') ORDER BY buy, kind, key LIMIT ?",
        )
        .with(platform.as_str())
        .with(id)
        .with(format!("%/{like}"))
        .with(MOST_ROWS);
        let object = |row: &rows::Row| {
            let kind = row.text("kind")?;
            let kind = RemoteKind::parse(&kind)
                .ok_or_else(|| StoreError::Corrupt(format!("a remote object is a {kind:?}")))?;
            let object = RemoteObject { kind, key: row.text("key")?, id: row.text("remote_id")? };
            Ok((MediaBuyId::new(row.text("buy")?), object))
        };
        self.read(asked).await?.iter().map(object).collect()
    }

    /// Reads a buy with its remote objects.
    pub async fn buy(&self, id: &MediaBuyId) -> Result<Option<Stored<MediaBuy>>, StoreError> {
        let mut asked = Statement::new(self.dialect().buys);
        asked.push(" WHERE mine.id = ?").bind(id.as_str());
        self.read(asked).await?.first().map(rows::stored_buy).transpose()
    }

    /// Returns whether any buy of a principal other than this one was ever carried out.
    pub async fn has_booked(&self, principal: &PrincipalId, other_than: &MediaBuyId) -> Result<bool, StoreError> {
        // `asked_at` is set when a buy is booked, and never cleared.
        let asked = Statement::new("SELECT id FROM media_buys WHERE principal = ? AND asked_at IS NOT NULL LIMIT 2")
            .with(principal.as_str());
        for row in self.read(asked).await? {
            if row.text("id")? != other_than.as_str() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the buys with these ids, in no particular order. Ids that do not exist are left out.
    pub async fn buys_named(&self, ids: &[MediaBuyId]) -> Result<Vec<MediaBuy>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(MOST_PER_PAGE as usize) {
            let mut asked = Statement::new(self.dialect().buys);
            asked.push(" WHERE mine.id IN (").push(&vec!["?"; ids.len()].join(", ")).push(")");
            for id in ids {
                asked.bind(id.as_str());
            }
            for row in self.read(asked).await? {
                found.push(rows::buy(&row)?);
            }
        }
        Ok(found)
    }

    /// Reads a page of buys, newest first.
    ///
    /// Each combination of filters has an index in the order of the list, on the buys or, with a
    /// platform filter, on their platforms. No row is read that is not listed.
    pub async fn buys(&self, filter: &BuyFilter) -> Result<Vec<MediaBuy>, StoreError> {
        let mut asked = Statement::new(self.dialect().buys);
        let limit = filter.limit.min(MOST_PER_PAGE);
        match &filter.platform {
            None => {
                asked.push(" WHERE true");
                push_filters(&mut asked, filter, "mine", "seq");
                asked.push(" ORDER BY mine.seq DESC LIMIT ?").bind(limit);
            }
            Some(platform) => {
                asked
                    .push(
                        " WHERE mine.seq IN (SELECT listed.buy_seq FROM buy_platforms AS listed WHERE listed.platform = ?",
                    )
                    .bind(platform.as_str());
                push_filters(&mut asked, filter, "listed", "buy_seq");
                asked.push(" ORDER BY listed.buy_seq DESC LIMIT ?) ORDER BY mine.seq DESC").bind(limit);
            }
        }
        self.read(asked).await?.iter().map(rows::buy).collect()
    }

    /// Picks at most `limit` buys whose status is due to be read from their ad servers, and
    /// schedules their next turn. A buy is due if it was booked or had its turn `every` ago, or if
    /// a recording requested it, and if its flight ended no earlier than `ended_since`.
    ///
    /// The next turn comes after a random time between half of `every` and `every`, so that turns
    /// spread out and no two replicas ask at the same time. A buy that a recording requested gets
    /// its next turn after `settle`, or after `every` if that is shorter.
    pub async fn take_turns(
        &self,
        now: Timestamp,
        ended_since: Timestamp,
        every: Duration,
        settle: Duration,
        limit: u32,
    ) -> Result<Vec<MediaBuyId>, StoreError> {
        self.write((now, ended_since, every, settle, limit), work!(take_turns)).await
    }
}

/// The value of `asked_at` that puts a buy before all others.
const LOOK_NOW: i64 = -1;

/// Schedules a booked buy's status to be read at the next turn.
pub(super) fn read_status_soon(script: &mut Script, buy: &MediaBuyId) {
    script
        .statement("UPDATE media_buys SET asked_at = ? WHERE id = ? AND asked_at IS NOT NULL", Want::Any)
        .bind(LOOK_NOW)
        .bind(buy.as_str());
}

pub(super) fn insert_buy(script: &mut Script, buy: &MediaBuy) -> Result<(), StoreError> {
    script
        .statement(
            "INSERT INTO media_buys (id, principal, status, po_number, ends_at, asked_at, doc)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the media buy")),
        )
        .bind(buy.id.as_str())
        .bind(buy.principal.as_str())
        .bind(buy.status.as_str())
        .bind(buy.po_number.as_deref())
        .bind(buy.end.as_micros())
        .bind(buy.booked_at.map(Timestamp::as_micros))
        .bind(buy_doc(buy)?);
    add_platforms(script, buy);
    Ok(())
}

pub(super) fn update_buy(script: &mut Script, stored: &Stored<MediaBuy>) -> Result<(), StoreError> {
    let Stored { value: buy, version } = stored;
    script
        .statement(
            "UPDATE media_buys SET version = version + 1, principal = ?, status = ?, po_number = ?, ends_at = ?,
                                   asked_at = coalesce(asked_at, ?), doc = ?
             WHERE id = ? AND version = ?",
            Want::Changes(1, StoreError::Stale("the media buy")),
        )
        .bind(buy.principal.as_str())
        .bind(buy.status.as_str())
        .bind(buy.po_number.as_deref())
        .bind(buy.end.as_micros())
        .bind(buy.booked_at.map(|_| buy.updated_at.as_micros()))
        .bind(buy_doc(buy)?)
        .bind(buy.id.as_str())
        .bind(*version);
    Ok(())
}

/// Serializes a buy without its remote objects, which have a table of their own.
fn buy_doc(buy: &MediaBuy) -> Result<String, StoreError> {
    if buy.remote.is_empty() {
        return to_doc(buy);
    }
    to_doc(&MediaBuy { remote: BTreeMap::new(), ..buy.clone() })
}

/// Inserts the platforms of a buy's packages. They never change, because packages are neither added
/// to a buy nor removed from it.
fn add_platforms(script: &mut Script, buy: &MediaBuy) {
    for platform in buy.platforms() {
        script
            .statement(
                "INSERT INTO buy_platforms (platform, buy_seq) SELECT ?, seq FROM media_buys WHERE id = ?
                 ON CONFLICT DO NOTHING",
                Want::Any,
            )
            .bind(platform.as_str())
            .bind(buy.id.as_str());
    }
}

/// Pushes the conditions that both kinds of lists share. `table` is the table with the columns, and
/// `seq` its column for the buy's number.
fn push_filters(asked: &mut Statement, filter: &BuyFilter, table: &str, seq: &str) {
    let mut equals = |column: &str, value: Option<&str>| {
        if let Some(value) = value {
            asked.push(" AND ").push(table).push(".").push(column).push(" = ?").bind(value);
        }
    };
    equals("principal", filter.principal.as_ref().map(PrincipalId::as_str));
    equals("status", filter.status.map(BuyStatus::as_str));
    equals("po_number", filter.po_number.as_deref());
    if let Some(after) = &filter.after {
        asked.push(" AND ").push(table).push(".").push(seq);
        asked.push(" < (SELECT seq FROM media_buys WHERE id = ?)").bind(after.as_str());
    }
}

/// How many batches one call takes at most. Ended buys drop out of the schedule when a batch meets
/// them, and others may be behind them.
const ROUNDS: u32 = 4;

/// Picks the buys that have been due longest; see [`crate::store::Store::take_turns`]. A buy whose
/// flight is over drops out of the schedule when its turn comes: no separate search looks for
/// those.
async fn take_turns(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, ended_since, every, settle, limit): &(Timestamp, Timestamp, Duration, Duration, u32),
) -> Result<Vec<MediaBuyId>, StoreError> {
    let settle = micros(*settle.min(every));
    let every = micros(*every);
    let last = now.as_micros().saturating_sub(every);
    let mut turns = Vec::new();
    for _ in 0..ROUNDS {
        let wanted = limit.saturating_sub(u32::try_from(turns.len()).unwrap_or(u32::MAX));
        let mut script = Script::default();
        script
            .statement(
                "WITH picked AS MATERIALIZED (SELECT seq FROM media_buys WHERE asked_at <= ? ORDER BY asked_at LIMIT ?",
                Want::Keep,
            )
            .push(dialect.unlocked_only)
            .push(
                ") UPDATE media_buys SET asked_at = CASE WHEN ends_at < ? THEN NULL
                                                         WHEN asked_at = ? THEN CAST(? AS BIGINT) ELSE ? - ",
            )
            .push(dialect.random_below)
            .push(
                " END WHERE seq IN (SELECT seq FROM picked)
                  RETURNING id, CAST(CASE WHEN asked_at IS NULL THEN 1 ELSE 0 END AS BIGINT) AS ended",
            )
            .bind(last)
            .bind(wanted)
            .bind(ended_since.as_micros())
            .bind(LOOK_NOW)
            .bind(last.saturating_add(settle))
            .bind(now.as_micros())
            .bind((every / 2).max(1));
        let picked = transaction.run(script).await?;
        for row in &picked {
            if row.int("ended")? == 0 {
                turns.push(MediaBuyId::new(row.text("id")?));
            }
        }
        if picked.len() < wanted as usize || turns.len() >= *limit as usize {
            break;
        }
    }
    Ok(turns)
}

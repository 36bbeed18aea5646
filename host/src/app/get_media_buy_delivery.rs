//! `get_media_buy_delivery`: what a buy delivered in a range of days.

use std::{sync::Arc, time::Duration};

use crate::{
    adapters::RemoteBuy,
    app::{
        App,
        caller::Caller,
        callers::Counted,
        error::{AppError, ErrorCode},
    },
    domain::{
        self,
        delivery::DeliveryRow,
        failure::{Failure, FailureKind},
        field::Field,
        id::{MediaBuyId, PlatformName},
        media_buy::MediaBuy,
        status::Creation,
        time::{Day, Timestamp},
    },
    operations::{now, totals},
    store::Stored,
};

/// The longest range in days. More than a year is a job for an export.
pub const MAX_DAYS: i64 = 366;

/// The time limit of the ad servers: a report is queued, produced and fetched.
const ASK_FOR: Duration = Duration::from_secs(45);

/// What a buy delivered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The buy.
    pub buy: MediaBuy,
    /// The first day of the range.
    pub first: Day,
    /// The last day of the range, inclusive.
    pub last: Day,
    /// The delivery by package and day.
    pub rows: Vec<DeliveryRow>,
    /// The time up to which all platforms had counted.
    pub as_of: Timestamp,
    /// What a reader of these days must know.
    pub notes: Vec<String>,
}

/// What one platform counted.
struct Part {
    rows: Vec<DeliveryRow>,
    as_of: Option<Timestamp>,
    note: Option<String>,
}

impl App {
    /// Returns what a buy delivered from `first` to `last`, both inclusive. The numbers are read
    /// now or a few seconds old; in either case `as_of` says up to when they are counted.
    ///
    /// # Errors
    /// `NOT_FOUND`, an invalid range, or the platform's failure.
    pub async fn get_media_buy_delivery(
        &self,
        caller: &Caller,
        id: &MediaBuyId,
        first: Day,
        last: Day,
    ) -> Result<Delivery, AppError> {
        let Stored { value: buy, version } = self.visible_buy(caller, id).await?;
        if last < first {
            return Err(AppError::invalid(Field::ReportEnd, format!("{last} is before start_date, {first}")));
        }
        if first.days_until(last) >= MAX_DAYS {
            return Err(AppError::invalid(Field::ReportEnd, format!("the range must be at most {MAX_DAYS} days")));
        }
        if self.creation(&buy).await? != Creation::Done {
            return Ok(Delivery { buy, first, last, rows: Vec::new(), as_of: now(), notes: Vec::new() });
        }
        // Every caller who may see the buy gets the same answer, because it does not depend on the
        // caller.
        let question = ((id.clone(), version), first, last);
        let weight = |counted: &Result<Counted, AppError>| counted.as_ref().ok().map(|counted| 1 + counted.rows.len());
        let asking = || {
            let (app, buy) = (self.clone(), buy.clone());
            async move { app.count(&buy, first, last).await }
        };
        let counted = self.callers.deliveries.ask(question, weight, asking).await;
        let Counted { rows, as_of, notes } = counted.map_err(|error| error.told_to(caller))?;
        Ok(Delivery { buy, first, last, rows: rows.to_vec(), as_of, notes: notes.to_vec() })
    }

    /// Reads the delivery of a buy from each of its platforms.
    async fn count(&self, buy: &MediaBuy, first: Day, last: Day) -> Result<Counted, AppError> {
        let at = now();
        let platforms = buy.platforms();
        let mut asked = Vec::with_capacity(platforms.len());
        for platform in &platforms {
            asked.push(self.delivered_on(buy, platform, first, last, at.plus(ASK_FOR)));
        }
        let (mut rows, mut notes) = (Vec::new(), Vec::new());
        let mut as_of = at;
        for answer in futures::future::join_all(asked).await {
            let part = answer?;
            rows.extend(part.rows);
            notes.extend(part.note);
            as_of = as_of.min(part.as_of.unwrap_or(at));
        }
        rows.sort_by(|one, other| (one.day, &one.package).cmp(&(other.day, &other.package)));
        Ok(Counted { rows: Arc::new(rows), as_of, notes: notes.into() })
    }

    async fn delivered_on(
        &self,
        buy: &MediaBuy,
        platform: &PlatformName,
        first: Day,
        last: Day,
        deadline: Timestamp,
    ) -> Result<Part, AppError> {
        let advertiser_id = self.config.advertiser(&buy.principal, platform).unwrap_or_default().to_owned();
        let asked = [RemoteBuy { buy, advertiser_id }];
        let answers = self
            .adapters
            .get_delivery(platform, &asked, first, last, deadline)
            .await
            .map_err(|failure| not_counted(buy, platform, &failure))?;
        let Some((_, answer)) = answers.into_iter().find(|(id, _)| id == &buy.id) else {
            return Err(AppError::new(
                ErrorCode::AdapterFault,
                format!("{platform}'s adapter did not answer about it"),
            ));
        };
        let delivered = answer.map_err(|failure| not_counted(buy, platform, &failure))?;
        if delivered.totals.is_some() {
            totals::keep(&self.store, platform, &delivered, now()).await?;
            let readings = self.store.totals(&buy.id, platform).await?;
            let remark = domain::totals::remark(&readings, buy.start, first, last);
            return Ok(Part {
                rows: domain::totals::by_day(&readings, first, last),
                as_of: delivered.as_of,
                note: remark.map(|remark| format!("{platform} {remark}")),
            });
        }
        let within = |row: &DeliveryRow| (first..=last).contains(&row.day);
        let rows = delivered.rows.into_iter().filter(within).collect();
        Ok(Part { rows, as_of: delivered.as_of, note: None })
    }
}

/// Returns the error for a platform that does not report a buy's delivery, and logs the details for
/// the operator.
fn not_counted(buy: &MediaBuy, platform: &PlatformName, failure: &Failure) -> AppError {
    tracing::warn!(buy = %buy.id, %platform, code = failure.code, error = %failure, "what a buy delivered can't be told");
    let mut error = AppError::from_failure(platform, failure);
    if failure.kind == FailureKind::Unavailable {
        error.message.push_str("; that changes nothing about the media buy");
        let seconds = error.retry_after.unwrap_or_default();
        error = error.suggest(format!("ask again in {seconds} s"));
    }
    error
}

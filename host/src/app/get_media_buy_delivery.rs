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
    /// What was delivered before this time is not corrected any more by any of the platforms. `None`
    /// if one of them does not say.
    pub final_until: Option<Timestamp>,
    /// The time zone whose days the platforms count. `None` if they differ; the notes then say it.
    pub time_zone: Option<String>,
    /// What a reader of these days must know.
    pub notes: Vec<String>,
}

/// What one platform counted.
struct Part {
    rows: Vec<DeliveryRow>,
    as_of: Option<Timestamp>,
    final_until: Option<Timestamp>,
    time_zone: String,
    note: Option<String>,
}

/// The contract's days, unless a platform counts others.
const UTC: &str = "UTC";

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
            return Ok(Delivery {
                buy,
                first,
                last,
                rows: Vec::new(),
                as_of: now(),
                final_until: None,
                time_zone: Some(UTC.to_owned()),
                notes: Vec::new(),
            });
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
        let Counted { rows, as_of, final_until, time_zone, notes } = counted.map_err(|error| error.told_to(caller))?;
        Ok(Delivery {
            buy,
            first,
            last,
            rows: rows.to_vec(),
            as_of,
            final_until,
            time_zone: time_zone.map(|zone| zone.to_string()),
            notes: notes.to_vec(),
        })
    }

    /// Reads the delivery of a buy from each of its platforms.
    async fn count(&self, buy: &MediaBuy, first: Day, last: Day) -> Result<Counted, AppError> {
        let at = now();
        let platforms = buy.platforms();
        let mut asked = Vec::with_capacity(platforms.len());
        for platform in &platforms {
            asked.push(self.delivered_on(buy, platform, first, last, at.plus(ASK_FOR)));
        }
        let parts: Vec<Part> = futures::future::join_all(asked).await.into_iter().collect::<Result<_, _>>()?;
        let as_of = parts.iter().map(|part| part.as_of.unwrap_or(at)).fold(at, Timestamp::min);
        let finals: Option<Vec<Timestamp>> = parts.iter().map(|part| part.final_until).collect();
        let mut zones = parts.iter().map(|part| part.time_zone.as_str());
        let first_zone = zones.next().unwrap_or(UTC);
        let time_zone: Option<Arc<str>> = zones.all(|zone| zone == first_zone).then(|| first_zone.into());
        let (mut rows, mut notes) = (Vec::new(), Vec::new());
        for (part, platform) in parts.into_iter().zip(&platforms) {
            if time_zone.is_none() {
                notes.push(format!("{platform} counts the days of {}", part.time_zone));
            }
            rows.extend(part.rows);
            notes.extend(part.note);
        }
        rows.sort_by(|one, other| (one.day, &one.package).cmp(&(other.day, &other.package)));
        let final_until = finals.and_then(|finals| finals.into_iter().min());
        Ok(Counted { rows: Arc::new(rows), as_of, final_until, time_zone, notes: notes.into() })
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
        if let Some(currency) = &delivered.currency {
            same_currency(buy, platform, currency)?;
        }
        let (as_of, final_until) = (delivered.as_of, delivered.final_until);
        let time_zone = delivered.time_zone.clone().unwrap_or_else(|| UTC.to_owned());
        if delivered.totals.is_some() {
            totals::keep(&self.store, platform, &delivered, now()).await?;
            let readings = self.store.totals(&buy.id, platform).await?;
            let remark = domain::totals::remark(&readings, buy.start, first, last);
            return Ok(Part {
                rows: domain::totals::by_day(&readings, first, last),
                as_of,
                final_until,
                time_zone,
                note: remark.map(|remark| format!("{platform} {remark}")),
            });
        }
        let within = |row: &DeliveryRow| (first..=last).contains(&row.day);
        let rows = delivered.rows.into_iter().filter(within).collect();
        Ok(Part { rows, as_of, final_until, time_zone, note: None })
    }
}

/// Refuses spend in another currency than the buy's: amounts of two currencies must not be added up.
fn same_currency(buy: &MediaBuy, platform: &PlatformName, counted: &str) -> Result<(), AppError> {
    if counted == buy.currency {
        return Ok(());
    }
    tracing::error!(buy = %buy.id, %platform, counted, "a platform counts in another currency than its buy");
    let message = format!("{platform} counts spend in {counted}, and the media buy is in {}", buy.currency);
    let cure = "the publisher corrects the currency of the product or of the account";
    Err(AppError::new(ErrorCode::PlatformError, message).suggest(cure))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing;

    #[test]
    fn spend_in_another_currency_is_refused_with_both_named() {
        let (buy, platform) = (testing::buy(1), PlatformName::from("acme"));
        assert!(same_currency(&buy, &platform, &buy.currency).is_ok());
        let error = same_currency(&buy, &platform, "SEK").unwrap_err();
        assert_eq!(error.code, ErrorCode::PlatformError);
        assert_eq!(error.message, format!("acme counts spend in SEK, and the media buy is in {}", buy.currency));
    }
}

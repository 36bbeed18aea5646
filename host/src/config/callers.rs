//! Rate limits for callers.

use std::{num::NonZeroU32, time::Duration};

use super::{section::Section, values};

/// Enough for an orchestrator that polls a thousand buys every ten seconds.
const READS_PER_SECOND: u32 = 100;
/// Enough for the same orchestrator after a restart, when it polls every buy at once.
const READS_BURST: u32 = 1_000;
/// A read may need a call to an adapter. This is a third of the calls that run at a time, so one
/// caller leaves room for the others.
const READS_IN_FLIGHT: u32 = 64;
/// More changes than most ad servers accept for one account.
const WRITES_PER_SECOND: u32 = 50;
/// Enough for a large account that sends all of a morning's changes at once.
const WRITES_BURST: u32 = 500;
/// A write may wait up to a minute for its outcome, but uses few resources while it waits.
const WRITES_IN_FLIGHT: u32 = 256;
/// Enough for a person who mistypes a token, or for an orchestrator that retries an expired one
/// every two seconds.
const FAILED_LOGINS_PER_MINUTE: u32 = 30;
/// The figures of ad servers are minutes old anyway.
const DELIVERY_CACHE: Duration = Duration::from_secs(5);
/// Figures older than this would be taken for a bug.
const MOST_DELIVERY_CACHE: Duration = Duration::from_secs(3_600);
/// The largest rate, burst or count. To have no limit, configure this value.
const MOST: i64 = 1_000_000;

/// The rate limits of one caller. All tokens of a buyer's principal share them; other callers are
/// counted per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// `reads_per_second`, `reads_burst`, `reads_in_flight`.
    pub reads: Rate,
    /// `writes_per_second`, `writes_burst`, `writes_in_flight`. Changes that only pause or resume
    /// delivery have a second allowance of the same size.
    pub writes: Rate,
}

/// The limits for one kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The sustained rate, in requests a second.
    pub per_second: NonZeroU32,
    /// The burst: how many requests may arrive at once after a pause.
    pub burst: NonZeroU32,
    /// How many requests may be in flight at a time.
    pub in_flight: NonZeroU32,
}

impl Rates {
    /// The limits that apply if none are configured.
    const DEFAULT: Self = Self {
        reads: Rate::of(READS_PER_SECOND, READS_BURST, READS_IN_FLIGHT),
        writes: Rate::of(WRITES_PER_SECOND, WRITES_BURST, WRITES_IN_FLIGHT),
    };

    /// Reads the limits of one principal. Limits that it omits are those of `[callers]`.
    pub(super) fn read_partly(section: &Section<'_>) -> PartialRates {
        let key =
            |name: &'static str| section.optional(name, |node| values::whole(node, 1, MOST)).and_then(NonZeroU32::new);
        PartialRates {
            reads: [key("reads_per_second"), key("reads_burst"), key("reads_in_flight")],
            writes: [key("writes_per_second"), key("writes_burst"), key("writes_in_flight")],
        }
    }
}

/// The limits of one principal where they differ from `[callers]`: a rate, a burst and a number in
/// flight for each kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartialRates {
    reads: [Option<NonZeroU32>; 3],
    writes: [Option<NonZeroU32>; 3],
}

impl PartialRates {
    /// Fills in the missing limits from `everybodys`.
    pub fn over(&self, everybodys: Rates) -> Rates {
        let whole = |[per_second, burst, in_flight]: [Option<NonZeroU32>; 3], other: Rate| Rate {
            per_second: per_second.unwrap_or(other.per_second),
            burst: burst.unwrap_or(other.burst),
            in_flight: in_flight.unwrap_or(other.in_flight),
        };
        Rates { reads: whole(self.reads, everybodys.reads), writes: whole(self.writes, everybodys.writes) }
    }
}

impl Rate {
    const fn of(per_second: u32, burst: u32, in_flight: u32) -> Self {
        Self { per_second: positive(per_second), burst: positive(burst), in_flight: positive(in_flight) }
    }
}

/// `[callers]`: rate limits for callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callers {
    /// The limits of each caller without `calls` of its own.
    pub rates: Rates,
    /// `failed_logins_per_minute`: how many requests with an invalid token one address may send.
    /// Default 30.
    pub failed_logins_per_minute: NonZeroU32,
    /// `delivery_cache`: how long the delivery report of a buy is served without asking its ad
    /// servers again. May be zero. Default `5s`.
    pub delivery_cache: Duration,
}

impl Callers {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            rates: Rates::read_partly(section).over(Rates::DEFAULT),
            failed_logins_per_minute: section
                .optional("failed_logins_per_minute", |node| values::whole(node, 1, MOST))
                .and_then(NonZeroU32::new)
                .unwrap_or(positive(FAILED_LOGINS_PER_MINUTE)),
            delivery_cache: section.or("delivery_cache", DELIVERY_CACHE, |node| {
                match values::duration_or_none(node)? {
                    longer if longer > MOST_DELIVERY_CACHE => {
                        Err(format!("must be at most {}", values::written(MOST_DELIVERY_CACHE)))
                    }
                    fitting => Ok(fitting),
                }
            }),
        }
    }
}

/// Converts a constant of this module, none of which is zero.
const fn positive(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number.saturating_sub(1))
}

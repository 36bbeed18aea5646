//! How much callers may ask.

use std::{num::NonZeroU32, time::Duration};

use super::{section::Section, values};

/// An orchestrator that looks at a thousand buys, each of them every ten seconds.
const READS_PER_SECOND: u32 = 100;
/// That orchestrator after a restart: it looks at everything at once.
const READS_BURST: u32 = 1_000;
/// A read may take an adapter's call; a third of those that run at a time, so that one caller leaves room for the others.
const READS_IN_FLIGHT: u32 = 64;
/// More than most ad servers take changes for one account.
const WRITES_PER_SECOND: u32 = 50;
/// A morning's changes of a large account, all at once.
const WRITES_BURST: u32 = 500;
/// A write may wait for its outcome for most of a minute and does little meanwhile.
const WRITES_IN_FLIGHT: u32 = 256;
/// A person who mistypes a token, or an orchestrator with an old one that asks every other second.
const FAILED_LOGINS_PER_MINUTE: u32 = 30;
/// Counts of ad servers are minutes old in any case.
const DELIVERY_CACHE: Duration = Duration::from_secs(5);
/// Older figures than this would be taken for a bug.
const MOST_DELIVERY_CACHE: Duration = Duration::from_secs(3_600);
/// The largest rate, burst or number: who wants no limit writes this.
const MOST: i64 = 1_000_000;

/// How much one caller may ask: a buyer's principal with all its tokens together, and everybody else by their token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// `reads_per_second`, `reads_burst`, `reads_in_flight`.
    pub reads: Rate,
    /// `writes_per_second`, `writes_burst`, `writes_in_flight`. Changes that only stop or restart delivery have as much once more.
    pub writes: Rate,
}

/// How much of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many a second in the long run.
    pub per_second: NonZeroU32,
    /// So many at once after a rest.
    pub burst: NonZeroU32,
    /// So many at a time.
    pub in_flight: NonZeroU32,
}

impl Rates {
    /// What counts where nothing is configured.
    const DEFAULT: Self = Self {
        reads: Rate::of(READS_PER_SECOND, READS_BURST, READS_IN_FLIGHT),
        writes: Rate::of(WRITES_PER_SECOND, WRITES_BURST, WRITES_IN_FLIGHT),
    };

    /// Reads what a principal may ask; what it leaves out is as for everybody.
    pub(super) fn read_partly(section: &Section<'_>) -> PartialRates {
        let key =
            |name: &'static str| section.optional(name, |node| values::whole(node, 1, MOST)).and_then(NonZeroU32::new);
        PartialRates {
            reads: [key("reads_per_second"), key("reads_burst"), key("reads_in_flight")],
            writes: [key("writes_per_second"), key("writes_burst"), key("writes_in_flight")],
        }
    }
}

/// What a principal may ask, where that is not what everybody may: a rate, a burst and a number in flight of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartialRates {
    reads: [Option<NonZeroU32>; 3],
    writes: [Option<NonZeroU32>; 3],
}

impl PartialRates {
    /// The whole of it.
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

/// `[callers]`: how much callers may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callers {
    /// What each may ask that has no `calls` of its own.
    pub rates: Rates,
    /// `failed_logins_per_minute`: how often an address may come with a token that is worth nothing. Default 30.
    pub failed_logins_per_minute: NonZeroU32,
    /// `delivery_cache`: for how long a buy's delivery is answered without asking its ad servers again; may be zero. Default `5s`.
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

/// A constant of this module, none of which is zero.
const fn positive(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number.saturating_sub(1))
}

//! The addresses to which webhooks may be sent.

use std::time::Duration;

use super::{section::Section, values};
use crate::network::{allow_list::AllowList, receivers::Policy};

/// Receivers that need longer should answer first and do the work afterwards.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// A receiver that hangs takes up a slot of this host for this long. A delivery by a host that died
/// waits slightly longer before another host takes it over.
const MOST_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads `[webhooks]`.
///
/// - `allow_private`: networks, addresses and `host:port` that may be sent to although they are not
///   on the public internet. Default: none.
/// - `allow_http`: whether an endpoint may use plain HTTP. Default `false`.
/// - `timeout`: how long a receiver may take to answer. Default `15s`, at most `60s`.
pub(super) fn read(section: &Section<'_>) -> Policy {
    let allow_private = section.list("allow_private", values::parsed).unwrap_or_default();
    let allow_http = section.or("allow_http", false, values::flag);
    let timeout = section.or("timeout", DEFAULT_TIMEOUT, |node| match values::duration(node)? {
        longer if longer > MOST_TIMEOUT => Err(format!(
            "must be at most {}: receivers that take longer answer first and work afterwards",
            values::written(MOST_TIMEOUT)
        )),
        timeout => Ok(timeout),
    });
    Policy::new(AllowList::new(&allow_private), allow_http, timeout)
}

//! What the status of an answer says of the request that it answers, if that request writes.
//!
//! The host decides with these rules whether a step is in doubt. The SDK's test host uses the same
//! ones, so that an adapter meets in its tests what it will meet in the host.
//!
//! | status | did the request change something? | may it still be under way? |
//! |---|---|---|
//! | 4xx, except those below | no | no |
//! | 408: the server stopped waiting | perhaps | yes |
//! | 409: something already exists | perhaps: it may be what an earlier request made | no |
//! | 502, 504, 520 to 527: a gateway did not get the server's answer | perhaps | yes |
//! | any other | perhaps, or yes | no |

/// Returns whether it is certain that a request with this answer changed nothing.
#[must_use]
pub const fn changed_nothing(status: u16) -> bool {
    matches!(status, 400..=499) && status != 408 && status != 409
}

/// Returns whether the ad server may still be carrying out a request with this answer.
#[must_use]
pub const fn may_be_under_way(status: u16) -> bool {
    matches!(status, 408 | 502 | 504 | 520..=527)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_changed_nothing() {
        for status in 100..600 {
            let refused = (400..500).contains(&status) && status != 408 && status != 409;
            assert_eq!(changed_nothing(status), refused, "{status}");
        }
    }

    #[test]
    fn what_no_server_has_answered_may_be_under_way() {
        for status in 100..600 {
            let gateway = [408, 502, 504].contains(&status) || (520..=527).contains(&status);
            assert_eq!(may_be_under_way(status), gateway, "{status}");
            assert!(!(may_be_under_way(status) && changed_nothing(status)), "{status}");
        }
    }
}

//! The review desk: how long a browser stays signed in, and where people may sign in.
//!
//! - [`oidc`]: the OpenID provider.

use std::time::Duration;

use super::{section::Section, values};

pub mod oidc;

pub use oidc::Oidc;

/// A working day: a reviewer who has lunch is still signed in.
const IDLE_TIMEOUT: Duration = Duration::from_secs(8 * 3_600);

/// A week, so that everybody signs in again now and then.
const SESSION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);

/// `[desk]`: the pages for reviewers and operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// `idle_timeout`: after how long without a request a browser is signed out. Default `8h`.
    pub idle_timeout: Duration,
    /// `session_lifetime`: after how long a browser is signed out in any case. Default `7d`.
    pub session_lifetime: Duration,
    /// `[desk.oidc]`: an OpenID provider at which people sign in. Default: none.
    pub oidc: Option<Oidc>,
}

impl Desk {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let session_lifetime = section.or("session_lifetime", SESSION_LIFETIME, values::duration);
        let idle_timeout =
            section.or("idle_timeout", IDLE_TIMEOUT.min(session_lifetime), |node| match values::duration(node)? {
                longer if longer > session_lifetime => Err(format!(
                    "must be at most the session_lifetime, {}: a browser is signed out then anyway",
                    values::written(session_lifetime)
                )),
                fitting => Ok(fitting),
            });
        let oidc = section.get("oidc").and_then(|node| {
            if !node.is_table() {
                section.wrong(node.at, "`oidc` must be a section: write [desk.oidc] on a line of its own");
            }
            section.inside(node, "[desk.oidc]".to_owned(), Oidc::read).flatten()
        });
        Self { idle_timeout, session_lifetime, oidc }
    }
}

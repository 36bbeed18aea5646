//! Whose word counts: the tokens that are good, and the people behind them.
//!
//! | rule | |
//! |---|---|
//! | nobody decides on their own request | the person who asked is the one behind the token then, and the one behind it now |
//! | several reviewers are several people | however many tokens one of them has |
//! | a word counts as long as its token is good | revoked, expired, or gone from the configuration: it counts no more |

use crate::{
    config::{Config, Token},
    domain::{
        digest,
        person::Person,
        role::Role,
        task::{Approval, Task},
        time::Timestamp,
    },
    store::{Store, StoreError, TokenRecord},
};

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// Somebody revoked it.
    Revoked(Timestamp),
    /// Its time is over.
    Expired(Timestamp),
}

/// Why a token of the configuration is not good at a moment; `None`: it is.
pub fn lapse_of_configured(token: &Token, at: Timestamp) -> Option<Lapse> {
    token.expires_at.filter(|expires| *expires <= at).map(Lapse::Expired)
}

/// Why a token of the database is not good at a moment; `None`: it is.
pub fn lapse_of_stored(token: &TokenRecord, at: Timestamp) -> Option<Lapse> {
    token.revoked_at.map(Lapse::Revoked).or(token.expires_at.filter(|expires| *expires <= at).map(Lapse::Expired))
}

/// What tells in a task with which token somebody approved: a digest of the token's digest, of
/// which that can't be found again.
pub fn fingerprint(sha256: &str) -> String {
    digest::sha256(sha256.as_bytes())
}

/// A token that there is, by what matters of it here.
struct Known {
    fingerprint: String,
    person: Person,
    reviews: bool,
    lapse: Option<Lapse>,
}

/// The tokens of a name: one of the configuration, one of the database, or both.
async fn named(config: &Config, store: &Store, name: &str, at: Timestamp) -> Result<Vec<Known>, StoreError> {
    let reviews = |role: Option<Role>| matches!(role, Some(Role::Reviewer | Role::Operator));
    let mine: Vec<&Token> = config.tokens.iter().filter(|token| token.name == name).collect();
    // What the file says of a token is not all: it may have been revoked since.
    let revoked = match mine.is_empty() {
        true => Vec::new(),
        false => store.revocations().await?,
    };
    let configured = mine.into_iter().map(|token| {
        let revoked = revoked.iter().find(|revocation| revocation.sha256 == token.sha256);
        Known {
            fingerprint: fingerprint(&token.sha256),
            person: token.person.clone(),
            reviews: reviews(Some(token.role)),
            lapse: revoked.map(|revocation| Lapse::Revoked(revocation.at)).or_else(|| lapse_of_configured(token, at)),
        }
    });
    let stored = store.token_named(name).await?.map(|token| Known {
        fingerprint: fingerprint(&token.sha256),
        reviews: reviews(Role::parse(&token.role)),
        lapse: lapse_of_stored(&token, at),
        person: token.person,
    });
    Ok(configured.chain(stored).collect())
}

/// Everybody who may have asked for what a task is about.
async fn requesters(config: &Config, store: &Store, task: &Task, at: Timestamp) -> Result<Vec<Person>, StoreError> {
    let now = named(config, store, &task.requested_by, at).await?;
    Ok(now.into_iter().map(|known| known.person).chain([task.requester()]).collect())
}

/// Whether a person asked for what a task is about.
///
/// # Errors
/// The store's.
pub async fn asked_for(
    config: &Config,
    store: &Store,
    task: &Task,
    person: &Person,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(requesters(config, store, task, at).await?.contains(person))
}

/// The approvals of a task, sorted by whether they still count.
#[derive(Debug, Default)]
pub struct Counted {
    /// Each of another person.
    pub good: Vec<Approval>,
    /// With why they don't count, in words.
    pub lapsed: Vec<(Approval, String)>,
}

impl Counted {
    /// How many people have approved.
    pub fn people(&self) -> u32 {
        u32::try_from(self.good.len()).unwrap_or(u32::MAX)
    }

    /// Why those that lapsed don't count, for people; `None`: all count.
    pub fn why_not(&self) -> Option<String> {
        let each: Vec<String> = self
            .lapsed
            .iter()
            .map(|(approval, why)| format!("the approval of {} counts no more: {why}", approval.by))
            .collect();
        (!each.is_empty()).then(|| each.join("; "))
    }
}

/// Which approvals of a task count at a moment.
///
/// # Errors
/// The store's.
pub async fn counted(config: &Config, store: &Store, task: &Task, at: Timestamp) -> Result<Counted, StoreError> {
    let mut counted = Counted::default();
    if task.approvals.is_empty() {
        return Ok(counted);
    }
    let mut taken = requesters(config, store, task, at).await?;
    for approval in &task.approvals {
        let known = named(config, store, &approval.by, at).await?;
        match judge(approval, known) {
            Ok(person) if taken.contains(&person) || taken.contains(&approval.person()) => {
                let why = format!("{person} asked for it or has approved it already");
                counted.lapsed.push((approval.clone(), why));
            }
            Ok(person) => {
                taken.extend([person, approval.person()]);
                counted.good.push(approval.clone());
            }
            Err(why) => counted.lapsed.push((approval.clone(), why)),
        }
    }
    Ok(counted)
}

/// The person behind the token of an approval, or why it does not count.
fn judge(approval: &Approval, known: Vec<Known>) -> Result<Person, String> {
    // An approval from before tokens were noted down goes by the token's name.
    let is_it = |known: &Known| approval.token.as_ref().is_none_or(|token| *token == known.fingerprint);
    let mut lapsed = None;
    for known in known.into_iter().filter(is_it) {
        match known.lapse {
            None if known.reviews => return Ok(known.person),
            None => lapsed = Some("the token may not approve any more".to_owned()),
            Some(Lapse::Revoked(at)) => lapsed = Some(format!("the token was revoked {at}")),
            Some(Lapse::Expired(at)) => lapsed = Some(format!("the token expired {at}")),
        }
    }
    Err(lapsed.unwrap_or_else(|| "the token is gone".to_owned()))
}

//! Whose approvals count: the valid tokens, and the people behind them.
//!
//! | rule | details |
//! |---|---|
//! | nobody decides on their own request | requesters are the person behind the token at the time of the request, and the person behind it now |
//! | several reviewers are several people | however many tokens one of them has |
//! | an approval counts while its token is valid | if the token is revoked, expired, or gone from the configuration, the approval no longer counts |

use crate::{
    config::{Config, Token},
    domain::{
        approval::Voter,
        digest,
        person::Person,
        role::Role,
        task::{Approval, Task},
        time::Timestamp,
    },
    store::{Store, StoreError, TokenRecord},
};

/// Why a token is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// The token was revoked at this moment.
    Revoked(Timestamp),
    /// The token expired at this moment.
    Expired(Timestamp),
}

/// Returns why a token of the configuration is not valid at a moment; `None` if it is valid.
pub fn lapse_of_configured(token: &Token, at: Timestamp) -> Option<Lapse> {
    token.expires_at.filter(|expires| *expires <= at).map(Lapse::Expired)
}

/// Returns why a token of the database is not valid at a moment; `None` if it is valid.
pub fn lapse_of_stored(token: &TokenRecord, at: Timestamp) -> Option<Lapse> {
    token.revoked_at.map(Lapse::Revoked).or(token.expires_at.filter(|expires| *expires <= at).map(Lapse::Expired))
}

/// Returns the fingerprint by which a task records which token approved. It is a digest of the
/// token's digest, which can't be recovered from it.
pub fn fingerprint(sha256: &str) -> String {
    digest::sha256(sha256.as_bytes())
}

/// An existing token, reduced to what is needed here.
struct Known {
    fingerprint: String,
    person: Person,
    reviews: bool,
    lapse: Option<Lapse>,
}

/// Returns the tokens of a name: one of the configuration, one of the database, or both.
async fn named(config: &Config, store: &Store, name: &str, at: Timestamp) -> Result<Vec<Known>, StoreError> {
    let reviews = |role: Option<Role>| matches!(role, Some(Role::Reviewer | Role::Operator));
    let mine: Vec<&Token> = config.tokens.iter().filter(|token| token.name == name).collect();
    // A token in the configuration may have been revoked since.
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

/// Returns everybody who may have requested what a task is about.
async fn requesters(config: &Config, store: &Store, task: &Task, at: Timestamp) -> Result<Vec<Person>, StoreError> {
    let now = named(config, store, &task.requested_by, at).await?;
    Ok(now.into_iter().map(|known| known.person).chain([task.requester()]).collect())
}

/// Returns whether a person requested what a task is about.
///
/// # Errors
/// When the store can't be read.
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
    /// The approvals that count, each of a different person.
    pub good: Vec<Approval>,
    /// Those people, in the same order.
    pub voters: Vec<Voter>,
    /// The approvals that don't count, and why, in words.
    pub lapsed: Vec<(Approval, String)>,
}

impl Counted {
    /// Returns how many people have approved.
    pub fn people(&self) -> u32 {
        u32::try_from(self.good.len()).unwrap_or(u32::MAX)
    }

    /// Returns in words why lapsed approvals don't count; `None` if all count.
    pub fn why_not(&self) -> Option<String> {
        let each: Vec<String> = self
            .lapsed
            .iter()
            .map(|(approval, why)| format!("the approval of {} counts no more: {why}", approval.by))
            .collect();
        (!each.is_empty()).then(|| each.join("; "))
    }
}

/// Returns which approvals of a task count at a moment.
///
/// # Errors
/// When the store can't be read.
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
                counted.voters.push(Voter::renamed(approval.person(), person.clone()));
                taken.extend([person, approval.person()]);
                counted.good.push(approval.clone());
            }
            Err(why) => counted.lapsed.push((approval.clone(), why)),
        }
    }
    Ok(counted)
}

/// Returns the person behind the token of an approval, or why the approval does not count.
fn judge(approval: &Approval, known: Vec<Known>) -> Result<Person, String> {
    // Approvals from before fingerprints were recorded are matched by the token's name.
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

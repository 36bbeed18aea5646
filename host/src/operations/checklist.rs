//! What an installation needs before its first media buy, what of it is missing, and the line that
//! mends it. `flightdeck doctor` and the desk's setup page show the same list.

use std::{collections::BTreeSet, sync::Arc};

use serde::Serialize;

use crate::{
    adapters::Adapters,
    config::Config,
    domain::{
        account::{Reading, Severity},
        failure::Failure,
        id::{PlatformName, PrincipalId},
        role::Role,
    },
    operations::{
        now,
        people::{lapse_of_configured, lapse_of_stored},
    },
    store::{Store, StoreError},
};

/// One thing that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is needed: `platform acme`, `products`, `reviewers`.
    pub subject: String,
    /// Whether it is there.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// What to write, or to run, so that it is there.
    pub cure: Option<String>,
}

/// What is known of an account on a platform.
#[derive(Debug, Clone)]
pub enum Reached {
    /// It was read.
    Read(Arc<Reading>),
    /// It can't be read, for this reason.
    Refused(Failure),
    /// It has not been read.
    NotRead,
}

/// A token that is valid now, reduced to what is needed here.
struct Valid {
    person: String,
    role: Role,
    principal: Option<PrincipalId>,
}

/// Checks everything. `reached` says what is known of each platform. Without a store, there is only what
/// the configuration says.
///
/// # Errors
/// When the store can't be read.
pub async fn checks(
    config: &Config,
    adapters: &Adapters,
    store: Option<&Store>,
    reached: impl Fn(&PlatformName) -> Reached,
) -> Result<Vec<Check>, StoreError> {
    let tokens = valid_tokens(config, store).await?;
    let mut checks: Vec<Check> =
        adapters.platforms().iter().map(|name| platform(adapters, name, reached(name))).collect();
    if checks.is_empty() {
        checks.push(missing("platforms", "no ad server is configured", PLATFORM));
    }
    checks.push(products(config, adapters));
    checks.push(buyers(config, &tokens));
    checks.push(reviewers(config, &tokens));
    checks.push(rules(config));
    if let Some(store) = store {
        checks.push(webhooks(store).await?);
    }
    Ok(checks)
}

const PLATFORM: &str = "[platforms.acme]\nadapter = \"adapters/acme.wasm\"";
const PRODUCT: &str =
    "[[products]]\nid = \"homepage\"\nname = \"Homepage\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpm = 12.50";
const BUYER: &str =
    "[[principals]]\nid = \"agency\"\nname = \"Agency\"\nplatform_mappings = { acme = { advertiser_id = \"1001\" } }";
const RULE: &str = "[[approvals]]\ngrows = true";

fn fine(subject: impl Into<String>, found: impl Into<String>) -> Check {
    Check { subject: subject.into(), severity: Severity::Fine, found: found.into(), cure: None }
}

fn warning(subject: impl Into<String>, found: impl Into<String>, cure: impl Into<String>) -> Check {
    Check { severity: Severity::Warning, cure: Some(cure.into()), ..fine(subject, found) }
}

fn missing(subject: impl Into<String>, found: impl Into<String>, cure: impl Into<String>) -> Check {
    Check { severity: Severity::Bad, cure: Some(cure.into()), ..fine(subject, found) }
}

async fn valid_tokens(config: &Config, store: Option<&Store>) -> Result<Vec<Valid>, StoreError> {
    let at = now();
    let (stored, revoked) = match store {
        Some(store) => (store.tokens().await?, store.revocations().await?),
        None => (Vec::new(), Vec::new()),
    };
    let is_revoked = |sha256: &str| revoked.iter().any(|revocation| revocation.sha256 == sha256);
    let configured = config.tokens.iter().filter(|token| lapse_of_configured(token, at).is_none());
    let configured = configured.filter(|token| !is_revoked(&token.sha256)).map(|token| Valid {
        person: token.person.to_string(),
        role: token.role,
        principal: token.principal.clone(),
    });
    let stored = stored.iter().filter(|token| lapse_of_stored(token, at).is_none()).filter_map(|token| {
        let (person, principal) = (token.person.to_string(), token.principal.clone());
        Some(Valid { person, role: Role::parse(&token.role)?, principal })
    });
    Ok(configured.chain(stored).collect())
}

fn platform(adapters: &Adapters, name: &PlatformName, reached: Reached) -> Check {
    let subject = format!("platform {name}");
    if adapters.active_release(name).is_none() {
        let cure = format!("flightdeck adapter install {name} {name}.wasm --activate --reason first");
        return missing(subject, "no adapter serves it", cure);
    }
    let look = format!("flightdeck check --online --platform {name}");
    match reached {
        Reached::NotRead => warning(subject, "its account has not been read yet", look),
        Reached::Refused(failure) => missing(subject, failure.to_string(), look),
        Reached::Read(reading) => {
            let of = |severity: Severity| reading.findings.iter().filter(move |one| one.severity == severity);
            let known = [Some(reading.account.id.as_str()), reading.account.currency.as_deref()];
            let known: Vec<&str> = known.into_iter().flatten().filter(|part| !part.is_empty()).collect();
            let account = format!("account {}", known.join(", "));
            let account = account.trim_end();
            let (bad, odd) = (of(Severity::Bad).count(), of(Severity::Warning).count());
            match of(Severity::Bad).chain(of(Severity::Warning)).next() {
                Some(first) => {
                    let found =
                        format!("{account}: {bad} bad, {odd} to look at; first {}: {}", first.subject, first.message);
                    let make = if bad > 0 { missing } else { warning };
                    make(subject, found, look)
                }
                None => fine(subject, format!("{account} is reached, and everything named there exists")),
            }
        }
    }
}

fn products(config: &Config, adapters: &Adapters) -> Check {
    let unserved = config.products.iter().find(|product| adapters.active_release(&product.platform).is_none());
    match (config.products.len(), unserved) {
        (0, _) => missing("products", "nothing is for sale", PRODUCT),
        (count, Some(product)) => warning(
            "products",
            format!("{count}, but {} is on {}, which no adapter serves", product.id, product.platform),
            format!("flightdeck check # once {} has an adapter", product.platform),
        ),
        (count, None) => fine("products", format!("{count} for sale; their settings fit their adapters")),
    }
}

fn buyers(config: &Config, tokens: &[Valid]) -> Check {
    let mapped: Vec<_> = config.principals.iter().filter(|buyer| !buyer.platform_mappings.is_empty()).collect();
    let has_token = |id: &PrincipalId| tokens.iter().any(|token| token.principal.as_ref() == Some(id));
    match mapped.iter().find(|buyer| !has_token(&buyer.id)) {
        _ if mapped.is_empty() => missing("buyers", "no principal has an advertiser on any platform", BUYER),
        Some(buyer) => warning(
            "buyers",
            format!("{}, but {} has no valid token", mapped.len(), buyer.id),
            format!("flightdeck token create --name {0} --role buyer --principal {0}", buyer.id),
        ),
        None => fine("buyers", format!("{}, each with an advertiser and a token", mapped.len())),
    }
}

fn reviewers(config: &Config, tokens: &[Valid]) -> Check {
    let decides = |token: &&Valid| matches!(token.role, Role::Reviewer | Role::Operator);
    let people: BTreeSet<&str> = tokens.iter().filter(decides).map(|token| token.person.as_str()).collect();
    let most = config.approvals.iter().map(|rule| rule.reviewers).max().unwrap_or(0);
    let cure = "flightdeck token create --name anna --role reviewer";
    if let Some(oidc) = config.desk.oidc.as_ref().filter(|_| people.len() < most.max(1) as usize) {
        // They are known to the host once they have signed in.
        return warning(
            "reviewers",
            format!("{}, and whoever else signs in with {}", people.len(), oidc.name),
            format!("open {}/admin and sign in, to see that it works", oidc.public_url),
        );
    }
    match people.len() {
        0 if most > 0 => missing("reviewers", "nobody can approve, and rules demand it", cure),
        0 => warning("reviewers", "nobody can sign in to the desk", cure),
        count if count < most as usize => {
            missing("reviewers", format!("{count}, and a rule demands {most} different people"), cure)
        }
        count => fine("reviewers", format!("{count} people can sign in and decide")),
    }
}

fn rules(config: &Config) -> Check {
    match config.approvals.len() {
        0 => warning("rules", "none: every change reaches the ad servers without a person", RULE),
        1 => fine("rules", "1 rule decides what waits for a person"),
        count => fine("rules", format!("{count} rules decide what waits for a person")),
    }
}

/// The check of a database that can't be used, or that no host has made yet.
pub fn no_database(error: impl Into<String>) -> Check {
    missing("database", error, "flightdeck serve")
}

async fn webhooks(store: &Store) -> Result<Check, StoreError> {
    let endpoints = store.webhooks(None).await?;
    let cure = "flightdeck webhook create https://example.com/flightdeck";
    Ok(match (endpoints.len(), endpoints.iter().find(|endpoint| endpoint.disabled.is_some())) {
        (0, _) => warning("webhooks", "no endpoint: buyers and your own systems have to poll", cure),
        (count, Some(endpoint)) => {
            let id = &endpoint.id;
            warning("webhooks", format!("{count}, and {id} is disabled"), format!("flightdeck webhook enable {id}"))
        }
        (count, None) => fine("webhooks", format!("{count} {}", if count == 1 { "endpoint" } else { "endpoints" })),
    })
}

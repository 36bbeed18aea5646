//! What can go wrong between this machine and a registry, and what to do then. No message shows a
//! credential, an address with a token, or a text of the registry's at any length.

use std::{error::Error as _, time::Duration};

use oci_client::errors::{OciDistributionError, OciErrorCode};

use super::{Reference, credentials::Origin};
use crate::adapters::COMPONENT_BYTES;

/// The longest text of a registry that is shown.
const SHOWN_CHARS: usize = 200;

/// Why an artifact was not pushed or pulled.
#[derive(Debug, thiserror::Error)]
pub enum DistributionError {
    /// No connection to the registry.
    #[error(
        "{registry} can't be reached: {reason}. Check the address and the network; a registry without TLS takes \
         --insecure-http"
    )]
    Unreachable {
        /// The registry.
        registry: String,
        /// What the network said.
        reason: String,
    },
    /// The registry did not answer in time.
    #[error("{registry} did not do it within {} s; try again, or give it longer with --timeout", .within.as_secs())]
    Silent {
        /// The registry.
        registry: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The registry wants credentials, or others.
    #[error("{reference}: the registry does not let {origin}")]
    Unauthorized {
        /// What was asked for.
        reference: Reference,
        /// Whose credentials were sent, and what to do.
        origin: String,
    },
    /// There is no such artifact.
    #[error("{0} does not exist; check the name, the tag and the digest")]
    Missing(Reference),
    /// What the registry sent is not what a digest names.
    #[error(
        "{0} is not what its digest names: the registry or somebody on the way altered it. Nothing was taken; tell the \
         registry's operator"
    )]
    Altered(Reference),
    /// What the reference names is no single component.
    #[error("{reference} {reason}")]
    NoComponent {
        /// What was asked for.
        reference: Reference,
        /// What it is instead, and what to do.
        reason: String,
    },
    /// The component is too large.
    #[error("{reference} has {size} bytes; an adapter has at most {COMPONENT_BYTES}")]
    TooLarge {
        /// What was asked for.
        reference: Reference,
        /// The size that its manifest or the registry names.
        size: u64,
    },
    /// The registry refused, or does not follow the specification.
    #[error("{registry} refused {reference}: {reason}")]
    Refused {
        /// The registry.
        registry: String,
        /// What was asked for.
        reference: Reference,
        /// What it said.
        reason: String,
    },
    /// A manifest or configuration can't be made.
    #[error("the manifest can't be written: {0}")]
    NotWritten(#[from] serde_json::Error),
    /// The HTTP client can't be made.
    #[error("this machine's TLS can't be used: {0}")]
    Tls(String),
}

impl DistributionError {
    /// Translates the client library's error.
    pub(super) fn of(error: OciDistributionError, reference: &Reference, origin: &Origin, within: Duration) -> Self {
        let refused = |reason: String| Self::Refused {
            registry: reference.registry().to_owned(),
            reference: reference.clone(),
            reason,
        };
        let unauthorized = || Self::Unauthorized { reference: reference.clone(), origin: origin.to_string() };
        match error {
            OciDistributionError::RequestError(error) => Self::of_request(&error, reference, within),
            OciDistributionError::IoError(error) => Self::of_stream(&error, reference, within),
            OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
                unauthorized()
            }
            OciDistributionError::ServerError { code: 401 | 403, .. } => unauthorized(),
            OciDistributionError::ServerError { code: 404, .. } => Self::Missing(reference.clone()),
            OciDistributionError::ServerError { code, .. } => refused(format!("it answered with status {code}")),
            OciDistributionError::DigestError(_) => Self::Altered(reference.clone()),
            OciDistributionError::RegistryError { envelope, .. } => {
                let of = |codes: &[OciErrorCode]| envelope.errors.iter().any(|error| codes.contains(&error.code));
                if of(&[OciErrorCode::Unauthorized, OciErrorCode::Denied]) {
                    return unauthorized();
                }
                if of(&[
                    OciErrorCode::ManifestUnknown,
                    OciErrorCode::NameUnknown,
                    OciErrorCode::BlobUnknown,
                    OciErrorCode::NotFound,
                ]) {
                    return Self::Missing(reference.clone());
                }
                let said: Vec<&str> = envelope.errors.iter().map(|error| error.message.as_str()).collect();
                refused(shown(&said.join("; ")))
            }
            OciDistributionError::RegistryNoLocationError => refused("it did not say where it put it".to_owned()),
            OciDistributionError::RegistryTokenDecodeError(_) => refused("its token can't be read".to_owned()),
            OciDistributionError::SpecViolationError(what) => refused(shown(&what)),
            _ => refused("its answer does not follow the distribution specification".to_owned()),
        }
    }

    fn of_request(error: &reqwest::Error, reference: &Reference, within: Duration) -> Self {
        let registry = reference.registry().to_owned();
        if error.is_timeout() {
            return Self::Silent { registry, within };
        }
        // The outermost message has the address, in which a registry may keep a token of an upload.
        let mut reason = error.source();
        while let Some(deeper) = reason.and_then(|error| error.source()) {
            reason = Some(deeper);
        }
        let reason = reason.map_or_else(|| "the connection broke".to_owned(), |error| shown(&error.to_string()));
        Self::Unreachable { registry, reason }
    }

    /// Translates an error in the middle of a blob, which is wrapped in one of input and output.
    pub(super) fn of_stream(error: &std::io::Error, reference: &Reference, within: Duration) -> Self {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
            return Self::of_request(error, reference, within);
        }
        if inner.is_some_and(|inner| inner.is::<oci_client::errors::DigestError>()) {
            return Self::Altered(reference.clone());
        }
        Self::Unreachable { registry: reference.registry().to_owned(), reason: error.kind().to_string() }
    }
}

/// A registry's text on one line, without what a terminal would obey, and not too long.
pub(super) fn shown(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARS).collect();
    if clean.trim().is_empty() { "it gave no reason".to_owned() } else { clean.trim().to_owned() }
}

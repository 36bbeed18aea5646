//! Carries adapters through OCI registries: pushes a component as an artifact, and pulls one by its
//! digest.
//!
//! An artifact is the form in which other tools keep components, too: an image manifest whose
//! configuration is `application/vnd.wasm.config.v0+json` and whose only layer is the component, as
//! `application/wasm`. What is pulled is what the digest in its reference names, or it is refused.

use std::time::Duration;

mod artifact;
mod attachments;
mod credentials;
mod error;
mod reference;
mod registry;
#[cfg(test)]
mod tests;

pub use artifact::Package;
pub use attachments::{Attachment, AttachmentError, Purpose};
pub use credentials::{Credentials, CredentialsError};
pub use error::DistributionError;
pub use reference::{Reference, ReferenceError};
pub use registry::{Pulled, Registry};

/// How to reach a registry.
#[derive(Debug)]
pub struct Access {
    /// Who asks.
    pub credentials: Credentials,
    /// Whether the registry is asked without TLS.
    pub insecure_http: bool,
    /// The longest that a push or a pull may take as a whole.
    pub timeout: Duration,
}

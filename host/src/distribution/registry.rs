//! A registry: what is asked of it, within a time.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::HeaderValue;
use oci_client::{
    Client, RegistryOperation,
    client::{ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    manifest::{
        IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE,
    },
};

use super::{
    Access, Attachment, DistributionError, Package, Reference,
    artifact::{self, Blob, Layer, digest_of},
    attachments::indexed,
};
use crate::adapters::COMPONENT_BYTES;

/// The longest that a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// The longest that a registry may send nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// What a registry may answer with when it is asked for a manifest. The last three are refused with
/// a message that says what they are.
const MANIFESTS: [&str; 4] =
    [OCI_IMAGE_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE];

/// A component that was pulled.
#[derive(Debug)]
pub struct Pulled {
    /// The component.
    pub component: Vec<u8>,
    /// Its reference by digest.
    pub reference: Reference,
}

/// A connection to a registry.
pub struct Registry {
    client: Client,
    access: Access,
}

impl Registry {
    /// Prepares to ask a registry. Nothing is sent yet.
    ///
    /// # Errors
    /// When this machine's TLS can't be used.
    pub fn new(access: Access) -> Result<Self, DistributionError> {
        let config = ClientConfig {
            protocol: if access.insecure_http { ClientProtocol::Http } else { ClientProtocol::Https },
            connect_timeout: Some(CONNECT.min(access.timeout)),
            read_timeout: Some(SILENCE.min(access.timeout)),
            user_agent: concat!("flightdeck/", env!("CARGO_PKG_VERSION")),
            platform_resolver: None,
            ..ClientConfig::default()
        };
        // Not `Client::new`, which falls back to TLS and no time-outs if the configuration can't be used.
        let client = Client::try_from(config).map_err(|error| DistributionError::Tls(error.to_string()))?;
        Ok(Self { client, access })
    }

    /// Pushes a component with what is attached to it, and returns its reference by digest. The tag
    /// comes last: until then, nobody sees anything.
    ///
    /// # Errors
    /// When the registry can't be reached, or refuses.
    pub async fn push(
        &self,
        to: &Reference,
        package: &Package,
        attachments: &[Attachment],
    ) -> Result<Reference, DistributionError> {
        self.within(to, async {
            let image = package.image()?;
            let manifest = Blob::new(image.manifest.clone());
            self.sign_in(to, RegistryOperation::Push).await?;
            for blob in [&image.config, &image.layer] {
                self.push_blob(to, blob).await?;
            }
            self.push_manifest(to, &manifest.digest, OCI_IMAGE_MEDIA_TYPE, &manifest.bytes).await?;
            for attachment in attachments {
                self.attach(to, &manifest, attachment, package).await?;
            }
            if let Some(tag) = to.tag() {
                self.push_manifest(to, tag, OCI_IMAGE_MEDIA_TYPE, &manifest.bytes).await?;
            }
            Ok(to.pinned(manifest.digest))
        })
        .await
    }

    /// Finds out which digest a tag names at this moment, whatever that is.
    ///
    /// # Errors
    /// When the registry can't be reached, or there is no such tag.
    pub async fn resolve(&self, tagged: &Reference) -> Result<Reference, DistributionError> {
        self.within(tagged, async {
            let manifest = self.manifest(tagged).await?;
            Ok(tagged.pinned(digest_of(&manifest)))
        })
        .await
    }

    /// Pulls a component. If the reference has a digest, what is returned is what that names.
    ///
    /// # Errors
    /// When the registry can't be reached, or what it has is not one component, is too large, or is
    /// not what its digest names.
    pub async fn pull(&self, from: &Reference) -> Result<Pulled, DistributionError> {
        self.within(from, async {
            let manifest = self.manifest(from).await?;
            let layer = artifact::layer_of(&manifest, from)?;
            let component = self.blob(from, &layer).await?;
            artifact::check(&component, &layer, from)?;
            Ok(Pulled { component, reference: from.pinned(digest_of(&manifest)) })
        })
        .await
    }

    /// Reads a manifest, and compares it with the digest of the reference if there is one.
    async fn manifest(&self, of: &Reference) -> Result<Bytes, DistributionError> {
        self.sign_in(of, RegistryOperation::Pull).await?;
        let auth = &self.access.credentials.auth;
        let pulled = self.client.pull_manifest_raw(&of.for_client(), auth, &MANIFESTS).await;
        let (manifest, _) = pulled.map_err(|error| self.failed(error, of))?;
        if of.digest().is_some_and(|digest| digest != digest_of(&manifest)) {
            return Err(DistributionError::Altered(of.clone()));
        }
        Ok(manifest)
    }

    /// Reads a layer, and no more than it may have. Other addresses that a manifest may name for it
    /// are not asked.
    async fn blob(&self, of: &Reference, layer: &Layer) -> Result<Vec<u8>, DistributionError> {
        let opened = self.client.pull_blob_stream(&of.for_client(), layer.digest.as_str()).await;
        let mut stream = opened.map_err(|error| self.failed(error, of))?;
        let too_large = |size| DistributionError::TooLarge { reference: of.clone(), size };
        if let Some(size) = stream.content_length.filter(|size| *size > COMPONENT_BYTES) {
            return Err(too_large(size));
        }
        let mut bytes = Vec::new();
        while let Some(part) = stream.next().await {
            let part = part.map_err(|error| DistributionError::of_stream(&error, of, self.access.timeout))?;
            bytes.extend_from_slice(&part);
            if bytes.len() as u64 > layer.size {
                return Err(DistributionError::Altered(of.clone()));
            }
        }
        Ok(bytes)
    }

    /// Attaches a file to a manifest that was pushed. Registries that don't list referrers
    /// themselves keep the list under a tag, which each client keeps up.
    async fn attach(
        &self,
        to: &Reference,
        subject: &Blob,
        attachment: &Attachment,
        package: &Package,
    ) -> Result<(), DistributionError> {
        let described = subject.descriptor(OCI_IMAGE_MEDIA_TYPE);
        let (entry, manifest, blobs) = attachment.image(&described, package.created)?;
        for blob in &blobs {
            self.push_blob(to, blob).await?;
        }
        self.push_manifest(to, &entry.digest, OCI_IMAGE_MEDIA_TYPE, &manifest).await?;
        let pinned = to.pinned(subject.digest.clone()).for_client();
        let listed = self.client.pull_referrers(&pinned, None).await.map_err(|error| self.failed(error, to))?;
        if let Some(index) = indexed(listed, entry) {
            let tag = subject.digest.replace(':', "-");
            let index = Bytes::from(serde_json::to_vec(&index)?);
            self.push_manifest(to, &tag, OCI_IMAGE_INDEX_MEDIA_TYPE, &index).await?;
        }
        Ok(())
    }

    /// Pushes bytes, unless the registry has them.
    async fn push_blob(&self, to: &Reference, blob: &Blob) -> Result<(), DistributionError> {
        let name = to.for_client();
        // Whatever stands in the way of asking stands in the way of pushing, too, and is told then.
        if self.client.blob_exists(&name, &blob.digest).await.unwrap_or(false) {
            return Ok(());
        }
        let pushed = self.client.push_blob(&name, blob.bytes.clone(), &blob.digest).await;
        pushed.map(drop).map_err(|error| self.failed(error, to))
    }

    /// Pushes a manifest under a tag or its digest.
    async fn push_manifest(
        &self,
        to: &Reference,
        name: &str,
        media_type: &'static str,
        manifest: &Bytes,
    ) -> Result<(), DistributionError> {
        let media_type = HeaderValue::from_static(media_type);
        let pushed = self.client.push_manifest_raw(&to.for_push(name), manifest.clone(), media_type).await;
        pushed.map(drop).map_err(|error| self.failed(error, to))
    }

    /// Gets a token, if the registry works with tokens.
    async fn sign_in(&self, to: &Reference, operation: RegistryOperation) -> Result<(), DistributionError> {
        let signed_in = self.client.auth(&to.for_client(), &self.access.credentials.auth, operation).await;
        signed_in.map(drop).map_err(|error| self.failed(error, to))
    }

    fn failed(&self, error: OciDistributionError, reference: &Reference) -> DistributionError {
        DistributionError::of(error, reference, &self.access.credentials.from, self.access.timeout)
    }

    async fn within<T>(
        &self,
        reference: &Reference,
        work: impl Future<Output = Result<T, DistributionError>>,
    ) -> Result<T, DistributionError> {
        let within = self.access.timeout;
        let silent = |_| DistributionError::Silent { registry: reference.registry().to_owned(), within };
        tokio::time::timeout(within, work).await.map_err(silent)?
    }
}

//! What is attached to an artifact: its bill of materials and its provenance. Each is a manifest of
//! its own whose `subject` is the artifact, which tools find as its referrers.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use oci_client::{
    annotations::ORG_OPENCONTAINERS_IMAGE_CREATED,
    manifest::{
        ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageIndex,
        OciImageManifest,
    },
};
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    DistributionError,
    artifact::{Blob, moment},
};

/// The media type of the empty configuration.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// The media type of a Sigstore bundle, which says so itself.
const SIGSTORE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The largest file that is attached.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What a file is attached as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What the component was made of.
    Sbom,
    /// Who made it, where and from what.
    Provenance,
}

/// A file that is attached to an artifact.
#[derive(Debug)]
pub struct Attachment {
    bytes: Vec<u8>,
    media_type: &'static str,
}

/// Why a file can't be attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    /// It can't be read.
    #[error("{0} can't be read: {1}")]
    File(PathBuf, std::io::Error),
    /// It is too large.
    #[error("{0} has {1} bytes; at most {MOST_BYTES} can be attached")]
    TooLarge(PathBuf, u64),
    /// It is no bill of materials that other tools read.
    #[error("{0} is no SBOM that other tools read: give one in SPDX or CycloneDX, as JSON")]
    Sbom(PathBuf),
    /// It is no provenance that other tools read.
    #[error(
        "{0} is no provenance that other tools read: give an in-toto statement, or one in a DSSE envelope or Sigstore bundle, as JSON"
    )]
    Provenance(PathBuf),
}

impl Attachment {
    /// Reads a file and finds out what it is.
    ///
    /// # Errors
    /// When it can't be read, or is not what its purpose says.
    pub fn read(file: &Path, purpose: Purpose) -> Result<Self, AttachmentError> {
        let unread = |error| AttachmentError::File(file.to_owned(), error);
        let size = std::fs::metadata(file).map_err(unread)?.len();
        if size > MOST_BYTES {
            return Err(AttachmentError::TooLarge(file.to_owned(), size));
        }
        let bytes = std::fs::read(file).map_err(unread)?;
        let media_type = media_type(&bytes, purpose).ok_or_else(|| match purpose {
            Purpose::Sbom => AttachmentError::Sbom(file.to_owned()),
            Purpose::Provenance => AttachmentError::Provenance(file.to_owned()),
        })?;
        Ok(Self { bytes, media_type })
    }

    /// Writes the manifest that attaches it, and what that names: the file and an empty configuration.
    pub(super) fn image(
        &self,
        subject: &OciDescriptor,
        created: OffsetDateTime,
    ) -> Result<(ImageIndexEntry, Bytes, [Blob; 2]), DistributionError> {
        let (file, empty) = (Blob::new(self.bytes.clone()), Blob::new(&b"{}"[..]));
        let annotations = [(ORG_OPENCONTAINERS_IMAGE_CREATED.to_owned(), moment(created))].into();
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            artifact_type: Some(self.media_type.to_owned()),
            config: empty.descriptor(EMPTY),
            layers: vec![file.descriptor(self.media_type)],
            subject: Some(subject.clone()),
            annotations: Some(annotations),
            ..OciImageManifest::default()
        };
        let bytes = Bytes::from(serde_json::to_vec(&manifest)?);
        let OciDescriptor { media_type, digest, size, .. } = Blob::new(bytes.clone()).descriptor(OCI_IMAGE_MEDIA_TYPE);
        let entry = ImageIndexEntry {
            media_type,
            digest,
            size,
            platform: None,
            annotations: manifest.annotations,
            artifact_type: manifest.artifact_type,
        };
        Ok((entry, bytes, [empty, file]))
    }
}

/// What a file is, by what stands in it.
pub(super) fn media_type(bytes: &[u8], purpose: Purpose) -> Option<&'static str> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match purpose {
        Purpose::Sbom if text("bomFormat") == "CycloneDX" => Some("application/vnd.cyclonedx+json"),
        Purpose::Sbom if text("spdxVersion").starts_with("SPDX-") => Some("application/spdx+json"),
        Purpose::Provenance if text("_type").starts_with("https://in-toto.io/Statement/") => {
            Some("application/vnd.in-toto+json")
        }
        Purpose::Provenance if text("payloadType") == "application/vnd.in-toto+json" => {
            Some("application/vnd.dsse.envelope.v1+json")
        }
        Purpose::Provenance if text("mediaType") == SIGSTORE => Some(SIGSTORE),
        _ => None,
    }
}

/// An index with this entry in it, in place of an earlier one; `None` if it is there already.
pub(super) fn indexed(mut index: OciImageIndex, entry: ImageIndexEntry) -> Option<OciImageIndex> {
    if index.manifests.iter().any(|other| other.digest == entry.digest) {
        return None;
    }
    index.manifests.push(entry);
    Some(OciImageIndex { schema_version: 2, media_type: Some(OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned()), ..index })
}

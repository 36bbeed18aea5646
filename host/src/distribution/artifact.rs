//! The form of an artifact: its configuration and its manifest, as they are written and as they are
//! accepted.

use std::collections::BTreeMap;

use bytes::Bytes;
use oci_client::{
    annotations::{
        ORG_OPENCONTAINERS_IMAGE_CREATED, ORG_OPENCONTAINERS_IMAGE_DESCRIPTION, ORG_OPENCONTAINERS_IMAGE_TITLE,
        ORG_OPENCONTAINERS_IMAGE_VERSION,
    },
    manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{DistributionError, Reference, error::shown, reference::is_digest};
use crate::{adapters::COMPONENT_BYTES, domain::digest};

/// The media type of the configuration.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// The media type of the component.
const COMPONENT: &str = "application/wasm";

/// What a component begins with.
const COMPONENT_PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// What a core module begins with.
const MODULE_PREAMBLE: &[u8] = b"\0asm\x01\0\0\0";

/// The largest manifest that is read: what registries take at most.
const MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// A component with what its artifact says about it.
#[derive(Debug)]
pub struct Package {
    /// The component.
    pub component: Vec<u8>,
    /// The name under which other tools write it to a file.
    pub file_name: String,
    /// A title for people.
    pub title: String,
    /// The adapter's version.
    pub version: String,
    /// A description in a sentence.
    pub description: String,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// The interfaces that it exports.
    pub exports: Vec<String>,
    /// The world that it was built for.
    pub target: Option<String>,
    /// When the artifact was made.
    pub created: OffsetDateTime,
    /// Further annotations. They replace those of the same name.
    pub annotations: BTreeMap<String, String>,
}

/// What is pushed: the bytes of a manifest, and those that it names.
pub(super) struct Image {
    pub(super) manifest: Bytes,
    pub(super) config: Blob,
    pub(super) layer: Blob,
}

/// Bytes and their digest.
#[derive(Clone)]
pub(super) struct Blob {
    pub(super) bytes: Bytes,
    pub(super) digest: String,
}

impl Blob {
    pub(super) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { digest: digest_of(&bytes), bytes }
    }

    /// Describes it in a manifest.
    pub(super) fn descriptor(&self, media_type: &str) -> OciDescriptor {
        OciDescriptor {
            media_type: media_type.to_owned(),
            digest: self.digest.clone(),
            size: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        }
    }
}

/// The digest of bytes in the form that references have.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", digest::sha256(bytes))
}

/// The moment in the form of annotations.
pub(super) fn moment(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

impl Package {
    /// Writes the configuration and the manifest.
    pub(super) fn image(&self) -> Result<Image, DistributionError> {
        let layer = Blob::new(self.component.clone());
        let created = moment(self.created);
        let config = json!({
            "created": created,
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer.digest],
            "component": { "exports": self.exports, "imports": self.imports, "target": self.target },
        });
        let config = Blob::new(serde_json::to_vec(&config)?);
        let mut annotations: BTreeMap<String, String> = [
            (ORG_OPENCONTAINERS_IMAGE_TITLE, self.title.clone()),
            (ORG_OPENCONTAINERS_IMAGE_VERSION, self.version.clone()),
            (ORG_OPENCONTAINERS_IMAGE_CREATED, created),
            (ORG_OPENCONTAINERS_IMAGE_DESCRIPTION, self.description.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        annotations.extend(self.annotations.clone());
        let named = BTreeMap::from([(ORG_OPENCONTAINERS_IMAGE_TITLE.to_owned(), self.file_name.clone())]);
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: config.descriptor(CONFIG),
            layers: vec![OciDescriptor { annotations: Some(named), ..layer.descriptor(COMPONENT) }],
            annotations: Some(annotations),
            ..OciImageManifest::default()
        };
        Ok(Image { manifest: serde_json::to_vec(&manifest)?.into(), config, layer })
    }
}

/// The one layer of an artifact that is to be pulled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) digest: String,
    pub(super) size: u64,
}

/// Finds the component in a manifest.
///
/// # Errors
/// When it is something else than one component, or that is too large.
pub(super) fn layer_of(manifest: &[u8], reference: &Reference) -> Result<Layer, DistributionError> {
    let other = |reason: String| DistributionError::NoComponent { reference: reference.clone(), reason };
    if manifest.len() > MANIFEST_BYTES {
        return Err(other(format!("has a manifest of {} bytes, and none needs that", manifest.len())));
    }
    let no_manifest = || other("has a manifest that can't be read; push it again".to_owned());
    let value: Value = serde_json::from_slice(manifest).map_err(|_| no_manifest())?;
    if value.get("manifests").is_some() {
        return Err(other("is an index of several images; name one of them by its digest".to_owned()));
    }
    let manifest: OciImageManifest = serde_json::from_value(value).map_err(|_| no_manifest())?;
    let config = &manifest.config.media_type;
    if config != CONFIG {
        return Err(other(format!(
            "is no WebAssembly component but another artifact: its configuration is {}, and a component's {CONFIG}. \
             Push the adapter with `flightdeck adapter push`",
            shown(config)
        )));
    }
    let [layer] = manifest.layers.as_slice() else {
        return Err(other(format!(
            "has {} layers, and an adapter is a single one: compose its parts into one component before it is pushed",
            manifest.layers.len()
        )));
    };
    if layer.media_type != COMPONENT {
        return Err(other(format!(
            "has a layer that is {} and not {COMPONENT}; push the adapter with `flightdeck adapter push`",
            shown(&layer.media_type)
        )));
    }
    if !is_digest(&layer.digest) {
        return Err(other("names its layer by a digest that is not sha256; push it again".to_owned()));
    }
    let size = u64::try_from(layer.size).map_err(|_| no_manifest())?;
    if size > COMPONENT_BYTES {
        return Err(DistributionError::TooLarge { reference: reference.clone(), size });
    }
    Ok(Layer { digest: layer.digest.clone(), size })
}

/// Checks that the bytes of a layer are the one that the manifest names, and a component.
pub(super) fn check(bytes: &[u8], layer: &Layer, reference: &Reference) -> Result<(), DistributionError> {
    if bytes.len() as u64 != layer.size || digest_of(bytes) != layer.digest {
        return Err(DistributionError::Altered(reference.clone()));
    }
    if bytes.starts_with(COMPONENT_PREAMBLE) {
        return Ok(());
    }
    let reason = if bytes.starts_with(MODULE_PREAMBLE) {
        "is a core module and no component; build it for wasm32-wasip2, or make a component of it with `wasm-tools component new`"
    } else {
        "is no WebAssembly, whatever its manifest says; push the component again"
    };
    Err(DistributionError::NoComponent { reference: reference.clone(), reason: reason.to_owned() })
}

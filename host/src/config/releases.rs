//! Where releases of adapters come from, besides commands and HTTP.

use std::path::PathBuf;

use super::{section::Section, values};

/// `[releases]`: where the host takes releases from by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Releases {
    /// `watch`: a folder whose files `<platform>.wasm` are installed and activated when they appear
    /// or change. Default: none.
    pub watch: Option<PathBuf>,
}

impl Releases {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { watch: section.optional("watch", |node| values::text(node).map(|path| section.reader().path(path))) }
    }
}

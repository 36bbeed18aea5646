//! `flightdeck adapter new`: a project for an adapter, filled in for an example ad server, that builds
//! with one command and needs nothing of this repository.

#![expect(clippy::print_stdout, reason = "what to do next is shown here")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use rust_embed::{EmbeddedFile, RustEmbed};

/// A language in which adapters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    Javascript,
    Python,
}

/// Declares the embedded files of a folder of the repository.
macro_rules! embedded {
    ($name:ident, $folder:literal $(, without $pattern:literal)*) => {
        #[derive(RustEmbed)]
        #[folder = $folder]
        $(#[exclude = $pattern])*
        struct $name;
    };
}

embedded!(RustExample, "../examples/adapters/rust", without "target/*");
embedded!(JavascriptExample, "../examples/adapters/javascript", without "node_modules/*", without "*.wasm");
embedded!(PythonExample, "../examples/adapters/python", without "build/*", without "*.wasm", without "*__pycache__*");
embedded!(Contract, "../wit/v1.1");
embedded!(WasiWit, "../adapters/wasi-wit");
embedded!(Sdk, "../adapters/sdk", without "wit", without "wit/*", without "tests/*");
embedded!(Prose, "../adapters/prose");
embedded!(RetryAfter, "../adapters/retry-after");
embedded!(WriteStatus, "../adapters/write-status");
embedded!(JavascriptHelpers, "../adapters/javascript", without "node_modules/*");
embedded!(PythonHelpers, "../adapters/python", without "*__pycache__*", without "build/*");

/// The folder of the project that has what an adapter is built with.
const KIT: &str = "flightdeck-adapter";

/// Writes the project `name` into the folder `into`.
///
/// # Errors
/// When the name is not one of a package, its folder exists, or a file can't be written.
pub(crate) fn new(name: &str, language: Language, into: &Path) -> anyhow::Result<()> {
    let fits = name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-');
    ensure!(
        fits,
        "{name:?} is no name for an adapter: use lower-case letters, digits and -, a letter first, like acme"
    );
    let project = Project { root: into.join(name), name };
    ensure!(!project.root.exists(), "{} exists already; choose another name or folder", project.root.display());
    match language {
        Language::Rust => project.rust()?,
        Language::Javascript => project.javascript()?,
        Language::Python => project.python()?,
    }
    project.put(".gitignore", b"target/\nnode_modules/\n__pycache__/\nbuild/\n*.wasm\n")?;
    let (build, component) = match language {
        Language::Rust => (
            "cargo build --release --target wasm32-wasip2",
            format!("target/wasm32-wasip2/release/{}_adapter.wasm", name.replace('-', "_")),
        ),
        Language::Javascript => ("npm ci && npm run build", format!("{name}.wasm")),
        Language::Python => ("make", format!("{name}.wasm")),
    };
    println!(
        "{} is an adapter for the example ad server Signpost. Build it, look at it, and make it yours:\n\n  cd {}\n  {build}\n  \
         flightdeck adapter inspect {component}\n\nREADME.md says how it is tested and where to begin.",
        project.root.display(),
        project.root.display(),
    );
    Ok(())
}

struct Project<'n> {
    root: PathBuf,
    name: &'n str,
}

impl Project<'_> {
    fn rust(&self) -> anyhow::Result<()> {
        let manifest = "[workspace]\nexclude = [\"flightdeck-adapter\"]\n";
        self.example::<RustExample>(&[
            ("[workspace]\n", manifest),
            ("../../../adapters/sdk", "flightdeck-adapter/sdk"),
        ])?;
        self.put(&format!("{KIT}/Cargo.toml"), workspace()?.as_bytes())?;
        self.copy::<Sdk>("sdk")?;
        self.copy::<Contract>("sdk/wit")?;
        self.copy::<Prose>("prose")?;
        self.copy::<RetryAfter>("retry-after")?;
        self.copy::<WriteStatus>("write-status")
    }

    fn javascript(&self) -> anyhow::Result<()> {
        self.example::<JavascriptExample>(&[
            ("../../../adapters/javascript", "flightdeck-adapter/javascript"),
            ("../../../wit/v1.1", "flightdeck-adapter/wit"),
            ("../../../adapters/wasi-wit", "flightdeck-adapter/wasi-wit"),
        ])?;
        self.copy::<JavascriptHelpers>("javascript")?;
        self.copy::<Contract>("wit")?;
        self.copy::<WasiWit>("wasi-wit")
    }

    fn python(&self) -> anyhow::Result<()> {
        self.example::<PythonExample>(&[
            ("../../../adapters/python", "flightdeck-adapter/python"),
            ("../../../wit/v1.1", "flightdeck-adapter/wit"),
            ("../../../adapters/wasi-wit", "flightdeck-adapter/wasi-wit"),
        ])?;
        self.copy::<PythonHelpers>("python")?;
        self.copy::<Contract>("wit")?;
        self.copy::<WasiWit>("wasi-wit")
    }

    /// Writes the example with the project's name, and with the paths that it has here.
    fn example<E: RustEmbed>(&self, paths: &[(&str, &str)]) -> anyhow::Result<()> {
        let adapter = (format!("{}-adapter", self.name), format!("{}_adapter", self.name.replace('-', "_")));
        let component = format!("{}.wasm", self.name);
        let own = [("signpost-adapter", &adapter.0), ("signpost_adapter", &adapter.1), ("signpost.wasm", &component)];
        for path in E::iter() {
            let file = file::<E>(&path)?;
            let Ok(text) = std::str::from_utf8(&file.data) else {
                self.put(&path, &file.data)?;
                continue;
            };
            let text = own.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
            let text = paths.iter().fold(text, |text, (from, to)| text.replace(from, to));
            self.put(&path, text.as_bytes())?;
        }
        Ok(())
    }

    fn copy<E: RustEmbed>(&self, folder: &str) -> anyhow::Result<()> {
        for path in E::iter() {
            self.put(&format!("{KIT}/{folder}/{path}"), &file::<E>(&path)?.data)?;
        }
        Ok(())
    }

    fn put(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.root.join(path);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
        fs::write(&path, bytes).with_context(|| format!("{} can't be written", path.display()))
    }
}

fn file<E: RustEmbed>(path: &str) -> anyhow::Result<EmbeddedFile> {
    E::get(path).with_context(|| format!("this program lacks its file {path}"))
}

/// Returns the workspace of the SDK's crates, whose manifests take their version and lints from it.
fn workspace() -> anyhow::Result<String> {
    let ours = include_str!("../../../Cargo.toml");
    let section = |name: &str| {
        let start = ours.find(&format!("[{name}]")).with_context(|| format!("the workspace has no [{name}]"))?;
        let rest = &ours[start..];
        let end = rest[1..].find("\n[").map_or(rest.len(), |end| end + 2);
        Ok::<_, anyhow::Error>(rest[..end].to_owned())
    };
    Ok(format!(
        "# The SDK for adapters, of flightdeck {}.\n[workspace]\nresolver = \"3\"\nmembers = [\"sdk\", \"prose\", \"retry-after\", \"write-status\"]\n\n{}{}{}",
        env!("CARGO_PKG_VERSION"),
        section("workspace.package")?,
        section("workspace.lints.rust")?,
        section("workspace.lints.clippy")?,
    ))
}

//! The commands `adapter push` and `adapter pull`, and what `adapter install` pulls. They need no
//! configuration.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use time::OffsetDateTime;

use super::signing::write_new;
use crate::{
    adapters::{self, COMPONENT_BYTES, Inspection},
    distribution::{Access, Attachment, Credentials, Package, Pulled, Purpose, Reference, Registry},
    domain::capability::Capabilities,
};

/// The mode of a component's file.
const READABLE: u32 = 0o644;

/// The world that an adapter is built for, without its version.
const WORLD: &str = "flightdeck:ad-server/adapter";

/// A moment that a build sets so that its results are the same each time.
const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

#[derive(Debug, Subcommand)]
pub(crate) enum OciCommand {
    /// Push a component to an OCI registry. Prints its reference by digest, which is what to
    /// install.
    Push {
        /// The component.
        file: PathBuf,
        /// Where to: oci://REGISTRY/REPOSITORY:TAG.
        reference: String,
        /// An annotation of the artifact, such as org.opencontainers.image.licenses=Apache-2.0.
        /// Repeat the option to give several.
        #[arg(long, value_name = "NAME=VALUE", value_parser = annotation)]
        annotation: Vec<(String, String)>,
        /// A file to attach that says what the component was made of: SPDX or CycloneDX, as JSON.
        #[arg(long, value_name = "FILE")]
        sbom: Option<PathBuf>,
        /// A file to attach that says how the component was built: an in-toto statement, as JSON.
        #[arg(long, value_name = "FILE")]
        provenance: Option<PathBuf>,
        #[command(flatten)]
        registry: RegistryOptions,
    },
    /// Pull a component from an OCI registry into a file. It is checked against its digest.
    Pull {
        /// Where from: oci://REGISTRY/REPOSITORY@sha256:….
        reference: String,
        /// The file to write. It must not exist [default: the repository's last name with .wasm].
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        registry: RegistryOptions,
    },
}

/// How to reach a registry.
#[derive(Debug, Args)]
pub(crate) struct RegistryOptions {
    /// The environment variable with the user name at the registry [default: what `docker login`
    /// wrote].
    #[arg(long, value_name = "VARIABLE", requires = "password_env")]
    username_env: Option<String>,
    /// The environment variable with the password or token at the registry.
    #[arg(long, value_name = "VARIABLE", requires = "username_env")]
    password_env: Option<String>,
    /// Talk to the registry without TLS. Anybody on the way can read the credentials.
    #[arg(long)]
    insecure_http: bool,
    /// How many seconds the registry may take as a whole.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

impl RegistryOptions {
    fn connect(&self, reference: &Reference) -> anyhow::Result<Registry> {
        let credentials = match (&self.username_env, &self.password_env) {
            (Some(username), Some(password)) => Credentials::from_environment(username, password)?,
            _ => Credentials::from_docker(reference.registry())?,
        };
        let timeout = Duration::from_secs(self.timeout);
        Ok(Registry::new(Access { credentials, insecure_http: self.insecure_http, timeout })?)
    }
}

fn annotation(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    if name.is_empty() { Err("must have a name before =".to_owned()) } else { Ok((name.to_owned(), value.to_owned())) }
}

/// Runs the command.
pub(crate) fn run(command: OciCommand) -> anyhow::Result<()> {
    match command {
        OciCommand::Push { file, reference, annotation, sbom, provenance, registry } => {
            let attached = [(sbom, Purpose::Sbom), (provenance, Purpose::Provenance)];
            let attached = attached.into_iter().filter_map(|(file, purpose)| Some((file?, purpose)));
            let attachments: Vec<Attachment> =
                attached.map(|(file, purpose)| Attachment::read(&file, purpose)).collect::<Result<_, _>>()?;
            push(&file, &reference, annotation.into_iter().collect(), &attachments, &registry)
        }
        OciCommand::Pull { reference, output, registry } => pull(&reference, output, &registry),
    }
}

fn push(
    file: &Path,
    to: &str,
    annotations: BTreeMap<String, String>,
    attachments: &[Attachment],
    registry: &RegistryOptions,
) -> anyhow::Result<()> {
    let to = parse(to)?;
    anyhow::ensure!(to.digest().is_none(), "{to}: a digest is the result of a push; name a tag instead");
    anyhow::ensure!(to.tag().is_some(), "{to} has no tag; name one, such as the adapter's version: {to}:1.4.0");
    let connection = registry.connect(&to)?;
    asynchronous(async {
        let component = read(file)?;
        let found = adapters::inspect(file).await?;
        anyhow::ensure!(
            crate::domain::digest::sha256(&component) == found.digest,
            "{} changed while it was read; try again",
            file.display()
        );
        if let Some(problem) = &found.problem {
            bail!("{} was not pushed, because no host can use it: {problem}", file.display());
        }
        if found.signature_problem.is_some() || found.signatures.iter().any(|signature| !signature.valid) {
            bail!(
                "{} was not pushed, because its signatures don't match it; see `flightdeck adapter inspect`",
                file.display()
            );
        }
        if found.signatures.is_empty() {
            eprintln!(
                "warning: {} is signed by nobody, and platforms with `trusted_keys` refuse it; sign it before it is \
                 pushed: flightdeck adapter sign FILE --key KEYFILE",
                file.display()
            );
        }
        let package = package(file, component, found, annotations)?;
        println!("{}", connection.push(&to, &package, attachments).await?);
        Ok(())
    })
}

fn package(
    file: &Path,
    component: Vec<u8>,
    found: Inspection,
    annotations: BTreeMap<String, String>,
) -> anyhow::Result<Package> {
    let Some(Capabilities { title, adapter_version, .. }) = found.description else {
        bail!("{} does not describe itself", file.display());
    };
    let file_name = file.file_name().map_or_else(|| "adapter.wasm".to_owned(), |name| name.to_string_lossy().into());
    Ok(Package {
        component,
        file_name,
        description: format!("flightdeck's adapter for {title}"),
        title,
        version: adapter_version,
        imports: found.imports,
        exports: found.exports,
        target: found.contract.map(|version| format!("{WORLD}@{version}")),
        created: created()?,
        annotations,
    })
}

/// The moment of an artifact: now, or what a build that can be repeated says.
fn created() -> anyhow::Result<OffsetDateTime> {
    let Some(seconds) = std::env::var_os(SOURCE_DATE_EPOCH) else { return Ok(OffsetDateTime::now_utc()) };
    let seconds = seconds.to_str().and_then(|seconds| seconds.parse().ok());
    let moment = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.with_context(|| format!("{SOURCE_DATE_EPOCH} must be a number of seconds since 1970"))
}

fn pull(from: &str, output: Option<PathBuf>, registry: &RegistryOptions) -> anyhow::Result<()> {
    let from = parse(from)?;
    // Not the title that the artifact has: that is its pusher's choice, and may lead out of the folder.
    let output = output.unwrap_or_else(|| PathBuf::from(format!("{}.wasm", from.short_name())));
    let exists = || anyhow!("{} exists, and is not replaced: name another file with --output", output.display());
    if output.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let connection = registry.connect(&from)?;
    let Pulled { component, reference } = asynchronous(async { Ok(connection.pull(&from).await?) })?;
    if from.digest().is_none() {
        eprintln!("warning: {from} is a tag, which may name something else tomorrow; pin it: {reference}");
    }
    write_new(&output, &component, READABLE).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(),
        _ => anyhow!("{} can't be written: {error}", output.display()),
    })?;
    println!("{} is {reference}", output.display());
    Ok(())
}

/// What is to be installed: the bytes of a file or of an artifact, and where the latter is from.
pub(crate) fn fetch(
    component: &str,
    platform: &str,
    registry: &RegistryOptions,
) -> anyhow::Result<(Vec<u8>, Option<String>)> {
    if !component.starts_with("oci://") {
        return Ok((read(Path::new(component))?, None));
    }
    let from = parse(component)?;
    let connection = registry.connect(&from)?;
    asynchronous(async {
        if from.digest().is_none() {
            let pinned = connection.resolve(&from).await?;
            bail!(
                "{from} is a tag, which may name something else tomorrow, and is not installed. If you trust what it \
                 names now: flightdeck adapter install {platform} {pinned}"
            );
        }
        let Pulled { component, reference } = connection.pull(&from).await?;
        Ok((component, Some(reference.to_string())))
    })
}

fn parse(reference: &str) -> anyhow::Result<Reference> {
    reference.parse().map_err(|error| anyhow!("the reference {error}"))
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let unread = || format!("can't read {}", file.display());
    let size = std::fs::metadata(file).with_context(unread)?.len();
    anyhow::ensure!(
        size <= COMPONENT_BYTES,
        "{} has {size} bytes; an adapter has at most {COMPONENT_BYTES}",
        file.display()
    );
    std::fs::read(file).with_context(unread)
}

fn asynchronous<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

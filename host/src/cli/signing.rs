//! The commands `adapter keygen`, `adapter sign` and `adapter verify`. They need no configuration,
//! so components can be signed on a machine that runs no host.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::{
    ffi::OsString,
    fs::{File, Permissions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use clap::Subcommand;

use crate::adapters::{PrivateKey, PublicKey, sign_component, verify_component};

/// The mode of a private key's file: its owner's alone.
const PRIVATE: u32 = 0o600;

/// The mode of a public key's file.
const PUBLIC: u32 = 0o644;

#[derive(Debug, Subcommand)]
pub(crate) enum SigningCommand {
    /// Make a key that signs components. Prints the public key, for `trusted_keys` of a platform.
    Keygen {
        /// The file to write the private key to. The public key goes into OUT.pub. Neither may
        /// exist.
        #[arg(long)]
        out: PathBuf,
    },
    /// Sign a component. The signature becomes a part of the file, beside those that it has.
    Sign {
        /// The component.
        file: PathBuf,
        /// The file of the private key.
        #[arg(long, value_name = "KEYFILE")]
        key: PathBuf,
    },
    /// Verify that a component is what the owner of a key signed.
    Verify {
        /// The component.
        file: PathBuf,
        /// The public key of its signer. Repeat the option to name several, of which one must have
        /// signed it.
        #[arg(long, value_name = "PUBLICKEY", required = true)]
        key: Vec<String>,
    },
}

/// Runs the command.
pub(crate) fn run(command: &SigningCommand) -> anyhow::Result<()> {
    match command {
        SigningCommand::Keygen { out } => keygen(out),
        SigningCommand::Sign { file, key } => sign(file, key),
        SigningCommand::Verify { file, key } => verify(file, key),
    }
}

fn keygen(out: &Path) -> anyhow::Result<()> {
    let public_file = beside(out, ".pub");
    for file in [out, &public_file] {
        // Also true of a link to nowhere.
        anyhow::ensure!(
            file.symlink_metadata().is_err(),
            "{} exists, and a key is never replaced: choose another name",
            file.display()
        );
    }
    let key = PrivateKey::generate().map_err(|error| anyhow!("{} {error}", out.display()))?;
    let named = |file: &Path| file.display().to_string();
    write_new(out, format!("{}\n", key.text()).as_bytes(), PRIVATE).with_context(|| named(out))?;
    if let Err(error) = write_new(&public_file, format!("{}\n", key.public()).as_bytes(), PUBLIC) {
        // A private key without its public part would be in the way of the next try.
        let _ = std::fs::remove_file(out);
        return Err(error).with_context(|| named(&public_file));
    }
    println!("{}", key.public());
    eprintln!(
        "the private key is in {}: keep it where nobody else can read it, away from the hosts; they need only the public one, \
         which is in {}, too",
        out.display(),
        public_file.display()
    );
    Ok(())
}

fn sign(file: &Path, key: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(key).with_context(|| format!("the key file {}", key.display()))?;
    let key: PrivateKey = text.parse().map_err(|error| anyhow!("{} {error}", key.display()))?;
    let component = read(file)?;
    match sign_component(&component, &key).map_err(|error| anyhow!("{} {error}", file.display()))? {
        Some(signed) => {
            replace(file, &signed).with_context(|| format!("{} was not signed", file.display()))?;
            println!("{} is signed by {}", file.display(), key.public());
        }
        None => println!("{} is already signed by {}", file.display(), key.public()),
    }
    Ok(())
}

fn verify(file: &Path, keys: &[String]) -> anyhow::Result<()> {
    // Not parsed by clap, whose messages repeat the value: it may be a private key by mistake.
    let parsed = keys.iter().map(|key| key.parse::<PublicKey>().map_err(|error| anyhow!("`--key` {error}")));
    let keys = parsed.collect::<anyhow::Result<Vec<_>>>()?;
    let signer = verify_component(&read(file)?, &keys).map_err(|error| anyhow!("{} {error}", file.display()))?;
    println!("{} is what {signer} signed", file.display());
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}

/// Replaces a file's content in one step, so that an interruption leaves the old file. The file
/// keeps its mode.
fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    // A link stays a link: the file that it leads to is replaced.
    let file = file.canonicalize()?;
    let permissions: Permissions = file.metadata()?.permissions();
    let fresh = beside(&file, &format!(".{}.new", std::process::id()));
    let replaced = write_new(&fresh, content, PRIVATE)
        .and_then(|()| std::fs::set_permissions(&fresh, permissions))
        .and_then(|()| std::fs::rename(&fresh, &file));
    if replaced.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    replaced
}

/// Writes a new file. Fails if it exists.
pub(super) fn write_new(file: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut created = File::options().write(true).create_new(true).mode(mode).open(file)?;
    let written = created.write_all(content).and_then(|()| created.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(file);
    }
    written
}

/// Returns `<path><suffix>`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

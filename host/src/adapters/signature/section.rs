//! The custom section that holds a component's signatures. WebAssembly engines ignore it.
//!
//! It is the last section of the component, and there is one at most:
//!
//! | bytes | content |
//! |---|---|
//! | 1 | 0: a custom section |
//! | 1 to 5 | the size of all that follows, in LEB128 |
//! | 1 | 20: the length of the name |
//! | 20 | `flightdeck.signature` |
//! | 1 | 1: the version of this form |
//! | 1 | the number of signatures, 1 to 16 |
//! | 96 for each | the signer's public key (32) and its ed25519 signature (64) |
//!
//! These bytes are not signed themselves. So that none of them can be changed without notice, there
//! is exactly one way to write a list of signatures, and [`split`] accepts no other.

use super::{PublicKey, SignatureError};

/// The length of an ed25519 public key.
const KEY_BYTES: usize = 32;

/// The length of an ed25519 signature.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// The most signatures that a component can have. Each one costs a verification whenever a host
/// loads the component.
pub(super) const MOST_SIGNATURES: usize = 16;

/// What a component begins with. Core modules have another version, and are no adapters.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// The id of a custom section.
const CUSTOM: u8 = 0;

/// The section's name.
const NAME: &[u8] = b"flightdeck.signature";

/// The version of the form.
const VERSION: u8 = 1;

/// A signature and its signer.
pub(super) struct Entry {
    pub(super) key: PublicKey,
    pub(super) signature: [u8; SIGNATURE_BYTES],
}

/// A component, taken apart.
pub(super) struct Parts<'a> {
    /// The component without its signatures.
    pub(super) unsigned: &'a [u8],
    pub(super) entries: Vec<Entry>,
}

/// Separates a component from its signatures.
pub(super) fn split(component: &[u8]) -> Result<Parts<'_>, SignatureError> {
    let mut rest = component.strip_prefix(PREAMBLE).ok_or(SignatureError::NoComponent)?;
    while let Some((&id, sized)) = rest.split_first() {
        let (content, after) = take_sized(sized).ok_or(SignatureError::NoComponent)?;
        // A name that can't be read is none of ours. The engine refuses it.
        let payload = take_sized(content).filter(|(name, _)| id == CUSTOM && *name == NAME);
        if let Some((_, payload)) = payload {
            if !after.is_empty() {
                return Err(SignatureError::Appended);
            }
            let (unsigned, section) = component.split_at(component.len() - rest.len());
            let entries = entries(payload).ok_or(SignatureError::Malformed)?;
            // Numbers in LEB128 can be written in several ways.
            if encode(&entries) != section {
                return Err(SignatureError::Malformed);
            }
            return Ok(Parts { unsigned, entries });
        }
        rest = after;
    }
    Ok(Parts { unsigned: component, entries: Vec::new() })
}

/// Appends signatures to a component that has none.
pub(super) fn join(unsigned: &[u8], entries: &[Entry]) -> Vec<u8> {
    [unsigned, &encode(entries)].concat()
}

/// Reads the list of signatures. No two of them may have the same signer.
fn entries(payload: &[u8]) -> Option<Vec<Entry>> {
    let (&[version, count], list) = payload.split_first_chunk()?;
    let count = usize::from(count);
    let (all, rest) = list.as_chunks::<{ KEY_BYTES + SIGNATURE_BYTES }>();
    let counted = (1..=MOST_SIGNATURES).contains(&count) && all.len() == count && rest.is_empty();
    if version != VERSION || !counted {
        return None;
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(count);
    for bytes in all {
        let (key, signature) = bytes.split_first_chunk::<KEY_BYTES>()?;
        let key = PublicKey::new(*key);
        if entries.iter().any(|entry| entry.key == key) {
            return None;
        }
        entries.push(Entry { key, signature: signature.try_into().ok()? });
    }
    Some(entries)
}

/// Writes the whole section.
fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut content = leb128(NAME.len());
    content.extend_from_slice(NAME);
    // `split` and `sign` let through no more than `MOST_SIGNATURES`.
    content.extend([VERSION, u8::try_from(entries.len()).unwrap_or(u8::MAX)]);
    for entry in entries {
        content.extend_from_slice(entry.key.bytes());
        content.extend_from_slice(&entry.signature);
    }
    [vec![CUSTOM], leb128(content.len()), content].concat()
}

/// Writes a number in LEB128, in as few bytes as possible.
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Takes a size in LEB128 and as many bytes. Returns these bytes and what follows.
fn take_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut size = 0u64;
    for (index, byte) in bytes.iter().copied().enumerate().take(5) {
        size |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            // Sizes have 32 bits at most.
            let size = usize::try_from(u32::try_from(size).ok()?).ok()?;
            return bytes.get(index + 1..)?.split_at_checked(size);
        }
    }
    None
}

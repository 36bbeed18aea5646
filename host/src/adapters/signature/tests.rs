use proptest::prelude::*;

use super::*;

const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// A component with two custom sections, one of which has its size in more bytes than necessary, as
/// some tools write it.
fn component() -> Vec<u8> {
    [PREAMBLE, b"\0\x06\x04nameX", b"\0\x83\x00\x01xy"].concat()
}

fn key(seed: u8) -> PrivateKey {
    let mut bytes = [seed; 32];
    bytes[31] = 1;
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    format!("flightdeck-ed25519-private:{}", BASE64_STANDARD.encode(bytes)).parse().unwrap()
}

fn signed(component: &[u8], keys: &[&PrivateKey]) -> Vec<u8> {
    keys.iter().fold(component.to_vec(), |signed, key| sign(&signed, key).unwrap().unwrap())
}

/// A custom section with this name and content, behind the component.
fn with_section(component: &[u8], name: &[u8], payload: &[u8]) -> Vec<u8> {
    let content = [&[u8::try_from(name.len()).unwrap()], name, payload].concat();
    let size = u16::try_from(content.len()).unwrap();
    let size = [(size & 0x7f) as u8 | 0x80, (size >> 7) as u8];
    // As short as possible, like the host's own.
    let size = if size[1] == 0 { &[size[0] & 0x7f][..] } else { &size };
    [component, &[0], size, &content].concat()
}

fn with_signatures(component: &[u8], payload: &[u8]) -> Vec<u8> {
    with_section(component, b"flightdeck.signature", payload)
}

#[test]
fn what_was_signed_is_verified_with_the_signers_key_only() {
    let (mine, other) = (key(1), key(2));
    assert_eq!(verify(&component(), &[mine.public()]), Err(SignatureError::Unsigned));
    assert_eq!(signatures(&component()), Ok(Vec::new()));
    let signed = signed(&component(), &[&mine]);
    assert!(signed.starts_with(&component()), "the component itself stays as it was");
    assert_eq!(verify(&signed, &[other.public(), mine.public()]), Ok(mine.public()));
    assert_eq!(verify(&signed, &[other.public()]), Err(SignatureError::Foreign(vec![mine.public()])));
    assert_eq!(verify(&signed, &[]), Err(SignatureError::Foreign(vec![mine.public()])));
    assert_eq!(signatures(&signed), Ok(vec![ComponentSignature { key: mine.public(), valid: true }]));
}

#[test]
fn several_sign_the_same_component_and_any_of_them_may_be_trusted() {
    let (one, two, three) = (key(1), key(2), key(3));
    let both = signed(&component(), &[&one, &two]);
    for trusted in [one.public(), two.public()] {
        assert_eq!(verify(&both, &[trusted]), Ok(trusted));
    }
    assert_eq!(verify(&both, &[three.public()]), Err(SignatureError::Foreign(vec![one.public(), two.public()])));
    assert_eq!(sign(&both, &two), Ok(None), "nobody signs twice");
    // The order in which they signed is all that differs.
    assert_eq!(both.len(), signed(&component(), &[&two, &one]).len());
    let keys: Vec<PrivateKey> = (1..=17).map(key).collect();
    let full = signed(&component(), &keys[..16].iter().collect::<Vec<_>>());
    assert_eq!(signatures(&full).unwrap().len(), 16);
    assert_eq!(sign(&full, &keys[16]), Err(SignatureError::Full));
}

/// The whole of a small component and both of its signatures, the second of which nobody trusts.
#[test]
fn a_change_of_any_bit_is_refused() {
    let (trusted, other) = (key(1), key(2));
    let good = signed(&component(), &[&trusted, &other]);
    assert_eq!(verify(&good, &[trusted.public()]), Ok(trusted.public()));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(verify(&bad, &[trusted.public()]).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn whatever_is_cut_off_or_appended_is_refused() {
    let key = key(1);
    let good = signed(&component(), &[&key]);
    for length in 0..good.len() {
        assert!(verify(&good[..length], &[key.public()]).is_err(), "the first {length} bytes");
    }
    for more in [&b"\0"[..], b"x", b"\0\x02\x01x", b"\0\x01\x00"] {
        let longer = [&good, more].concat();
        assert_eq!(verify(&longer, &[key.public()]), Err(SignatureError::Appended), "{more:?}");
        assert!(sign(&longer, &key).is_err());
    }
    let section = &good[component().len()..];
    let twice = [&good, section].concat();
    assert_eq!(verify(&twice, &[key.public()]), Err(SignatureError::Appended), "its own signatures again");
    let elsewhere = [PREAMBLE, b"\0\x02\x01x", section].concat();
    assert_eq!(verify(&elsewhere, &[key.public()]), Err(SignatureError::Altered(key.public())), "another component");
    assert_eq!(sign(&elsewhere, &key), Err(SignatureError::Altered(key.public())));
}

#[test]
fn an_altered_component_is_not_rescued_by_another_signature() {
    let (trusted, other) = (key(1), key(2));
    let mut altered = signed(&component(), &[&trusted]);
    altered[PREAMBLE.len() + 6] ^= 1;
    assert_eq!(sign(&altered, &other), Err(SignatureError::Altered(trusted.public())));
    // Neither may a list have a wrong signature beside a good one.
    let good = signed(&component(), &[&trusted, &other]);
    let mut bad = good.clone();
    let last = bad.len() - 1;
    bad[last] ^= 1;
    let refused = [bad, altered].map(|bytes| verify(&bytes, &[trusted.public()]).unwrap_err());
    assert_eq!(refused, [SignatureError::Altered(other.public()), SignatureError::Altered(trusted.public())]);
}

#[test]
fn hostile_sections_are_refused() {
    let key = key(1);
    let entry = &signed(&component(), &[&key])[component().len() + 25..];
    assert_eq!(entry.len(), 96);
    assert!(verify(&with_signatures(&component(), &[&[1, 1], entry].concat()), &[key.public()]).is_ok());
    for (payload, what) in [
        (Vec::new(), "nothing"),
        (vec![1], "no count"),
        (vec![1, 0], "no signature"),
        ([&[1, 0], entry].concat(), "more than counted"),
        ([&[1, 2], entry].concat(), "fewer than counted"),
        ([&[1, 255], entry].concat(), "far fewer than counted"),
        ([&[2, 1], entry].concat(), "another version"),
        ([&[1, 1], entry, b"x"].concat(), "something behind"),
        ([&[1, 1], &entry[..95]].concat(), "half a signature"),
        ([&[1, 2], entry, entry].concat(), "the same signer twice"),
        ([&[1, 17][..], &entry.repeat(17)].concat(), "too many"),
    ] {
        let bytes = with_signatures(&component(), &payload);
        assert_eq!(verify(&bytes, &[key.public()]), Err(SignatureError::Malformed), "{what}");
        assert_eq!(sign(&bytes, &key), Err(SignatureError::Malformed), "{what}");
    }
    // Another way to write the same size.
    let good = signed(&component(), &[&key]);
    let at = component().len();
    assert_eq!(good[at..at + 2], [0, 119]);
    let long = [&good[..=at], &[119 | 0x80, 0], &good[at + 2..]].concat();
    assert_eq!(verify(&long, &[key.public()]), Err(SignatureError::Malformed));
    for size in [&[0xff; 4][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff; 5], &[0xff; 12], &[0x80; 12], &[0x7f]] {
        let huge = [&component(), &[0][..], size, b"\x14flightdeck.signature"].concat();
        assert_eq!(verify(&huge, &[key.public()]), Err(SignatureError::NoComponent), "{size:?}");
    }
    // A section of another kind, of another name or within another section is none.
    let mut module = good.clone();
    module[at] = 1;
    let renamed = with_section(&component(), b"flightdeck.signatures", &[&[1, 1], entry].concat());
    let inside = with_section(&component(), b"outer", &good[at..]);
    for bytes in [module, renamed, inside] {
        assert_eq!(verify(&bytes, &[key.public()]), Err(SignatureError::Unsigned));
    }
    for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0", b"hello, world", &good[1..]] {
        assert_eq!(verify(bytes, &[key.public()]), Err(SignatureError::NoComponent));
    }
}

/// The message has a prefix, so what the key signed for another purpose proves nothing here.
#[test]
fn a_bare_signature_of_the_digest_proves_nothing() {
    let key = key(1);
    let bare = key.sign(&Sha256::digest(component())).unwrap();
    let bytes = with_signatures(&component(), &[&[1, 1][..], key.public().bytes(), &bare].concat());
    assert_eq!(verify(&bytes, &[key.public()]), Err(SignatureError::Altered(key.public())));
}

#[test]
fn keys_are_texts_that_say_what_they_are() {
    let key = PrivateKey::generate().unwrap();
    assert_ne!(key.public(), PrivateKey::generate().unwrap().public());
    let (private, public) = (key.text(), key.public().to_string());
    assert_eq!(private.parse::<PrivateKey>().unwrap().public(), key.public());
    assert_eq!(format!(" {public}\n").parse(), Ok(key.public()));
    assert!(!format!("{key:?}").contains(&private["flightdeck-ed25519-private:".len()..]));
    assert_eq!(private.parse::<PublicKey>(), Err(PublicKeyError::Private));
    assert_eq!(public.parse::<PrivateKey>().unwrap_err(), PrivateKeyError::Public);
    for text in ["", "flightdeck-ed25519:", &public[..public.len() - 4], &public.to_uppercase(), "acme"] {
        assert_eq!(text.parse::<PublicKey>(), Err(PublicKeyError::Form), "{text}");
    }
    assert_eq!(private[..private.len() - 1].parse::<PrivateKey>().unwrap_err(), PrivateKeyError::Form);
    // RFC 8032, section 7.1, test 1: the keys are those of the standard.
    let standard: PrivateKey =
        "flightdeck-ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".parse().unwrap();
    assert_eq!(standard.public().to_string(), "flightdeck-ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

proptest! {
    #[test]
    fn any_edit_of_a_signed_component_is_refused(
        at in any::<prop::sample::Index>(),
        removed in 0usize..8,
        inserted in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let key = key(1);
        let good = signed(&component(), &[&key]);
        let start = at.index(good.len());
        let end = (start + removed).min(good.len());
        let mut bad = good.clone();
        bad.splice(start..end, inserted);
        prop_assume!(bad != good);
        prop_assert!(verify(&bad, &[key.public()]).is_err());
    }

    #[test]
    fn arbitrary_sections_never_pass_nor_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let key = key(1);
        for bytes in [[PREAMBLE, &tail].concat(), with_signatures(PREAMBLE, &tail), tail] {
            prop_assert!(verify(&bytes, &[key.public()]).is_err());
            if let Ok(Some(signed)) = sign(&bytes, &key) {
                prop_assert_eq!(verify(&signed, &[key.public()]), Ok(key.public()));
            }
        }
    }
}

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use proptest::prelude::*;

use super::{spelling::BACKSLASHES, *};

fn echoes(secret: &str) -> Echoes {
    Echoes::of(&[secret.to_owned()])
}

/// Returns the scrubbed output for these pieces.
fn scrubbed(echoes: &Echoes, pieces: &[&[u8]]) -> Vec<u8> {
    let mut scrubber = Scrubber::new();
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&scrubber.next(echoes, Bytes::copy_from_slice(piece)));
    }
    out.extend_from_slice(&scrubber.end(echoes));
    out
}

/// Returns every way in which a program may write a text, each with its name.
fn spellings(secret: &str, dice: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut dice = dice.iter().copied().cycle();
    let mut heads = move || dice.next().is_some_and(|dice| dice % 2 == 0);
    let mut each = |of: &mut dyn FnMut(char) -> String| -> Vec<u8> {
        secret.chars().map(|char| if heads() { of(char) } else { plain(char) }).collect::<String>().into_bytes()
    };
    let units = |char: char, before: &str, upper: bool| -> String {
        let mut buffer = [0; 2];
        let unit = |unit: &u16| if upper { format!("{before}u{unit:04X}") } else { format!("{before}u{unit:04x}") };
        char.encode_utf16(&mut buffer).iter().map(unit).collect()
    };
    let percent = |char: char, sign: &str, upper: bool| -> String {
        let byte = |byte: u8| if upper { format!("{sign}{byte:02X}") } else { format!("{sign}{byte:02x}") };
        char.to_string().bytes().map(byte).collect()
    };
    let mut all = vec![
        ("json", each(&mut |char| units(char, "\\", false))),
        ("json in capitals", each(&mut |char| units(char, "\\", true))),
        ("json in json", each(&mut |char| units(char, "\\\\", false))),
        ("percent", each(&mut |char| percent(char, "%", true))),
        ("percent in small letters", each(&mut |char| percent(char, "%", false))),
        ("percent twice", each(&mut |char| percent(char, "%25", true))),
        ("entities", each(&mut |char| format!("&#{};", u32::from(char)))),
        ("entities in hex", each(&mut |char| format!("&#x{:X};", u32::from(char)))),
        ("entities twice", each(&mut |char| format!("&amp;#x{:x};", u32::from(char)))),
    ];
    let wide = |bytes: fn(u16) -> [u8; 2]| secret.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let quoted = serde_json::to_string(secret).unwrap();
    let json = &quoted[1..quoted.len() - 1];
    all.extend([
        ("as it is", secret.as_bytes().to_vec()),
        ("serde", json.as_bytes().to_vec()),
        ("slashes", json.replace('/', "\\/").into_bytes()),
        ("form", url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes()),
        ("hex", hex::encode(secret).into_bytes()),
        ("HEX", hex::encode_upper(secret).into_bytes()),
        ("hex with colons", hex::encode(secret).as_bytes().chunks(2).collect::<Vec<_>>().join(&b':')),
    ]);
    if secret.is_ascii() {
        all.extend([("UTF-16, big", wide(u16::to_be_bytes)), ("UTF-16, little", wide(u16::to_le_bytes))]);
    }
    all
}

/// Returns the character as it appears in all these spellings without being escaped; a backslash, a
/// percent sign and an ampersand can't.
fn plain(char: char) -> String {
    match char {
        '\\' => "\\\\".to_owned(),
        '%' => "%25".to_owned(),
        '&' => "&amp;".to_owned(),
        '"' => "\\\"".to_owned(),
        other => other.to_string(),
    }
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9+/=_.~-]{4,60}", "[ -~]{4,30}", "[a-zé€😀 /\\\\\"=]{4,12}",]
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|two| &bytes[two[0]..two[1]]).collect()
}

proptest! {
    #[test]
    fn no_spelling_of_a_secret_gets_through_however_it_is_cut(
        secret in secret(),
        dice in prop::collection::vec(any::<u8>(), 1..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let echoes = echoes(&secret);
        for (name, spelled) in spellings(&secret, &dice) {
            // No secret has the characters beside it, which might belong to another occurrence.
            let text = [b"{\"said\":\t\"\t".as_slice(), &spelled, b"\t\", \"rest\": 1}"].concat();
            let out = scrubbed(&echoes, &cut(&text, &cuts));
            prop_assert_eq!(out.len(), text.len());
            let place = out[11..11 + spelled.len()].iter().filter(|byte| **byte != 0).copied().collect::<Vec<u8>>();
            prop_assert!(
                place.iter().all(|byte| *byte == b'*'),
                "{} of {:?}: {:?} became {:?}", name, secret, String::from_utf8_lossy(&spelled), String::from_utf8_lossy(&out)
            );
            let kept = (&out[..11], &out[11 + spelled.len()..]);
            prop_assert_eq!(kept, (&text[..11], &text[11 + spelled.len()..]));
        }
    }

    #[test]
    fn nothing_of_a_secret_can_be_read_from_base64_of_what_holds_it(
        secret in "[!-~]{4,40}",
        before in prop::collection::vec(any::<u8>(), 0..7),
        after in prop::collection::vec(any::<u8>(), 0..7),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let echoes = echoes(&secret);
        let whole = [before.as_slice(), secret.as_bytes(), after.as_slice()].concat();
        let encoded = [
            BASE64_STANDARD.encode(&whole),
            BASE64_STANDARD_NO_PAD.encode(&whole),
            BASE64_URL_SAFE.encode(&whole),
            BASE64_URL_SAFE_NO_PAD.encode(&whole),
            BASE64_STANDARD.encode(&whole).replace('/', "\\/").replace('+', "\\u002b"),
            BASE64_STANDARD.encode(&whole).replace('/', "%2F").replace('+', "%2b"),
            BASE64_STANDARD.encode(&whole).as_bytes().chunks(8).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\r\n"),
            BASE64_STANDARD.encode(&whole).as_bytes().chunks(8).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\\r\\n"),
        ];
        for text in encoded {
            let out = scrubbed(&echoes, &cut(text.as_bytes(), &cuts));
            prop_assert_eq!(out.len(), text.len());
            let stars = out.iter().filter(|byte| **byte == b'*').count();
            // All except the characters at both ends, which hold bits of the adjacent text.
            prop_assert!(stars >= secret.len() * 8 / 6 - 1, "{} became {}", text, String::from_utf8_lossy(&out));
        }
    }

    #[test]
    fn what_holds_no_secret_goes_on_as_it_came(
        text in prop::collection::vec(prop_oneof![Just(b'\\'), Just(b'%'), Just(b'&'), Just(b'u'), Just(b's'), any::<u8>()], 0..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let out = scrubbed(&echoes("s3cr3t-of-acme-that-nobody-writes"), &cut(&text, &cuts));
        prop_assert_eq!(out, text);
    }
}

#[test]
fn of_two_secrets_that_begin_alike_all_of_the_longer_one_goes() {
    let echoes = Echoes::of(&["abcd".to_owned(), "abcdefgh".to_owned()]);
    assert_eq!(scrubbed(&echoes, &[b"x abcd", b"efgh x"]), b"x ******** x");
    assert_eq!(scrubbed(&echoes, &[b"x abcd", b" x"]), b"x **** x");
}

/// The quotation mark before an escaped secret is read as one of its characters, which makes an
/// occurrence that ends before the secret does.
#[test]
fn all_of_a_secret_goes_where_another_reading_of_its_beginning_overlaps_it() {
    let echoes = echoes(" \"\\ ");
    let text = br#"{"said": "\\u0020\\u0022\\u005c\\u0020", "rest": 1}"#;
    for cut in 0..text.len() {
        let out = scrubbed(&echoes, &[&text[..cut], &text[cut..]]);
        assert_eq!(String::from_utf8_lossy(&out), format!("{{\"said\":{}\", \"rest\": 1}}", "*".repeat(30)));
    }
}

#[test]
fn a_basic_pair_is_found_by_its_password_alone() {
    let pair = BASE64_STANDARD.encode("flightdeck:hunter2-pass");
    let out = scrubbed(&echoes("hunter2-pass"), &[pair.as_bytes()]);
    assert!(!String::from_utf8_lossy(&out).contains(&BASE64_STANDARD.encode("hunter2-pass")[1..8]));
    // The last character holds bits of the password's last letter, and no more.
    assert!(out.ends_with(b"***************M="), "{}", String::from_utf8_lossy(&out));
}

#[test]
fn what_may_be_a_beginning_is_held_no_longer_than_it_may_be() {
    let echoes = echoes("s3cr3t");
    let mut scrubber = Scrubber::new();
    assert_eq!(scrubber.next(&echoes, Bytes::from_static(b"plain s3c")), "plain ");
    assert_eq!(scrubber.next(&echoes, Bytes::from_static(b"ond!")), "s3cond!");
    assert!(scrubber.is_empty());
    let many = "\\".repeat(100_000);
    let gone_on = scrubber.next(&echoes, Bytes::from(many.clone()));
    assert!(gone_on.len() >= many.len() - BACKSLASHES, "{}", gone_on.len());
}

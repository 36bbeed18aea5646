//! Other releases of the test guest, made by overwriting marks in its component.

#![expect(clippy::expect_used, reason = "only tests call this, and a test says what is wrong by failing there")]

use crate::component;

/// Returns the test guest as another release: with a custom section of this name, which changes
/// nothing but its digest. It traps in plans and reads if it is to.
///
/// # Panics
/// When the name is longer than 200 bytes.
#[must_use]
pub fn release(name: &str, traps: bool) -> Vec<u8> {
    named(name, if traps { marked("release-is-good", "release-is-trap") } else { read() })
}

/// Returns the test guest as another release, at which the ad server is always down.
///
/// # Panics
/// As for [`release`].
#[must_use]
pub fn release_that_is_down(name: &str) -> Vec<u8> {
    named(name, marked("release-is-good", "release-is-down"))
}

fn named(name: &str, mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u8::try_from(name.len()).ok().filter(|length| *length < 200).expect("a short name");
    bytes.extend([0, length + 1, length]);
    bytes.extend(name.as_bytes());
    bytes
}

/// Returns the test guest with another `describe`; see its `DESCRIBES`.
#[must_use]
pub fn describing(how: &str) -> Vec<u8> {
    marked("describe:well ", &format!("describe:{how:<23}"))
}

fn read() -> Vec<u8> {
    std::fs::read(component("flightdeck-test-guest")).expect("the component")
}

fn marked(mark: &str, text: &str) -> Vec<u8> {
    let mut bytes = read();
    let at = bytes.windows(mark.len()).position(|window| window == mark.as_bytes()).expect("the guest's mark");
    bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    bytes
}

//! What goes wrong without a platform.

use std::{hint::black_box, time::Duration};

use wasip2::http::types::Fields;

use crate::{
    behaviour,
    bindings::flightdeck::ad_server::adapter_types::{Context, Failure, FailureKind},
    failure, setting,
};

/// Which release this is. A test makes another one by writing over it in the component's bytes: `release-is-trap` traps at whatever it
/// is asked, and to `release-is-down` the ad server is never reachable.
#[used]
static RELEASE: [u8; 15] = *b"release-is-good";

/// Traps in the release that does.
pub(crate) fn trap_if_this_release_does() {
    assert!(!black_box(&RELEASE).ends_with(b"trap"), "this release traps on purpose");
}

/// Fails in the release to which the ad server is down.
pub(crate) fn fail_if_this_release_is_down() -> Result<(), Failure> {
    if !black_box(&RELEASE).ends_with(b"down") {
        return Ok(());
    }
    Err(failure(FailureKind::Unavailable, "down", "the ad server is down for this release".to_owned()))
}

/// Does what the settings say, if it is one of these; most of them do not return.
pub(crate) fn misbehave(ctx: &Context) {
    trap_if_this_release_does();
    match behaviour(ctx).as_str() {
        "spin" => spin(),
        "hog" => hog(),
        "trap" => panic!("on purpose"),
        "exit" => std::process::exit(3),
        "recurse" => {
            black_box(recurse(0));
        }
        "print" => {
            for _ in 0..100_000 {
                eprintln!("a line of a chatty adapter, token {}", setting(ctx, "say"));
            }
        }
        "sleep" => std::thread::sleep(Duration::from_secs(3600)),
        "handles" => hold_handles(),
        _ => {}
    }
}

fn spin() -> ! {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn hog() -> ! {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; 1 << 20]));
    }
}

fn recurse(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX { 0 } else { recurse(depth + 1) + 1 }
}

fn hold_handles() -> ! {
    let mut held = Vec::new();
    loop {
        held.push(Fields::new());
    }
}

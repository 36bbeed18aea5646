//! Checks that a component fits this host's contract, and explains any mismatch.

use wasmtime::{Engine, component::Component};

/// The contract's versions that this host offers, the newest last. A version is one with all third
/// numbers, and a later one has everything that an earlier one has.
const OFFERED: [&str; 2] = ["1.0", "1.1"];

/// The newest version that this host offers.
pub(crate) const NEWEST: &str = OFFERED[OFFERED.len() - 1];

const PACKAGE: &str = "flightdeck:ad-server/";

/// WASI packages that a component may import besides the contract's own interfaces. No others are
/// offered.
const WASI: [&str; 7] =
    ["wasi:io/", "wasi:clocks/", "wasi:random/", "wasi:cli/", "wasi:http/", "wasi:filesystem/", "wasi:sockets/"];

/// Checks the names of a component's imports and exports.
///
/// # Errors
/// When something does not fit; the text completes the sentence "acme.wasm …".
pub(crate) fn check(component: &Component, engine: &Engine) -> Result<(), String> {
    let kind = component.component_type();
    let imports: Vec<&str> = kind.imports(engine).map(|(name, _)| name).collect();
    let exports: Vec<&str> = kind.exports(engine).map(|(name, _)| name).collect();
    judge(&imports, &exports)
}

fn judge(imports: &[&str], exports: &[&str]) -> Result<(), String> {
    for name in imports.iter().chain(exports) {
        if let Some(version) = contract_version(name).filter(|version| !is_offered(version)) {
            return Err(format!("was built for ad-server {version}; this host offers {}", offered()));
        }
    }
    if !exports.iter().any(|name| is_main(name)) {
        let found = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        return Err(format!(
            "is no adapter: it does not export {PACKAGE}ad-server@{NEWEST}; it exports {found}. Build it for the \
             world `adapter` of ad-server {NEWEST}"
        ));
    }
    let offered = |name: &str| name.starts_with(PACKAGE) || WASI.iter().any(|package| name.starts_with(package));
    if let Some(unknown) = imports.iter().find(|name| !offered(name)) {
        return Err(format!(
            "imports {unknown}, which this host does not offer; an adapter may import the contract's `steps` and \
             `cache`, wasi:http, clocks, random and stderr"
        ));
    }
    Ok(())
}

/// Whether an export is the interface that every adapter has, in whichever version.
pub(crate) fn is_main(name: &str) -> bool {
    is_interface(name, "ad-server")
}

/// Whether an import or export is this interface of the contract, in whichever version.
pub(crate) fn is_interface(name: &str, interface: &str) -> bool {
    let rest = name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix(interface));
    rest.is_some_and(|rest| rest.starts_with('@'))
}

/// Returns the version in a name such as `flightdeck:ad-server/steps@1.0.0`.
pub(crate) fn contract_version(name: &str) -> Option<&str> {
    name.strip_prefix(PACKAGE)?.split_once('@').map(|(_, version)| version)
}

/// Returns the version of the contract that a component was built for, or the newest one.
pub(crate) fn built_for(component: &Component, engine: &Engine) -> String {
    let kind = component.component_type();
    let mut versions = kind
        .exports(engine)
        .filter(|(name, _)| is_main(name))
        .filter_map(|(name, _)| contract_version(name).map(str::to_owned));
    versions.next().unwrap_or_else(|| NEWEST.to_owned())
}

/// Returns the versions that this host offers, in words.
pub(crate) fn offered() -> String {
    OFFERED.join(" and ")
}

/// Whether this host offers a version.
pub(crate) fn is_offered(version: &str) -> bool {
    let rest = OFFERED.iter().find_map(|offered| version.strip_prefix(offered));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Rewrites the linker's error about a component whose names fit but whose types do not as readable
/// text.
pub(crate) fn words(error: &wasmtime::Error) -> String {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    format!(
        "does not fit ad-server {NEWEST}: {}. Build it again with the WIT files of ad-server {NEWEST}",
        chain.join(": ")
    )
}

/// Adds to the engine's refusal of a component what its author can do about it, where that is
/// known.
///
/// The engine has no type for what is missing. A test pins its wording.
pub(crate) fn with_cure(refusal: &str) -> String {
    let needs_async = refusal.contains("requires the component model") && refusal.contains("async");
    if !needs_async {
        return refusal.to_owned();
    }
    format!(
        "{refusal}. It was built with asynchronous functions of the component model, which this host does not offer and ad-server \
         {NEWEST} does not use: build it without them. For `jco componentize --backend quickjs`, add \
         `--backend-qjs-disable-async`. For wit-bindgen in Rust, set `async: false` in `generate!`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "flightdeck:ad-server/ad-server@1.0.0";

    #[test]
    fn a_component_with_asynchronous_functions_is_told_how_it_is_built_without() {
        // The header of a component, and a section with nothing but `task.cancel`.
        let bytes = b"\0asm\x0d\0\x01\0\x08\x02\x01\x05";
        let error =
            Component::from_binary(&crate::adapters::engine::compiler().unwrap(), bytes).map(|_| ()).unwrap_err();
        let words = with_cure(&format!("{error:#}"));
        assert!(words.contains("`task.cancel` requires the component model async feature"), "{words}");
        assert!(words.contains("add `--backend-qjs-disable-async`") && words.contains("`async: false`"), "{words}");
        assert_eq!(with_cure("unexpected end"), "unexpected end");
    }

    #[test]
    fn a_component_of_this_contract_fits() {
        let imports = ["flightdeck:ad-server/steps@1.0.0", "wasi:http/types@0.2.4", "wasi:cli/stderr@0.2.0"];
        assert_eq!(judge(&imports, &[MAIN]), Ok(()));
        assert_eq!(judge(&[], &["flightdeck:ad-server/ad-server@1.0.7"]), Ok(()));
        let newest = ["flightdeck:ad-server/ad-server@1.1.0", "flightdeck:ad-server/follow-up@1.1.0"];
        assert_eq!(judge(&["flightdeck:ad-server/cache@1.1.0"], &newest), Ok(()));
    }

    #[test]
    fn another_version_is_refused_with_both_versions() {
        for name in ["flightdeck:ad-server/ad-server@0.1.0", "flightdeck:ad-server/ad-server@1.10.0"] {
            let words = judge(&[], &[name]).unwrap_err();
            assert!(words.starts_with("was built for ad-server "), "{words}");
            assert!(words.ends_with("this host offers 1.0 and 1.1"), "{words}");
        }
        assert!(judge(&["flightdeck:ad-server/steps@2.0.0"], &[MAIN]).unwrap_err().contains("2.0.0"));
    }

    #[test]
    fn what_is_missing_or_not_offered_is_named() {
        assert!(judge(&[], &["wasi:cli/run@0.2.0"]).unwrap_err().contains("wasi:cli/run@0.2.0"));
        assert!(judge(&["acme:spy/camera@1.0.0"], &[MAIN]).unwrap_err().contains("acme:spy/camera@1.0.0"));
    }
}

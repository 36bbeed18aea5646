//! The contract's reference page is generated from the WIT files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use wit_parser::{Docs, Function, Interface, Resolve, Type, TypeDef, TypeDefKind};

/// The files of a released version, each with the SHA-256 of what it says without comments, words one
/// space apart.
type Files = &'static [(&'static str, &'static str)];

/// The released versions, the newest last.
const RELEASED: [(&str, Files); 2] = [
    (
        "v1.0",
        &[
            ("adapter-types.wit", "f7846811c6e15ceac40a5e4746f31f7b891f2fd8f58353575a61126dfebb4da3"),
            ("steps.wit", "0f5e77e7f1d0d5dd09bd82a7592b449ef31a5385e979f06cd97866d025a44db5"),
            ("world.wit", "a7461c6c010c55ef9ba0c48b24cf7c3f98766e4793488032a3abc82de9f302c1"),
        ],
    ),
    (
        "v1.1",
        &[
            ("account.wit", "493aad28ccabb09f72a35830f26922636970e41515637bc6ff8d9a67c226c8ec"),
            ("adapter-types.wit", "f7846811c6e15ceac40a5e4746f31f7b891f2fd8f58353575a61126dfebb4da3"),
            ("cache.wit", "f18b815dc23ad25dc2c34bcc2477b868dfc627f8b639c051ab9bbe0df06deb87"),
            ("follow-up.wit", "691cbfaabf846498801e087a43746567a630b4c186e50e608c841d542d9c1573"),
            ("steps.wit", "0f5e77e7f1d0d5dd09bd82a7592b449ef31a5385e979f06cd97866d025a44db5"),
            ("world.wit", "40657216a7b032f386222c126073fe5c0e582ee868f017238cd2f33e06c627f2"),
        ],
    ),
];

const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");

fn newest() -> PathBuf {
    Path::new(WIT).join(RELEASED[RELEASED.len() - 1].0)
}

/// A change of the contract is a change of this page. `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_reference_page_is_what_the_wit_files_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/contract.md");
    let current = page();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == current, "wit/ changed: run `make golden` and review the difference of docs/contract.md");
}

fn page() -> String {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(newest()).unwrap();
    let package = &resolve.packages[package];
    let mut text = format!(
        "<!-- Generated from wit/v1.1 by host/bindings/tests/contract.rs. -->\n\n# The contract {}\n\n{}\n\n\
         [How to write an adapter](adapters.md) is a page of its own.\n",
        package.name,
        prose(&package.docs)
    );
    for order in ["ad-server", "steps", "cache", "account", "follow-up", "adapter-types"] {
        let interface = &resolve.interfaces[package.interfaces[order]];
        interface_section(&resolve, order, interface, &mut text);
    }
    assert_eq!(package.interfaces.len(), 6, "the page has every interface");
    for (name, world) in &package.worlds {
        let _ = write!(text, "\n## World `{name}`\n\n{}\n", prose(&resolve.worlds[*world].docs));
    }
    text
}

fn interface_section(resolve: &Resolve, name: &str, interface: &Interface, text: &mut String) {
    let _ = write!(text, "\n## Interface `{name}`\n\n{}\n", prose(&interface.docs));
    for function in interface.functions.values() {
        let _ = write!(
            text,
            "\n### `{}`\n\n```wit\n{}\n```\n\n{}\n",
            function.name,
            signature(resolve, function),
            prose(&function.docs)
        );
    }
    for (name, id) in &interface.types {
        let definition = &resolve.types[*id];
        // What another interface defines stands there.
        if matches!(definition.kind, TypeDefKind::Type(Type::Id(_))) {
            continue;
        }
        type_section(resolve, name, definition, text);
    }
}

fn type_section(resolve: &Resolve, name: &str, definition: &TypeDef, text: &mut String) {
    let kind = match &definition.kind {
        TypeDefKind::Type(alias) => format!("type, {}", shown(resolve, alias)),
        TypeDefKind::List(of) => format!("type, list<{}>", shown(resolve, of)),
        TypeDefKind::Record(_) => "record".to_owned(),
        TypeDefKind::Variant(_) => "variant".to_owned(),
        TypeDefKind::Enum(_) => "enum".to_owned(),
        other => panic!("the page does not know how to show {other:?}"),
    };
    let _ = write!(text, "\n### `{name}` ({kind})\n");
    if definition.docs.contents.is_some() {
        let _ = write!(text, "\n{}\n", prose(&definition.docs));
    }
    let rows: Vec<(String, String, &Docs)> = match &definition.kind {
        TypeDefKind::Record(record) => {
            record.fields.iter().map(|field| (field.name.clone(), shown(resolve, &field.ty), &field.docs)).collect()
        }
        TypeDefKind::Variant(variant) => variant
            .cases
            .iter()
            .map(|case| {
                (case.name.clone(), case.ty.as_ref().map(|ty| shown(resolve, ty)).unwrap_or_default(), &case.docs)
            })
            .collect(),
        TypeDefKind::Enum(names) => {
            names.cases.iter().map(|case| (case.name.clone(), String::new(), &case.docs)).collect()
        }
        _ => return,
    };
    let typed = rows.iter().any(|(_, ty, _)| !ty.is_empty());
    text.push_str(if typed { "\n| name | type | |\n|---|---|---|\n" } else { "\n| name | |\n|---|---|\n" });
    for (name, ty, docs) in rows {
        let words = line(docs);
        let ty = if ty.is_empty() { String::new() } else { format!("`{ty}`") };
        let _ = if typed {
            writeln!(text, "| `{name}` | {ty} | {words} |")
        } else {
            writeln!(text, "| `{name}` | {words} |")
        };
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters: Vec<String> =
        function.params.iter().map(|one| format!("{}: {}", one.name, shown(resolve, &one.ty))).collect();
    let result = function.result.as_ref().map(|ty| format!(" -> {}", shown(resolve, ty))).unwrap_or_default();
    format!("{}: func({}){result}", function.name, parameters.join(", "))
}

fn shown(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else { return format!("{ty:?}").to_lowercase() };
    let definition = &resolve.types[*id];
    if let Some(name) = &definition.name {
        return name.clone();
    }
    let optional = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| shown(resolve, ty));
    match &definition.kind {
        TypeDefKind::List(of) => format!("list<{}>", shown(resolve, of)),
        TypeDefKind::Option(of) => format!("option<{}>", shown(resolve, of)),
        TypeDefKind::Result(result) => format!("result<{}, {}>", optional(&result.ok), optional(&result.err)),
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<String> = tuple.types.iter().map(|ty| shown(resolve, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        other => panic!("the page does not know how to show {other:?}"),
    }
}

fn prose(docs: &Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().trim().to_owned()
}

/// A cell of a table.
fn line(docs: &Docs) -> String {
    prose(docs).split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// What a released version of the contract says never changes, because components were built for it. Its comments may get
/// better. An addition is a new folder beside it.
#[test]
fn a_released_contract_never_changes() {
    for (version, files) in RELEASED {
        for (file, digest) in files {
            assert_eq!(
                said(version, file),
                *digest,
                "wit/{version}/{file} is released and was changed; make a new version of the contract instead"
            );
        }
        let found = std::fs::read_dir(Path::new(WIT).join(version)).unwrap().count();
        assert_eq!(found, files.len(), "a file was added to wit/{version} or removed");
    }
    assert_eq!(std::fs::read_dir(WIT).unwrap().count(), RELEASED.len(), "every version is checked");
}

/// A component of an earlier version links with the newest bindings only if the interfaces that it uses
/// are the same, word for word.
#[test]
fn a_minor_version_changes_no_interface_of_an_earlier_one() {
    for pair in RELEASED.windows(2) {
        let [(earlier, files), (later, _)] = pair else { unreachable!() };
        for (file, _) in files.iter().filter(|(file, _)| *file != "world.wit") {
            assert_eq!(words(earlier, file), words(later, file), "{file} of {later}");
        }
        let ad_server = |version| {
            let world = words(version, "world.wit");
            let from = world.find("interface ad-server").unwrap();
            world[from..].split_once("world adapter").unwrap().0.to_owned()
        };
        assert_eq!(ad_server(earlier), ad_server(later), "ad-server of {later}");
    }
}

/// Returns the digest of what a file says.
fn said(version: &str, file: &str) -> String {
    Sha256::digest(words(version, file)).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns what a file says without comments, words one space apart.
fn words(version: &str, file: &str) -> String {
    let text = std::fs::read_to_string(Path::new(WIT).join(version).join(file)).unwrap();
    let code: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.starts_with("//")).flat_map(str::split_whitespace).collect();
    code.join(" ")
}

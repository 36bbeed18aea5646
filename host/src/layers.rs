//! The order of this crate's modules, held against its imports.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// From the inside out: each may use what stands before it.
const ORDER: [&str; 16] = [
    "domain",
    "clock",
    "fault",
    "metrics",
    "network",
    "store",
    "adapters",
    "distribution",
    "config",
    "conformance",
    "operations",
    "webhooks",
    "app",
    "web",
    "serve",
    "cli",
];

/// All files of source code below a folder, but for tests.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found
}

/// The modules of the crate that a text names after `crate::`, alone or as a list in braces.
fn named(source: &str) -> BTreeSet<String> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut begins) = (1, true);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => break,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                c if depth == 1 && begins && !c.is_whitespace() => {
                    found.insert(word(&list[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn nothing_inside_knows_what_is_outside_of_it() {
    let place = |module: &str| ORDER.iter().position(|name| *name == module);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut wrong, mut arrows) = (Vec::new(), 0);
    for file in files(&root) {
        let inside = file.strip_prefix(&root).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let Some(at) = place(module) else {
            assert!(["lib", "main", "layers"].contains(&module), "{module} has no place in the order");
            continue;
        };
        for other in named(&fs::read_to_string(&file).unwrap()) {
            // What is no module is a macro or a function of the crate itself.
            let Some(used) = place(&other) else { continue };
            arrows += usize::from(used != at);
            if used > at {
                wrong.push(format!("{} uses {other}, which is outside of {module}", inside.display()));
            }
        }
    }
    assert!(arrows > 300, "only {arrows} imports were seen");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_edge_names_fields_by_a_pointer_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let below = ORDER.iter().take_while(|module| **module != "web");
    let sources = below.flat_map(|module| {
        let folder = root.join(module);
        let inside = if folder.is_dir() { files(&folder) } else { Vec::new() };
        std::iter::once(root.join(format!("{module}.rs"))).chain(inside)
    });
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in sources.filter(|file| !file.starts_with(root.join("domain/field"))) {
        seen += 1;
        if fs::read_to_string(&file).unwrap().contains("FieldPath::text(") {
            wrong.push(file);
        }
    }
    assert!(seen > 100, "only {seen} files were seen");
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn imports_are_seen_in_every_form() {
    let source =
        "use crate::app;\nuse crate::{a::{b, c}, d, e::{self,\n f::g}};\n// use crate::never;\nlet x = crate::h::i();";
    assert_eq!(named(source), ["a", "app", "d", "e", "h"].map(str::to_owned).into());
}

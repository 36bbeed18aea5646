//! The command `adapter inspect`.
#![expect(clippy::print_stdout, reason = "what was found is shown here")]

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::{
    adapters::{self, ComponentSignature, Inspection},
    domain::capability::Capabilities,
};

/// Prints what a component is, and what it asks for beyond another one. Fails if this host can't
/// use it, so that a build can check its result.
pub(crate) fn inspect(file: &Path, against: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(adapters::inspect(file))?;
    let other = against.map(|other| runtime.block_on(adapters::inspect(other))).transpose()?;
    let growth = other.map(|other| found.growth(&other));
    if json {
        let mut shown = serde_json::to_value(&found)?;
        shown["asks"] = found.asks().into();
        if let Some(growth) = growth {
            shown["growth"] = growth.into();
        }
        println!("{}", serde_json::to_string_pretty(&shown)?);
    } else {
        show(&found);
        if let Some(growth) = growth {
            show_growth(&growth);
        }
    }
    match found.problem {
        Some(problem) => bail!("this host can't use it: {problem}"),
        None => Ok(()),
    }
}

/// Prints the WIT of a component, with the types of everything that it imports and exports.
pub(crate) fn wit(file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    let decoded = wit_component::decode(&bytes).with_context(|| format!("{} is no component", file.display()))?;
    let mut printer = wit_component::WitPrinter::default();
    let needed: Vec<_> =
        decoded.resolve().packages.iter().map(|(id, _)| id).filter(|id| *id != decoded.package()).collect();
    printer.print(decoded.resolve(), decoded.package(), &needed)?;
    print!("{}", printer.output);
    Ok(())
}

fn show(found: &Inspection) {
    println!("size      {} bytes", found.size);
    println!("sha256    {}", found.digest);
    show_signatures(found);
    println!("contract  {}", found.contract.as_deref().unwrap_or("none: it is no adapter"));
    for import in &found.imports {
        println!("imports   {import}");
    }
    for export in &found.exports {
        println!("exports   {export}");
    }
    if let Some(description) = &found.description {
        show_description(description);
    }
    // Printed in the form that they have under the platform in the configuration.
    for line in found.asks() {
        println!("asks for  {line}");
    }
}

/// Prints whose signatures the component carries. Whether to trust a key is for its reader to say.
fn show_signatures(found: &Inspection) {
    if let Some(problem) = &found.signature_problem {
        println!("signed    unclear: it {problem}");
    } else if found.signatures.is_empty() {
        println!("signed    by nobody");
    }
    for ComponentSignature { key, valid } in &found.signatures {
        println!("signed by {key}{}", if *valid { "" } else { " (does not match: the file was altered since)" });
    }
}

fn show_growth(growth: &[String]) {
    if growth.is_empty() {
        println!("growth    none: it asks for nothing that the other one does not");
    }
    for line in growth {
        println!("growth    {line}");
    }
}

fn show_description(description: &Capabilities) {
    println!("platform  {} ({}), version {}", description.platform, description.title, description.adapter_version);
    let formats: Vec<String> = description.formats.iter().map(|format| format.as_str().to_owned()).collect();
    println!("formats   {}", formats.join(", "));
    for support in &description.targeting {
        let operators: Vec<&str> = support.operators.iter().map(|operator| operator.as_str()).collect();
        let values = if support.values.is_empty() { "any".to_owned() } else { support.values.join(" ") };
        let note = if support.note.is_empty() { String::new() } else { format!(" ({})", support.note) };
        println!("targeting {} {}: {values}{note}", support.dimension.as_str(), operators.join(" and "));
    }
    println!("updates   {}", description.updates.join(", "));
}

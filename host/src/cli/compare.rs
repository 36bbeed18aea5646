//! The command `adapter compare`: what ad servers can do, side by side, as a Markdown table.
#![expect(clippy::print_stdout, reason = "the table is shown here")]

use std::{fmt::Write as _, path::PathBuf};

use anyhow::Context as _;

use crate::{
    adapters,
    domain::{
        capability::Capabilities,
        creative::Format,
        media_buy::Pacing,
        targeting::{Dimension, Operator},
    },
};

/// The maximum number of values that are spelled out.
const MOST_VALUES: usize = 12;

/// Prints a table with a column for each component.
pub(crate) fn compare(files: &[PathBuf]) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut described = Vec::with_capacity(files.len());
    for file in files {
        let found = runtime.block_on(adapters::inspect(file))?;
        let name = || file.display();
        if let Some(problem) = found.problem {
            anyhow::bail!("this host can't use {}: {problem}", name());
        }
        described.push(found.description.with_context(|| format!("{} describes nothing", name()))?);
    }
    print!("{}", table(&described));
    Ok(())
}

fn table(platforms: &[Capabilities]) -> String {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    let mut row = |name: &str, cell: &dyn Fn(&Capabilities) -> String| {
        rows.push((name.to_owned(), platforms.iter().map(cell).collect()));
    };
    for format in Format::ALL {
        row(&format!("format `{}`", format.as_str()), &|platform| yes(platform.formats.contains(format)));
    }
    for pacing in Pacing::ALL {
        row(&format!("pacing `{}`", pacing.as_str()), &|platform| yes(platform.pacing.contains(pacing)));
    }
    for dimension in Dimension::ALL {
        row(&format!("`{}`", dimension.as_str()), &|platform| targeting(platform, *dimension));
    }
    row("`dayparting`", &dayparting);
    row("`frequency_cap`", &frequency_cap);
    row("prices", &|platform| names(&platform.price_models));
    row("updates", &|platform| names(&platform.updates));
    let mut text = String::from("| |");
    for platform in platforms {
        let _ = write!(text, " {} |", platform.title);
    }
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(platforms.len()));
    for (name, cells) in rows {
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}

fn yes(can: bool) -> String {
    if can { "yes" } else { "–" }.to_owned()
}

fn names(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
    all.join(", ")
}

/// Escapes text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Appends the adapter's note to what it can do.
fn with_note(what: String, note: &str) -> String {
    match (what.is_empty(), note.is_empty()) {
        (_, true) => what,
        (true, false) => cell(note),
        (false, false) => format!("{what}; {}", cell(note)),
    }
}

fn targeting(platform: &Capabilities, dimension: Dimension) -> String {
    let Some(support) = platform.targeting.iter().find(|support| support.dimension == dimension) else {
        return yes(false);
    };
    let both = [Operator::AnyOf, Operator::NoneOf].iter().all(|operator| support.operators.contains(operator));
    let only: Vec<&str> = support.operators.iter().map(|operator| operator.as_str()).collect();
    let values = match support.values.len() {
        0 => String::new(),
        1..=MOST_VALUES => names(&support.values),
        many => format!("{many} values"),
    };
    let mut what = if values.is_empty() && support.note.is_empty() { "any value".to_owned() } else { values };
    if !both {
        let separator = if what.is_empty() { "" } else { ", " };
        what = format!("{what}{separator}only {}", only.join(", "));
    }
    with_note(what, &support.note)
}

fn dayparting(platform: &Capabilities) -> String {
    let Some(support) = &platform.dayparting else { return yes(false) };
    let mut what: Vec<String> = support.presets.iter().map(|preset| format!("`{}`", preset.name)).collect();
    if support.custom_schedules {
        what.push("hours of one's own".to_owned());
    }
    if let Some(most) = support.max_ranges {
        what.push(format!("{most} ranges at most"));
    }
    with_note(what.join(", "), &support.note)
}

fn frequency_cap(platform: &Capabilities) -> String {
    let Some(support) = &platform.frequency_cap else { return yes(false) };
    let scopes: Vec<String> = support.scopes.iter().map(|scope| format!("`{}`", scope.as_str())).collect();
    let what = format!("{}: {} to {} minutes", scopes.join(", "), support.min_minutes, support.max_minutes);
    with_note(what, &support.note)
}

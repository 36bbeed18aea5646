//! Mutants of the Rust example: each breaks the contract in one place, and the kit must say which rule it breaks, in the right
//! words. `make check-mutants` runs this: it builds the example once for each.

use std::path::{Path, PathBuf};

use flightdeck_emulators::signpost;
use flightdeck_test_support::target;
use tokio::process::Command;

/// A change of the example's source, and what the kit says of it.
struct Mutant {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// Groups of rules that are checked.
    only: &'static str,
    /// The rule that it breaks.
    rule: &'static str,
    /// A part of what is said.
    words: &'static str,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a write outside of a step",
        file: "src/adapter.rs",
        from: "        let assigned = step(step_name(",
        to: "        self.client.assign(at.item, creative)?;\n        let assigned = step(step_name(",
        only: "creatives",
        rule: "creatives.succeed",
        words: "outside of a step",
    },
    Mutant {
        name: "a reference that is not set",
        file: "src/api.rs",
        from: "        body.set(\"external_ref\", reference);",
        to: "        let _ = reference;\n        body.set(\"external_ref\", \"none\");",
        only: "create",
        rule: "create.references",
        words: "no step's reference leads to it",
    },
    Mutant {
        name: "a lookup that reads one page only",
        file: "src/api.rs",
        from: "            Ok((page.items, page.next_cursor))",
        to: "            let _ = page.next_cursor;\n            Ok((page.items, None))",
        only: "cancel",
        rule: "cancel.half-way",
        words: "after the cancel, may still deliver",
    },
    Mutant {
        name: "a plan with a clock in it",
        file: "src/translate.rs",
        from: "Ok(Booking { order: Order { name, fields }, items, notes: Vec::new() })",
        to: "let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_secs() / 60);\n    \
             let hours = buy.packages.iter().any(|package| package.impressions > 1_000_000);\n    \
             let notes = if hours { vec![format!(\"Planned at {now}.\")] } else { Vec::new() };\n    \
             Ok(Booking { order: Order { name, fields }, items, notes })",
        only: "plan",
        rule: "plan.deterministic",
        words: "Planned at",
    },
    Mutant {
        name: "a dropped targeting value",
        file: "src/translate.rs",
        from: "        chosen.clone_from(&rule.values);",
        to: "        *chosen = rule.values.iter().take(1).cloned().collect();",
        only: "plan",
        rule: "plan.complete",
        words: "the plan is the same with geo_country_any_of without",
    },
    Mutant {
        name: "a float for money",
        file: "src/translate.rs",
        from: "    let text = money::decimal(micros);",
        to: "    #[allow(clippy::cast_precision_loss)]\n    let text = format!(\"{:.2}\", micros as f64 / 1_000_000.0);",
        only: "plan",
        rule: "plan.complete",
        words: "the plan is the same with the price",
    },
    Mutant {
        name: "a retry of its own",
        file: "src/api.rs",
        from: "        Ok(self.0.post(path).json(&body).fetch::<Made>()?.id)\n    }\n\n    fn change",
        to: "        let made = self.0.post(path).json(&body).fetch::<Made>().or_else(|_| self.0.post(path).json(&body).fetch::<Made>());\n        \
             Ok(made?.id)\n    }\n\n    fn change",
        only: "crash",
        rule: "crash.create",
        words: "the ad server has 2 ×",
    },
    Mutant {
        name: "a lookup of anything",
        file: "src/api.rs",
        from: "self.list(&path!(\"/v1/orders/{}/lines\", order_id), Some((\"external_ref\", reference)))?;",
        to: "self.list(&path!(\"/v1/orders/{}/lines\", order_id), Some((\"limit\", \"50\")).filter(|_| !reference.is_empty()))?;",
        only: "crash",
        rule: "crash.create",
        words: "with the steps' references, and should have 2",
    },
    Mutant {
        name: "two steps of one name",
        file: "src/adapter.rs",
        from: "        let assigned = step(step_name(&[\"assignment\", at.package_id, at.creative_id]))",
        to: "        let assigned = step(step_name(&[\"assignment\", at.creative_id]))",
        only: "creatives",
        rule: "creatives.succeed",
        words: "assignment",
    },
    Mutant {
        name: "a panic in the middle of a letter",
        file: "src/translate.rs",
        from: "    name.chars().take(MAX_NAME).collect()",
        to: "    name[..name.len().min(2)].to_owned()",
        only: "plan",
        rule: "plan.total",
        words: "trap",
    },
    Mutant {
        name: "a part of a request that is not looked at",
        file: "src/translate.rs",
        from: "    if let Some(hours) = &package.targeting.dayparting {",
        to: "    if let Some(hours) = package.targeting.dayparting.as_ref().filter(|hours| hours.timezone == \"none\") {",
        only: "plan",
        rule: "plan.refuses",
        words: "was accepted, and",
    },
    Mutant {
        name: "a refusal that names no field",
        file: "src/translate.rs",
        from: "    problems.unsupported(\"unsupported_targeting\", format!(\"{at}/{name}\"), value, message, &[]);",
        to: "    let _ = (at, name);\n        problems.unsupported(\"unsupported_targeting\", \"\", value, message, &[]);",
        only: "plan",
        rule: "plan.failures",
        words: "no item names a field",
    },
    Mutant {
        name: "a description with a clock in it",
        file: "src/translate.rs",
        from: "        adapter_version: env!(\"CARGO_PKG_VERSION\").to_owned(),",
        to: "        adapter_version: format!(\"1.0.{}\", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)\
             .map_or(0, |now| now.as_secs())),",
        only: "world",
        rule: "world.description",
        words: "itself differently each time",
    },
    Mutant {
        name: "an update that is not sent",
        file: "src/adapter.rs",
        from: "        self.client.change_line(id, &changes)\n",
        to: "        let _ = (id, changes);\n        Ok(())\n",
        only: "updates",
        rule: "updates.applied",
        words: "which should be paused",
    },
    Mutant {
        name: "a failure that is overlooked",
        file: "src/adapter.rs",
        from: "        Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),",
        to: "        Err(_) => Ok(false),",
        only: "answers",
        rule: "answers.cancel",
        words: "it was answered 401",
    },
    Mutant {
        name: "a cancel that stops the first line only",
        file: "src/adapter.rs",
        from: "        existed(self.client.change_order(id, &archived()))\n    }\n\n    fn stop_item",
        to: "        let _ = id;\n        Ok(true)\n    }\n\n    fn stop_item",
        only: "cancel",
        rule: "cancel.stops",
        words: "which was cancelled",
    },
    Mutant {
        name: "a missing line for a delivering one",
        file: "src/adapter.rs",
        from: "return (DeliveryState::Missing, None) };",
        to: "return (DeliveryState::Delivering, None) };",
        only: "reads",
        rule: "reads.missing",
        words: "is said to be Delivering",
    },
    Mutant {
        name: "a read that fails if one line is gone",
        file: "src/api.rs",
        from: "            lines.extend(status.lines",
        to: "            if status.lines.len() < ids.len() {\n                return Err(Failure::new(FailureKind::NotFound, \"gone\", \"a line is gone\"));\n            }\n            lines.extend(status.lines",
        only: "reads",
        rule: "reads.missing",
        words: "the call failed, not_found",
    },
];

/// Copies the project, so that each mutant is the example with one difference.
async fn project(folder: &Path) -> PathBuf {
    let mut new = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
    let made =
        new.args(["adapter", "new", "acme", "--lang", "rust", "--into"]).arg(folder).output().await.expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder.join("acme")
}

async fn built(project: &Path) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = target().join("outside");
    let mut build = Command::new(cargo);
    build
        .args(["build", "--release", "--target", "wasm32-wasip2"])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    let built = build.output().await.expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    target.join("wasm32-wasip2/release/acme_adapter.wasm")
}

async fn checked(component: &Path, config: &Path, only: &str) -> serde_json::Value {
    let options = signpost::Options { api_key: "demo-key".to_owned(), ..signpost::Options::default() };
    let emulator = signpost::Signpost::start(options).await.expect("the emulator");
    // Short pages, so that every list has several.
    let short = reqwest::Client::new().put(format!("{}/__control/settings", emulator.url));
    let set = short.json(&serde_json::json!({ "max_page_size": 2 })).send().await.expect("an answer");
    assert!(set.status().is_success());
    let mut check = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
    check.args(["adapter", "check"]).arg(component).args(["--against", &emulator.url, "--cases", "400", "--json"]);
    check.arg("--config").arg(config);
    if !only.is_empty() {
        check.args(["--only", only]);
    }
    let ran = check.output().await.expect("it runs");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr)))
}

/// The rules that are broken, each with everything that was seen.
fn broken(report: &serde_json::Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let failed = findings.filter(|finding| finding["verdict"] == "failed");
    failed
        .map(|finding| (finding["rule"].as_str().expect("a rule").to_owned(), finding["failures"].to_string()))
        .collect()
}

#[tokio::test]
#[ignore = "builds the example once for each mutant: make check-mutants"]
async fn each_mutant_of_the_rust_example_breaks_a_rule_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = project(folder.path()).await;
    let config = project.join("check.toml");
    let sound = checked(&built(&project).await, &config, "").await;
    assert_eq!(broken(&sound), [], "the example itself keeps every rule");
    let only = std::env::var("MUTANT").unwrap_or_default();
    let mut wrong = Vec::new();
    for mutant in MUTANTS.iter().filter(|mutant| mutant.name.contains(&only)) {
        let file = project.join(mutant.file);
        let source = std::fs::read_to_string(&file).expect("the source");
        assert_eq!(source.matches(mutant.from).count(), 1, "{}: the source has changed", mutant.name);
        std::fs::write(&file, source.replace(mutant.from, mutant.to)).expect("it is written");
        let report = checked(&built(&project).await, &config, mutant.only).await;
        let broken = broken(&report);
        let named = broken.iter().find(|(rule, _)| rule == mutant.rule);
        if named.is_none_or(|(_, seen)| !seen.contains(mutant.words)) {
            wrong.push(format!("{}: expected {} with {:?}, got {broken:#?}", mutant.name, mutant.rule, mutant.words));
        } else {
            println!("{}: {}", mutant.name, named.map(|(_, seen)| seen.as_str()).unwrap_or_default());
        }
        std::fs::write(&file, source).expect("it is written");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

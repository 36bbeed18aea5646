//! The rules about making the sample and its creatives, without trouble.

use std::time::Duration;

use super::{
    bench::{Lane, shown},
    report::Notebook,
    rules,
    sample::Sample,
    work::{Task, Work, rejected},
};
use crate::domain::{
    failure::{Failure, FailureKind},
    media_buy::{MediaBuy, RemoteKind},
    plan::{PlanAction, PlatformPlan},
};

/// Makes the sample. `None`: it could not be made, and nothing else can be tried.
pub(super) async fn check(lane: &Lane<'_>, notebook: &Notebook) -> Option<Sample> {
    let mut sample = lane.bench.sample();
    let mut task = match Task::of(Work::Create, lane.bench, &sample) {
        Ok(task) => task,
        Err(why) => {
            notebook.fail(rules::CREATE_DONE, format!("the host refuses the sample: {why}"));
            return None;
        }
    };
    lane.proxy.arm(None);
    let (plan, plain) = match lane.plan(task.change(), Duration::ZERO).await {
        Ok(plan) => (plan, String::new()),
        Err(rich) => {
            // What one ad server offers side by side, another one does not offer together.
            lane.bench.make_plain();
            sample = lane.bench.sample();
            let failed = |why: String| notebook.fail(rules::CREATE_DONE, format!("the sample can't be planned: {why}"));
            match Task::of(Work::Create, lane.bench, &sample) {
                Ok(plain) => task = plain,
                Err(why) => {
                    failed(why);
                    return None;
                }
            }
            match lane.plan(task.change(), Duration::ZERO).await {
                Ok(plan) => (plan, format!("; without place and hours, which are refused: {}", shown(&rich))),
                Err(failure) => {
                    failed(shown(&failure));
                    return None;
                }
            }
        }
    };
    if let Err(failure) = task.run(lane, None).await {
        of_failure(notebook, &failure);
        return None;
    }
    let requests = lane.proxy.seen().len();
    notebook.seen(rules::CREATE_DONE, format!("{} planned changes, {requests} requests{plain}", plan.changes.len()));
    let (written, steps) = (task.journal.writes(), task.journal.steps().len());
    notebook.seen(
        rules::CREATE_STEPS,
        format!("{written} writes in {steps} steps; the host would have refused one outside of a step"),
    );
    let objects = task.journal.objects().len();
    notebook.seen(
        rules::CREATE_REMEMBERED,
        format!("{objects} objects are remembered, the order and each package among them"),
    );
    as_planned(&task, &plan, notebook);
    sample.buy = task.buy(lane.bench);
    references(lane, &sample.buy, &task, notebook).await;
    again(lane, &task, notebook).await;
    Some(sample)
}

/// Sorts the failure of a create under the rule that it breaks.
fn of_failure(notebook: &Notebook, failure: &Failure) {
    let said = shown(failure);
    let rule = match failure.code.as_str() {
        "create_incomplete" => rules::CREATE_REMEMBERED,
        "step_left_open" => rules::CREATE_STEPS,
        "misuse" if failure.kind == FailureKind::Fault => rules::CREATE_STEPS,
        _ => rules::CREATE_DONE,
    };
    notebook.fail(rule, format!("the create failed, {said}"));
}

/// Each planned object is made in a step of its own, and each step that writes was planned.
fn as_planned(task: &Task, plan: &PlatformPlan, notebook: &Notebook) {
    let creates =
        plan.changes.iter().filter(|change| matches!(change.action, PlanAction::Create | PlanAction::Associate));
    let planned: Vec<String> = creates.map(|change| format!("{} {:?}", change.remote_type, change.name)).collect();
    let wrote = task.journal.wrote_in();
    let seen = format!("{} objects are planned, {} steps have written", planned.len(), wrote.len());
    if planned.len() != wrote.len() {
        notebook.fail(
            rules::CREATE_PLANNED,
            format!("{seen}: planned are {}; the steps are {}", planned.join(", "), wrote.join(", ")),
        );
    }
    notebook.seen(rules::CREATE_PLANNED, seen);
}

/// The order and each package are found by the reference of some step.
async fn references(lane: &Lane<'_>, buy: &MediaBuy, task: &Task, notebook: &Notebook) {
    tokio::time::sleep(lane.bench.lookup_wait).await;
    let mut found = Vec::new();
    for step in task.journal.steps() {
        match lane.find_made(buy, &step).await {
            Ok(made) => {
                if made.len() > 1 && made.iter().skip(1).any(|other| other.object == made[0].object) {
                    notebook.fail(rules::CREATE_REFERENCES, format!("the step {:?} finds one object twice", step.name));
                }
                found.extend(made.into_iter().map(|made| made.object));
            }
            Err(failure) => {
                let what = format!("find-made of the step {:?} failed, {}", step.name, shown(&failure));
                notebook.fail(rules::CREATE_REFERENCES, what);
            }
        }
    }
    for object in task.journal.objects() {
        if !matches!(object.kind, RemoteKind::Order | RemoteKind::Package) || found.contains(&object) {
            continue;
        }
        let name = format!("{} {:?}", object.kind, object.key);
        let same = found.iter().find(|made| made.kind == object.kind && made.key == object.key);
        notebook.fail(
            rules::CREATE_REFERENCES,
            match same {
                Some(other) => {
                    format!("{name}: find-made returns the id {}, and {} is remembered", other.id, object.id)
                }
                None => format!("{name} ({}): no step's reference leads to it", object.id),
            },
        );
    }
    notebook.seen(rules::CREATE_REFERENCES, format!("{} objects found by the references of the steps", found.len()));
}

/// Run again with the finished journal, everything is done already.
async fn again(lane: &Lane<'_>, task: &Task, notebook: &Notebook) {
    let first = task.journal.begun();
    task.journal.next_run(None);
    match task.run(lane, None).await {
        Err(failure) => notebook.fail(rules::CREATE_AGAIN, format!("the second run failed, {}", shown(&failure))),
        Ok(_) => {
            let (second, written) = (task.journal.begun(), task.journal.wrote_in());
            if first != second {
                let what = format!("the first run named {}; the second {}", first.join(", "), second.join(", "));
                notebook.fail(rules::CREATE_AGAIN, what);
            }
            if !written.is_empty() {
                notebook.fail(rules::CREATE_AGAIN, format!("the second run wrote in {}", written.join(", ")));
            }
        }
    }
    notebook.seen(rules::CREATE_AGAIN, format!("{} steps named twice, no write", first.len()));
}

/// Uploads the sample's creatives.
pub(super) async fn creatives(lane: &Lane<'_>, sample: &mut Sample, notebook: &Notebook) {
    if sample.creatives.is_empty() {
        for rule in [rules::CREATIVES_DONE, rules::CREATIVES_AGAIN] {
            notebook.skip(rule, "check.toml has no [[sample.creatives]] of a format that the product accepts");
        }
        return;
    }
    let task = match Task::of(Work::Creatives, lane.bench, sample) {
        Ok(task) => task,
        Err(why) => return notebook.fail(rules::CREATIVES_DONE, format!("the host refuses the creatives: {why}")),
    };
    match task.run(lane, None).await {
        Err(failure) => return notebook.fail(rules::CREATIVES_DONE, format!("the upload failed, {}", shown(&failure))),
        Ok(outcome) => {
            notebook.fail_all(rules::CREATIVES_DONE, rejected(&outcome));
            let count = outcome.assets.len();
            notebook.seen(rules::CREATIVES_DONE, format!("{count} creatives, {} writes", task.journal.writes()));
        }
    }
    sample.buy = task.buy(lane.bench);
    task.journal.next_run(None);
    match task.run(lane, None).await {
        Err(failure) => notebook.fail(rules::CREATIVES_AGAIN, format!("the second run failed, {}", shown(&failure))),
        Ok(_) => {
            for step in task.journal.wrote_in() {
                notebook.fail(rules::CREATIVES_AGAIN, format!("the second run wrote in {step}"));
            }
        }
    }
    notebook.seen(rules::CREATIVES_AGAIN, "the second run wrote nothing");
}

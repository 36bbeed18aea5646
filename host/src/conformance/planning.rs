//! The rules about `plan`: the sample, and many generated requests.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    bench::{Lane, shown},
    generator::{Generator, Request},
    report::Notebook,
    rules::{self, Rule},
    variant,
};
use crate::domain::{
    failure::{Failure, FailureKind},
    plan::PlatformPlan,
};

/// How far the guest's clock is ahead in the second of two plans: so that every part of a date and a
/// time is another one.
const AHEAD: Duration = Duration::from_secs(400 * 86_400 + 3 * 3_600 + 7 * 60 + 11);

/// The part of the requests within the declared capabilities that must be accepted, in percent. The
/// rest may fail because of values that an adapter can't list.
const ACCEPTED: usize = 80;

/// Reasons of refusals that are shown.
const REASONS: usize = 3;

#[derive(Debug, Default)]
struct Counts {
    within: usize,
    accepted: usize,
    beyond: usize,
    refused: usize,
    /// Requests that were compared with one that differs in one part.
    varied: usize,
    /// Why requests within the capabilities were refused, with the number of times.
    reasons: BTreeMap<String, usize>,
}

/// Locks what several hosts share.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these locks.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plans generated requests.
pub(super) async fn check(lanes: &[Lane<'_>], notebook: &Notebook, seed: u64, cases: usize) {
    let Some(first) = lanes.first().filter(|_| notebook.wants("plan")) else { return };
    let mut generator = Generator::new(first.bench, seed);
    let requests: Mutex<Vec<Request>> = Mutex::new((0..cases).map(|_| generator.request()).collect());
    let counts = Mutex::new(Counts::default());
    let work_off = lanes.iter().map(|lane| plan_some(lane, notebook, &requests, &counts));
    futures::future::join_all(work_off).await;
    for rule in [rules::PLAN_OFFLINE, rules::PLAN_SAME, rules::PLAN_TOTAL, rules::PLAN_FAILURES] {
        let twice = if rule == rules::PLAN_SAME { ", each twice, the second time 400 days later" } else { "" };
        notebook.seen(rule, format!("{cases} generated requests{twice} (seed {seed})"));
    }
    sum_up(&lock(&counts), notebook);
}

/// Plans requests until none is left.
async fn plan_some(lane: &Lane<'_>, notebook: &Notebook, requests: &Mutex<Vec<Request>>, counts: &Mutex<Counts>) {
    lane.proxy.arm(None);
    loop {
        let Some(request) = lock(requests).pop() else { break };
        let first = lane.plan(request.change(), Duration::ZERO).await;
        let again = lane.plan(request.change(), AHEAD).await;
        if let Some(difference) = difference(&first, &again) {
            notebook.fail(rules::PLAN_SAME, format!("{}: {difference}", request.shown()));
        }
        if let Ok(plan) = &first {
            compare(lane, &request, plan, notebook, counts).await;
        }
        judge(&request, first, notebook, &mut lock(counts));
    }
    for seen in lane.proxy.seen() {
        notebook.fail(rules::PLAN_OFFLINE, format!("plan sent {seen}"));
    }
}

/// Plans a request that differs in one part: the plan must differ, too, or something of it is lost.
async fn compare(lane: &Lane<'_>, request: &Request, plan: &PlatformPlan, notebook: &Notebook, counts: &Mutex<Counts>) {
    let Some((other, what)) = variant::of(request).filter(|_| request.beyond.is_empty()) else { return };
    // What the adapter refuses is not lost.
    let Ok(varied) = lane.plan(other.change(), Duration::ZERO).await else { return };
    lock(counts).varied += 1;
    if varied.changes == plan.changes {
        notebook.fail(rules::PLAN_COMPLETE, format!("{}: the plan is the same with {what}", request.shown()));
    }
}

fn sum_up(counts: &Counts, notebook: &Notebook) {
    let Counts { within, accepted, beyond, refused, varied, reasons } = counts;
    notebook.seen(rules::PLAN_COMPLETE, format!("{varied} pairs of requests that differ in one part"));
    if *within > 0 {
        let mut reasons: Vec<(&String, &usize)> = reasons.iter().collect();
        reasons.sort_by(|one, other| other.1.cmp(one.1));
        let often: Vec<String> =
            reasons.iter().take(REASONS).map(|(reason, times)| format!("{times} × {reason}")).collect();
        let why = if often.is_empty() { String::new() } else { format!("; refused: {}", often.join("; ")) };
        let seen = format!("{accepted} of {within} accepted{why}");
        if accepted * 100 < within * ACCEPTED {
            notebook.fail(rules::PLAN_ACCEPTS, format!("fewer than {ACCEPTED} % are accepted: {seen}"));
        }
        notebook.seen(rules::PLAN_ACCEPTS, seen);
    }
    match beyond {
        0 => notebook.skip(rules::PLAN_REFUSES, "everything that can be generated is declared"),
        _ => notebook.seen(rules::PLAN_REFUSES, format!("{refused} of {beyond} refused, with their field")),
    }
}

fn difference(first: &Result<PlatformPlan, Failure>, again: &Result<PlatformPlan, Failure>) -> Option<String> {
    if first == again {
        return None;
    }
    let (one, other) = (format!("{first:?}"), format!("{again:?}"));
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(40)).take(120).collect::<String>();
    Some(format!("the plan was …{}… and, 400 days later, …{}…", part(&one), part(&other)))
}

fn judge(request: &Request, planned: Result<PlatformPlan, Failure>, notebook: &Notebook, counts: &mut Counts) {
    let fail = |rule: &'static Rule, what: String| notebook.fail(rule, format!("{}: {what}", request.shown()));
    let failure = match planned {
        Ok(_) if request.beyond.is_empty() => {
            counts.within += 1;
            counts.accepted += 1;
            return;
        }
        Ok(_) => {
            counts.beyond += 1;
            let beyond = request.beyond.iter().map(|problem| problem.field.to_string());
            let beyond: Vec<String> = beyond.collect();
            fail(rules::PLAN_REFUSES, format!("was accepted, and {} is not declared", beyond.join(", ")));
            return;
        }
        Err(failure) => failure,
    };
    match failure.kind {
        FailureKind::Invalid | FailureKind::Unsupported => {}
        FailureKind::Fault => {
            let rule = match failure.code.as_str() {
                "misuse" | "egress_denied" => rules::PLAN_OFFLINE,
                _ => rules::PLAN_TOTAL,
            };
            return fail(rule, shown(&failure));
        }
        _ => fail(rules::PLAN_FAILURES, format!("the kind is wrong, {}", shown(&failure))),
    }
    let nameless = failure.items.iter().filter(|item| item.field.to_string().is_empty()).count();
    if failure.items.is_empty() || nameless > 0 {
        fail(rules::PLAN_FAILURES, format!("no item names a field, {}", shown(&failure)));
    }
    if request.beyond.is_empty() {
        counts.within += 1;
        *counts.reasons.entry(reason(&failure)).or_default() += 1;
        return;
    }
    counts.beyond += 1;
    // The last part is the same whoever of package and buy is named.
    let names = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    let named: Vec<String> = failure.items.iter().map(|item| names(item.field.to_string())).collect();
    let asked: Vec<String> = request.beyond.iter().map(|problem| names(problem.field.to_string())).collect();
    if asked
        .iter()
        .any(|field| named.iter().any(|named| named.contains(field.as_str()) || field.contains(named.as_str())))
    {
        counts.refused += 1;
    } else {
        fail(
            rules::PLAN_REFUSES,
            format!("was refused for {}, and not for {}: {}", named.join(", "), asked.join(", "), shown(&failure)),
        );
    }
}

/// Returns a reason in which nothing is one package's own.
fn reason(failure: &Failure) -> String {
    match failure.items.first() {
        None => failure.message.clone(),
        Some(item) => {
            let field = item.field.to_string();
            let last = field.rsplit('/').next().unwrap_or_default();
            let value = item.value.as_deref().unwrap_or_default();
            format!("{last} {value:?}: {}", item.message)
        }
    }
}

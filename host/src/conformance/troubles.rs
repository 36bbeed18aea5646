//! Operations that are interrupted: at each commit of their journal and at each of their requests.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    bench::{Lane, shown},
    proxy::{Fault, Seen},
    report::Notebook,
    rules::{self, Rule},
    work::{Tally, Task, Work, prepared, rejected, tally},
};
use crate::domain::{
    failure::{Failure, FailureKind},
    operation::LegOutcome,
};

/// How often an operation is run again before it is given up. Each run may lose one more answer.
const RUNS: usize = 6;

/// The shortest time that a call gets whose ad server is too slow.
const SHORTEST: Duration = Duration::from_millis(600);

/// What ends a run.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// The host dies at this place of its journal.
    Commit(usize),
    /// This request fails.
    Request(usize, Fault),
}

impl Trouble {
    /// Whether the ad server or the network will be better at the next run, so that nothing may be
    /// taken for refused.
    const fn passes(self) -> bool {
        !matches!(self, Self::Request(_, Fault::Answered(302) | Fault::EmptyBody))
    }
}

/// How an operation goes without any trouble.
#[derive(Debug)]
struct Undisturbed {
    tally: Tally,
    places: usize,
    requests: Vec<Seen>,
    took: Duration,
}

/// What became of one case.
enum Became {
    /// Everything is as it is without trouble.
    Whole,
    /// The failure is final, as is allowed for this trouble.
    Refused,
    /// A person has to look.
    Asked,
}

const fn crash_rule(work: Work) -> &'static Rule {
    match work {
        Work::Create => rules::CRASH_CREATE,
        Work::Creatives => rules::CRASH_CREATIVES,
        Work::Update => rules::CRASH_UPDATE,
        Work::Cancel => rules::CRASH_CANCEL,
    }
}

const fn answers_rule(work: Work) -> &'static Rule {
    match work {
        Work::Create => rules::ANSWERS_CREATE,
        Work::Creatives => rules::ANSWERS_CREATIVES,
        Work::Update => rules::ANSWERS_UPDATE,
        Work::Cancel => rules::ANSWERS_CANCEL,
    }
}

/// Interrupts an operation everywhere.
pub(super) async fn interrupt(lanes: &mut [Lane<'_>], notebook: &Notebook, work: Work) {
    let (crash, answers) = (crash_rule(work), answers_rule(work));
    if !notebook.wants(crash.id) && !notebook.wants(answers.id) {
        return;
    }
    let Some(first) = lanes.first() else { return };
    let undisturbed = match undisturbed(first, work).await {
        Ok(undisturbed) => undisturbed,
        Err(why) => {
            notebook.fail(crash, format!("without any trouble: {why}"));
            return;
        }
    };
    let cases = cases(notebook, work, &undisturbed);
    let queue: Mutex<VecDeque<(&'static Rule, Trouble)>> = Mutex::new(cases.into());
    let counts = Mutex::new([(crash, 0, 0, 0), (answers, 0, 0, 0)]);
    let work_off = lanes.iter_mut().map(async |lane| {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((rule, trouble)) = next else { return };
            let became = Box::pin(case(lane, work, trouble, &undisturbed)).await;
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(count) = counts.iter_mut().find(|count| count.0 == rule) else { continue };
            count.1 += 1;
            match became {
                Ok(Became::Whole) => {}
                Ok(Became::Refused) => count.2 += 1,
                Ok(Became::Asked) => count.3 += 1,
                Err(why) => notebook.fail(rule, why),
            }
        }
    });
    futures::future::join_all(work_off).await;
    for (rule, tried, refused, asked) in counts.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if tried > 0 {
            let refused = if refused > 0 { format!(", {refused} of them ended as refused") } else { String::new() };
            let asked = if asked > 0 { format!(", {asked} ask a person") } else { String::new() };
            let (places, requests) = (undisturbed.places, undisturbed.requests.len());
            notebook.seen(rule, format!("{tried} cases at {places} commits and {requests} requests{refused}{asked}"));
        }
    }
}

async fn undisturbed(lane: &Lane<'_>, work: Work) -> Result<Undisturbed, String> {
    let sample = prepared(lane, work).await?;
    let task = Task::of(work, lane.bench, &sample)?;
    lane.proxy.arm(None);
    let began = Instant::now();
    let outcome = task.run(lane, None).await.map_err(|failure| shown(&failure))?;
    let (took, requests, places) = (began.elapsed(), lane.proxy.seen(), task.journal.places());
    let tally = tally(lane, &task, &outcome).await?;
    Ok(Undisturbed { tally, places, requests, took })
}

fn cases(notebook: &Notebook, work: Work, undisturbed: &Undisturbed) -> Vec<(&'static Rule, Trouble)> {
    let (crash, answers) = (crash_rule(work), answers_rule(work));
    let mut cases: Vec<(&'static Rule, Trouble)> = Vec::new();
    if notebook.wants(crash.id) {
        cases.extend((0..undisturbed.places).map(|place| (crash, Trouble::Commit(place))));
    }
    let late = Fault::Delayed(Duration::from_secs(3_600));
    for number in 0..undisturbed.requests.len() {
        let each = |rule: &'static Rule, faults: &[Fault]| -> Vec<_> {
            let wanted = notebook.wants(rule.id);
            faults.iter().filter(|_| wanted).map(|fault| (rule, Trouble::Request(number, *fault))).collect()
        };
        cases.extend(each(crash, &[Fault::KilledBefore, Fault::KilledAfter, Fault::Dropped]));
        cases.extend(each(answers, &[429, 500, 401, 302].map(Fault::Answered)));
        cases.extend(each(answers, &[Fault::EmptyBody, late]));
    }
    cases
}

/// An operation after the run with the trouble.
struct Interrupted {
    task: Task,
    /// How the run ended. `None`: with the host.
    ended: Option<Result<LegOutcome, Failure>>,
    /// Where the trouble was, in words.
    place: String,
}

/// Runs an operation of a new sample, with trouble.
async fn interrupted(
    lane: &Lane<'_>,
    work: Work,
    trouble: Trouble,
    undisturbed: &Undisturbed,
) -> Result<Interrupted, String> {
    let sample = prepared(lane, work).await?;
    let task = Task::of(work, lane.bench, &sample)?;
    let (dies_at, fault) = match trouble {
        Trouble::Commit(place) => (Some(place), None),
        Trouble::Request(number, fault) => (None, Some((number, fault))),
    };
    task.journal.next_run(dies_at);
    lane.proxy.arm(fault);
    let late = matches!(fault, Some((_, Fault::Delayed(_))));
    let within = late.then(|| SHORTEST.max(undisturbed.took * 4));
    let ended = {
        let mut run = std::pin::pin!(task.run(lane, within));
        tokio::select! {
            ended = &mut run => Some(ended),
            () = lane.proxy.killed() => {
                // Before the call is dropped: a host that is dead records nothing any more.
                task.journal.kill("a request");
                None
            }
        }
    };
    let place = match (&trouble, task.journal.died()) {
        (Trouble::Commit(_), Some(at)) => format!("the host was killed {at}"),
        (Trouble::Commit(place), None) => format!("place {place} of the journal was not reached"),
        (Trouble::Request(number, fault), _) => match lane.proxy.seen().get(*number) {
            Some(seen) => format!("request {} ({seen}): {fault}", number + 1),
            None => format!("request {}, which was not sent", number + 1),
        },
    };
    lane.proxy.arm(None);
    Ok(Interrupted { task, ended, place })
}

/// Runs one case. An error says where the trouble was and what is wrong, in words.
async fn case(lane: &mut Lane<'_>, work: Work, trouble: Trouble, undisturbed: &Undisturbed) -> Result<Became, String> {
    let Interrupted { task, ended, place } = interrupted(lane, work, trouble, undisturbed).await?;
    let told = |why: String| format!("{place}; {why}");
    if let Some(ended) = ended
        && let Some(became) = judge(trouble, ended).map_err(&told)?
    {
        return Ok(became);
    }
    // The host that was told to wait would wait; another one begins at once.
    if matches!(trouble, Trouble::Request(_, Fault::Answered(429))) {
        lane.restart().await.map_err(|error| told(error.to_string()))?;
    }
    let Some(outcome) = run_again(lane, &task).await.map_err(&told)? else { return Ok(Became::Asked) };
    let left = tally(lane, &task, &outcome).await.map_err(&told)?;
    // Where an answer was for good, something may be left out, and nothing may be there twice.
    let wrong = if trouble.passes() { left.differs(&undisturbed.tally) } else { left.exceeds(&undisturbed.tally) };
    if wrong.is_empty() {
        return Ok(Became::Whole);
    }
    Err(told(format!("after it was run again: {}", wrong.join("; "))))
}

/// Judges how the run with the trouble ended. Returns what became of the case if that is the end.
fn judge(trouble: Trouble, ended: Result<LegOutcome, Failure>) -> Result<Option<Became>, String> {
    let failure = match ended {
        Ok(outcome) => {
            let refused = rejected(&outcome);
            return match (refused.is_empty(), trouble.passes()) {
                (true, _) => Ok(None),
                (false, false) => Ok(Some(Became::Refused)),
                (false, true) => {
                    let refused: Vec<String> = refused.into_iter().collect();
                    Err(format!("an asset was reported as rejected, for good: {}", refused.join("; ")))
                }
            };
        }
        Err(failure) => failure,
    };
    let right = match (failure.kind, trouble) {
        (FailureKind::Fault, _) => false,
        (FailureKind::Unavailable | FailureKind::Unresolved, _) => true,
        (FailureKind::Permission, Trouble::Request(_, Fault::Answered(401))) => true,
        (_, trouble) => !trouble.passes(),
    };
    if !right {
        return Err(format!("the call ended with the wrong failure, {}", shown(&failure)));
    }
    Ok(match failure.kind {
        FailureKind::Unresolved => Some(Became::Asked),
        kind if kind.is_refusal() => Some(Became::Refused),
        _ => None,
    })
}

/// Runs an operation again until it succeeds. `None`: a person has to look.
async fn run_again(lane: &Lane<'_>, task: &Task) -> Result<Option<LegOutcome>, String> {
    let mut last = String::new();
    for _ in 0..RUNS {
        tokio::time::sleep(lane.bench.lookup_wait).await;
        task.journal.next_run(None);
        match task.run(lane, None).await {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(failure) if failure.kind == FailureKind::Unavailable => {
                last = shown(&failure);
                let wait = failure.retry_after_ms.unwrap_or(0).min(2_000);
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            Err(failure) if failure.kind == FailureKind::Unresolved => return Ok(None),
            Err(failure) => return Err(format!("run again, it failed: {}", shown(&failure))),
        }
    }
    Err(format!("run again {RUNS} times, it did not end: {last}"))
}

/// Cuts a create off everywhere and cancels it: nothing of it may deliver afterwards.
pub(super) async fn undo(lane: &Lane<'_>, notebook: &Notebook) {
    let rule = rules::CANCEL_HALF_WAY;
    if !notebook.wants(rule.id) {
        return;
    }
    if !lane.bench.capabilities.cancels {
        return notebook.skip(rule, "the adapter declares that nothing can be cancelled");
    }
    let undisturbed = match undisturbed(lane, Work::Create).await {
        Ok(undisturbed) => undisturbed,
        Err(why) => return notebook.fail(rule, why),
    };
    let commits = (0..undisturbed.places).map(Trouble::Commit);
    let requests = (0..undisturbed.requests.len()).map(|number| Trouble::Request(number, Fault::KilledAfter));
    let troubles: Vec<Trouble> = commits.chain(requests).collect();
    for trouble in &troubles {
        if let Err(why) = Box::pin(undone(lane, *trouble, &undisturbed)).await {
            notebook.fail(rule, why);
        }
    }
    notebook.seen(rule, format!("{} creates, cut off and cancelled", troubles.len()));
}

async fn undone(lane: &Lane<'_>, trouble: Trouble, undisturbed: &Undisturbed) -> Result<(), String> {
    let Interrupted { task, place, .. } = interrupted(lane, Work::Create, trouble, undisturbed).await?;
    let told = |why: String| format!("{place}; {why}");
    tokio::time::sleep(lane.bench.lookup_wait).await;
    let mut sample = lane.bench.sample();
    sample.buy = task.buy(lane.bench);
    let cancel = Task::of(Work::Cancel, lane.bench, &sample).map_err(&told)?;
    if run_again(lane, &cancel).await.map_err(|why| told(format!("the cancel: {why}")))?.is_none() {
        return Ok(());
    }
    let found = tally(lane, &task, &LegOutcome::default()).await.map_err(&told)?.found;
    let of_kind = |kind: &str| -> Vec<usize> {
        found.iter().filter(|(what, _)| what.contains(&format!("({kind} "))).map(|(_, active)| *active).collect()
    };
    let (orders, packages) = (of_kind("order"), of_kind("package"));
    // What is below an order that is stopped does not deliver, whether or not it was stopped itself.
    let stopped = orders.iter().all(|active| *active == 0)
        || (!packages.is_empty() && packages.iter().all(|active| *active == 0));
    if stopped {
        return Ok(());
    }
    let left: Vec<String> = found.into_iter().filter(|(_, active)| *active > 0).map(|(what, _)| what).collect();
    Err(told(format!("after the cancel, may still deliver: {}", left.join(", "))))
}

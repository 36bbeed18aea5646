//! Steps: how a change is made once, whatever crashes.
//!
//! Every change that an adapter makes on its platform stands in a step of its own. The host notes durably that a step
//! begins before any request leaves, and what came of it afterwards. When an operation is run again, after a crash, a
//! timeout or a lost answer, each step says how it stands, and this module does the right thing:
//!
//! | the step is | [`find` … `create`](Step::find) | [`no_lookup`](Step::no_lookup) | [`set`](Step::set) |
//! |---|---|---|---|
//! | fresh | creates | creates | changes |
//! | in doubt | finds, and creates what it does not find | stops: `unresolved`, a person looks | changes again |
//! | done | gives the recorded outcome | gives the recorded outcome | gives the recorded outcome |
//!
//! An earlier request may still be under way inside the ad server. As long as that may be so, the host ends the call where a
//! step in doubt would write, or says that nothing was found, and runs the operation again later: what is to be made is
//! made then, if it is still not there. Nothing is to be done about it.
//!
//! Choose `find` wherever the platform can be searched for the reference; `set` for a change that leaves the same when
//! made twice, as a `PUT` of a whole object; `no_lookup` only where there is no other way.
//!
//! One step is open at a time, a name is used once in an operation, and the same operation names the same steps in the
//! same order each time it is run: derive names from the request, never from what the platform answered,
//! nor from the context's `remote`, which grows from run to run: look at that within the step.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    failure::{REDIRECTED, Refusal},
    host::{self, StepState},
    made::{self, Seen},
    types::{Failure, FailureKind, RemoteKind, RemoteObject},
};

/// Begins the description of a step. Nothing happens until [`create`](Find::create) or its like is called.
#[must_use = "a step does nothing until it is given its change"]
pub fn step(name: impl Into<String>) -> Step<Nothing> {
    Step { name: name.into(), memory: Nothing }
}

/// A change the platform was asked for: done, or refused for good.
///
/// A refusal is recorded like a success, so that a later run gives the same answer without asking again.
pub type Verdict<T> = Result<T, Failure>;

/// A step that has a name.
#[derive(Debug)]
#[must_use = "a step does nothing until it is given its change"]
pub struct Step<M> {
    name: String,
    memory: M,
}

/// Remembers nothing of what a step made.
#[derive(Debug)]
pub struct Nothing;

/// Remembers the id of what a step made.
#[derive(Debug)]
pub struct Remembered {
    kind: RemoteKind,
    key: String,
}

/// An outcome that is, or has, the platform's id of what was made.
pub trait RemoteId {
    /// The id.
    fn remote_id(&self) -> String;
}

impl RemoteId for String {
    fn remote_id(&self) -> String {
        self.clone()
    }
}

impl RemoteId for u64 {
    fn remote_id(&self) -> String {
        self.to_string()
    }
}

impl RemoteId for i64 {
    fn remote_id(&self) -> String {
        self.to_string()
    }
}

/// What a step does with an outcome besides recording it.
pub trait Memory<T> {
    /// Called once the outcome is known: made, found or recorded by an earlier run.
    fn note(&self, outcome: &T);
}

impl<T> Memory<T> for Nothing {
    fn note(&self, _: &T) {}
}

impl<T: RemoteId> Memory<T> for Remembered {
    fn note(&self, outcome: &T) {
        host::remember(self.kind.clone(), &self.key, &outcome.remote_id());
    }
}

impl Step<Nothing> {
    /// Tells the host the id of what this step makes, so that later operations have it in `context.remote`, and a
    /// cancel too when this operation fails half-way. The key is as the contract's `remote-kind` says.
    pub fn remember(self, kind: RemoteKind, key: impl Into<String>) -> Step<Remembered> {
        Step { name: self.name, memory: Remembered { kind, key: key.into() } }
    }
}

impl<M> Step<M> {
    /// Says how to find what an earlier run may have made: all objects that carry the reference, however many.
    ///
    /// None: the step never happened, which is told to the host, and it is made. One or more: it happened; the first in
    /// the order of [`made::in_order`] is its outcome. The others are left to the host, which looks for them later, with
    /// [`find_made`](crate::Adapter::find_made), and has them stopped. Use one function for both.
    ///
    /// It is also asked, at once, for what a redirected request may have made.
    pub fn find<T, F>(self, find: F) -> Find<M, F>
    where
        F: Fn(&str) -> Result<Vec<Seen<T>>, Failure>,
    {
        Find { step: self, find }
    }

    /// Says that the platform can't be asked whether the change happened. In doubt, the operation stops and a person
    /// looks.
    pub fn no_lookup(self) -> NoLookup<M> {
        NoLookup { step: self }
    }

    /// Makes a change that is safe to make again, as setting a whole object to a given state. In doubt, it is made
    /// again.
    ///
    /// # Errors
    /// What the change fails with.
    pub fn set<T>(self, change: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        self.run(|_| Ok(Looked::Not), |_| change())
    }

    /// Like [`set`](Self::set), and records a refusal, too.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the [`Verdict`].
    pub fn try_set<T>(self, change: impl FnOnce() -> Result<T, Failure>) -> Result<Verdict<T>, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        self.try_run(|_| Ok(Looked::Not), |_| change())
    }

    fn run<T>(
        self,
        find: impl FnOnce(&str) -> Result<Looked<T>, Failure>,
        create: impl FnOnce(&str) -> Result<T, Failure>,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let outcome = match host::with(|host| host.begin(&self.name)) {
            StepState::Done(recorded) => {
                let outcome = read(&self.name, &recorded)?;
                self.memory.note(&outcome);
                return Ok(outcome);
            }
            StepState::Fresh(reference) => create(&reference)?,
            StepState::InDoubt(reference) => match find(&reference)? {
                Looked::Found(found) => found,
                Looked::Absent => {
                    host::with(|host| host.absent(&self.name));
                    create(&reference)?
                }
                Looked::Not => create(&reference)?,
            },
        };
        // Remembered first: should the host stop between the two, a cancel knows of the object, and the step is in
        // doubt and found again.
        self.memory.note(&outcome);
        finish(&self.name, &outcome)?;
        Ok(outcome)
    }

    fn try_run<T>(
        self,
        find: impl FnOnce(&str) -> Result<Looked<T>, Failure>,
        create: impl FnOnce(&str) -> Result<T, Failure>,
    ) -> Result<Verdict<T>, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let settle = |made: Result<T, Failure>| match made {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(failure) if failure.is_final() => Ok(Err(Refusal::from(failure))),
            Err(failure) => Err(failure),
        };
        let step = Step { name: self.name, memory: OfVerdict(self.memory) };
        let recorded = step.run(|reference| Ok(find(reference)?.map(Ok)), |reference| settle(create(reference)))?;
        Ok(recorded.map_err(Failure::from))
    }
}

/// What came of looking for what a step in doubt may have made.
enum Looked<T> {
    /// It is there.
    Found(T),
    /// It is not: the step never happened.
    Absent,
    /// Nobody looked: the change is safe to make again.
    Not,
}

impl<T> Looked<T> {
    fn map<U>(self, of: impl FnOnce(T) -> U) -> Looked<U> {
        match self {
            Self::Found(found) => Looked::Found(of(found)),
            Self::Absent => Looked::Absent,
            Self::Not => Looked::Not,
        }
    }
}

/// A lookup, as a step needs it: the first of all that there are.
fn looking<T: RemoteId>(
    find: impl FnOnce(&str) -> Result<Vec<Seen<T>>, Failure>,
) -> impl FnOnce(&str) -> Result<Looked<T>, Failure> {
    |reference| {
        let first = made::in_order(find(reference)?).into_iter().next();
        Ok(first.map_or(Looked::Absent, |seen| Looked::Found(seen.id)))
    }
}

/// What was made after all, if the platform redirected the request: it may have carried it out and sent on to a page about it.
fn or_found<T: RemoteId>(
    made: Result<T, Failure>,
    find: impl FnOnce() -> Result<Vec<Seen<T>>, Failure>,
) -> Result<T, Failure> {
    let redirected = match made {
        Err(failure) if failure.code == REDIRECTED => failure,
        made => return made,
    };
    match find() {
        Ok(seen) => made::in_order(seen).into_iter().next().map(|first| first.id).ok_or(redirected),
        // Where nobody can look, the step stays in doubt and is looked for again.
        Err(failure) if !failure.is_final() => Err(failure),
        Err(_) => Err(redirected),
    }
}

struct OfVerdict<M>(M);

impl<T, M: Memory<T>> Memory<Result<T, Refusal>> for OfVerdict<M> {
    fn note(&self, outcome: &Result<T, Refusal>) {
        if let Ok(outcome) = outcome {
            self.0.note(outcome);
        }
    }
}

/// A step that knows how to find what it may have made.
#[derive(Debug)]
#[must_use = "a step does nothing until it is given its change"]
pub struct Find<M, F> {
    step: Step<M>,
    find: F,
}

impl<M, F> Find<M, F> {
    /// Makes the change, unless an earlier run did. The reference goes on the object, where
    /// [`find`](Step::find) looks for it.
    ///
    /// # Errors
    /// What finding or making it fails with. Return it: the host knows by itself how the step stands then.
    pub fn create<T>(self, create: impl FnOnce(&str) -> Result<T, Failure>) -> Result<T, Failure>
    where
        F: Fn(&str) -> Result<Vec<Seen<T>>, Failure>,
        T: RemoteId + Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let find = self.find;
        self.step.run(looking(&find), |reference| or_found(create(reference), || find(reference)))
    }

    /// Like [`create`](Self::create), and records a refusal, too, so that the operation can go on with its next step.
    ///
    /// # Errors
    /// On a transient failure. A final refusal is in the [`Verdict`].
    pub fn try_create<T>(self, create: impl FnOnce(&str) -> Result<T, Failure>) -> Result<Verdict<T>, Failure>
    where
        F: Fn(&str) -> Result<Vec<Seen<T>>, Failure>,
        T: RemoteId + Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let find = self.find;
        self.step.try_run(looking(&find), |reference| or_found(create(reference), || find(reference)))
    }
}

/// A step whose change the platform can't be asked about.
#[derive(Debug)]
#[must_use = "a step does nothing until it is given its change"]
pub struct NoLookup<M> {
    step: Step<M>,
}

impl<M> NoLookup<M> {
    /// Makes the change, unless an earlier run did.
    ///
    /// # Errors
    /// What making it fails with; `unresolved` if an earlier run may have made it.
    pub fn create<T>(self, create: impl FnOnce(&str) -> Result<T, Failure>) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        M: Memory<T>,
    {
        let name = self.step.name.clone();
        self.step.run(
            |reference| {
                Err(Failure::new(
                    FailureKind::Unresolved,
                    "step_in_doubt",
                    format!(
                        "The step {name} may or may not have happened and the platform can't be asked. Look there for \
                         what carries {reference}, or for the change itself."
                    ),
                ))
            },
            create,
        )
    }
}

fn finish<T: Serialize>(name: &str, outcome: &T) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(outcome).map_err(|error| {
        Failure::new(
            FailureKind::Unresolved,
            "step_outcome_unwritable",
            format!("The step {name} happened, but its outcome can't be written down: {error}."),
        )
    })?;
    host::with(|host| host.finish(name, &bytes));
    Ok(())
}

fn read<T: DeserializeOwned>(name: &str, recorded: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(recorded).map_err(|error| {
        Failure::new(
            FailureKind::Unresolved,
            "step_outcome_unreadable",
            format!(
                "The step {name} happened, but what an earlier run recorded of it can't be read by this release of \
                 the adapter: {error}. Go back to the release that began the operation."
            ),
        )
    })
}

/// The remote objects of a buy, by kind and key.
pub trait Remote {
    /// The id of an object, if it is known.
    fn id_of(&self, kind: &RemoteKind, key: &str) -> Option<&str>;

    /// The id of the buy's order.
    fn order(&self) -> Option<&str> {
        self.id_of(&RemoteKind::Order, "")
    }

    /// The id of a package's line item.
    fn package(&self, package_id: &str) -> Option<&str> {
        self.id_of(&RemoteKind::Package, package_id)
    }
}

impl Remote for [RemoteObject] {
    fn id_of(&self, kind: &RemoteKind, key: &str) -> Option<&str> {
        self.iter().find(|object| object.kind == *kind && object.key == key).map(|object| object.id.as_str())
    }
}

//! Shares a request between concurrent callers that ask the same question: it is made once, and all
//! of them get its answer.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

type Question<V> = BoxFuture<'static, V>;

/// The requests in flight by question, each with a number that distinguishes it from later ones.
type Open<K, V> = Arc<Mutex<HashMap<K, (u64, WeakShared<Question<V>>)>>>;

/// Requests in flight.
///
/// A request runs for as long as somebody waits for its answer. If its first caller goes away, the
/// others still get the answer; if all of them go away, the request is dropped.
#[derive(Debug)]
pub struct SingleFlight<K, V: Clone> {
    open: Open<K, V>,
    numbers: AtomicU64,
}

impl<K, V: Clone> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self { open: Arc::default(), numbers: AtomicU64::new(0) }
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns the answer to a question: that of the request in flight, or otherwise that of `ask`.
    pub async fn ask<F>(&self, question: K, ask: impl FnOnce() -> F) -> V
    where
        F: Future<Output = V> + Send + 'static,
    {
        self.join(question, ask).await
    }

    fn join<F>(&self, question: K, ask: impl FnOnce() -> F) -> Shared<Question<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut open = lock(&self.open);
        if let Some(asked) = open.get(&question).and_then(|(_, asked)| asked.upgrade()) {
            return asked;
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let answer = ask();
        let forget = Forget { open: self.open.clone(), question: question.clone(), number };
        let asked = async move {
            let _forget = forget;
            answer.await
        }
        .boxed()
        .shared();
        if let Some(weak) = asked.downgrade() {
            open.insert(question, (number, weak));
        }
        asked
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes a question that was answered, or that nobody waits for any longer.
struct Forget<K: Hash + Eq, V: Clone> {
    open: Open<K, V>,
    question: K,
    number: u64,
}

impl<K: Hash + Eq, V: Clone> Drop for Forget<K, V> {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        // Somebody may have started a new request meanwhile.
        if open.get(&self.question).is_some_and(|(number, _)| *number == self.number) {
            open.remove(&self.question);
        }
    }
}

/// The maximum weight of the cache. Beyond it the cache is cleared, which only costs requests. A
/// line of a report is some hundred bytes.
const REMEMBERED_WEIGHT: usize = 200_000;

/// Requests in flight, and their answers for a while after.
#[derive(Debug)]
pub struct CachedFlight<K, V: Clone> {
    together: SingleFlight<K, V>,
    fresh_for: Duration,
    answered: Arc<Mutex<Answered<K, V>>>,
}

#[derive(Debug)]
struct Answered<K, V> {
    answers: HashMap<K, Answer<V>>,
    weight: usize,
}

#[derive(Debug)]
struct Answer<V> {
    at: Instant,
    answer: V,
    weight: usize,
}

impl<K, V> CachedFlight<K, V>
where
    K: Hash + Eq + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns a cache whose answers are fresh for this long.
    pub fn new(fresh_for: Duration) -> Self {
        let answered = Answered { answers: HashMap::new(), weight: 0 };
        Self { together: SingleFlight::default(), fresh_for, answered: Arc::new(Mutex::new(answered)) }
    }

    /// Returns the answer to a question: a fresh one from the cache, that of the request in flight,
    /// or otherwise that of `ask`. `weight` returns how much an answer weighs in the cache; `None`
    /// if it must not be cached.
    pub async fn ask<F>(&self, question: K, weight: fn(&V) -> Option<usize>, ask: impl FnOnce() -> F) -> V
    where
        F: Future<Output = V> + Send + 'static,
    {
        if let Some(answer) = self.fresh(&question, Instant::now()) {
            return answer;
        }
        let (answered, fresh_for, about) = (self.answered.clone(), self.fresh_for, question.clone());
        self.together
            .ask(question, || {
                let asking = ask();
                async move {
                    let answer = asking.await;
                    if let Some(weight) = weight(&answer).filter(|_| !fresh_for.is_zero()) {
                        lock(&answered).remember(about, answer.clone(), weight, fresh_for);
                    }
                    answer
                }
            })
            .await
    }

    fn fresh(&self, question: &K, now: Instant) -> Option<V> {
        let answered = lock(&self.answered);
        let found = answered.answers.get(question)?;
        (now.saturating_duration_since(found.at) < self.fresh_for).then(|| found.answer.clone())
    }
}

impl<K: Hash + Eq, V> Answered<K, V> {
    fn remember(&mut self, question: K, answer: V, weight: usize, fresh_for: Duration) {
        let now = Instant::now();
        if self.weight.saturating_add(weight) > REMEMBERED_WEIGHT {
            self.answers.retain(|_, old| now.saturating_duration_since(old.at) < fresh_for);
            self.weight = self.answers.values().map(|old| old.weight).sum();
        }
        if self.weight.saturating_add(weight) > REMEMBERED_WEIGHT {
            self.answers.clear();
            self.weight = 0;
        }
        self.weight = self.weight.saturating_add(weight);
        if let Some(old) = self.answers.insert(question, Answer { at: now, answer, weight }) {
            self.weight = self.weight.saturating_sub(old.weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Answers with the number of requests so far, once it is allowed to.
    #[derive(Clone, Default)]
    struct Server {
        asked: Arc<AtomicUsize>,
        let_answer: Arc<tokio::sync::Notify>,
    }

    impl Server {
        fn answer(&self) -> impl Future<Output = usize> + Send + 'static {
            let server = self.clone();
            async move {
                let count = server.asked.fetch_add(1, Ordering::SeqCst) + 1;
                server.let_answer.notified().await;
                count
            }
        }
    }

    #[tokio::test]
    async fn many_that_ask_the_same_get_one_answer_though_the_first_goes_away() {
        let (together, server) = (SingleFlight::default(), Server::default());
        let mut first = Box::pin(together.ask("one", || server.answer()));
        assert!(futures::poll!(&mut first).is_pending());
        let mut others: Vec<_> = (0..50).map(|_| Box::pin(together.ask("one", || server.answer()))).collect();
        for other in &mut others {
            assert!(futures::poll!(other).is_pending());
        }
        drop(first);
        server.let_answer.notify_one();
        for other in others {
            assert_eq!(other.await, 1);
        }
        assert!(lock(&together.open).is_empty(), "an answered question is forgotten");
    }

    #[tokio::test]
    async fn other_questions_are_asked_and_one_that_nobody_waits_for_is_given_up() {
        let (together, server) = (SingleFlight::default(), Server::default());
        let mut one = Box::pin(together.ask("one", || server.answer()));
        let mut two = Box::pin(together.ask("two", || server.answer()));
        assert!(futures::poll!(&mut one).is_pending() && futures::poll!(&mut two).is_pending());
        assert_eq!(server.asked.load(Ordering::SeqCst), 2);
        drop(one);
        assert_eq!(lock(&together.open).len(), 1);
        let mut again = Box::pin(together.ask("one", || server.answer()));
        assert!(futures::poll!(&mut again).is_pending());
        assert_eq!(server.asked.load(Ordering::SeqCst), 3, "it is asked anew");
    }

    #[tokio::test]
    async fn an_answer_is_good_for_a_while_and_a_failure_for_nobody() {
        let asked = CachedFlight::<&str, Result<usize, ()>>::new(Duration::from_secs(600));
        let count = AtomicUsize::new(0);
        let next = || count.fetch_add(1, Ordering::SeqCst);
        let weight: fn(&Result<usize, ()>) -> Option<usize> = |answer| answer.as_ref().ok().map(|_| 1);
        for _ in 0..3 {
            let failed = asked.ask("fails", weight, || {
                next();
                async { Err(()) }
            });
            assert!(failed.await.is_err());
        }
        assert_eq!(count.load(Ordering::SeqCst), 3);
        for _ in 0..3 {
            let number = next();
            let answered = asked.ask("succeeds", weight, || std::future::ready(Ok(number))).await;
            assert_eq!(answered, Ok(3));
        }
    }

    #[tokio::test]
    async fn no_more_is_remembered_than_there_is_room_for() {
        let asked = CachedFlight::<usize, usize>::new(Duration::from_secs(600));
        for question in 0..10 {
            asked.ask(question, |_| Some(REMEMBERED_WEIGHT / 4), || std::future::ready(question)).await;
            let answered = lock(&asked.answered);
            assert!(answered.weight <= REMEMBERED_WEIGHT && answered.answers.len() <= 4);
        }
    }
}

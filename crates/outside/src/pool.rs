//! Several endpoints that do the same work: each piece goes to whichever is likely to be through first, and what a sick one
//! fails at is done again by another. What the work is, and which failure speaks against an endpoint, its client says.

mod standing;

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use self::standing::{Choice, Standings};
use crate::retry::Pauses;

/// Time for a sick endpoint to say that it is well again.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// One of several that do the same work.
pub trait Endpoint: Send + Sync {
    /// Its address as people may see it.
    fn name(&self) -> String;

    /// A short look at whether it is there. A sick one is asked before it gets work again.
    fn is_well(&self) -> impl Future<Output = bool> + Send;
}

/// Whom a failure speaks against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
    /// The work: it would fail everywhere, and the endpoint that says so is well.
    Work,
    /// The endpoint: another one may do the work. Asking this one again is of no use.
    Endpoint,
    /// One of both; the endpoint only when other work ends there in the same way.
    Either,
    /// The endpoint, and only for now; it may have said for how long.
    Moment {
        /// The pause that it asked for.
        wished: Option<Duration>,
    },
}

/// How long a piece of work is tried for when no endpoint does it.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Repetitions after all endpoints have failed at it once.
    pub repetitions: u32,
    /// Pauses between the repetitions.
    pub pauses: Pauses,
    /// Whether the work is given up when the wish is longer still; else it is cut.
    pub gives_up: bool,
}

/// What an endpoint did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its address as people may see it.
    pub name: String,
    /// Pieces of work that it answered.
    pub done: u64,
    /// Pieces of work that it failed at, done elsewhere or again.
    pub failed: u64,
}

/// The endpoints, and how each stands.
#[derive(Debug)]
pub struct Pool<E> {
    members: Vec<E>,
    standings: Mutex<Standings>,
    /// Somebody became free, or well.
    changed: Notify,
}

impl<E: Endpoint> Pool<E> {
    /// At least one endpoint.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(members: Vec<E>) -> Self {
        assert!(!members.is_empty(), "a pool has an endpoint");
        let standings = Mutex::new(Standings::new(members.len()));
        Self { members, standings, changed: Notify::new() }
    }

    /// The endpoints.
    pub fn members(&self) -> &[E] {
        &self.members
    }

    /// What each did so far.
    pub fn shares(&self) -> Vec<Share> {
        let standings = self.standings();
        let named = self.members.iter().map(Endpoint::name).zip(standings.tallies());
        named.map(|(name, (done, failed))| Share { name, done, failed }).collect()
    }

    /// Notes what a look at a member has shown before any work: one that is not there is left alone for a while.
    pub fn note_missing(&self, member: usize) {
        self.standings().note_sick(member, None, Instant::now());
    }

    /// Has a piece of work done: by the endpoint that is likely to be through first, and by another when that one fails.
    ///
    /// An endpoint that has failed is left alone for a while, then looked at, and gets one piece of work to prove itself. A
    /// single endpoint is always asked.
    pub async fn work<'a, T, X, F: Future<Output = Result<T, X>>>(
        &'a self,
        patience: Patience,
        attempt: impl Fn(&'a E) -> F,
        culprit: impl Fn(&X) -> Culprit,
    ) -> Result<T, X> {
        let (mut failures, mut left) = (0, patience.repetitions);
        // Those that can never do this piece.
        let mut out = vec![false; self.members.len()];
        loop {
            let mut round = Round::without(&out);
            while let Some(turn) = self.turn(&round.tried, round.failure.is_some()).await {
                let member = turn.member;
                let started = Instant::now();
                let error = match attempt(&self.members[member]).await {
                    Ok(done) => {
                        turn.well(Some(started.elapsed()));
                        return Ok(done);
                    }
                    Err(error) => error,
                };
                let culprit = culprit(&error);
                match culprit {
                    Culprit::Work => {
                        turn.well(None);
                        return Err(error);
                    }
                    Culprit::Either => turn.in_doubt(started),
                    Culprit::Endpoint => turn.sick(None, started),
                    Culprit::Moment { wished } => {
                        turn.sick(wished.map(|wish| wish.min(patience.pauses.longest_wish)), started);
                    }
                }
                out[member] = culprit == Culprit::Endpoint;
                round.note(member, culprit, error, &patience);
            }
            let failure = round.failure.expect("somebody was asked: no turn is refused before the first failure");
            if left == 0 || !round.worth_waiting {
                return Err(failure);
            }
            // Work that fails everywhere alike is asked for as often as one endpoint would be.
            left -= left.min(if round.all_in_doubt { round.attempts } else { 1 });
            failures += 1;
            tokio::time::sleep(patience.pauses.capped(failures, round.wish)).await;
        }
    }

    /// The next endpoint to ask; `None` when all that could be asked now were. Waits for one only as long as none was asked.
    async fn turn<'a>(&'a self, tried: &[bool], has_failed: bool) -> Option<Turn<'a, E>> {
        let mut passed_over = tried.to_vec();
        let mut missing = None;
        loop {
            let changed = self.changed.notified();
            let choice = self.standings().choose(&passed_over, Instant::now());
            match choice {
                Choice::Ask { member, on_trial } => {
                    let turn = Turn { pool: self, member, over: false };
                    let look = async { timeout(LOOK_LIMIT, self.members[member].is_well()).await.unwrap_or(false) };
                    if !on_trial || look.await {
                        return Some(turn);
                    }
                    turn.sick(None, Instant::now());
                    passed_over[member] = true;
                    missing = Some(member);
                }
                Choice::Nobody => {
                    // None is there, and somebody has to say why.
                    let member = missing.filter(|_| !has_failed)?;
                    self.standings().take(member);
                    return Some(Turn { pool: self, member, over: false });
                }
                Choice::Wait(_) if has_failed => return None,
                Choice::Wait(Some(pause)) => {
                    // Whatever comes first: the end of a rest, or news of somebody.
                    let _news = timeout(pause, changed).await;
                }
                Choice::Wait(None) => changed.await,
            }
        }
    }

    fn standings(&self) -> MutexGuard<'_, Standings> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A piece of work that every endpoint is asked for once.
struct Round<X> {
    tried: Vec<bool>,
    attempts: u32,
    failure: Option<X>,
    /// Shortest pause that somebody asked for.
    wish: Option<Duration>,
    worth_waiting: bool,
    all_in_doubt: bool,
}

impl<X> Round<X> {
    fn without(out: &[bool]) -> Self {
        let tried = out.to_vec();
        Self { tried, attempts: 0, failure: None, wish: None, worth_waiting: false, all_in_doubt: true }
    }

    fn note(&mut self, member: usize, culprit: Culprit, failure: X, patience: &Patience) {
        self.tried[member] = true;
        self.attempts += 1;
        self.failure = Some(failure);
        self.all_in_doubt &= culprit == Culprit::Either;
        self.worth_waiting |= match culprit {
            Culprit::Either => true,
            Culprit::Moment { wished } => !(patience.gives_up && wished > Some(patience.pauses.longest_wish)),
            Culprit::Work | Culprit::Endpoint => false,
        };
        if let Culprit::Moment { wished } = culprit {
            self.wish = [self.wish, wished].into_iter().flatten().min();
        }
    }
}

/// An endpoint's turn at a piece of work. Work that is dropped says nothing about it.
struct Turn<'a, E: Endpoint> {
    pool: &'a Pool<E>,
    member: usize,
    over: bool,
}

impl<E: Endpoint> Turn<'_, E> {
    fn well(mut self, took: Option<Duration>) {
        self.over = true;
        self.pool.standings().note_well(self.member, took, Instant::now());
        self.pool.changed.notify_waiters();
    }

    fn in_doubt(self, since: Instant) {
        let pause = self.pool.standings().note_doubt(self.member, since, Instant::now());
        self.failed(pause);
    }

    fn sick(self, wished: Option<Duration>, since: Instant) {
        let pause = self.pool.standings().note_failed(self.member, wished, since, Instant::now());
        self.failed(pause);
    }

    fn failed(mut self, pause: Option<Duration>) {
        self.over = true;
        if let Some(pause) = pause.filter(|_| self.pool.members.len() > 1) {
            let name = self.pool.members[self.member].name();
            tracing::warn!("{name} fails: left alone for {:.1} s, its work goes elsewhere", pause.as_secs_f64());
        }
        self.pool.changed.notify_waiters();
    }
}

impl<E: Endpoint> Drop for Turn<'_, E> {
    fn drop(&mut self) {
        if !self.over {
            self.pool.standings().note_dropped(self.member);
            self.pool.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Which piece went to which worker, in order.
    type Diary = Arc<Mutex<Vec<(u32, usize)>>>;

    #[derive(Clone, Copy, PartialEq)]
    enum Habit {
        Good,
        /// Ten times slower than a good one.
        Slow,
        Busy,
        /// Dead after so many pieces.
        Mortal(usize),
    }

    struct Worker {
        habit: Habit,
        number: usize,
        asked: AtomicUsize,
        looks: AtomicUsize,
        diary: Diary,
    }

    impl Worker {
        fn is_dead(&self) -> bool {
            matches!(self.habit, Habit::Mortal(pieces) if self.asked.load(Ordering::Relaxed) > pieces)
        }

        async fn square(&self, piece: u32) -> Result<u32, &'static str> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            self.diary.lock().expect("no panic").push((piece, self.number));
            if self.is_dead() {
                return Err("dead");
            }
            match self.habit {
                Habit::Busy => return Err("busy"),
                Habit::Slow => tokio::time::sleep(Duration::from_millis(50)).await,
                Habit::Good | Habit::Mortal(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
            Ok(piece * piece)
        }
    }

    impl Endpoint for Worker {
        fn name(&self) -> String {
            self.number.to_string()
        }

        async fn is_well(&self) -> bool {
            self.looks.fetch_add(1, Ordering::Relaxed);
            !self.is_dead()
        }
    }

    fn patience(repetitions: u32) -> Patience {
        let pause = Duration::from_millis(1);
        Patience { repetitions, pauses: Pauses { first: pause, longest: pause, longest_wish: pause }, gives_up: false }
    }

    fn pool(habits: &[Habit]) -> (Pool<Worker>, Diary) {
        let diary: Diary = Arc::default();
        let worker = |(number, habit): (usize, &Habit)| Worker {
            habit: *habit,
            number,
            asked: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            diary: Arc::clone(&diary),
        };
        (Pool::new(habits.iter().enumerate().map(worker).collect()), diary)
    }

    #[tokio::test]
    async fn all_work_is_done_though_one_dies_one_is_busy_and_one_is_slow() {
        let (pool, diary) = pool(&[Habit::Good, Habit::Mortal(4), Habit::Busy, Habit::Slow]);
        let sick = |error: &&str| match *error {
            "dead" => Culprit::Endpoint,
            _ => Culprit::Moment { wished: None },
        };
        let (at_once, pool) = (tokio::sync::Semaphore::new(8), &pool);
        let pieces = (0..100).map(|piece| {
            let at_once = &at_once;
            async move {
                let _place = at_once.acquire().await.expect("never closed");
                pool.work(patience(5), |worker| worker.square(piece), sick).await
            }
        });
        let done = futures::future::join_all(pieces).await;
        assert_eq!(done, (0..100).map(|piece| Ok(piece * piece)).collect::<Vec<_>>());
        let shares = pool.shares();
        let count: Vec<u64> = shares.iter().map(|share| share.done).collect();
        assert_eq!((count.iter().sum::<u64>(), count[2]), (100, 0), "{shares:?}");
        assert!(count[1] <= 4 && count[0] > count[3] && count[3] > 0, "{shares:?}");
        let mut last = BTreeMap::new();
        for (piece, number) in diary.lock().expect("no panic").iter() {
            assert_ne!(last.insert(*piece, *number), Some(*number), "piece {piece} went to {number} twice in a row");
        }
    }

    #[tokio::test]
    async fn work_that_nobody_does_ends_with_the_reason() {
        let (pool, diary) = pool(&[Habit::Busy, Habit::Busy]);
        let error = pool.work(patience(2), |worker| worker.square(3), |_| Culprit::Moment { wished: None }).await;
        assert_eq!(error, Err("busy"));
        let asked = diary.lock().expect("no panic").len();
        assert!((2..=6).contains(&asked), "each at most once a round: {asked}");
        let error = pool.work(patience(2), |worker| worker.square(4), |_| Culprit::Work).await;
        assert_eq!(error, Err("busy"));
        let now = diary.lock().expect("no panic").len();
        assert_eq!(now - asked, 1, "what would fail everywhere is asked for once");
    }
}

//! A connection that waits when the node has had enough of us: the question is asked again after the pause the node asks
//! for, and all others that were refused queue up behind it, so that no crowd comes back at once.
//! Never repeats a submission: what that means is known to the one who submits.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{Mutex, broadcast};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::limit::{Pauses, RateLimit};
use super::{Notifications, Reply, Rpc, RpcError};
use crate::event::Event;

/// A pause is told of when it is the first or at least this long: a line a second is nothing to read.
const WORTH_TELLING: Duration = Duration::from_secs(5);

/// A connection, and how long a refused question is repeated over it.
pub(crate) struct Patient {
    inner: Box<dyn Rpc>,
    patience: Duration,
    pauses: Pauses,
    news: broadcast::Sender<Event>,
    /// Held by the one refused question that is being asked again.
    turn: Mutex<Turn>,
}

struct Turn {
    not_before: Instant,
    told: bool,
}

impl Patient {
    pub(crate) fn new(inner: Box<dyn Rpc>, patience: Duration, pauses: Pauses, news: broadcast::Sender<Event>) -> Self {
        let turn = Mutex::new(Turn { not_before: Instant::now(), told: false });
        Self { inner, patience, pauses, news, turn }
    }

    async fn ask_again(&self, method: &'static str, params: Vec<Value>, limit: Box<RateLimit>) -> Reply {
        let begun = Instant::now();
        let deadline = begun + self.patience;
        let given_up = |limit: Box<RateLimit>| Err(RpcError::Limited { method, limit, waited: begun.elapsed() });
        let Ok(mut turn) = timeout_at(deadline, self.turn.lock()).await else { return given_up(limit) };
        let mut pauses = self.pauses.clone();
        // The first in the queue waits; whoever comes after it has been heard asks at once.
        let mut limit = limit;
        if turn.not_before <= begun {
            turn.not_before = Instant::now() + pauses.after(&limit);
            self.tell(&mut turn, &limit, pauses.after(&limit));
        }
        loop {
            if turn.not_before > deadline {
                return given_up(limit);
            }
            sleep_until(turn.not_before).await;
            match self.inner.call(method, params.clone()).await {
                Err(RpcError::Limited { limit: again, .. }) => {
                    pauses.grow();
                    let pause = pauses.after(&again);
                    turn.not_before = Instant::now() + pause;
                    self.tell(&mut turn, &again, pause);
                    limit = again;
                }
                answered => return answered,
            }
        }
    }

    fn tell(&self, turn: &mut Turn, limit: &RateLimit, pause: Duration) {
        if !turn.told || pause >= WORTH_TELLING {
            turn.told = true;
            // Nobody has to listen.
            let _unheard = self.news.send(Event::AskedToWait { endpoint: limit.endpoint.clone(), pause });
        }
    }
}

impl Rpc for Patient {
    fn call(&self, method: &'static str, params: Vec<Value>) -> BoxFuture<'_, Reply> {
        async move {
            match self.inner.call(method, params.clone()).await {
                Err(RpcError::Limited { limit, .. }) => self.ask_again(method, params, limit).await,
                answered => answered,
            }
        }
        .boxed()
    }

    fn subscribe(
        &self,
        method: &'static str,
        params: Vec<Value>,
        unsubscribe: &'static str,
    ) -> BoxFuture<'_, Result<Notifications, RpcError>> {
        self.inner.subscribe(method, params, unsubscribe)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::rpc::scripted::ScriptedRpc;

    fn refusing(times: usize, pause: Option<Duration>) -> ScriptedRpc {
        let left = AtomicUsize::new(times);
        ScriptedRpc::new(move |_, _| {
            let refuses = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            let endpoint = "ws://node.example".parse().expect("an address");
            let limit = Box::new(RateLimit { endpoint, words: "rate limit".to_owned(), pause });
            let refusal = RpcError::Limited { method: "scripted", limit, waited: Duration::ZERO };
            if refuses { Err(refusal) } else { Ok(json!("answer")) }
        })
    }

    /// Pauses of milliseconds, so that nobody waits for the tests.
    fn patient(rpc: &ScriptedRpc, patience: Duration) -> (Patient, broadcast::Receiver<Event>) {
        let (news, heard) = broadcast::channel(16);
        let pauses =
            Pauses { own: Duration::from_millis(1), longest: Duration::from_millis(2), shortest: Duration::ZERO };
        (Patient::new(Box::new(rpc.clone()), patience, pauses, news), heard)
    }

    #[tokio::test]
    async fn a_refused_question_is_asked_until_it_is_answered() {
        let rpc = refusing(5, None);
        let (patient, mut heard) = patient(&rpc, Duration::from_mins(1));
        assert_eq!(patient.call("question", vec![]).await.expect("an answer").get(), r#""answer""#);
        assert_eq!(rpc.asked("question"), 6);
        assert!(matches!(heard.try_recv(), Ok(Event::AskedToWait { pause, .. }) if pause.as_millis() == 1));
        assert!(heard.try_recv().is_err(), "short pauses are told of once");
    }

    #[tokio::test]
    async fn a_pause_beyond_the_limit_is_not_waited_for() {
        let rpc = refusing(9, Some(Duration::from_secs(61)));
        let (patient, _heard) = patient(&rpc, Duration::from_mins(1));
        let error = patient.call("question", vec![]).await.expect_err("never answered");
        assert!(matches!(&error, RpcError::Limited { method: "question", .. }), "{error}");
        assert!(error.to_string().contains("asks for a pause of 61 s"), "{error}");
        assert_eq!(rpc.asked("question"), 1);
    }

    #[tokio::test]
    async fn a_limit_that_stays_ends_in_time() {
        let rpc = refusing(usize::MAX, None);
        let (patient, _heard) = patient(&rpc, Duration::from_millis(20));
        let error = patient.call("question", vec![]).await.expect_err("never answered");
        assert!(matches!(&error, RpcError::Limited { waited, .. } if !waited.is_zero()), "{error}");
    }

    #[tokio::test]
    async fn a_crowd_that_was_refused_comes_back_one_by_one() {
        let rpc = refusing(50, None);
        let (patient, mut heard) = patient(&rpc, Duration::from_mins(1));
        let answers = futures::future::join_all((0..50).map(|_| patient.call("question", vec![]))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(rpc.asked("question"), 100);
        assert!(heard.try_recv().is_ok() && heard.try_recv().is_err(), "one line for all of them");
    }

    #[tokio::test]
    async fn a_submission_is_never_repeated_here() {
        let rpc = refusing(1, None);
        let (patient, _heard) = patient(&rpc, Duration::from_mins(1));
        assert!(patient.subscribe("submit", vec![], "unwatch").await.is_err());
        assert_eq!(rpc.asked("submit"), 1);
    }
}

//! Time as the judge needs it: pauses between attempts and the length of a duel.
//! A value, so that tests neither wait nor depend on a watch.

use std::future::Future;
use std::time::{Duration, Instant};

/// A clock that can also wait.
pub trait Clock: Send + Sync {
    /// Time since a moment of the clock's own choice.
    fn now(&self) -> Duration;
    /// Comes back after the pause.
    fn sleep(&self, pause: Duration) -> impl Future<Output = ()> + Send;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct RealClock(Instant);

impl RealClock {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, pause: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(pause)
    }
}

/// A clock that stands still and never waits, for rehearsals.
#[derive(Debug, Clone, Copy)]
pub struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

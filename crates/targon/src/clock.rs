//! Time as a value: what waits and dates things here asks a [`Clock`].
//! A test hands in one that jumps, so nothing has to sleep to see an hour pass.

use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;

/// The time of day, the time passed, and waiting.
pub trait Clock: Send + Sync {
    /// The time of day, for dates that people and files see.
    fn now(&self) -> Timestamp;

    /// Time passed since some fixed moment; never goes back. For timeouts and costs.
    fn elapsed(&self) -> Duration;

    /// Resolves when that much time has passed.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose [`Clock::elapsed`] begins now.
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

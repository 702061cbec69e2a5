//! Time for tests that neither wait nor depend on a watch.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use gen404_outside::time::Clock;
use jiff::Timestamp;

/// A clock that stands still and never waits.
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        tokio::task::yield_now().boxed()
    }
}

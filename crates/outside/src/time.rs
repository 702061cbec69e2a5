//! Time as this tool tells it, and time as a value: what waits and dates things asks a [`Clock`].
//! A test hands in one that jumps or stands still, so nothing has to sleep to see an hour pass.

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

/// How long something takes or is ago, in two units at most: `40 s`, `12 min 05 s`, `1 h 05 min`, `2 d 02 h`.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {:02} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes:02} min"),
        (days, hours, _) => format!("{days} d {hours:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, text) in [(0, "0 s"), (65, "1 min 05 s"), (3_900, "1 h 05 min"), (180_000, "2 d 02 h")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), text);
        }
    }
}

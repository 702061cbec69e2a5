//! When to ask for the status again: often when the end is near, seldom when nothing moves.
//! Pure: times come in, waits go out.

use std::time::Duration;

/// The rhythm of polls while a batch is made.
#[derive(Debug)]
pub(crate) struct Pace {
    shortest: Duration,
    longest: Duration,
    wait: Duration,
    last: Option<(u64, Duration)>,
}

impl Pace {
    pub(crate) fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, wait: shortest, last: None }
    }

    /// The wait after a poll that found `done` of `total` at time `now` (since the batch began).
    ///
    /// With a known speed it is half of the time that is left, so the end is met soon and cheaply; without news it
    /// grows by half each time.
    pub(crate) fn after(&mut self, done: Option<u64>, total: Option<u64>, now: Duration) -> Duration {
        let moved = match (done, self.last) {
            (Some(done), Some((before, since))) if done > before => {
                Some((done, done - before, now.saturating_sub(since)))
            }
            _ => None,
        };
        if let Some(done) = done
            && self.last.is_none_or(|(before, _)| done != before)
        {
            self.last = Some((done, now));
        }
        self.wait = match (moved, total) {
            (Some((done, steps, time)), Some(total)) if done < total => {
                let left = (time / u32::try_from(steps).unwrap_or(u32::MAX))
                    .saturating_mul(u32::try_from(total - done).unwrap_or(u32::MAX));
                left / 2
            }
            (Some(_), _) => self.shortest,
            (None, _) => self.wait.saturating_mul(3) / 2,
        };
        self.wait = self.wait.clamp(self.shortest, self.longest);
        self.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Duration::from_millis(250), Duration::from_secs(10))
    }

    #[test]
    fn without_news_it_slows_down_to_the_longest_wait() {
        let mut pace = pace();
        let waits: Vec<_> =
            (0..12).map(|second| pace.after(None, None, Duration::from_secs(second)).as_millis()).collect();
        assert_eq!((waits[0], waits[11]), (375, 10_000));
        assert!(waits.is_sorted());
    }

    #[test]
    fn it_asks_sooner_the_nearer_the_end_is() {
        let mut pace = pace();
        pace.after(Some(0), Some(32), Duration::ZERO);
        // Two seconds each: 12 s are left of 26, 3 of 29, half a second of the last.
        assert_eq!(pace.after(Some(26), Some(32), Duration::from_secs(52)), Duration::from_secs(6));
        assert_eq!(pace.after(Some(29), Some(32), Duration::from_secs(58)), Duration::from_secs(3));
        assert_eq!(pace.after(Some(31), Some(32), Duration::from_secs(61)), Duration::from_millis(750));
        assert_eq!(pace.after(Some(32), Some(32), Duration::from_secs(62)), Duration::from_millis(250));
    }

    #[test]
    fn nonsense_from_the_service_does_no_harm() {
        let mut pace = pace();
        for (done, total) in [(u64::MAX, 1), (0, u64::MAX), (u64::MAX - 1, u64::MAX), (5, 0)] {
            let wait = pace.after(Some(done), Some(total), Duration::MAX);
            assert!(wait <= Duration::from_secs(10));
        }
    }
}

//! How long, how often and how much: every number of the client in one place, with where it comes from.
//! Plain values, so that a test passes short ones and never sleeps.

use std::time::Duration;

/// Limits of a run. [`Default`] is what the subnet applies, or a guess where it applies nothing or nobody would wait that long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Until `/health` answers: a minute, for who forgot to start the generator or mistyped its address. The subnet,
    /// which has just rented the machine, gives 1,800 s.
    pub start: Duration,
    /// Until the service has warmed up, the wait for `/health` included. The subnet's: four hours in all.
    pub ready: Duration,
    /// For one batch, from submission to `complete`. The subnet's watchdog: 3600 s.
    pub batch: Duration,
    /// For one small call.
    pub request: Duration,
    /// For the answer to a batch that was sent. When it does not come, the status is asked before anything is sent again.
    pub submit: Duration,
    /// Silence in the middle of `/results`. The subnet's read time-out: 180 s.
    pub silence: Duration,
    /// For one whole download.
    pub download: Duration,
    /// Downloads of one batch's results before it is given up.
    pub downloads: u32,
    /// Repetitions of a failed call, as the documented command promises: 3.
    pub retries: u32,
    /// Wait before the first repetition; it doubles up to [`Self::longest_retry`]. The subnet waits 2 to 30 s.
    pub first_retry: Duration,
    /// Longest wait between two tries.
    pub longest_retry: Duration,
    /// Longest pause that is granted to a service that asks for one (`Retry-After`).
    pub longest_pause: Duration,
    /// Shortest wait between two polls of `/status`.
    pub shortest_poll: Duration,
    /// Longest wait between two polls; the subnet polls every 10 s.
    pub longest_poll: Duration,
    /// Failed polls in a row after which a service counts as crashed; the subnet takes 18.
    pub failed_polls: u32,
    /// What an archive may hold.
    pub archive: ArchiveLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_mins(1),
            ready: Duration::from_hours(4),
            batch: Duration::from_hours(1),
            request: Duration::from_secs(30),
            submit: Duration::from_secs(30),
            silence: Duration::from_mins(3),
            download: Duration::from_mins(15),
            downloads: 5,
            retries: 3,
            first_retry: Duration::from_secs(2),
            longest_retry: Duration::from_secs(30),
            longest_pause: Duration::from_mins(5),
            shortest_poll: Duration::from_millis(100),
            longest_poll: Duration::from_secs(10),
            failed_polls: 18,
            archive: ArchiveLimits::default(),
        }
    }
}

impl Limits {
    /// Wait before repetition `number` (from 1).
    pub(crate) fn retry_wait(&self, number: u32) -> Duration {
        let doubled = self.first_retry.saturating_mul(1 << number.saturating_sub(1).min(16));
        doubled.min(self.longest_retry)
    }

    /// Wait before repetition `number`, when the service asked for a pause of its own.
    pub(crate) fn retry_wait_with(&self, number: u32, pause: Option<Duration>) -> Duration {
        self.retry_wait(number).max(pause.unwrap_or_default().min(self.longest_pause))
    }

    /// Wait before the next poll when `failed` polls in a row have failed, the last of them with a wish for a pause.
    pub(crate) fn poll_wait(&self, failed: u32, pause: Option<Duration>) -> Duration {
        let usual = self.retry_wait(failed).min(self.longest_poll);
        usual.max(pause.unwrap_or_default().min(self.longest_pause))
    }
}

/// What the subnet takes of a `/results` archive.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveLimits {
    /// Bytes of the archive: 64 MiB.
    pub bytes: u64,
    /// Entries: 100.
    pub entries: u64,
    /// Bytes of an inflated module: 1 MiB.
    pub module_bytes: u64,
    /// Bytes of an inflated `_failed.json`: 16 KiB.
    pub failures_bytes: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { bytes: 64 << 20, entries: 100, module_bytes: 1 << 20, failures_bytes: 16 << 10 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let limits = Limits::default();
        let waits: Vec<_> = (1..=6).map(|number| limits.retry_wait(number).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
        assert_eq!(limits.retry_wait(u32::MAX).as_secs(), 30);
    }

    #[test]
    fn a_wished_pause_is_granted_within_reason() {
        let limits = Limits::default();
        for (wish, retry, poll) in [(None, 8, 8), (Some(3), 8, 8), (Some(45), 45, 45), (Some(3_600), 300, 300)] {
            let wish = wish.map(Duration::from_secs);
            let waits = [limits.retry_wait_with(3, wish), limits.poll_wait(3, wish)].map(|wait| wait.as_secs());
            assert_eq!(waits, [retry, poll], "{wish:?}");
        }
        assert_eq!(limits.poll_wait(9, None).as_secs(), 10);
    }
}

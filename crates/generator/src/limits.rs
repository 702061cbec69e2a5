//! How long, how often and how much: every number of the client in one place, with where it comes from.
//! Plain values, so that a test passes short ones and never sleeps.

use std::time::Duration;

use gen404_outside::retry::Pauses;

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
    /// Waits before a repetition. The subnet waits 2 to 30 s.
    pub pauses: Pauses,
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
            pauses: Pauses {
                first: Duration::from_secs(2),
                longest: Duration::from_secs(30),
                longest_wish: Duration::from_mins(5),
            },
            shortest_poll: Duration::from_millis(100),
            longest_poll: Duration::from_secs(10),
            failed_polls: 18,
            archive: ArchiveLimits::default(),
        }
    }
}

impl Limits {
    /// Wait before the next poll when `failed` polls in a row have failed, the last of them with a wish for a pause.
    pub(crate) fn poll_wait(&self, failed: u32, wish: Option<Duration>) -> Duration {
        let pauses = Pauses { longest: self.pauses.longest.min(self.longest_poll), ..self.pauses };
        pauses.capped(failed, wish)
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
    fn polls_are_closer_together_unless_the_service_wishes_otherwise() {
        let limits = Limits::default();
        for (failed, wish, wait) in [(3, None, 8), (9, None, 10), (3, Some(45), 45), (3, Some(3_600), 300)] {
            assert_eq!(limits.poll_wait(failed, wish.map(Duration::from_secs)).as_secs(), wait, "{failed} {wish:?}");
        }
    }
}

//! Manners toward one host: few connections at a time, none while it asks to be left alone, and not all in one instant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::Url;

/// How a downloader behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Requests on their way to one host at the same time.
    pub per_host: usize,
    /// Each request waits for a random part of this before it is sent.
    pub jitter: Duration,
    /// Attempts for one file; the subnet makes two.
    pub attempts: u32,
    /// Pause between them; the subnet's is three seconds.
    pub retry_pause: Duration,
    /// The longest pause that a host is granted before its answer counts as a refusal.
    pub longest_pause: Duration,
    /// Time for one answer.
    pub time_limit: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            per_host: 10,
            jitter: Duration::from_millis(100),
            attempts: 2,
            retry_pause: Duration::from_secs(3),
            longest_pause: Duration::from_mins(1),
            time_limit: Duration::from_mins(1),
        }
    }
}

/// Hosts by name and port.
#[derive(Debug, Default)]
pub(crate) struct Hosts(Mutex<HashMap<String, Arc<Host>>>);

impl Hosts {
    pub(crate) fn of(&self, url: &Url, manners: Manners) -> Arc<Host> {
        let name = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry(name).or_insert_with(|| {
            Arc::new(Host { slots: Semaphore::new(manners.per_host.max(1)), quiet_until: Mutex::new(None) })
        });
        Arc::clone(host)
    }
}

/// One host.
#[derive(Debug)]
pub(crate) struct Host {
    slots: Semaphore,
    quiet_until: Mutex<Option<Instant>>,
}

impl Host {
    /// Waits for a turn.
    pub(crate) async fn turn(&self, jitter: Duration) -> SemaphorePermit<'_> {
        let permit = self.slots.acquire().await.expect("it is never closed");
        tokio::time::sleep(part_of(jitter)).await;
        // Somebody may have been told to wait meanwhile.
        while let Some(until) = self.quiet().filter(|until| *until > Instant::now()) {
            tokio::time::sleep_until(until).await;
        }
        permit
    }

    /// Nobody asks before this pause is over.
    pub(crate) fn leave_alone(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |known| known.max(until)));
    }

    fn quiet(&self) -> Option<Instant> {
        *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A random part of a time.
fn part_of(time: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without randomness all wait equally long, which is no harm.
    let _unlucky = getrandom::fill(&mut byte);
    time.mul_f64(f64::from(byte[0]) / 256.0)
}

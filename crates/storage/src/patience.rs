//! When a request is sent again, and how long everybody waits when the storage is busy.
//! Decides from plain values; sleeping is the caller's.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gen404_outside::retry::Pauses;
use tokio::time::Instant;

use crate::error::StorageError;

/// How often a request is sent, and how long is waited in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Most times that one request is sent.
    pub tries: u32,
    /// How long is waited in between. A storage that wishes for more is not asked again.
    pub pauses: Pauses,
}

/// Waits of 34 s all together at least; a storm that lasts longer is worth a word to the user.
impl Default for Patience {
    fn default() -> Self {
        let longest = Duration::from_mins(1);
        Self { tries: 8, pauses: Pauses { first: Duration::from_millis(250), longest, longest_wish: longest } }
    }
}

impl Patience {
    /// The wait before try number `next` (the first is 1) after this error; `None` when it is not worth it. `share` between 0 and 1
    /// spreads those who were refused at once.
    pub(crate) fn pause(&self, next: u32, error: &StorageError, share: f64, contact: Contact) -> Option<Duration> {
        if next > self.tries.min(contact.tries(error)) || !error.is_retryable() {
            return None;
        }
        let wish = if let StorageError::Busy { wished, .. } = error { *wished } else { None };
        let pause = self.pauses.granted(next - 1, wish)?;
        Some(pause + self.pauses.usual(next - 1).mul_f64(share.clamp(0.0, 1.0) / 2.0))
    }
}

/// Whether the service has answered before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contact {
    /// Not yet: its address may be wrong, and then no patience helps.
    First,
    /// It has: whatever comes between is a storm that passes.
    Standing,
}

impl Contact {
    /// Most times that a request is sent that ends like this.
    fn tries(self, error: &StorageError) -> u32 {
        match (self, error) {
            (Self::First, StorageError::Unreachable { .. }) => 1,
            // One cut may be chance. Two are the answer of something that is no storage.
            (Self::First, StorageError::BrokeOff { .. }) => 2,
            _ => u32::MAX,
        }
    }
}

/// A number between 0 and 1.
pub(crate) fn share() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}

/// Until when nobody sends anything: one who was told to slow down speaks for all.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Option<Instant>>);

impl Gate {
    fn until(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes it for a while, or for longer.
    pub(crate) fn close(&self, pause: Duration) {
        let until = Some(Instant::now() + pause);
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = (*closed).max(until);
    }

    /// Waits until it is open.
    pub(crate) async fn passed(&self) {
        while let Some(until) = self.until().filter(|until| Instant::now() < *until) {
            tokio::time::sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_follow_the_storages_wish() {
        let longest = Duration::from_secs(3);
        let pauses = Pauses { first: Duration::from_secs(1), longest, longest_wish: longest };
        let patience = Patience { tries: 5, pauses };
        let busy = |wished: Option<u64>| StorageError::Busy {
            status: StatusCode::SERVICE_UNAVAILABLE,
            wished: wished.map(Duration::from_secs),
        };
        let pause =
            |next, wished| patience.pause(next, &busy(wished), 0.0, Contact::First).map(|pause| pause.as_secs());
        assert_eq!([2, 3, 4, 5, 6].map(|next| pause(next, None)), [Some(1), Some(2), Some(3), Some(3), None]);
        assert_eq!([Some(0), Some(2), Some(4)].map(|wished| pause(2, wished)), [Some(1), Some(2), None]);
        assert_eq!(patience.pause(2, &StorageError::Clock { seconds: 1 }, 0.0, Contact::Standing), None);
        assert_eq!(patience.pause(2, &busy(None), 1.0, Contact::Standing), Some(Duration::from_millis(1500)));
    }
}

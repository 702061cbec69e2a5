//! How long to wait before a request is sent again. What is worth another try, and how often, the room that asks knows.

use std::time::Duration;

/// Waits that double from failure to failure, and what is granted to a service that wishes for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// After the first failure.
    pub first: Duration,
    /// The longest wait of our own accord.
    pub longest: Duration,
    /// The longest wait that a service may wish for (`Retry-After`).
    pub longest_wish: Duration,
}

impl Pauses {
    /// The wait after so many failures in a row, without a wish.
    pub fn usual(&self, failures: u32) -> Duration {
        self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.longest)
    }

    /// The wait that a service wishes for, or the usual one if that is longer. None when it wishes for more than is granted:
    /// asking sooner than it wants would only make it angrier.
    pub fn granted(&self, failures: u32, wish: Option<Duration>) -> Option<Duration> {
        let wish = wish.unwrap_or_default();
        (wish <= self.longest_wish).then(|| self.usual(failures).max(wish))
    }

    /// The same where giving up is worse than asking too soon: a wish is cut to what is granted.
    pub fn capped(&self, failures: u32, wish: Option<Duration>) -> Duration {
        self.usual(failures).max(wish.unwrap_or_default().min(self.longest_wish))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses = Pauses {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(30),
        longest_wish: Duration::from_mins(5),
    };

    #[test]
    fn waits_double_up_to_a_limit() {
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, u32::MAX].map(|failures| PAUSES.usual(failures).as_secs()),
            [2, 2, 4, 8, 16, 30, 30, 30]
        );
    }

    #[test]
    fn a_wish_is_granted_within_reason() {
        for (wish, granted, capped) in [
            (None, Some(8), 8),
            (Some(3), Some(8), 8),
            (Some(45), Some(45), 45),
            (Some(300), Some(300), 300),
            (Some(301), None, 300),
        ] {
            let wish = wish.map(Duration::from_secs);
            let waits = (PAUSES.granted(3, wish).map(|wait| wait.as_secs()), PAUSES.capped(3, wish).as_secs());
            assert_eq!(waits, (granted, capped), "{wish:?}");
        }
    }
}

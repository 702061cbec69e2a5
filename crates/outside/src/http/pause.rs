//! How long a server asks to be left alone: `Retry-After`, as a number of seconds or as a date.
//! Whether the wish is granted, and up to what length, is decided by the one who asks.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The pause that the headers ask for, reckoned from `now`. A date in the past is no pause at all; nonsense is `None`.
pub fn wished_pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now: Timestamp = "2026-07-01T12:00:00Z".parse().expect("a time");
        for (text, seconds) in [
            ("7", Some(7.0)),
            ("0.5", Some(0.5)),
            ("0", Some(0.0)),
            ("Wed, 01 Jul 2026 12:00:30 GMT", Some(30.0)),
            ("Wed, 01 Jul 2026 11:00:00 GMT", Some(0.0)),
            ("soon", None),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("1e300", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(wished_pause(&headers, now), seconds.map(Duration::from_secs_f64), "{text}");
        }
        assert_eq!(wished_pause(&HeaderMap::new(), now), None);
    }
}

//! How long a server asks to be left alone: `Retry-After`, as a number of seconds or as a date.
//! Whether the wish is granted, and up to what length, is decided by the one who asks.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Longer than anybody waits, and short enough to be added to a time.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// The pause that the headers ask for, reckoned from `now`, at most a year. A date in the past is no pause at all; nonsense
/// is `None`, but a number beyond all measure is not: who sends it does not want to be asked again.
pub fn wished_pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.starts_with(|first: char| first.is_ascii_digit())
        && let Ok(seconds) = text.parse::<f64>()
    {
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST));
    }
    let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default().min(LONGEST))
}

/// A pause in whole seconds, rounded up: `30 s`.
pub fn pause_in_words(pause: Duration) -> String {
    if pause >= LONGEST {
        return "a year or longer".to_owned();
    }
    format!("{} s", pause.as_secs() + u64::from(pause.subsec_nanos() > 0))
}

/// What an answer that says no adds when it asks for a pause: ` and asks to wait 30 s`.
pub fn wish_in_words(wished: Option<Duration>) -> String {
    wished.map_or_else(String::new, |pause| format!(" and asks to wait {}", pause_in_words(pause)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    /// More digits than a floating-point number takes.
    const TOO_LONG_FOR_ANY_NUMBER: &str = concat!(
        "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
        "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
        "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    );

    #[test]
    fn pauses_are_said_in_whole_seconds() {
        for (milliseconds, words) in [(0, "0 s"), (300, "1 s"), (30_000, "30 s"), (5_000_001, "5001 s")] {
            assert_eq!(pause_in_words(Duration::from_millis(milliseconds)), words);
        }
        assert_eq!(pause_in_words(LONGEST), "a year or longer");
    }

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
            ("9999999", Some(9_999_999.0)),
            ("99999999999999999999999999", Some(31_536_000.0)),
            (TOO_LONG_FOR_ANY_NUMBER, Some(31_536_000.0)),
            ("Tue, 01 Jan 2999 00:00:00 GMT", Some(31_536_000.0)),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(wished_pause(&headers, now), seconds.map(Duration::from_secs_f64), "{text}");
        }
        assert_eq!(wished_pause(&HeaderMap::new(), now), None);
    }
}

//! A server that has had enough of us for now: how it says so, and how long the next try waits.
//! Recognises and reckons only; who waits, and until when, is decided where it is known what asking again means.

use std::time::Duration;

use gen404_outside::http::wished_pause;
use gen404_outside::text::{excerpt, excerpt_of_bytes};
use jiff::Timestamp;
use jsonrpsee::ws_client::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::error::SHOWN;
use crate::network::Endpoint;

/// JSON-RPC codes that mean nothing else: the server is busy (-32009), a limit (-32005, -32029), HTTP's own (429).
const CODES: [i32; 5] = [-32_005, -32_009, -32_029, -32_429, 429];
/// What a transaction pool has to say about an extrinsic, whatever its words.
pub(crate) const POOL_CODES: std::ops::Range<i32> = 1_000..2_000;
/// How servers of many makes put it; lower case.
const WORDS: [&str; 9] = [
    "rate limit",
    "rate-limit",
    "ratelimit",
    "rate_limit",
    "too many requests",
    "requests per second",
    "request limit",
    "quota exceeded",
    "throttl",
];
/// Fields of an error's data that hold a pause in seconds.
const PAUSES: [&str; 4] = ["retry_after", "retryAfter", "retry-after", "backoff_seconds"];

/// The first pause when a server does not say how long; it doubles from one refusal to the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A server that asks for no pause gets this one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);

/// A server answers nothing for now, because it has been asked too often or has too much to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("too many requests for now ({words}{})", match pause {
    Some(pause) => format!("; it asks for a pause of {} s", pause.as_secs_f64().ceil()),
    None => String::new(),
})]
pub struct RateLimit {
    /// Who.
    pub endpoint: Endpoint,
    /// Its own words, printable.
    pub words: String,
    /// The pause that it asks for.
    pub pause: Option<Duration>,
}

impl RateLimit {
    /// The limit behind a JSON-RPC error, if it is one.
    pub(crate) fn of_error(endpoint: &Endpoint, code: i32, message: &str, data: Option<&str>) -> Option<Box<Self>> {
        let said = format!("{message} {}", data.unwrap_or_default()).to_lowercase();
        let means_it = CODES.contains(&code) || WORDS.iter().any(|words| said.contains(words)) || says_429(&said);
        if POOL_CODES.contains(&code) || !means_it {
            return None;
        }
        let words = format!("{}, code {code}", excerpt(message, SHOWN));
        Some(Box::new(Self { endpoint: endpoint.clone(), words, pause: data.and_then(pause_in) }))
    }

    /// The limit behind the head of an HTTP answer that refuses a WebSocket, if it is one.
    pub(crate) fn of_head(endpoint: &Endpoint, head: &[u8], now: Timestamp) -> Option<Box<Self>> {
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let (version, status) = split_at(lines.next()?, b' ')?;
        if !version.starts_with(b"HTTP/") || !(status.starts_with(b"429") || status.starts_with(b"503")) {
            return None;
        }
        let wish = lines
            .filter_map(|line| split_at(line, b':'))
            .find(|(name, _)| name.eq_ignore_ascii_case(b"retry-after"))
            .and_then(|(_, value)| HeaderValue::from_bytes(value).ok());
        let mut headers = HeaderMap::new();
        if let Some(wish) = wish {
            headers.insert("retry-after", wish);
        }
        let words = format!("HTTP {}", excerpt_of_bytes(status, SHOWN));
        Some(Box::new(Self { endpoint: endpoint.clone(), words, pause: wished_pause(&headers, now) }))
    }
}

/// What stands before and after the first such byte, without white space around it.
fn split_at(line: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == separator)?;
    Some((line[..at].trim_ascii(), line[at + 1..].trim_ascii()))
}

/// Whether the number 429 stands in the text, not as a part of another word or number.
fn says_429(text: &str) -> bool {
    text.match_indices("429").any(|(at, number)| {
        let letter = |c: char| c.is_alphanumeric();
        !text[..at].ends_with(letter) && !text[at + number.len()..].starts_with(letter)
    })
}

/// The pause named in an error's data.
fn pause_in(data: &str) -> Option<Duration> {
    let data: Value = serde_json::from_str(data).ok()?;
    // Some put their fields one level deeper.
    let levels = [Some(&data), data.get("rate"), data.get("data")];
    let seconds = levels.into_iter().flatten().find_map(|level| {
        PAUSES.iter().find_map(|name| match level.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            number => number.as_f64(),
        })
    })?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The pauses between one try and the next.
#[derive(Debug, Clone)]
pub(crate) struct Pauses {
    /// Where the server does not say how long.
    pub(crate) own: Duration,
    pub(crate) longest: Duration,
    pub(crate) shortest: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { own: FIRST_PAUSE, longest: LONGEST_PAUSE, shortest: SHORTEST_PAUSE }
    }
}

impl Pauses {
    /// The pause after this refusal: what the server asks for, else our own.
    pub(crate) fn after(&self, limit: &RateLimit) -> Duration {
        limit.pause.map_or(self.own, |wish| wish.max(self.shortest))
    }

    /// One more refusal in a row.
    pub(crate) fn grow(&mut self) {
        self.own = (self.own * 2).min(self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        "wss://node.example".parse().expect("an address")
    }

    #[test]
    fn limits_are_recognised_by_code_or_words() {
        let limits = [
            (-32_005, "limit exceeded"),
            (-32_005, "daily request count exceeded, request rate limited"),
            (-32_029, "Too many"),
            (-32_009, "Server is busy, try again later"),
            (-32_999, "RPC rate limit exceeded"),
            (-32_000, "Your app has exceeded its RateLimit"),
            (-32_603, "Too Many Requests"),
            (-32_000, "upstream: 429"),
            (-32_000, "HTTP status 429, please wait"),
            (429, ""),
        ];
        for (code, message) in limits {
            let limit = RateLimit::of_error(&endpoint(), code, message, None).expect(message);
            assert!(limit.words.contains(&code.to_string()), "{limit}");
        }
    }

    #[test]
    fn other_refusals_are_no_limits() {
        let others = [
            (-32_601, "Method not found"),
            (4_003, "Client error: UnknownBlock: State already discarded for 0x429a"),
            (-32_000, "block 14290 is unknown"),
            (-32_000, "0xab429 is unknown"),
            // What the chain's own pool says is never the server's limit.
            (1_010, "Invalid Transaction: Custom error: 6 (rate limit)"),
            (1_012, "Transaction is temporarily banned, too many requests"),
            (1_016, "Immediately Dropped: the pool throttles"),
        ];
        for (code, message) in others {
            assert_eq!(RateLimit::of_error(&endpoint(), code, message, None), None, "{message}");
        }
    }

    #[test]
    fn a_pause_in_the_data_is_heard() {
        let pause = |data| RateLimit::of_error(&endpoint(), -32_005, "slow down", Some(data)).expect("a limit").pause;
        assert_eq!(pause(r#"{"retry_after": 7}"#), Some(Duration::from_secs(7)));
        assert_eq!(pause(r#"{"rate":{"backoff_seconds":0.5}}"#), Some(Duration::from_millis(500)));
        assert_eq!(pause(r#"{"retryAfter":" 3 "}"#), Some(Duration::from_secs(3)));
        for nothing in [r#"{"retry_after":-1}"#, r#""later""#, "7", "", r#"{"retry_after":"soon"}"#] {
            assert_eq!(pause(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn refused_handshakes_are_recognised_with_their_pause() {
        let now: Timestamp = "2026-07-01T12:00:00Z".parse().expect("a time");
        let of = |head: &str| RateLimit::of_head(&endpoint(), head.as_bytes(), now);
        let limit = of("HTTP/1.1 429 Too Many Requests\r\nserver: x\r\nRetry-After: 7\r\n\r\n").expect("a limit");
        assert_eq!((limit.words.as_str(), limit.pause), ("HTTP 429 Too Many Requests", Some(Duration::from_secs(7))));
        let limit = of("HTTP/1.1 503 \r\nretry-after:Wed, 01 Jul 2026 12:00:30 GMT\r\n\r\n").expect("a limit");
        assert_eq!(limit.pause, Some(Duration::from_secs(30)));
        assert_eq!(of("HTTP/1.0 503 x\u{1b}[2J\n\n").expect("a limit").words, "HTTP 503 x");
        assert_eq!(of("HTTP/1.1 429 Too Many\r\nretry-after: soon\r\n\r\n").expect("a limit").pause, None);
        for other in ["HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n", "429 x", "", "\r\n"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn pauses_are_the_servers_or_grow_up_to_a_limit() {
        let limit = |pause| RateLimit { endpoint: endpoint(), words: String::new(), pause };
        let mut pauses = Pauses::default();
        let mut own = Vec::new();
        for _ in 0..6 {
            own.push(pauses.after(&limit(None)).as_secs());
            pauses.grow();
        }
        assert_eq!(own, [1, 2, 4, 8, 15, 15]);
        assert_eq!(pauses.after(&limit(Some(Duration::from_secs(99)))), Duration::from_secs(99));
        assert_eq!(pauses.after(&limit(Some(Duration::ZERO))), SHORTEST_PAUSE);
    }
}

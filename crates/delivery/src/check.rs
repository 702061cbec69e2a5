//! Asks a CDN address whether anybody can read it. GET decides, because GET is what the subnet sends; HEAD is asked first
//! and only told about. Of a file no more is read than the subnet would, and nothing is kept.

use std::fmt;
use std::time::Duration;

use gen404_outside::http::{self, RequestError, wished_pause};
use gen404_round::CdnUrl;
use jiff::Timestamp;
use reqwest::header::LOCATION;
use reqwest::{Client, Method, Response, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::error::{Asked, CdnError};
use crate::probe::{ProbeName, address};

/// The wait after a 429 that does not say how long.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// The shortest wait, whatever a server says: asking again at once is what it complains about.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// HEAD gets this part of the time: most of it is left for GET, whatever becomes of HEAD.
const PART_OF_HEAD: u32 = 3;

/// As much as the subnet takes of a module; what comes after that says nothing about its modules.
const MOST_READ: u64 = 1 << 20;

/// How an address turned out to be accessible: GET was answered with 2xx, and what it promised came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// HEAD was answered with 2xx too.
    Both,
    /// HEAD was not.
    OnlyGet {
        /// What became of it.
        head: Head,
    },
}

/// What became of HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// It was answered with this status.
    Answered(StatusCode),
    /// It was cut off, or there was no answer in time.
    NoAnswer,
}

impl Head {
    fn is_success(self) -> bool {
        matches!(self, Self::Answered(status) if status.is_success())
    }
}

/// `404`, or `no answer`.
impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(formatter, "{}", status.as_u16()),
            Self::NoAnswer => formatter.write_str("no answer"),
        }
    }
}

/// Asks for the address, or for the named file below it; any 2xx will do. Redirects are not followed, because the subnet
/// follows none. All together it takes no longer than `limit`, waiting as the server wishes included.
pub async fn check(cdn: &CdnUrl, probe: Option<&ProbeName>, limit: Duration) -> Result<Passed, CdnError> {
    let (url, shown) = address(cdn, probe);
    let asked = Asked { cdn: cdn.as_str().to_owned(), file: probe.map(|_| shown) };
    let late = CdnError::TimedOut { asked: asked.clone(), limit };
    let client = http::client().connect_timeout(limit).build();
    let client = client.map_err(|error| CdnError::Request { asked: asked.clone(), source: error.into() })?;
    let question = Question { client, url, asked, deadline: Instant::now() + limit };
    let answer = async {
        let head = tokio::time::timeout(limit / PART_OF_HEAD, question.head()).await.unwrap_or(Head::NoAnswer);
        question.get(head).await
    };
    tokio::time::timeout_at(question.deadline, answer).await.unwrap_or(Err(late))
}

struct Question {
    client: Client,
    url: Url,
    asked: Asked,
    deadline: Instant,
}

impl Question {
    /// One try: whatever comes of it, GET is asked next.
    async fn head(&self) -> Head {
        let answer = self.client.head(self.url.clone()).send().await;
        answer.map_or(Head::NoAnswer, |answer| Head::Answered(answer.status()))
    }

    async fn get(&self, head: Head) -> Result<Passed, CdnError> {
        let answer = self.answer(head).await?;
        let status = answer.status();
        tracing::debug!(status = status.as_u16(), %head, "the CDN answers");
        if !status.is_success() {
            return Err(CdnError::Refused { asked: self.asked.clone(), head, get: status });
        }
        self.read(answer).await?;
        Ok(if head.is_success() { Passed::Both } else { Passed::OnlyGet { head } })
    }

    /// The answer to GET, after waiting as long as the server wishes.
    async fn answer(&self, head: Head) -> Result<Response, CdnError> {
        loop {
            let answer = self.client.request(Method::GET, self.url.clone()).send().await;
            let answer = answer.map_err(|error| self.broken(error))?;
            let (asked, status) = (self.asked.clone(), answer.status());
            if is_challenge(&answer) {
                return Err(CdnError::Challenge { asked, status });
            }
            if is_redirect(status) {
                return Err(CdnError::Redirect { asked, status, target: target(&answer) });
            }
            let wished = wished_pause(answer.headers(), Timestamp::now());
            let Some(pause) = pause(status, wished) else { return Ok(answer) };
            if Instant::now() + pause >= self.deadline {
                return Err(CdnError::Busy { asked, status, wished });
            }
            tracing::debug!(status = status.as_u16(), %head, pause_ms = pause.as_millis(), "the CDN asks to wait");
            drop(answer);
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads as much as the subnet would. A file that ends before its announced length is of no use to anybody.
    async fn read(&self, mut answer: Response) -> Result<(), CdnError> {
        let announced = answer.content_length();
        let broke_off = |came| CdnError::BrokeOff { asked: self.asked.clone(), came, announced };
        let mut came = 0;
        while came < MOST_READ {
            match answer.chunk().await {
                Ok(Some(piece)) => came += piece.len() as u64,
                Ok(None) if announced.is_some_and(|announced| came < announced) => return Err(broke_off(came)),
                Ok(None) => break,
                Err(_) => return Err(broke_off(came)),
            }
        }
        Ok(())
    }

    fn broken(&self, error: reqwest::Error) -> CdnError {
        let (asked, source) = (self.asked.clone(), RequestError::from(error));
        match source.fault() {
            Some(fault) => CdnError::Connection { asked, fault: fault.clone() },
            None => CdnError::Request { asked, source },
        }
    }
}

/// Cloudflare says so on every page that holds a riddle for browsers, whatever its status.
pub(crate) fn is_challenge(answer: &Response) -> bool {
    answer.headers().get("cf-mitigated").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"challenge"))
}

/// The statuses that lead somewhere else; 304, for example, is of their number and leads nowhere.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// How long to wait before asking again: 429 always means that, 503 only when it says how long.
fn pause(status: StatusCode, wished: Option<Duration>) -> Option<Duration> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(wished.unwrap_or(USUAL_PAUSE).max(SHORTEST_PAUSE)),
        StatusCode::SERVICE_UNAVAILABLE => wished.map(|pause| pause.max(SHORTEST_PAUSE)),
        _ => None,
    }
}

/// Where an answer redirects to. User, password, query and fragment are left out: they may let somebody in.
pub(crate) fn target(answer: &Response) -> Option<String> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let target = answer.url().join(location).ok()?;
    // A slash at the end is often all that differs.
    let slash = if target.path().ends_with('/') { "/" } else { "" };
    Some(http::shown(&target) + slash)
}

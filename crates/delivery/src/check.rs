//! Asks a CDN address whether anybody can read it: HEAD, and GET where HEAD is refused, because GET is what the subnet sends.
//! Only asks; nothing is downloaded.

use std::time::Duration;

use gen404_outside::http::{self, connection_fault, wished_pause};
use gen404_round::CdnUrl;
use jiff::Timestamp;
use reqwest::header::LOCATION;
use reqwest::{Client, Method, Response, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::error::CdnError;
use crate::probe::{ProbeName, address};

/// The wait after a 429 that does not say how long.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// The shortest wait, whatever a server says: asking again at once is what it complains about.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// How an address turned out to be accessible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// HEAD was answered with 2xx.
    Head,
    /// HEAD was refused with this status, GET was answered with 2xx.
    OnlyGet {
        /// The answer to HEAD.
        head: u16,
    },
}

/// Asks for the address, or for the named file below it; any 2xx will do. Redirects are not followed, because the subnet
/// follows none. All together it takes no longer than `limit`, waiting as the server wishes included.
pub async fn check(cdn: &CdnUrl, probe: Option<&ProbeName>, limit: Duration) -> Result<Passed, CdnError> {
    let (url, shown) = address(cdn, probe);
    let late = CdnError::TimedOut { url: shown.clone(), limit };
    let client = http::client().connect_timeout(limit).build();
    let client = client.map_err(|source| CdnError::Request { url: shown.clone(), source })?;
    let question = Question { client, url, shown, probed: probe.is_some(), deadline: Instant::now() + limit };
    tokio::time::timeout_at(question.deadline, question.ask()).await.unwrap_or(Err(late))
}

struct Question {
    client: Client,
    url: Url,
    /// The address as it was typed.
    shown: String,
    probed: bool,
    deadline: Instant,
}

impl Question {
    async fn ask(&self) -> Result<Passed, CdnError> {
        let head = self.status(Method::HEAD).await?;
        if head.is_success() {
            return Ok(Passed::Head);
        }
        let get = self.status(Method::GET).await?;
        if get.is_success() {
            return Ok(Passed::OnlyGet { head: head.as_u16() });
        }
        Err(CdnError::Refused { url: self.shown.clone(), head, get, probed: self.probed })
    }

    /// The status of the answer, after waiting as long as the server wishes. The body is left where it is.
    async fn status(&self, method: Method) -> Result<StatusCode, CdnError> {
        loop {
            let answer = self.client.request(method.clone(), self.url.clone()).send().await;
            let answer = answer.map_err(|error| self.broken(error))?;
            let (url, status) = (self.shown.clone(), answer.status());
            tracing::debug!(%method, status = status.as_u16(), "the CDN answers");
            if is_challenge(&answer) {
                return Err(CdnError::Challenge { url, status });
            }
            if status.is_redirection() {
                return Err(CdnError::Redirect { url, status, target: target(&answer), probed: self.probed });
            }
            let Some(pause) = pause(&answer) else { return Ok(status) };
            if Instant::now() + pause >= self.deadline {
                return Err(CdnError::Busy { url, status, pause });
            }
            drop(answer);
            tokio::time::sleep(pause).await;
        }
    }

    fn broken(&self, error: reqwest::Error) -> CdnError {
        // The address is named already, and as it was typed.
        let (url, source) = (self.shown.clone(), error.without_url());
        match connection_fault(&source) {
            Some(fault) => CdnError::Connection { url, fault },
            None => CdnError::Request { url, source },
        }
    }
}

/// Cloudflare says so on every page that holds a riddle for browsers, whatever its status.
fn is_challenge(answer: &Response) -> bool {
    answer.headers().get("cf-mitigated").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"challenge"))
}

/// How long to wait before asking again: 429 always means that, 503 only when it says how long.
fn pause(answer: &Response) -> Option<Duration> {
    let wished = wished_pause(answer.headers(), Timestamp::now());
    match answer.status() {
        StatusCode::TOO_MANY_REQUESTS => Some(wished.unwrap_or(USUAL_PAUSE).max(SHORTEST_PAUSE)),
        StatusCode::SERVICE_UNAVAILABLE => wished.map(|pause| pause.max(SHORTEST_PAUSE)),
        _ => None,
    }
}

/// Where an answer redirects to. User, password, query and fragment are left out: they may let somebody in.
fn target(answer: &Response) -> Option<String> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let target = answer.url().join(location).ok()?;
    // A slash at the end is often all that differs.
    let slash = if target.path().ends_with('/') { "/" } else { "" };
    Some(http::shown(&target) + slash)
}

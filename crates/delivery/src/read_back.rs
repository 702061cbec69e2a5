//! Reads a module where everybody does, by the rules of the subnet: a plain GET, no redirect followed, at most 1 MiB, UTF-8.
//! Whether these are the right bytes is the caller's to say.

use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::http::{self, BodyError, RequestError, read_at_most, wished_pause};
use gen404_round::module_rule::MODULE_BYTES;
use gen404_round::{CdnUrl, Stem};
use jiff::Timestamp;
use reqwest::{Client, StatusCode};
use url::Url;

use crate::check::{is_challenge, is_redirect, target};

/// The longest wish for a pause that is granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why the subnet would get no module.
#[derive(Debug, thiserror::Error)]
pub enum ReadBackError {
    /// Another status than 200.
    #[error("{}", .0.as_u16())]
    Status(StatusCode),
    /// A riddle for browsers.
    #[error("{}, a Cloudflare challenge", .0.as_u16())]
    Challenge(StatusCode),
    /// It is somewhere else, where the subnet will not look.
    #[error("{}, a redirect{}", status.as_u16(), target.as_deref().map(|target| format!(" to {target}")).unwrap_or_default())]
    Redirect {
        /// The status.
        status: StatusCode,
        /// Where it leads to, without what may be secret in it.
        target: Option<String>,
    },
    /// More than the subnet takes.
    #[error("more than {MODULE_BYTES} bytes")]
    TooLarge,
    /// Not text.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// No answer, or not the whole of it.
    #[error("{0}")]
    NoAnswer(#[source] RequestError),
}

impl ReadBackError {
    /// Asking again may help: the file may be on its way, or the host tired.
    fn is_worth_a_try(&self) -> bool {
        match self {
            Self::Status(_) => true,
            Self::NoAnswer(error) => !error.is_permanent(),
            Self::Challenge(_) | Self::Redirect { .. } | Self::TooLarge | Self::NotUtf8 => false,
        }
    }
}

impl Explain for ReadBackError {
    fn blame(&self) -> Blame {
        match self {
            Self::Status(_)
            | Self::Challenge(_)
            | Self::Redirect { .. }
            | Self::TooLarge
            | Self::NotUtf8
            | Self::NoAnswer(_) => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Status(StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) => Some(
                "everybody must be able to read the bucket below the prefix without a key: allow it at the storage (public access, \
                 a bucket policy, or --acl public-read)",
            ),
            Self::Status(StatusCode::NOT_FOUND) => {
                Some("does --public-url lead to the place that --to names, with the same prefix?")
            }
            Self::Status(_) | Self::TooLarge | Self::NotUtf8 => None,
            Self::Challenge(_) => Some("switch the challenge off for this host: the subnet's client cannot solve it"),
            Self::Redirect { .. } => {
                Some("the subnet follows no redirects: give the address that it leads to, and commit that one")
            }
            Self::NoAnswer(error) => error.hint(),
        }
        .map(Hint::Borrowed)
    }
}

/// Reads modules below one address.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    cdn: CdnUrl,
    tries: u32,
    pause: Duration,
}

impl Reader {
    /// A reader that gives each module this long, and asks so many times with a pause in between.
    pub fn new(cdn: CdnUrl, limit: Duration, tries: u32, pause: Duration) -> Result<Self, RequestError> {
        let client = http::client().timeout(limit).build()?;
        Ok(Self { client, cdn, tries: tries.max(1), pause })
    }

    /// The module of a stem.
    pub async fn read(&self, stem: &Stem) -> Result<Vec<u8>, ReadBackError> {
        let text = format!("{}/{stem}.js", self.cdn.as_str().trim_end_matches('/'));
        let url: Url = text.parse().expect("an address and a stem make an address");
        let mut tried = 1;
        loop {
            let (error, wished) = match self.once(&url).await {
                Ok(bytes) => return Ok(bytes),
                Err(failure) => failure,
            };
            if tried >= self.tries || !error.is_worth_a_try() || wished.is_some_and(|wished| wished > LONGEST_PAUSE) {
                return Err(error);
            }
            tried += 1;
            tokio::time::sleep(wished.unwrap_or_default().max(self.pause)).await;
        }
    }

    async fn once(&self, url: &Url) -> Result<Vec<u8>, (ReadBackError, Option<Duration>)> {
        let failed = |error| (error, None);
        let answer = self.client.get(url.clone()).send().await;
        let answer = answer.map_err(|error| failed(ReadBackError::NoAnswer(error.into())))?;
        let status = answer.status();
        if is_challenge(&answer) {
            return Err(failed(ReadBackError::Challenge(status)));
        }
        if is_redirect(status) {
            return Err(failed(ReadBackError::Redirect { status, target: target(&answer) }));
        }
        if status != StatusCode::OK {
            let wished = wished_pause(answer.headers(), Timestamp::now());
            return Err((ReadBackError::Status(status), wished));
        }
        let bytes = read_at_most(answer, MODULE_BYTES).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => failed(ReadBackError::TooLarge),
            BodyError::BrokeOff(error) => failed(ReadBackError::NoAnswer(error)),
        })?;
        if std::str::from_utf8(&bytes).is_err() {
            return Err(failed(ReadBackError::NotUtf8));
        }
        Ok(bytes)
    }
}

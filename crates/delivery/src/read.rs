//! Reads modules from where a miner delivers them, by the rules of the subnet's downloader: a plain GET of
//! `{cdn_url}/{stem}.js` without redirects, at most 1 MiB when unpacked, any status of success, asked twice.
//!
//! Other than the subnet it waits when a host asks for it, and knows what it has read before. What a module is good for is
//! not its question.

use std::sync::Arc;
use std::time::Duration;

use gen404_outside::http::{self, ConnectionFault, RequestError, wished_pause};
use gen404_outside::text::excerpt;
use gen404_round::Stem;
use jiff::Timestamp;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::check::{is_challenge, is_redirect, target};
use crate::encoding::{self, DecodeError};
use crate::host::{Host, Hosts, Manners};
use crate::loss::{Loss, Unknown};

/// As much as the subnet takes of a module.
pub(crate) const LARGEST_MODULE: usize = 1 << 20;

/// The wait after a 429 that does not say how long.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// How often a host is granted a pause for one file.
const PAUSES: u32 = 5;

/// A longer header is nothing that is worth keeping.
const LONGEST_VALIDATOR: usize = 256;

/// What a server calls this state of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`, as sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent: by it the subnet's auditor tells who uploaded first.
    pub last_modified: Option<String>,
}

/// A module as it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its bytes, unpacked.
    pub bytes: Vec<u8>,
    /// What the server calls them.
    pub validators: Validators,
}

/// What came of reading.
#[derive(Debug)]
pub enum Told {
    /// It is there.
    There(Module),
    /// It is there, and as it was when these validators came with it.
    Unchanged,
    /// The subnet would not get it.
    Lost(Loss),
    /// Nobody knows.
    Unknown(Unknown),
}

/// Reads modules, from as many places as wanted.
#[derive(Debug)]
pub struct Downloader {
    client: Client,
    manners: Manners,
    hosts: Hosts,
}

/// Where a stem's module is: the address with its last slashes gone, as the subnet puts it together.
pub(crate) fn address(cdn_url: &str, stem: &Stem) -> Option<Url> {
    format!("{}/{stem}.js", cdn_url.trim_end_matches('/')).parse().ok()
}

impl Downloader {
    /// A downloader with these manners.
    pub fn new(manners: Manners) -> Result<Self, RequestError> {
        Ok(Self { client: http::client().build()?, manners, hosts: Hosts::default() })
    }

    /// Reads the module of a stem. What is known of it spares the bytes when nothing has changed.
    pub async fn read(&self, cdn_url: &str, stem: &Stem, known: &Validators) -> Told {
        match address(cdn_url, stem) {
            Some(url) => self.read_at(&url, known).await,
            None => Told::Lost(Loss::Status(StatusCode::NOT_FOUND)),
        }
    }

    /// Reads a module by its whole address.
    pub async fn read_at(&self, url: &Url, known: &Validators) -> Told {
        let host = self.hosts.of(url, self.manners);
        let (mut attempts, mut pauses) = (0, 0);
        loop {
            match self.once(&host, url, known).await {
                Once::Final(told) => return told,
                Once::Again(told) => {
                    attempts += 1;
                    if attempts >= self.manners.attempts.max(1) {
                        return told;
                    }
                    tokio::time::sleep(self.manners.retry_pause).await;
                }
                Once::Busy(status, wished) => {
                    let pause = wished.unwrap_or(USUAL_PAUSE);
                    pauses += 1;
                    if pause > self.manners.longest_pause || pauses > PAUSES {
                        return Told::Lost(Loss::Busy { status, wished });
                    }
                    host.leave_alone(pause);
                }
            }
        }
    }

    async fn once(&self, host: &Arc<Host>, url: &Url, known: &Validators) -> Once {
        let _turn = host.turn(self.manners.jitter).await;
        let limit = self.manners.time_limit;
        let answered = tokio::time::timeout(limit, self.ask(url, known)).await;
        answered.unwrap_or(Once::Again(Told::Unknown(Unknown::TooSlow(limit))))
    }

    async fn ask(&self, url: &Url, known: &Validators) -> Once {
        let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, encoding::ACCEPTED);
        for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Once::Again(unanswered(error.into())),
        };
        let status = answer.status();
        let was_asked_whether = known.etag.is_some() || known.last_modified.is_some();
        let wished = wished_pause(answer.headers(), Timestamp::now());
        match status {
            _ if is_challenge(&answer) => Once::Final(Told::Lost(Loss::Challenge(status))),
            StatusCode::NOT_MODIFIED if was_asked_whether => Once::Final(Told::Unchanged),
            StatusCode::TOO_MANY_REQUESTS => Once::Busy(status, wished),
            StatusCode::SERVICE_UNAVAILABLE if wished.is_some() => Once::Busy(status, wished),
            _ if is_redirect(status) => Once::Again(Told::Lost(Loss::Redirect { status, target: target(&answer) })),
            _ if !status.is_success() => Once::Again(Told::Lost(Loss::Status(status))),
            _ => body(answer).await,
        }
    }
}

enum Once {
    Final(Told),
    Again(Told),
    Busy(StatusCode, Option<Duration>),
}

/// A certificate is as bad for the subnet; anything else may be this machine's own trouble.
fn unanswered(error: RequestError) -> Told {
    match error.fault() {
        Some(fault @ ConnectionFault::Certificate(_)) => Told::Lost(Loss::Connection(fault.clone())),
        _ => Told::Unknown(Unknown::NoAnswer(error)),
    }
}

async fn body(mut answer: Response) -> Once {
    let too_large = || Once::Final(Told::Lost(Loss::TooLarge { limit: LARGEST_MODULE }));
    let announced = answer.content_length();
    if announced.is_some_and(|announced| announced > LARGEST_MODULE as u64) {
        return too_large();
    }
    let validators = validators(answer.headers());
    let encoding = header(answer.headers(), &CONTENT_ENCODING);
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(piece)) if bytes.len() + piece.len() > LARGEST_MODULE => return too_large(),
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => break,
            Err(_) => return damaged(format!("it broke off after {} bytes", bytes.len())),
        }
    }
    if let Some(announced) = announced.filter(|announced| bytes.len() as u64 != *announced) {
        return damaged(format!("it broke off after {} of {announced} bytes", bytes.len()));
    }
    match encoding::decode(bytes, encoding.as_deref(), LARGEST_MODULE) {
        Ok(bytes) => Once::Final(Told::There(Module { bytes, validators })),
        Err(DecodeError::TooLarge) => too_large(),
        Err(DecodeError::Damaged) => {
            // One of the two names that are decoded at all.
            let encoding = excerpt(&encoding.unwrap_or_default(), LONGEST_VALIDATOR);
            Once::Again(Told::Lost(Loss::Encoding { encoding }))
        }
    }
}

fn damaged(problem: String) -> Once {
    Once::Again(Told::Lost(Loss::Damaged { problem }))
}

fn validators(headers: &HeaderMap) -> Validators {
    let kept = |name| header(headers, name).filter(|value| value.len() <= LONGEST_VALIDATOR);
    Validators { etag: kept(&ETAG), last_modified: kept(&LAST_MODIFIED) }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

//! Fetches modules from the CDNs of submissions, with the limits of the subnet's downloader. Knows no stage.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};
use futures::{StreamExt as _, stream};
use gen404_outside::http::{BodyError, read_at_most};
use gen404_round::AccountId;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

/// Largest module.
const LARGEST: usize = 1 << 20;
/// Fetches at the same time.
const AT_ONCE: usize = 10;
/// Fetches of one module.
const ATTEMPTS: usize = 2;
/// Pause between two of them; the real one waits three seconds.
const PAUSE: Duration = Duration::from_millis(200);
/// Time for one fetch; the real limit is 300 s, which nobody would watch a sandbox for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A module to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whose it is.
    pub hotkey: AccountId,
    /// Of which prompt.
    pub stem: String,
    /// The whole address.
    pub url: String,
}

/// What became of an order: the module's bytes, or a reason as the state's files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Whose it is.
    pub hotkey: AccountId,
    /// Of which prompt.
    pub stem: String,
    /// Its bytes, or why there are none.
    pub module: Result<Bytes, String>,
}

/// Somebody who fetches.
#[derive(Debug, Clone)]
pub struct Courier(reqwest::Client);

impl Courier {
    /// Asks nobody yet.
    pub fn new() -> reqwest::Result<Self> {
        // Redirects are not followed: 301 is a failure, as on the real far side.
        gen404_outside::http::client().timeout(PATIENCE).build().map(Self)
    }

    /// Fetches all, in order of arrival.
    pub async fn fetch(&self, orders: Vec<Order>) -> Vec<Arrival> {
        let fetching = stream::iter(orders)
            .map(|Order { hotkey, stem, url }| async move { Arrival { module: self.one(&url).await, hotkey, stem } });
        fetching.buffer_unordered(AT_ONCE).collect().await
    }

    async fn one(&self, url: &str) -> Result<Bytes, String> {
        let mut attempt = 1;
        loop {
            match self.once(url).await {
                Err(Failure::Passing(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(module) => return Ok(module),
                Err(Failure::Passing(reason)) => return Err(format!("js_fetch_failed: {reason}")),
                Err(Failure::TooLarge) => return Err("js_too_large".to_owned()),
            }
        }
    }

    async fn once(&self, url: &str) -> Result<Bytes, Failure> {
        let request = self.0.get(url).header(ACCEPT_ENCODING, "gzip, deflate");
        let response = request.send().await.map_err(|error| Failure::Passing(name(&error)))?;
        if !response.status().is_success() {
            return Err(Failure::Passing(format!("HTTP {}", response.status().as_u16())));
        }
        if response.content_length().is_some_and(|length| length > LARGEST as u64) {
            return Err(Failure::TooLarge);
        }
        let packed =
            response.headers().get(CONTENT_ENCODING).and_then(|name| name.to_str().ok()).map(str::to_lowercase);
        let body = match read_at_most(response, LARGEST).await {
            Ok(body) => body,
            Err(BodyError::TooLarge { .. }) => return Err(Failure::TooLarge),
            // The peer closed before the end that it had announced.
            Err(BodyError::BrokeOff(_)) => return Err(Failure::Passing("RemoteProtocolError".to_owned())),
        };
        match packed.as_deref() {
            Some("gzip") => unpacked(GzDecoder::new(&body[..])),
            Some("deflate") => unpacked(ZlibDecoder::new(&body[..])),
            _ => Ok(body.into()),
        }
    }
}

/// The limit is that of the module itself.
fn unpacked(packed: impl Read) -> Result<Bytes, Failure> {
    let mut module = Vec::new();
    match packed.take(LARGEST as u64 + 1).read_to_end(&mut module) {
        Ok(_) if module.len() > LARGEST => Err(Failure::TooLarge),
        Ok(_) => Ok(module.into()),
        Err(_) => Err(Failure::Passing("DecodingError".to_owned())),
    }
}

enum Failure {
    /// Worth a second attempt.
    Passing(String),
    TooLarge,
}

/// The name that the error has on the real far side.
fn name(error: &reqwest::Error) -> String {
    let name = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "ConnectTimeout",
        (true, false) => "ReadTimeout",
        (false, true) => "ConnectError",
        (false, false) => "ReadError",
    };
    name.to_owned()
}

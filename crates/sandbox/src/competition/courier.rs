//! Fetches modules from the CDNs of submissions, with the limits of the subnet's downloader. Knows no stage.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use gen404_outside::http::{BodyError, read_at_most};
use gen404_round::AccountId;

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
pub(super) struct Order {
    pub(super) hotkey: AccountId,
    pub(super) stem: String,
    pub(super) url: String,
}

/// What became of an order: the module's bytes, or a reason as the state's files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) hotkey: AccountId,
    pub(super) stem: String,
    pub(super) module: Result<Bytes, String>,
}

/// Somebody who fetches.
#[derive(Debug, Clone)]
pub(super) struct Courier(reqwest::Client);

impl Courier {
    pub(super) fn new() -> reqwest::Result<Self> {
        // Redirects are not followed: 301 is a failure, as on the real far side.
        gen404_outside::http::client().timeout(PATIENCE).build().map(Self)
    }

    /// Fetches all, in order of arrival.
    pub(super) async fn fetch(&self, orders: Vec<Order>) -> Vec<Arrival> {
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
        let response = self.0.get(url).send().await.map_err(|error| Failure::Passing(name(&error)))?;
        if !response.status().is_success() {
            return Err(Failure::Passing(format!("HTTP {}", response.status().as_u16())));
        }
        if response.content_length().is_some_and(|length| length > LARGEST as u64) {
            return Err(Failure::TooLarge);
        }
        match read_at_most(response, LARGEST).await {
            Ok(body) => Ok(body.into()),
            Err(BodyError::TooLarge { .. }) => Err(Failure::TooLarge),
            Err(BodyError::BrokeOff(_)) => Err(Failure::Passing("ReadError".to_owned())),
        }
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

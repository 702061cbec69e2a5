//! The HTTP client: one method a call, with time limits, paging and repetition where repeating is safe.
//! It knows nothing of a pod's life; it says what the service answered.

mod answer;
mod logs;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gen404_outside::http;
use gen404_outside::retry::Pauses;
use gen404_outside::time::Clock;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{Call, TargonError};
use crate::event::{Listener, PodEvent};
use crate::key::{AccountMark, ApiKey};
use crate::names::Uid;
use crate::pod::PodSpecification;
use crate::wire::{
    Credits, Items, Offer, PublicUrl, Workload, WorkloadEvent, WorkloadState, WorkloadType, create_body,
};
pub use logs::LogLines;
pub(crate) use logs::fresh_lines;

/// The service's own address.
pub const DEFAULT_BASE_URL: &str = "https://api.targon.com";

/// The path all calls begin with.
const PREFIX: &str = "/tha/v2";

/// What one request may take, from connecting to the last byte; the official client's own limit.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// What one health check may take.
const HEALTH_LIMIT: Duration = Duration::from_secs(10);

/// How often a call that may be repeated is made in all.
const ATTEMPTS: u32 = 5;

/// Waits between the attempts. A service that asks for more is not asked again.
const PAUSES: Pauses =
    Pauses { first: Duration::from_secs(1), longest: Duration::from_secs(32), longest_wish: Duration::from_mins(1) };

/// A wait from this length on is told: nobody should wonder why nothing happens.
const TOLD_FROM: Duration = Duration::from_secs(2);

/// Between two looks at a pod.
const POLL: Duration = Duration::from_secs(5);

/// Workloads asked for in one page, as the official client does.
const PAGE: usize = 50;

/// More pages than any account has.
const MOST_PAGES: usize = 1_000;

/// Newest events matter most; more pages than these are not read.
const EVENT_PAGES: usize = 5;

/// When a call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Reading and deleting: whenever it may help.
    Safe,
    /// Deploying: only when the service certainly did nothing (429, or no connection).
    NothingHappened,
    /// Registering: whoever asks decides.
    Never,
}

impl Repeat {
    fn allows(self, error: &TargonError) -> bool {
        match self {
            Self::Safe => error.is_retryable(),
            Self::NothingHappened => {
                let nothing = matches!(error, TargonError::RateLimited { .. } | TargonError::Unreachable { .. });
                nothing && error.is_retryable()
            }
            Self::Never => false,
        }
    }
}

/// A client of the service, for one account.
#[derive(Clone)]
pub struct TargonClient {
    http: reqwest::Client,
    base: Url,
    key: Option<ApiKey>,
    clock: Arc<dyn Clock>,
    poll: Duration,
    observer: Arc<Listener<'static>>,
}

impl TargonClient {
    /// A client for that address and key. Without a key only the inventory can be read.
    ///
    /// The address must be https, or http on this machine: a key never crosses a network in the clear.
    pub fn new(base: Url, key: Option<ApiKey>, clock: Arc<dyn Clock>) -> Result<Self, TargonError> {
        let bad = |why| TargonError::BadAddress { address: http::shown(&base), why };
        match (base.scheme(), base.host()) {
            (_, None) => return Err(bad("it has no host")),
            ("https", Some(_)) => {}
            ("http", Some(_)) if http::is_this_machine(&base) => {}
            ("http", Some(_)) => return Err(bad("http would send the key readable across the network; use https")),
            _ => return Err(bad("it must begin with https://")),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(bad("it holds a user or password"));
        }
        // It follows no redirect: the key goes to the address it was meant for and nowhere else.
        let http = http::client().build().map_err(|error| TargonError::NoClient { source: error.into() })?;
        Ok(Self { http, base, key, clock, poll: POLL, observer: Arc::new(()) })
    }

    /// The same client with another time between two looks at a pod; the first wait before asking again is no longer.
    #[must_use]
    pub fn with_poll_interval(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// The same client, which tells somebody when it waits, and when it deletes a second time.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<Listener<'static>>) -> Self {
        self.observer = observer;
        self
    }

    /// Whom this client tells about its waits.
    pub(crate) fn observer(&self) -> &Listener<'_> {
        &*self.observer
    }

    /// The address, for people and for the state file.
    pub fn address(&self) -> String {
        http::shown(&self.base)
    }

    /// Which account the key belongs to, without saying the key.
    pub fn account(&self) -> Option<AccountMark> {
        self.key.as_ref().map(ApiKey::mark)
    }

    /// The time this client lives by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// What can be rented as that type. Needs no key. A 400 means that the service no longer knows the type.
    pub async fn inventory(&self, workload_type: WorkloadType) -> Result<Vec<Offer>, TargonError> {
        let query = [("type", workload_type.inventory_word())];
        self.read(Call::Inventory, "/inventory", &query).await
    }

    /// What is left on the account.
    pub async fn credits(&self) -> Result<Credits, TargonError> {
        self.read(Call::Credits, "/me/credits", &[]).await
    }

    /// Every workload of the account, all pages of it, in the service's order.
    pub async fn workloads(&self) -> Result<Vec<Workload>, TargonError> {
        self.pages(Call::List, "/workloads", &[], MOST_PAGES).await
    }

    /// Every workload of exactly that name.
    pub async fn workloads_named(&self, name: &str) -> Result<Vec<Workload>, TargonError> {
        let mut workloads = self.pages(Call::List, "/workloads", &[("name", name)], MOST_PAGES).await?;
        workloads.retain(|workload: &Workload| workload.name == name);
        Ok(workloads)
    }

    /// Registers a pod. Never repeated here: after a failure that may have happened all the same, look by name first.
    pub async fn create(&self, pod: &PodSpecification, workload_type: WorkloadType) -> Result<Workload, TargonError> {
        let body = create_body(pod, workload_type);
        let request = || {
            self.http
                .post(self.url("/workloads", &[]))
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(body.clone())
        };
        let body = self.send(Call::Create, Repeat::Never, request).await?;
        self.understand(Call::Create, &body)
    }

    /// Starts a registered pod. When the answer is lost it may have been started all the same.
    pub async fn deploy(&self, uid: &Uid) -> Result<(), TargonError> {
        let request = || self.http.post(self.url(&format!("/workloads/{uid}/deploy"), &[]));
        self.send(Call::Deploy, Repeat::NothingHappened, request).await.map(drop)
    }

    /// One workload.
    pub async fn workload(&self, uid: &Uid) -> Result<Workload, TargonError> {
        self.read(Call::Read, &format!("/workloads/{uid}"), &[]).await
    }

    /// How a workload is.
    pub async fn state(&self, uid: &Uid) -> Result<WorkloadState, TargonError> {
        self.read(Call::State, &format!("/workloads/{uid}/state"), &[]).await
    }

    /// What happened to a workload, in the service's order.
    pub async fn events(&self, uid: &Uid) -> Result<Vec<WorkloadEvent>, TargonError> {
        self.pages(Call::Events, &format!("/workloads/{uid}/events"), &[], EVENT_PAGES).await
    }

    /// Deletes a workload; one that is already gone is fine.
    pub async fn delete(&self, uid: &Uid) -> Result<(), TargonError> {
        let request = || self.http.delete(self.url(&format!("/workloads/{uid}"), &[]));
        match self.send(Call::Delete, Repeat::Safe, request).await {
            Ok(_) | Err(TargonError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The pod's own HTTP status on that path; `None` when it does not answer. Sends no key: a pod is not the service.
    pub async fn health(&self, url: &PublicUrl, path: &str) -> Option<u16> {
        let answer = self.http.get(url.join(path)).timeout(HEALTH_LIMIT).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    async fn read<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, TargonError> {
        let body = self.send(call, Repeat::Safe, || self.http.get(self.url(path, query))).await?;
        self.understand(call, &body)
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        query: &[(&str, &str)],
        most: usize,
    ) -> Result<Vec<T>, TargonError> {
        let limit = PAGE.to_string();
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut cursor: Option<String> = None;
        for _ in 0..most {
            let mut query = query.to_vec();
            query.push(("limit", &limit));
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let page: Items<T> = self.read(call, path, &query).await?;
            let items = page.items.unwrap_or_default();
            if items.strange > 0 {
                tracing::warn!(count = items.strange, "{call}: entries that cannot be read were left out");
            }
            all.extend(items.entries);
            match page.next_cursor.filter(|next| !next.is_empty()) {
                None => return Ok(all),
                Some(next) if !seen.insert(next.clone()) => return Err(TargonError::EndlessPages { call }),
                Some(next) => cursor = Some(next),
            }
        }
        // Events beyond the limit are old news; a list of workloads cut short would hide what costs money.
        if call == Call::Events { Ok(all) } else { Err(TargonError::EndlessPages { call }) }
    }

    /// One call, repeated as far as that is safe.
    async fn send(
        &self,
        call: Call,
        repeat: Repeat,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Vec<u8>, TargonError> {
        let mut attempt = 0;
        loop {
            let error = match self.send_once(call, request()).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            attempt += 1;
            if attempt >= ATTEMPTS || !repeat.allows(&error) {
                return Err(error);
            }
            self.pause_after(attempt, error).await?;
        }
    }

    /// Waits before a call that failed that many times is made again, or gives the error back when the wait is too long.
    pub(crate) async fn pause_after(&self, attempts: u32, error: TargonError) -> Result<(), TargonError> {
        let pauses = Pauses { first: self.poll.min(PAUSES.first), ..PAUSES };
        let Some(pause) = pauses.granted(attempts, error.wished_pause()) else { return Err(error) };
        self.pause_for(pause, &error).await;
        Ok(())
    }

    /// Waits that long because of the error, and says so unless it is over at once.
    pub(crate) async fn pause_for(&self, pause: Duration, error: &TargonError) {
        tracing::info!(pause_ms = pause.as_millis(), "{error}; asking again");
        if pause >= TOLD_FROM {
            self.observer.on(PodEvent::Pausing { pause, error });
        }
        self.clock.sleep(pause).await;
    }

    /// The time between two looks at a pod.
    pub(crate) fn poll_interval(&self) -> Duration {
        self.poll
    }

    /// Waits until the next look at a pod.
    pub(crate) async fn pause(&self) {
        self.clock.sleep(self.poll).await;
    }

    async fn send_once(&self, call: Call, request: RequestBuilder) -> Result<Vec<u8>, TargonError> {
        let request = self.with_key(call, request)?.header(reqwest::header::ACCEPT, "application/json");
        let answer = request.timeout(REQUEST_LIMIT).send().await.map_err(|error| answer::broken(call, error))?;
        let status = answer.status();
        let retry_after = http::wished_pause(answer.headers(), self.clock.now());
        tracing::debug!(status = status.as_u16(), "{call}");
        let body = answer::read_body(call, answer).await;
        if status.is_success() {
            return body;
        }
        // The status says enough when the rest of a refusal is lost.
        Err(answer::refusal(call, status, &body.unwrap_or_default(), retry_after, self.secret()))
    }

    fn with_key(&self, call: Call, request: RequestBuilder) -> Result<RequestBuilder, TargonError> {
        match &self.key {
            Some(key) => Ok(request.bearer_auth(key.expose().expose_secret())),
            None if call == Call::Inventory => Ok(request),
            None => Err(TargonError::KeyMissing { call }),
        }
    }

    fn secret(&self) -> &str {
        self.key.as_ref().map_or("", |key| key.expose().expose_secret())
    }

    fn understand<T: DeserializeOwned>(&self, call: Call, body: &[u8]) -> Result<T, TargonError> {
        serde_json::from_slice(body).map_err(|source| {
            let begin = answer::shown_body(body, self.secret());
            tracing::debug!(%source, body = begin, "{call}: not understood");
            TargonError::NotUnderstood { call, source }
        })
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{PREFIX}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(None);
        url.set_fragment(None);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

impl std::fmt::Debug for TargonClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TargonClient").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// The status that says a type of workload is no longer known.
pub(crate) fn type_is_gone(error: &TargonError) -> bool {
    matches!(error, TargonError::Refused { call: Call::Inventory, status, .. } if *status == StatusCode::BAD_REQUEST.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Said;

    #[test]
    fn the_wish_of_a_busy_or_unwell_service_is_heard() {
        let call = Call::List;
        let wish = Some(Duration::from_secs(7));
        let busy = TargonError::RateLimited { call, retry_after: wish };
        let unwell = TargonError::Unwell { call, status: 503, said: Said::default(), retry_after: wish };
        for error in [busy, unwell] {
            assert_eq!(PAUSES.granted(1, error.wished_pause()), wish);
        }
    }
}

//! Asking a web server for a file: conditionally, politely, and never for longer than is useful.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gen404_outside::http::{BodyError, read_at_most, wished_pause};
use reqwest::header::{ETAG, IF_NONE_MATCH, TRANSFER_ENCODING};
use reqwest::{Response, StatusCode, Version};
use url::Url;

use super::{FetchError, Fetched, Look};
use crate::cache::Kept;
use crate::content::Document;
use crate::{StateFile, StateUrl};

/// No server has a longer one; what is longer is not sent back.
const LONGEST_ETAG: usize = 256;

/// What one request came to.
enum Answer {
    /// The file.
    File { document: Document, etag: Option<String> },
    /// The file that we have is still the right one.
    Unchanged,
    /// There is no such file.
    NotThere,
}

impl Look<'_> {
    pub(super) async fn fetch_from(
        &self,
        base: &Url,
        http: &reqwest::Client,
        file: StateFile,
        kept: Option<Kept>,
    ) -> Result<Fetched, FetchError> {
        let etag = kept.as_ref().filter(|kept| kept.bytes.is_some()).and_then(|kept| kept.etag.clone());
        let answer = match self.silent.get() {
            Some(error) => Err(error.clone()),
            None => self.ask(base, http, file, etag.as_deref(), kept.is_some()).await,
        };
        let (bytes, etag, is_whole) = match (answer, kept.clone()) {
            (Err(error), None) => return Err(error),
            (Err(error), Some(kept)) => return Ok(Fetched::kept(kept, Some(error))),
            (Ok(Answer::Unchanged), Some(kept)) => (kept.bytes, kept.etag, true),
            // Nothing was asked conditionally.
            (Ok(Answer::Unchanged), None) => return Err(FetchError::Status { file: file.path(), status: 304 }),
            (Ok(Answer::NotThere), _) => (None, None, true),
            (Ok(Answer::File { document, etag }), _) => (Some(document.bytes), etag, document.is_whole),
        };
        let since = kept.filter(|kept| kept.bytes == bytes).map_or(self.now, |kept| kept.since);
        let keep = is_whole.then(|| Kept { bytes: bytes.clone(), etag, confirmed: self.now, since });
        let document = bytes.map(|bytes| Document { bytes, is_whole });
        Ok(Fetched { document, confirmed: self.now, since, stale: None, keep })
    }

    /// Asks, and again where that may help and there is nothing to fall back on.
    async fn ask(
        &self,
        base: &Url,
        http: &reqwest::Client,
        file: StateFile,
        etag: Option<&str>,
        can_fall_back: bool,
    ) -> Result<Answer, FetchError> {
        let manners = self.client.manners;
        let mut attempt = 1;
        loop {
            let (error, pause) = match self.ask_once(base, http, file, etag).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let pause = match (pause, &error) {
                (Some(wished), _) => wished,
                (None, FetchError::Status { status, .. }) if *status < 500 && *status != 429 => return Err(error),
                (None, FetchError::Body { source, .. }) if matches!(**source, BodyError::TooLarge { .. }) => {
                    return Err(error);
                }
                (None, _) => manners.retry_pause,
            };
            if can_fall_back || attempt >= manners.attempts || pause > manners.longest_pause {
                // The other files of this look would fare no better.
                if matches!(error, FetchError::Unreachable { .. } | FetchError::Busy { .. }) {
                    let _first_one_stays = self.silent.set(error.clone());
                }
                return Err(error);
            }
            tracing::debug!(%error, attempt, "asking again for a file of the competition's state");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One request; with an error comes the pause that the server wishes.
    async fn ask_once(
        &self,
        base: &Url,
        http: &reqwest::Client,
        file: StateFile,
        etag: Option<&str>,
    ) -> Result<Answer, (FetchError, Option<Duration>)> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut request = http.get(StateUrl::join(base, &file.path()));
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let path = file.path();
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return Err((FetchError::Unreachable { file: path, source: Arc::new(error.without_url()) }, None));
            }
        };
        match response.status() {
            StatusCode::OK => {
                let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
                let etag = etag.filter(|etag| etag.len() <= LONGEST_ETAG);
                let is_whole = says_where_it_ends(&response);
                let bytes = read_at_most(response, file.limit()).await;
                let bytes = bytes.map_err(|error| (FetchError::Body { file: path, source: Arc::new(error) }, None))?;
                Ok(Answer::File { document: Document { bytes, is_whole }, etag })
            }
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Answer::Unchanged),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Answer::NotThere),
            status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => {
                match wished_pause(response.headers(), self.now) {
                    Some(pause) => Err((FetchError::Busy { pause }, Some(pause))),
                    None => Err((FetchError::Status { file: path, status: status.as_u16() }, None)),
                }
            }
            status => Err((FetchError::Status { file: path, status: status.as_u16() }, None)),
        }
    }
}

/// Whether a body that breaks off would be noticed.
fn says_where_it_ends(response: &Response) -> bool {
    response.version() >= Version::HTTP_2
        || response.content_length().is_some()
        || response.headers().contains_key(TRANSFER_ENCODING)
}

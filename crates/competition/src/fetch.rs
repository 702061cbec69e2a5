//! One look at the state: each file asked for at most once, conditionally, and from the cache when nobody answers.
//! What the files mean is not known here.

mod web;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::http::{BodyError, missing_authorities};
use jiff::Timestamp;

use crate::cache::{Cache, Kept, read_at_most};
use crate::content::{Content, Document, Reading};
use crate::{StateFile, StateUrl};

/// A folder's file that nobody has touched for this long is not being written.
const SETTLED: Duration = Duration::from_secs(2);

/// A client of one competition's state.
#[derive(Debug)]
pub struct StateClient {
    source: Source,
    manners: Manners,
}

#[derive(Debug)]
enum Source {
    Folder(std::path::PathBuf),
    Web { base: url::Url, http: reqwest::Client, cache: Option<Cache> },
}

/// How a client behaves toward the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Attempts in all, where there is nothing in the cache to fall back on.
    pub attempts: u32,
    /// Pause before another attempt, when the server wishes none.
    pub retry_pause: Duration,
    /// The longest wished pause that is waited for; with a longer one the server is left alone.
    pub longest_pause: Duration,
    /// Time for one file.
    pub time_limit: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            attempts: 3,
            retry_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
            time_limit: Duration::from_secs(20),
        }
    }
}

/// Why a file could not be had, and was not in the cache either.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// No answer.
    #[error("no answer for {file}")]
    Unreachable {
        /// The file.
        file: String,
        /// What happened.
        source: Arc<reqwest::Error>,
    },
    /// An answer that is neither the file nor that it is not there.
    #[error("HTTP {status} for {file}")]
    Status {
        /// The file.
        file: String,
        /// The status.
        status: u16,
    },
    /// The server wants to be left alone.
    #[error("the server wants no requests for {} s", pause.as_secs())]
    Busy {
        /// For how long.
        pause: Duration,
    },
    /// The file is too large or broke off.
    #[error("cannot read {file}")]
    Body {
        /// The file.
        file: String,
        /// What happened.
        source: Arc<BodyError>,
    },
    /// A folder's file cannot be read.
    #[error("cannot read {file}")]
    Io {
        /// The file.
        file: String,
        /// What happened.
        source: Arc<io::Error>,
    },
}

impl Explain for FetchError {
    fn blame(&self) -> Blame {
        match self {
            Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::Busy { .. }
            | Self::Body { .. }
            | Self::Io { .. } => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Unreachable { source, .. } => missing_authorities(source.as_ref()),
            Self::Status { .. } | Self::Busy { .. } | Self::Body { .. } | Self::Io { .. } => None,
        }
        .map(Hint::Borrowed)
    }
}

/// Content of a file, and how old the knowledge is.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// The content.
    pub reading: Reading<T>,
    /// When the server last said that this is the file.
    pub confirmed: Timestamp,
    /// When the file was first seen to be like this.
    pub since: Timestamp,
    /// Why this comes from the cache although the server was to be asked.
    pub stale: Option<FetchError>,
}

impl<T> Seen<T> {
    /// The content, when there is any.
    pub fn there(&self) -> Option<&T> {
        self.reading.there()
    }
}

impl StateClient {
    /// A client that keeps files in `cache`, a folder that is made when needed. Folders as a source need no cache.
    pub fn new(url: &StateUrl, cache: Option<&Path>, manners: Manners) -> Result<Self, reqwest::Error> {
        let source = match url {
            StateUrl::Folder(path) => Source::Folder(path.clone()),
            StateUrl::Web(base) => {
                let http = gen404_outside::http::client().timeout(manners.time_limit).build()?;
                Source::Web { base: base.clone(), http, cache: cache.map(|folder| Cache::new(folder, url)) }
            }
        };
        Ok(Self { source, manners })
    }

    /// Begins a look at the state as it is now.
    pub fn look(&self, now: Timestamp) -> Look<'_> {
        Look { client: self, now, requests: AtomicUsize::new(0), silent: OnceLock::new() }
    }
}

/// One look at the state. Once a server does not answer in it, it is not asked again.
#[derive(Debug)]
pub struct Look<'a> {
    client: &'a StateClient,
    now: Timestamp,
    requests: AtomicUsize,
    silent: OnceLock<FetchError>,
}

/// A file's bytes, and how old the knowledge is.
struct Fetched {
    document: Option<Document>,
    confirmed: Timestamp,
    since: Timestamp,
    stale: Option<FetchError>,
    /// What is to be kept once the bytes have proved to be the file.
    keep: Option<Kept>,
}

impl Look<'_> {
    /// The time of this look.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Requests sent so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether what was read once in this look can be read again without a request.
    pub(crate) fn has_cache(&self) -> bool {
        matches!(self.client.source, Source::Web { cache: Some(_), .. })
    }

    /// Reads a file. What was confirmed at or after `fresh_from` is taken from the cache without a question.
    pub async fn read<T: Content>(&self, file: StateFile, fresh_from: Timestamp) -> Result<Seen<T>, FetchError> {
        let fetched = match &self.client.source {
            Source::Folder(folder) => self.read_folder(folder, file)?,
            Source::Web { base, http, cache } => {
                let kept = cache.as_ref().and_then(|cache| cache.get(file));
                match kept {
                    Some(kept) if (fresh_from..=self.now).contains(&kept.confirmed) => Fetched::kept(kept, None),
                    // Boxed, or a look at ten files at once would be a large thing to hand around.
                    kept => Box::pin(self.fetch_from(base, http, file, kept)).await?,
                }
            }
        };
        let reading = match &fetched.document {
            None => Reading::NotThere,
            Some(document) => match T::read(document) {
                Ok(content) => Reading::There(content),
                Err(unreadable) => Reading::Unreadable(unreadable),
            },
        };
        // A good copy is not given up for half a file.
        if let (Some(kept), Source::Web { cache: Some(cache), .. }) = (&fetched.keep, &self.client.source)
            && !matches!(reading, Reading::Unreadable(_))
        {
            cache.put(file, kept);
        }
        Ok(Seen { reading, confirmed: fetched.confirmed, since: fetched.since, stale: fetched.stale })
    }

    fn read_folder(&self, folder: &Path, file: StateFile) -> Result<Fetched, FetchError> {
        let path = folder.join(file.path());
        let document = match read_at_most(&path, file.limit()) {
            Ok(bytes) => {
                let touched = std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
                let age = touched.and_then(|touched| SystemTime::now().duration_since(touched).ok());
                Some(Document { bytes, is_whole: age.is_some_and(|age| age >= SETTLED) })
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            Err(error) => return Err(FetchError::Io { file: file.path(), source: Arc::new(error) }),
        };
        Ok(Fetched { document, confirmed: self.now, since: self.now, stale: None, keep: None })
    }
}

impl Fetched {
    fn kept(kept: Kept, stale: Option<FetchError>) -> Self {
        // Only whole files are kept.
        let document = kept.bytes.map(|bytes| Document { bytes, is_whole: true });
        Self { document, confirmed: kept.confirmed, since: kept.since, stale, keep: None }
    }
}

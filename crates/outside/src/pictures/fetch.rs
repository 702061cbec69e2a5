//! Fetching: a few at once, tried again when that may help, pauses as the host asks, and a host that is not there left alone.
//! What becomes of a picture that cannot be had is decided by the one who wants it.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use reqwest::{Client, redirect};
use url::Url;

use super::{Format, Shelf, name_of};
use crate::disk::{Durability, write_whole};
use crate::explain::{Blame, Explain, Hint};
use crate::http::{self, BodyError, RequestError};
use crate::text::excerpt_of_bytes;

/// A host that could not be reached for so many pictures in a row, or was silent so many times in a row, is not asked any
/// more. Silence counts each time, since each time costs seconds; a refused connection is known at once and tried again.
const HOST_GIVEN_UP_AFTER: u32 = 3;
/// Redirects that are followed for one picture.
const MOST_REDIRECTS: usize = 5;

/// How much is put up with.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Pictures at once.
    pub at_once: usize,
    /// Time of one try, from connecting to the last byte.
    pub patience: Duration,
    /// Longest silence of a host that is to answer or to send on: it hangs then.
    pub silence: Duration,
    /// Tries after the first.
    pub retries: u32,
    /// Pause before the first of these, doubled for each, unless the host asks for another.
    pub pause: Duration,
    /// A host that asks for a longer pause is not asked again.
    pub longest_pause: Duration,
    /// Largest picture in bytes.
    pub largest: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            at_once: 6,
            patience: Duration::from_secs(30),
            silence: Duration::from_secs(10),
            retries: 2,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_mins(1),
            largest: 32 << 20,
        }
    }
}

/// Why a picture could not be had. None of it shows the address.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The host could not be reached, or did not answer in time.
    #[error("{}", if .0.is_timeout() { "no answer in time" } else { "cannot be reached" })]
    Unreachable(#[source] RequestError),
    /// The host answered with a status that is no success.
    #[error("the host answered {status}{}", http::wish_in_words(*.wished))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The pause it asked for.
        wished: Option<Duration>,
    },
    /// The picture broke off or is too large.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It is something else.
    #[error("not a PNG, JPEG or WebP picture{}", if begins.is_empty() { String::new() } else { format!(": {begins}") })]
    NotAPicture {
        /// How it begins.
        begins: String,
    },
    /// The host could not be reached, or was silent, too often before.
    #[error("its host is not asked any more: it did not answer {HOST_GIVEN_UP_AFTER} times in a row")]
    HostGivenUp,
    /// It cannot be kept on this disk.
    #[error("cannot be kept in {}", folder.display())]
    Disk {
        /// Where it should be.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no way to send requests at all.
    #[error("no HTTP client")]
    Client(#[source] RequestError),
}

impl FetchError {
    /// Whether the same request may succeed in a moment.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_permanent(),
            Self::Body(BodyError::BrokeOff(_)) => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502..=504),
            Self::Body(BodyError::TooLarge { .. })
            | Self::NotAPicture { .. }
            | Self::HostGivenUp
            | Self::Disk { .. }
            | Self::Client(_) => false,
        }
    }

    /// The host took the connection, or seemed to, and then said nothing for too long.
    fn is_silence(&self) -> bool {
        match self {
            Self::Unreachable(error) | Self::Body(BodyError::BrokeOff(error)) => error.is_timeout(),
            _ => false,
        }
    }
}

impl Explain for FetchError {
    fn blame(&self) -> Blame {
        match self {
            Self::Unreachable(_)
            | Self::Status { .. }
            | Self::Body(_)
            | Self::NotAPicture { .. }
            | Self::HostGivenUp => Blame::Service,
            Self::Disk { .. } | Self::Client(_) => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Unreachable(error) => error.hint(),
            Self::Status { .. }
            | Self::Body(_)
            | Self::NotAPicture { .. }
            | Self::HostGivenUp
            | Self::Disk { .. }
            | Self::Client(_) => None,
        }
        .map(Hint::Borrowed)
    }
}

/// Fetches pictures; one for all that are wanted in a run, so that it knows which hosts are dead and what was in vain.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    limits: FetchLimits,
    /// By origin.
    hosts: Mutex<BTreeMap<String, Host>>,
    /// Names of the pictures that could not be had.
    failed: Mutex<HashSet<String>>,
}

/// What is known of a host.
#[derive(Debug, Default)]
struct Host {
    /// Pictures in a row for which it could not be reached.
    unreached: u32,
    /// Tries in a row at which it was silent.
    silent: u32,
    /// Requests in flight.
    asked: u32,
}

/// What a request came to, as far as it says something of the host.
#[derive(Clone, Copy)]
enum Met {
    Answer,
    Silence,
    /// No connection, for all the tries at a picture.
    Nobody,
}

impl Fetcher {
    /// A fetcher with its own connections.
    pub fn new(limits: FetchLimits) -> Result<Self, FetchError> {
        let redirects = redirect::Policy::limited(MOST_REDIRECTS);
        let builder = http::client().redirect(redirects).timeout(limits.patience).read_timeout(limits.silence);
        let client = builder.build().map_err(|error| FetchError::Client(error.into()))?;
        Ok(Self { client, limits, hosts: Mutex::default(), failed: Mutex::default() })
    }

    /// Has every picture put on the shelf unless it is there already. Results come in the order in which they are had.
    pub fn fetch_each<'a, T: 'a>(
        &'a self,
        onto: &'a Shelf,
        wanted: impl IntoIterator<Item = (T, Url)> + 'a,
    ) -> impl Stream<Item = (T, Result<PathBuf, FetchError>)> + 'a {
        let fetches = wanted.into_iter().map(move |(who, url)| async move { (who, self.fetch(onto, &url).await) });
        futures::stream::iter(fetches).buffer_unordered(self.limits.at_once.max(1))
    }

    /// [`Self::fetch_each`], all of it.
    pub async fn fetch_all<T>(
        &self,
        onto: &Shelf,
        wanted: impl IntoIterator<Item = (T, Url)>,
    ) -> Vec<(T, Result<PathBuf, FetchError>)> {
        self.fetch_each(onto, wanted).collect().await
    }

    /// The place of the picture on the shelf; it is fetched when it is not there.
    pub async fn fetch(&self, onto: &Shelf, url: &Url) -> Result<PathBuf, FetchError> {
        if let Some(path) = onto.find(url) {
            return Ok(path);
        }
        let fetched = self.fetch_onto(onto, url).await;
        if fetched.is_err() {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(name_of(url));
        }
        fetched
    }

    /// Whether this picture could not be had already, or its host is not asked any more: asking again would be in vain.
    pub fn has_failed(&self, url: &Url) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).contains(&name_of(url));
        failed || self.is_given_up(&origin(url))
    }

    /// The hosts that are being asked now, as `https://host:port`.
    pub fn waits_for(&self) -> Vec<String> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.iter().filter(|(_, host)| host.asked > 0).map(|(origin, _)| origin.clone()).collect()
    }

    async fn fetch_onto(&self, onto: &Shelf, url: &Url) -> Result<PathBuf, FetchError> {
        let picture = self.patiently(url).await?;
        let Some(format) = Format::of(&picture) else {
            return Err(FetchError::NotAPicture { begins: excerpt_of_bytes(&picture, 60) });
        };
        let path = onto.place(url, format);
        let place = path.clone();
        let written = tokio::task::spawn_blocking(move || write_whole(&place, &picture, Durability::Whole)).await;
        let written = written.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        written.map(|()| path).map_err(|source| FetchError::Disk { folder: onto.folder.clone(), source })
    }

    /// A file that is no picture, or one that is kept elsewhere: its bytes, unchecked.
    pub async fn bytes(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        self.patiently(url).await
    }

    async fn patiently(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let host = origin(url);
        let mut pause = self.limits.pause;
        let mut left = self.limits.retries;
        loop {
            if self.is_given_up(&host) {
                return Err(FetchError::HostGivenUp);
            }
            let error = match self.once(url, &host).await {
                Ok(picture) => {
                    self.note(&host, Met::Answer);
                    return Ok(picture);
                }
                Err(error) => error,
            };
            let unreachable = matches!(error, FetchError::Unreachable(_));
            if error.is_silence() {
                self.note(&host, Met::Silence);
            } else if !unreachable {
                self.note(&host, Met::Answer);
            }
            let wished = match error {
                FetchError::Status { wished, .. } => wished,
                _ => None,
            };
            let too_long = wished.is_some_and(|wished| wished > self.limits.longest_pause);
            if left == 0 || too_long || !error.is_retryable() || self.is_given_up(&host) {
                if unreachable {
                    self.note(&host, Met::Nobody);
                }
                return Err(error);
            }
            tracing::debug!(%error, left, "fetching the picture again");
            tokio::time::sleep(wished.unwrap_or(pause)).await;
            pause *= 2;
            left -= 1;
        }
    }

    async fn once(&self, url: &Url, host: &str) -> Result<Vec<u8>, FetchError> {
        let _asking = Asking::of(self, host);
        let sent = self.client.get(url.clone()).send().await;
        let response = sent.map_err(|error| FetchError::Unreachable(error.into()))?;
        let status = response.status();
        if !status.is_success() {
            let wished = http::wished_pause(response.headers(), Timestamp::now());
            return Err(FetchError::Status { status: status.as_u16(), wished });
        }
        Ok(http::read_at_most(response, self.limits.largest).await?)
    }

    fn is_given_up(&self, host: &str) -> bool {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).is_some_and(|host| host.unreached.max(host.silent) >= HOST_GIVEN_UP_AFTER)
    }

    fn note(&self, host: &str, met: Met) {
        self.change(host, |host| match met {
            Met::Answer => (host.unreached, host.silent) = (0, 0),
            Met::Silence => host.silent += 1,
            Met::Nobody => host.unreached += 1,
        });
    }

    fn change(&self, host: &str, change: impl FnOnce(&mut Host)) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        change(hosts.entry(host.to_owned()).or_default());
    }
}

/// A request in flight, until it is dropped.
struct Asking<'a> {
    fetcher: &'a Fetcher,
    host: &'a str,
}

impl<'a> Asking<'a> {
    fn of(fetcher: &'a Fetcher, host: &'a str) -> Self {
        fetcher.change(host, |host| host.asked += 1);
        Self { fetcher, host }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.fetcher.change(self.host, |host| host.asked -= 1);
    }
}

/// Scheme, host and port; nothing that lets somebody in.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use gen404_testing::Nobody;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    /// Answers the n-th request, counted from 0, with what the script says; closes the connection after each.
    fn host(script: fn(usize) -> Vec<u8>) -> (Url, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/a.png?token=s3cret", listener.local_addr().expect("an address"));
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 4_096];
                let read = stream.read(&mut head).expect("a request");
                assert!(String::from_utf8_lossy(&head[..read]).contains(http::USER_AGENT));
                stream.write_all(&script(counter.fetch_add(1, Ordering::SeqCst))).expect("written");
            }
        });
        (url.parse().expect("a URL"), count)
    }

    fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
        [head.as_bytes(), body].concat()
    }

    fn fetcher() -> Fetcher {
        let limits = FetchLimits { pause: Duration::ZERO, largest: 100, at_once: 1, ..FetchLimits::default() };
        Fetcher::new(limits).expect("a fetcher")
    }

    async fn fetched(url: &Url) -> Result<PathBuf, FetchError> {
        let folder = tempfile::tempdir().expect("a folder");
        fetcher().fetch(&Shelf::new(folder.path()), url).await
    }

    #[tokio::test]
    async fn a_picture_is_fetched_once_and_kept_as_what_it_is() {
        let (url, count) = host(|_| answer("200 OK", "content-type: text/plain\r\n", b"\xff\xd8\xff\xe0jpeg"));
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(folder.path().join("new"));
        for _ in 0..2 {
            let path = fetcher().fetch(&shelf, &url).await.expect("fetched");
            assert_eq!(path.extension().and_then(|ending| ending.to_str()), Some("jpg"));
            assert_eq!(std::fs::read(path).expect("kept"), b"\xff\xd8\xff\xe0jpeg");
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_host_in_trouble_is_asked_again_as_it_wishes() {
        let (url, count) = host(|number| match number {
            0 => answer("429 Too Many Requests", "retry-after: 0\r\n", b""),
            1 => answer("503 Service Unavailable", "retry-after: Thu, 01 Jan 1970 00:00:00 GMT\r\n", b""),
            _ => answer("200 OK", "", PNG),
        });
        fetched(&url).await.expect("the third time");
        assert_eq!(count.load(Ordering::SeqCst), 3);

        let (url, count) = host(|_| answer("429 Too Many Requests", "retry-after: 3600\r\n", b""));
        let error = fetched(&url).await.expect_err("an hour is too long");
        assert_eq!(error.to_string(), "the host answered 429 and asks to wait 3600 s");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_is_no_picture_is_told_and_not_kept() {
        let (url, count) = host(|_| answer("200 OK", "content-type: image/png\r\n", b"<html>\n sign in</html>"));
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(folder.path());
        let error = fetcher().fetch(&shelf, &url).await.expect_err("a page");
        assert_eq!(error.to_string(), "not a PNG, JPEG or WebP picture: <html> sign in</html>");
        assert_eq!((shelf.find(&url), count.load(Ordering::SeqCst)), (None, 1));

        let (url, _) = host(|_| answer("200 OK", "", &[PNG, &[0; 100]].concat()));
        assert!(matches!(fetched(&url).await, Err(FetchError::Body(BodyError::TooLarge { limit: 100 }))));
        let (url, count) = host(|_| answer("404 Not Found", "", b""));
        assert!(matches!(fetched(&url).await, Err(FetchError::Status { status: 404, wished: None })));
        assert_eq!(count.load(Ordering::SeqCst), 1);
        let (url, count) = host(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n\x89PNG\r\n\x1a\n".to_vec());
        assert!(matches!(fetched(&url).await, Err(FetchError::Body(BodyError::BrokeOff(_)))));
        assert_eq!(count.load(Ordering::SeqCst), 3, "twice again");
    }

    #[tokio::test]
    async fn a_dead_host_is_left_alone_after_three_pictures() {
        let closed = Nobody::here();
        let folder = tempfile::tempdir().expect("a folder");
        let url = |number: u32| format!("http://user:s3cret@{}/{number}.png", closed.address());
        let wanted = (0..5).map(|number| (number, url(number).parse::<Url>().expect("a URL")));
        let fetched = fetcher().fetch_all(&Shelf::new(folder.path()), wanted).await;
        let given_up = fetched.iter().filter(|(_, picture)| matches!(picture, Err(FetchError::HostGivenUp))).count();
        assert_eq!((fetched.len(), given_up), (5, 2));
        assert!(!format!("{fetched:?}").contains("s3cret"));
    }

    #[tokio::test]
    async fn a_host_that_hangs_is_left_alone_after_three_tries() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = |number: u32| format!("http://{address}/{number}.png").parse::<Url>().expect("a URL");
        let limits = FetchLimits {
            silence: Duration::from_millis(50),
            pause: Duration::ZERO,
            at_once: 1,
            ..FetchLimits::default()
        };
        let (fetcher, folder) = (Fetcher::new(limits).expect("a fetcher"), tempfile::tempdir().expect("a folder"));
        let shelf = Shelf::new(folder.path());
        assert!(!fetcher.has_failed(&url(9)));
        let pictures = fetcher.fetch_all(&shelf, (0..5).map(|number| (number, url(number)))).await;
        let said: Vec<String> = pictures.into_iter().map(|(_, picture)| picture.unwrap_err().to_string()).collect();
        assert_eq!(said[0], "no answer in time");
        let given_up = "its host is not asked any more: it did not answer 3 times in a row";
        assert_eq!(said[1..], [given_up; 4], "three tries at the first picture are enough");
        assert!(fetcher.has_failed(&url(9)), "nor for a picture that was never asked for");
        assert!(fetcher.waits_for().is_empty());
    }

    #[tokio::test]
    async fn what_was_in_vain_and_what_is_waited_for_is_known() {
        let (url, _) = host(|_| answer("404 Not Found", "", b""));
        let (fetcher, folder) = (fetcher(), tempfile::tempdir().expect("a folder"));
        let shelf = Shelf::new(folder.path());
        {
            let fetching = std::pin::pin!(fetcher.fetch(&shelf, &url));
            assert!(futures::poll!(fetching).is_pending());
            let origin = url.as_str().split("/a.png").next().expect("its beginning");
            assert_eq!(fetcher.waits_for(), [origin]);
        }
        assert!(fetcher.waits_for().is_empty() && !fetcher.has_failed(&url), "it was dropped");
        fetcher.fetch(&shelf, &url).await.expect_err("it is not there");
        assert!(fetcher.has_failed(&url));
        assert!(!fetcher.has_failed(&url.join("b.png").expect("a URL")), "its host has answered");
        assert!(!format!("{fetcher:?}").contains("s3cret"));
    }
}

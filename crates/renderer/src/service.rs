//! Client of the official render service's HTTP API: health, views, grid, with its retries and its final answers.
//! The service is foreign: every answer has a time and a size limit, and every picture is looked at before it is kept.

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::retry::Pauses;
use gen404_round::view::{Picture, Series, View, ViewSet};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use gen404_outside::http::{self, BodyError, RequestError};
use gen404_outside::text::excerpt_of_bytes;
use jiff::Timestamp;
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::failure::{Refusal, clean};
use crate::image::{Image, InvalidImage};
use crate::shot::{self, Shot};

/// Largest answer that is read: nine pictures of noise are smaller.
const LARGEST_ANSWER: usize = 96 * 1024 * 1024;
/// Characters that are shown of an answer that is not the API's.
const LONGEST_EXCERPT: usize = 200;
const HEALTH_LIMIT: Duration = Duration::from_secs(15);

/// When and how often a request is repeated.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Repetitions after the first try.
    pub repetitions: u32,
    /// How long is waited in between.
    pub pauses: Pauses,
}

impl Default for RetryPolicy {
    /// Five repetitions, 2 to 30 seconds apart, or as far apart as the service wishes up to five minutes.
    fn default() -> Self {
        Self {
            repetitions: 5,
            pauses: Pauses {
                first: Duration::from_secs(2),
                longest: Duration::from_secs(30),
                longest_wish: Duration::from_mins(5),
            },
        }
    }
}

/// The official service, or anything that speaks its API.
#[derive(Debug, Clone)]
pub struct RenderService {
    http: Client,
    base: Url,
    retry: RetryPolicy,
}

/// Why the service gave no pictures.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address cannot be used.
    #[error("a render service's address is http:// or https:// with a host and without query or fragment")]
    Address,
    /// No HTTP client on this machine (no certificates, say).
    #[error("cannot set up an HTTP client")]
    Client(#[source] RequestError),
    /// No answer.
    #[error("the render service at {service} cannot be reached")]
    Unreachable {
        /// The service without credentials.
        service: String,
        /// What went wrong on the way.
        #[source]
        source: RequestError,
    },
    /// The module breaks the rules; final.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// An answer that says no.
    #[error("the render service answered {status}{}", after_colon(.message))]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// What it says about it.
        message: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// An answer beyond all measure.
    #[error("the render service's answer is larger than {} MiB", LARGEST_ANSWER / (1024 * 1024))]
    TooLarge,
    /// An answer of another shape than the API's.
    #[error("the render service's answer to {request} is not what its API promises: {problem}")]
    Malformed {
        /// Which request.
        request: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A picture that is none.
    #[error("the render service sent a broken picture")]
    Picture(#[from] InvalidImage),
}

impl ServiceError {
    /// Whether asking again may help: the service itself is overloaded, broken or unreachable.
    pub fn is_retryable(&self) -> bool {
        match self {
            // 400 and 430 are what overloaded proxies in front of the service answer.
            Self::Status { status, .. } => status.is_server_error() || matches!(status.as_u16(), 400 | 429 | 430),
            // A bad certificate is as bad the next time.
            Self::Unreachable { source, .. } => !source.is_permanent(),
            _ => false,
        }
    }

    /// Whether every other module would fail the same way.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Address | Self::Client(_) | Self::Unreachable { .. })
    }
}

impl Explain for ServiceError {
    fn blame(&self) -> Blame {
        match self {
            Self::Address => Blame::User,
            Self::Refused(_) => Blame::Here,
            Self::Client(_)
            | Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::TooLarge
            | Self::Malformed { .. }
            | Self::Picture(_) => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Unreachable { source, .. } => source.hint().or(Some(
                "is the pod running? `pods` shows it; without --endpoint the renderer built into this tool is used",
            )),
            Self::Status { status, .. } if *status == StatusCode::NOT_FOUND => {
                Some("--endpoint is the address of a render service, without a path")
            }
            _ => None,
        }
        .map(Hint::Borrowed)
    }
}

#[derive(Deserialize)]
struct SeveralImages {
    images: Vec<String>,
}

impl RenderService {
    /// A client of the service at `base`. `answer_limit` is the time for one answer.
    pub fn new(base: Url, retry: RetryPolicy, answer_limit: Duration) -> Result<Self, ServiceError> {
        let usable = matches!(base.scheme(), "http" | "https")
            && base.host_str().is_some_and(|host| !host.is_empty())
            && base.query().is_none()
            && base.fragment().is_none();
        if !usable {
            return Err(ServiceError::Address);
        }
        let http = http::client().timeout(answer_limit).build();
        let http = http.map_err(|error| ServiceError::Client(error.into()))?;
        Ok(Self { http, base, retry })
    }

    /// The address without user name and password.
    pub fn address(&self) -> String {
        http::shown(&self.base)
    }

    /// Whether the service is up.
    pub async fn health(&self) -> Result<(), ServiceError> {
        let answer = self.with_retries(|| async {
            let request = self.http.get(self.url("health")).timeout(HEALTH_LIMIT);
            self.read(request.send().await.map_err(|source| self.unreachable(source))?).await
        });
        answer.await.map(drop)
    }

    /// Every picture of a set as PNG files, in the set's order: one request a series, and one for the grid.
    pub async fn render(&self, source: &str, set: ViewSet) -> Result<Vec<(Picture, Bytes)>, ServiceError> {
        let mut pictures = Vec::new();
        for series in Series::ALL {
            let views: Vec<View> = set.views(series).collect();
            let files = self.views(source, series, &views).await?;
            pictures.extend(views.into_iter().map(|view| Picture::View(series, view)).zip(files));
        }
        pictures.push((Picture::Grid, self.grid(source).await?));
        Ok(pictures)
    }

    async fn views(&self, source: &str, series: Series, views: &[View]) -> Result<Vec<Bytes>, ServiceError> {
        const REQUEST: &str = "/render";
        let malformed = |problem| ServiceError::Malformed { request: REQUEST, problem };
        let list = |angle: fn(View) -> f64| {
            let texts: Vec<String> = views.iter().map(|view| angle(*view).to_string()).collect();
            texts.join(",")
        };
        let query = [
            ("thetas", list(shot::theta)),
            ("phis", list(shot::phi)),
            ("lighting", "follow".to_owned()),
            ("img_size", Shot::SIZE.to_string()),
            ("cam_radius", format!("{:.1}", Shot::RADIUS)),
            ("cam_fov_deg", Shot::FIELD_OF_VIEW.to_string()),
            ("bg_color", shot::background(series).to_string()),
        ];
        let answer = self.post("render", &query, source).await?;
        let files: Vec<Bytes> = if views.len() == 1 {
            vec![answer]
        } else {
            let several: SeveralImages =
                serde_json::from_slice(&answer).map_err(|_| malformed("no JSON object with images"))?;
            let decode = |text: &String| BASE64_STANDARD.decode(text).map(Bytes::from);
            several
                .images
                .iter()
                .map(decode)
                .collect::<Result<_, _>>()
                .map_err(|_| malformed("an image is not base64"))?
        };
        if files.len() != views.len() {
            return Err(malformed("another number of images than views"));
        }
        for file in &files {
            let image = decoded(file.clone()).await?;
            if (image.width(), image.height()) != (Shot::SIZE, Shot::SIZE) {
                return Err(malformed("an image of another size"));
            }
        }
        Ok(files)
    }

    async fn grid(&self, source: &str) -> Result<Bytes, ServiceError> {
        let file = self.post("render/grid", &[], source).await?;
        decoded(file.clone()).await?;
        Ok(file)
    }

    async fn post(&self, path: &str, query: &[(&str, String)], source: &str) -> Result<Bytes, ServiceError> {
        #[derive(Serialize)]
        struct Body<'a> {
            source: &'a str,
        }
        self.with_retries(|| async {
            let request = self.http.post(self.url(path)).query(query).json(&Body { source });
            self.read(request.send().await.map_err(|source| self.unreachable(source))?).await
        })
        .await
    }

    /// Rendering changes nothing at the service, so any request may be repeated.
    async fn with_retries<F: Future<Output = Result<Bytes, ServiceError>>>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<Bytes, ServiceError> {
        for failures in 1..=self.retry.repetitions {
            let error = match attempt().await {
                Err(error) if error.is_retryable() => error,
                outcome => return outcome,
            };
            let wish = match &error {
                ServiceError::Status { retry_after, .. } => *retry_after,
                _ => None,
            };
            let wait = self.retry.pauses.capped(failures, wish);
            tracing::warn!(%error, seconds = wait.as_secs(), "asking the render service again");
            tokio::time::sleep(wait).await;
        }
        attempt().await
    }

    async fn read(&self, response: Response) -> Result<Bytes, ServiceError> {
        let status = response.status();
        let retry_after = http::wished_pause(response.headers(), Timestamp::now());
        let body = http::read_at_most(response, LARGEST_ANSWER).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => ServiceError::TooLarge,
            BodyError::BrokeOff(source) => self.unreachable(source),
        })?;
        let body = Bytes::from(body);
        if status.is_success() {
            return Ok(body);
        }
        if status == StatusCode::UNPROCESSABLE_ENTITY
            && let Ok(refusal) = serde_json::from_slice::<Refusal>(&body)
        {
            return Err(ServiceError::Refused(Box::new(refusal)));
        }
        Err(ServiceError::Status { status, message: message_in(&body), retry_after })
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let folder = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{folder}/{path}"));
        url
    }

    fn unreachable(&self, source: impl Into<RequestError>) -> ServiceError {
        ServiceError::Unreachable { service: self.address(), source: source.into() }
    }
}

async fn decoded(file: Bytes) -> Result<Image, InvalidImage> {
    tokio::task::spawn_blocking(move || Image::from_png(&file)).await.expect("decoding does not panic")
}

/// `{"error": "…"}`, or the beginning of whatever else came.
fn message_in(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    serde_json::from_slice::<Answer>(body)
        .map_or_else(|_| excerpt_of_bytes(body, LONGEST_EXCERPT), |answer| clean(&answer.error))
}

fn after_colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

//! Client of the official render service's HTTP API: health, views, grid, with its retries and its final answers.
//! The service is foreign: every answer has a time and a size limit, and every picture is looked at before it is kept.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::http::{self, BodyError, RequestError};
use gen404_outside::pool::{Culprit, Endpoint, Patience, Pool, Share};
use gen404_outside::retry::Pauses;
use gen404_outside::text::excerpt_of_bytes;
use gen404_round::view::{Picture, Series, View};
use jiff::Timestamp;
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::failure::{Refusal, clean};
use crate::image::{Image, InvalidImage};
use crate::server::IDENTITY_HEADER;
use crate::shot::{self, Shot};

/// Largest answer that is read: nine pictures of noise are smaller.
const LARGEST_ANSWER: usize = 96 * 1024 * 1024;
/// Characters that are shown of an answer that is not the API's.
const LONGEST_EXCERPT: usize = 200;
const HEALTH_LIMIT: Duration = Duration::from_secs(15);

/// How long a service is asked: five repetitions, 2 to 30 seconds apart, or as far apart as it wishes up to five minutes.
pub const SERVICE_PATIENCE: Patience = Patience {
    repetitions: 5,
    pauses: Pauses {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(30),
        longest_wish: Duration::from_mins(5),
    },
    gives_up: false,
};

/// The official service, or anything that speaks its API; several of them share the work.
#[derive(Debug)]
pub struct RenderService {
    pool: Pool<Place>,
    patience: Patience,
}

/// What a look at the addresses has shown.
#[derive(Debug, Default)]
pub struct Health {
    /// Those that are there, with what their pixels depend on where they say so: the official service does not.
    pub there: Vec<(String, Option<String>)>,
    /// What is the matter at the others.
    pub missing: Vec<ServiceError>,
}

/// One address of the service.
#[derive(Debug, Clone)]
struct Place {
    http: Client,
    base: Url,
}

impl Endpoint for Place {
    fn name(&self) -> String {
        self.address()
    }

    async fn is_well(&self) -> bool {
        self.health().await.is_ok()
    }
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
        /// Whether it says so in the words of the API.
        of_the_api: bool,
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

    /// Whom it speaks against when it is the answer to a request for pictures.
    fn culprit(&self) -> Culprit {
        let culprit = match self {
            Self::Refused(_) | Self::Address | Self::Client(_) => return Culprit::Work,
            Self::Status { retry_after, .. } if self.is_retryable() => match retry_after {
                // Also the answer to a module that throws when it is drawn.
                None if self.is_of_the_api() => Culprit::Either,
                wished => Culprit::Moment { wished: *wished },
            },
            Self::Unreachable { .. } if self.is_retryable() => Culprit::Moment { wished: None },
            Self::Status { .. }
            | Self::Unreachable { .. }
            | Self::TooLarge
            | Self::Malformed { .. }
            | Self::Picture(_) => return Culprit::Endpoint,
        };
        tracing::warn!(error = %self, "asking the render service again");
        culprit
    }

    /// 500 with the API's own words, not a proxy's page.
    fn is_of_the_api(&self) -> bool {
        matches!(self, Self::Status { status, of_the_api: true, .. } if *status == StatusCode::INTERNAL_SERVER_ERROR)
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
                "is the pod running? `404-cli pods` shows it; without an address the renderer built into this tool is used",
            )),
            Self::Status { status, .. } if *status == StatusCode::NOT_FOUND => {
                Some("give the address of a render service, without a path")
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
    /// A client of the service at one or several addresses. `answer_limit` is the time for one answer.
    ///
    /// # Panics
    /// When there is no address.
    pub fn new(
        addresses: impl IntoIterator<Item = Url>,
        patience: Patience,
        answer_limit: Duration,
    ) -> Result<Self, ServiceError> {
        let http = http::client().timeout(answer_limit).build();
        let http = http.map_err(|error| ServiceError::Client(error.into()))?;
        let place = |base: Url| {
            let usable = matches!(base.scheme(), "http" | "https")
                && base.host_str().is_some_and(|host| !host.is_empty())
                && base.query().is_none()
                && base.fragment().is_none();
            if usable { Ok(Place { http: http.clone(), base }) } else { Err(ServiceError::Address) }
        };
        let places: Vec<Place> = addresses.into_iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { pool: Pool::new(places), patience })
    }

    /// The addresses without user names and passwords.
    pub fn addresses(&self) -> Vec<String> {
        self.pool.members().iter().map(Place::address).collect()
    }

    /// What each address did so far.
    pub fn shares(&self) -> Vec<Share> {
        self.pool.shares()
    }

    /// Whether the service is up at one address at least.
    pub async fn health(&self) -> Result<Health, ServiceError> {
        let mut failed_looks = 0;
        loop {
            let looks = futures::future::join_all(self.pool.members().iter().map(Place::health)).await;
            let mut health = Health::default();
            for (place, look) in looks.into_iter().enumerate() {
                match look {
                    Ok(renderer) => health.there.push((self.pool.members()[place].address(), renderer)),
                    Err(error) => {
                        self.pool.note_missing(place);
                        health.missing.push(error);
                    }
                }
            }
            if !health.there.is_empty() {
                return Ok(health);
            }
            let failures = health.missing;
            let may_pass = failures.iter().any(ServiceError::is_retryable);
            let first = failures.into_iter().next().expect("there is an address");
            if failed_looks == self.patience.repetitions || !may_pass {
                return Err(first);
            }
            failed_looks += 1;
            let pause = self.patience.pauses.usual(failed_looks);
            tracing::warn!(error = %first, seconds = pause.as_secs(), "asking the render service again");
            tokio::time::sleep(pause).await;
        }
    }

    /// These pictures as PNG files: one request for each series, and one for the grid.
    pub async fn render(&self, source: &str, pictures: &[Picture]) -> Result<Vec<(Picture, Bytes)>, ServiceError> {
        let mut rendered = Vec::new();
        for series in Series::ALL {
            let of_series = pictures.iter().filter_map(|picture| match picture {
                Picture::View(of, view) if *of == series => Some(*view),
                Picture::View(..) | Picture::Grid => None,
            });
            let views: Vec<View> = of_series.collect();
            if !views.is_empty() {
                let files = self.views(source, series, &views).await?;
                rendered.extend(views.into_iter().map(|view| Picture::View(series, view)).zip(files));
            }
        }
        if pictures.contains(&Picture::Grid) {
            rendered.push((Picture::Grid, self.grid(source).await?));
        }
        Ok(rendered)
    }

    async fn views(&self, source: &str, series: Series, views: &[View]) -> Result<Vec<Bytes>, ServiceError> {
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
        self.post("render", &query, source, |answer| files_of_views(answer, views.len())).await
    }

    async fn grid(&self, source: &str) -> Result<Bytes, ServiceError> {
        self.post("render/grid", &[], source, |answer| async move {
            decoded(answer.clone()).await?;
            Ok(answer)
        })
        .await
    }

    /// What is made of the answer belongs to the attempt: an address that answers nonsense has not done the work.
    async fn post<'a, T, F: Future<Output = Result<T, ServiceError>>>(
        &'a self,
        path: &str,
        query: &[(&str, String)],
        source: &str,
        made_of: impl Fn(Bytes) -> F,
    ) -> Result<T, ServiceError> {
        #[derive(Serialize)]
        struct Body<'s> {
            source: &'s str,
        }
        let (body, made_of) = (&Body { source }, &made_of);
        // Rendering changes nothing at the service, so any request may be repeated.
        let attempt = |place: &'a Place| async move {
            let request = place.http.post(place.url(path)).query(query).json(body);
            let sent = request.send().await.map_err(|source| place.unreachable(source))?;
            made_of(place.read(sent).await?).await
        };
        self.pool.work(self.patience, attempt, ServiceError::culprit).await
    }
}

impl Place {
    /// The address without user name and password.
    fn address(&self) -> String {
        http::shown(&self.base)
    }

    /// What its pixels depend on, where it says so.
    async fn health(&self) -> Result<Option<String>, ServiceError> {
        let request = self.http.get(self.url("health")).timeout(HEALTH_LIMIT);
        let answer = request.send().await.map_err(|source| self.unreachable(source))?;
        let renderer = answer.headers().get(IDENTITY_HEADER).and_then(|value| value.to_str().ok()).map(clean);
        self.read(answer).await.map(|_| renderer)
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
        let (message, of_the_api) = message_in(&body);
        Err(ServiceError::Status { status, message, retry_after, of_the_api })
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

/// The files of an answer with so many views.
async fn files_of_views(answer: Bytes, views: usize) -> Result<Vec<Bytes>, ServiceError> {
    let malformed = |problem| ServiceError::Malformed { request: "/render", problem };
    let files: Vec<Bytes> = if views == 1 {
        vec![answer]
    } else {
        let several: SeveralImages =
            serde_json::from_slice(&answer).map_err(|_| malformed("no JSON object with images"))?;
        let decode = |text: &String| BASE64_STANDARD.decode(text).map(Bytes::from);
        let files: Result<_, _> = several.images.iter().map(decode).collect();
        files.map_err(|_| malformed("an image is not base64"))?
    };
    if files.len() != views {
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

async fn decoded(file: Bytes) -> Result<Image, InvalidImage> {
    tokio::task::spawn_blocking(move || Image::from_png(&file)).await.expect("decoding does not panic")
}

/// `{"error": "…"}`, or the beginning of whatever else came; and which of both it is.
fn message_in(body: &[u8]) -> (String, bool) {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
    }
    serde_json::from_slice::<Answer>(body)
        .map_or_else(|_| (excerpt_of_bytes(body, LONGEST_EXCERPT), false), |answer| (clean(&answer.error), true))
}

fn after_colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

//! A sample generator: the batch API that the subnet calls on port 10006, complete, with a simple maker of objects behind it.
//! A miner may read it and start from it; what it makes is honest geometry from a picture's outline and colours, no machine learning.
//!
//! [`faults`] can be put in front of it so that a client meets everything that goes wrong in a real round.

pub mod faults;

mod archive;
mod batch;
mod module;
mod picture;
mod silhouette;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use self::archive::Outcome;
use self::batch::{Busy, Machine, Order};
use self::faults::{Board, Fault};
use self::picture::PictureClient;
use crate::faults::Faults;
use crate::pixels::Pixels;
use crate::service::Service;

pub use self::batch::StemRule;

/// How carefully objects are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quality {
    /// Outline and colours in 96 layers.
    #[default]
    Fine,
    /// Seven layers, all in one colour: a generator that loses.
    Coarse,
}

/// How a sample generator behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Care taken.
    pub quality: Quality,
    /// How long it says `warming_up` after its start.
    pub warm_up: Duration,
    /// How long it takes over a prompt at least, so that a person sees progress.
    pub pace: Duration,
    /// Prompts made at the same time.
    pub concurrency: usize,
    /// Stems it takes.
    pub stems: StemRule,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            quality: Quality::Fine,
            warm_up: Duration::ZERO,
            pace: Duration::ZERO,
            concurrency: 4,
            stems: StemRule::Documented,
        }
    }
}

/// A running sample generator; it stops when dropped.
#[derive(Debug)]
pub struct SampleGenerator {
    service: Service,
    board: Board,
    _stop: DropGuard,
}

impl SampleGenerator {
    /// Starts the service on loopback, with the switches of [`faults`] beside it.
    ///
    /// Fetching pictures over https needs the process-wide TLS provider, which must be installed before.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await?;
        let stop = CancellationToken::new();
        let board = Board::default();
        let pictures = PictureClient::new().map_err(io::Error::other)?;
        let machine = Arc::new(Mutex::new(Machine::warming_up()));
        let generator = Generator { machine, pictures, options, stop: stop.clone() };
        let watched = generator.clone();
        let is_making = Arc::new(move || watched.machine().is_making());
        let service = Service::start(listener, faults::in_front_of(router(generator), board.clone(), is_making))?;
        Ok(Self { service, board, _stop: stop.drop_guard() })
    }

    /// Its endpoint, `http://127.0.0.1:<port>/`.
    pub fn url(&self) -> &Url {
        self.service.url()
    }

    /// What goes wrong with it.
    pub fn faults(&self) -> &Faults<Fault> {
        &self.board.faults
    }

    /// How often a batch was ordered so far.
    pub fn orders(&self) -> usize {
        self.board.orders()
    }
}

#[derive(Debug, Clone)]
struct Generator {
    machine: Arc<Mutex<Machine>>,
    pictures: PictureClient,
    options: Options,
    stop: CancellationToken,
}

/// The four calls of the batch API. Work goes on in the background until the generator's `stop` is cancelled.
fn router(generator: Generator) -> Router {
    if generator.options.warm_up.is_zero() {
        generator.machine().warmed_up();
    } else {
        let warming = generator.clone();
        tokio::spawn(async move {
            tokio::time::sleep(warming.options.warm_up).await;
            warming.machine().warmed_up();
        });
    }
    Router::new()
        .route("/health", get(async || StatusCode::OK))
        .route("/status", get(status))
        .route("/generate", post(generate))
        .route("/results", get(results))
        .with_state(generator)
}

#[derive(Deserialize)]
struct StatusQuery {
    /// New machines the caller would still give. This generator is content with the one it has.
    #[serde(default)]
    replacements_remaining: u32,
}

async fn status(State(generator): State<Generator>, Query(query): Query<StatusQuery>) -> Response {
    tracing::debug!(replacements = query.replacements_remaining, "asked for the status");
    Json(generator.machine().report()).into_response()
}

async fn generate(State(generator): State<Generator>, order: Result<Json<Order>, JsonRejection>) -> Response {
    let order = match order {
        Ok(Json(order)) => order,
        Err(rejection) => return unprocessable(&rejection.body_text()),
    };
    if let Err(faults) = order.check(generator.options.stems) {
        return unprocessable(&faults);
    }
    let accepted = order.prompts.len();
    let begun = generator.machine().submit(&order);
    match begun {
        Ok(begun) => {
            if begun {
                tokio::spawn(generator.clone().work(order));
            }
            Json(json!({"accepted": accepted})).into_response()
        }
        Err(Busy { current_status }) => {
            let detail = format!("a batch cannot start while the service is {current_status}");
            (StatusCode::CONFLICT, Json(json!({"detail": detail, "current_status": current_status}))).into_response()
        }
    }
}

/// The archive in pieces, so that it goes out chunked and without a length, as from a service that packs while it sends.
async fn results(State(generator): State<Generator>) -> Response {
    let held = generator.machine().results();
    match held {
        Ok(archive) => zip_response(archive),
        Err(Busy { current_status }) => {
            let detail = format!("no results while the service is {current_status}");
            (StatusCode::CONFLICT, Json(json!({"detail": detail, "current_status": current_status}))).into_response()
        }
    }
}

fn zip_response(archive: Bytes) -> Response {
    const PIECE: usize = 64 * 1024;
    let pieces = (0..archive.len().div_ceil(PIECE)).map(move |index| {
        let start = index * PIECE;
        Ok::<_, io::Error>(archive.slice(start..archive.len().min(start + PIECE)))
    });
    ([(header::CONTENT_TYPE, "application/zip")], Body::from_stream(stream::iter(pieces))).into_response()
}

fn unprocessable(detail: &(impl Serialize + ?Sized)) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"detail": detail}))).into_response()
}

impl Generator {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().expect("no code panics while it holds the machine")
    }

    /// Makes every object of the order, packs the archive, and says that it is complete.
    async fn work(self, order: Order) {
        let (seed, concurrency) = (order.seed, self.options.concurrency.max(1));
        let making = stream::iter(order.prompts)
            .map(|prompt| {
                let generator = self.clone();
                async move {
                    let (outcome, ()) =
                        tokio::join!(generator.make(&prompt, seed), tokio::time::sleep(generator.options.pace));
                    generator.machine().advance();
                    (prompt.stem, outcome)
                }
            })
            .buffered(concurrency)
            .collect::<Vec<_>>();
        let made = tokio::select! {
            () = self.stop.cancelled() => return,
            made = making => made,
        };
        let archive = tokio::task::spawn_blocking(move || archive::pack(&made)).await.expect("packing does not panic");
        self.machine().complete(archive);
    }

    async fn make(&self, prompt: &batch::Prompt, seed: u64) -> Outcome {
        let picture = self.pictures.fetch(&prompt.image_url).await.map_err(|error| error.to_string())?;
        let (stem, quality) = (prompt.stem.clone(), self.options.quality);
        let making = tokio::task::spawn_blocking(move || module_of(&stem, &picture, seed, quality));
        making.await.unwrap_or_else(|_| Err("making the object failed".to_owned()))
    }
}

/// The module that this generator makes of a picture.
pub(crate) fn module_of(stem: &str, picture: &[u8], seed: u64, quality: Quality) -> Outcome {
    let picture = Pixels::decode(picture).map_err(|error| error.to_string())?;
    let sketch = silhouette::sketch(&picture, quality).ok_or("the picture shows no object on a plain background")?;
    Ok(module::write(stem, seed, quality, &sketch))
}

//! One folder of modules over several services, of which one dies, one is always busy and one is slow.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gen404_outside::pool::Patience;
use gen404_outside::retry::Pauses;
use gen404_renderer::{Batch, Image, OutputFolder, RenderService, ServiceError, Summary};
use gen404_round::view::{Picture, ViewSet};
use serde_json::json;
use tokio::sync::Notify;
use url::Url;

const MODULES: usize = 16;

/// What a service is like.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    Good,
    Busy,
    Slow,
    /// Dies with its so-many-th request.
    Mortal(usize),
}

/// Requests in the order in which they came: which service, and for what.
type Diary = Arc<Mutex<Vec<(usize, String)>>>;

#[derive(Clone)]
struct Service {
    number: usize,
    habit: Habit,
    diary: Diary,
    death: Arc<Notify>,
}

/// Starts a service in a runtime of its own, whose end cuts every connection as a killed process does.
fn start(number: usize, habit: Habit, diary: &Diary) -> Url {
    let service = Service { number, habit, diary: Arc::clone(diary), death: Arc::new(Notify::new()) };
    let (sender, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let death = Arc::clone(&service.death);
        runtime.spawn(async move {
            let router = Router::new()
                .route("/health", get(|| async { "{}" }))
                .route("/render", post(Service::render))
                .route("/render/grid", post(Service::render))
                .with_state(service);
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            sender.send(listener.local_addr().expect("an address")).expect("the test waits");
            axum::serve(listener, router).await
        });
        runtime.block_on(death.notified());
        runtime.shutdown_background();
    });
    format!("http://{}", address.recv().expect("it listens")).parse().expect("a URL")
}

impl Service {
    async fn render(
        State(this): State<Self>,
        Query(query): Query<BTreeMap<String, String>>,
        uri: Uri,
        body: Bytes,
    ) -> Response {
        let request: serde_json::Value = serde_json::from_slice(&body).expect("a JSON body");
        let source = request["source"].as_str().expect("a source").to_owned();
        let background = query.get("bg_color").cloned().unwrap_or_default();
        let count = {
            let mut diary = this.diary.lock().expect("nobody panicked");
            diary.push((this.number, format!("{source} {}{background}", uri.path())));
            diary.iter().filter(|(number, _)| *number == this.number).count()
        };
        match this.habit {
            Habit::Busy => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Habit::Mortal(requests) if count >= requests => {
                this.death.notify_one();
                std::future::pending::<()>().await;
            }
            Habit::Slow => tokio::time::sleep(Duration::from_millis(200)).await,
            Habit::Good | Habit::Mortal(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        if source == "refused" {
            let failure = json!({"stage": "execution", "rule": "EXECUTION_THREW", "detail": "x"});
            let body = json!({"error": "post_validation_failed", "failures": [failure], "metrics": null});
            return (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response();
        }
        let Some(thetas) = query.get("thetas") else {
            return drawn(&source, "grid", 8).into_response();
        };
        let views = thetas.split(',').zip(query["phis"].split(','));
        let images: Vec<_> = views
            .map(|(theta, phi)| BASE64_STANDARD.encode(drawn(&source, &format!("{background}{theta}{phi}"), 1024)))
            .collect();
        axum::Json(json!({"count": images.len(), "images": images, "img_size": 1024})).into_response()
    }
}

/// A picture that tells what it is of.
fn drawn(source: &str, view: &str, size: u32) -> Vec<u8> {
    let sum = |text: &str| text.bytes().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    Image::filled(size, size, [sum(source), sum(view), 0, 255]).to_png()
}

fn client(services: &[Url]) -> RenderService {
    patient_client(services, 5)
}

fn patient_client(services: &[Url], repetitions: u32) -> RenderService {
    let pause = Duration::from_millis(10);
    let pauses = Pauses { first: pause, longest: pause, longest_wish: pause };
    let retry = Patience { repetitions, pauses, gives_up: false };
    RenderService::new(services.iter().cloned(), retry, Duration::from_mins(1)).expect("a client")
}

async fn rendered(folder: &Path, name: &str, service: &RenderService) -> (Summary, BTreeMap<String, Vec<u8>>) {
    let output = OutputFolder::new(folder.join(name));
    let batch = Batch { modules: folder.join("in"), output, views: ViewSet::Cli, force: false, concurrency: 8 };
    let summary = batch.run(service, &()).await.expect("a summary");
    let mut pictures = BTreeMap::new();
    for module in 0..MODULES {
        let stem = format!("m{module}").parse().expect("a stem");
        for picture in ViewSet::Cli.pictures() {
            let file = std::fs::read(batch.output.path(&stem, picture)).unwrap_or_default();
            pictures.insert(format!("{stem}/{picture}"), file);
        }
    }
    (summary, pictures)
}

fn modules() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("in")).expect("a folder");
    for module in 0..MODULES {
        std::fs::write(folder.path().join(format!("in/m{module}.js")), format!("module {module}")).expect("a file");
    }
    std::fs::write(folder.path().join("in/refused.js"), "refused").expect("a file");
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_pictures_come_though_one_dies_one_is_busy_and_one_is_slow() {
    let folder = modules();
    let alone = client(&[start(0, Habit::Good, &Diary::default())]);
    let (_, want) = rendered(folder.path(), "alone", &alone).await;
    assert!(want.values().all(|file| !file.is_empty()));

    let diary = Diary::default();
    let habits = [Habit::Good, Habit::Mortal(5), Habit::Busy, Habit::Slow];
    let services: Vec<Url> = habits.iter().enumerate().map(|(number, habit)| start(number, *habit, &diary)).collect();
    let pool = client(&services);
    assert_eq!(pool.health().await.expect("they are there").there.len(), 4);
    let (summary, got) = rendered(folder.path(), "pool", &pool).await;
    assert_eq!((summary.rendered.len(), summary.failed.len()), (MODULES, 1), "{:?}", summary.failed);
    assert!(summary.failed[0].1.is_the_modules());
    assert!(got == want, "every picture is exactly the one that a single service draws");

    let shares = pool.shares();
    let done: Vec<u64> = shares.iter().map(|share| share.done).collect();
    // Three requests a module; the refused one needs only its first.
    assert_eq!(done.iter().sum::<u64>(), 3 * MODULES as u64 + 1, "{shares:?}");
    assert_eq!(done[2], 0, "the busy one has done nothing: {shares:?}");
    assert!(done[1] <= 4 && done[0] > done[3] && done[3] > 0, "{shares:?}");
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for (number, request) in diary.lock().expect("nobody panicked").iter() {
        let before = last.insert(request.clone(), *number);
        assert_ne!(before, Some(*number), "{request} went to service {number} twice in a row");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_one_is_told_at_the_look_and_all_dead_ones_are_an_error() {
    let nobody: Url = "http://127.0.0.1:1".parse().expect("a URL");
    let good = start(0, Habit::Good, &Diary::default());
    let pool = client(&[nobody.clone(), good]);
    let health = pool.health().await.expect("one is there");
    assert_eq!((health.there.len(), health.missing.len()), (1, 1));
    pool.render("a module", &[Picture::Grid]).await.expect("a picture");
    assert_eq!(pool.shares()[0].failed, 0, "it was not asked at all");

    let dead = patient_client(&[nobody.clone(), nobody], 1);
    let error = dead.health().await.expect_err("nobody is there");
    assert!(matches!(error, ServiceError::Unreachable { .. }), "{error}");
    let error = tokio::time::timeout(Duration::from_mins(2), dead.render("a module", &[Picture::Grid])).await;
    assert!(matches!(error, Ok(Err(ServiceError::Unreachable { .. }))), "it ends: {error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_fails_everywhere_ends_and_leaves_the_services_well() {
    let diary = Diary::default();
    let throws = |number: usize| {
        let diary = Arc::clone(&diary);
        async move {
            let router = Router::new().route("/health", get(|| async { "{}" })).route(
                "/render/grid",
                post(move |body: Bytes| {
                    let diary = Arc::clone(&diary);
                    async move {
                        let text = String::from_utf8_lossy(&body).into_owned();
                        diary.lock().expect("nobody panicked").push((number, text.clone()));
                        if text.contains("throws") {
                            let body = axum::Json(json!({"error": "x is not a function"}));
                            return (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
                        }
                        drawn(&text, "grid", 8).into_response()
                    }
                }),
            );
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
            tokio::spawn(async move { axum::serve(listener, router).await });
            url
        }
    };
    let pool = client(&[throws(0).await, throws(1).await]);
    let error = pool.render("throws", &[Picture::Grid]).await.expect_err("it throws everywhere");
    assert!(error.to_string().contains("x is not a function"), "{error}");
    let asked = diary.lock().expect("nobody panicked").len();
    assert!((4..=8).contains(&asked), "about as often as a single service would be asked: {asked}");
    pool.render("good", &[Picture::Grid]).await.expect("a picture");
}

//! The client against a strict stand-in for the official service.

use std::collections::BTreeSet;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gen404_outside::observer::Observer;
use gen404_outside::pool::Patience;
use gen404_outside::retry::Pauses;
use gen404_renderer::{Batch, BatchEvent, Image, OutputFolder, RenderService, ServiceError, Shot};
use gen404_round::view::{Picture, ViewSet};
use serde_json::json;
use url::Url;

/// A service that answers well-formed requests with plain pictures, unless it has something scripted to say first.
#[derive(Default)]
struct FakeService {
    /// Answers to give before any good one.
    scripted: Mutex<VecDeque<Response>>,
    /// Modules that are always refused.
    refused: Mutex<Vec<String>>,
    /// Where the first two requests wait for each other.
    meeting: Mutex<Option<Arc<tokio::sync::Barrier>>>,
    requests: AtomicUsize,
    running: AtomicUsize,
    most_running: AtomicUsize,
}

const REFUSAL: &str = r#"{"error":"validation_failed","failures":[{"stage":"static_analysis","rule":"FORBIDDEN_IDENTIFIER","detail":"fetch at \u001b[2Jline 4"}]}"#;

impl FakeService {
    async fn start() -> (Arc<Self>, Url) {
        let fake = Arc::new(Self::default());
        let router = Router::new()
            .route("/health", get(|| async { axum::Json(json!({"status": "ok"})) }))
            .route("/render", post(Self::render))
            .route("/render/grid", post(Self::grid))
            .with_state(Arc::clone(&fake));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
        tokio::spawn(async move { axum::serve(listener, router).await });
        (fake, url)
    }

    fn script(&self, answers: impl IntoIterator<Item = Response>) {
        self.scripted.lock().expect("nobody panicked").extend(answers);
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    async fn answer(&self, body: &Bytes, good: impl FnOnce() -> Response) -> Response {
        let place = self.requests.fetch_add(1, Ordering::Relaxed);
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_running.fetch_max(running, Ordering::Relaxed);
        let meeting = self.meeting.lock().expect("nobody panicked").clone();
        if let Some(meeting) = meeting.filter(|_| place < 2) {
            meeting.wait().await;
        }
        let request: serde_json::Value = serde_json::from_slice(body).expect("a JSON body");
        let source = request["source"].as_str().expect("a source").to_owned();
        let scripted = self.scripted.lock().expect("nobody panicked").pop_front();
        let refused = self.refused.lock().expect("nobody panicked").contains(&source);
        self.running.fetch_sub(1, Ordering::Relaxed);
        match scripted {
            Some(answer) => answer,
            None if refused => (StatusCode::UNPROCESSABLE_ENTITY, REFUSAL).into_response(),
            None => good(),
        }
    }

    async fn render(
        State(fake): State<Arc<Self>>,
        Query(query): Query<BTreeMap<String, String>>,
        body: Bytes,
    ) -> Response {
        let expected = ["bg_color", "cam_fov_deg", "cam_radius", "img_size", "lighting", "phis", "thetas"];
        assert!(query.keys().eq(expected), "{query:?}");
        assert_eq!((&*query["img_size"], &*query["cam_radius"], &*query["cam_fov_deg"]), ("1024", "2.0", "49.1"));
        assert_eq!(query["lighting"], "follow");
        let shade = if query["bg_color"] == "ffffff" { 255 } else { 128 };
        let count = query["thetas"].split(',').count();
        assert_eq!(query["phis"].split(',').count(), count);
        fake.answer(&body, || {
            let image = Image::filled(1024, 1024, [shade, 0, 0, 255]);
            if count == 1 {
                return png(&image);
            }
            let image = BASE64_STANDARD.encode(image.to_png());
            axum::Json(json!({"images": vec![image; count], "count": count, "img_size": 1024})).into_response()
        })
        .await
    }

    async fn grid(State(fake): State<Arc<Self>>, headers: HeaderMap, body: Bytes) -> Response {
        assert_eq!(headers["content-type"], "application/json");
        fake.answer(&body, || png(&Image::filled(1041, 1041, [1, 2, 3, 255]))).await
    }
}

fn png(image: &Image) -> Response {
    ([("content-type", "image/png")], image.to_png()).into_response()
}

fn client(url: &Url) -> RenderService {
    let at_once = Patience {
        repetitions: 5,
        pauses: Pauses { first: Duration::ZERO, longest: Duration::ZERO, longest_wish: Duration::ZERO },
        gives_up: false,
    };
    RenderService::new([url.clone()], at_once, Duration::from_secs(30)).expect("a client")
}

#[tokio::test]
async fn every_picture_of_a_set_comes_from_three_requests() {
    let (fake, url) = FakeService::start().await;
    let service = client(&url);
    service.health().await.expect("health");
    for set in [ViewSet::Cli, ViewSet::Official, ViewSet::All] {
        let before = fake.requests();
        let pictures = service.render("a module", &set.pictures()).await.expect("pictures");
        assert_eq!(fake.requests() - before, 3);
        let came: BTreeSet<_> = pictures.iter().map(|(picture, _)| *picture).collect();
        assert_eq!(came, set.pictures().into_iter().collect());
        assert_eq!(came.len(), pictures.len(), "each comes once");
        for (picture, file) in pictures {
            let first = Image::from_png(&file).expect("a PNG").pixels()[0];
            let expected = match picture {
                Picture::View(series, view) => Shot::of_view(series, view).background.0[0],
                Picture::Grid => 1,
            };
            assert_eq!(first, expected, "{picture}");
        }
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_asked_for() {
    let (fake, url) = FakeService::start().await;
    let service = client(&url);
    let white = Picture::View(gen404_round::view::Series::White, gen404_round::view::View::Back);
    for (wanted, requests) in [(&[white][..], 1), (&[Picture::Grid], 1), (&[white, Picture::Grid], 2), (&[], 0)] {
        let before = fake.requests();
        let came = service.render("a module", wanted).await.expect("pictures");
        assert_eq!(came.iter().map(|(picture, _)| *picture).collect::<Vec<_>>(), wanted);
        assert_eq!(fake.requests() - before, requests);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_is_final_is_not() {
    let (fake, url) = FakeService::start().await;
    let service = client(&url);
    fake.script([500, 502, 400, 429, 430].map(|code| StatusCode::from_u16(code).expect("a status").into_response()));
    service.render("a module", &ViewSet::Cli.pictures()).await.expect("the sixth try is good");
    assert_eq!(fake.requests(), 3 + 5);

    fake.script((0..6).map(|_| (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")]).into_response()));
    let error = service.render("a module", &ViewSet::Cli.pictures()).await.expect_err("always busy");
    assert!(matches!(&error, ServiceError::Status { status, .. } if *status == 503), "{error}");
    assert_eq!(fake.requests(), 3 + 5 + 6);

    fake.refused.lock().expect("nobody panicked").push("bad".to_owned());
    let Err(ServiceError::Refused(refusal)) = service.render("bad", &ViewSet::Cli.pictures()).await else {
        panic!("422 is a refusal");
    };
    assert_eq!(refusal.to_string(), "FORBIDDEN_IDENTIFIER: fetch at line 4", "no control characters");
    assert_eq!(fake.requests(), 3 + 5 + 6 + 1, "422 is final");
}

#[tokio::test]
async fn a_pause_that_the_service_wishes_is_cut_to_the_limit_in_either_form() {
    let (fake, url) = FakeService::start().await;
    let service = client(&url);
    for wish in ["0", "7", "Fri, 31 Dec 1999 23:59:59 GMT", "Tue, 31 Dec 2999 23:59:59 GMT"] {
        fake.script([(StatusCode::TOO_MANY_REQUESTS, [("retry-after", wish)]).into_response()]);
        let pictures = ViewSet::Cli.pictures();
        let asked = service.render("a module", &pictures);
        tokio::time::timeout(Duration::from_mins(1), asked).await.expect("the wish is cut").expect("pictures");
    }
}

#[tokio::test]
async fn answers_that_break_the_api_are_not_kept() {
    let (fake, url) = FakeService::start().await;
    let service = client(&url);
    let image = |size| BASE64_STANDARD.encode(Image::filled(size, size, [0, 0, 0, 255]).to_png());
    for answer in [
        "no JSON".into_response(),
        axum::Json(json!({"images": vec![image(1024); 2]})).into_response(),
        axum::Json(json!({"images": vec![image(8); 8]})).into_response(),
        axum::Json(json!({"images": vec!["?"; 8]})).into_response(),
        axum::Json(json!({"images": vec![BASE64_STANDARD.encode("no PNG"); 8]})).into_response(),
    ] {
        fake.script([answer]);
        let error = service.render("a module", &ViewSet::Cli.pictures()).await.expect_err("a broken answer");
        assert!(matches!(error, ServiceError::Malformed { .. } | ServiceError::Picture(_)), "{error}");
    }
}

#[tokio::test]
async fn no_error_shows_the_password_of_an_address() {
    let address: Url = "http://user:geheim@127.0.0.1:1/".parse().expect("a URL");
    let service = client(&address);
    let error = service.health().await.expect_err("nobody listens on port 1");
    let mut text = format!("{error} {error:?} {}", service.addresses().join(" "));
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(!text.contains("geheim") && text.contains("127.0.0.1:1"), "{text}");
}

#[derive(Default)]
struct Names(Mutex<Vec<String>>);

impl Observer<BatchEvent<'_>> for Names {
    fn on(&self, event: BatchEvent<'_>) {
        let line = match event {
            BatchEvent::UpToDate { name } => format!("{name} up to date"),
            BatchEvent::Rendered { name } => format!("{name} rendered"),
            BatchEvent::Failed { name, error } => format!("{name} {error}"),
            BatchEvent::Found { .. } => return,
        };
        self.0.lock().expect("nobody panicked").push(line);
    }
}

fn batch(modules: &Path, output: &Path) -> Batch {
    let output = OutputFolder::new(output);
    Batch { modules: modules.to_owned(), output, views: ViewSet::Cli, force: false, concurrency: 2 }
}

#[tokio::test]
async fn a_batch_goes_on_past_failures_and_does_nothing_twice() {
    let (fake, url) = FakeService::start().await;
    fake.refused.lock().expect("nobody panicked").push("c".to_owned());
    *fake.meeting.lock().expect("nobody panicked") = Some(Arc::new(tokio::sync::Barrier::new(2)));
    let folder = tempfile::tempdir().expect("a folder");
    let (modules, output) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::create_dir(&modules).expect("a folder");
    for name in ["a", "b", "c", "d"] {
        std::fs::write(modules.join(format!("{name}.js")), name).expect("a file");
    }
    std::fs::write(modules.join("not a stem!.js"), "x").expect("a file");
    std::fs::write(modules.join("binary.js"), [0xff, 0xfe]).expect("a file");
    std::fs::write(modules.join("large.js"), vec![b' '; 1024 * 1024 + 1]).expect("a file");
    std::fs::write(modules.join("notes.txt"), "no module").expect("a file");

    let batch = batch(&modules, &output);
    let names = Names::default();
    let summary = batch.run(&client(&url), &names).await.expect("a summary");
    let failed: Vec<&str> = summary.failed.iter().map(|(name, _)| &**name).collect();
    assert_eq!(failed, ["binary", "c", "large", "not a stem!"]);
    assert_eq!((summary.rendered.len(), summary.up_to_date.len()), (3, 0));
    assert_eq!(fake.most_running.load(Ordering::Relaxed), 2, "two at once");
    assert!(output.join("a/white/top_down.png").is_file() && !output.join("c.png").exists());

    let before = fake.requests();
    let summary = batch.run(&client(&url), &names).await.expect("a summary");
    assert_eq!((summary.rendered.len(), summary.up_to_date.len()), (0, 3));
    assert_eq!(fake.requests() - before, 1, "only the refused one is asked for again");

    std::fs::write(modules.join("a.js"), "changed").expect("a file");
    let summary = batch.run(&client(&url), &names).await.expect("a summary");
    assert_eq!(summary.rendered, ["a"]);
    let summary = Batch { force: true, ..batch }.run(&client(&url), &names).await.expect("a summary");
    assert_eq!(summary.rendered.len(), 3);
    assert!(names.0.lock().expect("nobody panicked").contains(&"b up to date".to_owned()));
}

#[tokio::test]
async fn a_batch_stops_when_nobody_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a", "b", "c", "d", "e"] {
        std::fs::write(folder.path().join(format!("{name}.js")), name).expect("a file");
    }
    let nobody: Url = "http://127.0.0.1:1".parse().expect("a URL");
    let batch = Batch { concurrency: 1, ..batch(folder.path(), &folder.path().join("out")) };
    let summary = batch.run(&client(&nobody), &Names::default()).await.expect("a summary");
    assert_eq!((summary.failed.len(), summary.not_tried), (1, 4));
}

#[tokio::test]
async fn glass_goes_first_and_the_rest_by_name() {
    let (_fake, url) = FakeService::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    for (name, source) in [("a", "a"), ("b", "{ transmission: 1 }"), ("c", "c")] {
        std::fs::write(folder.path().join(format!("{name}.js")), source).expect("a file");
    }
    let batch = Batch { concurrency: 1, ..batch(folder.path(), &folder.path().join("out")) };
    let summary = batch.run(&client(&url), &Names::default()).await.expect("a summary");
    assert_eq!(summary.rendered, ["b", "a", "c"]);
}

//! The official HTTP API, answered by the built-in renderer.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gen404_renderer::server::{RenderServer, ServerOptions};
use gen404_renderer::{Image, RenderService, SERVICE_PATIENCE, Studio};
use gen404_round::view::ViewSet;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::equipment::{hash, hashes, module, options};

async fn start(queue: usize) -> Option<RenderServer> {
    let studio = Studio::new(options().await?);
    let address = "127.0.0.1:0".parse().expect("an address");
    Some(RenderServer::start(ServerOptions { address, studio, queue, warm_up: true }).await.expect("a server"))
}

struct Caller {
    http: Client,
    base: String,
}

impl Caller {
    fn of(server: &RenderServer) -> Self {
        // The server has installed the TLS provider that a client needs even for plain HTTP.
        Self { http: Client::new(), base: server.url().to_string().trim_end_matches('/').to_owned() }
    }

    async fn post(&self, path: &str, body: String) -> Response {
        self.http.post(format!("{}{path}", self.base)).body(body).send().await.expect("an answer")
    }

    async fn module(&self, path: &str, source: &str) -> Response {
        self.post(path, json!({"source": source}).to_string()).await
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("a body"))
    }
}

async fn image(answer: Response) -> Image {
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &"image/png".parse().expect("a value"))
    );
    Image::from_png(&answer.bytes().await.expect("a body")).expect("a PNG")
}

async fn json(answer: Response) -> (StatusCode, Value) {
    (answer.status(), answer.json().await.expect("JSON"))
}

const SMALL: &str = "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5));";

#[tokio::test]
async fn every_row_of_the_api() {
    let Some(server) = start(8).await else { return };
    let caller = Caller::of(&server);
    assert_eq!(caller.get("/health").await, (StatusCode::OK, r#"{"status":"ok"}"#.to_owned()));
    let (status, body) = caller.get("/ping").await;
    assert!(matches!(status, StatusCode::OK | StatusCode::NO_CONTENT) && body.is_empty(), "{status} {body}");

    // One theta is a picture, several are JSON, the grid is a picture.
    let lamp = module("lamp");
    let expected = &hashes()["lamp"];
    let view = "img_size=1024&cam_radius=2.0&cam_fov_deg=49.1&lighting=follow&bg_color=ffffff";
    let one = caller.module(&format!("/render?thetas=30&phis=0&{view}"), &lamp).await;
    assert_eq!(hash(&image(one).await), expected["white/front_left"]);
    let (status, several) = json(caller.module(&format!("/render?thetas=90,0&phis=0,-90&{view}"), &lamp).await).await;
    assert_eq!((status, &several["count"], &several["img_size"]), (StatusCode::OK, &json!(2), &json!(1024)));
    for (place, name) in ["white/right", "white/top_down"].into_iter().enumerate() {
        let png = BASE64_STANDARD.decode(several["images"][place].as_str().expect("base64")).expect("base64");
        assert_eq!(hash(&Image::from_png(&png).expect("a PNG")), expected[name]);
    }
    assert_eq!(hash(&image(caller.module("/render/grid", &lamp).await).await), expected["grid"]);
    assert_eq!(caller.get("/ping").await.0, StatusCode::OK);

    // Missing phis give pictures without the object.
    let small = "img_size=8&bg_color=102030";
    let (_, blank) = json(caller.module(&format!("/render?thetas=0,0,0&phis=0,0&{small}"), SMALL).await).await;
    let png = BASE64_STANDARD.decode(blank["images"][2].as_str().expect("base64")).expect("base64");
    assert_eq!(Image::from_png(&png).expect("a PNG"), Image::filled(8, 8, [0x10, 0x20, 0x30, 255]));

    // Modules that are refused.
    let (status, body) = json(caller.module("/render", "export default () => { throw new Error('no'); };").await).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let failure = json!({"stage": "execution", "rule": "EXECUTION_THREW", "detail": "no"});
    assert_eq!(body, json!({"error": "post_validation_failed", "failures": [failure], "metrics": null}));
    let large = "export default (THREE) => new THREE.Mesh(new THREE.BoxGeometry(2, 1, 1));";
    let (status, body) = json(caller.module("/render/grid", large).await).await;
    assert_eq!((status, &body["error"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("post_validation_failed")));
    assert_eq!(body["failures"][0]["rule"], "BOUNDING_BOX_OUT_OF_RANGE");
    assert_eq!((&body["metrics"]["drawCalls"], &body["metrics"]["bbox"]["max"]["x"]), (&json!(1), &json!(1)));
    let (status, body) = json(caller.module("/render", &" ".repeat(1024 * 1024 + 1)).await).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let failure = json!({"stage": "parse", "rule": "FILE_SIZE_EXCEEDED", "detail": "1048577 bytes (limit 1048576)"});
    assert_eq!(body, json!({"error": "validation_failed", "failures": [failure]}));

    // What throws while it is drawn broke no rule.
    let late = "export default (THREE) => { const m = new THREE.Mesh(new THREE.BoxGeometry(0.5, 0.5, 0.5)); \
                m.onBeforeRender = () => { throw new Error('late'); }; return m; };";
    let threw = json(caller.module("/render?thetas=0&phis=0&img_size=8", late).await).await;
    assert_eq!(threw, (StatusCode::INTERNAL_SERVER_ERROR, json!({"error": "late"})));

    // Requests that make no sense.
    for body in
        ["no JSON", "{}", r#"{"source": ""}"#, r#"{"url": "file:///etc/passwd"}"#, r#"{"url": "http://127.0.0.1:1/"}"#]
    {
        let (status, answer) = json(caller.post("/render", body.to_owned()).await).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    for path in ["/", "/render", "/render/grid/", "/metrics"] {
        assert_eq!(caller.get(path).await, (StatusCode::NOT_FOUND, r#"{"error":"not found"}"#.to_owned()), "{path}");
    }
    let page = caller.http.post(format!("{}/render", caller.base)).header("origin", "https://example.com");
    assert_eq!(
        page.body(json!({"source": SMALL}).to_string()).send().await.expect("an answer").status(),
        StatusCode::FORBIDDEN
    );
    server.stop().await;
}

#[tokio::test]
async fn a_module_may_be_named_by_its_url() {
    let Some(server) = start(8).await else { return };
    let files = axum::Router::new().route("/box.js", axum::routing::get(|| async { SMALL }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, files).await });
    let caller = Caller::of(&server);
    let by_url = caller.post("/render?thetas=0&img_size=32", json!({"url": format!("{url}/box.js")}).to_string()).await;
    let by_source = caller.module("/render?thetas=0&img_size=32", SMALL).await;
    assert_eq!(image(by_url).await, image(by_source).await);
    let missing = caller.post("/render", json!({"url": format!("{url}/other.js")}).to_string()).await;
    assert_eq!(missing.status(), StatusCode::INTERNAL_SERVER_ERROR);
    server.stop().await;
}

#[tokio::test]
async fn who_finds_the_queue_full_is_told_when_to_come_again() {
    let Some(server) = start(0).await else { return };
    let caller = Caller::of(&server);
    let hanging = caller.module("/render", "while (true); export default () => {};");
    let second = async {
        loop {
            let answer = caller.module("/render?thetas=0&img_size=8", SMALL).await;
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                return answer;
            }
        }
    };
    let (hanging, second) = tokio::join!(hanging, second);
    assert_eq!(second.headers()["retry-after"], "5");
    let rule = json(hanging).await.1["failures"][0]["rule"].clone();
    assert!(rule == "TIMEOUT_EXCEEDED" || rule.is_null(), "{rule}");
    server.stop().await;
}

#[tokio::test]
async fn our_own_client_gets_the_same_files_from_it_as_from_the_official_one() {
    let Some(server) = start(8).await else { return };
    let client = RenderService::new([server.url()], SERVICE_PATIENCE, Duration::from_mins(2)).expect("a client");
    client.health().await.expect("health");
    let expected = &hashes()["wires"];
    for (picture, png) in client.render(&module("wires"), &ViewSet::All.pictures()).await.expect("pictures") {
        let image = Image::from_png(&png).expect("a PNG");
        assert_eq!(hash(&image), expected[&picture.to_string()], "{picture}");
    }
    server.stop().await;
}

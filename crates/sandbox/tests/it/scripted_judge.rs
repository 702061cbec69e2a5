//! The scripted judge over HTTP: what it accepts, what it answers, and what goes wrong when it is told to.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gen404_sandbox::faults::Rule;
use gen404_sandbox::judge::{Fault, Options, ScriptedJudge};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// A disc of one colour on white, as a PNG file.
fn disc(colour: [u8; 3], radius: i32) -> Vec<u8> {
    let edge = 128;
    let pixels: Vec<u8> = (0..edge * edge)
        .flat_map(|index| {
            let (x, y) = (index % edge - edge / 2, index / edge - edge / 2);
            if x * x + y * y <= radius * radius { colour } else { [255; 3] }
        })
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 128, 128);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

fn data_address(file: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(file))
}

fn penalty_schema() -> Value {
    json!({
        "title": "PenaltyResponse",
        "type": "object",
        "required": ["penalty_1", "penalty_2", "issues"],
        "properties": {
            "penalty_1": { "type": "integer" },
            "penalty_2": { "type": "integer" },
            "issues": { "type": "string" },
        },
    })
}

fn request(addresses: &[String]) -> Value {
    let mut parts = vec![json!({ "type": "text", "text": "Which is nearer?" })];
    parts.extend(addresses.iter().map(|url| json!({ "type": "image_url", "image_url": { "url": url } })));
    json!({
        "model": "glm-4.6v-flash",
        "messages": [{ "role": "system", "content": "You compare." }, { "role": "user", "content": parts }],
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": "s1_prompt_match-response", "schema": penalty_schema() },
        },
        "temperature": 0.15,
        "max_tokens": 1024,
        "seed": 3_141_592_754_u64,
    })
}

fn three_pictures() -> Vec<String> {
    [disc([200, 30, 30], 40), disc([190, 40, 40], 40), disc([20, 60, 200], 20)]
        .iter()
        .map(|file| data_address(file))
        .collect()
}

struct Caller {
    client: Client,
    judge: ScriptedJudge,
}

impl Caller {
    async fn new(options: Options) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        Self { client: Client::new(), judge: ScriptedJudge::start(options).await.unwrap() }
    }

    async fn send(&self, body: &Value) -> reqwest::Result<reqwest::Response> {
        self.client.post(self.judge.url().join("v1/chat/completions").unwrap()).json(body).send().await
    }

    async fn content(&self, body: &Value) -> Value {
        let response = self.send(body).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let completion: Value = response.json().await.unwrap();
        completion["choices"][0]["message"]["content"].clone()
    }

    async fn refusal(&self, body: &Value) -> (u16, String) {
        let response = self.send(body).await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], status, "an error has the API's form");
        (status, body["error"]["message"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn the_better_picture_wins_and_the_call_is_remembered() {
    let caller = Caller::new(Options::default()).await;
    let content = caller.content(&request(&three_pictures())).await;
    let penalties: Value = serde_json::from_str(content.as_str().unwrap()).unwrap();
    assert!(penalties["penalty_1"].as_u64().unwrap() + 3 <= penalties["penalty_2"].as_u64().unwrap(), "{penalties}");
    let calls = caller.judge.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].label.as_str(), calls[0].seed), ("s1_prompt_match", Some(3_141_592_754)));
    assert_eq!(calls[0].pictures.len(), 3);
    assert_eq!(calls[0].pictures[0].len(), 64, "pictures are remembered by their SHA-256");
}

#[tokio::test]
async fn it_says_that_it_is_a_script() {
    let caller = Caller::new(Options::default()).await;
    for path in ["health", "v1/models"] {
        let text =
            caller.client.get(caller.judge.url().join(path).unwrap()).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("not a model"), "{path}: {text}");
    }
    let completion: Value = caller.send(&request(&three_pictures())).await.unwrap().json().await.unwrap();
    assert!(completion["system_fingerprint"].as_str().unwrap().contains("not a model"));
}

#[tokio::test]
async fn requests_that_break_the_contract_are_refused() {
    let caller = Caller::new(Options::default()).await;
    let good = request(&three_pictures());
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        body
    };
    let cases: Vec<(Value, u16, &str)> = vec![
        (broken(&|body| body["model"] = json!("gpt")), 404, "does not exist"),
        (broken(&|body| body["response_format"]["type"] = json!("json_object")), 400, "json_schema"),
        (broken(&|body| body["messages"].as_array_mut().unwrap().truncate(1)), 400, "one system message"),
        (broken(&|body| body["messages"][1]["content"] = json!("text")), 400, "image_url"),
        (broken(&|body| drop(body["messages"][1]["content"].as_array_mut().unwrap().pop())), 400, "3 pictures"),
        (
            broken(&|body| body["messages"][1]["content"][1]["image_url"]["url"] = json!("file:///etc/passwd")),
            400,
            "address",
        ),
        (
            broken(&|body| body["messages"][1]["content"][1]["image_url"]["url"] = json!("data:image/png;base64,!")),
            400,
            "base64",
        ),
        (
            broken(&|body| body["messages"][1]["content"][1]["image_url"]["url"] = json!("data:image/png;base64,AAAA")),
            400,
            "PNG",
        ),
        (broken(&|body| body["temperature"] = json!(3.0)), 400, "temperature"),
        (broken(&|body| body["max_tokens"] = json!(0)), 400, "max_tokens"),
        (broken(&|body| body["stream"] = json!(true)), 400, "streaming"),
        (
            broken(&|body| body["response_format"]["json_schema"]["schema"]["required"] = json!(["issues"])),
            400,
            "required",
        ),
        (
            broken(&|body| {
                body["response_format"]["json_schema"]["schema"]["properties"]["penalty_1"]["type"] = json!("string");
            }),
            400,
            "types",
        ),
    ];
    for (body, status, word) in cases {
        let (found, message) = caller.refusal(&body).await;
        assert_eq!(found, status, "{message}");
        assert!(message.contains(word), "`{word}` is not in `{message}`");
    }
    assert!(caller.judge.calls().is_empty(), "a refused request is no call");
}

#[tokio::test]
async fn a_renamed_label_is_understood_by_its_schema() {
    let caller = Caller::new(Options::default()).await;
    let mut body = request(&three_pictures());
    body["response_format"]["json_schema"]["name"] = json!("my_own_label");
    assert!(caller.content(&body).await.as_str().unwrap().contains("penalty_1"));
}

#[tokio::test]
async fn a_key_is_wanted_when_it_has_one() {
    let caller = Caller::new(Options { api_key: Some("right".to_owned()), ..Options::default() }).await;
    let body = request(&three_pictures());
    assert_eq!(caller.refusal(&body).await.0, 401);
    let url = caller.judge.url().join("v1/chat/completions").unwrap();
    let response = caller.client.post(url).bearer_auth("right").json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn pictures_may_come_by_address() {
    let caller = Caller::new(Options::default()).await;
    let files = axum::Router::new().route("/a.png", axum::routing::get(|| async { disc([200, 30, 30], 40) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/a.png", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, files).await });
    let mut pictures = three_pictures();
    pictures[0].clone_from(&address);
    let by_address = caller.content(&request(&pictures)).await;
    assert_eq!(by_address, caller.content(&request(&three_pictures())).await);
    pictures[0] = address.replace("a.png", "b.png");
    assert!(caller.refusal(&request(&pictures)).await.1.contains("cannot fetch"));
    server.abort();
}

#[tokio::test]
async fn faults_happen_as_often_as_told() {
    let caller = Caller::new(Options::default()).await;
    let body = request(&three_pictures());
    caller.judge.faults().add(Rule::times(Fault::RateLimited { retry_after_seconds: 7 }, 1));
    caller.judge.faults().add(Rule::from(Fault::ServerError).on("explain"));
    caller.judge.faults().add(Rule::times(Fault::Prose, 1));
    let limited = caller.send(&body).await.unwrap();
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    let prose = caller.content(&body).await;
    assert!(!prose.as_str().unwrap().contains('{'));
    assert!(caller.content(&body).await.as_str().unwrap().starts_with('{'));
    caller.judge.faults().clear();
    caller.judge.faults().add(Rule::from(Fault::Refusal));
    assert!(caller.content(&body).await.is_null());
}

#[tokio::test]
async fn faults_are_controlled_over_http() {
    let caller = Caller::new(Options::default()).await;
    let control = caller.judge.url().join("sandbox/faults").unwrap();
    let rule = json!({ "fault": "server_error", "on": "s1_prompt_match", "times": 1 });
    let state: Value = caller.client.post(control.clone()).json(&rule).send().await.unwrap().json().await.unwrap();
    assert_eq!(state["faults"][0]["fault"], "server_error");
    assert_eq!(caller.refusal(&request(&three_pictures())).await.0, 500);
    let wrong = caller.client.post(control.clone()).json(&json!({ "fault": "bad" })).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    caller.client.delete(control).send().await.unwrap();
    assert!(caller.judge.faults().list().is_empty());
    assert_eq!(caller.judge.call_count(), 1);
}

#[tokio::test]
async fn a_cut_connection_breaks_the_body() {
    let caller = Caller::new(Options::default()).await;
    caller.judge.faults().add(Rule::from(Fault::CutConnection));
    let broken = match caller.send(&request(&three_pictures())).await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(broken);
}

#[tokio::test]
async fn a_stalled_answer_ends_when_the_script_stops() {
    let Caller { client, judge } = Caller::new(Options::default()).await;
    judge.faults().add(Rule::from(Fault::Stall));
    let url = judge.url().join("v1/chat/completions").unwrap();
    let call = client.post(url).json(&request(&three_pictures())).send();
    let stop = async {
        while judge.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(judge);
    };
    let (answer, ()) = tokio::time::timeout(Duration::from_mins(1), async { tokio::join!(call, stop) }).await.unwrap();
    assert!(answer.is_err() || answer.unwrap().status() == StatusCode::SERVICE_UNAVAILABLE);
}

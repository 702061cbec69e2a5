//! A scripted model: it sees the words that the tests wrote into the pictures and answers by rule. Used as it is, or behind HTTP.
//! It remembers every request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use gen404_judge::{Answer, Part, Request, Vlm, VlmError};
use serde_json::{Value, json};

/// A request as the model saw it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) label: String,
    /// Contents of the pictures, in order.
    pub(crate) pictures: Vec<String>,
    pub(crate) seed: u64,
    pub(crate) temperature: f64,
    pub(crate) max_tokens: u64,
}

type Script = dyn Fn(&Seen) -> String + Send + Sync;

/// The model; clones share their memory.
#[derive(Clone)]
pub(crate) struct Model {
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Model {
    /// Answers by a rule of the test's own.
    pub(crate) fn scripted(script: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), seen: Arc::default() }
    }

    /// Answers every question sensibly from words of the pictures: `q3` is a penalty, `good` or `bad` a checklist, and a white view
    /// with `junk` is garbage. A view's own word wins over the side's: `q3 back:junk back` is seen on the view `back` alone.
    pub(crate) fn sighted() -> Self {
        Self::scripted(sensible)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics while holding it").clone()
    }

    fn answer(&self, seen: Seen) -> String {
        let answer = (self.script)(&seen);
        self.seen.lock().expect("no test panics while holding it").push(seen);
        answer
    }
}

/// Penalty that a picture's words ask for in this kind of question: `s2ac:q7` beats `q3`.
fn penalty(label: &str, picture: &str) -> i64 {
    let kind = label.split('_').next().unwrap_or_default();
    let words: Vec<&str> = picture.split(' ').collect();
    let own = words.iter().find_map(|word| word.strip_prefix(kind)?.strip_prefix(":q"));
    let common = words.iter().find_map(|word| word.strip_prefix('q'));
    own.or(common).and_then(|number| number.parse().ok()).unwrap_or(5)
}

pub(crate) fn sensible(seen: &Seen) -> String {
    let pictures = &seen.pictures;
    let reply = match seen.label.as_str() {
        "s2cl_decompose" => {
            let feature = |text: &str| json!({"description": text, "category": "presence"});
            json!({"main_object": "red chair", "features": (["4 legs", "a seat", "a back", "arms"].map(feature))})
        }
        "s2cl_verify" => {
            let mark = if pictures[1].contains("bad") { "no" } else { "yes" };
            let check = |text: &str| json!({"feature": text, "match": mark, "note": "as seen"});
            json!({"checks": (["4 legs", "a seat", "a back", "arms"].map(check)), "main_object_correct": mark == "yes"})
        }
        "s4_per_angle" => {
            let view = pictures[1].rsplit(' ').next().unwrap_or_default();
            let junk = pictures[1].contains(&format!("{view}:junk"));
            json!({"verdict": if junk { "garbage" } else { "ok" }, "reason": format!("the {view}")})
        }
        "explain" => json!({"issues": "A: thin legs. B: wrong colour."}),
        label => json!({
            "penalty_1": penalty(label, &pictures[1]), "penalty_2": penalty(label, &pictures[2]), "issues": "as seen",
        }),
    };
    reply.to_string()
}

fn content(url: &str) -> String {
    let data = url.split_once(";base64,").map(|(_, data)| data).expect("a data URL");
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
    // Gray pictures are real PNG files; one is as good as another here.
    String::from_utf8(bytes).unwrap_or_else(|error| format!("png of {} bytes", error.as_bytes().len()))
}

impl Vlm for Model {
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, VlmError> {
        tokio::task::yield_now().await;
        let pictures = request.parts.iter().filter_map(|part| match part {
            Part::Picture(url) => Some(content(std::str::from_utf8(url).expect("a URL"))),
            Part::Text(_) => None,
        });
        let text = self.answer(Seen {
            label: request.label.to_owned(),
            pictures: pictures.collect(),
            seed: request.seed,
            temperature: request.temperature,
            max_tokens: u64::from(request.max_tokens),
        });
        Ok(text.into())
    }
}

/// The model's routes.
pub(crate) fn routes(model: Model) -> axum::Router {
    axum::Router::new()
        .route("/v1/chat/completions", axum::routing::post(complete))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(model)
}

/// The model behind HTTP, on a free port of this machine, for as long as the test's runtime lives.
pub(crate) async fn serve(model: Model) -> String {
    let app = routes(model);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn complete(State(model): State<Model>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    match understand(&headers, &body) {
        Ok(seen) => {
            let message = json!({"role": "assistant", "content": model.answer(seen)});
            axum::Json(json!({"id": "c1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}))
                .into_response()
        }
        Err(problem) => (StatusCode::UNPROCESSABLE_ENTITY, problem).into_response(),
    }
}

/// As strict as a server can be.
fn understand(headers: &HeaderMap, body: &[u8]) -> Result<Seen, String> {
    let length: Option<usize> = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    if length != Some(body.len()) {
        return Err("content-length".to_owned());
    }
    if headers.get("content-type").is_none_or(|value| value != "application/json") {
        return Err("content-type".to_owned());
    }
    let fields: HashMap<String, Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let known = ["model", "messages", "temperature", "max_tokens", "seed", "response_format"];
    if fields.len() != known.len() || !known.iter().all(|name| fields.contains_key(*name)) {
        return Err("fields".to_owned());
    }
    let format = &fields["response_format"];
    let name = format["json_schema"]["name"].as_str().and_then(|name| name.strip_suffix("-response")).ok_or("name")?;
    if format["type"] != "json_schema" || format["json_schema"]["schema"]["type"] != "object" {
        return Err("schema".to_owned());
    }
    let messages = &fields["messages"];
    if messages[0]["role"] != "system" || messages[1]["role"] != "user" || messages[2] != Value::Null {
        return Err("roles".to_owned());
    }
    let parts = messages[1]["content"].as_array().ok_or("content")?;
    let pictures =
        parts.iter().filter(|part| part["type"] == "image_url").map(|part| part["image_url"]["url"].as_str());
    Ok(Seen {
        label: name.to_owned(),
        pictures: pictures.map(|url| url.map(content).ok_or("url")).collect::<Result<_, _>>()?,
        seed: fields["seed"].as_u64().ok_or("seed")?,
        temperature: fields["temperature"].as_f64().ok_or("temperature")?,
        max_tokens: fields["max_tokens"].as_u64().ok_or("max_tokens")?,
    })
}

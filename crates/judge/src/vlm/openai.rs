//! A thin client for OpenAI-compatible chat completions (vLLM, llama.cpp, Ollama, hosted services).
//! Repeats what failed on the way, with pauses; what a reply says is none of its business.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::body::pieces;
use super::{Request, Vlm, VlmError};

/// Replies are a few hundred tokens; reasoning models add some more.
const LONGEST_REPLY: u64 = 8 << 20;
/// A server that wants a longer pause than this gets an ordinary one.
const LONGEST_WISHED_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How to talk to an endpoint.
#[derive(Debug)]
pub struct ChatSettings {
    /// The address; `/v1` is appended unless it ends in it.
    pub endpoint: Url,
    /// Name of the model.
    pub model: String,
    /// Sent as a bearer token when given.
    pub api_key: Option<SecretString>,
    /// Limit for one request, from connecting to the last byte of the reply.
    pub timeout: Duration,
    /// How often a request that failed on the way is sent again.
    pub transport_retries: u32,
    /// Pause before the first of these; it doubles up to 8 s, unless the server wishes another.
    pub retry_pause: Duration,
}

impl ChatSettings {
    /// The subnet's own limits: 120 s for a request, sent again twice.
    pub fn new(endpoint: Url, model: impl Into<String>) -> Self {
        Self {
            endpoint,
            model: model.into(),
            api_key: None,
            timeout: Duration::from_mins(2),
            transport_retries: 2,
            retry_pause: Duration::from_millis(500),
        }
    }
}

/// Client of one model at one endpoint.
#[derive(Debug, Clone)]
pub struct ChatClient {
    http: Client,
    base: String,
    /// For messages: without credentials.
    shown: String,
    model: String,
    timeout: Duration,
    transport_retries: u32,
    retry_pause: Duration,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

impl ChatClient {
    /// A client with its own pool of connections.
    pub fn new(settings: ChatSettings) -> Result<Self, VlmError> {
        // reqwest takes the process-wide provider and panics without one.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let ChatSettings { mut endpoint, model, api_key, timeout, transport_retries, retry_pause } = settings;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = api_key {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| VlmError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let base = base(&endpoint);
        // An http(s) URL takes any credentials, none as well.
        let _always = (endpoint.set_username(""), endpoint.set_password(None));
        let shown = self::base(&endpoint);
        let http = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("404-cli/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10).min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(64)
            .build()
            .map_err(|source| VlmError::Unreachable { endpoint: shown.clone(), source })?;
        Ok(Self { http, base, shown, model, timeout, transport_retries, retry_pause })
    }

    /// Names of the models the endpoint says it has; `None` when it does not say. Fails when nobody answers at all.
    pub async fn models(&self) -> Result<Option<Vec<String>>, VlmError> {
        let sent = self.http.get(format!("{}/models", self.base)).send().await;
        let response = sent.map_err(|source| self.transport(source))?;
        let status = response.status().as_u16();
        let body = self.read(response).await?;
        match status {
            401 | 403 => Err(self.status(status, &body)),
            200..=299 => {
                let models: Option<Models> = serde_json::from_slice(&body).ok();
                Ok(models.map(|models| models.data.into_iter().map(|model| shortened(&model.id)).collect()))
            }
            _ => Ok(None),
        }
    }

    /// The endpoint for messages, without credentials.
    pub fn endpoint(&self) -> &str {
        &self.shown
    }

    async fn once(&self, pieces: &[Bytes], length: usize) -> Result<String, (VlmError, Option<Duration>)> {
        let owned: Vec<Result<Bytes, std::convert::Infallible>> = pieces.iter().cloned().map(Ok).collect();
        let body = reqwest::Body::wrap_stream(futures::stream::iter(owned));
        let url = format!("{}/chat/completions", self.base);
        let sent = self.http.post(url).header(CONTENT_LENGTH, length).body(body).send().await;
        let response = sent.map_err(|source| (self.transport(source), None))?;
        let status = response.status();
        let wished = wished_pause(response.headers());
        let body = self.read(response).await.map_err(|error| (error, None))?;
        if !status.is_success() {
            return Err((self.status(status.as_u16(), &body), wished));
        }
        let completion: Completion = serde_json::from_slice(&body)
            .map_err(|_| (VlmError::NoCompletion { endpoint: self.shown.clone() }, None))?;
        let message = completion.choices.into_iter().next().and_then(|choice| choice.message);
        let message = message.ok_or_else(|| (VlmError::NoCompletion { endpoint: self.shown.clone() }, None))?;
        Ok(message.content.unwrap_or_default())
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, VlmError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|source| self.transport(source))? {
            if (body.len() + chunk.len()) as u64 > LONGEST_REPLY {
                return Err(VlmError::TooLong { endpoint: self.shown.clone(), limit: LONGEST_REPLY });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn transport(&self, source: reqwest::Error) -> VlmError {
        let (endpoint, source) = (self.shown.clone(), source.without_url());
        if source.is_timeout() && !source.is_connect() {
            VlmError::TimedOut { endpoint, seconds: self.timeout.as_secs() }
        } else if source.is_body() || source.is_decode() {
            VlmError::BrokeOff { endpoint, source }
        } else {
            VlmError::Unreachable { endpoint, source }
        }
    }

    fn status(&self, status: u16, body: &[u8]) -> VlmError {
        VlmError::Status { endpoint: self.shown.clone(), status, message: error_message(body) }
    }
}

impl Vlm for ChatClient {
    async fn ask(&self, request: &Request<'_>) -> Result<String, VlmError> {
        let pieces = pieces(&self.model, request);
        let length = pieces.iter().map(Bytes::len).sum();
        let mut pause = self.retry_pause;
        let mut left = self.transport_retries;
        loop {
            match self.once(&pieces, length).await {
                Err((error, wished)) if error.is_retryable() && left > 0 => {
                    tracing::debug!(%error, left, "sending the request again");
                    tokio::time::sleep(wished.unwrap_or(pause)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    left -= 1;
                }
                outcome => return outcome.map_err(|(error, _)| error),
            }
        }
    }
}

/// The endpoint with `/v1` at its end.
fn base(endpoint: &Url) -> String {
    let mut endpoint = endpoint.clone();
    endpoint.set_fragment(None);
    endpoint.set_query(None);
    let text = endpoint.as_str().trim_end_matches('/');
    if text.ends_with("/v1") { text.to_owned() } else { format!("{text}/v1") }
}

/// `Retry-After` in seconds, when it is reasonable.
fn wished_pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    let pause = Duration::try_from_secs_f64(seconds).ok()?;
    (pause > Duration::ZERO && pause <= LONGEST_WISHED_PAUSE).then_some(pause)
}

/// What a server says about its refusal: `error.message`, `message`, `detail`, or the beginning of the body.
fn error_message(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let said = json.as_ref().and_then(|json| {
        let places = [json.pointer("/error/message"), json.get("message"), json.get("error"), json.get("detail")];
        places.into_iter().flatten().find_map(serde_json::Value::as_str)
    });
    shortened(said.unwrap_or(&String::from_utf8_lossy(body)))
}

/// At most 200 characters on one line, without control characters.
fn shortened(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut harmless = words.chars().filter(|c| !c.is_control());
    let mut short: String = harmless.by_ref().take(200).collect();
    if harmless.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_is_appended_once() {
        for (endpoint, want) in [
            ("http://h:8000", "http://h:8000/v1"),
            ("http://h:8000/", "http://h:8000/v1"),
            ("http://h:8000/v1", "http://h:8000/v1"),
            ("http://h:8000/v1/", "http://h:8000/v1"),
            ("https://h/api?x=1#y", "https://h/api/v1"),
        ] {
            assert_eq!(base(&endpoint.parse().expect("a URL")), want);
        }
    }

    #[test]
    fn refusals_are_quoted_briefly() {
        assert_eq!(error_message(br#"{"error":{"message":"no model\n`x`"}}"#), "no model `x`");
        assert_eq!(error_message(br#"{"detail":"Not Found"}"#), "Not Found");
        assert_eq!(error_message(b"<html>\x1b[2J gateway</html>"), "<html>[2J gateway</html>");
        assert!(error_message("ü".repeat(999).as_bytes()).ends_with('…'));
        assert_eq!(error_message(b""), "");
    }

    #[test]
    fn wished_pauses_are_kept_within_reason() {
        let pause =
            |value: &'static str| wished_pause(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]));
        assert_eq!(pause("2"), Some(Duration::from_secs(2)));
        assert_eq!(pause("0.5"), Some(Duration::from_millis(500)));
        for value in ["3600", "0", "-1", "NaN", "inf", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(pause(value), None, "{value}");
        }
    }
}

//! A thin client for OpenAI-compatible chat completions (vLLM, llama.cpp, Ollama, hosted services).
//! Repeats what failed on the way, with pauses; what a reply says is none of its business.

use std::time::Duration;

use bytes::Bytes;
use gen404_outside::http::{self, BodyError, RequestError};
use gen404_outside::secrets::Secrets;
use gen404_outside::text::excerpt;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::address::Addresses;
use super::body::pieces;
use super::said::{self, Said};
use super::{Answer, Request, Vlm, VlmError, blot};
use crate::profile::{Part, RequestFields};

/// Replies are a few hundred tokens; reasoning models add some more.
const LONGEST_REPLY: usize = 8 << 20;
/// A server that wants a longer pause than this is not asked again for the same question.
pub(crate) const LONGEST_WISHED_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How to talk to an endpoint.
#[derive(Debug)]
pub struct ChatSettings {
    /// The address; `/v1` is appended unless its path holds a version or ends in `/chat/completions`.
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
    /// Which fields a request has.
    pub fields: RequestFields,
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
            fields: RequestFields::default(),
        }
    }
}

/// Client of one model at one endpoint.
#[derive(Debug, Clone)]
pub struct ChatClient {
    http: Client,
    addresses: Addresses,
    model: String,
    timeout: Duration,
    transport_retries: u32,
    retry_pause: Duration,
    fields: RequestFields,
    /// What no text of the server may repeat.
    secrets: Secrets,
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
        let ChatSettings { endpoint, model, api_key, timeout, transport_retries, retry_pause, fields } = settings;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut secrets = Secrets::default().with_address(&endpoint);
        if let Some(key) = api_key {
            secrets = secrets.with_key(key.expose_secret());
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| VlmError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let http = http::client()
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(10).min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(64)
            .build()
            .map_err(|error| VlmError::Unreachable { address: http::shown(&endpoint), source: error.into() })?;
        let addresses = Addresses::of(&endpoint);
        Ok(Self { http, addresses, model, timeout, transport_retries, retry_pause, fields, secrets })
    }

    /// Names of the models the endpoint says it has; `None` when it does not say. Fails when nobody answers at all.
    pub async fn models(&self) -> Result<Option<Vec<String>>, VlmError> {
        let url = &self.addresses.models;
        let sent = self.http.get(url.clone()).send().await;
        let response = sent.map_err(|source| self.transport(url, source))?;
        let status = response.status().as_u16();
        let wished = wished_pause(&response);
        let body = self.read(url, response).await?;
        match status {
            401 | 403 => Err(refused(&self.secrets, url, status, &body, wished)),
            200..=299 => {
                let models: Option<Models> = serde_json::from_slice(&body).ok();
                Ok(models.map(|models| {
                    models.data.into_iter().map(|model| excerpt(&self.secrets.blotted(&model.id), 200)).collect()
                }))
            }
            _ => Ok(None),
        }
    }

    async fn once(&self, parts: &[Part], pieces: &[Bytes], length: usize) -> Result<Answer, VlmError> {
        let owned: Vec<Result<Bytes, std::convert::Infallible>> = pieces.iter().cloned().map(Ok).collect();
        let body = reqwest::Body::wrap_stream(futures::stream::iter(owned));
        let url = &self.addresses.chat;
        let sent = self.http.post(url.clone()).header(CONTENT_LENGTH, length).body(body).send().await;
        let response = sent.map_err(|source| self.transport(url, source))?;
        let status = response.status();
        let wished = wished_pause(&response);
        let body = self.read(url, response).await?;
        if !status.is_success() {
            return Err(refused(&self.secrets_beside(parts), url, status.as_u16(), &body, wished));
        }
        let address = http::shown(url);
        let said = match said::read(&body) {
            answer @ Said::Answer(_) => answer,
            // The words of an error are shown and stored; an answer's are the model's, who never saw the request's head.
            Said::Error(..) | Said::Neither(_) => said::read(&blot::body(&self.secrets_beside(parts), &body)),
        };
        match said {
            Said::Answer(answer) => Ok(answer),
            Said::Error(Some(status), message) => Err(VlmError::Status { address, status, message, wished }),
            Said::Error(None, message) => Err(VlmError::ErrorBody { address, message }),
            Said::Neither(begins) => Err(VlmError::NoCompletion { address, begins }),
        }
    }

    async fn read(&self, url: &Url, response: Response) -> Result<Vec<u8>, VlmError> {
        http::read_at_most(response, LONGEST_REPLY).await.map_err(|error| match error {
            BodyError::TooLarge { limit } => VlmError::TooLong { address: http::shown(url), limit },
            BodyError::BrokeOff(source) => self.transport(url, source),
        })
    }

    fn transport(&self, url: &Url, source: impl Into<RequestError>) -> VlmError {
        let (address, source): (_, RequestError) = (http::shown(url), source.into());
        if source.is_timeout() && !source.is_connect() {
            VlmError::TimedOut { address, seconds: self.timeout.as_secs() }
        } else if source.is_of_the_body() {
            VlmError::BrokeOff { address, source }
        } else {
            VlmError::Unreachable { address, source }
        }
    }

    /// With those of the addresses of pictures: a server that cannot fetch one says which.
    fn secrets_beside(&self, parts: &[Part]) -> Secrets {
        let addresses = parts.iter().filter_map(|part| match part {
            // As it stands inside a JSON text.
            Part::Picture(url) if !url.starts_with(b"data:") => {
                let text = [b"\"", url.as_ref(), b"\""].concat();
                serde_json::from_slice::<String>(&text).ok()?.parse::<Url>().ok()
            }
            Part::Picture(_) | Part::Text(_) => None,
        });
        addresses.fold(self.secrets.clone(), |secrets, address| secrets.with_address(&address))
    }
}

fn refused(secrets: &Secrets, url: &Url, status: u16, body: &[u8], wished: Option<Duration>) -> VlmError {
    let message = said::refusal(&blot::body(secrets, body));
    VlmError::Status { address: http::shown(url), status, message, wished }
}

/// The pause the server asks for; one that is over counts as none.
fn wished_pause(response: &Response) -> Option<Duration> {
    http::wished_pause(response.headers(), jiff::Timestamp::now()).filter(|pause| !pause.is_zero())
}

impl Vlm for ChatClient {
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, VlmError> {
        let pieces = pieces(&self.model, &self.fields, request);
        let length = pieces.iter().map(Bytes::len).sum();
        let mut pause = self.retry_pause;
        let mut left = self.transport_retries;
        loop {
            let error = match self.once(request.parts, &pieces, length).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wished = error.wished_pause();
            let too_long = wished.is_some_and(|wished| wished > LONGEST_WISHED_PAUSE);
            if left == 0 || too_long || !error.is_retryable() {
                return Err(error);
            }
            tracing::debug!(%error, left, "sending the request again");
            tokio::time::sleep(wished.unwrap_or(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            left -= 1;
        }
    }
}

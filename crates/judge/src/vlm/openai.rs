//! A thin client for OpenAI-compatible chat completions (vLLM, llama.cpp, Ollama, hosted services) at one or several endpoints.
//! Repeats what failed on the way, with pauses or elsewhere; what a reply says is none of its business.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use gen404_outside::http::{self, BodyError, RequestError};
use gen404_outside::pool::{Endpoint, Patience, Pool, Share};
use gen404_outside::retry::Pauses;
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
use super::{Answer, Greeted, Identity, Request, Served, Vlm, VlmError, blot};
use crate::profile::{Part, RequestFields};

/// Replies are a few hundred tokens; reasoning models add some more.
const LONGEST_REPLY: usize = 8 << 20;
/// A server that wants a longer pause than this is not asked again for the same question.
pub(crate) const LONGEST_WISHED_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How to talk to an endpoint.
#[derive(Debug)]
pub struct ChatSettings {
    /// The addresses, at least one; `/v1` is appended unless a path holds a version or ends in `/chat/completions`.
    pub endpoints: Vec<Url>,
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
            endpoints: vec![endpoint],
            model: model.into(),
            api_key: None,
            timeout: Duration::from_mins(2),
            transport_retries: 2,
            retry_pause: Duration::from_millis(500),
            fields: RequestFields::default(),
        }
    }
}

/// Client of one model at one or several endpoints that share the questions.
#[derive(Debug)]
pub struct ChatClient {
    pool: Pool<Line>,
    model: String,
    patience: Patience,
    fields: RequestFields,
}

/// The line to one endpoint.
#[derive(Debug)]
struct Line {
    /// The endpoint as people may see it.
    name: String,
    http: Client,
    addresses: Addresses,
    timeout: Duration,
    /// What no text of the server may repeat.
    secrets: Secrets,
    /// Who answered first.
    heard: OnceLock<Identity>,
}

/// What the endpoints said to the first look.
#[derive(Debug)]
pub struct Greeting {
    /// Those that are there.
    pub there: Vec<Greeted>,
    /// What is the matter with the others.
    pub missing: Vec<VlmError>,
}

impl Greeting {
    /// Names of the models of the first endpoint that says which it has.
    pub fn names(&self) -> Option<Vec<String>> {
        let models = self.there.iter().find_map(|greeted| greeted.models.as_ref())?;
        Some(models.iter().map(|model| model.name.clone()).collect())
    }
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    root: Option<String>,
}

impl ChatClient {
    /// A client with its own pool of connections.
    ///
    /// # Panics
    /// When there is no endpoint.
    pub fn new(settings: ChatSettings) -> Result<Self, VlmError> {
        let ChatSettings { endpoints, model, api_key, timeout, transport_retries, retry_pause, fields } = settings;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut secrets = endpoints.iter().fold(Secrets::default(), Secrets::with_address);
        if let Some(key) = api_key {
            secrets = secrets.with_key(key.expose_secret());
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| VlmError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let first = endpoints.first().map(http::shown).unwrap_or_default();
        let http = http::client()
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(10).min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(64)
            .build()
            .map_err(|error| VlmError::Unreachable { address: first, source: error.into() })?;
        let line = |endpoint: &Url| Line {
            name: http::shown(endpoint),
            http: http.clone(),
            addresses: Addresses::of(endpoint),
            timeout,
            secrets: secrets.clone(),
            heard: OnceLock::new(),
        };
        let patience = Patience {
            repetitions: transport_retries,
            pauses: Pauses { first: retry_pause, longest: LONGEST_PAUSE, longest_wish: LONGEST_WISHED_PAUSE },
            gives_up: true,
        };
        Ok(Self { pool: Pool::new(endpoints.iter().map(line).collect()), model, patience, fields })
    }

    /// Number of endpoints.
    pub fn endpoints(&self) -> usize {
        self.pool.members().len()
    }

    /// Asks every endpoint for its models. Fails when nobody answers at all, and when one does not let us in.
    pub async fn greet(&self) -> Result<Greeting, VlmError> {
        let lines = self.pool.members();
        let answers = join_all(lines.iter().map(Line::models)).await;
        let mut greeting = Greeting { there: Vec::new(), missing: Vec::new() };
        for (member, (line, answer)) in lines.iter().zip(answers).enumerate() {
            match answer {
                Ok(models) => greeting.there.push(Greeted { endpoint: line.name(), models }),
                Err(error) if error.is_hopeless() => return Err(error),
                Err(error) => {
                    self.pool.note_missing(member);
                    greeting.missing.push(error);
                }
            }
        }
        if greeting.there.is_empty() { Err(greeting.missing.swap_remove(0)) } else { Ok(greeting) }
    }

    /// Who has answered at each endpoint that has.
    pub fn heard(&self) -> Vec<(String, Identity)> {
        let heard = self.pool.members().iter().filter_map(|line| Some((line.name(), line.heard.get()?.clone())));
        heard.collect()
    }

    /// What each endpoint did so far.
    pub fn shares(&self) -> Vec<Share> {
        self.pool.shares()
    }

    /// The same client, which puts each question to all endpoints: what one cannot do shows.
    pub fn each(&self) -> EachOf<'_> {
        EachOf(self)
    }

    /// Has the question answered by whichever endpoint is free, and by another when that one fails.
    async fn put<'a>(&'a self, request: &Request<'_>) -> Result<Answer, VlmError> {
        let (pieces, length) = self.body(request);
        let pieces = &pieces;
        let attempt = |line: &'a Line| async move { line.once(request.parts, pieces, length).await };
        let culprit = |error: &VlmError| {
            tracing::debug!(%error, "a request failed");
            error.culprit()
        };
        self.pool.work(self.patience, attempt, culprit).await
    }

    fn body(&self, request: &Request<'_>) -> (Vec<Bytes>, usize) {
        let pieces = pieces(&self.model, &self.fields, request);
        let length = pieces.iter().map(Bytes::len).sum();
        (pieces, length)
    }
}

impl Endpoint for Line {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn is_well(&self) -> bool {
        self.models().await.is_ok()
    }
}

impl Line {
    /// The models the endpoint says it has; `None` when it does not say. Fails when nobody answers at all.
    async fn models(&self) -> Result<Option<Vec<Served>>, VlmError> {
        let url = &self.addresses.models;
        let sent = self.http.get(url.clone()).send().await;
        let response = sent.map_err(|source| self.transport(url, source))?;
        let status = response.status().as_u16();
        let wished = wished_pause(&response);
        let body = self.read(url, response).await?;
        let clean = |text: String| excerpt(&self.secrets.blotted(&text), 200);
        match status {
            401 | 403 => Err(refused(&self.secrets, url, status, &body, wished)),
            200..=299 => {
                let models: Option<Models> = serde_json::from_slice(&body).ok();
                let served = |model: Model| Served { name: clean(model.id), root: model.root.map(clean) };
                Ok(models.map(|models| models.data.into_iter().map(served).collect()))
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
            Said::Answer(answer) => {
                self.heard.get_or_init(|| answer.identity.clone());
                Ok(answer)
            }
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
        self.put(request).await
    }
}

/// A client that puts each question to all its endpoints: for rehearsals.
#[derive(Debug, Clone, Copy)]
pub struct EachOf<'a>(&'a ChatClient);

impl Vlm for EachOf<'_> {
    /// The first answer. An endpoint that is not there or busy now is no reason to fail while another answers, any other failure is.
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, VlmError> {
        let client = self.0;
        if client.endpoints() == 1 {
            return client.ask(request).await;
        }
        let (pieces, length) = client.body(request);
        let lines = client.pool.members();
        let answers = join_all(lines.iter().map(|line| line.once(request.parts, &pieces, length))).await;
        let (mut answer, mut busy) = (None, None);
        for (member, outcome) in answers.into_iter().enumerate() {
            match outcome {
                Ok(reply) => answer = answer.or(Some(reply)),
                Err(error) if error.is_retryable() => {
                    client.pool.note_missing(member);
                    busy = busy.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        answer.map_or_else(|| Err(busy.unwrap_or(VlmError::Nobody)), Ok)
    }
}

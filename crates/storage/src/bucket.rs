//! One bucket: signed requests for single objects, each sent once. What a refusal means is decided in `refusal`, when one is
//! sent again in `upload`.

use std::time::Duration;

use bytes::Bytes;
use gen404_outside::http::{self, BodyError, RequestError, read_at_most};
use gen404_outside::secrets::Secrets;
use jiff::Timestamp;
use reqsign_aws_v4::RequestSigner;
use reqsign_core::{Context, SignRequest as _, hash::hex_sha256};
use reqwest::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, Method, Response, StatusCode};

use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::StorageError;
use crate::object::{Claim, Found, Md5, claim};
use crate::refusal::{self, Asked};

/// Name of the object that shows whether the keys are good. Not a module's, and always the same: a run that is killed before
/// it takes it away leaves one object at most.
pub const PROBE: &str = ".404-cli-probe";

/// What the probe says to whoever finds it.
const PROBE_TEXT: &[u8] = b"404-cli upload wrote this to see whether its key may write here; it may be deleted.\n";

const MODULE_TYPE: &str = "text/javascript; charset=utf-8";

/// A refusal is never longer.
const LARGEST_REFUSAL: usize = 64 << 10;

/// The longest silence in the middle of a request.
const SILENCE: Duration = Duration::from_secs(30);

/// The longest time for a mebibyte.
const LIMIT: Duration = Duration::from_mins(3);

/// Who may read what is uploaded, where the bucket does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acl {
    /// Everybody.
    PublicRead,
    /// The bucket's owner has it, whoever uploads it.
    BucketOwnerFullControl,
}

impl Acl {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::PublicRead => "public-read",
            Self::BucketOwnerFullControl => "bucket-owner-full-control",
        })
    }
}

/// A bucket at a service, with the keys to it.
#[derive(Debug)]
pub struct Bucket {
    client: Client,
    endpoint: Endpoint,
    name: String,
    credentials: Credentials,
    signer: RequestSigner,
    secrets: Secrets,
    acl: Option<Acl>,
}

/// What became of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Stored,
    /// It was to be written only where nothing is.
    NotNew,
}

/// How far a key reaches, as far as asking shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It may read what is there and what is not.
    Read,
    /// The service knows it, and does not let it look.
    Known,
}

impl Bucket {
    /// Asks nobody yet.
    pub fn new(
        endpoint: Endpoint,
        name: &str,
        credentials: Credentials,
        acl: Option<Acl>,
    ) -> Result<Self, StorageError> {
        if endpoint.ends_with(name) {
            return Err(StorageError::BucketInAddress { endpoint: endpoint.shown() });
        }
        let client = http::client().read_timeout(SILENCE).timeout(LIMIT).build();
        let client =
            client.map_err(|error| StorageError::Unreachable { endpoint: endpoint.shown(), source: error.into() })?;
        let signer = RequestSigner::new("s3", endpoint.region());
        let secrets = credentials.secrets();
        Ok(Self { client, endpoint, name: name.to_owned(), credentials, signer, secrets, acl })
    }

    /// The service, for people.
    pub fn service(&self) -> String {
        self.endpoint.shown()
    }

    /// Compares what is at a key with these bytes. Asks for the object itself only where its headers do not tell.
    pub(crate) async fn look(&self, key: &str, bytes: &[u8], md5: Md5) -> Result<Found, StorageError> {
        let answer = self.send(Method::HEAD, key, HeaderMap::new(), Bytes::new()).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => return Ok(Found::Nothing),
            status if status.is_success() => {}
            _ => {
                let refused = self.refused("read", key, answer).await;
                // Keys that may not list are told this of what is not there, too.
                return if matches!(refused, StorageError::Denied { .. }) { Ok(Found::Hidden) } else { Err(refused) };
            }
        }
        match claim(answer.headers(), bytes.len(), md5) {
            Claim::Same => Ok(Found::Same),
            Claim::Other => Ok(Found::Other),
            Claim::Unclear => self.compare(key, bytes).await,
        }
    }

    async fn compare(&self, key: &str, bytes: &[u8]) -> Result<Found, StorageError> {
        let answer = self.send(Method::GET, key, HeaderMap::new(), Bytes::new()).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(Found::Nothing),
            status if status.is_success() => match read_at_most(answer, bytes.len()).await {
                Ok(there) if there == bytes => Ok(Found::Same),
                Ok(_) | Err(BodyError::TooLarge { .. }) => Ok(Found::Other),
                Err(BodyError::BrokeOff(source)) => Err(StorageError::BrokeOff { endpoint: self.service(), source }),
            },
            _ => match self.refused("read", key, answer).await {
                StorageError::Denied { .. } => Ok(Found::Hidden),
                refused => Err(refused),
            },
        }
    }

    /// Writes a module; `only_new` leaves whatever is there.
    pub(crate) async fn put(&self, key: &str, bytes: Bytes, only_new: bool) -> Result<Put, StorageError> {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(MODULE_TYPE))]);
        if only_new {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let answer = self.write(key, headers, bytes).await?;
        match answer.status() {
            status if status.is_success() => Ok(Put::Stored),
            // A service that knows no conditions would have to be trusted with what is there.
            StatusCode::PRECONDITION_FAILED | StatusCode::NOT_IMPLEMENTED if only_new => Ok(Put::NotNew),
            _ => Err(self.refused("write", key, answer).await),
        }
    }

    /// Writes the probe.
    pub(crate) async fn put_probe(&self, key: &str) -> Result<(), StorageError> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))]);
        let answer = self.write(key, headers, Bytes::from_static(PROBE_TEXT)).await?;
        if answer.status().is_success() { Ok(()) } else { Err(self.refused("write", key, answer).await) }
    }

    /// Asks for the probe, which need not be there: a refusal comes with words, unlike that of a HEAD.
    pub(crate) async fn get_probe(&self, key: &str) -> Result<Reach, StorageError> {
        let answer = self.send(Method::GET, key, HeaderMap::new(), Bytes::new()).await?;
        if answer.status().is_success() {
            return Ok(Reach::Read);
        }
        let missing = answer.status() == StatusCode::NOT_FOUND;
        match self.refused("read", key, answer).await {
            refused @ (StorageError::NoBucket { .. } | StorageError::NotStorage { .. }) => Err(refused),
            StorageError::Denied { .. } => Ok(Reach::Known),
            _ if missing => Ok(Reach::Read),
            refused => Err(refused),
        }
    }

    /// Takes an object away.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let answer = self.send(Method::DELETE, key, HeaderMap::new(), Bytes::new()).await?;
        let gone = answer.status().is_success() || answer.status() == StatusCode::NOT_FOUND;
        if gone { Ok(()) } else { Err(self.refused("delete", key, answer).await) }
    }

    async fn write(&self, key: &str, mut headers: HeaderMap, bytes: Bytes) -> Result<Response, StorageError> {
        if let Some(acl) = self.acl {
            headers.insert("x-amz-acl", acl.header());
        }
        self.send(Method::PUT, key, headers, bytes).await
    }

    async fn send(&self, method: Method, key: &str, headers: HeaderMap, body: Bytes) -> Result<Response, StorageError> {
        let url = self.endpoint.object(&self.name, key);
        let (mut parts, ()) = ::http::Request::new(()).into_parts();
        parts.uri = url.as_str().parse::<::http::Uri>().map_err(|error| StorageError::Signing(error.to_string()))?;
        parts.method = method.clone();
        parts.headers = headers;
        // Signed as well, so that a service takes these bytes and no others.
        let sum = HeaderValue::from_str(&hex_sha256(&body)).expect("hex is a header value");
        parts.headers.insert("x-amz-content-sha256", sum);
        let signed =
            self.signer.sign_request(&Context::new(), &mut parts, Some(&self.credentials.credential), None).await;
        signed.map_err(|error| StorageError::Signing(self.secrets.blotted(&error.to_string()).into_owned()))?;
        // The client writes the same one.
        parts.headers.remove(HOST);
        let request = self.client.request(method, url).headers(parts.headers);
        let request = if body.is_empty() { request } else { request.body(body) };
        request.send().await.map_err(|error| self.broken(error))
    }

    fn broken(&self, error: reqwest::Error) -> StorageError {
        let (endpoint, source) = (self.service(), RequestError::from(error));
        if source.is_connect() {
            StorageError::Unreachable { endpoint, source }
        } else {
            StorageError::BrokeOff { endpoint, source }
        }
    }

    async fn refused(&self, what: &'static str, key: &str, answer: Response) -> StorageError {
        let (status, headers) = (answer.status(), answer.headers().clone());
        // What is too long, or breaks off, is in nobody's words.
        let body = read_at_most(answer, LARGEST_REFUSAL).await.unwrap_or_else(|_| b"?".to_vec());
        let endpoint = self.service();
        let asked = Asked {
            what,
            bucket: &self.name,
            key,
            endpoint: &endpoint,
            region: self.endpoint.region(),
            origin: &self.credentials.origin,
            secrets: &self.secrets,
        };
        let error = refusal::error(&asked, status, &headers, &body, Timestamp::now());
        tracing::debug!(status = status.as_u16(), %error, "the storage refuses");
        error
    }
}

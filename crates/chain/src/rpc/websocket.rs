//! JSON-RPC over a WebSocket, with TLS by ring and the system's own certificates.
//! Translates between the transport library's errors and ours, and knows nothing else.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use gen404_outside::http::USER_AGENT;
use gen404_outside::text::excerpt;
use jiff::Timestamp;
use jsonrpsee::core::client::{ClientT, Error as ClientError, SubscriptionClientT};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::ws_client::{HeaderMap, HeaderValue, PingConfig, WsClient, WsClientBuilder};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::limit::RateLimit;
use super::wire::{Head, Overheard, reach};
use super::{Dial, DialError, Notifications, Reply, Rpc, RpcError};
use crate::error::SHOWN;
use crate::network::Endpoint;

/// Largest answer that is accepted. Nodes limit theirs to 15 MiB by default.
const MAX_RESPONSE_BYTES: u32 = 32 << 20;
/// More questions than are ever on their way at once.
const MAX_CONCURRENT_REQUESTS: usize = 4_096;
/// A connection that is silent this long is asked for a sign of life, and given up after three unanswered ones.
const PING_EVERY: Duration = Duration::from_secs(10);
/// A server that sends us on more often than this goes round in circles.
const MOST_REDIRECTS: usize = 5;

/// Opens real connections.
pub(crate) struct WebSocketDialler {
    pub(crate) connect_limit: Duration,
    pub(crate) call_limit: Duration,
}

impl Dial for WebSocketDialler {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Rpc>, DialError>> {
        async move {
            // The library's own limit leaves out everything before the handshake.
            let client = tokio::time::timeout(self.connect_limit, self.connect(endpoint)).await.map_err(|_| {
                DialError::Failed(format!("no connection within {} s", self.connect_limit.as_secs()).into())
            })??;
            let (endpoint, call_limit) = (endpoint.clone(), self.call_limit);
            Ok(Box::new(WebSocket { client, endpoint, call_limit }) as Box<dyn Rpc>)
        }
        .boxed()
    }
}

impl WebSocketDialler {
    async fn connect(&self, endpoint: &Endpoint) -> Result<WsClient, DialError> {
        let mut url = endpoint.url().clone();
        for _ in 0..MOST_REDIRECTS {
            let head = Head::default();
            let stream = reach(&url).await.map_err(DialError::Failed)?;
            let error = match self.builder().build_with_stream(&url, Overheard::new(stream, head.clone())).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            let head = head.bytes();
            if let Some(limit) = RateLimit::of_head(endpoint, &head, Timestamp::now()) {
                return Err(DialError::Busy(limit));
            }
            url = elsewhere(&url, &head).ok_or(DialError::Failed(Box::new(error)))?;
        }
        Err(DialError::Failed(format!("it was redirected more than {MOST_REDIRECTS} times").into()))
    }

    fn builder(&self) -> WsClientBuilder {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_static(USER_AGENT));
        WsClientBuilder::default()
            .set_headers(headers)
            .connection_timeout(self.connect_limit)
            .request_timeout(self.call_limit)
            .max_response_size(MAX_RESPONSE_BYTES)
            .max_concurrent_requests(MAX_CONCURRENT_REQUESTS)
            .enable_ws_ping(PingConfig::new().ping_interval(PING_EVERY).max_failures(3))
    }
}

/// Where a redirect leads, as far as it is a WebSocket.
fn elsewhere(url: &Url, head: &[u8]) -> Option<Url> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    lines.next()?.split(' ').nth(1).filter(|status| status.starts_with('3'))?;
    let location =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("location"));
    let there = url.join(location?.1.trim()).ok()?;
    matches!(there.scheme(), "ws" | "wss").then_some(there)
}

struct WebSocket {
    client: WsClient,
    endpoint: Endpoint,
    call_limit: Duration,
}

impl Rpc for WebSocket {
    fn call(&self, method: &'static str, params: Vec<Value>) -> BoxFuture<'_, Reply> {
        async move {
            self.client
                .request::<Box<RawValue>, _>(method, array(params))
                .await
                .map_err(|error| self.translate(method, error))
        }
        .boxed()
    }

    fn subscribe(
        &self,
        method: &'static str,
        params: Vec<Value>,
        unsubscribe: &'static str,
    ) -> BoxFuture<'_, Result<Notifications, RpcError>> {
        async move {
            let subscription = self
                .client
                .subscribe::<Box<RawValue>, _>(method, array(params), unsubscribe)
                .await
                .map_err(|error| self.translate(method, error))?;
            let notifications = subscription
                .map(move |notification| notification.map_err(|_| RpcError::Unexpected { method, expected: "JSON" }));
            Ok(notifications.boxed())
        }
        .boxed()
    }
}

impl WebSocket {
    fn translate(&self, method: &'static str, error: ClientError) -> RpcError {
        match error {
            ClientError::Call(refusal) => {
                let (code, data) = (refusal.code(), refusal.data().map(RawValue::get));
                if let Some(limit) = RateLimit::of_error(&self.endpoint, code, refusal.message(), data) {
                    return RpcError::Limited { method, limit, waited: Duration::ZERO };
                }
                RpcError::Refused {
                    method,
                    code,
                    message: excerpt(refusal.message(), SHOWN),
                    data: data.map(|data| {
                        // The data is usually a JSON string; its quotes help nobody.
                        let text = serde_json::from_str::<String>(data).unwrap_or_else(|_| data.to_owned());
                        excerpt(&text, SHOWN)
                    }),
                }
            }
            ClientError::RequestTimeout => RpcError::Timeout { method, limit: self.call_limit },
            ClientError::ParseError(_) | ClientError::InvalidSubscriptionId | ClientError::InvalidRequestId(_) => {
                RpcError::Unexpected { method, expected: "an answer to it" }
            }
            lost => RpcError::Lost { method, source: Box::new(lost) },
        }
    }
}

fn array(params: Vec<Value>) -> ArrayParams {
    let mut array = ArrayParams::new();
    for param in params {
        array.insert(param).expect("JSON values are JSON");
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_web_sockets_only() {
        let url: Url = "wss://node.example/ws?key=1".parse().expect("an address");
        let there = |head: &str| elsewhere(&url, head.as_bytes()).map(String::from);
        let to = |location: &str| there(&format!("HTTP/1.1 301 Moved\r\nLocation: {location}\r\n"));
        assert_eq!(to("wss://other.example/x").as_deref(), Some("wss://other.example/x"));
        assert_eq!(to("/v2").as_deref(), Some("wss://node.example/v2"));
        assert_eq!(to("https://other.example/"), None);
        assert_eq!(there("HTTP/1.1 200 OK\r\nLocation: wss://other.example/\r\n"), None);
        assert_eq!(there("HTTP/1.1 301 Moved\r\n"), None);
        assert_eq!(there(""), None);
    }
}

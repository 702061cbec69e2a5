//! JSON-RPC over a WebSocket, with TLS by ring and the system's own certificates.
//! Translates between the transport library's errors and ours, and knows nothing else.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use jsonrpsee::core::client::{ClientT, Error as ClientError, SubscriptionClientT};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::ws_client::{PingConfig, WsClient, WsClientBuilder};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Dial, Notifications, Reply, Rpc, RpcError, TransportError};
use crate::network::Endpoint;
use crate::text::printable;

/// Largest answer that is accepted. Nodes limit theirs to 15 MiB by default.
const MAX_RESPONSE_BYTES: u32 = 32 << 20;
/// More questions than are ever on their way at once.
const MAX_CONCURRENT_REQUESTS: usize = 4_096;
/// A connection that is silent this long is asked for a sign of life, and given up after three unanswered ones.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Opens real connections.
pub(crate) struct WebSocketDialler {
    pub(crate) connect_limit: Duration,
    pub(crate) call_limit: Duration,
}

impl Dial for WebSocketDialler {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Rpc>, TransportError>> {
        async move {
            if endpoint.is_encrypted() {
                // Only one provider is compiled in; an error means that somebody has already chosen it.
                let _ = rustls::crypto::ring::default_provider().install_default();
            }
            let connecting = WsClientBuilder::default()
                .connection_timeout(self.connect_limit)
                .request_timeout(self.call_limit)
                .max_response_size(MAX_RESPONSE_BYTES)
                .max_concurrent_requests(MAX_CONCURRENT_REQUESTS)
                .enable_ws_ping(PingConfig::new().ping_interval(PING_EVERY).max_failures(3))
                .build(endpoint.expose());
            // The library's limit leaves out name resolution and a stalled TLS or HTTP handshake.
            let client = tokio::time::timeout(self.connect_limit, connecting)
                .await
                .map_err(|_| format!("no connection within {} s", self.connect_limit.as_secs()))??;
            Ok(Box::new(WebSocket { client, call_limit: self.call_limit }) as Box<dyn Rpc>)
        }
        .boxed()
    }
}

struct WebSocket {
    client: WsClient,
    call_limit: Duration,
}

impl Rpc for WebSocket {
    fn call(&self, method: &'static str, params: Vec<Value>) -> BoxFuture<'_, Reply> {
        async move {
            self.client
                .request::<Box<RawValue>, _>(method, array(params))
                .await
                .map_err(|error| translate(method, self.call_limit, error))
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
                .map_err(|error| translate(method, self.call_limit, error))?;
            let notifications = subscription
                .map(move |notification| notification.map_err(|_| RpcError::Unexpected { method, expected: "JSON" }));
            Ok(notifications.boxed())
        }
        .boxed()
    }
}

fn array(params: Vec<Value>) -> ArrayParams {
    let mut array = ArrayParams::new();
    for param in params {
        array.insert(param).expect("JSON values are JSON");
    }
    array
}

fn translate(method: &'static str, limit: Duration, error: ClientError) -> RpcError {
    match error {
        ClientError::Call(refusal) => RpcError::Refused {
            method,
            code: refusal.code(),
            message: printable(refusal.message()),
            data: refusal.data().map(|data| {
                // The data is usually a JSON string; its quotes help nobody.
                let text = serde_json::from_str::<String>(data.get()).unwrap_or_else(|_| data.get().to_owned());
                printable(&text)
            }),
        },
        ClientError::RequestTimeout => RpcError::Timeout { method, limit },
        ClientError::ParseError(_) | ClientError::InvalidSubscriptionId | ClientError::InvalidRequestId(_) => {
            RpcError::Unexpected { method, expected: "an answer to it" }
        }
        lost => RpcError::Lost { method, source: Box::new(lost) },
    }
}

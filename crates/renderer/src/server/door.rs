//! What every server of ours does at its door: it listens, answers no web page, turns callers away when too many wait, words
//! refusals as the official service does, and ends politely. It must not know what is asked.

use std::future::Future;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gen404_round::module_rule::Rule;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::ServerError;
use crate::failure::Refusal;

/// Seconds after which a turned away caller may come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");
/// Time that requests have to finish when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// What a caller hears who finds the queue full.
pub(super) const BUSY: &str = "the queue is full";

/// A listening server. Dropping it stops it; [`Self::close`] also waits for its end.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    stopping: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

impl Door {
    /// Listens, and answers with the router and `/health`, which has the headers `about`. `farewell` is what remains to be done
    /// when it stops.
    pub async fn open(
        address: SocketAddr,
        router: Router,
        about: HeaderMap,
        farewell: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, ServerError> {
        let listen = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let router = router
            .route("/health", get(|| async move { (about, Json(json!({"status": "ok"}))) }))
            .fallback(not_found)
            .method_not_allowed_fallback(not_found)
            .layer(middleware::from_fn(refuse_browsers));
        let stopping = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, stopping.clone(), farewell));
        Ok(Self { address, stopping, serving: Some(serving) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a client wants it, `http://127.0.0.1:port`.
    pub fn url(&self) -> Url {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            // Listening on every interface; this machine is reached through the loopback.
            address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("http://{address}").parse().expect("an address and a port make a URL")
    }

    /// Takes no more requests, lets the running ones finish for a while, and says farewell.
    pub async fn close(mut self) {
        self.stopping.cancel();
        if let Some(serving) = self.serving.take() {
            // It ends only by itself; a panic in it has been reported where it happened.
            let _ = serving.await;
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken, farewell: impl Future<Output = ()>) {
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let patience = async {
        stopping.cancelled().await;
        tokio::time::sleep(STOP_LIMIT).await;
    };
    tokio::select! {
        _ = serving.into_future() => {}
        () = patience => {}
    }
    farewell.await;
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": "not found"}))).into_response()
}

/// Web pages the user happens to visit may not put this machine to work: their requests carry an origin, a client's don't.
async fn refuse_browsers(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, Json(json!({"error": "requests of web pages are not answered"})))
            .into_response();
    }
    next.run(request).await
}

/// The service's answer to a module that it refuses: 422 with the failures, or 500 where its validator dies of the module
/// and has none.
pub fn refused(refusal: Refusal) -> Response {
    let crash = Rule::ValidatorCrashed.code();
    match refusal.failures.iter().find(|failure| failure.rule == crash) {
        Some(crash) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": crash.detail}))).into_response(),
        None => (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal)).into_response(),
    }
}

/// The answer to whoever finds the queue full.
pub fn busy() -> Response {
    let headers = HeaderMap::from_iter([(header::RETRY_AFTER, RETRY_AFTER)]);
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(json!({"error": BUSY}))).into_response()
}

/// A bounded number of callers.
#[derive(Debug)]
pub struct Queue {
    inside: AtomicUsize,
    most: usize,
}

impl Queue {
    /// For at most so many, those that are being served included.
    pub fn new(most: usize) -> Self {
        Self { inside: AtomicUsize::new(0), most }
    }

    /// A place until it is dropped; nothing if there is none.
    pub fn enter(&self) -> Option<Waiting<'_>> {
        let waiting = Waiting(self);
        (self.inside.fetch_add(1, Ordering::Relaxed) < self.most).then_some(waiting)
    }
}

/// A place in a queue; dropping it leaves.
#[derive(Debug)]
pub struct Waiting<'a>(&'a Queue);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[tokio::test]
    async fn what_the_services_validator_dies_of_is_no_refusal() {
        let answer =
            |rule: &str| refused(*Refusal::of_verdict(vec![Failure::new("static_analysis", rule, "why")], None));
        assert_eq!(answer("FORBIDDEN_IDENTIFIER").status(), StatusCode::UNPROCESSABLE_ENTITY);
        let crashed = answer("VALIDATOR_CRASHED");
        assert_eq!(crashed.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(crashed.into_body(), 1000).await.expect("a body");
        assert_eq!(body, r#"{"error":"why"}"#);
    }

    #[test]
    fn a_full_queue_lets_nobody_in_until_somebody_leaves() {
        let queue = Queue::new(2);
        let (first, _second) = (queue.enter().expect("a place"), queue.enter().expect("a place"));
        assert!(queue.enter().is_none() && queue.enter().is_none());
        drop(first);
        assert!(queue.enter().is_some());
    }
}

//! One HTTP service of the sandbox: a loopback listener, what serves it, and an end when it is dropped.
//! It must not know what any service says.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What is being served; dropped, it takes no more requests.
#[derive(Debug)]
pub(crate) struct Service {
    url: Url,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl Service {
    /// Serves a router.
    pub(crate) fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        Self::until(CancellationToken::new(), listener, router)
    }

    /// Serves a router until it is dropped, and cancels `stop` then: for what waits inside of requests.
    pub(crate) fn until(stop: CancellationToken, listener: TcpListener, router: Router) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let server = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        Ok(Self::run(address, stop, server.into_future()))
    }

    /// Runs a server, which ends when `stop` is cancelled.
    pub(crate) fn run(
        address: SocketAddr,
        stop: CancellationToken,
        server: impl Future<Output = io::Result<()>> + Send + 'static,
    ) -> Self {
        let url = Url::parse(&format!("http://{address}/")).expect("an address makes a URL");
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::warn!(%error, "a sandbox service ended");
            }
        });
        Self { url, stop, server: Some(server) }
    }

    /// `http://<address>/`.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Stops and waits for the open connections to end.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            // It ends with its last connection; a panic inside was already reported by the runtime.
            drop(server.await);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

//! One HTTP service of the sandbox: a loopback listener, a router, and an end when it is dropped.
//! It must not know what any service says.

use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::cut::{Cutter, CuttableListener};

/// A router that is being served; dropped, it takes no more requests.
#[derive(Debug)]
pub(crate) struct Service {
    url: Url,
    _stop: DropGuard,
}

impl Service {
    pub(crate) fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let url = Url::parse(&format!("http://{address}/")).expect("an address makes a URL");
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let router = router.into_make_service_with_connect_info::<Cutter>();
            let served = axum::serve(CuttableListener::new(listener), router).with_graceful_shutdown(stopped.cancelled_owned());
            if let Err(error) = served.await {
                tracing::warn!(%error, "a sandbox service ended");
            }
        });
        Ok(Self { url, _stop: stop.drop_guard() })
    }

    /// `http://<address>/`.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

//! The far side of the GPU cloud: a stateful, strict Targon API on loopback, with faults on demand.
//! It is written from the service's recorded traffic and knows nothing of our own client.

mod api;
mod catalogue;
mod control;
mod fault;
mod gate;
pub mod matrix;
mod pod;
mod query;
mod registration;
mod reply;
mod workload;
mod world;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use fault::{Call, Fault, PullWords};
pub use registration::WorkloadType;
pub use workload::SeenWorkload;
pub use world::{RecordedCall, Standing};

use crate::cut::{CuttableListener, Cutter};
use crate::faults::{Faults, Rule};
use crate::service::Service;
use gate::Gate;
use world::World;

/// How the fake behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The address to listen on; port 0 of 127.0.0.1 when none is given.
    pub address: Option<SocketAddr>,
    /// How fast pods come to life.
    pub delays: Delays,
    /// Faults from the beginning; [`FakeTargon::faults`] changes them later.
    pub faults: Vec<Rule<Fault>>,
    /// Pod name → address (`host:port`) that a healthy pod of the name passes its connections on to. A pod without one answers
    /// its health path itself.
    pub backends: HashMap<String, SocketAddr>,
    /// Workloads that are there from the beginning.
    pub standing: Vec<Standing>,
}

/// The pace of a pod's life, counted from deploying.
#[derive(Debug, Clone, Copy)]
pub struct Delays {
    /// Until it is `provisioning`.
    pub provisioning: Duration,
    /// From then until it is `running` and has an address.
    pub running: Duration,
    /// From then until its health path answers 200.
    pub healthy: Duration,
    /// Between two lines of a followed log.
    pub log_line: Duration,
}

impl Default for Delays {
    /// Everything at once; a log line a second.
    fn default() -> Self {
        Self {
            provisioning: Duration::ZERO,
            running: Duration::ZERO,
            healthy: Duration::ZERO,
            log_line: Duration::from_secs(1),
        }
    }
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    faults: Faults<Fault>,
    gate: Arc<Gate>,
    stop: CancellationToken,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        // A poisoned world is still a world: a panic in one test's request must not hide what it left behind.
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A running fake. Everything stops when it is dropped.
#[derive(Debug)]
pub struct FakeTargon {
    shared: Arc<Shared>,
    service: Service,
}

impl FakeTargon {
    /// Starts it on loopback.
    pub async fn start(mut options: Options) -> io::Result<Self> {
        let listen_on = options.address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(listen_on).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let gate = Arc::<Gate>::default();
        let opener = Arc::clone(&gate);
        // Whoever changes the faults lets go what an earlier one holds.
        let faults = Faults::watched(move || opener.release());
        faults.set(std::mem::take(&mut options.faults));
        let world = Mutex::new(World::new(options));
        let shared = Arc::new(Shared { world, faults, gate, stop: stop.clone() });
        let router = api::router(Arc::clone(&shared)).into_make_service_with_connect_info::<Cutter>();
        let server =
            axum::serve(CuttableListener::new(listener), router).with_graceful_shutdown(stop.clone().cancelled_owned());
        Ok(Self { shared, service: Service::run(address, stop, server.into_future()) })
    }

    /// The base URL for clients.
    pub fn url(&self) -> &Url {
        self.service.url()
    }

    /// What goes wrong with it. A change of its rules lets held requests go on.
    pub fn faults(&self) -> &Faults<Fault> {
        &self.shared.faults
    }

    /// Every workload that was ever registered, oldest first.
    pub fn workloads(&self) -> Vec<SeenWorkload> {
        self.shared.world().seen()
    }

    /// Workloads that cost money at this moment.
    pub fn running(&self) -> Vec<SeenWorkload> {
        self.workloads().into_iter().filter(|workload| workload.costs_money).collect()
    }

    /// Every request so far, oldest first.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.shared.world().calls().to_vec()
    }

    /// Resolves when a request is held by [`Fault::Hold`].
    pub async fn held(&self) {
        self.shared.gate.held().await;
    }

    /// Resolves when no request is held any more: released, or its client has hung up.
    pub async fn none_held(&self) {
        self.shared.gate.empty().await;
    }

    /// Lets held requests go on, and holds no more.
    pub fn release(&self) {
        self.shared.faults.retain(|fault| !matches!(fault, Fault::Hold { .. }));
    }
}

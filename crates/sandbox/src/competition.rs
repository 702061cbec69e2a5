//! A competition on the development chain: organisers of its own that open windows, collect reveals, publish prompts, fetch
//! files, play matches and name winners, and the public state in which they say so. It moves with the chain's blocks.
//!
//! The organisers are the far side: they read the chain's storage and the miners' CDNs, and nothing that miners' commands compute.

mod collector;
mod courier;
mod draw;
mod matches;
mod organisers;
mod payload;
mod pipeline;
mod server;
mod written;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

pub use self::collector::{Collected, Entry, collect};
pub use self::courier::{Arrival, Courier, Order};
use self::organisers::{Facts, Organisers, Rules};
use self::server::Board;
use crate::service::Service;
use gen404_devchain::Reader;

/// How often the organisers look for a new block.
const LOOK: Duration = Duration::from_millis(20);

/// Rao that a coldkey has to lock for each of its hotkeys in the round.
pub const REQUIRED_LOCK: u64 = 100_000_000_000;

/// The rules of a sandbox's competition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Blocks of a window of reveals; at least 4.
    pub window: u32,
    /// Blocks from its end to the deadline for files.
    pub generation: u32,
    /// Blocks after the start of the chain in which no window is open.
    pub before: u32,
    /// Prompts of a round.
    pub prompts: usize,
    /// How many of them are of the round before.
    pub carryover: usize,
    /// The margin by which a challenger must win.
    pub win_margin: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: 120, generation: 60, before: 0, prompts: 16, carryover: 4, win_margin: 0.07 }
    }
}

/// How far the competition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The last block that the organisers have seen.
    pub block: u64,
    /// The current round.
    pub round: u64,
    /// Its stage, as in `state.json`.
    pub stage: &'static str,
    /// First block whose reveals count.
    pub earliest: u64,
    /// Last block whose reveals count.
    pub latest: u64,
    /// From this block on files are fetched.
    pub deadline: u64,
}

impl Progress {
    fn of(organisers: &Organisers, block: u64) -> Self {
        let ((round, stage), schedule) = (organisers.progress(), organisers.schedule());
        Self {
            block,
            round,
            stage,
            earliest: schedule.earliest_reveal_block,
            latest: schedule.latest_reveal_block,
            deadline: schedule.generation_deadline_block,
        }
    }
}

/// A running competition; it stops when dropped.
#[derive(Debug)]
pub struct Competition {
    state: Url,
    progress: watch::Receiver<Progress>,
    _service: Service,
    _stop: DropGuard,
}

/// Where the pictures of prompts are: as addresses, and as files.
#[derive(Debug, Clone)]
pub(crate) struct Gallery {
    pub(crate) addresses: Vec<String>,
    pub(crate) folder: PathBuf,
}

impl Competition {
    /// Starts a competition on a chain, with a window that is open from the next block on (or `before` later).
    pub(crate) async fn start(
        options: Options,
        chain: Reader,
        block_time: Duration,
        gallery: Gallery,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let board = Board::default();
        let service = Service::start(listener, server::router(board.clone()))?;
        let base = |folder: &str| service.url().join(folder).expect("a folder joins any base");
        let rules = Rules {
            window: options.window.max(4).into(),
            generation: options.generation.into(),
            prompts: options.prompts,
            carryover: options.carryover,
            win_margin: options.win_margin,
            required_lock: REQUIRED_LOCK,
            block_time: block_time.as_secs_f64(),
            pool: gallery.addresses,
            outputs: base("outputs/").into(),
            pipeline: Box::new(pipeline::Pictures::new(gallery.folder)),
        };
        let courier = Courier::new().map_err(io::Error::other)?;
        let (block, time) = chain.head();
        let earliest = block + 1 + u64::from(options.before);
        let facts = Facts { block, time: moment(time), seed: 0, subnet: &|| chain.snapshot(), arrived: Vec::new() };
        let organisers = Organisers::new(rules, earliest, &facts);
        board.publish(organisers.files().clone());
        let (tell, progress) = watch::channel(Progress::of(&organisers, block));
        let state = base("state/");
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = organise(organisers, chain, courier, board, tell) => {}
            }
        });
        Ok(Self { state, progress, _service: service, _stop: stop.drop_guard() })
    }

    /// Base address of the public state; ends with a slash.
    pub fn state_url(&self) -> &Url {
        &self.state
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits until it is so far. Ends only when it is.
    pub async fn until(&self, is_so_far: impl FnMut(&Progress) -> bool) -> Progress {
        let mut progress = self.progress.clone();
        match progress.wait_for(is_so_far).await {
            Ok(progress) => progress.clone(),
            // The organisers stop with this value only.
            Err(_) => std::future::pending().await,
        }
    }
}

/// One step a new block, for ever.
async fn organise(
    mut organisers: Organisers,
    chain: Reader,
    courier: Courier,
    board: Board,
    tell: watch::Sender<Progress>,
) {
    let mut seen = tell.borrow().block;
    loop {
        if chain.block_number() == seen {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        let arrived = courier.fetch(organisers.orders()).await;
        let (block, time) = chain.head();
        let (reader, drawn) = (chain.clone(), seed());
        // Collecting and drawing take long enough to be in other tasks' way.
        let stepping = tokio::task::spawn_blocking(move || {
            let facts = Facts { block, time: moment(time), seed: drawn, subnet: &|| reader.snapshot(), arrived };
            organisers.step(facts);
            organisers
        });
        organisers = match stepping.await {
            Ok(organisers) => organisers,
            Err(error) => {
                tracing::error!(%error, "the sandbox's competition has ended");
                return;
            }
        };
        seen = block;
        board.publish(organisers.files().clone());
        tell.send_replace(Progress::of(&organisers, block));
    }
}

fn moment(unix_millis: u64) -> Timestamp {
    let millis = i64::try_from(unix_millis).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// Without random numbers the rounds are all drawn alike, which is no harm here.
fn seed() -> u32 {
    getrandom::u32().unwrap_or(404)
}

//! Every outside service on this machine: development chain, competition, Targon API, generator, judge model, CDN.
//!
//! Each service is a room of its own that can be started alone; [`Sandbox`] starts them all and tells them about each other.
//! Nothing here knows the clients it serves, and everything listens on loopback only.

pub mod cdn;
pub mod competition;
pub mod faults;
pub mod generator;
pub mod judge;
pub mod pictures;
pub mod repositories;
pub mod storage;
pub mod targon;
pub mod wallets;

mod crowd;
mod cut;
mod folder;
mod pixels;
mod service;

pub use gen404_devchain::{BeaconSource, Weather};

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gen404_devchain::{self as chain, DevelopmentChain, Lock, Neuron};
use gen404_outside::explain::{Blame, Explain, Hint};
use serde::Serialize;
use url::Url;

use cdn::Cdn;
use competition::{Competition, Gallery, Progress};
use folder::Folder;
use generator::SampleGenerator;
use judge::ScriptedJudge;
use storage::Storage;
use targon::FakeTargon;
use wallets::{NamedHotkey, RehearsalWallet};

/// Seed in the prompts file, so that every rehearsal makes the same modules.
const SEED: u64 = 404;

/// Conviction lock of the wallet's coldkey in rao: more than the 100 that the competition asks of a submission.
const LOCKED_MASS: u64 = 123_000_000_000;

/// What a sandbox shall be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of the development chain; 0 takes a free one.
    pub subtensor_port: u16,
    /// Time between two blocks.
    pub block_time: Duration,
    /// Whether time passes only when somebody lets it, and not by the clock: for tests of exact blocks.
    pub manual_blocks: bool,
    /// Registered hotkeys of the wallet.
    pub hotkeys: usize,
    /// Hotkeys of strangers with ten reveals each.
    pub revealed_hotkeys: u32,
    /// Where the chain's pulses come from.
    pub beacon: BeaconSource,
    /// How far its blocks and pulses are from clockwork.
    pub weather: Weather,
    /// The rules of the competition.
    pub competition: competition::Options,
    /// Folder for wallets, pictures and prompts; a temporary one when `None`.
    pub folder: Option<PathBuf>,
    /// A render service that a pod named `render` shall answer with.
    pub renderer: Option<SocketAddr>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            subtensor_port: 0,
            block_time: Duration::from_secs(1),
            manual_blocks: false,
            hotkeys: 3,
            revealed_hotkeys: 0,
            beacon: BeaconSource::default(),
            weather: Weather::default(),
            competition: competition::Options::default(),
            folder: None,
            renderer: None,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder cannot be used.
    #[error("cannot write to the sandbox's folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another sandbox has it.
    #[error("a sandbox is running in {} already: stop it, or choose another folder", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The wallet was not written.
    #[error("cannot make the sandbox's wallet")]
    Wallet(#[from] wallets::WalletError),
    /// The chain did not start.
    #[error("the development chain did not start")]
    Chain(#[from] chain::StartError),
    /// The judge did not start.
    #[error("the scripted judge did not start")]
    Judge(#[from] judge::StartError),
    /// Another service did not start.
    #[error("the sandbox's {service} did not start")]
    Service {
        /// Which one.
        service: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Explain for StartError {
    fn blame(&self) -> Blame {
        match self {
            Self::Folder { .. }
            | Self::InUse { .. }
            | Self::Wallet(_)
            | Self::Chain(_)
            | Self::Judge(_)
            | Self::Service { .. } => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Chain(_) => Some("another program may use the port: choose another --subtensor-port, or 0".into()),
            Self::Folder { .. } => Some("choose a folder of your own with --dir".into()),
            Self::InUse { .. } | Self::Wallet(_) | Self::Judge(_) | Self::Service { .. } => None,
        }
    }
}

/// Where everything is.
#[derive(Debug, Clone, Serialize)]
pub struct Directory {
    /// Always true; a sandbox that did not start has no directory.
    pub success: bool,
    /// WebSocket address of the chain.
    pub subtensor: String,
    /// Base address of the competition's public state, which moves with the chain's blocks.
    pub state: String,
    /// Folder of wallets.
    pub wallet_path: PathBuf,
    /// The wallet in it.
    pub wallet_name: String,
    /// The wallet's hotkeys; all registered, but the one called `unregistered`.
    pub hotkeys: Vec<String>,
    /// Base URL of the Targon API.
    pub targon: String,
    /// Base URL of the generator.
    pub generator: String,
    /// Base URL of the judge model.
    pub judge: String,
    /// Base URL of the render service; null when this machine has no browser.
    pub renderer: Option<String>,
    /// A CDN that serves the folder `cdn_dir`.
    pub cdn: String,
    /// Put files here to publish them.
    pub cdn_dir: PathBuf,
    /// For `upload`: an S3 service whose bucket is the folder `cdn_dir`.
    pub storage: storage::Access,
    /// The prompts file of the rehearsal.
    pub prompts_json: PathBuf,
}

/// All services, running; they stop when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    directory: Directory,
    /// The development chain.
    pub chain: DevelopmentChain,
    /// The competition on it.
    pub competition: Competition,
    /// The Targon API.
    pub targon: FakeTargon,
    /// The sample generator.
    pub generator: SampleGenerator,
    /// The scripted judge.
    pub judge: ScriptedJudge,
    /// The object storage.
    pub storage: Storage,
    _cdn: Cdn,
    _folder: Folder,
}

impl Sandbox {
    /// Starts everything. Needs a tokio runtime with time and I/O.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let folder = Folder::take(options.folder)?;
        let wallet = RehearsalWallet::write(&folder.path().join("wallets"), options.hotkeys)?;
        let neuron = |hotkey: &NamedHotkey| Neuron { hotkey: hotkey.account, coldkey: wallet.coldkey };
        let chain = DevelopmentChain::start(chain::Options {
            port: options.subtensor_port,
            block_time: options.block_time,
            manual_blocks: options.manual_blocks,
            neurons: wallet.hotkeys.iter().map(neuron).collect(),
            reveals: crowd::reveals(options.revealed_hotkeys),
            locks: vec![Lock {
                coldkey: wallet.coldkey,
                locked_mass: LOCKED_MASS,
                conviction_bits: 1 << 64,
                last_update: 1,
            }],
            beacon: options.beacon,
            weather: options.weather,
            ..chain::Options::default()
        })
        .await?;

        // The storage keeps its notes beside its bucket.
        let cdn_folder = folder.path().join("buckets/cdn");
        draw_pictures(&cdn_folder).await?;
        let cdn = Cdn::start(&cdn_folder).await.map_err(|source| StartError::Service { service: "CDN", source })?;
        let storage =
            Storage::start(&cdn_folder).await.map_err(|source| StartError::Service { service: "storage", source })?;
        let prompts_json = folder.path().join("prompts.json");
        let prompts = pictures::prompts_file(cdn.url(), SEED).to_string();
        std::fs::write(&prompts_json, prompts)
            .map_err(|source| StartError::Folder { folder: folder.path().to_owned(), source })?;

        let gallery = Gallery { addresses: pictures::addresses(cdn.url()), folder: cdn_folder.clone() };
        let competition = Competition::start(options.competition, chain.reader(), options.block_time, gallery)
            .await
            .map_err(|source| StartError::Service { service: "competition", source })?;

        let generator = SampleGenerator::start(generator::Options::default())
            .await
            .map_err(|source| StartError::Service { service: "generator", source })?;
        let judge = ScriptedJudge::start(judge::Options::default()).await?;
        let backends =
            [("generator", address(generator.url())), ("judge", address(judge.url())), ("render", options.renderer)];
        let backends: HashMap<_, _> =
            backends.into_iter().filter_map(|(name, address)| Some((name.to_owned(), address?))).collect();
        let targon = FakeTargon::start(targon::Options { backends, ..targon::Options::default() })
            .await
            .map_err(|source| StartError::Service { service: "Targon API", source })?;

        let directory = Directory {
            success: true,
            subtensor: chain.url(),
            state: competition.state_url().to_string(),
            hotkeys: wallet.hotkeys.into_iter().chain([wallet.unregistered]).map(|hotkey| hotkey.name).collect(),
            wallet_path: wallet.path,
            wallet_name: wallets::WALLET_NAME.to_owned(),
            // Official clients put paths behind it, slash and all.
            targon: targon.url().as_str().trim_end_matches('/').to_owned(),
            generator: generator.url().to_string(),
            judge: judge.url().to_string(),
            renderer: options.renderer.map(|address| format!("http://{address}/")),
            cdn: cdn.url().to_string(),
            cdn_dir: cdn_folder,
            storage: storage.access(),
            prompts_json,
        };
        Ok(Self { directory, chain, competition, targon, generator, judge, storage, _cdn: cdn, _folder: folder })
    }

    /// Where everything is.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Lets time pass until the chain is at this block, without waiting for it.
    pub fn pass_to(&self, block: u64) {
        self.chain.pass(block.saturating_sub(self.chain.block_number().into()));
    }

    /// Lets time pass, a block at a time, until the competition is so far.
    pub async fn pass_until(&self, mut is_so_far: impl FnMut(&Progress) -> bool) -> Progress {
        loop {
            let progress = self.competition.progress();
            if is_so_far(&progress) {
                return progress;
            }
            self.chain.pass(1);
            self.competition.until(|later| later.block > progress.block).await;
        }
    }
}

async fn draw_pictures(cdn_folder: &Path) -> Result<(), StartError> {
    let folder = cdn_folder.to_owned();
    let drawn = tokio::task::spawn_blocking(move || pictures::write_all(&folder)).await;
    drawn
        .expect("drawing does not panic")
        .map_err(|source| StartError::Folder { folder: cdn_folder.to_owned(), source })
}

/// The socket address of a service of ours.
fn address(url: &Url) -> Option<SocketAddr> {
    url.socket_addrs(|| None).ok()?.first().copied()
}

//! A development chain on loopback: Subtensor's commitments and its drand beacon, for rehearsals and tests without TAO.
//! Knows the chain's rules and protocol, and nothing of the command that uses it.
//!
//! What is real: storage keys and hashers, the pallets' rules, signatures, nonces, eras, metadata, timelock encryption
//! opened by pairings. What is not: consensus, fees, stake and proofs; the block hashes are hashes of real headers, but
//! their state root is no root of a trie.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the codec's derive casts the indices of variants; no such cast is written by hand here"
)]

mod beacon;
mod commitments;
mod connections;
mod drand;
mod extrinsic;
mod faults;
mod hashing;
mod items;
mod metadata;
mod node;
mod passing;
mod pool;
mod primitives;
mod rpc;
mod runtime;
mod service;
mod snapshot;
mod storage;
mod subtensor;
mod system;
mod validity;
mod weather;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gen404_round::AccountId;
use parity_scale_codec::Encode as _;
use tokio_util::sync::CancellationToken;

pub use self::beacon::{BeaconSource, InvalidPulses};
pub use self::faults::{CallLimit, HandshakeRefusal, SubmitFault, WatchEnd};
pub use self::metadata::metadata_v15;
pub use self::snapshot::{Reader, Snapshot};
pub use self::weather::Weather;

use self::beacon::Feed;
use self::commitments::Data;
use self::extrinsic::SignedContext;
use self::faults::StaleVersion;
use self::node::Node;
use self::primitives::{Account, BoundedVec, H256};
use self::runtime::Runtime;
use self::service::Service;
use self::storage::Storage;
use self::subtensor::{FixedU128, LockState};

/// Genesis hash of Finney, for tests that let a chain claim to be it.
pub const FINNEY_GENESIS: [u8; 32] = [
    0x2f, 0x05, 0x55, 0xcc, 0x76, 0xfc, 0x28, 0x40, 0xa2, 0x5a, 0x6e, 0xa3, 0xb9, 0x63, 0x71, 0x46, 0x80, 0x6f, 0x1f,
    0x44, 0xb0, 0x90, 0xc1, 0x75, 0xff, 0xde, 0x2a, 0x7e, 0x5a, 0xb3, 0x6c, 0x03,
];

/// How a development chain behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// Time between two blocks; also told to clients in the metadata, in whole milliseconds.
    pub block_time: Duration,
    /// Whether blocks are made only by [`DevelopmentChain::produce_block`], not by the clock.
    pub manual_blocks: bool,
    /// How many blocks the finalized head stays behind the newest one.
    pub finality_lag: u32,
    /// Blocks before the newest whose state can still be read.
    pub remembered_blocks: usize,
    /// The one subnet of the chain.
    pub netuid: u16,
    /// Blocks of an epoch of that subnet.
    pub tempo: u16,
    /// Bytes that a hotkey may commit in an epoch.
    pub max_space: u32,
    /// Where pulses come from.
    pub beacon: BeaconSource,
    /// How far blocks and pulses are from clockwork.
    pub weather: Weather,
    /// Seconds by which the chain's clock, and its own beacon with it, is ahead of this machine's.
    pub clock_offset: i64,
    /// Genesis hash to claim instead of the chain's own.
    pub genesis_hash: Option<[u8; 32]>,
    /// Version of the runtime; transactions are signed for it.
    pub spec_version: u32,
    /// What `system_chain` answers.
    pub chain_name: String,
    /// Whether the pool refuses commitments of unregistered hotkeys (`Custom error: 10`) instead of the call failing
    /// in a block with `AccountNotAllowedCommit`.
    pub pool_checks_registration: bool,
    /// Who is registered at genesis.
    pub neurons: Vec<Neuron>,
    /// What has been revealed before genesis.
    pub reveals: Vec<PastReveals>,
    /// Conviction locks at genesis.
    pub locks: Vec<Lock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            block_time: Duration::from_secs(1),
            manual_blocks: false,
            finality_lag: 2,
            remembered_blocks: 600,
            netuid: gen404_round::NETUID,
            tempo: subtensor::DEFAULT_TEMPO,
            max_space: commitments::DEFAULT_MAX_SPACE,
            beacon: BeaconSource::default(),
            weather: Weather::default(),
            clock_offset: 0,
            genesis_hash: None,
            spec_version: 425,
            chain_name: "404 Sandbox".to_owned(),
            pool_checks_registration: false,
            neurons: Vec::new(),
            reveals: Vec::new(),
            locks: Vec::new(),
        }
    }
}

/// A hotkey that is registered on the subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neuron {
    /// Signs commitments.
    pub hotkey: AccountId,
    /// Owns the hotkey.
    pub coldkey: AccountId,
}

/// What a hotkey has revealed; the payloads may be anything, as on the real chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastReveals {
    /// Need not be registered.
    pub hotkey: AccountId,
    /// Raw plaintexts (a well-behaved one is a SCALE string) with the blocks of their reveals.
    pub reveals: Vec<(Vec<u8>, u64)>,
}

/// One field of a commitment, for tests that begin with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitmentField {
    /// At most 128 bytes in the clear, which nothing ever reveals.
    Raw(Vec<u8>),
    /// A ciphertext that opens with the beacon's pulse of a round.
    Timelocked {
        /// At most 1024 bytes; need not be a ciphertext.
        encrypted: Vec<u8>,
        /// The round.
        reveal_round: u64,
    },
}

impl From<&CommitmentField> for Data {
    fn from(field: &CommitmentField) -> Self {
        match field {
            CommitmentField::Raw(bytes) => Self::Raw(bytes.clone()),
            CommitmentField::Timelocked { encrypted, reveal_round } => {
                Self::TimelockEncrypted { encrypted: BoundedVec(encrypted.clone()), reveal_round: *reveal_round }
            }
        }
    }
}

/// A conviction lock of a coldkey on the subnet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lock {
    /// Whose it is.
    pub coldkey: AccountId,
    /// Locked stake in rao (9 decimals).
    pub locked_mass: u64,
    /// Conviction in units of 2⁻⁶⁴.
    pub conviction_bits: u128,
    /// Block of the last change.
    pub last_update: u64,
}

/// Why a chain did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port could not be opened.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The system gave no random bytes for the beacon's secret key.
    #[error("no random bytes for the beacon's key")]
    Randomness(#[source] getrandom::Error),
}

/// A running chain. Dropping it stops blocks and listener and cuts all connections.
#[derive(Debug)]
pub struct DevelopmentChain {
    address: SocketAddr,
    netuid: u16,
    block_time: Duration,
    block_maker: Arc<BlockMaker>,
    stop: CancellationToken,
}

impl DevelopmentChain {
    /// Starts a chain and makes its first blocks. Needs a tokio runtime with time and I/O.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let port = options.port;
        let (listener, address) =
            connections::listen(port).await.map_err(|source| StartError::Listen { port, source })?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(StartError::Randomness)?;

        let (netuid, manual) = (options.netuid, options.manual_blocks);
        let (block_time, weather) = (options.block_time, options.weather);
        // Clients look at the parent of the head, and at a finalized block that is not the genesis block.
        let first_blocks = options.finality_lag.saturating_add(2);
        let block_maker = Arc::new(BlockMaker::new(options, &seed));
        for _ in 0..first_blocks {
            block_maker.produce();
        }

        let stop = CancellationToken::new();
        let service = &block_maker.service;
        let methods = rpc::module(Arc::clone(service)).into();
        tokio::spawn(connections::serve(listener, methods, Arc::clone(service), stop.clone()));
        if !manual {
            tokio::spawn(weather::make_blocks(Arc::clone(&block_maker), block_time, weather, stop.clone()));
        }
        Ok(Self { address, netuid, block_time, block_maker, stop })
    }

    /// Where the chain listens, for WebSocket clients.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Where the chain listens, for HTTP clients.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Hash of the genesis block.
    pub fn genesis_hash(&self) -> [u8; 32] {
        self.block_maker.service.node().runtime.context.genesis.0
    }

    /// Number of the newest block.
    pub fn block_number(&self) -> u32 {
        self.block_maker.service.node().head().header.number
    }

    /// Makes a block now, besides those that the clock makes. Returns its number.
    pub fn produce_block(&self) -> u32 {
        self.block_maker.produce();
        self.block_number()
    }

    /// Registers hotkeys from the next block on.
    pub fn register(&self, neurons: &[Neuron]) {
        let pairs = pairs(neurons);
        subtensor::register(&mut self.block_maker.service.node().runtime.storage, self.netuid, &pairs);
    }

    /// Takes a hotkey off the subnet from the next block on.
    pub fn deregister(&self, hotkey: AccountId) {
        let mut node = self.block_maker.service.node();
        subtensor::deregister(&mut node.runtime.storage, self.netuid, hotkey.into());
    }

    /// Replaces everything a hotkey has revealed, from the next block on.
    pub fn set_reveals(&self, past: &PastReveals) {
        set_reveals(&mut self.block_maker.service.node().runtime.storage, self.netuid, past);
    }

    /// Sets a conviction lock from the next block on.
    pub fn set_lock(&self, lock: &Lock) {
        set_lock(&mut self.block_maker.service.node().runtime.storage, self.netuid, lock);
    }

    /// What a hotkey has revealed by now, oldest first, as stored.
    pub fn reveals(&self, hotkey: AccountId) -> Vec<(Vec<u8>, u64)> {
        let node = self.block_maker.service.node();
        commitments::REVEALED_COMMITMENTS.get(&node.runtime.storage, &(self.netuid, hotkey.into())).unwrap_or_default()
    }

    /// Stops (or lets go on) the writing of pulses: nothing is revealed while the beacon is frozen.
    pub fn freeze_beacon(&self, frozen: bool) {
        self.block_maker.feed().frozen = frozen;
    }

    /// Sets by how many seconds the chain's clock is ahead of this machine's; negative is behind.
    pub fn set_clock_offset(&self, seconds: i64) {
        *self.block_maker.clock_offset() = seconds.saturating_mul(1000);
    }

    /// Cuts all open connections without a goodbye; new ones are welcome.
    pub fn cut_connections(&self) {
        self.block_maker.service.connections.cut();
    }

    /// Lets the next block bring another version of the runtime, and nothing else.
    pub fn upgrade(&self, spec_version: u32) {
        self.block_maker.service.node().runtime.upgrade = Some(spec_version);
    }

    /// Lets so many answers to the question for the runtime's version show the one of now, whatever upgrades come.
    pub fn keep_showing_version(&self, times: usize) {
        let shown = self.spec_version();
        self.block_maker.service.faults.set_stale_version(StaleVersion { shown, times });
    }

    /// Version of the runtime.
    pub fn spec_version(&self) -> u32 {
        self.block_maker.service.node().runtime.context.spec_version
    }

    /// Puts a commitment of the hotkey on chain as `set_commitment` in the newest block would have: what it replaces
    /// is lost, and it costs no space.
    pub fn set_commitment(&self, hotkey: AccountId, fields: &[CommitmentField]) {
        let mut node = self.block_maker.service.node();
        let block = node.head().header.number;
        let fields = fields.iter().map(Data::from).collect();
        commitments::seed(&mut node.runtime.storage, block, (self.netuid, hotkey.into()), fields);
    }

    /// Turns connections away before the handshake is done.
    pub fn refuse_handshakes(&self, refusal: HandshakeRefusal) {
        self.block_maker.service.faults.set_handshake_refusal(refusal);
    }

    /// Refuses calls as a node does that is asked too often.
    pub fn limit_calls(&self, limit: CallLimit) {
        self.block_maker.service.faults.set_call_limit(limit);
    }

    /// Lets the next submission meet a fault.
    pub fn fail_next_submission(&self, fault: SubmitFault) {
        self.block_maker.service.faults.set_submit_fault(fault);
    }

    /// Lets the next watched extrinsic's watch end badly.
    pub fn end_next_watch(&self, end: WatchEnd) {
        self.block_maker.service.faults.set_watch_end(end);
    }
}

impl Drop for DevelopmentChain {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Brings time and pulses together with the node.
#[derive(Debug)]
struct BlockMaker {
    service: Arc<Service>,
    feed: Mutex<Feed>,
    /// Milliseconds by which its clock is ahead of this machine's.
    clock_offset: Mutex<i64>,
    /// Seconds by which pulses come too late.
    beacon_lag: u64,
}

impl BlockMaker {
    fn new(options: Options, seed: &[u8; 32]) -> Self {
        let block_time_ms = u64::try_from(options.block_time.as_millis()).unwrap_or(u64::MAX).max(1);
        let metadata: BTreeMap<u32, Vec<u8>> = metadata::VERSIONS
            .into_iter()
            .filter_map(|version| Some((version, metadata::render(version, block_time_ms)?)))
            .collect();
        let clock_offset = options.clock_offset.saturating_mul(1000);
        let feed = Feed::new(options.beacon.clone(), seed, unix_millis(clock_offset) / 1000);
        let storage = genesis_state(&options, &feed);
        // Clients keep metadata by genesis hash and version, so a chain that says other things must have another hash.
        let fingerprint = hashing::blake2_256(&(&metadata, seed).encode());
        let runtime = Runtime {
            storage,
            context: SignedContext {
                spec_version: options.spec_version,
                transaction_version: 1,
                genesis: H256::default(),
            },
            netuids: vec![options.netuid],
            pool_checks_registration: options.pool_checks_registration,
            head: (0, H256::default()),
            upgrade: None,
        };
        let node = Node::new(runtime, H256(fingerprint), options.genesis_hash.map(H256), options.finality_lag);
        Self {
            service: Arc::new(Service::new(node, options.chain_name, metadata)),
            feed: Mutex::new(feed),
            clock_offset: Mutex::new(clock_offset),
            beacon_lag: options.weather.beacon_lag.as_secs(),
        }
    }

    fn feed(&self) -> std::sync::MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock_offset(&self) -> std::sync::MutexGuard<'_, i64> {
        self.clock_offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn produce(&self) {
        let offset = *self.clock_offset();
        let now = unix_millis(offset);
        // Held to the end, so that no two blocks bring the same pulses.
        let feed = self.feed();
        let last = drand::LAST_STORED_ROUND.get(&self.service.node().runtime.storage).unwrap_or(0);
        let pulses = feed.due((now / 1000).saturating_sub(self.beacon_lag), last);
        self.service.node().produce(now, pulses);
    }
}

fn genesis_state(options: &Options, feed: &Feed) -> Storage {
    let mut storage = Storage::new(options.remembered_blocks);
    drand::BEACON_CONFIG.put(&mut storage, &drand::BeaconConfiguration::of(&feed.beacon));
    subtensor::add_network(&mut storage, options.netuid, options.tempo);
    if options.max_space != commitments::DEFAULT_MAX_SPACE {
        commitments::set_max_space(&mut storage, options.max_space);
    }
    subtensor::register(&mut storage, options.netuid, &pairs(&options.neurons));
    for past in &options.reveals {
        set_reveals(&mut storage, options.netuid, past);
    }
    for lock in &options.locks {
        set_lock(&mut storage, options.netuid, lock);
    }
    storage.seal_genesis();
    storage
}

fn pairs(neurons: &[Neuron]) -> Vec<(Account, Account)> {
    neurons.iter().map(|neuron| (neuron.hotkey.into(), neuron.coldkey.into())).collect()
}

fn set_reveals(storage: &mut Storage, netuid: u16, past: &PastReveals) {
    commitments::REVEALED_COMMITMENTS.put(storage, &(netuid, past.hotkey.into()), &past.reveals);
}

fn set_lock(storage: &mut Storage, netuid: u16, lock: &Lock) {
    let state = LockState {
        locked_mass: lock.locked_mass,
        conviction: FixedU128 { bits: lock.conviction_bits },
        last_update: lock.last_update,
    };
    subtensor::set_lock(storage, lock.coldkey.into(), netuid, Some(state));
}

fn unix_millis(offset: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).unwrap_or(u64::MAX).saturating_add_signed(offset)
}

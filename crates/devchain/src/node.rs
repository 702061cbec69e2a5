//! The node: blocks and their hashes, heads and finality, the pool and who watches it.
//! Still without async: a caller brings the time, asks questions and passes on what is announced.

mod fork;

use std::collections::HashMap;

use parity_scale_codec::{Compact, Encode};
use tokio::sync::{broadcast, mpsc};

use super::drand::Pulse;
use super::extrinsic::{Submitted, Undecodable};
use super::hashing::blake2_256;
use super::pool::{Pool, Refused};
use super::primitives::{Account, BlockNumber, H256};
use super::runtime::{Executed, Invalid, Proposal, Runtime};
use super::storage::{Changes, View};
use super::system;

/// Blocks that a slow subscriber may fall behind before it misses some.
const ANNOUNCEMENTS: usize = 1024;

/// A block's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) parent: H256,
    pub(crate) number: BlockNumber,
    pub(crate) state_root: H256,
    pub(crate) extrinsics_root: H256,
}

impl Header {
    fn hash(&self) -> H256 {
        let mut bytes = self.parent.encode();
        Compact(self.number).encode_to(&mut bytes);
        self.state_root.encode_to(&mut bytes);
        self.extrinsics_root.encode_to(&mut bytes);
        // A digest without any item.
        Compact(0_u32).encode_to(&mut bytes);
        H256(blake2_256(&bytes))
    }
}

/// A block, as it is given to whoever asks.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) hash: H256,
    pub(crate) header: Header,
    pub(crate) extrinsics: Vec<Vec<u8>>,
}

/// What a new block changes for subscribers.
#[derive(Debug, Clone)]
pub(crate) struct Announcement {
    pub(crate) hash: H256,
    pub(crate) header: Header,
    pub(crate) changes: std::sync::Arc<Changes>,
    /// Headers that became final with this block, oldest first.
    pub(crate) finalized: Vec<Header>,
}

/// How far a watched extrinsic has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Future,
    Ready,
    Broadcast,
    InBlock(H256),
    Finalized(H256),
    Invalid,
}

/// Why a submitted extrinsic is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SubmitError {
    #[error(transparent)]
    Undecodable(#[from] Undecodable),
    #[error("extrinsics without a signature are for block authors only")]
    Bare,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// One chain.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) runtime: Runtime,
    pub(crate) pool: Pool,
    blocks: Vec<Block>,
    numbers: HashMap<H256, BlockNumber>,
    finality_lag: BlockNumber,
    /// Versions of the runtime, each with the first block whose state has it.
    versions: Vec<(BlockNumber, u32)>,
    watchers: HashMap<H256, Vec<mpsc::UnboundedSender<Status>>>,
    included: HashMap<BlockNumber, Vec<H256>>,
    announcements: broadcast::Sender<Announcement>,
}

impl Node {
    /// Starts from a runtime whose storage holds the genesis state.
    ///
    /// `fingerprint` stands for that state in the genesis block; `genesis` is a hash to claim for it.
    pub(crate) fn new(
        mut runtime: Runtime,
        fingerprint: H256,
        genesis: Option<H256>,
        finality_lag: BlockNumber,
    ) -> Self {
        let header = Header {
            parent: H256::default(),
            number: 0,
            state_root: fingerprint,
            extrinsics_root: H256(blake2_256(b"")),
        };
        let hash = genesis.unwrap_or_else(|| header.hash());
        let versions = vec![(0, runtime.context.spec_version)];
        runtime.context.genesis = hash;
        runtime.head = (0, hash);
        Self {
            runtime,
            pool: Pool::default(),
            blocks: vec![Block { hash, header, extrinsics: Vec::new() }],
            numbers: HashMap::from([(hash, 0)]),
            finality_lag,
            versions,
            watchers: HashMap::new(),
            included: HashMap::new(),
            announcements: broadcast::Sender::new(ANNOUNCEMENTS),
        }
    }

    /// The newest block.
    pub(crate) fn head(&self) -> &Block {
        self.blocks.last().expect("a chain begins with its genesis block")
    }

    /// The newest final block.
    pub(crate) fn finalized(&self) -> &Block {
        let number = self.head().header.number.saturating_sub(self.finality_lag);
        self.block_at(number).expect("every block up to the head is there")
    }

    pub(crate) fn block_at(&self, number: BlockNumber) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    pub(crate) fn block(&self, hash: H256) -> Option<&Block> {
        self.block_at(*self.numbers.get(&hash)?)
    }

    /// The state after a block.
    pub(crate) fn state(&self, hash: H256) -> Option<View<'_>> {
        self.runtime.storage.at(*self.numbers.get(&hash)?)
    }

    /// Version of the runtime in the state of a block that exists.
    pub(crate) fn spec_version_at(&self, number: BlockNumber) -> u32 {
        let version = self.versions.iter().rev().find(|(first, _)| *first <= number);
        version.map_or(self.runtime.context.spec_version, |(_, version)| *version)
    }

    pub(crate) fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.announcements.subscribe()
    }

    pub(crate) fn next_nonce(&self, account: Account) -> u32 {
        self.pool.next_nonce(account, system::nonce(&self.runtime.storage, account))
    }

    /// Checks an extrinsic and puts it into the pool.
    pub(crate) fn submit(
        &mut self,
        bytes: &[u8],
        watcher: Option<mpsc::UnboundedSender<Status>>,
    ) -> Result<H256, SubmitError> {
        let Submitted::Signed(signed) = Submitted::decode(bytes)? else { return Err(SubmitError::Bare) };
        let (hash, nonce) = (signed.hash, signed.nonce);
        let account = match self.runtime.validate(&signed) {
            Ok((account, _)) => account,
            Err(_) if self.pool.is_banned(hash) => return Err(Refused::Banned.into()),
            Err(invalid) => return Err(invalid.into()),
        };
        let on_chain = system::nonce(&self.runtime.storage, account);
        self.pool.insert(account, *signed)?;
        if let Some(watcher) = watcher {
            self.watchers.entry(hash).or_default().push(watcher);
        }
        if self.pool.is_ready(account, on_chain, nonce) {
            for ready in self.pool.ready_from(account, on_chain, nonce) {
                self.tell(ready, Status::Ready);
                self.tell(ready, Status::Broadcast);
            }
        } else {
            self.tell(hash, Status::Future);
        }
        Ok(hash)
    }

    /// Makes the next block.
    pub(crate) fn produce(&mut self, timestamp: u64, pulses: Vec<Pulse>) -> H256 {
        let storage = &self.runtime.storage;
        let upgrades = self.runtime.upgrade.is_some();
        let extrinsics = if upgrades { Vec::new() } else { self.pool.ready(|account| system::nonce(storage, account)) };
        let hashes: Vec<_> = extrinsics.iter().map(|signed| signed.hash).collect();
        let before = self.finalized().header.number;
        let executed = self.runtime.execute(Proposal { timestamp, pulses, extrinsics });
        let left_out = executed.left_out.clone();
        let (hash, header, changes) = self.append(executed);
        if upgrades {
            self.versions.push((header.number, self.runtime.context.spec_version));
        }
        for extrinsic in hashes {
            self.pool.ban(extrinsic);
            if left_out.contains(&extrinsic) {
                self.tell(extrinsic, Status::Invalid);
                self.watchers.remove(&extrinsic);
            } else {
                self.tell(extrinsic, Status::InBlock(hash));
                self.included.entry(header.number).or_default().push(extrinsic);
            }
        }
        let mut finalized = Vec::new();
        for number in before + 1..=self.finalized().header.number {
            let block = self.block_at(number).expect("every block up to the head is there");
            let block_hash = block.hash;
            finalized.push(block.header.clone());
            for extrinsic in self.included.remove(&number).unwrap_or_default() {
                self.tell(extrinsic, Status::Finalized(block_hash));
                self.watchers.remove(&extrinsic);
            }
        }
        let announcement = Announcement { hash, header, changes: std::sync::Arc::new(changes), finalized };
        // Nobody listening is fine.
        let _ = self.announcements.send(announcement);
        hash
    }

    /// Makes a block that brings another version of the runtime, a millisecond after the newest one.
    pub(crate) fn upgrade(&mut self, spec_version: u32) {
        self.runtime.upgrade = Some(spec_version);
        let now = system::NOW.get(&self.runtime.storage).unwrap_or(0);
        self.produce(now.saturating_add(1), Vec::new());
    }

    fn append(&mut self, executed: Executed) -> (H256, Header, Changes) {
        let parent = self.head();
        // No tries: the roots only tie a block to its contents, and nobody here asks for a proof.
        let mut state = parent.header.state_root.encode();
        for (key, value) in &executed.changes {
            (key.as_ref(), value.as_deref()).encode_to(&mut state);
        }
        let header = Header {
            parent: parent.hash,
            number: executed.number,
            state_root: H256(blake2_256(&state)),
            extrinsics_root: H256(blake2_256(&executed.extrinsics.encode())),
        };
        let hash = header.hash();
        self.numbers.insert(hash, header.number);
        self.runtime.head = (header.number, hash);
        self.blocks.push(Block { hash, header: header.clone(), extrinsics: executed.extrinsics });
        (hash, header, executed.changes)
    }

    fn tell(&self, extrinsic: H256, status: Status) {
        for watcher in self.watchers.get(&extrinsic).into_iter().flatten() {
            // A watcher that has gone away needs no news.
            let _ = watcher.send(status);
        }
    }
}

#[cfg(test)]
mod tests;

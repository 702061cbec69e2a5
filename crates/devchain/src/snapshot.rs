//! The subnet at the newest block, as a service reads it that stands beside the chain: who is registered, what was revealed,
//! what is locked. Only reads.

use std::sync::Arc;

use gen404_round::AccountId;

use super::items;
use super::primitives::Account;
use super::{BlockMaker, DevelopmentChain, Lock, Neuron, PastReveals, commitments, subtensor};

/// The subnet at one block.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The block.
    pub block: u64,
    /// Who is registered, by uid.
    pub neurons: Vec<Neuron>,
    /// What hotkeys have revealed, in the order of the chain's storage.
    pub reveals: Vec<PastReveals>,
    /// Locks of the coldkeys that own registered hotkeys.
    pub locks: Vec<Lock>,
}

/// Reads a chain that somebody else holds. It does not keep the chain running.
#[derive(Debug, Clone)]
pub struct Reader {
    block_maker: Arc<BlockMaker>,
    netuid: u16,
}

impl DevelopmentChain {
    /// Somebody who may read at any time.
    pub fn reader(&self) -> Reader {
        Reader { block_maker: Arc::clone(&self.block_maker), netuid: self.netuid }
    }
}

impl Reader {
    /// Number of the newest block.
    pub fn block_number(&self) -> u64 {
        self.block_maker.service.node().head().header.number.into()
    }

    /// Number and Unix time, in milliseconds, of the newest block.
    pub fn head(&self) -> (u64, u64) {
        let node = self.block_maker.service.node();
        let time = super::system::NOW.get(&node.runtime.storage).unwrap_or(0);
        (node.head().header.number.into(), time)
    }

    /// The subnet at the newest block.
    pub fn snapshot(&self) -> Snapshot {
        let node = self.block_maker.service.node();
        let block = node.head().header.number;
        let storage = &node.runtime.storage;
        let neurons: Vec<_> = subtensor::registered(storage, self.netuid)
            .into_iter()
            .map(|(hotkey, coldkey)| Neuron { hotkey: AccountId(hotkey.0), coldkey: AccountId(coldkey.0) })
            .collect();
        let mut coldkeys: Vec<AccountId> = neurons.iter().map(|neuron| neuron.coldkey).collect();
        coldkeys.sort_unstable();
        coldkeys.dedup();
        let lock = |coldkey: AccountId| {
            let state = subtensor::lock(storage, coldkey.into(), self.netuid)?;
            Some(Lock {
                coldkey,
                locked_mass: state.locked_mass,
                conviction_bits: state.conviction.bits,
                last_update: state.last_update,
            })
        };
        let locks = coldkeys.into_iter().filter_map(lock).collect();
        let item = &commitments::REVEALED_COMMITMENTS;
        let mut of_subnet = items::prefix(item.pallet, item.name).to_vec();
        of_subnet.extend(self.netuid.to_le_bytes());
        let keys = storage.at(block).map(|state| state.keys_after(&of_subnet, None, usize::MAX)).unwrap_or_default();
        let reveals = keys
            .iter()
            .filter_map(|key| {
                // The hashers keep the account's bytes at the end of the key.
                let account = Account(*key.last_chunk()?);
                let reveals = item.get(storage, &(self.netuid, account))?;
                Some(PastReveals { hotkey: AccountId(account.0), reveals })
            })
            .collect();
        Snapshot { block: block.into(), neurons, reveals, locks }
    }
}

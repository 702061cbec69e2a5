//! What hotkeys have revealed, payload by payload: for whoever applies the rules of a round to it.
//! Decodes nothing.

use gen404_outside::observer::Observer;
use gen404_round::{BlockNumber, Hotkey, Netuid};

use super::Payloads;
use crate::connection::Chain;
use crate::error::ReadError;
use crate::event::Event;

/// The payloads of one hotkey, oldest first; the chain keeps the ten newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevealHistory {
    /// Who.
    pub hotkey: Hotkey,
    /// Each payload as stored, with the block of its reveal.
    pub reveals: Vec<(Vec<u8>, BlockNumber)>,
}

/// The payloads of a subnet's hotkeys, and the block at which they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevealHistories {
    /// Number of the block.
    pub block: BlockNumber,
    /// In the order in which the chain stores them, which decides between reveals of one block.
    pub hotkeys: Vec<RevealHistory>,
}

impl Chain {
    /// Reads the payloads that were revealed on a subnet in block `from` or later; hotkeys without one are left out.
    pub async fn reveal_histories(
        &self,
        netuid: Netuid,
        from: BlockNumber,
        observer: &dyn Observer<Event>,
    ) -> Result<RevealHistories, ReadError> {
        let kept = |value: &[u8]| -> Vec<(Vec<u8>, BlockNumber)> {
            let recent = Payloads::read(value).filter(|(_, block)| *block >= from);
            recent.map(|(payload, block)| (payload.to_vec(), block)).collect()
        };
        let mut all = self.all_reveals(netuid, &kept, observer).await?;
        all.hotkeys.retain(|entry| !entry.value.is_empty());
        all.hotkeys.sort_by(|one, other| one.key.cmp(&other.key));
        let hotkeys = all.hotkeys.into_iter().map(|entry| RevealHistory { hotkey: entry.hotkey, reveals: entry.value });
        Ok(RevealHistories { block: all.block, hotkeys: hotkeys.collect() })
    }
}

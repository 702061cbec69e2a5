//! What must hold before a commitment is signed, checked here so that nothing is sent that the chain would refuse or lose.
//! Pure: judges a situation that was read before.

use gen404_round::{Hotkey, Netuid};
use gen404_timelock::{OVERHEAD, QUICKNET};
use serde::Serialize;

use crate::clock::ClockError;
use crate::error::CommitError;
use crate::hashes::BlockHash;
use crate::network::FINNEY_GENESIS;
use crate::situation::Situation;

/// Longest ciphertext that the pallet's bounded type holds, in bytes.
pub(crate) const MAX_CIPHERTEXT_BYTES: usize = 1024;
/// Each commitment costs at least this much space, in bytes.
const MIN_COST: u64 = 100;

/// One thing that was looked at before signing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether a commitment may be sent as far as this goes.
    pub passed: bool,
    /// What was found, in words.
    pub detail: String,
}

/// What a commitment is about to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intent {
    pub(crate) netuid: Netuid,
    pub(crate) hotkey: Hotkey,
    pub(crate) genesis: BlockHash,
    pub(crate) json_bytes: usize,
    pub(crate) plaintext_bytes: usize,
}

impl Intent {
    /// Space that the commitment will use up, in bytes.
    pub(crate) fn cost(&self) -> u64 {
        u64::try_from(self.plaintext_bytes + OVERHEAD).unwrap_or(u64::MAX).max(MIN_COST)
    }

    /// Whether the current epoch has room for this commitment and another one before it; `None` when that cannot be told.
    pub(crate) fn fits_twice(&self, situation: &Situation) -> Option<bool> {
        situation.space.has_room_for(self.cost().saturating_mul(2))
    }

    /// Whether the payload fits; needs no chain.
    pub(crate) fn check_size(&self) -> Result<(), CommitError> {
        let ciphertext = self.plaintext_bytes + OVERHEAD;
        if ciphertext <= MAX_CIPHERTEXT_BYTES {
            return Ok(());
        }
        let limit = self.json_bytes - (ciphertext - MAX_CIPHERTEXT_BYTES);
        Err(CommitError::PayloadTooLong { bytes: self.json_bytes, limit })
    }

    /// Everything that waiting a few blocks does not change.
    pub(crate) fn check(&self, situation: &Situation) -> Result<(), CommitError> {
        self.check_beacon(situation)?;
        self.check_registration(situation)?;
        self.check_space(situation)
    }

    fn check_beacon(&self, situation: &Situation) -> Result<(), CommitError> {
        let is_quicknet = situation.beacon == QUICKNET;
        if self.genesis == FINNEY_GENESIS && !is_quicknet { Err(CommitError::ForeignBeacon) } else { Ok(()) }
    }

    fn check_registration(&self, situation: &Situation) -> Result<(), CommitError> {
        if situation.registered {
            Ok(())
        } else {
            Err(CommitError::NotRegistered { hotkey: self.hotkey, netuid: self.netuid })
        }
    }

    fn check_space(&self, situation: &Situation) -> Result<(), CommitError> {
        let space = situation.space;
        // Without the epoch's index only the chain can tell, and it does: a refused commitment costs nothing.
        let Some(used) = space.used_now() else { return Ok(()) };
        if used.saturating_add(self.cost()) <= space.limit {
            return Ok(());
        }
        Err(CommitError::SpaceUsedUp { used, limit: space.limit, cost: self.cost(), tempo: space.tempo })
    }

    /// All checks in words, for a rehearsal.
    pub(crate) fn report(
        &self,
        situation: &Situation,
        plaintext: &[u8],
        clock: Option<ClockError>,
        in_pool: u64,
    ) -> Vec<Check> {
        let check = |name, result: Result<(), CommitError>, fine: String| match result {
            Ok(()) => Check { name, passed: true, detail: fine },
            Err(error) => Check { name, passed: false, detail: error.to_string() },
        };
        let space = situation.space;
        let space_words = match space.used_now() {
            Some(used) => format!("{used} of {} bytes used in this epoch, {} needed", space.limit, self.cost()),
            None => format!("{} bytes needed; this runtime does not tell which epoch it is", self.cost()),
        };
        let pending = situation.pending().map_or_else(
            || "nothing is waiting for its reveal".to_owned(),
            |pending| format!("a commitment of block {} is not revealed yet and would be waited for", pending.block),
        );
        vec![
            check(
                "payload",
                self.check_size(),
                format!(
                    "{} bytes, {MAX_CIPHERTEXT_BYTES} allowed when encrypted ({} bytes)",
                    self.json_bytes,
                    self.plaintext_bytes + OVERHEAD
                ),
            ),
            check("beacon", self.check_beacon(situation), "the chain's beacon key is the expected one".to_owned()),
            check("registration", self.check_registration(situation), format!("registered on subnet {}", self.netuid)),
            check("space", self.check_space(situation), space_words),
            Check {
                name: "clock",
                passed: true,
                detail: clock.map_or_else(
                    || "agrees with the chain".to_owned(),
                    |error| format!("{error}; the chain's time is used instead"),
                ),
            },
            Check {
                name: "revealed",
                passed: true,
                detail: situation.revealed_in(plaintext).map_or_else(
                    || "this payload is not among the hotkey's reveals yet".to_owned(),
                    |block| format!("this payload was revealed in block {block} already; the newer reveal would count"),
                ),
            },
            Check { name: "pending", passed: situation.pending().is_none(), detail: pending },
            Check {
                name: "pool",
                passed: in_pool == 0,
                detail: if in_pool == 0 {
                    "no other extrinsic of this hotkey is waiting".to_owned()
                } else {
                    format!("{in_pool} other extrinsics of this hotkey are waiting for a block")
                },
            },
        ]
    }
}

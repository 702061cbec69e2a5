//! The types every Substrate chain shares (accounts, signatures, eras, dispatch results), as they stand in metadata.
//! Knows no pallet of Subtensor and decides nothing.

use parity_scale_codec::{Compact, Decode, Encode, Error, Input, Output};
use scale_info::TypeInfo;

/// Number of a block; 32 bits on Subtensor.
pub(crate) type BlockNumber = u32;

/// A 256-bit hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, TypeInfo)]
pub(crate) struct H256(pub(crate) [u8; 32]);

impl std::fmt::Display for H256 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "0x{}", hex::encode(self.0))
    }
}

/// An account as the chain encodes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, TypeInfo)]
pub(crate) struct Account(pub(crate) [u8; 32]);

impl From<gen404_round::AccountId> for Account {
    fn from(account: gen404_round::AccountId) -> Self {
        Self(account.0)
    }
}

impl From<Account> for gen404_round::AccountId {
    fn from(account: Account) -> Self {
        Self(account.0)
    }
}

/// A list with an upper bound that the type of the real runtime carries; here its place checks it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct BoundedVec<T>(pub(crate) Vec<T>);

/// Who an extrinsic says it is from. Generic only because clients look for the parameter's name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum MultiAddress<AccountId = Account> {
    Id(AccountId),
    Index(Compact<()>),
    Raw(Vec<u8>),
    Address32([u8; 32]),
    Address20([u8; 20]),
}

/// A signature with the name of its scheme.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum MultiSignature {
    Ed25519([u8; 64]),
    Sr25519([u8; 64]),
    Ecdsa([u8; 65]),
}

/// A public key with the name of its scheme.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum MultiSigner {
    Ed25519([u8; 32]),
    Sr25519([u8; 32]),
    Ecdsa([u8; 33]),
}

/// For how long an extrinsic is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TypeInfo)]
pub(crate) enum Era {
    /// For ever.
    Immortal,
    /// From the block that is `phase` within a `period` (a power of two) to the end of that period.
    #[codec(skip)]
    Mortal { period: u64, phase: u64 },
}

impl Era {
    /// The block whose hash a signature in this era covers, when the chain is at block `current`.
    pub(crate) fn birth(self, current: BlockNumber) -> u64 {
        match self {
            Self::Immortal => 0,
            Self::Mortal { period, phase } => (u64::from(current).max(phase) - phase) / period * period + phase,
        }
    }
}

impl Decode for Era {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let first = input.read_byte()?;
        if first == 0 {
            return Ok(Self::Immortal);
        }
        let encoded = u64::from(first) | u64::from(input.read_byte()?) << 8;
        let period = 2 << (encoded & 0b1111);
        let phase = (encoded >> 4) * (period >> 12).max(1);
        if period >= 4 && phase < period {
            Ok(Self::Mortal { period, phase })
        } else {
            Err("era: the phase lies outside the period".into())
        }
    }
}

impl Encode for Era {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        match self {
            Self::Immortal => output.push_byte(0),
            Self::Mortal { period, phase } => {
                let exponent = (period.trailing_zeros().max(2) - 1).min(15);
                let quantised = phase / (period >> 12).max(1);
                let encoded = u64::from(exponent) | quantised << 4;
                output.write(&encoded.to_le_bytes()[..2]);
            }
        }
    }
}

/// Computation time and proof size; nothing is metered here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct Weight {
    #[codec(compact)]
    pub(crate) ref_time: u64,
    #[codec(compact)]
    pub(crate) proof_size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum DispatchClass {
    Normal,
    Operational,
    Mandatory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum Pays {
    Yes,
    No,
}

/// What an extrinsic cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct DispatchEventInfo {
    pub(crate) weight: Weight,
    pub(crate) class: DispatchClass,
    pub(crate) pays_fee: Pays,
}

/// An error of a pallet, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct ModuleError {
    /// Index of the pallet.
    pub(crate) index: u8,
    /// The error's own encoding; its first byte is the index of the variant.
    pub(crate) error: [u8; 4],
}

/// Why a call that was included did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum DispatchError {
    /// Anything else.
    Other,
    /// An account could not be looked up.
    CannotLookup,
    /// The caller may not make this call.
    BadOrigin,
    /// The pallet refused.
    Module(ModuleError),
}

/// Where in a block an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum Phase {
    ApplyExtrinsic(u32),
    Finalization,
    Initialization,
}

/// An event as it is stored in `System.Events`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct EventRecord<E> {
    pub(crate) phase: Phase,
    pub(crate) event: E,
    pub(crate) topics: Vec<H256>,
}

/// What the chain keeps of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct AccountInfo {
    pub(crate) nonce: u32,
    pub(crate) consumers: u32,
    pub(crate) providers: u32,
    pub(crate) sufficients: u32,
    pub(crate) data: AccountData,
}

/// Balances; all zero on this chain, where no call costs anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct AccountData {
    pub(crate) free: u64,
    pub(crate) reserved: u64,
    pub(crate) frozen: u64,
    pub(crate) flags: ExtraFlags,
}

/// The highest bit says that the account follows the rules of today; every account does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct ExtraFlags(u128);

impl Default for ExtraFlags {
    fn default() -> Self {
        Self(1 << 127)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_are_encoded_as_on_the_live_chain() {
        // Period 128 anchored at block 8,000,000: from vectors of a verified extrinsic.
        let era = Era::decode(&mut &[0x06, 0x00][..]).expect("an era");
        assert_eq!(era, Era::Mortal { period: 128, phase: 0 });
        assert_eq!(era.birth(8_000_001), 8_000_000);
        assert_eq!(era.encode(), [0x06, 0x00]);
        let last = Era::Mortal { period: 64, phase: 63 };
        assert_eq!(Era::decode(&mut &last.encode()[..]), Ok(last));
        assert_eq!(last.birth(10), 63);
        assert_eq!(last.birth(63 + 64), 127);
    }

    #[test]
    fn every_pair_of_bytes_is_an_era_or_an_error() {
        for first in 0..=255 {
            for second in 0..=255 {
                if let Ok(era) = Era::decode(&mut &[first, second][..]) {
                    era.birth(u32::MAX);
                    era.birth(0);
                }
            }
        }
    }
}

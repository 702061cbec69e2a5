//! The wire form of a commitment: its fields, their bounds and the exact bytes they are stored as.
//! Pure codec; the rules of the pallet are one file up.

use parity_scale_codec::{Compact, Decode, Encode, Error, Input, Output};
use scale_info::TypeInfo;

use crate::primitives::{BlockNumber, BoundedVec};

/// Fields of one commitment at most.
pub(crate) const MAX_FIELDS: usize = 3;
/// Bytes of a timelocked ciphertext at most.
const MAX_CIPHERTEXT: usize = 1024;
/// Bytes of a `Raw` field at most.
const MAX_RAW: u8 = 128;
/// Bytes of a `BigRaw` field at most.
const MAX_BIG_RAW: usize = 512;

/// One field of a commitment.
///
/// On the wire `Raw` is 129 variants, one a length (1 to 129); the metadata lists them all.
#[derive(Debug, Clone, PartialEq, Eq, TypeInfo)]
pub(crate) enum Data {
    #[codec(index = 0)]
    None,
    /// At most 128 bytes in the clear.
    #[codec(skip)]
    Raw(Vec<u8>),
    #[codec(index = 130)]
    BlakeTwo256([u8; 32]),
    #[codec(index = 131)]
    Sha256([u8; 32]),
    #[codec(index = 132)]
    Keccak256([u8; 32]),
    #[codec(index = 133)]
    ShaThree256([u8; 32]),
    /// At most 1024 bytes, encrypted to a round of the chain's beacon.
    #[codec(index = 134)]
    TimelockEncrypted { encrypted: BoundedVec<u8>, reveal_round: u64 },
    #[codec(index = 135)]
    ResetBondsFlag,
    /// At most 512 bytes in the clear.
    #[codec(index = 136)]
    BigRaw(BoundedVec<u8>),
}

impl Data {
    /// Bytes that count against the space of an account.
    pub(crate) fn space(&self) -> usize {
        match self {
            Self::None | Self::ResetBondsFlag => 0,
            Self::Raw(bytes) => bytes.len(),
            Self::BigRaw(bytes) | Self::TimelockEncrypted { encrypted: bytes, .. } => bytes.0.len(),
            Self::BlakeTwo256(_) | Self::Sha256(_) | Self::Keccak256(_) | Self::ShaThree256(_) => 32,
        }
    }

    /// The round that opens the field, if it is timelocked.
    pub(crate) fn reveal_round(&self) -> Option<u64> {
        match self {
            Self::TimelockEncrypted { reveal_round, .. } => Some(*reveal_round),
            _ => None,
        }
    }
}

/// Reads a list of bytes whose length is checked before anything is allocated.
fn bounded_bytes<I: Input>(input: &mut I, bound: usize) -> Result<BoundedVec<u8>, Error> {
    let length = Compact::<u32>::decode(input)?.0 as usize;
    if length > bound {
        return Err("a bounded list exceeds its limit".into());
    }
    let mut bytes = vec![0; length];
    input.read(&mut bytes)?;
    Ok(BoundedVec(bytes))
}

impl Decode for Data {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(match input.read_byte()? {
            0 => Self::None,
            lead @ 1..=129 => {
                let mut bytes = vec![0; usize::from(lead - 1)];
                input.read(&mut bytes)?;
                Self::Raw(bytes)
            }
            130 => Self::BlakeTwo256(Decode::decode(input)?),
            131 => Self::Sha256(Decode::decode(input)?),
            132 => Self::Keccak256(Decode::decode(input)?),
            133 => Self::ShaThree256(Decode::decode(input)?),
            134 => {
                let encrypted = bounded_bytes(input, MAX_CIPHERTEXT)?;
                Self::TimelockEncrypted { encrypted, reveal_round: u64::decode(input)? }
            }
            135 => Self::ResetBondsFlag,
            136 => Self::BigRaw(bounded_bytes(input, MAX_BIG_RAW)?),
            _ => return Err("no field of a commitment begins with this byte".into()),
        })
    }
}

impl Encode for Data {
    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        match self {
            Self::None => output.push_byte(0),
            Self::Raw(bytes) => {
                let length = u8::try_from(bytes.len()).unwrap_or(MAX_RAW).min(MAX_RAW);
                output.push_byte(length + 1);
                output.write(&bytes[..usize::from(length)]);
            }
            Self::BlakeTwo256(hash) => (130_u8, hash).encode_to(output),
            Self::Sha256(hash) => (131_u8, hash).encode_to(output),
            Self::Keccak256(hash) => (132_u8, hash).encode_to(output),
            Self::ShaThree256(hash) => (133_u8, hash).encode_to(output),
            Self::TimelockEncrypted { encrypted, reveal_round } => (134_u8, encrypted, reveal_round).encode_to(output),
            Self::ResetBondsFlag => output.push_byte(135),
            Self::BigRaw(bytes) => (136_u8, bytes).encode_to(output),
        }
    }
}

/// What a hotkey commits to: at most three fields.
#[derive(Debug, Clone, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) struct CommitmentInfo {
    /// The fields, in the order given.
    pub(crate) fields: BoundedVec<Data>,
}

impl Decode for CommitmentInfo {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let count = Compact::<u32>::decode(input)?.0 as usize;
        if count > MAX_FIELDS {
            return Err("a bounded list exceeds its limit".into());
        }
        let fields = (0..count).map(|_| Data::decode(input)).collect::<Result<_, _>>()?;
        Ok(Self { fields: BoundedVec(fields) })
    }
}

/// A commitment as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct Registration {
    /// Always 0: commitments cost no deposit.
    pub(crate) deposit: u64,
    /// Block of the call.
    pub(crate) block: BlockNumber,
    /// What is left of it: revealed fields are taken out.
    pub(crate) info: CommitmentInfo,
}

/// Space a hotkey has used in an epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct UsageTracker {
    /// The epoch that `used_space` counts for.
    pub(crate) last_epoch: u64,
    /// Bytes.
    pub(crate) used_space: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_of_each_kind_decodes_and_one_more_byte_does_not() {
        for (lead, bound, tail) in [(134_u8, MAX_CIPHERTEXT, 8), (136, MAX_BIG_RAW, 0)] {
            for (length, fits) in [(bound, true), (bound + 1, false)] {
                let mut bytes = (lead, vec![7_u8; length]).encode();
                bytes.extend(vec![0; tail]);
                assert_eq!(Data::decode(&mut &bytes[..]).is_ok(), fits, "{lead} {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = &bytes[..];
            if let Ok(info) = CommitmentInfo::decode(&mut rest) {
                prop_assert_eq!(info.encode(), &bytes[..bytes.len() - rest.len()]);
            }
        }

        #[test]
        fn every_first_byte_is_a_field_or_an_error(lead: u8, rest in prop::collection::vec(any::<u8>(), 0..150)) {
            let mut bytes = vec![4, lead];
            bytes.extend(rest);
            let known = CommitmentInfo::decode(&mut &bytes[..]).is_ok();
            prop_assert!(!known || lead <= 136);
        }
    }
}

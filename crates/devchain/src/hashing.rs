//! The hash functions of Substrate: storage prefixes, storage keys, block and extrinsic hashes.
//! Knows bytes only, no pallet and no type of the chain.

use blake2::digest::consts::{U16, U32};
use blake2::{Blake2b, Digest};
use twox_hash::XxHash64;

/// xxHash with 64 bits, seed 0, little endian: the head of `Twox64Concat` keys.
pub(crate) fn twox_64(bytes: &[u8]) -> [u8; 8] {
    XxHash64::oneshot(0, bytes).to_le_bytes()
}

/// Two xxHashes with seeds 0 and 1: the names of pallets and storage items.
pub(crate) fn twox_128(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&twox_64(bytes));
    hash[8..].copy_from_slice(&XxHash64::oneshot(1, bytes).to_le_bytes());
    hash
}

/// The head of `Blake2_128Concat` keys.
pub(crate) fn blake2_128(bytes: &[u8]) -> [u8; 16] {
    Blake2b::<U16>::digest(bytes).into()
}

/// Hash of blocks, extrinsics and long signature payloads.
pub(crate) fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_those_of_the_live_chain() {
        assert_eq!(hex::encode(twox_128(b"Commitments")), "ca407206ec1ab726b2636c4b145ac287");
        assert_eq!(hex::encode(twox_128(b"RevealedCommitments")), "9055a2cffd4b296f38f2de8d9b333cab");
    }

    #[test]
    fn blake2_has_its_length_in_its_parameters() {
        assert_eq!(hex::encode(blake2_256(b"")), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
        assert_eq!(hex::encode(blake2_128(b"")), "cae66941d9efbd404e4d88758ea67670");
    }
}

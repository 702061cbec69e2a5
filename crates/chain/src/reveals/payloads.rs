//! The value of `RevealedCommitments`, read by hand: a count, then so many (length, bytes, block).
//! Total: whatever the bytes, it yields what is whole and stops.

use gen404_round::BlockNumber;
use parity_scale_codec::{Compact, Decode};

/// Iterates over the reveals of one hotkey, oldest first.
pub(crate) struct Payloads<'a> {
    left: u32,
    rest: &'a [u8],
}

impl<'a> Payloads<'a> {
    pub(crate) fn read(value: &'a [u8]) -> Self {
        let mut rest = value;
        let left = Compact::<u32>::decode(&mut rest).map_or(0, |count| count.0);
        Self { left, rest }
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = (&'a [u8], BlockNumber);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let length = usize::try_from(Compact::<u32>::decode(&mut self.rest).ok()?.0).ok()?;
        let (payload, rest) = self.rest.split_at_checked(length)?;
        let (block, rest) = rest.split_first_chunk()?;
        self.rest = rest;
        Some((payload, BlockNumber::from_le_bytes(*block)))
    }
}

#[cfg(test)]
mod tests {
    use parity_scale_codec::Encode;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_chain_writes_is_read(reveals: Vec<(Vec<u8>, u64)>) {
            let value = reveals.encode();
            let read: Vec<_> = Payloads::read(&value).map(|(payload, block)| (payload.to_vec(), block)).collect();
            prop_assert_eq!(read, reveals);
        }

        #[test]
        fn torn_values_give_what_is_whole(reveals: Vec<(Vec<u8>, u64)>, cut: usize) {
            let value = reveals.encode();
            let torn = &value[..cut % (value.len() + 1)];
            let read: Vec<_> = Payloads::read(torn).map(|(payload, block)| (payload.to_vec(), block)).collect();
            prop_assert!(reveals.starts_with(&read));
        }

        #[test]
        fn no_bytes_panic(value: Vec<u8>) {
            prop_assert!(Payloads::read(&value).count() <= value.len());
        }
    }
}

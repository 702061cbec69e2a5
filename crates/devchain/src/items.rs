//! Typed storage items: one declaration gives the key on chain, the codec and the entry in the metadata.
//! Knows how keys are built, not what any pallet keeps under them.

use std::marker::PhantomData;

use parity_scale_codec::{Decode, Encode};

use super::hashing::{blake2_128, twox_64, twox_128};
use super::primitives::Account;
use super::storage::{Storage, View};

/// How one part of a map's key is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hasher {
    /// The encoded part itself.
    Identity,
    /// 8 bytes of xxHash, then the part.
    Twox64Concat,
    /// 16 bytes of BLAKE2, then the part.
    Blake2_128Concat,
}

impl Hasher {
    fn append(self, key: &mut Vec<u8>, part: &[u8]) {
        match self {
            Self::Identity => {}
            Self::Twox64Concat => key.extend(twox_64(part)),
            Self::Blake2_128Concat => key.extend(blake2_128(part)),
        }
        key.extend(part);
    }
}

/// The parts of a map's key, each encoded on its own.
pub(crate) trait KeyParts {
    /// Calls `each` once a part, in order.
    fn for_each_part(&self, each: impl FnMut(&[u8]));
}

macro_rules! single_part {
    ($($name:ty),*) => { $(
        impl KeyParts for $name {
            fn for_each_part(&self, mut each: impl FnMut(&[u8])) {
                self.using_encoded(&mut each);
            }
        }
    )* };
}
single_part!(u16, u32, u64, Account);

impl<First: Encode, Second: Encode> KeyParts for (First, Second) {
    fn for_each_part(&self, mut each: impl FnMut(&[u8])) {
        self.0.using_encoded(&mut each);
        self.1.using_encoded(&mut each);
    }
}

/// The first 32 bytes of every key of an item.
pub(crate) fn prefix(pallet: &str, item: &str) -> [u8; 32] {
    let mut prefix = [0; 32];
    prefix[..16].copy_from_slice(&twox_128(pallet.as_bytes()));
    prefix[16..].copy_from_slice(&twox_128(item.as_bytes()));
    prefix
}

/// Where items can be read: the open block, or a block of the past.
pub(crate) trait State {
    /// The raw value under a key.
    fn value(&self, key: &[u8]) -> Option<&[u8]>;
}

impl State for Storage {
    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.get(key)
    }
}

impl State for View<'_> {
    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.get(key)
    }
}

/// A storage item that is a single value.
pub(crate) struct Single<V> {
    pub(crate) pallet: &'static str,
    pub(crate) name: &'static str,
    pub(crate) value: PhantomData<V>,
}

impl<V: Encode + Decode> Single<V> {
    pub(crate) const fn new(pallet: &'static str, name: &'static str) -> Self {
        Self { pallet, name, value: PhantomData }
    }

    pub(crate) fn key(&self) -> [u8; 32] {
        prefix(self.pallet, self.name)
    }

    pub(crate) fn get(&self, state: &impl State) -> Option<V> {
        decode(state.value(&self.key()))
    }

    pub(crate) fn put(&self, storage: &mut Storage, value: &V) {
        storage.put(&self.key(), &value.encode());
    }
}

/// A storage item that is a map with one or two parts in its key.
pub(crate) struct Map<K, V> {
    pub(crate) pallet: &'static str,
    pub(crate) name: &'static str,
    pub(crate) hashers: &'static [Hasher],
    pub(crate) types: PhantomData<(K, V)>,
}

impl<K: KeyParts, V: Encode + Decode> Map<K, V> {
    pub(crate) const fn new(pallet: &'static str, name: &'static str, hashers: &'static [Hasher]) -> Self {
        Self { pallet, name, hashers, types: PhantomData }
    }

    pub(crate) fn key(&self, of: &K) -> Vec<u8> {
        let mut key = prefix(self.pallet, self.name).to_vec();
        let mut hashers = self.hashers.iter();
        of.for_each_part(|part| {
            hashers.next().expect("a map declares one hasher for each part of its key").append(&mut key, part);
        });
        key
    }

    pub(crate) fn get(&self, state: &impl State, of: &K) -> Option<V> {
        decode(state.value(&self.key(of)))
    }

    pub(crate) fn put(&self, storage: &mut Storage, of: &K, value: &V) {
        storage.put(&self.key(of), &value.encode());
    }

    pub(crate) fn remove(&self, storage: &mut Storage, of: &K) {
        storage.remove(&self.key(of));
    }
}

/// A value that does not decode reads as absent, as it does in the runtime.
fn decode<V: Decode>(bytes: Option<&[u8]>) -> Option<V> {
    V::decode(&mut bytes?).ok()
}

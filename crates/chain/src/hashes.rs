//! Hashes of blocks and extrinsics, as bytes inside and `0x…` outside.
//! Does not know what is hashed.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "0x{}", hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

hash_type! {
    /// Hash of a block's header.
    BlockHash
}

hash_type! {
    /// Blake2-256 of an extrinsic's bytes, by which explorers know it.
    ExtrinsicHash
}

impl ExtrinsicHash {
    pub(crate) fn of(extrinsic: &[u8]) -> Self {
        Self(sp_crypto_hashing::blake2_256(extrinsic))
    }
}

impl BlockHash {
    /// Reads `0x` and 64 hex characters.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("0x")?, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub(crate) fn to_json(self) -> serde_json::Value {
        serde_json::Value::String(self.to_string())
    }
}

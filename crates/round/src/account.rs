//! Accounts of the chain and how people write them (SS58, prefix 42).
//! Knows nothing of secrets: a private key never comes near this room.

use std::fmt;
use std::str::FromStr;

use blake2::{Blake2b512, Digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Substrate's generic address format, the one Bittensor uses.
const SS58_PREFIX: u8 = 42;
const CHECKSUM_CONTEXT: &[u8] = b"SS58PRE";

/// The 32 public bytes of an account, shown as an SS58 address of format 42.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub [u8; 32]);

/// The account a miner signs commitments with.
pub type Hotkey = AccountId;

/// Why a text is not an address of this network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// The text holds characters outside base 58.
    #[error("not an SS58 address: only base-58 characters are allowed")]
    NotBase58,
    /// The decoded bytes are not prefix + 32 bytes + 2 bytes of checksum.
    #[error("not an SS58 address of an account: {length} bytes instead of 35")]
    Length {
        /// Number of decoded bytes.
        length: usize,
    },
    /// The address belongs to another network.
    #[error("address of another network (format {prefix} instead of {SS58_PREFIX})")]
    Prefix {
        /// The format number that was found.
        prefix: u8,
    },
    /// A typing error.
    #[error("the checksum of the address is wrong: a character was mistyped")]
    Checksum,
}

impl AccountId {
    /// Owner of a hotkey that nobody owns (the storage default).
    pub const NOBODY: Self = Self([0; 32]);

    /// The raw public key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn checksum(prefix_and_key: &[u8]) -> [u8; 2] {
    let mut hasher = Blake2b512::new();
    hasher.update(CHECKSUM_CONTEXT);
    hasher.update(prefix_and_key);
    let digest = hasher.finalize();
    [digest[0], digest[1]]
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0_u8; 35];
        bytes[0] = SS58_PREFIX;
        bytes[1..33].copy_from_slice(&self.0);
        let sum = checksum(&bytes[..33]);
        bytes[33..].copy_from_slice(&sum);
        formatter.write_str(&bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for AccountId {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        // An address has at most 48 characters; base-58 decoding is quadratic, so bound it first.
        if text.len() > 64 {
            return Err(InvalidAddress::Length { length: text.len() });
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| InvalidAddress::NotBase58)?;
        let bytes: [u8; 35] =
            bytes.try_into().map_err(|bytes: Vec<u8>| InvalidAddress::Length { length: bytes.len() })?;
        if bytes[0] != SS58_PREFIX {
            return Err(InvalidAddress::Prefix { prefix: bytes[0] });
        }
        if checksum(&bytes[..33]) != bytes[33..] {
            return Err(InvalidAddress::Checksum);
        }
        let mut key = [0; 32];
        key.copy_from_slice(&bytes[1..33]);
        Ok(Self(key))
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn addresses_survive_the_way_there_and_back() {
        let account: AccountId = ALICE.parse().expect("Alice's address");
        assert_eq!(account.to_string(), ALICE);
        assert_eq!(hex::encode(account.0), "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d");
        assert_eq!(AccountId::NOBODY.to_string(), "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM");
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong() {
        assert_eq!("0OIl".parse::<AccountId>(), Err(InvalidAddress::NotBase58));
        assert_eq!("5Grw".parse::<AccountId>(), Err(InvalidAddress::Length { length: 3 }));
        let mistyped = ALICE.replace("5Grwva", "5Grwvb");
        assert_eq!(mistyped.parse::<AccountId>(), Err(InvalidAddress::Checksum));
        assert!(matches!(
            "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5".parse::<AccountId>(),
            Err(InvalidAddress::Prefix { prefix: 0 })
        ));
    }
}

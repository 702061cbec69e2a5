//! The secret half of a hotkey and the one thing it is for: signing.
//! Knows neither files nor extrinsics.

use std::fmt;

use bip39::{Language, Mnemonic};
use gen404_round::Hotkey;
use pbkdf2::pbkdf2_hmac;
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey, SecretKey};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

/// Substrate signs everything in this context.
const SIGNING_CONTEXT: &[u8] = b"substrate";
/// Rounds of PBKDF2 between a phrase's entropy and its mini secret, as BIP-39 has them.
const PHRASE_ROUNDS: u32 = 2048;
const PHRASE_SALT: &[u8] = b"mnemonic";

/// An sr25519 hotkey that can sign; its secret is wiped from memory when dropped.
pub struct HotkeySigner {
    // Boxed, so that moving the signer leaves no copies of the secret behind.
    pair: Box<Keypair>,
}

impl HotkeySigner {
    /// The account it signs for.
    pub fn account(&self) -> Hotkey {
        gen404_round::AccountId(self.pair.public.to_bytes())
    }

    /// An sr25519 signature of the message, made as Substrate makes it (64 bytes, different each time).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign_simple(SIGNING_CONTEXT, message).to_bytes()
    }

    /// The key of a mini secret (what keyfiles call `secretSeed`).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mini_secret = MiniSecretKey::from_bytes(seed).expect("a mini secret is any 32 bytes");
        Self { pair: Box::new(mini_secret.expand_to_keypair(ExpansionMode::Ed25519)) }
    }

    /// The key of scalar and nonce (what keyfiles call `privateKey`), unless the scalar is none.
    pub(crate) fn from_private_key(bytes: &[u8; 64]) -> Option<Self> {
        let secret = SecretKey::from_bytes(bytes).ok()?;
        Some(Self { pair: Box::new(secret.to_keypair()) })
    }

    /// The key of a BIP-39 phrase, derived from its entropy (not from its words, as Bitcoin does it).
    pub(crate) fn from_phrase(phrase: &str) -> Result<Self, bip39::Error> {
        let mnemonic = Mnemonic::parse_in_normalized(Language::English, phrase)?;
        let (mut entropy, length) = mnemonic.to_entropy_array();
        let mut derived = Zeroizing::new([0; 64]);
        pbkdf2_hmac::<Sha512>(&entropy[..length], PHRASE_SALT, PHRASE_ROUNDS, &mut *derived);
        entropy.zeroize();
        let (seed, _unused) = derived.split_first_chunk().expect("64 bytes hold 32");
        Ok(Self::from_seed(seed))
    }
}

impl fmt::Debug for HotkeySigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HotkeySigner({})", self.account())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
    const ALICE: &str = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";

    fn seed(hex_text: &str) -> [u8; 32] {
        *crate::secret::decode_hex(hex_text).expect("32 bytes")
    }

    #[test]
    fn phrase_and_seed_give_the_known_accounts() {
        let of_phrase = HotkeySigner::from_phrase(PHRASE).expect("the development phrase");
        let of_seed =
            HotkeySigner::from_seed(&seed("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e"));
        assert_eq!(of_phrase.account().to_string(), "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV");
        assert_eq!(of_phrase.account(), of_seed.account());
        let alice = HotkeySigner::from_seed(&seed(ALICE));
        assert_eq!(alice.account().to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    }

    #[test]
    fn signatures_verify_for_their_message_only() {
        let signer = HotkeySigner::from_seed(&seed(ALICE));
        let signature = schnorrkel::Signature::from_bytes(&signer.sign(b"message")).expect("64 bytes");
        let public = schnorrkel::PublicKey::from_bytes(signer.account().as_bytes()).expect("a point");
        assert!(public.verify_simple(SIGNING_CONTEXT, b"message", &signature).is_ok());
        assert!(public.verify_simple(SIGNING_CONTEXT, b"another", &signature).is_err());
    }

    #[test]
    fn debug_shows_the_address_alone() {
        let shown = format!("{:?}", HotkeySigner::from_seed(&seed(ALICE)));
        assert_eq!(shown, "HotkeySigner(5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY)");
    }

    #[test]
    fn a_private_key_must_hold_a_scalar() {
        assert!(HotkeySigner::from_private_key(&[0xff; 64]).is_none());
    }
}

//! A beacon's signatures: what a round is as a point, signing it with a key of one's own, checking a signature.
//! Signing is for development chains; the secret of a real beacon exists nowhere in one piece.

use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine, g1};
use ark_ec::hashing::HashToCurve;
use ark_ec::hashing::curve_maps::wb::WBMap;
use ark_ec::hashing::map_to_curve_hasher::MapToCurveBasedHasher;
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::field_hashers::DefaultFieldHasher;
use ark_ff::{PrimeField, Zero};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use sha2::{Digest, Sha256};

use crate::BlsPublicKey;
use crate::encryption::InvalidPublicKey;

/// A beacon's signature of one round: a point of G1 in compressed form.
pub type Signature = [u8; 48];

/// Domain separation of hashes to G1 in the BLS signature suite that quicknet uses.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

type HashToG1 = MapToCurveBasedHasher<G1Projective, DefaultFieldHasher<Sha256, 128>, WBMap<g1::Config>>;

/// The bytes are no signature at all: not a canonical point of the group of prime order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a readable signature of a beacon round")]
pub struct UnreadablePulse;

/// The point of G1 that stands for a round; it is what a beacon signs and what a message is encrypted to.
pub(crate) fn identity(round: u64) -> G1Affine {
    let id = Sha256::digest(round.to_be_bytes());
    HashToG1::new(DOMAIN)
        .and_then(|hasher| hasher.hash(&id))
        .expect("the curve's own constants are valid and hashing to it is total")
}

/// Reads the signature at the start of `bytes`; what follows it is ignored, as the pallet does.
pub(crate) fn read_signature(bytes: &[u8]) -> Option<G1Affine> {
    G1Affine::deserialize_compressed(bytes.get(..48)?).ok()
}

pub(crate) fn read_public_key(bytes: &BlsPublicKey) -> Result<G2Affine, InvalidPublicKey> {
    let key = G2Affine::deserialize_compressed(&bytes[..]).map_err(|_| InvalidPublicKey)?;
    // Everything encrypted to the point at infinity is readable at once.
    if key.is_zero() { Err(InvalidPublicKey) } else { Ok(key) }
}

/// Whether `signature` is the beacon's signature of `round`.
///
/// Bytes after the first 48 are ignored. `Ok(false)` is a well-formed signature of something else.
pub fn verify_pulse(public_key: &BlsPublicKey, round: u64, signature: &[u8]) -> Result<bool, UnreadablePulse> {
    let signature = read_signature(signature).ok_or(UnreadablePulse)?;
    let Ok(public_key) = read_public_key(public_key) else { return Ok(false) };
    let product = Bls12_381::multi_pairing(
        [signature.into_group(), -identity(round).into_group()],
        [G2Affine::generator(), public_key],
    );
    Ok(product.is_zero())
}

/// The randomness of a pulse, as drand derives it: SHA-256 of the signature.
pub fn pulse_randomness(signature: &Signature) -> [u8; 32] {
    Sha256::digest(signature).into()
}

/// The secret key of a development chain's own beacon.
#[derive(Clone)]
pub struct BeaconSecret(Fr);

impl std::fmt::Debug for BeaconSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("BeaconSecret(…)")
    }
}

impl BeaconSecret {
    /// A key made from 32 bytes (little endian, modulo the order of the group); all zero is taken as one.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let scalar = Fr::from_le_bytes_mod_order(seed);
        Self(if scalar.is_zero() { Fr::from(1_u8) } else { scalar })
    }

    /// The key everybody verifies with and encrypts to.
    pub fn public_key(&self) -> BlsPublicKey {
        let mut bytes = [0; 96];
        (ark_bls12_381::G2Projective::generator() * self.0)
            .into_affine()
            .serialize_compressed(&mut bytes[..])
            .expect("a compressed point of G2 has 96 bytes");
        bytes
    }

    /// The pulse of a round.
    pub fn sign(&self, round: u64) -> Signature {
        let mut bytes = [0; 48];
        (identity(round) * self.0)
            .into_affine()
            .serialize_compressed(&mut bytes[..])
            .expect("a compressed point of G1 has 48 bytes");
        bytes
    }
}

//! Identity-based encryption to a beacon round with AES-256-GCM inside, byte compatible with Bittensor's own library.
//! Knows nothing of what the plaintext means and draws no random numbers itself.
//!
//! The serialised form, `p` being the length of the plaintext (all lengths are u64, little endian):
//!
//! ```text
//!   96  U = r*G2, compressed                  r = SHA256(sigma || esk) as big-endian number
//! 8+32  V = sigma XOR SHA256(e(H1(id), r*P))  id = SHA256(round as u64, big endian), P = key of the beacon
//! 8+32  W = esk XOR SHA256(sigma)
//!    8  length of the body, that is of the next two lines
//! 8+p+16  AES-256-GCM under esk, no associated data: ciphertext and tag
//! 8+12  nonce
//!  8+8  the name of the cipher, `AES_GCM_`
//! ```

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use ark_bls12_381::{Bls12_381, Fr, G2Affine, G2Projective};
use ark_ec::pairing::{Pairing, PairingOutput};
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::PrimeField;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use sha2::{Digest, Sha256};

use crate::BlsPublicKey;
use crate::pulse::{identity, read_public_key, read_signature};

/// How much longer a ciphertext is than its plaintext, in bytes.
pub const OVERHEAD: usize = 244;

const POINT_BYTES: usize = 96;
const CIPHER_SUITE: &[u8] = b"AES_GCM_";

/// The random values of one encryption; never use the same ones twice.
#[derive(Clone)]
pub struct Randomness {
    sigma: [u8; 32],
    message_key: [u8; 32],
    nonce: [u8; 12],
}

impl Randomness {
    /// Number of random bytes an encryption uses up.
    pub const BYTES: usize = 76;

    /// Takes sigma (32 bytes), message key `esk` (32) and nonce (12), in this order.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut randomness = Self { sigma: [0; 32], message_key: [0; 32], nonce: [0; 12] };
        randomness.sigma.copy_from_slice(&bytes[..32]);
        randomness.message_key.copy_from_slice(&bytes[32..64]);
        randomness.nonce.copy_from_slice(&bytes[64..]);
        randomness
    }
}

impl std::fmt::Debug for Randomness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Randomness(…)")
    }
}

/// The beacon's key is not a canonical point of G2, or is the point at infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the beacon's public key is not a valid point of the curve")]
pub struct InvalidPublicKey;

/// Encrypts `plaintext` so that the beacon's signature of `round` opens it.
///
/// The result has `plaintext.len() +` [`OVERHEAD`] bytes. The same input always gives the same output.
pub fn encrypt(
    public_key: &BlsPublicKey,
    round: u64,
    plaintext: &[u8],
    randomness: &Randomness,
) -> Result<Vec<u8>, InvalidPublicKey> {
    let public_key = read_public_key(public_key)?;
    let Randomness { sigma, message_key, nonce } = randomness;

    let scalar = blinding_scalar(sigma, message_key);
    let shared = Bls12_381::pairing(identity(round), public_key * scalar);
    let message = Aes256Gcm::new(message_key.into())
        .encrypt(Nonce::from_slice(nonce), plaintext)
        .expect("AES-GCM takes any message that fits in memory");

    let mut ciphertext = Vec::with_capacity(plaintext.len() + OVERHEAD);
    (G2Projective::generator() * scalar)
        .into_affine()
        .serialize_compressed(&mut ciphertext)
        .expect("writing to a vector never fails");
    put(&mut ciphertext, &xor(sigma, &digest_of(&shared)));
    put(&mut ciphertext, &xor(message_key, &Sha256::digest(sigma).into()));
    let mut body = Vec::with_capacity(message.len() + nonce.len() + 16);
    put(&mut body, &message);
    put(&mut body, nonce);
    put(&mut ciphertext, &body);
    put(&mut ciphertext, CIPHER_SUITE);
    Ok(ciphertext)
}

/// Opens a ciphertext with the beacon's signature of its round, exactly as the chain does; `None` when it does not open.
///
/// `signature` is taken as the chain stores it: the two characters `0x` in front of it are cut off, and what follows
/// its 48 bytes is ignored. Bytes after the end of the ciphertext, bytes between the nonce and the end of the body, and
/// any name of a cipher are tolerated. Points must be canonical and in the subgroup of prime order. An empty plaintext
/// opens (to nothing); the chain then reveals nothing.
pub fn open(ciphertext: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    let (point, mut rest) = ciphertext.split_at_checked(POINT_BYTES)?;
    // Nothing but 32 bytes each has ever opened: a key must have 32. Checked before any arithmetic.
    let masked_sigma: &[u8; 32] = take(&mut rest)?.try_into().ok()?;
    let masked_key: &[u8; 32] = take(&mut rest)?.try_into().ok()?;
    let mut body = take(&mut rest)?;
    let _cipher_suite = take(&mut rest)?;
    let message = take(&mut body)?;
    let nonce: &[u8; 12] = take(&mut body)?.try_into().ok()?;

    let signature = read_signature(signature.strip_prefix(b"0x").unwrap_or(signature))?;
    let point = G2Affine::deserialize_compressed(point).ok()?;
    let sigma = xor(masked_sigma, &digest_of(&Bls12_381::pairing(signature, point)));
    let message_key = xor(masked_key, &Sha256::digest(sigma).into());
    if point.into_group() != G2Projective::generator() * blinding_scalar(&sigma, &message_key) {
        return None;
    }
    Aes256Gcm::new((&message_key).into()).decrypt(Nonce::from_slice(nonce), message).ok()
}

fn blinding_scalar(sigma: &[u8; 32], message_key: &[u8; 32]) -> Fr {
    Fr::from_be_bytes_mod_order(&Sha256::new().chain_update(sigma).chain_update(message_key).finalize())
}

fn digest_of(shared: &PairingOutput<Bls12_381>) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(shared.compressed_size());
    shared.serialize_compressed(&mut bytes).expect("writing to a vector never fails");
    Sha256::digest(bytes).into()
}

fn xor(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|index| left[index] ^ right[index])
}

/// Appends `bytes` behind their length.
fn put(target: &mut Vec<u8>, bytes: &[u8]) {
    target.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    target.extend_from_slice(bytes);
}

/// Cuts off one run of bytes that stands behind its length.
fn take<'a>(source: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = source.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *source = rest;
    Some(bytes)
}

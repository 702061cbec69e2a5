//! Timelock encryption to a drand beacon, its opening, and the beacon's own arithmetic and signatures.
//!
//! Pure: knows no network, clock or source of randomness; sigma, key and nonce come in as values, so every byte that
//! goes out can be pinned by a test.
//!
//! A message is encrypted to a *round* of a beacon. Nobody can read it until the beacon publishes its signature of that
//! round (the *pulse*), and from then on everybody can:
//!
//! ```
//! use gen404_timelock::{BeaconSecret, Randomness, encrypt, open};
//!
//! let secret = BeaconSecret::from_seed(&[7; 32]);
//! let ciphertext = encrypt(&secret.public_key(), 42, b"hello", &Randomness::from_bytes(&[1; 76]))?;
//! assert_eq!(open(&ciphertext, &secret.sign(42)).as_deref(), Some(&b"hello"[..]));
//! assert_eq!(open(&ciphertext, &secret.sign(41)), None);
//! # Ok::<(), gen404_timelock::InvalidPublicKey>(())
//! ```

mod beacon;
mod encryption;
mod pulse;

pub use beacon::{Beacon, BlsPublicKey, QUICKNET};
pub use encryption::{InvalidPublicKey, OVERHEAD, Randomness, encrypt, open};
pub use pulse::{BeaconSecret, Signature, UnreadablePulse, pulse_randomness, verify_pulse};

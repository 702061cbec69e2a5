//! `gAAAAA`: a Fernet token (AES-128-CBC, HMAC-SHA256) under a key from ten million rounds of PBKDF2.
//! Salt and rounds are those of the library that wrote such files until 2023.

use aes::Aes128;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use hmac::{Hmac, Mac};
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Damage, Sealed};
use crate::secret::SecretBytes;

const SALT: &[u8] = b"Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins";
const ROUNDS: u32 = 10_000_000;
/// Version byte and time stamp.
const PREAMBLE: usize = 1 + 8;
const INITIAL_VECTOR: usize = 16;
const MAC: usize = 32;

pub(super) fn open(content: &[u8], password: &[u8]) -> Result<SecretBytes, Sealed> {
    let token = URL_SAFE.decode(content.trim_ascii()).map_err(|_| Damage::Malformed)?;
    let body_length = token.len().checked_sub(MAC).ok_or(Damage::CutShort)?;
    let (signed, stated_mac) = token.split_at(body_length);
    let sealed = signed.get(PREAMBLE..).ok_or(Damage::CutShort)?;
    let (initial_vector, ciphertext) = sealed.split_at_checked(INITIAL_VECTOR).ok_or(Damage::CutShort)?;

    let mut key = Zeroizing::new([0; 32]);
    pbkdf2_hmac::<Sha256>(password, SALT, ROUNDS, &mut *key);
    let (mac_key, cipher_key) = key.split_at(16);
    let mut mac = Hmac::<Sha256>::new_from_slice(mac_key).expect("HMAC takes keys of any length");
    mac.update(signed);
    mac.verify_slice(stated_mac).map_err(|_| Sealed::WrongPassword)?;

    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let length = Decryptor::<Aes128>::new_from_slices(cipher_key, initial_vector)
        .expect("16 and 16 bytes were cut off above")
        .decrypt_padded_mut::<Pkcs7>(&mut plaintext)
        .map_err(|_| Damage::Malformed)?
        .len();
    plaintext.truncate(length);
    Ok(plaintext)
}

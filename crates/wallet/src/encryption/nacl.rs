//! `$NACL`: a secretbox under a key that argon2i makes expensive on purpose.
//! All figures are those of the official library 4.1.1.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use crypto_secretbox::aead::AeadInPlace;
use crypto_secretbox::{KeyInit, Nonce, Tag, XSalsa20Poly1305};
use zeroize::Zeroizing;

use super::{Damage, Sealed};
use crate::secret::SecretBytes;

const HEADER: usize = b"$NACL".len();
const NONCE: usize = 24;
const TAG: usize = 16;

const SALT: [u8; 16] = [0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1];
pub(super) const MEMORY_KIBIBYTES: u32 = 524_288;
const PASSES: u32 = 8;
const LANES: u32 = 1;

pub(super) fn open(content: &[u8], password: &[u8]) -> Result<SecretBytes, Sealed> {
    // header, nonce, tag, ciphertext: checked before half a gigabyte is worked through for nothing.
    let (nonce, rest) = content[HEADER..].split_at_checked(NONCE).ok_or(Damage::CutShort)?;
    let (tag, ciphertext) = rest.split_at_checked(TAG).ok_or(Damage::CutShort)?;
    let key = derive_key(password)?;
    let cipher = XSalsa20Poly1305::new(crypto_secretbox::Key::from_slice(&*key));
    // A ciphertext may end like a line, and a file that was passed on as text may have a line end behind it. The tag tells.
    let line = ciphertext.strip_suffix(b"\n").unwrap_or(ciphertext);
    for ciphertext in [ciphertext, line, line.strip_suffix(b"\r").unwrap_or(line)] {
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        let opened =
            cipher.decrypt_in_place_detached(Nonce::from_slice(nonce), b"", &mut plaintext, Tag::from_slice(tag));
        if opened.is_ok() {
            return Ok(plaintext);
        }
    }
    Err(Sealed::WrongPassword)
}

fn derive_key(password: &[u8]) -> Result<Zeroizing<[u8; 32]>, Sealed> {
    let params = Params::new(MEMORY_KIBIBYTES, PASSES, LANES, Some(32)).expect("the library's parameters are valid");
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| Sealed::OutOfMemory)?;
    memory.resize(params.block_count(), Block::default());
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2i, Version::V0x13, params)
        .hash_password_into_with_memory(password, &SALT, &mut *key, memory.as_mut_slice())
        .expect("salt and output have the lengths the parameters ask for, and no password has 4 GiB");
    Ok(key)
}

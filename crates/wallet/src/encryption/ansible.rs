//! `$ANSIBLE_VAULT`: hex lines of salt, HMAC and AES-256-CTR ciphertext, each hex again.
//! Versions 1.1 and 1.2 differ in a label of the header alone.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, Mac};
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Damage, Sealed};
use crate::secret::SecretBytes;

const ROUNDS: u32 = 10_000;
const BLOCK: u8 = 16;

pub(super) fn open(content: &[u8], password: &[u8]) -> Result<SecretBytes, Sealed> {
    let text = std::str::from_utf8(content).map_err(|_| Damage::Malformed)?;
    let (header, body) = text.split_once('\n').ok_or(Damage::CutShort)?;
    let mut header = header.trim().split(';').skip(1);
    let known = matches!(header.next(), Some("1.1" | "1.2")) && header.next() == Some("AES256");
    if !known {
        return Err(Damage::UnknownVault.into());
    }
    let [salt, stated_mac, ciphertext] = fields(body).ok_or(Damage::Malformed)?;

    // AES key, HMAC key, initial counter.
    let mut derived = Zeroizing::new([0; 32 + 32 + 16]);
    pbkdf2_hmac::<Sha256>(password, &salt, ROUNDS, &mut *derived);
    let (cipher_key, rest) = derived.split_at(32);
    let (mac_key, counter) = rest.split_at(32);
    let mut mac = Hmac::<Sha256>::new_from_slice(mac_key).expect("HMAC takes keys of any length");
    mac.update(&ciphertext);
    mac.verify_slice(&stated_mac).map_err(|_| Sealed::WrongPassword)?;

    let mut plaintext = Zeroizing::new(ciphertext);
    Ctr128BE::<Aes256>::new_from_slices(cipher_key, counter)
        .expect("32 and 16 bytes were cut off above")
        .apply_keystream(&mut plaintext);
    let padding = *plaintext.last().ok_or(Damage::CutShort)?;
    let length = plaintext.len().checked_sub(padding.into()).ok_or(Damage::Malformed)?;
    if padding == 0 || padding > BLOCK {
        return Err(Damage::Malformed.into());
    }
    plaintext.truncate(length);
    Ok(plaintext)
}

/// The three hex lines inside the hex.
fn fields(body: &str) -> Option<[Vec<u8>; 3]> {
    let digits: String = body.split_whitespace().collect();
    let inner = String::from_utf8(hex::decode(digits).ok()?).ok()?;
    let mut lines = inner.splitn(3, '\n').map(|line| hex::decode(line.trim()).ok());
    Some([lines.next()??, lines.next()??, lines.next()??])
}

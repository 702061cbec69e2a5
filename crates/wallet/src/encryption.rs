//! The three ways keyfiles have been encrypted over the years, told apart by how they begin.
//! Bytes and a password in, bytes out; knows nothing of the JSON inside.

mod ansible;
mod fernet;
mod nacl;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::secret::SecretBytes;

/// How a keyfile is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// `$NACL`: XSalsa20-Poly1305 under a key from argon2i; what today's library writes.
    Nacl,
    /// `$ANSIBLE_VAULT`: AES-256-CTR with HMAC; read only.
    AnsibleVault,
    /// `gAAAAA`: Fernet under ten million rounds of PBKDF2; read only.
    Fernet,
}

impl Encryption {
    /// The encryption of a file's content, unless it is not encrypted. White space in front says nothing.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        let content = content.trim_ascii_start();
        [(&b"$NACL"[..], Self::Nacl), (b"$ANSIBLE_VAULT", Self::AnsibleVault), (b"gAAAAA", Self::Fernet)]
            .into_iter()
            .find_map(|(beginning, encryption)| content.starts_with(beginning).then_some(encryption))
    }

    /// Seconds that opening takes on an ordinary machine.
    pub fn typical_seconds(self) -> u32 {
        match self {
            Self::Nacl => 7,
            Self::AnsibleVault => 0,
            Self::Fernet => 3,
        }
    }

    /// Memory that opening takes, in MiB.
    pub fn memory_mebibytes(self) -> u32 {
        match self {
            Self::Nacl => nacl::MEMORY_KIBIBYTES / 1024,
            Self::AnsibleVault | Self::Fernet => 0,
        }
    }

    /// Opens the content. Takes time and memory, see [`Self::typical_seconds`].
    pub(crate) fn open(self, content: &[u8], password: &SecretString) -> Result<SecretBytes, Sealed> {
        let password = password.expose_secret().as_bytes();
        let content = content.trim_ascii_start();
        match self {
            Self::Nacl => nacl::open(content, password),
            Self::AnsibleVault => ansible::open(content, password),
            Self::Fernet => fernet::open(content, password),
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nacl => "NaCl",
            Self::AnsibleVault => "ansible-vault",
            Self::Fernet => "Fernet",
        })
    }
}

/// What is wrong with an encrypted file, whatever the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The end is missing.
    #[error("it is cut short")]
    CutShort,
    /// It is not written the way this encryption is.
    #[error("it is not written the way this encryption is")]
    Malformed,
    /// An ansible-vault of another version or cipher.
    #[error("only ansible-vault 1.1 and 1.2 with AES256 are known")]
    UnknownVault,
}

/// Why an encrypted file stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// The authenticity check fails: a wrong password, or (less likely) a changed file.
    WrongPassword,
    /// No password would open it.
    Damaged(Damage),
    /// The machine has not the memory that the key's derivation needs.
    OutOfMemory,
}

impl From<Damage> for Sealed {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

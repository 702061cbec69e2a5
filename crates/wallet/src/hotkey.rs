//! A hotkey's keyfile: whose it is as far as that is public, and how it is opened.
//! Brings files, encryption, password and content together; how each of them works is written in its own file.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::observer::Observer;
use gen404_round::{AccountId, Hotkey};
use secrecy::{ExposeSecret, SecretString};

use crate::encryption::{Damage, Encryption, Sealed};
use crate::keyfile::{Keyfile, KeyfileFault};
use crate::password::{self, NoPassword, PasswordOrigin, PasswordSource};
use crate::secret;
use crate::signer::HotkeySigner;

/// Bits of a file's mode that let group or others read or change it.
pub(crate) const OPEN_TO_OTHERS: u32 = 0o066;

/// A hotkey's keyfile that exists.
#[derive(Debug, Clone)]
pub struct HotkeyFile {
    name: String,
    wallet: PathBuf,
    path: PathBuf,
    /// The path as the user gave it, with its `~`.
    given: PathBuf,
}

/// An opened hotkey.
#[derive(Debug)]
pub struct OpenedHotkey {
    /// Signs for the hotkey.
    pub signer: HotkeySigner,
    /// What the user should know about the keyfile.
    pub warnings: Vec<WalletWarning>,
}

/// Something that is not right with a keyfile, though it works.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalletWarning {
    /// Others on this machine can read or change the secret.
    #[error("the keyfile {} is open to other users of this machine (mode {mode:04o}); run: chmod 600 {}", path.display(), path.display())]
    OpenToOthers {
        /// The keyfile.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The public companion is that of another key.
    #[error("{} names {stated}, but the keyfile beside it signs as {actual}", path.display())]
    OtherPublicFile {
        /// The `…pub.txt`.
        path: PathBuf,
        /// The account it names.
        stated: Hotkey,
        /// The account that signs.
        actual: Hotkey,
    },
}

/// Something that happens while a keyfile is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletEvent {
    /// The key is being derived from the password; see [`Encryption::typical_seconds`] and
    /// [`Encryption::memory_mebibytes`] for what that takes.
    Unlocking(Encryption),
}

/// Why a keyfile could not be opened. Never holds anything secret.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot read the keyfile {}", path.display())]
    Read {
        /// The keyfile.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its content is unusable.
    #[error("the keyfile {} cannot be used", path.display())]
    Content {
        /// The keyfile.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyfileFault,
    },
    /// It is encrypted, but damaged beyond any password.
    #[error("the {encryption} keyfile {} is damaged", path.display())]
    Damaged {
        /// The keyfile.
        path: PathBuf,
        /// How it is encrypted.
        encryption: Encryption,
        /// What is wrong with it.
        source: Damage,
    },
    /// It is encrypted and there is no password.
    #[error("the keyfile {} is encrypted and needs its password", path.display())]
    NoPassword {
        /// The keyfile.
        path: PathBuf,
        /// The environment variable that could hold the password.
        variable: String,
        /// Why the user gave none.
        source: NoPassword,
    },
    /// The environment variable is set, but not the way the ecosystem sets it.
    #[error("the value of {variable} is not an encoded password{}", if *quoted { ": it stands in quotes" } else { "" })]
    Variable {
        /// The environment variable.
        variable: String,
        /// Whether its value has quotes around it.
        quoted: bool,
    },
    /// The password does not open the file.
    #[error("wrong password ({origin}) for the keyfile {}", path.display())]
    WrongPassword {
        /// The keyfile.
        path: PathBuf,
        /// Where the password came from.
        origin: PasswordOrigin,
    },
    /// Too little memory to derive the key.
    #[error("the keyfile {} needs {mebibytes} MiB of memory to be opened, more than this machine has left", path.display())]
    Memory {
        /// The keyfile.
        path: PathBuf,
        /// The memory needed.
        mebibytes: u32,
    },
}

impl Explain for OpenError {
    fn blame(&self) -> Blame {
        match self {
            Self::NoPassword { source: NoPassword::Declined, .. } => Blame::Interruption,
            Self::NoPassword { source: NoPassword::NoTerminal | NoPassword::Terminal(_), .. }
            | Self::Read { .. }
            | Self::Content { .. }
            | Self::Damaged { .. }
            | Self::Variable { .. }
            | Self::WrongPassword { .. }
            | Self::Memory { .. } => Blame::User,
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "the file belongs to another user, or its permissions are too tight".into()
            }
            Self::Content { source, .. } => return source.hint().map(Hint::Borrowed),
            Self::Damaged { .. } => "restore the file from a backup, or regenerate the hotkey from its phrase".into(),
            Self::NoPassword { variable, .. } => {
                format!("run it on a terminal, or put the encoded password into the environment variable {variable}")
                    .into()
            }
            Self::Variable { quoted: true, .. } => {
                "leave the quotes out: docker's --env-file and some others pass them on as part of the value".into()
            }
            Self::Variable { .. } => {
                "its value must be base64 of the password, XOR the repeated bytes of the variable's name".into()
            }
            Self::WrongPassword { .. } => {
                "passwords are case-sensitive; a file changed after it was encrypted looks the same".into()
            }
            Self::Read { .. } | Self::Memory { .. } => return None,
        })
    }
}

impl HotkeyFile {
    pub(crate) fn new(wallet: PathBuf, given_wallet: &Path, name: &str) -> Self {
        let path = wallet.join("hotkeys").join(name);
        Self { name: name.to_owned(), wallet, path, given: given_wallet.join("hotkeys").join(name) }
    }

    /// Its name, which need not be what was looked for (an address finds it too).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hotkey's address as far as it can be told without a password: from the public companion, else from the
    /// keyfile itself.
    ///
    /// Only [`Self::open`] proves it.
    pub fn public_address(&self) -> Option<Hotkey> {
        stated_account(&self.public_file()).or_else(|| stated_account(&self.path)).or_else(|| {
            let keyfile = Keyfile::parse(&secret::read(&self.path).ok()?).ok()?;
            Some(keyfile.signer().ok()?.account())
        })
    }

    /// The coldkey's address from `coldkeypub.txt`, if the wallet has one that can be read.
    pub fn coldkey(&self) -> Option<AccountId> {
        stated_account(&self.wallet.join("coldkeypub.txt"))
    }

    /// Opens the keyfile, decrypting it when it is encrypted.
    ///
    /// Blocks: for the user when a password must be asked, and for seconds of derivation when the file is encrypted.
    pub fn open(
        &self,
        passwords: &mut dyn PasswordSource,
        observer: &dyn Observer<WalletEvent>,
    ) -> Result<OpenedHotkey, OpenError> {
        let content = secret::read(&self.path).map_err(|source| OpenError::Read { path: self.path.clone(), source })?;
        let content = match Encryption::of(&content) {
            None => content,
            Some(encryption) => self.decrypt(encryption, &content, passwords, observer)?,
        };
        let signer = Keyfile::parse(&content)
            .and_then(|keyfile| keyfile.signer())
            .map_err(|source| OpenError::Content { path: self.path.clone(), source })?;
        let warnings = self.warnings(&signer);
        Ok(OpenedHotkey { signer, warnings })
    }

    fn decrypt(
        &self,
        encryption: Encryption,
        content: &[u8],
        passwords: &mut dyn PasswordSource,
        observer: &dyn Observer<WalletEvent>,
    ) -> Result<secret::SecretBytes, OpenError> {
        let (password, origin) = self.password(passwords)?;
        observer.on(WalletEvent::Unlocking(encryption));
        let path = self.path.clone();
        encryption.open(content, &password).map_err(|sealed| match sealed {
            Sealed::WrongPassword => OpenError::WrongPassword { path, origin },
            Sealed::Damaged(source) => OpenError::Damaged { path, encryption, source },
            Sealed::OutOfMemory => OpenError::Memory { path, mebibytes: encryption.memory_mebibytes() },
        })
    }

    /// From the environment, under the file's path or as the user gave it; else from the user.
    fn password(&self, passwords: &mut dyn PasswordSource) -> Result<(SecretString, PasswordOrigin), OpenError> {
        let variables = [&self.path, &self.given].map(|path| password::variable_name(path));
        for variable in &variables {
            if let Some(value) = passwords.variable(variable) {
                let variable = variable.clone();
                return match password::reveal(&variable, &value) {
                    Some(password) => Ok((password, PasswordOrigin::Variable(variable))),
                    None => Err(OpenError::Variable { variable, quoted: secret::is_quoted(value.expose_secret()) }),
                };
            }
        }
        match passwords.ask(&self.path) {
            Ok(password) => Ok((password, PasswordOrigin::Asked)),
            Err(source) => {
                let [variable, _] = variables;
                Err(OpenError::NoPassword { path: self.path.clone(), variable, source })
            }
        }
    }

    fn warnings(&self, signer: &HotkeySigner) -> Vec<WalletWarning> {
        let mut warnings = Vec::new();
        if let Ok(metadata) = std::fs::metadata(&self.path) {
            let mode = metadata.permissions().mode() & 0o777;
            if mode & OPEN_TO_OTHERS != 0 {
                warnings.push(WalletWarning::OpenToOthers { path: self.path.clone(), mode });
            }
        }
        let actual = signer.account();
        if let Some(stated) = stated_account(&self.public_file()).filter(|stated| *stated != actual) {
            warnings.push(WalletWarning::OtherPublicFile { path: self.public_file(), stated, actual });
        }
        warnings
    }

    /// The public companion that libraries since 4.0 write.
    fn public_file(&self) -> PathBuf {
        self.path.with_file_name(format!("{}pub.txt", self.name))
    }
}

/// The account that a public or plain keyfile says it is of, if it says so in a way that can be read.
fn stated_account(path: &Path) -> Option<AccountId> {
    Keyfile::parse(&secret::read(path).ok()?).ok()?.stated_account().ok()?
}

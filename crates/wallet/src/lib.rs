//! Bittensor wallets on disk: finds a hotkey's keyfile, opens it and signs with it. The only crate that touches secrets.
//!
//! Knows no network, no terminal and no environment: passwords come from a [`PasswordSource`], what takes time is told
//! to an observer, and what the user should know about a keyfile is returned as [`WalletWarning`]s. It reads
//! hotkeys and public files only; nothing here ever opens a `coldkey`.
//!
//! ```no_run
//! # use gen404_outside::observer::Observer;
//! # use gen404_wallet::{WalletFolder, PasswordSource, WalletEvent};
//! # fn sign(passwords: &mut dyn PasswordSource, observer: &dyn Observer<WalletEvent>) -> Result<(), Box<dyn std::error::Error>> {
//! let folder = WalletFolder::new("~/.bittensor", std::env::home_dir().as_deref());
//! let opened = folder.find_hotkey("miner", "default")?.open(passwords, observer)?;
//! let signature: [u8; 64] = opened.signer.sign(b"the payload of an extrinsic");
//! # Ok(()) }
//! ```

pub mod checks;
mod encryption;
mod hotkey;
mod keyfile;
mod password;
mod search;
mod secret;
mod signer;

pub use encryption::{Damage, Encryption};
pub use hotkey::{HotkeyFile, OpenError, OpenedHotkey, WalletEvent, WalletWarning};
pub use keyfile::KeyfileFault;
pub use password::{NoPassword, PasswordOrigin, PasswordSource};
pub use search::{FindError, KnownHotkey, WalletFolder};
pub use signer::HotkeySigner;

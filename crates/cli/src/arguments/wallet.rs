//! Which hotkey signs: the options of every command that needs a wallet, and of those that only tolerate them.

use std::path::PathBuf;

use clap::Args;

/// Options that choose a hotkey.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Wallet")]
pub(crate) struct Wallet {
    /// Name of the wallet
    #[arg(long = "wallet.name", value_name = "NAME", env = "BT_WALLET_NAME")]
    pub(crate) name: String,
    /// Name (or SS58 address) of the hotkey
    #[arg(long = "wallet.hotkey", value_name = "NAME", env = "BT_WALLET_HOTKEY")]
    pub(crate) hotkey: String,
    /// Folder of the wallets, or the folder whose subfolder `wallets` has them
    #[arg(long = "wallet.path", value_name = "FOLDER", default_value = "~/.bittensor", env = "BT_WALLET_PATH")]
    pub(crate) path: PathBuf,
}

/// The same options where nothing is signed and no keyfile is opened: an address needs no wallet.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Wallet")]
pub(crate) struct OwnHotkey {
    /// Name of the wallet
    #[arg(long = "wallet.name", value_name = "NAME", env = "BT_WALLET_NAME")]
    pub(crate) name: Option<String>,
    /// Name (or SS58 address) of the hotkey
    #[arg(long = "wallet.hotkey", value_name = "NAME", env = "BT_WALLET_HOTKEY")]
    pub(crate) hotkey: Option<String>,
    /// Folder of the wallets, or the folder whose subfolder `wallets` has them
    #[arg(long = "wallet.path", value_name = "FOLDER", default_value = "~/.bittensor", env = "BT_WALLET_PATH")]
    pub(crate) path: PathBuf,
}

/// The same options where nothing is signed: scripts may go on giving them.
#[derive(Debug, Clone, Args)]
pub(crate) struct UnusedWallet {
    #[arg(long = "wallet.name", value_name = "NAME", hide = true, env = "BT_WALLET_NAME")]
    _name: Option<String>,
    #[arg(long = "wallet.hotkey", value_name = "NAME", hide = true, env = "BT_WALLET_HOTKEY")]
    _hotkey: Option<String>,
    #[arg(long = "wallet.path", value_name = "FOLDER", hide = true, env = "BT_WALLET_PATH")]
    _path: Option<PathBuf>,
}

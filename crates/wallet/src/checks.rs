//! Whether a hotkey's keyfile is where it should be, and closed to others. Opens nothing, so a password is not asked for.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use gen404_outside::explain::Explain as _;
use gen404_round::check::Check;

use crate::hotkey::{HotkeyFile, OPEN_TO_OTHERS};
use crate::search::WalletFolder;

/// Names of the checks.
pub const CHECKS: [&str; 2] = ["wallet", "permissions"];

/// Looks for a hotkey's keyfile; gives it as well when it is there.
pub fn checks(folder: &WalletFolder, wallet: &str, hotkey: &str) -> (Vec<Check>, Option<HotkeyFile>) {
    let nothing = || Check::skipped("permissions", "there is no keyfile to look at", "mend `wallet` first");
    let file = match folder.find_hotkey(wallet, hotkey) {
        Ok(file) => file,
        Err(error) => {
            let fix = error.hint().unwrap_or("see --wallet.path, --wallet.name and --wallet.hotkey".into());
            return (vec![Check::fail("wallet", error.sentence(), fix), nothing()], None);
        }
    };
    let path = file.path().display();
    let readable = File::open(file.path()).and_then(|opened| opened.metadata());
    let found = match &readable {
        Ok(_) => Check::pass("wallet", format!("{path} can be read")),
        Err(error) => Check::fail("wallet", format!("{path} cannot be read: {error}"), format!("chmod 600 {path}")),
    };
    let mode = fs::metadata(file.path()).map(|facts| facts.permissions().mode() & 0o7777);
    let permissions = match mode {
        Ok(mode) if mode & OPEN_TO_OTHERS == 0 => {
            Check::pass("permissions", format!("only its owner can read the keyfile ({mode:04o})"))
        }
        Ok(mode) => {
            let words = format!("the keyfile is open to other users of this machine (mode {mode:04o})");
            Check::fail("permissions", words, format!("chmod 600 {path}"))
        }
        Err(_) => nothing(),
    };
    (vec![found, permissions], Some(file))
}

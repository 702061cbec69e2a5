//! Opens the hotkey that the wallet options choose: asks for a password when one is needed and says what takes time.
//! Everything about keyfiles is the wallet crate's business.

use std::io::{self, IsTerminal};
use std::path::Path;

use gen404_outside::observer::Observer;
use gen404_round::Hotkey;
use gen404_wallet::{Encryption, HotkeyFile, HotkeySigner, NoPassword, PasswordSource, WalletEvent, WalletFolder};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize;

use crate::arguments::{OwnHotkey, Wallet};
use crate::context::Context;
use crate::errors::CommandError;
use crate::text::harmless;
use crate::ui::Ui;

/// Finds the hotkey's keyfile without opening it.
pub(crate) fn find(ui: &Ui, wallet: &Wallet) -> Result<HotkeyFile, CommandError> {
    let folder = WalletFolder::new(&wallet.path, std::env::home_dir().as_deref());
    let file = folder.find_hotkey(&wallet.name, &wallet.hotkey)?;
    let given = wallet.hotkey.trim();
    if file.name() != given {
        ui.status(format!("{given} is the address of the hotkey `{}`", file.name()));
    }
    Ok(file)
}

/// The address of the hotkey that somebody wants to look at, if any; nothing is opened.
pub(crate) fn address(own: &OwnHotkey) -> Result<Option<Hotkey>, CommandError> {
    let Some(hotkey) = &own.hotkey else { return Ok(None) };
    if let Ok(address) = hotkey.trim().parse() {
        return Ok(Some(address));
    }
    let Some(wallet) = &own.name else {
        return Err(CommandError::usage(format!("`{hotkey}` is not an address, and no wallet is named"))
            .with_hint("give the hotkey's SS58 address, or --wallet.name as well"));
    };
    let folder = WalletFolder::new(&own.path, std::env::home_dir().as_deref());
    let file = folder.find_hotkey(wallet, hotkey)?;
    file.public_address().map(Some).ok_or_else(|| {
        CommandError::usage(format!("the address of the hotkey `{}` is not known without its password", file.name()))
            .with_hint("give its SS58 address as --wallet.hotkey")
    })
}

/// Opens the keyfile; may ask on the terminal, and may take seconds.
pub(crate) async fn open(context: &Context, file: HotkeyFile) -> Result<HotkeySigner, CommandError> {
    let ui = context.ui.clone();
    let path = file.path().to_owned();
    let _restored = TerminalMode::remember();
    let opening = tokio::task::spawn_blocking(move || file.open(&mut Terminal, &Saying(ui)));
    let opened = context
        .until_interrupted(async { opening.await.map_err(|_| CommandError::panicked())?.map_err(Into::into) })
        .await?;
    for warning in &opened.warnings {
        context.ui.warning(warning.to_string());
    }
    context.ui.status(format!("hotkey {} from {}", opened.signer.account(), path.display()));
    Ok(opened.signer)
}

/// How the terminal was before a password was asked for; restored when dropped.
///
/// A signal ends the command while the question still waits for its answer, with the echo turned off.
struct TerminalMode(Option<Termios>);

impl TerminalMode {
    fn remember() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }

    /// Turns the echo off before the question is seen, for those who type fast.
    fn silence() -> io::Result<()> {
        let mut mode = tcgetattr(io::stdin())?;
        mode.local_modes.remove(LocalModes::ECHO);
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &mode)?)
    }
}

impl Drop for TerminalMode {
    fn drop(&mut self) {
        if let Some(mode) = &self.0 {
            // A terminal that has gone away needs no echo.
            let _gone = tcsetattr(io::stdin(), OptionalActions::Now, mode);
        }
    }
}

/// Passwords from the environment, or typed blindly.
struct Terminal;

impl PasswordSource for Terminal {
    fn variable(&self, name: &str) -> Option<SecretString> {
        std::env::var(name).ok().filter(|value| !value.is_empty()).map(sealed)
    }

    fn ask(&mut self, keyfile: &Path) -> Result<SecretString, NoPassword> {
        // With stdin redirected this is a script, which must not hang on a question that nobody sees.
        if !io::stdin().is_terminal() {
            return Err(NoPassword::NoTerminal);
        }
        TerminalMode::silence().map_err(NoPassword::Terminal)?;
        let question = harmless(&format!("Password of {}: ", keyfile.display())).into_owned();
        rpassword::prompt_password(question).map(sealed).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => NoPassword::Declined,
            io::ErrorKind::NotFound => NoPassword::NoTerminal,
            _ => NoPassword::Terminal(error),
        })
    }
}

/// Moves a text to where it is wiped in the end, and wipes the text itself: shrinking it in place could leave a copy.
fn sealed(mut text: String) -> SecretString {
    let secret = SecretString::from(text.as_str());
    text.zeroize();
    secret
}

/// Says what takes time.
struct Saying(Ui);

impl Observer<WalletEvent> for Saying {
    fn on(&self, event: WalletEvent) {
        if let WalletEvent::Unlocking(encryption) = event
            && encryption.typical_seconds() > 0
        {
            self.0.status(unlocking(encryption));
        }
    }
}

fn unlocking(encryption: Encryption) -> String {
    let seconds = encryption.typical_seconds();
    match encryption.memory_mebibytes() {
        0 => format!("unlocking the {encryption} keyfile: takes about {seconds} s"),
        memory => format!("unlocking the {encryption} keyfile: takes about {seconds} s and {memory} MiB of memory"),
    }
}

//! What the tests share: scratch wallets made from the fixtures, and a user who knows a password.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use gen404_outside::explain::Explain as _;
use gen404_outside::observer::Observer;
use gen404_wallet::{HotkeyFile, NoPassword, OpenError, OpenedHotkey, PasswordSource, WalletEvent, WalletFolder};
use secrecy::SecretString;
use tempfile::TempDir;

pub(crate) const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
pub(crate) const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
/// Account of the development phrase.
pub(crate) const DEVELOPMENT: &str = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
pub(crate) const PASSWORD: &str = "Passw0rd!x";

pub(crate) fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

/// A folder of wallets that disappears with the test.
pub(crate) struct Wallets(TempDir);

impl Wallets {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn folder(&self) -> WalletFolder {
        WalletFolder::new(self.path(), None)
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        self
    }

    pub(crate) fn copy(&self, fixture: &str, file: &str) -> &Self {
        self.write(file, fs::read(data(fixture)).expect("a fixture"))
    }
}

/// A wallet `w` whose hotkey `h` is the content, found.
pub(crate) fn hotkey_of(content: impl AsRef<[u8]>) -> (Wallets, HotkeyFile) {
    let wallets = Wallets::new();
    wallets.write("w/hotkeys/h", content);
    let file = wallets.folder().find_hotkey("w", "h").expect("it was just written");
    (wallets, file)
}

pub(crate) fn fixture(file: &str) -> (Wallets, HotkeyFile) {
    hotkey_of(fs::read(data(file)).expect("a fixture"))
}

/// A user, an environment of at most one variable, and everything that was asked and told.
#[derive(Default)]
pub(crate) struct User {
    pub(crate) answer: Option<&'static str>,
    pub(crate) variable: Option<(String, String)>,
    pub(crate) asked: Vec<PathBuf>,
    pub(crate) told: Told,
}

#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<WalletEvent>>);

impl Observer<WalletEvent> for Told {
    fn on(&self, event: WalletEvent) {
        self.0.lock().expect("no test panics while writing").push(event);
    }
}

struct Passwords<'a>(&'a mut User);

impl PasswordSource for Passwords<'_> {
    fn variable(&self, name: &str) -> Option<SecretString> {
        let (set, value) = self.0.variable.as_ref()?;
        (set == name).then(|| SecretString::from(value.as_str()))
    }

    fn ask(&mut self, keyfile: &Path) -> Result<SecretString, NoPassword> {
        self.0.asked.push(keyfile.to_owned());
        self.0.answer.map(SecretString::from).ok_or(NoPassword::NoTerminal)
    }
}

impl User {
    pub(crate) fn who_types(answer: &'static str) -> Self {
        Self { answer: Some(answer), ..Self::default() }
    }

    pub(crate) fn with_variable(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { variable: Some((name.into(), value.into())), ..Self::default() }
    }

    pub(crate) fn opens(&mut self, file: &HotkeyFile) -> Result<OpenedHotkey, OpenError> {
        let told = std::mem::take(&mut self.told);
        let outcome = file.open(&mut Passwords(self), &told);
        self.told = told;
        outcome
    }
}

/// Everything an error says, to whomever.
pub(crate) fn said(error: &OpenError) -> String {
    let mut text = format!("{error:?} {error} {:?}", error.hint());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

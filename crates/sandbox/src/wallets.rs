//! A rehearsal wallet on disk in the official format: a coldkey, registered hotkeys and one that is not registered.
//! Makes keys and files; knows no chain, and its keys are worth nothing on any real one.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use gen404_round::AccountId;
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// Name of the wallet.
pub const WALLET_NAME: &str = "miner";

/// Name of the hotkey that is left unregistered.
pub const UNREGISTERED: &str = "unregistered";

/// `cryptoType` of sr25519.
const SR25519: u8 = 1;

/// A hotkey with the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHotkey {
    /// As given to `--wallet.hotkey`.
    pub name: String,
    /// Its address.
    pub account: AccountId,
}

/// The wallet `miner` in a folder of wallets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsalWallet {
    /// The folder of wallets, as given to `--wallet.path`.
    pub path: PathBuf,
    /// Owner of all hotkeys.
    pub coldkey: AccountId,
    /// The hotkeys to register: `default`, `hotkey-2`, `hotkey-3` …
    pub hotkeys: Vec<NamedHotkey>,
    /// The hotkey that nobody registers.
    pub unregistered: NamedHotkey,
}

/// Why the wallet could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// A file or folder could not be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of an earlier run is none of ours.
    #[error("{path} holds no address: remove it, or choose another folder")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The system gave no random bytes.
    #[error("no random bytes for a key")]
    Randomness(#[source] getrandom::Error),
}

impl RehearsalWallet {
    /// Writes the wallet with `hotkeys` registered hotkeys (at least one) under `folder`; keys that an earlier run has
    /// left there are kept.
    pub fn write(folder: &Path, hotkeys: usize) -> Result<Self, WalletError> {
        let wallet = folder.join(WALLET_NAME);
        let hotkey_folder = wallet.join("hotkeys");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&hotkey_folder)
            .map_err(|source| WalletError::Io { path: hotkey_folder.clone(), source })?;
        let keyfiles = Keyfiles { workplace: folder };
        let coldkey = keyfiles.pair(&wallet.join("coldkey"), &wallet.join("coldkeypub.txt"))?;
        let hotkey = |name: String| {
            let public = hotkey_folder.join(format!("{name}pub.txt"));
            let account = keyfiles.pair(&hotkey_folder.join(&name), &public)?;
            Ok(NamedHotkey { name, account })
        };
        let names = (1..=hotkeys.max(1)).map(|number| match number {
            1 => "default".to_owned(),
            _ => format!("hotkey-{number}"),
        });
        Ok(Self {
            path: folder.to_owned(),
            coldkey,
            hotkeys: names.map(hotkey).collect::<Result<_, _>>()?,
            unregistered: hotkey(UNREGISTERED.to_owned())?,
        })
    }
}

/// Makes keyfiles that are whole at once and never change: whoever looks, and whenever a run is killed.
struct Keyfiles<'a> {
    /// Where files are written before they get their name; a folder that no tool looks for hotkeys in.
    workplace: &'a Path,
}

impl Keyfiles<'_> {
    /// The address in a keyfile; the file and its public twin are made if they are missing.
    fn pair(&self, secret: &Path, public: &Path) -> Result<AccountId, WalletError> {
        if !secret.exists() {
            self.put(secret, &new_key()?)?;
        }
        // The file decides, and not the key just made: another run may have been first. The twin follows from it.
        let account = address(secret)?;
        if !public.exists() {
            self.put(public, &public_part(account))?;
        }
        Ok(account)
    }

    /// Puts a file that only its owner can read in its place; one that is there already stays.
    fn put(&self, path: &Path, contents: &Map<String, Value>) -> Result<(), WalletError> {
        let text = Zeroizing::new(serde_json::to_vec(contents).expect("text and numbers always serialise"));
        let written = tempfile::Builder::new().prefix(".key-").tempfile_in(self.workplace).and_then(|mut file| {
            file.write_all(&text)?;
            file.persist_noclobber(path).map_err(|error| error.error)
        });
        match written {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                Err(WalletError::Io { path: path.to_owned(), source })
            }
            _ => Ok(()),
        }
    }
}

fn address(secret: &Path) -> Result<AccountId, WalletError> {
    #[derive(Deserialize)]
    struct Keyfile {
        #[serde(rename = "ss58Address")]
        address: AccountId,
    }
    let bytes = fs::read(secret).map(Zeroizing::new);
    let bytes = bytes.map_err(|source| WalletError::Io { path: secret.to_owned(), source })?;
    let keyfile: Keyfile =
        serde_json::from_slice(&bytes).map_err(|source| WalletError::Unreadable { path: secret.to_owned(), source })?;
    Ok(keyfile.address)
}

fn new_key() -> Result<Map<String, Value>, WalletError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut seed[..]).map_err(WalletError::Randomness)?;
    let pair = pair(&seed);
    let mut whole = public_part(account(&pair));
    whole.insert("privateKey".to_owned(), json!(hex_text(&pair.secret.to_bytes())));
    whole.insert("secretSeed".to_owned(), json!(hex_text(&seed[..])));
    Ok(whole)
}

fn pair(seed: &[u8; 32]) -> Keypair {
    MiniSecretKey::from_bytes(seed).expect("any 32 bytes are a seed").expand_to_keypair(ExpansionMode::Ed25519)
}

fn account(pair: &Keypair) -> AccountId {
    AccountId(pair.public.to_bytes())
}

fn public_part(account: AccountId) -> Map<String, Value> {
    let public = hex_text(&account.0);
    Map::from_iter([
        ("accountId".to_owned(), json!(public)),
        ("publicKey".to_owned(), json!(public)),
        ("ss58Address".to_owned(), json!(account.to_string())),
        ("cryptoType".to_owned(), json!(SR25519)),
    ])
}

fn hex_text(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_the_one_the_official_library_makes_of_the_same_seed() {
        // The development account //Alice, whose keyfile the official library has written.
        let seed = hex::decode("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a").expect("hex");
        let pair = pair(&seed.try_into().expect("32 bytes"));
        assert_eq!(account(&pair).to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        assert_eq!(
            hex_text(&pair.secret.to_bytes()),
            "0x33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09\
             925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011"
        );
    }

    #[test]
    fn the_files_are_complete_private_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let wallet = RehearsalWallet::write(folder.path(), 3).expect("a wallet");
        let names: Vec<_> = wallet.hotkeys.iter().map(|hotkey| hotkey.name.as_str()).collect();
        assert_eq!(names, ["default", "hotkey-2", "hotkey-3"]);
        let root = folder.path().join(WALLET_NAME);
        for (file, secret) in [
            ("coldkey", true),
            ("coldkeypub.txt", false),
            ("hotkeys/default", true),
            ("hotkeys/defaultpub.txt", false),
            ("hotkeys/unregistered", true),
        ] {
            let path = root.join(file);
            assert_eq!(fs::metadata(&path).expect(file).permissions().mode() & 0o777, 0o600, "{file}");
            let keyfile: Value = serde_json::from_slice(&fs::read(&path).expect(file)).expect(file);
            assert_eq!(keyfile["cryptoType"], 1, "{file}");
            assert_eq!(keyfile.get("secretSeed").is_some(), secret, "{file}");
            assert_eq!(keyfile.get("privateKey").is_some(), secret, "{file}");
        }
        let again = RehearsalWallet::write(folder.path(), 1).expect("the wallet of the first run");
        assert_eq!(again.hotkeys[..], wallet.hotkeys[..1]);
        assert_eq!(again.unregistered, wallet.unregistered);

        fs::write(root.join("hotkeys/default"), "rubbish").expect("written");
        assert!(matches!(RehearsalWallet::write(folder.path(), 1), Err(WalletError::Unreadable { .. })));
    }

    #[test]
    fn two_runs_at_once_get_the_same_wallet_and_a_missing_twin_is_completed() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = || RehearsalWallet::write(folder.path(), 16).expect("a wallet");
        let [first, second] = std::thread::scope(|scope| {
            [scope.spawn(write), scope.spawn(write)].map(|thread| thread.join().expect("it does not panic"))
        });
        assert_eq!(first, second);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "only the wallet is left");

        // As after a run that was killed between a key and its twin.
        let twin = folder.path().join("miner/hotkeys/defaultpub.txt");
        fs::remove_file(&twin).expect("it was there");
        assert_eq!(write(), first);
        assert_eq!(address(&twin).expect("whole"), first.hotkeys[0].account);
    }
}

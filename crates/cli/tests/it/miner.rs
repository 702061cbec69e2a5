//! A miner at work: a home with wallets, and a development chain in this process that knows their hotkeys.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use gen404_devchain::{DevelopmentChain, Neuron, Options};
use gen404_round::AccountId;
use gen404_wallet::HotkeySigner;
use serde_json::Value;

use crate::binary::{Home, transcript};
use crate::running::Running;

pub(crate) const HASH: &str = "5b1e56b263464daec34aae0ce9fee7c609a4eb07";
/// Owns the hotkeys of the wallet `miner`.
pub(crate) const COLDKEY: AccountId = AccountId([0xc0; 32]);
/// Account of the encrypted keyfiles among the wallet crate's test data.
pub(crate) const ENCRYPTED: &str = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
pub(crate) const PASSWORD: &str = "Passw0rd!x";

/// Wallet `miner` with the registered hotkeys `default` and `second`, and `unregistered`.
pub(crate) struct Miner {
    pub(crate) home: Home,
    pub(crate) chain: DevelopmentChain,
}

/// Mini secret of a hotkey, made from its name.
pub(crate) fn seed(hotkey: &str) -> [u8; 32] {
    let mut seed = [0x5e; 32];
    seed[..hotkey.len()].copy_from_slice(hotkey.as_bytes());
    seed
}

pub(crate) fn seed_text(hotkey: &str) -> String {
    seed(hotkey).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub(crate) fn account(hotkey: &str) -> AccountId {
    HotkeySigner::from_seed(&seed(hotkey)).account()
}

/// Blocks four times a second, so that a commitment lives through its stages in one.
pub(crate) fn options() -> Options {
    let hotkeys = [account("default"), account("second"), ENCRYPTED.parse().expect("an address")];
    let neurons = hotkeys.map(|hotkey| Neuron { hotkey, coldkey: COLDKEY });
    Options { block_time: Duration::from_millis(250), neurons: neurons.into(), ..Options::default() }
}

impl Miner {
    pub(crate) async fn new() -> Self {
        Self::on(options()).await
    }

    /// With a beacon that stands still, so that nothing is revealed until it goes on.
    ///
    /// Two blocks of a second each reach past the beacon's newest round; those of [`options`] would not.
    pub(crate) async fn without_reveals() -> Self {
        let miner = Self::on(Options { block_time: Duration::from_secs(1), ..options() }).await;
        miner.chain.freeze_beacon(true);
        miner
    }

    pub(crate) async fn on(options: Options) -> Self {
        let chain = DevelopmentChain::start(options).await.expect("a free port");
        let miner = Self { home: Home::new(), chain };
        for hotkey in ["default", "second", "unregistered"] {
            miner.write_hotkey(hotkey, format!(r#"{{"secretSeed":"0x{}"}}"#, seed_text(hotkey)));
        }
        miner
    }

    /// Writes a keyfile that only its owner can read; returns its path.
    pub(crate) fn write_hotkey(&self, hotkey: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let folder = self.home.path().join(".bittensor/wallets/miner/hotkeys");
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(hotkey);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        path
    }

    /// Copies one of the wallet crate's keyfiles.
    pub(crate) fn copy_hotkey(&self, hotkey: &str, fixture: &str) -> PathBuf {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wallet/tests/data").join(fixture);
        self.write_hotkey(hotkey, fs::read(fixture).expect("a fixture"))
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str], hotkey: &str) -> Ended {
        let url = self.chain.url();
        Ended(self.home.run(&line(arguments, hotkey, &url)))
    }

    pub(crate) fn start(&self, arguments: &[&str], hotkey: &str) -> Running {
        Running::start(&self.home, &line(arguments, hotkey, &self.chain.url()))
    }

    /// The texts that a hotkey has revealed.
    pub(crate) fn revealed(&self, hotkey: &str) -> Vec<String> {
        let reveals = self.chain.reveals(account(hotkey));
        reveals.iter().map(|(payload, _)| gen404_round::decode_payload(payload)).collect()
    }
}

/// The command line with a hotkey of the wallet `miner` and an endpoint.
pub(crate) fn line<'a>(arguments: &[&'a str], hotkey: &'a str, endpoint: &'a str) -> Vec<&'a str> {
    let mut line = arguments.to_vec();
    line.extend(["--wallet.name", "miner", "--wallet.hotkey", hotkey, "--subtensor.endpoint", endpoint]);
    line
}

/// A run that is over.
pub(crate) struct Ended(pub(crate) Output);

impl Ended {
    /// The one JSON object on stdout.
    pub(crate) fn json(&self) -> Value {
        let stdout = String::from_utf8_lossy(&self.0.stdout);
        assert_eq!(stdout.matches('\n').count(), 1, "not one line:\n{}", self.transcript());
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.transcript()))
    }

    /// The JSON object of a success.
    pub(crate) fn success(&self) -> Value {
        assert_eq!(self.0.status.code(), Some(0), "{}", self.transcript());
        let json = self.json();
        assert_eq!(json["success"], true, "{}", self.transcript());
        json
    }

    /// The sentence of a failure with this exit code.
    pub(crate) fn failure(&self, code: i32) -> String {
        assert_eq!(self.0.status.code(), Some(code), "{}", self.transcript());
        let json = self.json();
        assert_eq!(json["success"], false, "{}", self.transcript());
        json["error"].as_str().expect("a sentence").to_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    pub(crate) fn transcript(&self) -> String {
        transcript(&self.0)
    }
}

//! Runs a development chain by itself, for trying clients against it.
//!
//! ```text
//! cargo run -p gen404-sandbox --example development_chain -- FOLDER [PULSES.json]
//! ```
//!
//! Writes the wallet `miner` into FOLDER and prints one JSON line. With pulses, the chain listens to drand's quicknet
//! and knows those of its rounds only; without, it has a beacon of its own.

use std::path::PathBuf;

use gen404_devchain::{BeaconSource, DevelopmentChain, Lock, Neuron, Options};
use gen404_sandbox::wallets::{RehearsalWallet, WALLET_NAME};
use serde_json::json;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example has no printer")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder for the wallet")?);
    let wallet = RehearsalWallet::write(&folder, 2)?;
    let beacon = match arguments.next() {
        Some(file) => BeaconSource::quicknet_from_json(&std::fs::read_to_string(file)?)?,
        None => BeaconSource::default(),
    };
    let neurons = wallet.hotkeys.iter().map(|hotkey| Neuron { hotkey: hotkey.account, coldkey: wallet.coldkey });
    let chain = DevelopmentChain::start(Options {
        beacon,
        neurons: neurons.collect(),
        locks: vec![Lock {
            coldkey: wallet.coldkey,
            locked_mass: 123_000_000_000,
            conviction_bits: 3 << 63,
            last_update: 1,
        }],
        ..Options::default()
    })
    .await?;
    let hotkeys: Vec<_> = wallet.hotkeys.iter().map(|hotkey| hotkey.name.as_str()).collect();
    println!(
        "{}",
        json!({
            "success": true,
            "subtensor": chain.url(),
            "wallet_path": wallet.path,
            "wallet_name": WALLET_NAME,
            "hotkeys": hotkeys,
        })
    );
    tokio::signal::ctrl_c().await?;
    Ok(())
}

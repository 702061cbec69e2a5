//! `404-cli sandbox`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use gen404_renderer::server::RenderServer;
use gen404_sandbox::{BeaconSource, Options, Sandbox};
use gen404_wallet::WalletFolder;

use crate::arguments::StudioArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::render_service::{self, Proof};

/// Run every outside service on this machine: no key, no TAO, no GPU
///
/// A development chain with wallets to use on it, a Targon API, a sample generator, the renderer, a scripted judge, prompt
/// pictures and a CDN folder, all on loopback. Prints one JSON line with their addresses and runs until Ctrl-C.
/// docs/sandbox.md says what is real and what is not, and how to make the services misbehave.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Port of the development chain; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    subtensor_port: u16,
    /// Seconds between two blocks
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    block_time: Duration,
    /// Registered hotkeys of the wallet `miner`, besides the one called `unregistered`
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=256))]
    hotkeys: u16,
    /// More hotkeys of strangers, each with ten reveals (to see how tools cope with many)
    #[arg(long, value_name = "N", default_value_t = 0)]
    revealed_hotkeys: u32,
    /// Let the chain listen to drand's real quicknet instead of a beacon of its own, knowing only the pulses of this
    /// JSON file: `{"<round>": "<signature in hex>", …}`
    #[arg(long, value_name = "FILE")]
    quicknet_pulses: Option<PathBuf>,
    /// Folder for wallets, pictures and prompts; a temporary one, removed at the end, when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    studio: StudioArguments,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.05..=60.0).contains(&seconds) {
        return Err("between 0.05 and 60 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A folder whose leading `~` stands for the home folder, as in `--wallet.path`: a settings file knows no shell.
fn own_folder(given: PathBuf, home: Option<&Path>) -> PathBuf {
    WalletFolder::new(given, home).path().to_owned()
}

fn pulses(file: &Path) -> Result<BeaconSource, CommandError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CommandError::usage(format!("cannot read the pulses {}: {error}", file.display())))?;
    BeaconSource::quicknet_from_json(&text).map_err(|error| CommandError::usage(format!("{}: {error}", file.display())))
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let renderer = render_service::start_if_possible(&context.ui, &arguments.studio, Proof::Program).await;
    let options = Options {
        subtensor_port: arguments.subtensor_port,
        block_time: arguments.block_time,
        hotkeys: arguments.hotkeys.into(),
        revealed_hotkeys: arguments.revealed_hotkeys,
        beacon: arguments.quicknet_pulses.as_deref().map_or_else(|| Ok(BeaconSource::default()), pulses)?,
        folder: arguments.dir.map(|folder| own_folder(folder, std::env::home_dir().as_deref())),
        renderer: renderer.as_ref().map(RenderServer::address),
    };
    let sandbox = Sandbox::start(options).await?;
    context.ui.result(sandbox.directory())?;
    context.ui.status("the sandbox runs until Ctrl-C");
    context.interrupt.requested().await;
    if let Some(renderer) = renderer {
        renderer.stop().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = Path::new("/home/miner");
        assert_eq!(own_folder("~/box".into(), Some(home)), home.join("box"));
        assert_eq!(own_folder("box/~".into(), Some(home)), Path::new("box/~"));
    }
}

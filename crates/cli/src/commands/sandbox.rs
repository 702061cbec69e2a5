//! `404-cli sandbox`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use gen404_renderer::server::RenderServer;
use gen404_sandbox::{BeaconSource, Directory, Options, Sandbox, Weather, competition};
use gen404_wallet::WalletFolder;
use serde::Serialize;

use crate::arguments::{StudioArguments, seconds_between};
use crate::context::Context;
use crate::errors::CommandError;
use crate::render_service::{self, Proof};

/// Run every outside service on this machine: no key, no TAO, no GPU
///
/// A development chain with wallets to use on it, a competition whose rounds move with the chain's blocks, a Targon API, a sample
/// generator, the renderer, a scripted judge, prompt pictures and a CDN folder, all on loopback. Prints one JSON line with their
/// addresses, and the variables with which commands in another terminal find them; runs until Ctrl-C.
/// docs/sandbox.md says what is real and what is not, and how to make the services misbehave.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Port of the development chain; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    subtensor_port: u16,
    /// Seconds between two blocks
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    block_time: Duration,
    /// Let a block come up to so many seconds later than its slot begins (half a slot at most)
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = lag)]
    block_jitter: Duration,
    /// Leave so many of 100 slots without a block
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = per_thousand)]
    skipped_slots: u16,
    /// Bring the beacon's pulses to the chain so many seconds late
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = lag)]
    beacon_lag: Duration,
    #[command(flatten)]
    rounds: Rounds,
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

/// The rounds of the sandbox's competition.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Competition")]
#[expect(clippy::struct_field_names, reason = "the options are named for the round")]
struct Rounds {
    /// Blocks of a window of reveals
    #[arg(long, value_name = "BLOCKS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(4..=100_000))]
    round_window: u32,
    /// Blocks from the end of a window to the deadline for files
    #[arg(long, value_name = "BLOCKS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    round_generation: u32,
    /// Prompts of a round; a quarter of them is of the round before
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u8).range(1..=32))]
    round_prompts: u8,
}

impl From<Rounds> for competition::Options {
    fn from(rounds: Rounds) -> Self {
        Self {
            window: rounds.round_window,
            generation: rounds.round_generation,
            prompts: rounds.round_prompts.into(),
            carryover: usize::from(rounds.round_prompts) / 4,
            ..Self::default()
        }
    }
}

fn lag(text: &str) -> Result<Duration, &'static str> {
    seconds_between(text, 0.0..=600.0, "between 0 and 600 seconds")
}

fn per_thousand(text: &str) -> Result<u16, &'static str> {
    let percent: f64 = text.parse().map_err(|_| "not a number")?;
    if !(0.0..=90.0).contains(&percent) {
        return Err("between 0 and 90 percent");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range has been checked")]
    Ok((percent * 10.0).round() as u16)
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    seconds_between(text, 0.05..=60.0, "between 0.05 and 60 seconds")
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
        weather: Weather {
            jitter: arguments.block_jitter,
            skipped_slots: arguments.skipped_slots,
            beacon_lag: arguments.beacon_lag,
        },
        competition: arguments.rounds.into(),
        folder: arguments.dir.map(|folder| own_folder(folder, std::env::home_dir().as_deref())),
        renderer: renderer.as_ref().map(RenderServer::address),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await?;
    let environment = environment(sandbox.directory());
    context.ui.result(&Printed { directory: sandbox.directory(), environment: &environment })?;
    context.ui.status("for commands in another terminal:");
    context.ui.status(exports(&environment));
    context.ui.status("the sandbox runs until Ctrl-C");
    context.interrupt.requested().await;
    if let Some(renderer) = renderer {
        renderer.stop().await;
    }
    Ok(())
}

/// The result: where everything is, and how commands find it.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    directory: &'a Directory,
    /// Variables with which commands use all of this by themselves.
    environment: &'a BTreeMap<&'static str, String>,
}

fn environment(directory: &Directory) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("BT_CHAIN_ENDPOINT", directory.subtensor.clone()),
        ("BT_WALLET_HOTKEY", directory.hotkeys.first().cloned().unwrap_or_default()),
        ("BT_WALLET_NAME", directory.wallet_name.clone()),
        ("BT_WALLET_PATH", directory.wallet_path.display().to_string()),
        ("GEN404_STATE_URL", directory.state.clone()),
        // Any key but one opens its API.
        ("TARGON_API_KEY", "sandbox".to_owned()),
        ("TARGON_BASE_URL", directory.targon.clone()),
    ])
}

/// The line that makes a shell's commands use the sandbox.
fn exports(environment: &BTreeMap<&'static str, String>) -> String {
    let assignments = environment.iter().map(|(name, value)| format!(" {name}={}", quoted(value)));
    format!("export{}", assignments.collect::<String>())
}

/// As a shell reads it back.
fn quoted(value: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@%+,".contains(character);
    if value.chars().all(is_plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_is_exported() {
        for value in ["ws://127.0.0.1:9", "/home/a b/wallets", "it's $HOME `x`"] {
            let echoed =
                std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(value))]).output();
            assert_eq!(String::from_utf8(echoed.expect("sh runs").stdout).expect("text"), value);
        }
    }

    #[test]
    fn the_weathers_numbers_are_in_their_ranges() {
        assert_eq!((per_thousand("2.5"), per_thousand("90")), (Ok(25), Ok(900)));
        assert_eq!(lag("1.5"), Ok(Duration::from_millis(1_500)));
        for wrong in ["-1", "91", "NaN", "", "x"] {
            assert!(per_thousand(wrong).is_err(), "{wrong}");
        }
        for wrong in ["-1", "601", "NaN", "", "x"] {
            assert!(lag(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = Path::new("/home/miner");
        assert_eq!(own_folder("~/box".into(), Some(home)), home.join("box"));
        assert_eq!(own_folder("box/~".into(), Some(home)), Path::new("box/~"));
    }
}

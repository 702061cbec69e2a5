//! What every command understands: the global options, and the groups of options that several commands share.
//! Only shapes and help texts; what a value means is decided where it is used.
//!
//! `env` at an option says that it means the same in every command, and names the variable that all of them share; an
//! option without it has a variable for each command (`settings/marks.rs`).

mod judging;
mod repository;
mod secret;
mod state;
mod storage;
mod studio;
mod submission;
mod subtensor;
pub(crate) mod targon;
mod wallet;

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

pub(crate) use judging::Judging;
pub(crate) use repository::RepositoryArguments;
pub(crate) use secret::KeyParser;
pub(crate) use state::State;
pub(crate) use storage::StorageArguments;
pub(crate) use studio::{BrowserArguments, StudioArguments, broken_in_the_service, failure};
pub(crate) use submission::SubmissionArguments;
pub(crate) use subtensor::{Committing, Subtensor};
pub(crate) use wallet::{OwnHotkey, UnusedWallet, Wallet};

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Global {
    /// Say more on stderr: -v information, -vv debugging, -vvv everything
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 900, env = "GEN404_VERBOSE")]
    pub(crate) verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 901, env = "GEN404_QUIET")]
    pub(crate) quiet: bool,
    /// Colours on stderr
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        global = true,
        display_order = 902,
        env = "GEN404_COLOR"
    )]
    pub(crate) color: ColorChoice,
}

/// When stderr is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A time in seconds, of which a part may be given.
pub(crate) fn seconds_between(
    text: &str,
    bounds: RangeInclusive<f64>,
    otherwise: &'static str,
) -> Result<Duration, &'static str> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    if bounds.contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(otherwise) }
}

//! Where the competition's public state is: the option of every command that reads it.

use clap::Args;
use gen404_competition::{PUBLIC_STATE, StateUrl};

/// Options that choose a competition.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Competition")]
pub(crate) struct State {
    /// Where the competition's public state is: an http(s) address or a file: folder that its files are below
    #[arg(long, value_name = "URL", default_value = PUBLIC_STATE, env = "GEN404_STATE_URL")]
    pub(crate) state_url: StateUrl,
}

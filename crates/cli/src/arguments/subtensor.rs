//! Which chain and which subnet: the options of every command that talks to the chain.

use std::time::Duration;

use clap::Args;
use gen404_chain::{ConnectOptions, Network};
use gen404_round::{NETUID, Netuid};

/// Options that choose a chain.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Chain")]
pub(crate) struct Subtensor {
    /// Network (finney, test, archive, local) or the ws:// or wss:// address of a node
    #[arg(long = "subtensor.endpoint", value_name = "NETWORK", default_value = "finney", env = "BT_CHAIN_ENDPOINT")]
    pub(crate) endpoint: Network,
    /// Number of the subnet
    #[arg(long, value_name = "NUMBER", default_value_t = NETUID, env = "GEN404_NETUID")]
    pub(crate) netuid: Netuid,
}

impl Subtensor {
    /// How to connect, with metadata kept in the user's cache folder.
    pub(crate) fn connect_options(&self) -> ConnectOptions {
        let cache_folder = crate::folders::cache();
        ConnectOptions { cache_folder, ..ConnectOptions::new(self.endpoint.clone()) }
    }
}

/// Options of the commands that put something on chain.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Commitment")]
pub(crate) struct Committing {
    /// How far to follow the commitment
    #[arg(long, value_name = "STAGE", value_enum, default_value_t)]
    pub(crate) wait: Wait,
    /// Most seconds to wait for an earlier commitment, and again for this one
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    wait_timeout: u32,
    /// Check everything and show what would be sent, without signing or sending
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl Committing {
    pub(crate) fn wait_limit(&self) -> Duration {
        Duration::from_secs(self.wait_timeout.into())
    }
}

/// How far a commitment is followed.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Wait {
    /// Until it is in a block: your place in time is fixed
    Inclusion,
    /// Until that block is final
    Finalized,
    /// Until the chain shows byte for byte what was committed
    #[default]
    Reveal,
}

impl From<Wait> for gen404_chain::Wait {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Inclusion => Self::Inclusion,
            Wait::Finalized => Self::Finalized,
            Wait::Reveal => Self::Reveal,
        }
    }
}

//! Whose submission is looked at, and by which rules: the options of the commands that look at all of it.

use clap::Args;
use gen404_round::lock::Rho;

use super::{OwnHotkey, RepositoryArguments, State, Subtensor};

/// Options that choose a submission.
#[derive(Debug, Args)]
pub(crate) struct SubmissionArguments {
    /// Lock that a coldkey needs on the subnet for each of its hotkeys in the round, in ρ
    #[arg(long, value_name = "RHO", default_value_t = Rho::whole(100))]
    pub(crate) required_lock: Rho,
    #[command(flatten)]
    pub(crate) repository: RepositoryArguments,
    #[command(flatten)]
    pub(crate) own: OwnHotkey,
    #[command(flatten)]
    pub(crate) subtensor: Subtensor,
    #[command(flatten)]
    pub(crate) state: State,
}

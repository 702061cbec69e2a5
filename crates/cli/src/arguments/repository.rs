//! Where the repository is read: the option of the commands that look at a submission.

use clap::Args;
use gen404_repository::Origin;

/// Options that choose a repository.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Submission")]
pub(crate) struct RepositoryArguments {
    /// Read the repository here instead of at its public place on GitHub: a folder, or an http(s) address
    #[arg(long, value_name = "PLACE", env = "GEN404_REPOSITORY")]
    pub(crate) repository: Option<Origin>,
}

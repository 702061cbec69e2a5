//! `404-cli commit-hash`.

use clap::Args;
use gen404_round::{CommitHash, Reveal};
use serde::Serialize;

use crate::commitment::{self, Options, Outcome};
use crate::context::Context;
use crate::errors::CommandError;

/// Put the hash of your commit on chain
///
/// It goes on chain encrypted, and the chain opens it about 24 s later. The block that includes it decides who was
/// first; the reveal is read back and compared byte for byte. Nothing costs TAO. See docs/commit.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Full hash of the commit, 40 lower-case hex characters (`git rev-parse HEAD`)
    #[arg(long, value_name = "HASH")]
    hash: CommitHash,
    #[command(flatten)]
    options: Options,
}

#[derive(Serialize)]
struct Report<'a> {
    success: bool,
    commit: &'a CommitHash,
    #[serde(flatten)]
    outcome: Outcome,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { hash, options } = arguments;
    let reveal = Reveal::Commit { commit: hash.clone() };
    let outcome = commitment::commit(context, options, reveal, async { Ok(()) }).await?;
    let committed = matches!(outcome, Outcome::Committed(_));
    let printed = context.ui.result(&Report { success: true, commit: hash, outcome });
    printed.map_err(|error| if committed { error.after_commitment() } else { error })
}

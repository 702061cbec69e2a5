//! `404-cli commit-repo-cdn`.

use clap::Args;
use gen404_round::{CdnUrl, Repository, Reveal};
use serde::Serialize;

use crate::cdn_check::CdnCheck;
use crate::commitment::{self, Options, Outcome};
use crate::context::Context;
use crate::errors::CommandError;

/// Put the place of your repository and files on chain
///
/// Both in one commitment. First the CDN address must answer GET with 2xx, which is what the subnet sends; many object stores
/// refuse that for a bare prefix, then name a file that is already there with --cdn-probe. An earlier commitment that is not
/// revealed yet is waited for, because a second one would replace it. Says for which round the reveal will count. See
/// docs/commit.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The public repository as owner/name
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Repository,
    /// Address that `/<stem>.js` is appended to
    #[arg(long, value_name = "URL")]
    cdn_url: CdnUrl,
    #[command(flatten)]
    check: CdnCheck,
    #[command(flatten)]
    options: Options,
}

#[derive(Serialize)]
struct Report<'a> {
    success: bool,
    repo: &'a Repository,
    cdn_url: &'a str,
    #[serde(flatten)]
    outcome: Outcome,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { repo, cdn_url, check, options } = arguments;
    let reveal = Reveal::RepositoryAndCdn { repo: repo.clone(), cdn_url: cdn_url.clone() };
    let outcome = commitment::commit(context, options, reveal, check.ask(context, cdn_url)).await?;
    let committed = outcome.is_committed();
    let printed = context.ui.result(&Report { success: true, repo, cdn_url: cdn_url.as_str(), outcome });
    printed.map_err(|error| if committed { error.after_commitment() } else { error })
}

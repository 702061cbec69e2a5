//! `404-cli commit-hash`.

use clap::Args;
use gen404_round::{CdnUrl, CommitHash, Repository, Reveal};
use serde::Serialize;

use crate::cdn_check::CdnCheck;
use crate::commitment::{self, Options, Outcome};
use crate::context::Context;
use crate::errors::CommandError;

/// Put the hash of your commit on chain
///
/// It goes on chain encrypted, and the chain opens it about 24 s later. The block that includes it decides who was
/// first; the reveal is read back and compared byte for byte. Says for which round the reveal will count. With --repo and
/// --cdn-url everything goes into one commitment. Nothing costs TAO. See docs/commit.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Full hash of the commit, 40 lower-case hex characters (`git rev-parse HEAD`)
    #[arg(long, value_name = "HASH")]
    hash: CommitHash,
    /// Also the public repository, as owner/name
    #[arg(long, value_name = "OWNER/NAME", requires = "cdn_url")]
    repo: Option<Repository>,
    /// Also the address that `/<stem>.js` is appended to
    #[arg(long, value_name = "URL", requires = "repo")]
    cdn_url: Option<CdnUrl>,
    #[command(flatten)]
    check: CdnCheck,
    #[command(flatten)]
    options: Options,
}

#[derive(Serialize)]
struct Report<'a> {
    success: bool,
    commit: &'a CommitHash,
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<&'a Repository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cdn_url: Option<&'a str>,
    #[serde(flatten)]
    outcome: Outcome,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { hash, repo, cdn_url, check, options } = arguments;
    let reveal = match (repo, cdn_url) {
        (Some(repo), Some(cdn_url)) => {
            Reveal::Everything { repo: repo.clone(), commit: hash.clone(), cdn_url: cdn_url.clone() }
        }
        // The parser wants both or none.
        _ => Reveal::Commit { commit: hash.clone() },
    };
    let checked = async {
        match cdn_url {
            Some(cdn_url) => check.ask(context, cdn_url).await,
            None => Ok(()),
        }
    };
    let outcome = commitment::commit(context, options, reveal, checked).await?;
    let committed = outcome.is_committed();
    let cdn_url = cdn_url.as_ref().map(CdnUrl::as_str);
    let printed = context.ui.result(&Report { success: true, commit: hash, repo: repo.as_ref(), cdn_url, outcome });
    printed.map_err(|error| if committed { error.after_commitment() } else { error })
}

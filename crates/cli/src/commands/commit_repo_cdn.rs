//! `404-cli commit-repo-cdn`.

use std::time::Duration;

use clap::Args;
use gen404_round::{CdnUrl, Repository, Reveal};
use serde::Serialize;

use crate::cdn;
use crate::commitment::{self, Options, Outcome};
use crate::context::Context;
use crate::errors::CommandError;

/// Put the place of your repository and files on chain
///
/// Both in one commitment. First the CDN address must answer a HEAD request with 2xx. An earlier commitment that is not
/// revealed yet is waited for, because a second one would replace it. See docs/commit.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The public repository as owner/name
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Repository,
    /// Address that `/<stem>.js` is appended to
    #[arg(long, value_name = "URL")]
    cdn_url: CdnUrl,
    /// Commit without asking the CDN
    #[arg(long)]
    skip_cdn_check: bool,
    /// Most seconds for the CDN's answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    cdn_timeout: u32,
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
    let Arguments { repo, cdn_url, skip_cdn_check, cdn_timeout, options } = arguments;
    let check = async {
        if *skip_cdn_check {
            context.ui.warning(format!("{cdn_url} is not checked"));
            return Ok(());
        }
        cdn::check(cdn_url, Duration::from_secs((*cdn_timeout).into())).await?;
        context.ui.done(format!("{cdn_url} answers"));
        Ok(())
    };
    let reveal = Reveal::RepositoryAndCdn { repo: repo.clone(), cdn_url: cdn_url.clone() };
    let outcome = commitment::commit(context, options, reveal, check).await?;
    let committed = matches!(outcome, Outcome::Committed(_));
    let printed = context.ui.result(&Report { success: true, repo, cdn_url: cdn_url.as_str(), outcome });
    printed.map_err(|error| if committed { error.after_commitment() } else { error })
}

//! `404-cli commit-repo-cdn`.

use std::time::Duration;

use clap::Args;
use gen404_delivery::{Head, Passed, ProbeName, check};
use gen404_round::{CdnUrl, Repository, Reveal};
use serde::Serialize;

use crate::commitment::{self, Options, Outcome};
use crate::context::Context;
use crate::errors::CommandError;

/// Put the place of your repository and files on chain
///
/// Both in one commitment. First the CDN address must answer HEAD and GET with 2xx, of which GET decides, because it is what the
/// subnet sends; many object stores refuse both for a bare prefix, then name a file that is already there with --cdn-probe. An earlier commitment that is not revealed yet is waited
/// for, because a second one would replace it. See docs/commit.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The public repository as owner/name
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Repository,
    /// Address that `/<stem>.js` is appended to
    #[arg(long, value_name = "URL")]
    cdn_url: CdnUrl,
    /// Ask the CDN for `<cdn-url>/<NAME>` instead of the bare address: any file that is already uploaded
    #[arg(long, value_name = "NAME", conflicts_with = "skip_cdn_check")]
    cdn_probe: Option<ProbeName>,
    /// Commit without asking the CDN
    #[arg(long)]
    skip_cdn_check: bool,
    /// Maximum seconds for the CDN's answer, waiting as it asks included
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
    let Arguments { repo, cdn_url, cdn_probe, skip_cdn_check, cdn_timeout, options } = arguments;
    let checked = async {
        if *skip_cdn_check {
            context.ui.warning(format!("{cdn_url} is not checked"));
            return Ok(());
        }
        let limit = Duration::from_secs((*cdn_timeout).into());
        let asked = match cdn_probe {
            Some(name) => format!("{cdn_url} answers for {name}"),
            None => format!("{cdn_url} answers"),
        };
        match check(cdn_url, cdn_probe.as_ref(), limit).await? {
            Passed::Both => context.ui.done(asked),
            Passed::OnlyGet { head } => {
                let head = match head {
                    Head::Answered(status) => format!("it refuses HEAD ({})", status.as_u16()),
                    Head::NoAnswer => "it does not answer HEAD".to_owned(),
                };
                context.ui.done(format!("{asked} to GET, which is what the subnet sends; {head}"));
            }
        }
        Ok(())
    };
    let reveal = Reveal::RepositoryAndCdn { repo: repo.clone(), cdn_url: cdn_url.clone() };
    let outcome = commitment::commit(context, options, reveal, checked).await?;
    let committed = matches!(outcome, Outcome::Committed(_));
    let printed = context.ui.result(&Report { success: true, repo, cdn_url: cdn_url.as_str(), outcome });
    printed.map_err(|error| if committed { error.after_commitment() } else { error })
}

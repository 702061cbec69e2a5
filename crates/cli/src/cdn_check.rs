//! The question to the CDN before its address is published: the options for it, and what is said of the answer.
//! How a CDN is asked is `delivery`'s business.

use std::time::Duration;

use clap::Args;
use gen404_delivery::{Head, Passed, ProbeName, check};
use gen404_round::CdnUrl;

use crate::context::Context;
use crate::errors::CommandError;

/// Options of the commands that publish an address.
#[derive(Debug, Clone, Args)]
pub(crate) struct CdnCheck {
    /// Ask the CDN for `<cdn-url>/<NAME>` instead of the bare address: any file that is already uploaded
    #[arg(long, value_name = "NAME", conflicts_with = "skip", requires = "cdn_url")]
    cdn_probe: Option<ProbeName>,
    /// Commit without asking the CDN
    #[arg(long = "skip-cdn-check")]
    skip: bool,
    /// Maximum seconds for the CDN's answer, waiting as it asks included
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    cdn_timeout: u32,
}

impl CdnCheck {
    /// Asks the CDN, unless that is not wanted.
    pub(crate) async fn ask(&self, context: &Context, cdn_url: &CdnUrl) -> Result<(), CommandError> {
        if self.skip {
            context.ui.warning(format!("{cdn_url} is not checked"));
            return Ok(());
        }
        let limit = Duration::from_secs(self.cdn_timeout.into());
        let asked = match &self.cdn_probe {
            Some(name) => format!("{cdn_url} answers for {name}"),
            None => format!("{cdn_url} answers"),
        };
        match check(cdn_url, self.cdn_probe.as_ref(), limit).await? {
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
    }
}

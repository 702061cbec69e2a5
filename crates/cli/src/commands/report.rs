//! `404-cli report`.

mod prompt_pictures;

use std::path::{Path, PathBuf};

use clap::Args;
use gen404_outside::pictures::{FetchLimits, Fetcher};
use gen404_report::{Request, Written};
use serde::Serialize;

use crate::context::Context;
use crate::errors::CommandError;

/// Make the HTML report of a judged match again
///
/// One page that needs no network: the match result, every duel with both sides' pictures, and what each stage said.
/// `judge` makes it too. Large pictures are linked where they are; --embed puts them inside, for a file to send.
/// Prompt pictures that are on the network are fetched once into DIR/prompts.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder of the results, as `judge --output-dir` wrote it
    #[arg(value_name = "DIR", default_value = "judge-results")]
    dir: PathBuf,
    /// Put the pictures into the page
    #[arg(long)]
    embed: bool,
    /// Where the page goes [default: DIR/report.html]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Pictures of the left side, when they were moved since
    #[arg(long, value_name = "DIR")]
    image_dir_1: Option<PathBuf>,
    /// Pictures of the right side, when they were moved since
    #[arg(long, value_name = "DIR")]
    image_dir_2: Option<PathBuf>,
    /// Prompt pictures by stem [default: DIR/prompts]
    #[arg(long, value_name = "DIR")]
    prompts_dir: Option<PathBuf>,
    /// Fetch no prompt pictures
    #[arg(long)]
    offline: bool,
}

#[derive(Serialize)]
struct Made<'a> {
    success: bool,
    report: &'a Path,
    duels: usize,
    bytes: u64,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let request = Request {
        results: arguments.dir,
        output: arguments.output,
        embed: arguments.embed,
        left: arguments.image_dir_1,
        right: arguments.image_dir_2,
        prompts: arguments.prompts_dir,
    };
    let fetcher = Fetcher::new(FetchLimits::default())?;
    let written = make(context, request, Some(&fetcher).filter(|_| !arguments.offline)).await?;
    context.ui.done(format!("the report is in {}", written.page.display()));
    context.ui.result(&Made { success: true, report: &written.page, duels: written.duels, bytes: written.bytes })
}

/// Makes the page of a judged match, with the prompt pictures that the fetcher can have; without one nothing is fetched.
pub(crate) async fn make(
    context: &Context,
    request: Request,
    fetcher: Option<&Fetcher>,
) -> Result<Written, CommandError> {
    if let Some(fetcher) = fetcher {
        let remote = gen404_report::remote_prompts(&request)?;
        let fetching = async {
            prompt_pictures::fetch(&context.ui, fetcher, &remote).await;
            Ok(())
        };
        context.until_interrupted(fetching).await?;
    }
    // decoding hundreds of pictures takes seconds, and must not hold up the interrupt
    let writing = tokio::task::spawn_blocking(move || gen404_report::write(&request));
    context.until_interrupted(async { writing.await.map_err(|_| CommandError::panicked())?.map_err(Into::into) }).await
}

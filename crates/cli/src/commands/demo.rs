//! `404-cli demo`.

mod miner;
mod repository;
mod workshop;

use std::path::{Path, PathBuf};

use clap::Args;
use gen404_renderer::server::RenderServer;
use gen404_sandbox::{Options, Sandbox};
use serde::Serialize;
use serde_json::Value;

use crate::arguments::StudioArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::render_service::{self, Proof};
use miner::Miner;
use workshop::Workshop;

/// Go through a whole round on this machine, as a miner would see it
///
/// Starts the sandbox inside this process and runs the commands of a round against it: commit, reveal, list, rent a machine,
/// generate, render, judge. Takes about a minute; needs no key, no TAO and no GPU. Without Chromium or three on this machine it
/// ends before rendering.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder for everything the demo makes; a new one among the temporary files when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    studio: StudioArguments,
}

/// What the demo ends with.
#[derive(Serialize)]
struct Outcome {
    success: bool,
    commit: String,
    revealed_block: Value,
    repo: &'static str,
    cdn_url: String,
    generated: PathBuf,
    /// Null without Chromium.
    report: Option<PathBuf>,
    dir: PathBuf,
}

const REPOSITORY: &str = "demo-miner/pipeline";

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let folder = folder(arguments.dir)?;
    context
        .ui
        .status("A whole round of subnet 17 against a sandbox on this machine. Lines with $ are what a miner types.");
    let renderer = render_service::start_if_possible(&context.ui, &arguments.studio, Proof::ReadyBrowser).await;
    let sandbox = Sandbox::start(Options {
        folder: Some(folder.join("sandbox")),
        renderer: renderer.as_ref().map(RenderServer::address),
        ..Options::default()
    })
    .await?;
    let miner = Miner::new(context, sandbox.directory());

    let (commit, revealed) = commit(context, &miner, &folder).await?;
    let cdn_url = sandbox.directory().cdn.clone();
    miner.chapter("Reveal where the code and the files are");
    miner.on_chain(&["commit-repo-cdn", "--repo", REPOSITORY, "--cdn-url", &cdn_url]).await?;
    miner.chapter("See what everybody has revealed");
    miner.command(&["list-all", "--subtensor.endpoint", &sandbox.directory().subtensor]).await?;

    let workshop = Workshop::new(context, &miner, &sandbox, &folder)?;
    let generated = workshop.generate().await?;
    let report = match renderer {
        Some(renderer) => {
            // The commands draw with browsers of their own; this one has shown that there can be some.
            renderer.stop().await;
            Some(workshop.judge(&arguments.studio).await?)
        }
        None => None,
    };
    context.ui.status("");
    if let Some(report) = &report {
        context.ui.done(format!("Open the report in a browser: {}", report.display()));
    }
    context.ui.result(&Outcome {
        success: true,
        commit,
        revealed_block: revealed["revealed_block"].clone(),
        repo: REPOSITORY,
        cdn_url,
        generated,
        report,
        dir: folder,
    })
}

fn folder(wanted: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    let made = match wanted {
        Some(folder) => std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize()),
        None => tempfile::Builder::new().prefix("404-demo-").tempdir().map(tempfile::TempDir::keep),
    };
    made.map_err(|error| CommandError::failed(format!("the demo has no folder to work in: {error}")))
}

/// Puts the commit of a scratch repository on chain and sees it revealed.
async fn commit(context: &Context, miner: &Miner<'_>, folder: &Path) -> Result<(String, Value), CommandError> {
    miner.chapter("Put the commit of the pipeline on chain; earlier is better");
    let commit = repository::scratch(&folder.join("pipeline"))?;
    context.ui.faint(format!("$ git rev-parse HEAD\n{commit}"));
    let revealed = miner.on_chain(&["commit-hash", "--hash", &commit]).await?;
    Ok((commit, revealed))
}

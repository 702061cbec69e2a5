//! `404-cli demo`.

mod miner;
mod repository;

use std::path::{Path, PathBuf};

use clap::Args;
use gen404_sandbox::{Options, Sandbox};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::errors::CommandError;
use miner::Miner;

/// Go through a whole round on this machine, as a miner would see it
///
/// Starts the sandbox inside this process and runs the commands of a round against it: commit, reveal, list.
/// Needs no key, no TAO and no GPU.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder for everything the demo makes; a new one among the temporary files when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What the demo ends with.
#[derive(Serialize)]
struct Outcome {
    success: bool,
    commit: String,
    revealed_block: Value,
    repo: &'static str,
    cdn_url: String,
    dir: PathBuf,
}

const REPOSITORY: &str = "demo-miner/pipeline";

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let folder = folder(arguments.dir)?;
    context
        .ui
        .status("A whole round of subnet 17 against a sandbox on this machine. Lines with $ are what a miner types.");
    let sandbox = Sandbox::start(Options { folder: Some(folder.join("sandbox")), ..Options::default() }).await?;
    let miner = Miner::new(context, sandbox.directory());

    let (commit, revealed) = commit(context, &miner, &folder).await?;
    let cdn_url = sandbox.directory().cdn.clone();
    miner.chapter("Reveal where the code and the files are");
    miner.on_chain(&["commit-repo-cdn", "--repo", REPOSITORY, "--cdn-url", &cdn_url]).await?;
    miner.chapter("See what everybody has revealed");
    miner.command(&["list-all", "--subtensor.endpoint", &sandbox.directory().subtensor]).await?;

    context.ui.result(&Outcome {
        success: true,
        commit,
        revealed_block: revealed["revealed_block"].clone(),
        repo: REPOSITORY,
        cdn_url,
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

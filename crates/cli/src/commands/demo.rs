//! `404-cli demo`.

mod miner;
mod repository;
mod workshop;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use gen404_renderer::server::RenderServer;
use gen404_sandbox::{Options, Sandbox, competition};
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
/// Starts the sandbox inside this process and plays a round of its competition: commit and reveal while the window is open, fetch
/// the prompts, rent a machine, generate, upload, verify, see who wins, and then render and judge to see why. Takes about a minute; needs no
/// key, no TAO and no GPU. Without Chromium or three on this machine it ends with the winner.
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
    hotkey: Value,
    commit: String,
    revealed_block: Value,
    repo: &'static str,
    cdn_url: String,
    generated: PathBuf,
    round: u64,
    /// A hotkey, or `leader`.
    winner: Value,
    /// Null without Chromium.
    report: Option<PathBuf>,
    dir: PathBuf,
}

const REPOSITORY: &str = "demo-miner/pipeline";

/// A window that no machine is too slow for: whatever is left of it passes at once. Prompts enough for a match, few enough for a
/// minute.
const RULES: competition::Options =
    competition::Options { window: 400, generation: 1_200, before: 0, prompts: 6, carryover: 2, win_margin: 0.07 };

/// Nothing that the sandbox does by itself takes nearly as long.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let folder = folder(arguments.dir)?;
    context
        .ui
        .status("A whole round of subnet 17 against a sandbox on this machine. Lines with $ are what a miner types.");
    let renderer = render_service::start_if_possible(&context.ui, &arguments.studio, Proof::ReadyBrowser).await;
    let sandbox = Sandbox::start(Options {
        folder: Some(folder.join("sandbox")),
        renderer: renderer.as_ref().map(RenderServer::address),
        competition: RULES,
        ..Options::default()
    })
    .await?;
    let miner = Miner::new(context, sandbox.directory());

    miner.chapter("Where does the competition stand?");
    let round = miner.joined(&["round"]).await?["round"].as_u64().unwrap_or_default();
    let (commit, revealed) = commit(context, &miner, &folder).await?;
    let cdn_url = format!("{}demo-miner", sandbox.directory().cdn);
    let published = sandbox.directory().cdn_dir.join("demo-miner");
    // A place that a CDN serves answers before there is a file in it.
    std::fs::create_dir_all(&published)
        .map_err(|error| CommandError::failed(format!("cannot make {}: {error}", published.display())))?;
    miner.chapter("Reveal where the code and the files are");
    miner.on_chain(&["commit-repo-cdn", "--repo", REPOSITORY, "--cdn-url", &cdn_url]).await?;
    miner.chapter("See who takes part");
    miner.joined(&["list-all", "--round", "current"]).await?;

    miner.chapter("The window closes (the sandbox lets the blocks until then pass at once)");
    sandbox.pass_to(sandbox.competition.progress().latest);
    within(context, sandbox.pass_until(|progress| progress.stage != "open")).await?;
    let workshop = Workshop::new(context, &miner, &sandbox, &folder);
    let generated = workshop.generate().await?;
    workshop.deliver(&generated, &published, &cdn_url).await?;

    miner.chapter("The deadline passes; the organisers fetch the files and play the matches");
    sandbox.pass_to(sandbox.competition.progress().deadline);
    within(context, sandbox.pass_until(|progress| progress.round > round)).await?;
    let standings = miner.state(&["round", "standings", "--round", &round.to_string()]).await?;
    let report = match renderer {
        Some(renderer) => {
            // The commands draw with browsers of their own; this one has shown that there can be some.
            renderer.stop().await;
            Some(workshop.judge(&arguments.studio, round).await?)
        }
        None => None,
    };
    context.ui.status("");
    if let Some(report) = &report {
        context.ui.done(format!("Open the report in a browser: {}", report.display()));
    }
    context.ui.result(&Outcome {
        success: true,
        hotkey: revealed["hotkey"].clone(),
        commit,
        revealed_block: revealed["revealed_block"].clone(),
        repo: REPOSITORY,
        cdn_url,
        generated,
        round,
        winner: standings["winner"].clone(),
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

/// Waits for the sandbox, until somebody interrupts.
async fn within<T>(context: &Context, passing: impl Future<Output = T>) -> Result<T, CommandError> {
    let passing = async {
        let passed = tokio::time::timeout(PATIENCE, passing).await;
        passed.map_err(|_| CommandError::failed("the sandbox's competition does not move"))
    };
    context.until_interrupted(passing).await
}

/// Puts the commit of a scratch repository on chain and sees it revealed.
async fn commit(context: &Context, miner: &Miner<'_>, folder: &Path) -> Result<(String, Value), CommandError> {
    miner.chapter("Put the commit of the pipeline on chain; earlier is better");
    let commit = repository::scratch(&folder.join("pipeline"))?;
    context.ui.faint(format!("$ git rev-parse HEAD\n{commit}"));
    let revealed = miner.on_chain(&["commit-hash", "--hash", &commit]).await?;
    Ok((commit, revealed))
}

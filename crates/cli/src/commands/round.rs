//! `404-cli round`.

mod fetched;
mod look;
pub(super) mod outputs;
mod prompts;
pub(crate) mod report;
mod screen;
mod standings;
mod watch;
mod which;

use std::pin::Pin;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::arguments::{OwnHotkey, State, Subtensor};
use crate::context::Context;
use crate::errors::CommandError;
use gen404_round::lock::Rho;
use look::{Blind, Looker};

/// Show where the competition stands: round, stage, deadlines, leader, and how you fare
///
/// Joins the competition's public state with the chain's newest block: what happens now, what a miner does now and until when.
/// With a hotkey (a name in a wallet, or just its address) also what it has revealed, its place in line, build, audits and
/// verdict. JSON on stdout, a screen for people on stderr. See docs/round.md.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// Go on looking: in place on a terminal, otherwise a line for every change
    #[arg(long)]
    watch: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    interval: u32,
    /// Command for the shell to run on every change, with the JSON on its stdin
    #[arg(long, value_name = "COMMAND", requires = "watch")]
    on_change: Option<String>,
    /// Lock that a coldkey needs on the subnet for each of its hotkeys in the round, in ρ
    #[arg(long, value_name = "RHO", default_value_t = Rho::whole(100))]
    required_lock: Rho,
    #[command(flatten)]
    own: OwnHotkey,
    #[command(flatten)]
    subtensor: Subtensor,
    #[command(flatten)]
    state: State,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Standings(standings::Arguments),
    Prompts(prompts::Arguments),
    Outputs(outputs::Arguments),
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    // Each joins two services in one future, which is large.
    let work: Pin<Box<dyn Future<Output = _>>> = match &arguments.action {
        Some(Action::Prompts(prompts)) => Box::pin(prompts::run(context, prompts)),
        Some(Action::Outputs(outputs)) => Box::pin(outputs::run(context, outputs)),
        Some(Action::Standings(standings)) => Box::pin(standings::run(context, standings)),
        None => Box::pin(show(context, arguments)),
    };
    context.until_interrupted(work).await
}

async fn show(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { watch, interval, on_change, required_lock, own, subtensor, state, action: _ } = arguments;
    let looker = Looker::new(&context.ui, state, subtensor, own, *required_lock)?;
    if *watch {
        let interval = Duration::from_secs((*interval).into());
        return watch::watch(context, &looker, interval, on_change.as_deref()).await;
    }
    let look = match looker.look().await {
        Ok(look) => look,
        Err(Blind { error, known: None }) => return Err(error),
        Err(Blind { error, known: Some(known) }) => {
            for line in screen::draw_state_only(&known, &jiff::tz::TimeZone::system()) {
                context.ui.status(line);
            }
            let known = serde_json::to_value(known).expect("plain data is JSON");
            return Err(error.with_field("without_chain", known));
        }
    };
    for warning in &look.warnings {
        context.ui.warning(warning);
    }
    for line in screen::draw(&look.report, &jiff::tz::TimeZone::system()) {
        context.ui.status(line);
    }
    context.ui.result(&look.report)
}

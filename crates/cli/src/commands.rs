//! The commands: a file each, holding its help text, its arguments and one function.
//! To add one: write its file, name it in [`Command`] and in [`run`].

mod commit_hash;
mod commit_repo_cdn;
mod completions;
mod demo;
mod doctor;
mod generate;
mod judge;
mod list_all;
mod man;
mod r#match;
mod pods;
mod rehearse;
mod render;
mod render_server;
mod report;
pub(crate) mod round;
mod sandbox;
mod start_generator;
mod start_judge;
mod start_renderer;
mod stop_pods;
mod upload;
mod validate;
mod verify;

use clap::{Parser, Subcommand};

use crate::arguments::Global;
use crate::context::Context;
use crate::errors::CommandError;

/// One tool for the whole round of the 404 subnet: commit, rent, generate, render, judge.
///
/// Results are JSON on stdout, everything else goes to stderr. Every option can also come from the environment or
/// from 404-cli.toml; `404-cli sandbox` and `404-cli demo` try everything out without TAO, key or GPU.
#[derive(Debug, Parser)]
#[command(
    name = "404-cli",
    version,
    long_version = crate::version::in_full(),
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Every command, in the order of `--help`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    CommitHash(commit_hash::Arguments),
    CommitRepoCdn(commit_repo_cdn::Arguments),
    ListAll(list_all::Arguments),
    Round(round::Arguments),
    StartGenerator(start_generator::Arguments),
    StartRenderer(start_renderer::Arguments),
    StartJudge(start_judge::Arguments),
    StopPods(stop_pods::Arguments),
    Pods(pods::Arguments),
    Generate(generate::Arguments),
    Validate(validate::Arguments),
    Upload(upload::Arguments),
    Verify(verify::Arguments),
    Render(render::Arguments),
    RenderServer(render_server::Arguments),
    Judge(judge::Arguments),
    Match(r#match::Arguments),
    Rehearse(Box<rehearse::Arguments>),
    Report(report::Arguments),
    Doctor(Box<doctor::Arguments>),
    Sandbox(sandbox::Arguments),
    Demo(demo::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Command {
    /// Whether it works without settings files, and so also with a broken one.
    pub(crate) fn needs_no_settings(&self) -> bool {
        matches!(self, Self::Completions(_) | Self::Man(_))
    }
}

/// Runs a command to its end.
pub(crate) async fn run(context: &Context, command: Command) -> Result<(), CommandError> {
    match command {
        // These join two services in one future, which is large; the other commands need not carry its room on their stack.
        Command::CommitHash(arguments) => Box::pin(commit_hash::run(context, &arguments)).await,
        Command::CommitRepoCdn(arguments) => Box::pin(commit_repo_cdn::run(context, &arguments)).await,
        Command::ListAll(arguments) => Box::pin(list_all::run(context, &arguments)).await,
        Command::Round(arguments) => round::run(context, &arguments).await,
        Command::Demo(arguments) => demo::run(context, arguments).await,
        Command::Generate(arguments) => generate::run(context, arguments).await,
        Command::Upload(arguments) => Box::pin(upload::run(context, arguments)).await,
        Command::Validate(arguments) => validate::run(context, arguments).await,
        // It joins three services.
        Command::Verify(arguments) => Box::pin(verify::run(context, &arguments)).await,
        Command::Report(arguments) => report::run(context, arguments).await,
        Command::Render(arguments) => render::run(context, arguments).await,
        Command::RenderServer(arguments) => render_server::run(context, arguments).await,
        // A match is large.
        Command::Judge(arguments) => Box::pin(judge::run(context, arguments)).await,
        Command::Match(arguments) => Box::pin(r#match::run(context, arguments)).await,
        Command::Rehearse(arguments) => Box::pin(rehearse::run(context, *arguments)).await,
        // It knows nearly all rooms.
        Command::Doctor(arguments) => Box::pin(doctor::run(context, &arguments)).await,
        Command::Sandbox(arguments) => sandbox::run(context, arguments).await,
        Command::StartGenerator(arguments) => start_generator::run(context, &arguments).await,
        Command::StartRenderer(arguments) => start_renderer::run(context, &arguments).await,
        Command::StartJudge(arguments) => start_judge::run(context, &arguments).await,
        Command::StopPods(arguments) => stop_pods::run(context, &arguments).await,
        Command::Pods(arguments) => pods::run(context, &arguments).await,
        Command::Completions(arguments) => completions::run(context, &arguments),
        Command::Man(arguments) => man::run(context, &arguments),
    }
}

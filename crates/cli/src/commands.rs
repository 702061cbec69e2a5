//! The commands: a file each, holding its help text, its arguments and one function.
//! To add one: write its file, name it in [`Command`] and in [`run`].

mod completions;
mod man;
mod sandbox;

use clap::Subcommand;

use crate::context::Context;
use crate::errors::CommandError;

/// Every command, in the order of `--help`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Sandbox(sandbox::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs a command to its end.
pub(crate) async fn run(context: &Context, command: Command) -> Result<(), CommandError> {
    match command {
        Command::Sandbox(arguments) => sandbox::run(context, arguments).await,
        Command::Completions(arguments) => completions::run(context, &arguments),
        Command::Man(arguments) => man::run(context, &arguments),
    }
}

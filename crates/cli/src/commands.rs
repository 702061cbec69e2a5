//! The commands: a file each, holding its help text, its arguments and one function.
//! To add one: write its file, name it in [`Command`] and in [`run`].

mod completions;
mod man;

use clap::Subcommand;

use crate::context::Context;
use crate::errors::CommandError;

/// Every command, in the order of `--help`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs a command to its end.
#[expect(clippy::unused_async, reason = "the first commands that wait are on their way")]
pub(crate) async fn run(context: &Context, command: Command) -> Result<(), CommandError> {
    match command {
        Command::Completions(arguments) => completions::run(context, &arguments),
        Command::Man(arguments) => man::run(context, &arguments),
    }
}

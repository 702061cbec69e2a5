//! `404-cli completions`.

use clap::Args;
use clap_complete::Shell;

use crate::context::Context;
use crate::errors::CommandError;
use crate::settings;

/// Print the completion script of a shell
///
/// For bash: 404-cli completions bash > ~/.local/share/bash-completion/completions/404-cli
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut settings::described_command(), "404-cli", &mut script);
    let script = String::from_utf8_lossy(&script);
    // The generator spells the dash of our name in two ways, so that no subcommand's options would be found.
    context.ui.document(&script.replace("404__subcmd__cli", "404__cli"))
}

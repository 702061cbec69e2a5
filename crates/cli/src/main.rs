//! `404-cli`, the one tool of a miner of the 404 subnet.
//!
//! This file is the way of a command from the door to its exit code: arguments and settings are resolved once, the
//! command runs with a [`Context`], and whatever it answers becomes one JSON object and one exit code.

mod arguments;
mod cdn_check;
mod chain_status;
mod commands;
mod commitment;
mod competition;
mod context;
mod entrants;
mod errors;
mod folders;
mod hotkey;
mod interrupt;
mod locks;
mod logging;
mod on_change;
mod prompts_file;
mod render_service;
mod round_check;
mod settings;
mod shares;
mod targon;
mod text;
mod ui;
mod verification;
mod version;
mod waiting;
mod when;

use std::process::ExitCode;

use crate::context::Context;
use crate::errors::CommandError;
use crate::ui::Ui;

fn main() -> ExitCode {
    let (arguments, ui) = match settings::arguments_of_this_process() {
        Ok(settings::Resolved { arguments, warnings }) => {
            let ui = Ui::new(&arguments.global);
            for warning in &warnings {
                ui.warning(warning);
            }
            (arguments, ui)
        }
        Err(settings::Refused::ByClap(error)) => return ui::usage_error(error),
        Err(settings::Refused::BySettings(error)) => return Ui::plain().failure(&error),
    };
    logging::start(&arguments.global, &ui);
    errors::install_panic_hook();
    match run(arguments.command, &ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ui.failure(&error),
    }
}

fn run(command: commands::Command, ui: &Ui) -> Result<(), CommandError> {
    // Both rings of TLS users (HTTP clients and the chain's websocket) take the process-wide provider.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::runtime(&error))?;
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let context = Context::new(ui.clone())?;
            commands::run(&context, command).await
        })
    }));
    // A blocking read (a password prompt, say) must not hold up the exit.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|_| Err(CommandError::panicked()))
}

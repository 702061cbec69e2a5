//! Somebody at a keyboard: types command lines, sees their output, and goes on with what they answered.
//! Runs the real commands in this process; knows nothing of what they do.

use gen404_sandbox::Directory;
use serde_json::Value;

use crate::commands;
use crate::context::Context;
use crate::errors::CommandError;
use crate::settings;

/// The demo's miner.
pub(super) struct Miner<'a> {
    context: &'a Context,
    directory: &'a Directory,
}

impl<'a> Miner<'a> {
    pub(super) fn new(context: &'a Context, directory: &'a Directory) -> Self {
        Self { context, directory }
    }

    /// Says what comes next.
    pub(super) fn chapter(&self, title: &str) {
        self.context.ui.status("");
        self.context.ui.done(title);
    }

    /// Runs a command that needs the competition's state. Returns its result.
    pub(super) async fn state(&self, line: &[&str]) -> Result<Value, CommandError> {
        self.command(&[line, &["--state-url", &self.directory.state]].concat()).await
    }

    /// Runs a command that joins state and chain. Returns its result.
    pub(super) async fn joined(&self, line: &[&str]) -> Result<Value, CommandError> {
        self.state(&[line, &["--subtensor.endpoint", &self.directory.subtensor]].concat()).await
    }

    /// Runs a command that needs wallet, chain and state. Returns its result.
    pub(super) async fn on_chain(&self, line: &[&str]) -> Result<Value, CommandError> {
        let wallet_path = self.directory.wallet_path.to_string_lossy();
        let wallet =
            ["--wallet.path", &wallet_path, "--wallet.name", &self.directory.wallet_name, "--wallet.hotkey", "default"];
        self.joined(&[line, &wallet].concat()).await
    }

    /// Runs a command as it would be typed. Returns its (last) result.
    pub(super) async fn command(&self, line: &[&str]) -> Result<Value, CommandError> {
        let ui = self.context.ui.rehearsing();
        ui.faint(format!("$ 404-cli {}", line.join(" ")));
        let arguments = settings::arguments_without_settings(&[&["404-cli"], line].concat())
            .map_err(|error| CommandError::failed(format!("the demo's own command line is wrong: {error}")))?;
        let context = Context { ui: ui.clone(), interrupt: self.context.interrupt.clone() };
        // The demo is a command itself, so the future would contain itself without the box.
        Box::pin(commands::run(&context, arguments.command)).await?;
        let printed = ui.rehearsed();
        Ok(printed.lines().next_back().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default())
    }
}

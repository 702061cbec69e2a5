//! The user's command that is run on every change, with the JSON on its stdin. Whatever comes of it, watching goes on.
//! Knows nothing of what has changed.

use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncWriteExt;

use crate::ui::Ui;

/// A command that takes longer is stopped: the next change waits for it.
const COMMAND_LIMIT: Duration = Duration::from_mins(1);

/// Runs the command to its end, or to its limit.
pub(crate) async fn run(ui: &Ui, command: &str, line: &impl Serialize) {
    match tokio::time::timeout(COMMAND_LIMIT, fed(command, line)).await {
        Ok(Ok(status)) if status.success() => {}
        Ok(Ok(status)) => ui.warning(format!("the command of --on-change ended with {status}")),
        Ok(Err(error)) => ui.warning(format!("the command of --on-change cannot run: {error}")),
        Err(_) => ui.warning(format!("the command of --on-change was stopped after {} s", COMMAND_LIMIT.as_secs())),
    }
}

/// The command with the JSON on its stdin. What it prints goes to stderr: stdout is for results.
async fn fed(command: &str, line: &impl Serialize) -> std::io::Result<std::process::ExitStatus> {
    let json = serde_json::to_vec(line)?;
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::from(std::io::stderr().as_fd().try_clone_to_owned()?))
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take();
    let feeding = async {
        if let Some(stdin) = &mut stdin {
            // A command may end without having read anything.
            let _gone = stdin.write_all(&json).await;
        }
        stdin = None;
    };
    feeding.await;
    child.wait().await
}

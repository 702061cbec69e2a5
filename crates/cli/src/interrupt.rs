//! Ctrl-C and SIGTERM as a value that commands can wait for.
//! The first signal asks politely (what was bought is given back); the second one ends the process at once.

use tokio_util::sync::CancellationToken;

use crate::errors::{Blame, CommandError, exit_code};

/// Tells whether the user wants the command to end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(CancellationToken);

impl Interrupt {
    /// Starts listening for SIGINT and SIGTERM.
    pub(crate) fn listen() -> Result<Self, CommandError> {
        use tokio::signal::unix::{SignalKind, signal};
        let token = CancellationToken::new();
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| CommandError::runtime(&error))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| CommandError::runtime(&error))?;
        let asked = token.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => (),
                    _ = terminate.recv() => (),
                }
                if asked.is_cancelled() {
                    std::process::exit(i32::from(exit_code(Blame::Interruption)));
                }
                asked.cancel();
            }
        });
        Ok(Self(token))
    }

    /// Waits until the user asks for the end.
    pub(crate) async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// The token, for libraries that stop by themselves.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.0
    }
}

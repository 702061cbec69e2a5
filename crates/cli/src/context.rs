//! What a command gets besides its arguments: the printer and the user's wish to stop.
//! Composition only; no domain logic.

use std::future::Future;

use crate::errors::CommandError;
use crate::interrupt::Interrupt;
use crate::ui::Ui;

/// The surroundings of a running command.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) ui: Ui,
    pub(crate) interrupt: Interrupt,
}

impl Context {
    pub(crate) fn new(ui: Ui) -> Result<Self, CommandError> {
        Ok(Self { ui, interrupt: Interrupt::listen()? })
    }

    /// Runs the work until it ends or the user interrupts; the work is dropped where it waits then.
    ///
    /// For commands that hold nothing which must be given back. The others watch `interrupt` themselves.
    pub(crate) async fn until_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, CommandError>>,
    ) -> Result<T, CommandError> {
        tokio::select! {
            biased;
            () = self.interrupt.requested() => Err(CommandError::interrupted()),
            outcome = work => outcome,
        }
    }
}

//! Whoever has to wait for somebody else is told for whom, again and again while it lasts.
//! What the work is, and how long it may take, is decided where it is done.

use std::future::Future;
use std::time::Duration;

use crate::ui::Ui;

/// Nobody wonders before, and nobody wants to read it more often.
const EVERY: Duration = Duration::from_secs(5);

/// Does the work, and says every some seconds what it waits for, when `what` knows.
pub(crate) async fn telling<T>(ui: &Ui, what: impl Fn() -> Option<String>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut seconds = 0;
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(EVERY) => {}
        }
        seconds += EVERY.as_secs();
        if let Some(what) = what() {
            ui.status(format!("waiting for {what} ({seconds} s so far)"));
        }
    }
}

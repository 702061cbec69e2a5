//! A browser with its page, and how a module's stay in it ends: used again when all went in order, else ended.
//! What a module does there is not said here.

use tokio::time::timeout;

use super::{BOOT_LIMIT, DrawError, LEAVE_LIMIT, Studio};
use crate::chromium::{Browser, ChromiumError, Tab};

/// A browser with its page.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) browser: Browser,
    pub(super) tab: Tab,
    /// Whether a module has been in it.
    pub(super) has_history: bool,
}

/// How a module's stay in a browser ended.
pub(super) enum Attempt<T> {
    /// In order, whatever came out; the browser can be used again.
    Done(Result<T, DrawError>),
    /// There was not enough memory.
    Starved(DrawError),
    /// The browser must not be used again: something in it may still be running.
    Spoilt(DrawError),
}

/// A browser at work. Unless it is taken back in order, it ends: something in it may still be running.
pub(super) struct Occupied<'a> {
    pub(super) studio: &'a Studio,
    pub(super) seat: Option<Seat>,
}

impl Occupied<'_> {
    pub(super) fn seat(&self) -> &Seat {
        self.seat.as_ref().expect("it is taken out only at the end")
    }

    pub(super) async fn enter(&self) -> Result<(), ChromiumError> {
        let Seat { browser, tab, .. } = self.seat();
        let late = ChromiumError::Unresponsive { what: "make a realm for a module", limit: BOOT_LIMIT };
        timeout(BOOT_LIMIT, tab.enter(browser)).await.map_err(|_| late)?
    }

    /// Gives the browser back when it can be used again; else it ends.
    pub(super) async fn finish<T>(mut self, attempt: Attempt<T>) -> Result<T, DrawError> {
        match attempt {
            Attempt::Done(outcome) => {
                let Seat { browser, tab, .. } = self.seat();
                if matches!(timeout(LEAVE_LIMIT, tab.leave(browser)).await, Ok(Ok(()))) {
                    let seat = self.seat.take().map(|seat| Seat { has_history: true, ..seat });
                    self.studio.lock_idle().extend(seat);
                }
                outcome
            }
            Attempt::Starved(error) | Attempt::Spoilt(error) => Err(error),
        }
    }
}

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        // Without a runtime nobody can wait for it; it goes by itself when its pipe closes.
        if let (Some(seat), Ok(runtime)) = (self.seat.take(), tokio::runtime::Handle::try_current()) {
            self.studio.farewells.spawn_on(seat.browser.close(), &runtime);
        }
    }
}

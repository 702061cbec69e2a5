//! Stderr with bars at its lower edge: lines are printed above them.
//! Knows bytes and bars, not what they mean.

use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressDrawTarget};

/// Stderr of this process.
#[derive(Debug)]
pub(super) struct Terminal {
    bars: Option<MultiProgress>,
}

impl Terminal {
    /// `interactive`: whether bars can be drawn.
    pub(super) fn new(interactive: bool) -> Self {
        let bars = interactive.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)));
        Self { bars }
    }

    pub(super) fn bars(&self) -> Option<&MultiProgress> {
        self.bars.as_ref()
    }

    /// Prints one line above the bars.
    pub(super) fn line(&self, text: &str) {
        self.suspended(|| {
            let mut stderr = io::stderr().lock();
            // A closed stderr must not end the work.
            let _closed = stderr.write_all(text.as_bytes()).and_then(|()| stderr.write_all(b"\n"));
        });
    }

    /// Does something with the bars out of the way.
    pub(super) fn suspended<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(work),
            None => work(),
        }
    }
}

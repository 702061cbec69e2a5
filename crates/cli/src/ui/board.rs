//! Lines that stay at the lower edge of the terminal and are drawn again in place.
//! Knows lines, not what they mean.

use indicatif::{ProgressBar, ProgressStyle};

use super::Ui;
use crate::text::harmless;

/// Lines in place; the last ones stay when it is dropped.
#[derive(Debug)]
pub(crate) struct Board(ProgressBar);

impl Board {
    /// `None` where nothing can be drawn in place.
    pub(super) fn start(ui: &Ui) -> Option<Self> {
        let bar = ui.terminal.bars()?.add(ProgressBar::new_spinner());
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is well-formed"));
        Some(Self(bar))
    }

    /// Draws the lines in place of those before.
    pub(crate) fn show(&self, lines: &[String]) {
        let lines: Vec<_> = lines.iter().map(|line| harmless(line).replace('\n', " ")).collect();
        self.0.set_message(lines.join("\n"));
        self.0.tick();
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

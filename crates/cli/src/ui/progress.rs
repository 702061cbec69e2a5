//! How far something has come: a bar on a terminal, else one plain line when a tenth more is done.
//! Commands feed it from the events of the libraries; it knows nothing of what is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Ui;
use crate::text::harmless;

/// A running display of progress; it disappears when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    ui: Ui,
    what: String,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    /// Last tenth for which a plain line was printed.
    tenth: AtomicU64,
}

impl Progress {
    pub(super) fn start(ui: &Ui, total: Option<u64>, what: &str) -> Self {
        let what = harmless(what).into_owned();
        let bar = ui.terminal.bars().map(|bars| {
            let bar = bars.add(total.map_or_else(ProgressBar::new_spinner, ProgressBar::new));
            let template = match total {
                Some(_) => "{prefix} [{bar:28}] {pos}/{len} {elapsed} {msg}",
                None => "{spinner} {prefix} {elapsed} {msg}",
            };
            let style = ProgressStyle::with_template(template).expect("the templates above are well-formed");
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_prefix(what.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        if bar.is_none() {
            ui.status(format!("{what} …"));
        }
        Self { ui: ui.clone(), what, total, bar, tenth: AtomicU64::new(0) }
    }

    /// `position` of the total is done; `message` is what is going on right now.
    pub(crate) fn update(&self, position: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(harmless(message).into_owned());
        } else if let Some(total) = self.total.filter(|total| *total > 0) {
            let tenth = position.saturating_mul(10) / total;
            if self.tenth.fetch_max(tenth, Ordering::Relaxed) < tenth {
                self.ui.status(format!("{}: {position}/{total} {message}", self.what));
            }
        }
    }

    /// What is going on right now, when nothing can be counted.
    ///
    /// Without a terminal each different message is worth a line; do not put running clocks into it.
    pub(crate) fn message(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(harmless(message).into_owned()),
            None => self.ui.status(format!("{}: {message}", self.what)),
        }
    }

    /// Whether a bar is drawn (then running clocks and rates are welcome in messages).
    pub(crate) fn is_live(&self) -> bool {
        self.bar.is_some()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

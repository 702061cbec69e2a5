//! What a person sees of `generate` while it runs: events of the client as lines and a bar.
//! It knows words only; nothing is decided here.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gen404_generator::{Event, Waiting};
use gen404_outside::observer::Observer;

use crate::context::Context;
use crate::errors::sentence;
use crate::ui::{Progress, Ui};

/// Shows a run.
pub(in crate::commands) struct Display {
    ui: Ui,
    progress: Progress,
    batch: Mutex<Batch>,
    begin: Instant,
}

/// The batch that is being made.
#[derive(Debug, Clone, Copy, Default)]
struct Batch {
    number: usize,
    of: usize,
    /// Prompts that were made when this run began, to tell its own speed.
    made_before: Option<usize>,
    /// Prompts made so far.
    made: usize,
}

impl Display {
    pub(in crate::commands) fn new(context: &Context, prompts: usize) -> Self {
        Self {
            ui: context.ui.clone(),
            progress: context.ui.progress(Some(prompts as u64), "generating"),
            batch: Mutex::default(),
            begin: Instant::now(),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Batch)) -> Batch {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut batch);
        *batch
    }

    fn found(&self, kept: usize, replaced: usize) {
        self.change(|batch| (batch.made_before, batch.made) = (Some(kept), kept));
        if kept > 0 {
            self.ui.status(format!("{kept} finished files are kept"));
        }
        if replaced > 0 {
            self.ui.warning(format!("{replaced} files there are not of this request, unchanged; they will be replaced when the new ones come"));
        }
    }

    fn progressed(&self, made: usize, time_left: Option<Duration>) {
        let batch = self.change(|batch| batch.made = made);
        let mut message = format!("batch {}/{}", batch.number, batch.of);
        if self.progress.is_live() {
            let new = made.saturating_sub(batch.made_before.unwrap_or(0));
            let minutes = self.begin.elapsed().as_secs_f64() / 60.0;
            #[expect(clippy::cast_precision_loss, reason = "prompts of a round")]
            let rate = new as f64 / minutes.max(1e-3);
            message = format!("{message} · {rate:.1}/min");
        }
        if let Some(left) = time_left.filter(|left| self.progress.is_live() && !left.is_zero()) {
            message = format!("{message} · {} left", rounded(left));
        }
        self.progress.update(made as u64, &message);
    }
}

/// A time as people say it.
fn rounded(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..90 => format!("{} s", seconds.max(1)),
        seconds @ 90..5400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

impl Observer<Event<'_>> for Display {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Found { kept, replaced } => self.found(kept, replaced),
            Event::Waiting(waiting) => self.ui.status(match waiting {
                Waiting::Start => "the generator does not answer yet, waiting",
                Waiting::WarmUp => "the generator is warming up, waiting",
                Waiting::OtherBatch => "the generator is making another batch, waiting for its end",
            }),
            Event::BatchBegins { number, of, prompts, resumed } => {
                self.change(|batch| (batch.number, batch.of) = (number, of));
                let how = if resumed { "taken up again" } else { "sent" };
                let prompts = if prompts == 1 { "1 prompt".to_owned() } else { format!("{prompts} prompts") };
                self.ui.status(format!("batch {number} of {of}: {prompts} {how}"));
            }
            Event::SentDifferently => self.ui.status(
                "the generator still holds results for just these stems, not of this request: sending them in another grouping so that they are made anew",
            ),
            Event::Progress { made, time_left, .. } => self.progressed(made, time_left),
            Event::TakenWithoutAnswer { error } => self.ui.status(format!(
                "the answer to the batch did not come ({}), but the generator is making it",
                sentence(error)
            )),
            Event::BatchMade { number, time } => self.ui.faint(format!("batch {number} made in {:.0} s", time.as_secs_f64())),
            Event::Refused { stem, reason } => {
                self.ui.warning(format!("{stem}: the generator does not take this prompt, going on without it: {reason}"));
            }
            Event::Downloading { bytes } => {
                if self.progress.is_live() {
                    let made = self.change(|_| ()).made;
                    self.progress.update(made as u64, &format!("downloading, {} KiB", bytes >> 10));
                }
            }
            Event::Saved { stem, bytes } => tracing::info!(%stem, bytes, "saved"),
            Event::Failed { stem, reason } => self.ui.warning(format!("{stem}: the generator could not make it: {reason}")),
            Event::Rejected(finding) => self.ui.warning(format!("not taken from the results: {finding}")),
            Event::Retrying { call, error, wait } => {
                self.ui.status(format!("{call} failed, again in {:.1} s: {}", wait.as_secs_f64(), sentence(error)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_as_people_say_them() {
        let said = [0, 1, 89, 90, 3000, 7260].map(|seconds| rounded(Duration::from_secs(seconds)));
        assert_eq!(said, ["1 s", "1 s", "89 s", "2 min", "50 min", "2 h 1 min"]);
    }
}

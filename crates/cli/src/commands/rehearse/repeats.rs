//! One repeat of an audit: the generator's part, watched and written down so that a rerun goes on where it stopped.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gen404_generator::{BatchError, Endpoint, Event, Request, Summary};
use gen404_outside::observer::Observer;
use gen404_round::Stem;
use gen404_round::audit::Repeat;
use jiff::Timestamp;

use super::journal::Journal;
use crate::commands::generate::Display;
use crate::context::Context;
use crate::errors::CommandError;

/// The folder of a repeat's modules.
pub(super) fn folder(repeat: u32) -> String {
    format!("generated_{repeat}")
}

/// How a repeat ended.
pub(super) enum Ended {
    /// The generator answered, and never got ready.
    NeverReady,
    /// It asks for a new machine, or has crashed; nothing of the repeat is lost.
    Gone {
        /// What it said, or what happened.
        why: CommandError,
    },
    /// Everything was asked for.
    Made {
        repeat: Repeat,
        /// Whether its time is what it took, and not more than that.
        exact: bool,
    },
}

/// A generator at work for an audit.
pub(super) struct Rehearsal<'a> {
    pub(super) context: &'a Context,
    /// Of all repeats; each has a folder of its own below the output folder.
    pub(super) request: &'a Request,
    pub(super) journal: &'a Journal,
}

impl Rehearsal<'_> {
    /// Makes a repeat, or what is left of it.
    pub(super) async fn repeat(
        &self,
        number: u32,
        endpoint: &Endpoint,
        replacements: u32,
    ) -> Result<Ended, CommandError> {
        let before = self.journal.progress(number);
        let mut request = Request { endpoint: endpoint.clone(), replacements, ..self.request.clone() };
        request.prompts.retain(|prompt| !before.failed.contains_key(&prompt.stem));
        request.output_folder = self.request.output_folder.join(folder(number));
        let display = Display::new(self.context, request.prompts.len());
        let watch = Watch { display: &display, journal: self.journal, repeat: number, batch: Mutex::default() };
        let making = async { Ok(gen404_generator::generate(&request, &watch).await?) };
        let summary = self.context.until_interrupted(making).await.map_err(kept)?;
        self.journal.intact()?;
        self.conclude(number, &summary)
    }

    /// A repeat that an earlier run has brought to its end.
    pub(super) fn ended(&self, number: u32) -> Option<Ended> {
        let before = self.journal.progress(number);
        before.ended.map(|repeat| Ended::Made { repeat, exact: !before.inexact })
    }

    /// Ends a repeat whose generator is gone for good: what it has not made has failed.
    pub(super) fn give_up(&self, number: u32) -> Result<Ended, CommandError> {
        let folder = self.request.output_folder.join(folder(number));
        let is_made = |stem: &Stem| folder.join(format!("{stem}.js")).is_file();
        let made = self.request.prompts.iter().filter(|prompt| is_made(&prompt.stem)).count();
        self.end(number, made, None)
    }

    fn conclude(&self, number: u32, summary: &Summary) -> Result<Ended, CommandError> {
        let timed_out = match &summary.stopped_by {
            None => false,
            // The subnet's watchdog: the rest of the repeat is lost, and there is no time of the whole.
            Some(BatchError::Endless { .. }) => true,
            // It was there and warmed up for ever. One that nobody can reach is a mistake of this machine, and no verdict.
            Some(BatchError::NotReady { source: None, .. }) => return Ok(Ended::NeverReady),
            Some(error @ (BatchError::Replace { .. } | BatchError::Crashed { .. } | BatchError::Forgotten { .. })) => {
                return Ok(Ended::Gone { why: kept(CommandError::from(error)) });
            }
            Some(error) => return Err(kept(CommandError::from(error))),
        };
        let progress = self.journal.progress(number);
        let made: BTreeSet<&Stem> = summary.kept.union(&summary.generated).collect();
        self.end(number, made.len(), (!timed_out).then_some(progress.seconds))
    }

    fn end(&self, number: u32, made: usize, generation_time: Option<f64>) -> Result<Ended, CommandError> {
        let exact = !self.journal.progress(number).inexact;
        let failed_prompts = self.request.prompts.len() - made;
        let repeat = Repeat { repeat_index: number, generated_prompts: made, failed_prompts, generation_time };
        self.journal.ended(repeat.clone(), exact);
        self.journal.intact()?;
        Ok(Ended::Made { repeat, exact })
    }
}

fn kept(error: CommandError) -> CommandError {
    error.with_hint("what is made is kept; run the same command again to go on")
}

/// Writes down what decides a verdict, and passes everything on to the eyes.
struct Watch<'a> {
    display: &'a Display,
    journal: &'a Journal,
    repeat: u32,
    batch: Mutex<Batch>,
}

/// The batch that is being made, as far as its time goes.
#[derive(Debug, Clone, Copy, Default)]
enum Batch {
    /// Sent by this run.
    #[default]
    Own,
    /// Sent by an earlier run, at this time.
    Since(Timestamp),
    /// Its time is written down already: only its modules had not come.
    Counted,
}

impl Watch<'_> {
    fn batch(&self) -> std::sync::MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self, time: Duration) {
        match *self.batch() {
            Batch::Own => self.journal.made(self.repeat, time.as_secs_f64(), true),
            // Nobody saw its end: it took this long at most.
            Batch::Since(sent) => {
                let seconds = Timestamp::now().duration_since(sent).as_secs_f64().max(time.as_secs_f64());
                self.journal.made(self.repeat, seconds, false);
            }
            Batch::Counted => {}
        }
    }
}

impl Observer<Event<'_>> for Watch<'_> {
    fn on(&self, event: Event<'_>) {
        match &event {
            Event::BatchBegins { resumed: false, .. } => {
                *self.batch() = Batch::Own;
                self.journal.sent(self.repeat);
            }
            Event::BatchBegins { resumed: true, .. } => {
                *self.batch() = self.journal.progress(self.repeat).sent.map_or(Batch::Counted, Batch::Since);
            }
            Event::BatchMade { time, .. } => self.made(*time),
            Event::Failed { stem, reason } => self.journal.failed(self.repeat, stem, reason),
            _ => {}
        }
        self.display.on(event);
    }
}

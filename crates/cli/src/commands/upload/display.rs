//! A delivery as somebody watches it: what is asked where, how far it is, how fast it goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gen404_outside::observer::Observer;
use gen404_storage::{Credentials, Delivered, Delivery, Endpoint, Event, Location, Module, Outcome};

use crate::errors::sentence;
use crate::ui::{Progress, Ui};

pub(super) struct Display {
    ui: Ui,
    progress: Progress,
    begin: Instant,
    total: u64,
    done: AtomicU64,
    /// Bytes that were written.
    written: AtomicU64,
}

impl Display {
    pub(super) fn new(ui: &Ui, modules: &[Module], dry_run: bool) -> Self {
        let total = modules.len() as u64;
        let what = if dry_run { "looking" } else { "delivering" };
        Self {
            ui: ui.clone(),
            progress: ui.progress(Some(total), what),
            begin: Instant::now(),
            total,
            done: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }

    /// Where it goes, and with whose keys.
    pub(super) fn begins(&self, location: &Location, endpoint: &Endpoint, credentials: &Credentials) {
        let (service, origin) = (endpoint.shown(), &credentials.origin);
        self.ui.status(format!("to {location} at {service}, with the keys of {origin}"));
    }

    fn delivered(&self, one: &Delivered) {
        let is_written = matches!(one.delivery, Delivery::Done(Outcome::Uploaded | Outcome::Replaced));
        let written = if is_written { one.bytes } else { 0 };
        let written = self.written.fetch_add(written, Ordering::Relaxed) + written;
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let message = if self.progress.is_live() { self.pace(done, written) } else { String::new() };
        self.progress.update(done, &message);
    }

    /// `38.2/s · 1.1 MiB · 3 s left`.
    fn pace(&self, done: u64, written: u64) -> String {
        let seconds = self.begin.elapsed().as_secs_f64().max(1e-3);
        #[expect(clippy::cast_precision_loss, reason = "modules of a round")]
        let (rate, mebibytes) = (done as f64 / seconds, written as f64 / f64::from(1 << 20));
        #[expect(clippy::cast_precision_loss, reason = "modules of a round")]
        let left = self.total.saturating_sub(done) as f64 / rate;
        let left = Duration::try_from_secs_f64(left).unwrap_or_default();
        format!("{rate:.1}/s · {mebibytes:.1} MiB · {} s left", left.as_secs() + 1)
    }

    /// The counts, when it is over.
    pub(super) fn finish(&self, delivered: &[Delivered]) {
        let count = |outcome| delivered.iter().filter(|one| one.delivery == Delivery::Done(outcome)).count();
        let (uploaded, replaced) = (count(Outcome::Uploaded), count(Outcome::Replaced));
        let unchanged = count(Outcome::Unchanged);
        let seen = delivered.iter().filter(|one| matches!(one.delivery, Delivery::Seen(_))).count();
        if seen > 0 {
            self.ui.status(format!("{seen} looked at, nothing written"));
        } else if !delivered.is_empty() {
            let seconds = self.begin.elapsed().as_secs_f64();
            let text = format!(
                "{uploaded} new, {replaced} replaced, {unchanged} there already and untouched, in {seconds:.1} s"
            );
            self.ui.done(text);
        }
    }
}

impl Observer<Event<'_>> for Display {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::KeysWork => self.ui.detail(|| "the keys may write and delete".to_owned()),
            Event::ProbeLeft { key, error } => {
                self.ui.warning(format!("{key}, which was written to try the keys, stays there: {}", sentence(error)));
            }
            Event::Delivered(one) => self.delivered(one),
            Event::Retrying { key, error, pause } => {
                self.ui.status(format!("{key}: again in {:.1} s: {}", pause.as_secs_f64(), sentence(error)));
            }
        }
    }
}

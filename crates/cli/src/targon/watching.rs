//! What happens to pods, as words for the user: one display while waiting, one line for everything else.
//! Decides nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gen404_outside::http::pause_in_words;
use gen404_outside::observer::Observer;
use gen404_outside::time::in_words;
use gen404_targon::{PodEvent, TargonError, Usd, price_in_words};

use crate::errors::sentence;
use crate::ui::{Progress, Ui};

/// Without a terminal, a line at least this often while waiting.
const EVERY: Duration = Duration::from_mins(1);

/// Shows what happens.
pub(crate) struct Watching {
    ui: Ui,
    name: String,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    progress: Option<Progress>,
    /// What was last said, and when.
    said: Option<(String, Duration)>,
}

impl Watching {
    pub(crate) fn new(ui: &Ui, name: &str) -> Self {
        Self { ui: ui.clone(), name: name.to_owned(), waiting: Mutex::default() }
    }

    fn waiting(&self, news: String, elapsed: Duration, spent: Option<Usd>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let progress =
            waiting.progress.get_or_insert_with(|| self.ui.progress(None, &format!("waiting for {}", self.name)));
        let spent = spent.map_or_else(String::new, |spent| format!(", {spent} spent"));
        let line = format!("{news} ({}{spent})", in_words(elapsed));
        if progress.is_live() {
            progress.message(&line);
            return;
        }
        let due = match &waiting.said {
            Some((said, when)) => *said != news || elapsed.saturating_sub(*when) >= EVERY,
            None => true,
        };
        if due {
            self.ui.status(format!("{}: {line}", self.name));
            waiting.said = Some((news, elapsed));
        }
    }

    fn end_of_waiting(&self) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Waiting::default();
    }
}

/// Why nothing happens for a while.
fn pausing(pause: Duration, error: &TargonError) -> String {
    let pause = pause_in_words(pause);
    match error {
        TargonError::RateLimited { retry_after: Some(_), .. } => {
            format!("targon asks to wait {pause} (429); asking again then")
        }
        TargonError::Unwell { retry_after: Some(_), status, .. } => {
            format!("targon asks to wait {pause} ({status}); asking again then")
        }
        _ => format!("{}; asking again in {pause}", sentence(error)),
    }
}

impl Observer<PodEvent<'_>> for Watching {
    fn on(&self, event: PodEvent<'_>) {
        let ui = &self.ui;
        let old = |years: Option<Duration>| years.map_or_else(String::new, |old| format!(", {} old", in_words(old)));
        match event {
            PodEvent::Quoted(quote) => {
                let (resource, free) = (&quote.resource, quote.available);
                ui.status(format!(
                    "{resource} costs {} as {} ({free} free)",
                    price_in_words(quote.cost_per_hour),
                    quote.workload_type
                ));
            }
            PodEvent::Replacing { pod, age } => ui.status(format!("stopping the older {pod}{}", old(age))),
            PodEvent::Registered { pod } => ui.status(format!("registered {pod}")),
            PodEvent::Deployed { pod } => ui.status(format!("deployed {pod}: it costs money from now on")),
            PodEvent::Waiting { status, event, elapsed, spent, url } => {
                let mut news = status.to_string();
                if let Some(event) = event {
                    news = format!("{news}, {event}");
                }
                if url.is_some() {
                    news.push_str(", waiting for its health check");
                }
                self.waiting(news, elapsed, spent);
            }
            PodEvent::LogLine(line) => ui.faint(format!("{} │ {line}", self.name)),
            PodEvent::Ready { url } => {
                self.end_of_waiting();
                ui.done(format!("{} answers at {url}", self.name));
            }
            PodEvent::Stopping { pod, age } => {
                self.end_of_waiting();
                ui.status(format!("stopping {pod}{}", old(age)));
            }
            PodEvent::Stopped { pod } => ui.done(format!("stopped {pod}")),
            PodEvent::AlreadyStopped { pod } => ui.status(format!("{pod} is already stopped")),
            PodEvent::Pausing { pause, error } => ui.status(pausing(pause, error)),
            PodEvent::DeletingAgain { uid, because } => {
                ui.warning(format!("{uid} is not gone ({}); deleting it again", sentence(because)));
            }
            PodEvent::LeaseNotUpdated { error } => {
                ui.warning(format!("the pod runs, but its note was not updated: {error}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gen404_targon::{Call, Said};

    use super::*;

    #[test]
    fn a_pause_says_who_wants_it_and_how_long_it_is() {
        let said = |error: &TargonError| pausing(Duration::from_secs(30), error);
        let busy = |retry_after| TargonError::RateLimited { call: Call::List, retry_after };
        assert_eq!(said(&busy(Some(Duration::from_secs(30)))), "targon asks to wait 30 s (429); asking again then");
        let unwell =
            |retry_after| TargonError::Unwell { call: Call::Delete, status: 503, said: Said::default(), retry_after };
        assert_eq!(said(&unwell(Some(Duration::from_secs(30)))), "targon asks to wait 30 s (503); asking again then");
        assert_eq!(said(&unwell(None)), "stopping the pod failed on Targon's side (503); asking again in 30 s");
        assert_eq!(
            said(&busy(None)),
            "listing the pods: Targon answers 429 and asks to slow down; asking again in 30 s"
        );
    }
}

//! What happens to pods, as words for the user: one display while waiting, one line for everything else.
//! Decides nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gen404_targon::{PodEvent, PodObserver, Usd};

use super::{age, price};
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
        let line = format!("{news} ({}{spent})", age(elapsed));
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

impl PodObserver for Watching {
    fn on(&self, event: PodEvent<'_>) {
        let ui = &self.ui;
        let old = |years: Option<Duration>| years.map_or_else(String::new, |old| format!(", {} old", age(old)));
        match event {
            PodEvent::Quoted(quote) => {
                let (resource, free) = (&quote.resource, quote.available);
                ui.status(format!(
                    "{resource} costs {} as {} ({free} free)",
                    price(quote.cost_per_hour),
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
            PodEvent::LeaseNotUpdated { error } => {
                ui.warning(format!("the pod runs, but its note was not updated: {error}"));
            }
            _ => {}
        }
    }
}

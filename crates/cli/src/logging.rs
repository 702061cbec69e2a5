//! Diagnostic logs of the libraries on stderr, as loud as `-v` asks.
//! They share stderr with the progress bars, so they are written through the printer.

use std::io;

use tracing::Metadata;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::arguments::Global;
use crate::ui::Ui;

/// Sends the logs of this process to stderr: warnings by default.
pub(crate) fn start(global: &Global, ui: &Ui) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(global.verbose > 1)
        .with_ansi(ui.coloured())
        .with_writer(Stderr(ui.clone()));
    let subscriber = subscriber.without_time();
    // Only tests could have set another one.
    let _already_set = tracing::subscriber::set_global_default(subscriber.finish().with(filter_fn(keeps_secrets)));
}

/// The websocket's dialler logs what it connects to, with password and access key, so only its warnings pass.
fn keeps_secrets(log: &Metadata<'_>) -> bool {
    let dials = log.module_path().is_some_and(|path| path.starts_with("jsonrpsee_client_transport"));
    !dials || *log.level() <= LevelFilter::WARN
}

struct Stderr(Ui);

/// One log event: collected whole, then printed between the bars.
struct Event<'a> {
    ui: &'a Ui,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event { ui: &self.0, bytes: Vec::new() }
    }
}

impl io::Write for Event<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event<'_> {
    fn drop(&mut self) {
        self.ui.log(String::from_utf8_lossy(&self.bytes).trim_end());
    }
}

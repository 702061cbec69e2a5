//! The one place that prints. Results go to stdout as JSON, one object a line; everything else goes to stderr.
//! Whatever is printed loses its control characters here, so commands may pass on text from outside as it is.

mod board;
mod progress;
mod terminal;
mod usage;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::arguments::{ColorChoice, Global};
use crate::errors::{Blame, CommandError, exit_code};
use crate::text::{harmless, harmless_json};

pub(crate) use board::Board;
pub(crate) use progress::Progress;
pub(crate) use usage::usage_error;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const DONE: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();

/// The JSON object of a failure; the first two keys are the contract.
#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

/// The printer; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    quiet: bool,
    verbose: bool,
    coloured: bool,
    terminal: Arc<terminal::Terminal>,
    /// Where results go instead of stdout, when a command runs inside another one.
    rehearsal: Option<Arc<Mutex<Vec<u8>>>>,
}

impl Ui {
    pub(crate) fn new(global: &Global) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let coloured = match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                is_terminal && !dumb && !refused
            }
        };
        Self {
            quiet: global.quiet,
            verbose: global.verbose > 0,
            coloured,
            terminal: Arc::new(terminal::Terminal::new(is_terminal && !global.quiet)),
            rehearsal: None,
        }
    }

    /// For failures before the arguments are known.
    pub(crate) fn plain() -> Self {
        Self::new(&Global::default())
    }

    /// The same printer for a command that runs inside another one: its results are shown on stderr and kept.
    pub(crate) fn rehearsing(&self) -> Self {
        Self { rehearsal: Some(Arc::default()), ..self.clone() }
    }

    /// The results printed since [`Self::rehearsing`], one JSON text a line.
    pub(crate) fn rehearsed(&self) -> String {
        let kept = self.rehearsal.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone());
        String::from_utf8(kept.unwrap_or_default()).expect("results are JSON texts")
    }

    pub(crate) fn coloured(&self) -> bool {
        self.coloured
    }

    /// Columns of the terminal that stdout is, if it is one.
    pub(crate) fn columns(&self) -> Option<u16> {
        let shown = self.rehearsal.is_none() && io::stdout().is_terminal();
        let size = shown.then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten()?;
        Some(size.ws_col).filter(|columns| *columns > 0)
    }

    /// Whether results would appear among what is drawn for people.
    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.rehearsal.is_none() && io::stdout().is_terminal()
    }

    /// Lines that are drawn again in place; `None` where stderr is no terminal.
    pub(crate) fn board(&self) -> Option<Board> {
        Board::start(self)
    }

    /// Prints the result of a command (or one line of several): one JSON object on one line of stdout.
    ///
    /// Give it a struct whose first field is `success`: keys come in the order of the fields.
    pub(crate) fn result(&self, result: &impl Serialize) -> Result<(), CommandError> {
        let json = serde_json::to_string(result).map_err(|error| CommandError::from_error(Blame::Here, &error))?;
        self.stdout(format!("{}\n", harmless_json(&json)).as_bytes())
    }

    /// Prints text that was asked for as text (`--table`, completions, man pages) on stdout.
    pub(crate) fn document(&self, text: &str) -> Result<(), CommandError> {
        self.stdout(harmless(text).as_bytes())
    }

    fn stdout(&self, bytes: &[u8]) -> Result<(), CommandError> {
        if let Some(kept) = &self.rehearsal {
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            self.status(String::from_utf8_lossy(bytes).trim_end());
            return Ok(());
        }
        let write = || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        };
        self.terminal.suspended(write).map_err(|error| CommandError::stdout(&error))
    }

    /// Something happened that the user waits for.
    pub(crate) fn status(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.terminal.line(&harmless(text.as_ref()));
        }
    }

    /// What only `-v` shows.
    pub(crate) fn detail(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            self.status(text());
        }
    }

    /// A step is done.
    pub(crate) fn done(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.labelled("✓", DONE, text.as_ref());
        }
    }

    /// A step has failed, and others go on.
    pub(crate) fn failed(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.labelled("✗", ERROR, text.as_ref());
        }
    }

    /// A detail that may be overlooked.
    pub(crate) fn faint(&self, text: impl AsRef<str>) {
        if !self.quiet {
            let text = harmless(text.as_ref());
            self.terminal.line(&self.styled(FAINT, &text));
        }
    }

    pub(crate) fn warning(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.labelled("warning:", WARNING, text.as_ref());
        }
    }

    pub(crate) fn hint(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.labelled("hint:", HINT, text.as_ref());
        }
    }

    /// A log line of a library, already formatted.
    pub(crate) fn log(&self, line: &str) {
        self.terminal.line(line);
    }

    /// Starts to show how far something has come: a bar on a terminal, else a plain line a step.
    pub(crate) fn progress(&self, total: Option<u64>, what: &str) -> Progress {
        Progress::start(self, total, what)
    }

    /// Reports a failure: words on stderr, the JSON object on stdout, and the exit code.
    pub(crate) fn failure(&self, error: &CommandError) -> ExitCode {
        let code = ExitCode::from(exit_code(error.blame));
        if error.silent {
            return code;
        }
        self.labelled("error:", ERROR, &error.message);
        for hint in &error.hints {
            self.hint(hint);
        }
        let hint = (!error.hints.is_empty()).then(|| error.hints.join("; "));
        let object = Failure { success: false, error: &harmless(&error.message), hint, fields: &error.fields };
        // With stdout gone as well there is nobody left to tell.
        let _nobody_listens = self.result(&object);
        code
    }

    fn labelled(&self, label: &str, style: Style, text: &str) {
        let text = harmless(text);
        self.terminal.line(&format!("{} {text}", self.styled(style, label)));
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.coloured { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

//! `404-cli validate`.

mod files;
mod people;
mod result;
mod run;
mod sarif;
mod serve;
mod watch;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt as _;
use gen404_validator::{Caution, Report, Warning};
use serde::Serialize;

use self::files::{Source, Unreadable};
use self::people::Tally;
use self::result::{Judged, UnreadLine};
use self::run::Runner;
use crate::arguments::BrowserArguments;
use crate::context::Context;
use crate::errors::{Blame, CommandError};

/// Say of modules whether the subnet would take them, and where and why it would not
///
/// Gives the verdicts of both of the subnet's validators, the miners' one (mr) and the render service (rs), rule by rule in their
/// order. A module whose text passes is run in this machine's Chromium as each of them runs it; --static-only leaves that out and
/// needs no browser. Exit code 1 when either would refuse any of the modules. docs/rules.md explains each rule.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Modules, folders with modules (their *.js files), or - for one module on stdin
    #[arg(value_name = "FILES", default_value = ".")]
    files: Vec<PathBuf>,
    /// Print one JSON object per module, with everything found in it
    #[arg(long)]
    json: bool,
    /// Judge the text alone and run nothing: what fails only when it runs passes
    #[arg(long)]
    static_only: bool,
    /// Write the findings in SARIF 2.1.0 too, for editors and code hosts
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Stay, and judge each file again when it changes, until Ctrl-C
    #[arg(long, conflicts_with = "sarif")]
    watch: bool,
    /// Stay, and answer over HTTP instead, until Ctrl-C: POST a module to /validate for the object of --json, or to /official
    /// for the render service's own answer; there is no key, so leave it on the loopback unless the network is yours
    #[arg(
        long,
        value_name = "HOST:PORT",
        num_args = 0..=1,
        default_missing_value = serve::ADDRESS,
        value_parser = serve::address,
        conflicts_with_all = ["files", "json", "watch", "sarif"],
    )]
    serve: Option<SocketAddr>,
    #[command(flatten)]
    browser: BrowserArguments,
}

/// The result when there is one object for all modules.
#[derive(Serialize)]
struct Outcome<'a> {
    success: bool,
    #[serde(flatten)]
    tally: &'a Tally,
}

/// What every judged file goes through.
struct Bench<'a> {
    context: &'a Context,
    json: bool,
    runner: Option<Runner>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    // Also where one of them comes from a variable or a settings file, of which the parser knows nothing.
    if arguments.watch && arguments.sarif.is_some() {
        return Err(CommandError::usage("--watch and --sarif do not go together"));
    }
    let runner = (!arguments.static_only).then(|| Runner::new(arguments.browser.clone()));
    if let Some(address) = arguments.serve {
        if arguments.watch || arguments.sarif.is_some() {
            return Err(CommandError::usage("--serve goes together with neither --watch nor --sarif"));
        }
        return serve::run(context, address, runner).await;
    }
    let bench = Bench { context, json: arguments.json, runner };
    let work = async {
        if arguments.watch {
            return watch::run(&bench, &arguments.files).await;
        }
        judge_all(&bench, &arguments).await
    };
    let outcome = context.until_interrupted(work).await;
    if let Some(runner) = &bench.runner {
        runner.close().await;
    }
    outcome
}

async fn judge_all(bench: &Bench<'_>, arguments: &Arguments) -> Result<(), CommandError> {
    let ui = &bench.context.ui;
    let sources = files::named(&arguments.files)?;
    if let Some(path) = &arguments.sarif {
        sarif::check(path, &sources)?;
    }
    let mut tally = Tally::new(arguments.static_only);
    let mut log = arguments.sarif.as_ref().map(|_| sarif::Log::default());
    let mut twins = Twins::default();
    let mut unreadable = Vec::new();
    // in the order of the files, one more at once than there are processors, so that no browser waits for a text
    let at_once = std::thread::available_parallelism().map_or(1, usize::from) + 1;
    let mut judged = futures::stream::iter(sources).map(|source| bench.judge(source)).buffered(at_once);
    while let Some(judged) = judged.next().await {
        match judged? {
            Ok(judged) => {
                let judged = twins.noted(judged);
                bench.show(&judged)?;
                tally.add(&judged);
                if let Some(log) = &mut log {
                    log.add(&judged);
                }
            }
            Err(reason) => {
                bench.show_unreadable(&reason)?;
                unreadable.push(reason);
            }
        }
    }
    if let (Some(path), Some(log)) = (&arguments.sarif, log) {
        log.write(path)?;
    }
    // Good news of some, or of none, is not good news of all.
    if unreadable.is_empty() || tally.refused() > 0 {
        tally.show(ui, !bench.json && unreadable.is_empty());
    }
    conclude(bench, &tally, &unreadable)
}

/// One object for all modules, unless each had its own; the exit code either way.
fn conclude(bench: &Bench<'_>, tally: &Tally, unreadable: &[Unreadable]) -> Result<(), CommandError> {
    if let Some(first) = unreadable.first() {
        let message = match unreadable.len() {
            1 => first.reason.clone(),
            several => format!("{several} files cannot be judged, the first: {}", first.reason),
        };
        let blame = blame_of(unreadable);
        return Err(CommandError { fields: fields(tally), ..CommandError::new(blame, message) });
    }
    if tally.refused() > 0 {
        // With a line for each module stdout has said it all.
        let failure = CommandError::failed(tally.verdict());
        return Err(CommandError { silent: bench.json, fields: fields(tally), ..failure });
    }
    if bench.json { Ok(()) } else { bench.context.ui.result(&Outcome { success: true, tally }) }
}

/// A browser that broke down is no fault of the files: the same ones may pass the next time.
fn blame_of(unreadable: &[Unreadable]) -> Blame {
    unreadable.iter().map(|one| one.blame).find(|blame| *blame != Blame::User).unwrap_or(Blame::User)
}

fn fields(tally: &Tally) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(tally) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

impl Bench<'_> {
    /// Judges one module; one that cannot be read or run is no reason to leave out the others.
    async fn judge(&self, source: Source) -> Result<Result<Judged, Unreadable>, CommandError> {
        let judged = tokio::task::spawn_blocking(move || source.judged()).await;
        let mut judged = match judged.map_err(|_| CommandError::panicked())? {
            Ok(judged) => judged,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        if let Some(runner) = &self.runner
            && let Err(error) = runner.run(&mut judged).await
        {
            // Where there is no browser no module can be run.
            if error.blame == Blame::User {
                return Err(error);
            }
            return Ok(Err(Unreadable { file: judged.file, reason: error.message, blame: error.blame }));
        }
        Ok(Ok(judged))
    }

    fn show(&self, judged: &Judged) -> Result<(), CommandError> {
        people::show(&self.context.ui, judged);
        if self.json { self.context.ui.result(&judged.line()) } else { Ok(()) }
    }

    fn show_unreadable(&self, Unreadable { file, reason, .. }: &Unreadable) -> Result<(), CommandError> {
        self.context.ui.warning(reason);
        let line = UnreadLine { file, passed: false, error: reason };
        if self.json { self.context.ui.result(&line) } else { Ok(()) }
    }
}

/// Files by their bytes: the same bytes under two names are one prompt's module given for another prompt.
#[derive(Debug, Default)]
struct Twins(HashMap<Vec<u8>, String>);

impl Twins {
    fn noted(&mut self, mut judged: Judged) -> Judged {
        let bytes = std::mem::take(&mut judged.bytes);
        if bytes.is_empty() {
            return judged;
        }
        match self.0.get(&bytes) {
            Some(other) => warn_of(&mut judged.report, other),
            None => {
                self.0.insert(bytes, judged.file.clone());
            }
        }
        judged
    }
}

fn warn_of(report: &mut Report, other: &str) {
    let detail = format!("the same bytes as {other}");
    report.warnings.push(Warning { caution: Caution::SameAsAnotherFile, detail, place: None });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_try_again_is_told_so() {
        let unreadable = |blames: &[Blame]| -> Vec<Unreadable> {
            let one = |blame: &Blame| Unreadable { file: "a.js".into(), reason: "why".into(), blame: *blame };
            blames.iter().map(one).collect()
        };
        assert_eq!(blame_of(&unreadable(&[Blame::User, Blame::User])), Blame::User);
        assert_eq!(blame_of(&unreadable(&[Blame::User, Blame::Here])), Blame::Here);
        assert_eq!(blame_of(&unreadable(&[Blame::Here])), Blame::Here);
    }
}

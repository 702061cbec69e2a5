//! `404-cli validate`.

mod files;
mod people;
mod result;
mod sarif;
mod watch;

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt as _;
use gen404_validator::{Caution, Report, Warning};

use self::files::Source;
use self::people::Tally;
use self::result::Judged;
use crate::context::Context;
use crate::errors::CommandError;

/// Say of modules whether the subnet would take them, and where it would not
///
/// Gives the verdicts of both of the subnet's validators, the miners' one (mr) and the render service (rs), rule by rule in their
/// order: everything they find without running the module. A module that passes here can still fail when it runs. Prints one JSON
/// object per file; exit code 1 when either validator would refuse any of them. docs/rules.md explains each rule.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Modules, folders with modules (their *.js files), or - for one module on stdin
    #[arg(value_name = "FILES", default_value = ".")]
    files: Vec<PathBuf>,
    /// Write the findings in SARIF 2.1.0 too, for editors and code hosts
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Stay, and judge each file again when it changes, until Ctrl-C
    #[arg(long, conflicts_with = "sarif")]
    watch: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    if arguments.watch {
        return watch::run(context, &arguments.files).await;
    }
    let sources = files::named(&arguments.files)?;
    let mut tally = Tally::default();
    let mut log = arguments.sarif.as_ref().map(|_| sarif::Log::default());
    let mut twins = Twins::default();
    let judging = async {
        // in the order of the files, as many at once as there are processors
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let mut judged = futures::stream::iter(sources).map(judge).buffered(at_once);
        while let Some(judged) = judged.next().await {
            let judged = twins.noted(judged?);
            show(context, &judged)?;
            tally.add(&judged);
            if let Some(log) = &mut log {
                log.add(&judged);
            }
        }
        Ok(())
    };
    context.until_interrupted(judging).await?;
    if let (Some(path), Some(log)) = (&arguments.sarif, log) {
        log.write(path)?;
    }
    tally.show(&context.ui);
    if tally.refused() == 0 {
        return Ok(());
    }
    // The lines on stdout say it all.
    Err(CommandError { silent: true, ..CommandError::failed("the subnet would refuse some of the modules") })
}

async fn judge(source: Source) -> Result<Judged, CommandError> {
    tokio::task::spawn_blocking(move || source.judged()).await.map_err(|_| CommandError::panicked())?
}

fn show(context: &Context, judged: &Judged) -> Result<(), CommandError> {
    people::show(&context.ui, judged);
    context.ui.result(&judged.line())
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

//! `404-cli generate`.

mod display;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use gen404_generator::{Limits, Request, Summary};
use gen404_round::Stem;
use serde::Serialize;
use serde_json::Value;

use self::display::Display;
use crate::context::Context;
use crate::errors::{CommandError, Kind};
use crate::prompts_file;
use crate::text::harmless;

/// Stems named in an error's sentence; the rest is in the JSON keys.
const STEMS_IN_A_SENTENCE: usize = 3;

/// Send a round's prompts to a generator and save the module it makes for each
///
/// Works like the subnet: batches of 32, one after the other, over the batch API on port 10006. A run that was stopped, cut off or
/// killed goes on where it was when the same command is given again; finished files are kept. Pictures may be URLs or, for a
/// generator on this machine, files. docs/generate.md says more.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Prompts file, as the subnet publishes it (docs/generate.md shows its form)
    #[arg(long, value_name = "FILE")]
    prompts_json: PathBuf,
    /// Address of the generator with its port, 10006 in the subnet
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// Seed of the round [default: the prompts file's, else 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder for the modules; made when missing
    #[arg(long, value_name = "DIR", default_value = "results")]
    output_folder: PathBuf,
    /// Prompts sent at once; the subnet sends 32
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u8).range(1..=99))]
    batch_size: u8,
    /// New machines the generator is told it may still ask for
    #[arg(long, value_name = "N", default_value_t = 0)]
    replacements: u32,
    /// Make every prompt anew, finished files too
    #[arg(long)]
    force: bool,
    /// Seconds the generator may warm up
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    ready_timeout: u64,
    /// Seconds a batch may take; the subnet gives 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    batch_timeout: u64,
}

/// What a run came to; also the extra keys of its failure.
#[derive(Serialize)]
struct Outcome<'a> {
    success: bool,
    generated: usize,
    failed: BTreeMap<&'a Stem, String>,
    missing: BTreeMap<&'a Stem, String>,
    kept: usize,
    seed: u64,
    output_folder: &'a Path,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let prompts = prompts_file::read(&arguments.prompts_json)?;
    let seed = arguments.seed.or(prompts.seed).unwrap_or_else(|| {
        context.ui.status("no --seed and none in the prompts file: seed 0");
        0
    });
    let ready = Duration::from_secs(arguments.ready_timeout);
    let request = Request {
        endpoint: arguments.endpoint.parse()?,
        prompts: prompts.prompts,
        pictures_folder: arguments.prompts_json.parent().map(Path::to_owned).unwrap_or_default(),
        seed,
        output_folder: arguments.output_folder,
        batch_size: arguments.batch_size.into(),
        replacements: arguments.replacements,
        force: arguments.force,
        limits: Limits { ready, batch: Duration::from_secs(arguments.batch_timeout), ..Limits::default() },
    };
    let display = Display::new(context, request.prompts.len());
    let generating = async { Ok(gen404_generator::generate(&request, &display).await?) };
    let summary = context.until_interrupted(generating).await.map_err(|error| match error.kind {
        Kind::Interrupted => error.with_hint("finished files are kept; the same command goes on from there"),
        _ => error,
    })?;
    drop(display);
    report(context, &request, &summary)
}

fn report(context: &Context, request: &Request, summary: &Summary) -> Result<(), CommandError> {
    let outcome = Outcome {
        success: summary.is_complete(),
        generated: summary.generated.len(),
        failed: reasons(&summary.failed),
        missing: reasons(&summary.missing),
        kept: summary.kept.len(),
        seed: request.seed,
        output_folder: &request.output_folder,
    };
    if outcome.success {
        let folder = request.output_folder.display();
        context.ui.done(format!("{} modules in {folder} ({} new)", request.prompts.len(), outcome.generated));
        return context.ui.result(&outcome);
    }
    let mut error = failure(request.prompts.len(), summary);
    if let Ok(Value::Object(fields)) = serde_json::to_value(&outcome) {
        error.fields = fields;
        error.fields.remove("success");
    }
    Err(error)
}

fn reasons(by_stem: &BTreeMap<Stem, String>) -> BTreeMap<&Stem, String> {
    by_stem.iter().map(|(stem, reason)| (stem, harmless(reason).into_owned())).collect()
}

/// What stopped the run, or else which stems are missing and why.
fn failure(prompts: usize, summary: &Summary) -> CommandError {
    let Summary { failed, missing, .. } = summary;
    let without = failed.len() + missing.len();
    if let Some(error) = &summary.stopped_by {
        let error = CommandError::from(error);
        return CommandError {
            message: format!("{}; {without} of {prompts} prompts have no file", error.message),
            ..error
        };
    }
    let named: Vec<_> = missing
        .iter()
        .chain(failed)
        .take(STEMS_IN_A_SENTENCE)
        .map(|(stem, reason)| format!("{stem} ({reason})"))
        .collect();
    let more = if without > named.len() { ", …" } else { "" };
    let message = format!("{without} of {prompts} prompts have no file: {}{more}", named.join(", "));
    // Reasons of the service are an answer; files that are missing without one are a broken contract.
    let kind = if missing.is_empty() { Kind::Failed } else { Kind::Service };
    CommandError::new(kind, message).with_hint("the same command tries only these again")
}

//! `404-cli generate`.

mod checked;
mod display;
mod limits;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, value_parser};
use gen404_generator::{Request, Summary, refused_hint};
use gen404_round::{PromptsForm, Stem};
use serde::Serialize;
use serde_json::Value;

use self::checked::Invalid;
pub(in crate::commands) use self::display::Display;
pub(in crate::commands) use self::limits::LimitArguments;
use crate::context::Context;
use crate::errors::{Blame, CommandError};
use crate::prompts_file;
use crate::text::harmless;

/// Stems named in an error's sentence; the rest is in the JSON keys.
const STEMS_IN_A_SENTENCE: usize = 3;
/// Share of the subnet's time for all batches from which a run is warned: the same image takes longer at another time.
const LITTLE_RESERVE: f64 = 0.8;

/// Send a round's prompts to a generator and save the module it makes for each
///
/// Works like the subnet: batches of 32, one after the other, over the batch API on port 10006. A run that was stopped, cut off or
/// killed goes on where it was when the same command is given again; finished files are kept. Pictures may be URLs or, for a
/// generator on this machine, files. docs/generate.md says more.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Prompts: JSON, or the prompts.txt that the subnet publishes, with its seed.json beside it
    /// (docs/generate.md shows both)
    #[arg(long, value_name = "FILE")]
    prompts_json: PathBuf,
    /// Address of the generator with its port, 10006 in the subnet
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// Seed of the round [default: the prompts file's or its seed.json's, else 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder for the modules; made when missing
    #[arg(long, value_name = "DIR", default_value = "results")]
    output_folder: PathBuf,
    /// Prompts sent at once; the subnet sends 32
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = value_parser!(u16).range(1..))]
    batch_size: u16,
    /// New machines the generator is told it may still ask for; the subnet gives 3
    #[arg(long, value_name = "N", default_value_t = 3)]
    replacements: u32,
    /// Make every prompt anew, finished files too
    #[arg(long)]
    force: bool,
    /// Judge every module by its text, as `validate --static-only` does, and ask again for those that the subnet would
    /// refuse
    #[arg(long)]
    validate: bool,
    #[command(flatten)]
    limits: LimitArguments,
}

/// What a run came to; also the extra keys of its failure.
#[derive(Serialize)]
struct Outcome<'a> {
    success: bool,
    generated: usize,
    failed: BTreeMap<&'a Stem, String>,
    missing: BTreeMap<&'a Stem, String>,
    /// Modules that the subnet would refuse, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<&'a Invalid>,
    kept: usize,
    seed: u64,
    output_folder: &'a Path,
    /// Seconds from the sending of a batch until it was made, all batches of this run together.
    generation_seconds: f64,
    generation_limit_seconds: u64,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let prompts = prompts_file::read(&arguments.prompts_json)?;
    let seed = arguments.seed.or(prompts.seed).unwrap_or_else(|| {
        let where_else = match prompts.form {
            PromptsForm::Json => "in the prompts file",
            PromptsForm::List => "in a seed.json beside the prompts file",
        };
        context
            .ui
            .warning(format!("no --seed and none {where_else}: seed 0, so these modules will not be those of a round"));
        0
    });
    let limit = Duration::from_secs(arguments.limits.generation_limit);
    let request = Request {
        endpoint: arguments.endpoint.parse()?,
        prompts: prompts.prompts,
        pictures_folder: arguments.prompts_json.parent().map(Path::to_owned).unwrap_or_default(),
        seed,
        output_folder: arguments.output_folder,
        batch_size: arguments.batch_size.into(),
        replacements: arguments.replacements,
        force: arguments.force,
        limits: (&arguments.limits).into(),
    };
    let display = Display::new(context, request.prompts.len());
    let generating = async {
        if arguments.validate {
            let say = |words: &str| context.ui.warning(words);
            let (summary, invalid) = checked::generate(request.clone(), &display, say).await?;
            return Ok((summary, Some(invalid)));
        }
        Ok((gen404_generator::generate(&request, &display).await?, None))
    };
    let (summary, invalid) = context.until_interrupted(generating).await.map_err(|error| match error.blame {
        Blame::Interruption => error.with_hint("finished files are kept; the same command goes on from there"),
        _ => error,
    })?;
    drop(display);
    tell_time(context, &summary, limit);
    report(context, &request, &summary, invalid.as_ref(), limit)
}

/// What all batches took of the time that the subnet gives for them.
fn tell_time(context: &Context, summary: &Summary, limit: Duration) {
    if summary.generation.is_zero() {
        return;
    }
    match time_taken(summary.generation, limit, summary.kept.len()) {
        (text, true) => context.ui.warning(text),
        (text, false) => context.ui.status(text),
    }
}

/// The sentence, and whether it is a warning.
fn time_taken(time: Duration, limit: Duration, kept: usize) -> (String, bool) {
    let share = time.as_secs_f64() / limit.as_secs_f64();
    let all = format!(
        "the batches of this run took {:.0} s together, {:.0} % of the {} s that the subnet gives for a round",
        time.as_secs_f64(),
        100.0 * share,
        limit.as_secs()
    );
    let kept = if kept > 0 { format!(" ({kept} finished files are not counted)") } else { String::new() };
    let warning = if share > 1.0 {
        ": it would refuse a submission that takes so long"
    } else if share >= LITTLE_RESERVE {
        ": another run may well take longer"
    } else {
        ""
    };
    (format!("{all}{kept}{warning}"), !warning.is_empty())
}

fn report(
    context: &Context,
    request: &Request,
    summary: &Summary,
    invalid: Option<&Invalid>,
    limit: Duration,
) -> Result<(), CommandError> {
    let all_valid = invalid.is_none_or(BTreeMap::is_empty);
    let outcome = Outcome {
        success: summary.is_complete() && all_valid,
        generated: summary.generated.len(),
        failed: reasons(&summary.failed),
        missing: reasons(&summary.missing),
        invalid,
        kept: summary.kept.len(),
        seed: request.seed,
        output_folder: &request.output_folder,
        generation_seconds: (summary.generation.as_secs_f64() * 10.0).round() / 10.0,
        generation_limit_seconds: limit.as_secs(),
    };
    if outcome.success {
        let folder = request.output_folder.display();
        context.ui.done(format!("{} modules in {folder} ({} new)", request.prompts.len(), outcome.generated));
        return context.ui.result(&outcome);
    }
    let mut error = match invalid {
        Some(invalid) if summary.is_complete() => refused(request.prompts.len(), invalid),
        _ => failure(request.prompts.len(), summary),
    };
    if let Ok(Value::Object(fields)) = serde_json::to_value(&outcome) {
        error.fields = fields;
        error.fields.remove("success");
    }
    Err(error)
}

fn reasons(by_stem: &BTreeMap<Stem, String>) -> BTreeMap<&Stem, String> {
    by_stem.iter().map(|(stem, reason)| (stem, harmless(reason).into_owned())).collect()
}

/// Every prompt has its module, and the subnet would not take some of them.
fn refused(prompts: usize, invalid: &Invalid) -> CommandError {
    let named: Vec<_> =
        invalid.iter().take(STEMS_IN_A_SENTENCE).map(|(stem, reason)| format!("{stem} ({reason})")).collect();
    let more = if invalid.len() > named.len() { ", …" } else { "" };
    let message = format!("the subnet would refuse {} of {prompts} modules: {}{more}", invalid.len(), named.join(", "));
    CommandError::failed(message).with_hint("`404-cli validate` on the output folder shows every place and the fix")
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
    let blame = if missing.is_empty() { Blame::Here } else { Blame::Service };
    let error = CommandError::new(blame, message);
    let error = if summary.refused.is_empty() { error } else { error.with_hint(refused_hint()) };
    error.with_hint("the same command tries only these again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_all_batches_is_held_against_the_subnets_limit() {
        let said = |seconds, kept| time_taken(Duration::from_secs(seconds), Duration::from_hours(2), kept);
        let (text, warning) = said(5_759, 0);
        assert_eq!(
            text,
            "the batches of this run took 5759 s together, 80 % of the 7200 s that the subnet gives for a round"
        );
        assert!(!warning);
        let (text, warning) = said(5_760, 32);
        assert!(text.ends_with("(32 finished files are not counted): another run may well take longer"), "{text}");
        assert!(warning);
        assert!(said(7_200, 0).0.ends_with("may well take longer"));
        let (text, warning) = said(7_207, 0);
        assert!(warning && text.ends_with("it would refuse a submission that takes so long"), "{text}");
    }
}

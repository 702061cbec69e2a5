//! `404-cli doctor`.

mod account;
mod groups;
mod machine;
mod model;
mod newest;
mod storage;
mod submission;

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use gen404_outside::http::parse_address;
use gen404_round::check::{Check, Outcome};
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use crate::arguments::targon::TargonArguments;
use crate::arguments::{BrowserArguments, KeyParser, StorageArguments, SubmissionArguments};
use crate::context::Context;
use crate::errors::CommandError;
use crate::ui::Ui;
use groups::Group;

/// Check everything that a round depends on: a line per check, with the fix
///
/// This machine, the chain, the wallet, the competition, your submission in short, storage, the Targon account, the renderer, and
/// a model's server: each pass, warn, fail or skipped, and what to do. Nothing is bought, sent or changed. What needs an option
/// that is not given is skipped and says so. Exit code 1 when a check fails. See docs/doctor.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only these checks, by name. May be repeated
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = PossibleValuesParser::new(groups::names()), hide_possible_values = true)]
    only: Vec<String>,
    /// Print the JSON alone, without lines for people
    #[arg(long)]
    json: bool,
    /// Address of a model's server to put the judge's rehearsal questions to
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    model_endpoint: Option<Url>,
    /// Name of the model there
    #[arg(long, value_name = "NAME", default_value = "glm-4.6v-flash")]
    model: String,
    /// Key of the endpoint, when it wants one
    #[arg(long, value_name = "KEY", env = "OPENAI_API_KEY", value_parser = KeyParser)]
    api_key: Option<SecretString>,
    /// Never ask the index that pip uses whether a newer version is out
    #[arg(long)]
    no_update_check: bool,
    #[command(flatten)]
    submission: SubmissionArguments,
    #[command(flatten)]
    storage: StorageArguments,
    #[command(flatten)]
    targon: TargonArguments,
    #[command(flatten)]
    browser: BrowserArguments,
}

/// The result.
#[derive(Debug, Serialize)]
struct Report<'a> {
    success: bool,
    passed: usize,
    warned: usize,
    failed: usize,
    skipped: usize,
    checks: &'a [Check],
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let quiet = Context { ui: context.ui.in_silence(), interrupt: context.interrupt.clone() };
    let context = if arguments.json { &quiet } else { context };
    let checks = context.until_interrupted(async { Ok(all(context, arguments).await) }).await?;
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let failed = count(Outcome::Fail);
    let report = Report {
        success: failed == 0,
        passed: count(Outcome::Pass),
        warned: count(Outcome::Warn),
        failed,
        skipped: count(Outcome::Skipped),
        checks: &checks,
    };
    let Some(first) = checks.iter().find(|check| check.outcome == Outcome::Fail) else {
        return context.ui.result(&report);
    };
    let message = match failed {
        1 => format!("{}: {}", first.name, first.sentence),
        _ => format!("{failed} checks fail, the first is {}: {}", first.name, first.sentence),
    };
    let mut error = CommandError::failed(message).with_hints(first.fix.clone());
    let fields = serde_json::to_value(&report).unwrap_or_default();
    error
        .fields
        .extend(fields.as_object().cloned().unwrap_or_default().into_iter().filter(|(key, _)| key != "success"));
    Err(error)
}

/// Runs all groups that are wanted side by side, and shows each as soon as those before it are done.
async fn all(context: &Context, arguments: &Arguments) -> Vec<Check> {
    let wanted = |check: &Check| arguments.only.is_empty() || arguments.only.iter().any(|only| only == check.name);
    let groups = groups::groups(context, arguments);
    let mut running: FuturesOrdered<_> =
        groups.into_iter().filter(|group| is_wanted(group, &arguments.only)).map(within_its_limit).collect();
    let mut checks = Vec::new();
    while let Some(group) = running.next().await {
        for check in group.into_iter().filter(wanted) {
            show(&context.ui, &check);
            checks.push(check);
        }
    }
    checks
}

fn is_wanted(group: &Group<'_>, only: &[String]) -> bool {
    only.is_empty() || group.names.iter().any(|name| only.iter().any(|only| only == name))
}

/// A group that takes too long has failed: nothing else waits for it.
async fn within_its_limit(group: Group<'_>) -> Vec<Check> {
    let Group { names, limit, checks } = group;
    let late = |name: &'static str| {
        let fix = "is the service behind it reachable from here? Try again, or leave it out with --only";
        Check::fail(name, format!("no answer within {} s", limit.as_secs()), fix)
    };
    tokio::time::timeout(limit, checks).await.unwrap_or_else(|_| names.into_iter().map(late).collect())
}

fn show(ui: &Ui, check: &Check) {
    let Check { name, outcome, sentence, fix } = check;
    match outcome {
        Outcome::Pass => ui.done(format!("{name}: {sentence}")),
        Outcome::Warn => ui.warning(format!("{name}: {sentence}")),
        Outcome::Fail => ui.failed(format!("{name}: {sentence}")),
        Outcome::Skipped => ui.faint(format!(
            "- {name}: skipped, {sentence}{}",
            fix.as_ref().map(|fix| format!(" ({fix})")).unwrap_or_default()
        )),
    }
    if let (Outcome::Warn | Outcome::Fail, Some(fix)) = (outcome, fix) {
        ui.status(format!("    → {fix}"));
    }
}

/// The longest that a group may take.
const LIMIT: Duration = Duration::from_secs(20);
/// A model reads pictures: it takes longer.
const MODEL_LIMIT: Duration = Duration::from_mins(2);

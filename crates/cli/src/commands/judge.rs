//! `404-cli judge`.

mod before;
mod display;
mod stage_line;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use gen404_judge::{
    ChatClient, ChatSettings, Concurrency, Cost, Match, Outcome, Plan, Profile, PromptPictures, RequestFields,
};
use gen404_outside::http::parse_address;
use gen404_outside::pictures::{FetchLimits, Fetcher};
use gen404_outside::time::SystemClock;
use gen404_round::duel::WinMargin;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

pub(super) use self::before::prompt_hosts;
use self::display::Display;
use super::report;
use crate::arguments::KeyParser;
use crate::context::Context;
use crate::errors::{Blame, CommandError, sentence};
use crate::prompts_file;
use crate::text::utf8;

/// Let a vision model compare two folders of renders, prompt by prompt
///
/// The first folder is the defender (left), the second the challenger (right), as `render` writes them: a folder a stem. Each duel
/// goes through up to four stages; the code decides, the model only answers questions about pictures. A rerun judges only what is
/// missing or has changed. docs/judge.md says what each stage does and how to write a profile of your own.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "a flag is a bool, and this command has four")]
pub(crate) struct Arguments {
    /// Prompts file; the prompt pictures may be URLs or files
    #[arg(long, value_name = "FILE")]
    prompts_json: PathBuf,
    /// Renders of the defender
    #[arg(long, value_name = "DIR")]
    image_dir_1: PathBuf,
    /// Renders of the challenger
    #[arg(long, value_name = "DIR")]
    image_dir_2: PathBuf,
    /// Address of an OpenAI-compatible server; /v1 is appended unless its path has a version. Not needed when every duel is
    /// judged already
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    endpoint: Option<Url>,
    /// Seed of the round [default: the prompts file's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder for the records and the report; made when missing
    #[arg(long, value_name = "DIR", default_value = "judge-results")]
    output_dir: PathBuf,
    /// Duels at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Rules and wording: cli, official (what the subnet does), or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "cli")]
    profile: String,
    /// Margin from which on the challenger wins, 0 to 1 [default: the profile's, else the running competition's 0.07]
    #[arg(long, value_name = "MARGIN")]
    win_margin: Option<WinMargin>,
    /// Name of the model at the endpoint
    #[arg(long, value_name = "NAME", default_value = "glm-4.6v-flash")]
    model: String,
    /// Key of the endpoint, when it wants one
    #[arg(long, value_name = "KEY", env = "OPENAI_API_KEY", value_parser = KeyParser)]
    api_key: Option<SecretString>,
    /// Requests at once, over all duels
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    vlm_concurrency: u16,
    /// Seconds a request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    call_timeout: u64,
    /// How often a request is sent again when connection or server fail
    #[arg(long, value_name = "N", default_value_t = 2)]
    transport_retries: u32,
    /// How prompt pictures with a URL reach the model: fetched here and sent along, or fetched by the model's server
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ByWay::Data)]
    prompt_pictures: ByWay,
    /// Ask no question of each kind before the match
    #[arg(long)]
    no_rehearsal: bool,
    /// Judge every duel anew, recorded ones too
    #[arg(long)]
    fresh: bool,
    /// Say what it takes and stop before the first call
    #[arg(long)]
    dry_run: bool,
    /// Write no report.html
    #[arg(long)]
    no_report: bool,
}

/// The words for [`PromptPictures`].
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ByWay {
    /// Fetched once by this machine, kept in the output folder, and sent along
    Data,
    /// As their addresses, which the model's server fetches
    Url,
}

impl From<ByWay> for PromptPictures {
    fn from(way: ByWay) -> Self {
        match way {
            ByWay::Data => Self::Data,
            ByWay::Url => Self::Url,
        }
    }
}

/// What a dry run finds.
#[derive(Serialize)]
struct Rehearsed<'a> {
    success: bool,
    dry_run: bool,
    output_dir: &'a Path,
    #[serde(flatten)]
    cost: CostFields,
}

#[derive(Serialize)]
struct CostFields {
    duels: usize,
    already_judged: usize,
    without_preview: usize,
    not_judgeable: usize,
    to_judge: usize,
    calls_at_most: u64,
    bytes_at_most: u64,
    prompts_to_fetch: usize,
}

#[derive(Serialize)]
struct Judged<'a> {
    success: bool,
    output_dir: &'a Path,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let plan = plan(context, described(&arguments)?, arguments.fresh).await?;
    let cost = plan.cost();
    announce(context, &cost);
    for (stem, error) in plan.impossible() {
        context.ui.warning(format!("{stem} cannot be judged: {}", sentence(error)));
    }
    if arguments.dry_run {
        return dry_run(context, &arguments.output_dir, cost);
    }
    let client = client(&arguments, plan.profile().request.clone())?;
    let fetcher = Fetcher::new(FetchLimits::default())?;
    let concurrency =
        Concurrency { duels: usize::from(arguments.concurrency), requests: usize::from(arguments.vlm_concurrency) };
    let means = before::Means {
        fetcher: &fetcher,
        client: client.as_ref(),
        requests: concurrency.requests,
        rehearsal: !arguments.no_rehearsal,
    };
    let before::Prepared { plan, models, rehearsal_calls } = before::prepare(context, plan, means).await?;

    let display = Display::new(&context.ui, plan.cost());
    let clock = SystemClock::start();
    let outcome = gen404_judge::run(plan, &client, &clock, concurrency, &display, context.interrupt.token()).await?;
    drop(display);
    finish(context, &arguments, &outcome, Prior { models, rehearsal_calls, fetcher }).await
}

fn described(arguments: &Arguments) -> Result<Match, CommandError> {
    let mut profile = profile(&arguments.profile)?;
    profile.win_margin = arguments.win_margin.unwrap_or(profile.win_margin);
    let prompts = prompts_file::read(&arguments.prompts_json)?;
    let seed = arguments.seed.or(prompts.seed).ok_or_else(|| {
        CommandError::usage(format!("no --seed, and {} has none either", arguments.prompts_json.display()))
            .with_hint("give the round's seed; any number does for a trial")
    })?;
    for folder in [&arguments.image_dir_1, &arguments.image_dir_2] {
        if !folder.is_dir() {
            return Err(CommandError::usage(format!("{} is not a folder", folder.display())));
        }
    }
    Ok(Match {
        prompts,
        prompts_file: arguments.prompts_json.clone(),
        left: arguments.image_dir_1.clone(),
        right: arguments.image_dir_2.clone(),
        output: arguments.output_dir.clone(),
        profile,
        model: arguments.model.clone(),
        seed,
        prompt_pictures: arguments.prompt_pictures.into(),
    })
}

fn profile(name: &str) -> Result<Profile, CommandError> {
    if let Some(profile) = Profile::built_in(name) {
        return Ok(profile);
    }
    let bytes = std::fs::read(name).map_err(|error| {
        let names = gen404_judge::BUILT_IN.join(" or ");
        CommandError::usage(format!("--profile {name} is neither {names} nor a readable file: {error}"))
    })?;
    let text =
        utf8(&bytes).map_err(|error| CommandError::usage(format!("{name}: {error}")).with_hint("save it as UTF-8"))?;
    Profile::parse(text).map_err(|error| CommandError::from(error).context(name))
}

/// Looks at the disk, which may take some seconds when there are records to check.
async fn plan(context: &Context, described: Match, fresh: bool) -> Result<Plan, CommandError> {
    let folders = [described.left.clone(), described.right.clone()];
    let made = tokio::task::spawn_blocking(move || Plan::make(described, fresh));
    let plan = context.until_interrupted(async { made.await.map_err(|_| CommandError::panicked()) }).await?;
    let Cost { duels, sides_missing, .. } = plan.cost();
    let hint = "`404-cli render` writes <output-dir>/<stem>/white/… for each module of a folder";
    if sides_missing == [duels, duels] {
        let [left, right] = folders.map(|folder| folder.display().to_string());
        return Err(CommandError::usage(format!("neither {left} nor {right} has a folder for any of the prompts"))
            .with_hint(hint));
    }
    for (folder, missing) in folders.iter().zip(sides_missing) {
        if missing == duels {
            context
                .ui
                .warning(format!("{} has no folder for any of the prompts: it loses every duel", folder.display()));
            context.ui.hint(hint);
        }
    }
    Ok(plan)
}

fn announce(context: &Context, cost: &Cost) {
    let counts = [
        (cost.already_judged, "already judged"),
        (cost.without_preview, "without pictures on a side"),
        (cost.impossible, "with missing pictures"),
    ];
    let mut parts = vec![format!("{} duels", cost.duels)];
    parts.extend(counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    if cost.to_judge > 0 {
        let (calls, size) = (cost.calls, megabytes(cost.bytes));
        parts.push(format!("{} to judge: at most {calls} calls and {size} MB to send", cost.to_judge));
    }
    if cost.to_fetch > 0 {
        parts.push(format!("{} prompt pictures to fetch", cost.to_fetch));
    }
    context.ui.status(parts.join(", "));
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

fn dry_run(context: &Context, output_dir: &Path, cost: Cost) -> Result<(), CommandError> {
    let cost = CostFields {
        duels: cost.duels,
        already_judged: cost.already_judged,
        without_preview: cost.without_preview,
        not_judgeable: cost.impossible,
        to_judge: cost.to_judge,
        calls_at_most: cost.calls,
        bytes_at_most: cost.bytes,
        prompts_to_fetch: cost.to_fetch,
    };
    context.ui.result(&Rehearsed { success: true, dry_run: true, output_dir, cost })
}

/// `None` without an endpoint: what is judged already needs none.
fn client(arguments: &Arguments, fields: RequestFields) -> Result<Option<ChatClient>, CommandError> {
    let Some(endpoint) = arguments.endpoint.clone() else { return Ok(None) };
    let settings = ChatSettings {
        api_key: arguments.api_key.clone().filter(|key| !key.expose_secret().is_empty()),
        timeout: Duration::from_secs(arguments.call_timeout),
        transport_retries: arguments.transport_retries,
        fields,
        ..ChatSettings::new(endpoint, arguments.model.clone())
    };
    Ok(Some(ChatClient::new(settings)?))
}

/// What is left of the time before the match.
struct Prior {
    models: Option<Vec<String>>,
    rehearsal_calls: u32,
    /// Knows which prompt pictures were asked for in vain.
    fetcher: Fetcher,
}

/// The match result in words and as JSON, the report, and an honest exit.
async fn finish(
    context: &Context,
    arguments: &Arguments,
    outcome: &Outcome,
    Prior { models, rehearsal_calls, fetcher }: Prior,
) -> Result<(), CommandError> {
    let mut fields = result_fields(outcome);
    fields.insert("rehearsal_calls".to_owned(), rehearsal_calls.into());
    if !outcome.file.results.is_empty() {
        display::result(&context.ui, outcome);
        if !arguments.no_report
            && !outcome.interrupted
            && let Some(page) = page(context, &arguments.output_dir, &fetcher).await?
        {
            fields.insert("report".to_owned(), page.display().to_string().into());
        }
    }
    let failed = outcome.file.failures.len();
    let mut error = match &outcome.first_failure {
        _ if outcome.interrupted => CommandError::interrupted()
            .with_hint("what is judged is kept; run the same command again to go on, or see it with `404-cli report`"),
        None => {
            let judged = Judged { success: true, output_dir: &arguments.output_dir, fields };
            return context.ui.result(&judged);
        }
        Some(failure) => {
            let error = CommandError::from(failure).with_hints(outcome.hint.clone());
            match failed + outcome.file.not_judged {
                1 => error,
                several => error.context(format_args!("{several} duels could not be judged")),
            }
        }
    };
    if let (Some(gen404_judge::Failure::Hopeless(_)), Some(models)) = (&outcome.first_failure, models) {
        error = error.with_hints(before::other_models(&models, &arguments.model));
    }
    error.fields = fields;
    Err(error.with_field("output_dir", arguments.output_dir.display().to_string()))
}

/// The extra keys of the result, and of a failure.
fn result_fields(outcome: &Outcome) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    if let Some(result) = outcome.file.result.as_ref().filter(|_| !outcome.file.results.is_empty()) {
        add("left_wins", result.left_wins.into());
        add("right_wins", result.right_wins.into());
        add("draws", result.draws.into());
        add("score", result.score.into());
        add("win_margin", result.win_margin.into());
        add("score_needed", result.score_needed.into());
        // Without all decisions there is no verdict, and nothing may look like one.
        if let Some(challenger_wins) = result.challenger_wins {
            add("margin", result.margin.into());
            add("margin_low", result.interval.low.into());
            add("margin_high", result.interval.high.into());
            add("challenger_wins", challenger_wins.into());
        }
    }
    add("judged", outcome.judged.into());
    add("failed", outcome.file.failures.len().into());
    add("not_judged", outcome.file.not_judged.into());
    add("calls", outcome.calls.calls.into());
    add("unanswered", outcome.calls.unanswered.into());
    fields
}

/// The page beside the records; a match without one is still a match.
async fn page(context: &Context, output_dir: &Path, fetcher: &Fetcher) -> Result<Option<PathBuf>, CommandError> {
    let request = gen404_report::Request { results: output_dir.to_owned(), ..gen404_report::Request::default() };
    match report::make(context, request, Some(fetcher)).await {
        Ok(written) => {
            context.ui.done(format!("the report is in {}", written.page.display()));
            Ok(Some(written.page))
        }
        Err(error) if error.blame == Blame::Interruption => Err(error),
        Err(error) => {
            context.ui.warning(format!("no report: {}", error.message));
            Ok(None)
        }
    }
}

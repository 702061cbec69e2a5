//! The course of a match from its plan to an honest exit, as every command that judges takes it.
//! Where the pictures come from is the command's business.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gen404_judge::{
    ChatClient, ChatSettings, Concurrency, Cost, Match, Outcome, Plan, Profile, RequestFields, Trait, unlike_answers,
};
use gen404_outside::pictures::{FetchLimits, Fetcher};
use gen404_outside::time::SystemClock;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::before;
use super::display::{self, Display};
use crate::arguments::Judging;
use crate::commands::report;
use crate::context::Context;
use crate::errors::{Blame, CommandError, sentence};
use crate::prompts_file;
use crate::shares::shares;
use crate::text::utf8;

/// A match that a command wants judged.
pub(in crate::commands) struct Course<'a> {
    pub(in crate::commands) context: &'a Context,
    pub(in crate::commands) judging: &'a Judging,
    pub(in crate::commands) endpoints: &'a [Url],
    /// The option that names endpoints.
    pub(in crate::commands) flag: &'static str,
    pub(in crate::commands) output_dir: &'a Path,
    /// Duels at once, for each endpoint.
    pub(in crate::commands) concurrency: u16,
}

/// How a match ended.
pub(in crate::commands) struct Ended {
    /// Keys of the result, or of the failure.
    pub(in crate::commands) fields: Map<String, Value>,
    /// Margin of the challenger, when every duel has a decision.
    pub(in crate::commands) margin: Option<f64>,
    /// Why it is not through.
    pub(in crate::commands) failure: Option<CommandError>,
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
    /// Not known before the pictures are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_at_most: Option<u64>,
    prompts_to_fetch: usize,
}

#[derive(Serialize)]
struct Judged<'a> {
    success: bool,
    output_dir: &'a Path,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Course<'_> {
    /// The match of two folders of pictures.
    pub(in crate::commands) fn contest(
        &self,
        mut profile: Profile,
        left: PathBuf,
        right: PathBuf,
    ) -> Result<Match, CommandError> {
        let judging = self.judging;
        profile.win_margin = judging.win_margin.unwrap_or(profile.win_margin);
        let prompts = prompts_file::read(&judging.prompts_json)?;
        let seed = judging.seed.or(prompts.seed).ok_or_else(|| {
            CommandError::usage(format!("no --seed, and {} has none either", judging.prompts_json.display()))
                .with_hint("give the round's seed; any number does for a trial")
        })?;
        Ok(Match {
            prompts,
            prompts_file: judging.prompts_json.clone(),
            left,
            right,
            output: self.output_dir.to_owned(),
            profile,
            model: judging.model.clone(),
            seed,
            prompt_pictures: judging.prompt_pictures.into(),
        })
    }

    /// Has the plan made, which looks at the disk and may take some seconds when there are records to check.
    pub(in crate::commands) async fn plan(
        &self,
        work: impl FnOnce() -> Result<Plan, CommandError> + Send + 'static,
    ) -> Result<Plan, CommandError> {
        let made = tokio::task::spawn_blocking(work);
        self.context.until_interrupted(async { made.await.map_err(|_| CommandError::panicked())? }).await
    }

    /// Refuses a match without anything on either side, and warns of a side without anything.
    pub(in crate::commands) fn refuse_empty(
        &self,
        plan: &Plan,
        sides: [&Path; 2],
        what: &str,
        hint: &str,
    ) -> Result<(), CommandError> {
        let Cost { duels, sides_missing, .. } = plan.cost();
        if sides_missing == [duels, duels] {
            let [left, right] = sides.map(|side| side.display().to_string());
            return Err(CommandError::usage(format!("neither {left} nor {right} has a {what} for any of the prompts"))
                .with_hint(hint));
        }
        for (side, missing) in sides.iter().zip(sides_missing) {
            if missing == duels {
                let side = side.display();
                self.context.ui.warning(format!("{side} has no {what} for any of the prompts: it loses every duel"));
                self.context.ui.hint(hint);
            }
        }
        Ok(())
    }

    /// Says what the match takes; whether that was all that was asked for.
    pub(in crate::commands) fn says_what_it_takes(&self, plan: &Plan) -> Result<bool, CommandError> {
        announce(self.context, plan);
        for (stem, error) in plan.impossible() {
            self.context.ui.warning(format!("{stem} cannot be judged: {}", sentence(error)));
        }
        if self.judging.dry_run {
            dry_run(self.context, self.output_dir, plan)?;
        }
        Ok(self.judging.dry_run)
    }

    /// Judges what the plan says.
    pub(in crate::commands) async fn go(&self, plan: Plan) -> Result<Ended, CommandError> {
        let (context, judging) = (self.context, self.judging);
        let client = self.client(plan.profile().request.clone())?;
        let fetcher = Fetcher::new(FetchLimits::default())?;
        let each = self.endpoints.len().max(1);
        let concurrency = Concurrency {
            duels: usize::from(self.concurrency) * each,
            requests: usize::from(judging.vlm_concurrency) * each,
        };
        let means = before::Means {
            fetcher: &fetcher,
            client: client.as_ref(),
            flag: self.flag,
            requests: concurrency.requests,
            rehearsal: !judging.no_rehearsal,
        };
        let before::Prepared { plan, models, rehearsal_calls } = before::prepare(context, plan, means).await?;

        let display = Display::new(&context.ui, plan.cost());
        let clock = SystemClock::start();
        let asked = client.as_ref();
        let outcome = gen404_judge::run(plan, &asked, &clock, concurrency, &display, context.interrupt.token()).await?;
        drop(display);
        let mut fields = result_fields(&outcome);
        fields.insert("rehearsal_calls".to_owned(), rehearsal_calls.into());
        if let Some(client) = client.as_ref().filter(|client| client.endpoints() > 1) {
            fields.insert("endpoints".to_owned(), self.endpoints_in_words(client));
        }
        self.end(&outcome, fields, models, &fetcher).await
    }

    /// What each endpoint did, and a warning when they were not alike after all.
    fn endpoints_in_words(&self, client: &ChatClient) -> Value {
        if let Some(unlike) = unlike_answers(&client.heard()) {
            self.context.ui.warning(unlike.to_string());
            self.context.ui.hint(match unlike.what {
                Trait::Fingerprints => "the same model in another configuration may answer otherwise",
                Trait::Models | Trait::Answers => {
                    "two models have judged this match: judge it again with --fresh and endpoints of one"
                }
            });
        }
        shares(client.shares())
    }

    /// A missing, dead or locked endpoint is found out before anything else is spent on a match.
    pub(in crate::commands) async fn greet(&self, profile: &Profile) -> Result<(), CommandError> {
        let client = self.client(profile.request.clone())?.ok_or_else(|| before::missing(self.flag))?;
        before::greet(self.context, &client, &self.judging.model).await.map(drop)
    }

    /// `None` without an endpoint: what is judged already needs none.
    fn client(&self, fields: RequestFields) -> Result<Option<ChatClient>, CommandError> {
        let judging = self.judging;
        let Some(first) = self.endpoints.first().cloned() else { return Ok(None) };
        let settings = ChatSettings {
            endpoints: self.endpoints.to_vec(),
            api_key: judging.api_key.clone().filter(|key| !key.expose_secret().is_empty()),
            timeout: Duration::from_secs(judging.call_timeout),
            transport_retries: judging.transport_retries,
            fields,
            ..ChatSettings::new(first, judging.model.clone())
        };
        Ok(Some(ChatClient::new(settings)?))
    }

    /// The match result in words, the report, and what there is to say about failures.
    async fn end(
        &self,
        outcome: &Outcome,
        mut fields: Map<String, Value>,
        models: Option<Vec<String>>,
        fetcher: &Fetcher,
    ) -> Result<Ended, CommandError> {
        let context = self.context;
        if !outcome.file.results.is_empty() {
            display::result(&context.ui, outcome);
            if !self.judging.no_report
                && !outcome.interrupted
                && let Some(page) = page(context, self.output_dir, fetcher).await?
            {
                fields.insert("report".to_owned(), page.display().to_string().into());
            }
        }
        let decided = outcome.file.result.as_ref().filter(|result| result.challenger_wins.is_some());
        let margin = decided.map(|result| result.margin);
        let failed = outcome.file.failures.len();
        let mut failure = match &outcome.first_failure {
            _ if outcome.interrupted => CommandError::interrupted().with_hint(
                "what is judged is kept; run the same command again to go on, or see it with `404-cli report`",
            ),
            None => return Ok(Ended { fields, margin, failure: None }),
            Some(failure) => {
                let error = CommandError::from(failure).with_hints(outcome.hint.clone());
                match failed + outcome.file.not_judged {
                    1 => error,
                    several => error.context(format_args!("{several} duels could not be judged")),
                }
            }
        };
        if let (Some(gen404_judge::Failure::Hopeless(_)), Some(models)) = (&outcome.first_failure, models) {
            failure = failure.with_hints(before::other_models(&models, &self.judging.model));
        }
        Ok(Ended { fields, margin: None, failure: Some(failure) })
    }
}

/// The one JSON object of a match, and its exit.
pub(in crate::commands) fn tell(context: &Context, output_dir: &Path, ended: Ended) -> Result<(), CommandError> {
    let Ended { fields, failure, .. } = ended;
    match failure {
        None => context.ui.result(&Judged { success: true, output_dir, fields }),
        Some(failure) => {
            let failure = CommandError { fields, ..failure };
            Err(failure.with_field("output_dir", output_dir.display().to_string()))
        }
    }
}

/// A built-in profile, or one of a file.
pub(in crate::commands) fn profile(name: &str) -> Result<Profile, CommandError> {
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

fn announce(context: &Context, plan: &Plan) {
    let cost = plan.cost();
    let counts = [
        (cost.already_judged, "already judged"),
        (cost.without_preview, "without pictures on a side"),
        (cost.impossible, "with missing pictures"),
    ];
    let mut parts = vec![format!("{} duels", cost.duels)];
    parts.extend(counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    if cost.to_judge > 0 {
        let (calls, size) = (cost.calls, megabytes(cost.bytes));
        let sent = if plan.is_on_demand() { String::new() } else { format!(" and {size} MB to send") };
        parts.push(format!("{} to judge: at most {calls} calls{sent}", cost.to_judge));
    }
    if cost.to_fetch > 0 {
        parts.push(format!("{} prompt pictures to fetch", cost.to_fetch));
    }
    context.ui.status(parts.join(", "));
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

fn dry_run(context: &Context, output_dir: &Path, plan: &Plan) -> Result<(), CommandError> {
    let (cost, on_demand) = (plan.cost(), plan.is_on_demand());
    let cost = CostFields {
        duels: cost.duels,
        already_judged: cost.already_judged,
        without_preview: cost.without_preview,
        not_judgeable: cost.impossible,
        to_judge: cost.to_judge,
        calls_at_most: cost.calls,
        bytes_at_most: (!on_demand).then_some(cost.bytes),
        prompts_to_fetch: cost.to_fetch,
    };
    context.ui.result(&Rehearsed { success: true, dry_run: true, output_dir, cost })
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

//! `404-cli match`.

mod artist;
mod drawing;
mod modules;
mod opponent;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use gen404_judge::Plan;
use gen404_outside::http::parse_address;
use gen404_renderer::PictureCache;
use gen404_round::Stem;
use serde_json::{Value, json};
use url::Url;

use self::artist::Artist;
use self::drawing::Drawing;
use self::modules::Modules;
use self::opponent::Opponent;
use super::judge::{Course, Ended, profile, tell};
use super::round::outputs::Of;
use crate::arguments::{Judging, State, StudioArguments};
use crate::context::Context;
use crate::errors::CommandError;
use crate::folders;

/// Judge two folders of modules against each other, and draw only the pictures that a duel needs
///
/// The first folder is the defender (left), the second the challenger (right). Modules are checked, drawn and judged at the same time,
/// with the verdict that `render --views official` and `judge --profile official` would give. Most duels are decided from five pictures
/// a side; every picture is kept by its module, so the leader's are drawn once. A rerun goes on where the last one stopped.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Modules of the defender
    #[arg(long, value_name = "DIR", required_unless_present = "against", conflicts_with = "against")]
    left: Option<PathBuf>,
    /// Whose public outputs are the defender's modules: `leader`, or a hotkey's SS58 address
    #[arg(long, value_name = "WHO")]
    against: Option<Of>,
    /// Modules of the challenger
    #[arg(long, value_name = "DIR")]
    right: PathBuf,
    /// Address of the judge, an OpenAI-compatible server; /v1 is appended unless its path has a version. Give it several times, and they
    /// share the questions. Not needed when every duel is judged already
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    judge: Vec<Url>,
    /// Address of a render service; the built-in renderer is not used then. Give it several times, and they share the work
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    renderer: Vec<Url>,
    /// The round of the public outputs; the newest one with such outputs when not given
    #[arg(long, value_name = "N", requires = "against")]
    round: Option<u64>,
    /// Folder for the records, the pictures and the report; made when missing
    #[arg(long, value_name = "DIR", default_value = "match-results")]
    output_dir: PathBuf,
    /// Folder where pictures are kept by their module [default: pictures in the user's cache folder of this tool]
    #[arg(long, value_name = "DIR")]
    picture_cache: Option<PathBuf>,
    /// Duels at once, for each judge
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Rules and wording: official (what the subnet does), cli, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "official")]
    profile: String,
    #[command(flatten)]
    judging: Judging,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    studio: StudioArguments,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let opponent = match arguments.against {
        Some(of) => Some(context.until_interrupted(Opponent::fetch(context, of, &arguments)).await?),
        None => None,
    };
    let left = match (&opponent, &arguments.left) {
        (Some(opponent), _) => opponent.modules.clone(),
        (None, Some(left)) => left.clone(),
        (None, None) => return Err(CommandError::usage("--left is missing")),
    };
    let mut profile = profile(&arguments.profile)?;
    if let Some(margin) = opponent.as_ref().and_then(|opponent| opponent.win_margin) {
        profile.win_margin = margin;
    }
    let course = Course {
        context,
        judging: &arguments.judging,
        endpoints: &arguments.judge,
        flag: "--judge",
        output_dir: &arguments.output_dir,
        concurrency: arguments.concurrency,
    };
    let pictures = ["left", "right"].map(|side| arguments.output_dir.join(side));
    let contest = course.contest(profile, pictures[0].clone(), pictures[1].clone())?;
    let stems: Vec<Stem> = contest.prompts.prompts.iter().map(|prompt| prompt.stem.clone()).collect();
    if let Some(opponent) = &opponent {
        opponent.refuse_other_prompts(&stems)?;
    }
    let sides = [Modules::read(&left, &stems).await?, Modules::read(&arguments.right, &stems).await?];
    sides.iter().zip(["left", "right"]).for_each(|(modules, side)| modules.tell_refused(&context.ui, side));

    let cache = PictureCache::new(cache_folder(arguments.picture_cache.as_deref())?);
    let artist = Artist::hire(context, &arguments.renderer, &arguments.studio).await?;
    let drawing = Arc::new(Drawing::new(&context.ui, artist, cache, sides, pictures));
    let (source, fresh) = (Arc::clone(&drawing), arguments.judging.fresh);
    let plan = course.plan(move || {
        source.make_room(&stems)?;
        Ok(Plan::with_source(contest, source, fresh))
    });
    let judged = match plan.await {
        Ok(plan) => judge(&course, plan, [&left, &arguments.right]).await,
        Err(error) => Err(error),
    };
    drawing.close().await;
    let Some(mut ended) = judged? else { return Ok(()) };
    let refused = drawing.refused();
    ended.fields.extend(drawing.fields());
    ended.fields.insert("refused".to_owned(), Value::Array(refused));
    if let Some(opponent) = &opponent {
        ended.fields.insert("against".to_owned(), opponent.in_words(ended.margin));
        opponent.tell(&context.ui, ended.margin);
    }
    ended.fields.insert("profile".to_owned(), json!(arguments.profile));
    tell(context, &arguments.output_dir, ended)
}

/// Judges what the plan leaves to be judged; `None` after a dry run.
async fn judge(course: &Course<'_>, plan: Plan, sides: [&Path; 2]) -> Result<Option<Ended>, CommandError> {
    course.refuse_empty(
        &plan,
        sides,
        "usable module",
        "the folders hold <stem>.js for the stems of the prompts file",
    )?;
    if course.says_what_it_takes(&plan)? { Ok(None) } else { course.go(plan).await.map(Some) }
}

fn cache_folder(given: Option<&Path>) -> Result<PathBuf, CommandError> {
    given.map(Path::to_owned).or_else(|| Some(folders::cache()?.join("pictures"))).ok_or_else(|| {
        CommandError::usage("no home folder to keep pictures in").with_hint("name a folder with --picture-cache")
    })
}

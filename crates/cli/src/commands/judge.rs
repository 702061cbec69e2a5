//! `404-cli judge`.

mod before;
mod course;
mod display;
mod stage_line;

use std::path::PathBuf;

use clap::Args;
use gen404_judge::Plan;
use gen404_outside::http::parse_address;
use url::Url;

pub(super) use self::before::prompt_hosts;
pub(super) use self::course::{Course, Ended, profile, tell};
use crate::arguments::Judging;
use crate::context::Context;
use crate::errors::CommandError;

/// Let a vision model compare two folders of renders, prompt by prompt
///
/// The first folder is the defender (left), the second the challenger (right), as `render` writes them: a folder a stem. Each duel
/// goes through up to four stages; the code decides, the model only answers questions about pictures. A rerun judges only what is
/// missing or has changed. docs/judge.md says what each stage does and how to write a profile of your own; `match` takes folders of
/// modules and draws what it needs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Renders of the defender
    #[arg(long, value_name = "DIR")]
    image_dir_1: PathBuf,
    /// Renders of the challenger
    #[arg(long, value_name = "DIR")]
    image_dir_2: PathBuf,
    /// Address of an OpenAI-compatible server; /v1 is appended unless its path has a version. Give it several times, and they share
    /// the questions. Not needed when every duel is judged already
    #[arg(long, value_name = "URL", value_parser = parse_address)]
    endpoint: Vec<Url>,
    /// Folder for the records and the report; made when missing
    #[arg(long, value_name = "DIR", default_value = "judge-results")]
    output_dir: PathBuf,
    /// Duels at once, for each endpoint
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Rules and wording: cli, official (what the subnet does), or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "cli")]
    profile: String,
    #[command(flatten)]
    judging: Judging,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { image_dir_1: left, image_dir_2: right, endpoint, output_dir, concurrency, profile, judging } =
        arguments;
    let course = Course {
        context,
        judging: &judging,
        endpoints: &endpoint,
        flag: "--endpoint",
        output_dir: &output_dir,
        concurrency,
    };
    let profile = course::profile(&profile)?;
    let duels = course.contest(profile, left.clone(), right.clone())?;
    for folder in [&left, &right] {
        if !folder.is_dir() {
            return Err(CommandError::usage(format!("{} is not a folder", folder.display())));
        }
    }
    let fresh = judging.fresh;
    let plan = course.plan(move || Ok(Plan::make(duels, fresh))).await?;
    let hint = "`404-cli render` writes <output-dir>/<stem>/white/… for each module of a folder";
    course.refuse_empty(&plan, [&left, &right], "folder", hint)?;
    if course.says_what_it_takes(&plan)? {
        return Ok(());
    }
    let ended = course.go(plan).await?;
    tell(context, &output_dir, ended)
}

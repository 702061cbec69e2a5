//! `404-cli round outputs`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use futures::StreamExt;
use gen404_competition::files::{Output, Outputs, Prompts};
use gen404_competition::{Look, Player, PlayerFile, Reading, RoundFile, StateFile};
use gen404_outside::disk::{Durability, write_whole};
use gen404_outside::pictures::{FetchLimits, Fetcher, Format};
use gen404_round::standings::LEADER;
use gen404_round::view::ViewSet;
use gen404_round::{Hotkey, Stem};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::fetched::{self, Missed};
use crate::arguments::State;
use crate::competition;
use crate::context::Context;
use crate::errors::{CommandError, sentence};
use crate::ui::Progress;

/// Says in the folder whose files are in it: stems repeat from round to round, with other modules behind them.
const MARK: &str = "outputs.json";

/// The subnet takes no larger module.
const LARGEST_MODULE: usize = 1 << 20;

/// Files on their way at the same time.
const AT_ONCE: usize = 6;

/// Fetch the public outputs of the leader or of a miner: what to train and rehearse against
///
/// The modules as the subnet keeps them, `<stem>.js`, and with --pictures their views, laid out as render does it: a
/// folder for `judge --profile official`. A second run fetches only what is missing.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Whose outputs: `leader`, or a hotkey's SS58 address
    #[arg(long, value_name = "WHO")]
    of: Of,
    /// Folder to put them into; it holds the outputs of one player in one round
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Also fetch the pictures of every module
    #[arg(long)]
    pictures: bool,
    /// The round; the newest one with such outputs when not given
    #[arg(long, value_name = "N")]
    round: Option<u64>,
    #[command(flatten)]
    state: State,
}

/// Whose outputs.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Of(Player);

impl FromStr for Of {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == LEADER {
            return Ok(Self(Player::Leader));
        }
        let hotkey: Hotkey = text.parse().map_err(|error| format!("neither `leader` nor a hotkey: {error}"))?;
        Ok(Self(Player::Miner(hotkey)))
    }
}

impl Of {
    pub(in crate::commands) fn name(self) -> String {
        match self.0 {
            Player::Leader => LEADER.to_owned(),
            Player::Miner(hotkey) => hotkey.to_string(),
        }
    }

    fn file(self, round: u64) -> StateFile {
        let file = match self.0 {
            Player::Leader => PlayerFile::Generated(1),
            Player::Miner(_) => PlayerFile::Submitted,
        };
        StateFile::Player(round, self.0, file)
    }
}

/// The result.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Report {
    success: bool,
    pub(in crate::commands) round: u64,
    of: String,
    dir: PathBuf,
    modules: usize,
    /// Modules with pictures, if they were asked for.
    pictures: Option<usize>,
    /// Prompts without a module, as the subnet tells it.
    failed: Vec<Missed>,
    /// Prompts that the file says nothing about (yet).
    pub(in crate::commands) absent: Option<usize>,
}

/// A file to fetch.
struct Wanted {
    name: String,
    url: Url,
    path: PathBuf,
    kind: FileKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FileKind {
    /// With its size, where the state says it.
    Module(Option<usize>),
    Picture,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { of, dir, pictures, round, state } = arguments;
    let client = competition::client(state)?;
    let look = client.look(Timestamp::now());
    let found = find(&look, *of, *round).await?;
    let report = have(context, &look, state, Wish { of: *of, dir, pictures: *pictures }, found).await?;
    context.ui.result(&report)
}

/// What is to be had of the outputs that were found.
pub(in crate::commands) struct Wish<'a> {
    pub(in crate::commands) of: Of,
    pub(in crate::commands) dir: &'a Path,
    pub(in crate::commands) pictures: bool,
}

/// Fetches whatever of a player's outputs is not in the folder yet.
pub(in crate::commands) async fn have(
    context: &Context,
    look: &Look<'_>,
    state: &State,
    Wish { of, dir, pictures }: Wish<'_>,
    (round, outputs): (u64, Outputs),
) -> Result<Report, CommandError> {
    let prompts = look.read::<Prompts>(StateFile::Round(round, RoundFile::Prompts), Timestamp::MIN).await.ok();
    let prompts = prompts.as_ref().and_then(|seen| seen.there()).map(|prompts| prompts.prompts.len());
    take(dir, round, of, &outputs)?;

    let may_be_here = state.state_url.is_this_machine();
    let (mut wanted, mut missed) = (Vec::new(), Vec::new());
    for name in &outputs.unreadable {
        missed.push(Missed { name: name.clone(), reason: "its entry makes no sense".to_owned() });
    }
    let mut modules = 0;
    let mut drawn = 0;
    for (stem, output) in &outputs.entries {
        let Some(js) = &output.js else { continue };
        modules += 1;
        let size = usize::try_from(output.size).ok().filter(|size| *size > 0);
        wanted.push(Wanted {
            name: format!("{stem}.js"),
            url: js.clone(),
            path: dir.join(format!("{stem}.js")),
            kind: FileKind::Module(size),
        });
        if let Some(views) = output.views.as_ref().filter(|_| pictures) {
            drawn += 1;
            wanted.extend(views_of(stem, views, dir));
        }
    }
    let (wanted, refused): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|wanted| fetched::is_allowed(&wanted.url, may_be_here));
    missed.extend(
        refused.into_iter().map(|wanted| Missed { name: wanted.name, reason: fetched::NOT_ALLOWED.to_owned() }),
    );
    let count = wanted.len() + missed.len();
    missed.extend(fetch(context, wanted).await?);
    fetched::all_or_nothing(count, "files", &missed)?;
    let failed = outputs.entries.iter().filter(|(_, output)| output.js.is_none()).map(failure).collect();
    let report = Report {
        success: true,
        round,
        of: of.name(),
        dir: dir.to_owned(),
        modules,
        pictures: pictures.then_some(drawn),
        failed,
        absent: prompts.map(|prompts| prompts.saturating_sub(outputs.entries.len())),
    };
    context.ui.done(format!("{modules} modules of {} in round {round}: {}", report.of, dir.display()));
    if !report.failed.is_empty() {
        context.ui.status(format!("{} prompts failed there", report.failed.len()));
    }
    if let Some(absent) = report.absent.filter(|absent| *absent > 0) {
        context
            .ui
            .warning(format!("{absent} prompts are not in the file: it is written in steps, so run it again later"));
    }
    Ok(report)
}

fn failure((stem, output): &(Stem, Output)) -> Missed {
    let reason = output.failure_reason.clone().unwrap_or_else(|| "no reason given".to_owned());
    Missed { name: stem.to_string(), reason }
}

/// The player's file in a round: in the one that was asked for, else in the current one, else in the one before.
pub(in crate::commands) async fn find(
    look: &Look<'_>,
    of: Of,
    round: Option<u64>,
) -> Result<(u64, Outputs), CommandError> {
    let rounds = if let Some(round) = round {
        vec![round]
    } else {
        let current = competition::state_now(look).await?.current_round;
        [Some(current), current.checked_sub(1)].into_iter().flatten().collect()
    };
    for round in &rounds {
        let seen = look.read::<Outputs>(of.file(*round), Timestamp::MAX).await?;
        match seen.reading {
            // A leader whose pods have died has an empty file.
            Reading::There(outputs) if outputs.entries.is_empty() && outputs.unreadable.is_empty() => {}
            Reading::There(outputs) => return Ok((*round, outputs)),
            Reading::NotThere => {}
            Reading::Unreadable(unreadable) => {
                return Err(CommandError::service(format!("{}: {unreadable}", of.file(*round).path()))
                    .with_hint("it may be being written: try again in a minute"));
            }
        }
    }
    let rounds: Vec<_> = rounds.iter().map(ToString::to_string).collect();
    Err(CommandError::failed(format!("there are no outputs of {} in round {}", of.name(), rounds.join(" or ")))
        .with_hint("outputs are published from the stage `downloading` on, the leader's from `duels` on"))
}

/// Takes the folder for this player and round, or refuses it when it holds something else.
fn take(dir: &Path, round: u64, of: Of, outputs: &Outputs) -> Result<(), CommandError> {
    let mark = dir.join(MARK);
    let ours = json!({"round": round, "of": of.name()});
    match std::fs::read(&mark) {
        Ok(text) if serde_json::from_slice::<Value>(&text).ok().as_ref() == Some(&ours) => return Ok(()),
        Ok(_) => {
            return Err(CommandError::usage(format!("{} holds the outputs of another player or round", dir.display()))
                .with_hint("choose another --dir"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(CommandError::usage(format!("cannot read {}: {error}", mark.display()))),
    }
    if let Some((stem, _)) = outputs.entries.iter().find(|(stem, _)| dir.join(format!("{stem}.js")).exists()) {
        return Err(CommandError::usage(format!("{} has a {stem}.js of unknown origin", dir.display()))
            .with_hint("choose another --dir"));
    }
    write_whole(&mark, format!("{ours}\n").as_bytes(), Durability::Whole)
        .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", mark.display())))
}

/// The pictures of one module, where `render` would put them.
fn views_of(stem: &Stem, views: &Url, dir: &Path) -> impl Iterator<Item = Wanted> {
    let (folder, stem) = (dir.join(stem.as_str()), stem.clone());
    let base = views.clone();
    // The subnet keeps what its own pipeline draws.
    ViewSet::Official.pictures().into_iter().map(move |picture| {
        let name = format!("{picture}.png");
        let mut url = base.clone();
        url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
        Wanted { name: format!("{stem}/{name}"), url, path: folder.join(&name), kind: FileKind::Picture }
    })
}

/// Fetches whatever is not there yet.
async fn fetch(context: &Context, wanted: Vec<Wanted>) -> Result<Vec<Missed>, CommandError> {
    let fetcher = Fetcher::new(FetchLimits::default())?;
    let total = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
    let progress: Progress = context.ui.progress(Some(total), "fetching");
    let fetcher = &fetcher;
    let files = wanted.into_iter().map(|wanted| async move { (one(fetcher, &wanted).await, wanted.name) });
    let mut files = futures::stream::iter(files).buffer_unordered(AT_ONCE);
    let (mut missed, mut done) = (Vec::new(), 0);
    while let Some((outcome, name)) = files.next().await {
        done += 1;
        progress.update(done, &name);
        if let Err(reason) = outcome {
            missed.push(Missed { name, reason });
        }
    }
    Ok(missed)
}

async fn one(fetcher: &Fetcher, wanted: &Wanted) -> Result<(), String> {
    if std::fs::read(&wanted.path).is_ok_and(|bytes| check(&bytes, wanted.kind).is_ok()) {
        return Ok(());
    }
    let bytes = fetcher.bytes(&wanted.url).await.map_err(|error| sentence(&error))?;
    check(&bytes, wanted.kind)?;
    write_whole(&wanted.path, &bytes, Durability::Whole)
        .map_err(|error| format!("cannot write {}: {error}", wanted.path.display()))
}

/// Whether these bytes can be the file.
fn check(bytes: &[u8], kind: FileKind) -> Result<(), String> {
    match kind {
        FileKind::Module(_) if bytes.len() > LARGEST_MODULE => Err("larger than any module may be".to_owned()),
        FileKind::Module(Some(size)) if bytes.len() != size => {
            Err(format!("{} bytes, though the state says {size}", bytes.len()))
        }
        FileKind::Module(_) => Ok(()),
        FileKind::Picture if Format::of(bytes) == Some(Format::Png) => Ok(()),
        FileKind::Picture => Err("not a PNG picture".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_must_be_what_the_state_says() {
        assert!(check(b"ab", FileKind::Module(Some(2))).is_ok());
        assert!(check(b"ab", FileKind::Module(Some(3))).is_err());
        assert!(check(b"", FileKind::Module(None)).is_ok());
        assert!(check(&vec![0; LARGEST_MODULE + 1], FileKind::Module(None)).is_err());
        assert!(check(b"<html>", FileKind::Picture).is_err());
    }

    #[test]
    fn pictures_lie_below_the_address_of_the_views() {
        let views: Url = "https://h/rounds/1/x/submitted/a1".parse().expect("a URL");
        let wanted: Vec<_> = views_of(&"a1".parse().expect("a stem"), &views, Path::new("d")).collect();
        assert_eq!(wanted.len(), 13);
        assert!(
            wanted.iter().any(|file| file.url.as_str() == "https://h/rounds/1/x/submitted/a1/white/front_below.png")
        );
        assert_eq!(wanted[12].path, Path::new("d/a1/grid.png"));
    }
}

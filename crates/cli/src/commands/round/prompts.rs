//! `404-cli round prompts`.

use std::path::{Path, PathBuf};

use clap::Args;
use gen404_competition::files::{Config, Prompts, Seed, Stage};
use gen404_competition::{Look, Reading, RoundFile, Seen, StateFile};
use gen404_outside::disk::{Durability, write_whole};
use gen404_outside::pictures::{FetchLimits, Fetcher, Shelf};
use gen404_round::{Prompt, PromptImage};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use url::Url;

use super::fetched::{self, Missed};
use crate::arguments::State;
use crate::competition;
use crate::context::Context;
use crate::errors::{CommandError, sentence};

/// Write a round's prompts and seed as a prompts file for generate and judge
///
/// Stems, addresses of the pictures, and the seed, as published when the window closes. With --download also the pictures
/// themselves, under their stems; a second run fetches only what is missing.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Folder to put the pictures into as well
    #[arg(long, value_name = "DIR")]
    download: Option<PathBuf>,
    /// The round; the current one when not given
    #[arg(long, value_name = "N")]
    round: Option<u64>,
    #[command(flatten)]
    state: State,
}

/// The result.
#[derive(Debug, Serialize)]
struct Report {
    success: bool,
    round: u64,
    prompts: usize,
    seed: u64,
    file: PathBuf,
    /// Pictures in the folder, if they were asked for.
    pictures: Option<usize>,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { output, download, round, state } = arguments;
    let client = competition::client(state)?;
    let look = client.look(Timestamp::now());
    let round = match round {
        Some(round) => *round,
        None => current(&look).await?,
    };
    let (seed, prompts) = published(&look, round).await?;
    let list: Vec<_> =
        prompts.prompts.iter().map(|prompt| json!({"stem": prompt.stem, "image_url": prompt.image_url})).collect();
    let count = list.len();
    if let Some(expected) = expected(&look).await.filter(|expected| *expected != count) {
        context.ui.warning(format!("{count} prompts, though the configuration says {expected} a round"));
    }
    let text = format!("{}\n", json!({"prompts": list, "seed": seed.seed}));
    write_whole(output, text.as_bytes(), Durability::Whole)
        .map_err(|error| CommandError::failed(format!("cannot write {}: {error}", output.display())))?;
    context.ui.done(format!("{count} prompts of round {round}, seed {}: {}", seed.seed, output.display()));
    let pictures = match download {
        Some(folder) => Some(pictures(context, &prompts.prompts, folder, state.state_url.is_this_machine()).await?),
        None => None,
    };
    context.ui.result(&Report { success: true, round, prompts: count, seed: seed.seed, file: output.clone(), pictures })
}

/// The current round. Prompts of another one would be the wrong ones to generate for.
async fn current(look: &Look<'_>) -> Result<u64, CommandError> {
    let state = competition::state_now(look).await?;
    let round = state.current_round;
    if state.stage != Stage::Open {
        return Ok(round);
    }
    let error = CommandError::failed(format!("the prompts of round {round} are not published: its window is open"));
    Err(match round.checked_sub(1) {
        Some(before) => error.with_hint(format!("those of the round before: --round {before}")),
        None => error,
    })
}

/// Seed and prompts, both whole: with one prompt less, a duel would be lost.
async fn published(look: &Look<'_>, round: u64) -> Result<(Seed, Prompts), CommandError> {
    let file = |file| StateFile::Round(round, file);
    let (seed, prompts) = futures::try_join!(
        look.read::<Seed>(file(RoundFile::Seed), Timestamp::MAX),
        look.read::<Prompts>(file(RoundFile::Prompts), Timestamp::MAX),
    )?;
    let seed = whole(seed, round, RoundFile::Seed)?;
    let prompts = whole(prompts, round, RoundFile::Prompts)?;
    if prompts.unfinished.is_some() {
        return Err(CommandError::service(format!("the prompts of round {round} are being written"))
            .with_hint("try again in a minute"));
    }
    if let Some(line) = prompts.unusable.first() {
        return Err(CommandError::service(format!(
            "line {line} of round {round}'s prompts is not the address of a picture, or repeats a stem ({} such lines)",
            prompts.unusable.len()
        )));
    }
    if prompts.prompts.is_empty() {
        return Err(CommandError::service(format!("the prompts of round {round} are empty")));
    }
    Ok((seed, prompts))
}

fn whole<T>(seen: Seen<T>, round: u64, file: RoundFile) -> Result<T, CommandError> {
    match seen.reading {
        Reading::There(content) => Ok(content),
        Reading::NotThere => {
            Err(CommandError::failed(format!("round {round} has no {}: it is not published", file.name())))
        }
        Reading::Unreadable(unreadable) => {
            Err(CommandError::service(format!("{} of round {round}: {unreadable}", file.name()))
                .with_hint("try again in a minute"))
        }
    }
}

async fn expected(look: &Look<'_>) -> Option<usize> {
    let config = look.read::<Config>(StateFile::Config, Timestamp::MIN).await.ok()?;
    config.there()?.prompts_per_round
}

/// Fetches the pictures; returns how many there are.
async fn pictures(
    context: &Context,
    prompts: &[Prompt],
    folder: &Path,
    may_be_here: bool,
) -> Result<usize, CommandError> {
    let fetcher = Fetcher::new(FetchLimits::default())?;
    let shelf = Shelf::beside(folder);
    let mut missed = Vec::new();
    let mut wanted: Vec<(&Prompt, Url)> = Vec::new();
    for prompt in prompts {
        match &prompt.image {
            PromptImage::Url(url) if fetched::is_allowed(url, may_be_here) => wanted.push((prompt, url.clone())),
            PromptImage::Url(_) | PromptImage::Path(_) => {
                missed.push(Missed { name: prompt.stem.to_string(), reason: fetched::NOT_ALLOWED.to_owned() });
            }
        }
    }
    context.ui.status(format!("fetching {} prompt pictures into {}", wanted.len(), folder.display()));
    for (prompt, picture) in fetcher.fetch_all(&shelf, wanted).await {
        let named = match picture {
            Ok(path) => fetched::name(&path, folder, prompt.stem.as_str()).map_err(|error| error.to_string()),
            Err(error) => Err(sentence(&error)),
        };
        if let Err(reason) = named {
            missed.push(Missed { name: prompt.stem.to_string(), reason });
        }
    }
    fetched::all_or_nothing(prompts.len(), "pictures", &missed)
}

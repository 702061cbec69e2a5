//! `404-cli match`.

mod artist;
mod drawing;
mod modules;
mod opponent;
mod playing;

use std::path::PathBuf;

use clap::Args;
use gen404_round::Stem;

use super::judge::tell;
use super::round::outputs::Of;
use crate::arguments::State;
use crate::context::Context;
use crate::errors::CommandError;
use crate::prompts_file;

pub(in crate::commands) use self::opponent::Opponent;
pub(in crate::commands) use self::playing::{Player, Playing};

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
    /// The round of the public outputs; the newest one with such outputs when not given
    #[arg(long, value_name = "N", requires = "against")]
    round: Option<u64>,
    /// Folder for the records, the pictures and the report; made when missing
    #[arg(long, value_name = "DIR", default_value = "match-results")]
    output_dir: PathBuf,
    #[command(flatten)]
    playing: Playing,
    #[command(flatten)]
    state: State,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let output_dir = &arguments.output_dir;
    // The parser lets it pass beside an option that excludes --against.
    if arguments.round.is_some() && arguments.against.is_none() {
        return Err(CommandError::usage("--round is the round of public outputs: it needs --against"));
    }
    let opponent = match arguments.against {
        Some(of) => Some(Opponent::fetch(context, of, arguments.round, &arguments.state, output_dir).await?),
        None => None,
    };
    if let Some(opponent) = &opponent {
        let prompts = prompts_file::read(&arguments.playing.judging.prompts_json)?;
        let stems: Vec<Stem> = prompts.prompts.into_iter().map(|prompt| prompt.stem).collect();
        opponent.refuse_other_prompts(&stems)?;
    }
    let left = match (&opponent, &arguments.left) {
        (Some(opponent), _) => &opponent.modules,
        (None, Some(left)) => left,
        (None, None) => return Err(CommandError::usage("--left is missing")),
    };
    let win_margin = opponent.as_ref().and_then(|opponent| opponent.win_margin);
    let player = Player::new(context, &arguments.playing, win_margin)?;
    let ended = player.play([left, &arguments.right], output_dir).await;
    player.close().await;
    let Some(mut ended) = ended? else { return Ok(()) };
    if let Some(opponent) = &opponent {
        ended.fields.insert("against".to_owned(), opponent.in_words(ended.margin));
        opponent.tell(&context.ui, ended.margin);
    }
    tell(context, output_dir, ended)
}

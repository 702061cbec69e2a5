//! `404-cli match`.

mod artist;
mod drawing;
mod modules;
mod opponent;
mod playing;

use std::path::PathBuf;

use clap::Args;

use super::judge::tell;
use crate::context::Context;
use crate::errors::CommandError;
use crate::prompts_file;

pub(in crate::commands) use self::opponent::Defender;
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
    /// Modules of the challenger
    #[arg(long, value_name = "DIR")]
    right: PathBuf,
    /// Folder for the records, the pictures and the report; made when missing
    #[arg(long, value_name = "DIR", default_value = "match-results")]
    output_dir: PathBuf,
    #[command(flatten)]
    playing: Playing,
    #[command(flatten)]
    defender: Defender,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), CommandError> {
    let output_dir = &arguments.output_dir;
    let prompts = prompts_file::read(&arguments.playing.judging.prompts_json)?;
    let opponent = arguments.defender.fetch(context, &prompts.prompts, output_dir).await?;
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

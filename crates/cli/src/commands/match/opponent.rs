//! The public outputs of somebody in a round as the defender of a match, and what the round would say of the margin against them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use gen404_competition::files::Config;
use gen404_competition::{Look, Recomputed, RoundFiles, StateFile, recompute};
use gen404_round::duel::WinMargin;
use gen404_round::standings::LEADER;
use gen404_round::{Prompt, Stem};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arguments::State;
use crate::commands::round::outputs::{self, Of, Wish};
use crate::competition;
use crate::context::Context;
use crate::errors::CommandError;
use crate::ui::Ui;

/// A defender that is named by its public outputs.
#[derive(Debug, Args)]
pub(in crate::commands) struct Defender {
    /// Whose public outputs are the defender's modules: `leader`, or a hotkey's SS58 address
    #[arg(long, value_name = "WHO")]
    against: Option<Of>,
    /// The round of the public outputs; the newest one with such outputs when not given
    #[arg(long, value_name = "N", requires = "against")]
    round: Option<u64>,
    #[command(flatten)]
    state: State,
}

impl Defender {
    /// The defender with its modules, when it is named like this; for exactly these prompts.
    pub(in crate::commands) async fn fetch(
        &self,
        context: &Context,
        prompts: &[Prompt],
        output_dir: &Path,
    ) -> Result<Option<Opponent>, CommandError> {
        let Some(of) = self.against else {
            // The parser lets it pass beside an option that excludes --against.
            return match self.round {
                None => Ok(None),
                Some(_) => Err(CommandError::usage("--round is the round of public outputs: it needs --against")),
            };
        };
        let fetching = Opponent::fetch(context, of, self.round, &self.state, output_dir);
        let opponent = context.until_interrupted(fetching).await?;
        opponent.refuse_other_prompts(prompts)?;
        Ok(Some(opponent))
    }
}

/// Somebody to play against.
pub(in crate::commands) struct Opponent {
    name: String,
    round: u64,
    /// Folder of the modules.
    pub(in crate::commands) modules: PathBuf,
    /// Prompts of the round as far as the outputs have them, failed ones too.
    stems: BTreeSet<Stem>,
    /// The margin of the competition's configuration.
    pub(in crate::commands) win_margin: Option<WinMargin>,
    /// The round's own standings, where its files are there and the opponent is the leader.
    standings: Option<Recomputed>,
}

impl Opponent {
    /// Fetches the modules, and what the state says about the round.
    async fn fetch(
        context: &Context,
        of: Of,
        round: Option<u64>,
        state: &State,
        output_dir: &Path,
    ) -> Result<Self, CommandError> {
        let client = competition::client(state)?;
        let look = client.look(Timestamp::now());
        let found = outputs::find(&look, of, round).await?;
        let round = found.0;
        let stems = found.1.entries.iter().map(|(stem, _)| stem.clone()).collect();
        let modules = output_dir.join(format!("{}-{round}", of.name()));
        let wish = Wish { of, dir: &modules, pictures: false };
        let report = outputs::have(context, &look, state, wish, found).await?;
        // What is not in the file yet is not lost.
        if let Some(absent) = report.absent.filter(|absent| *absent > 0) {
            return Err(CommandError::service(format!(
                "the outputs of {} in round {round} are not complete: {absent} prompts are not in the file yet",
                of.name()
            ))
            .with_hint("the file is written in steps: try again later"));
        }
        let (win_margin, standings) = (win_margin(&look).await, standings(&look, round).await);
        let standings = standings.filter(|_| of.name() == LEADER);
        Ok(Self { name: of.name(), round, modules, stems, win_margin, standings })
    }

    /// Outputs of other prompts would lose every duel.
    fn refuse_other_prompts(&self, prompts: &[Prompt]) -> Result<(), CommandError> {
        let stems = prompts.iter().map(|prompt| &prompt.stem);
        let foreign: Vec<&Stem> = stems.filter(|stem| !self.stems.contains(*stem)).collect();
        let Some(first) = foreign.first() else { return Ok(()) };
        let Self { name, round, .. } = self;
        Err(CommandError::usage(format!(
            "{} of {} prompts are not among those of {name} in round {round} ({first})",
            foreign.len(),
            prompts.len(),
        ))
        .with_hint(format!("`404-cli round prompts --round {round} -o prompts.json` writes the prompts of that round")))
    }

    /// The key `against` of the result.
    pub(in crate::commands) fn in_words(&self, margin: Option<f64>) -> Value {
        let mut words = json!({"who": self.name, "round": self.round});
        if let Some((standings, margin)) = self.standings.as_ref().zip(margin) {
            let (place, of) = place(standings, margin);
            words["place"] = json!(place);
            words["of"] = json!(of);
            words["winner"] = json!(standings.standings.winner);
        }
        words
    }

    /// The same for people.
    pub(in crate::commands) fn tell(&self, ui: &Ui, margin: Option<f64>) {
        if let Some((standings, margin)) = self.standings.as_ref().zip(margin) {
            let (place, of) = place(standings, margin);
            let (round, winner) = (self.round, &standings.standings.winner);
            ui.status(format!(
                "place {place} of {of} by margin against the leader in round {round} (won by {winner} so far)"
            ));
        }
    }
}

/// The place that this margin would have among the margins against the leader, and how many there are with it.
fn place(recomputed: &Recomputed, margin: f64) -> (usize, usize) {
    let margins: Vec<f64> =
        recomputed.standings.candidates.iter().filter_map(|candidate| candidate.against_leader).collect();
    (1 + margins.iter().filter(|other| **other > margin).count(), 1 + margins.len())
}

async fn win_margin(look: &Look<'_>) -> Option<WinMargin> {
    let config = look.read::<Config>(StateFile::Config, Timestamp::MIN).await.ok()?;
    WinMargin::try_from(config.there()?.win_margin?).ok()
}

/// A round whose files say nothing yet has no standings, which is no failure of this match.
async fn standings(look: &Look<'_>, round: u64) -> Option<Recomputed> {
    let files = RoundFiles::load(look, round).await.ok()?;
    recompute(&files, None).ok()
}

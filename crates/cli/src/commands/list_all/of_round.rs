//! `list-all --round`: what counts for one round, in the order in which it plays, with the verdict of each hotkey.

use std::str::FromStr;

use comfy_table::{ContentArrangement, Table, presets};
use gen404_chain::Chain;
use gen404_competition::files::Schedule;
use gen404_competition::{Look, Reading, RoundFile, RoundWindow, StateFile};
use gen404_round::{AccountId, BlockNumber, Hotkey, LinedUp};
use jiff::Timestamp;
use serde::Serialize;

use super::{Arguments, WIDEST_CELL};
use crate::chain_status::ChainStatus;
use crate::competition;
use crate::context::Context;
use crate::entrants::{self, Entrants, Revealed, cell};
use crate::errors::CommandError;
use gen404_round::lock::Lock;

/// Whose reveals are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum RoundChoice {
    /// Everybody's newest, whatever the round.
    #[default]
    All,
    /// The round that the state names.
    Current,
    /// The round after it, whose end is not published.
    Next,
    /// One by its number.
    Number(u64),
}

impl FromStr for RoundChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "current" => Ok(Self::Current),
            "next" => Ok(Self::Next),
            number => number.parse().map(Self::Number).map_err(|_| "neither a number nor current, next or all"),
        }
    }
}

/// One line: the keys of `list-all`, and what becomes of the hotkey in this round.
#[derive(Debug, Serialize)]
struct Line<'a> {
    hotkey: Hotkey,
    commit_hash: &'a Option<String>,
    commit_block: Option<BlockNumber>,
    repo: &'a Option<String>,
    repo_block: Option<BlockNumber>,
    cdn_url: &'a Option<String>,
    cdn_block: Option<BlockNumber>,
    coldkey: Option<AccountId>,
    #[serde(flatten)]
    lock: Lock,
    round: u64,
    verdict: &'static str,
    place: Option<usize>,
    reason: &'a Option<String>,
}

pub(super) async fn list(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { table, required_lock, subtensor, state, round, _wallet: _ } = arguments;
    let status = ChainStatus::new(&context.ui, gen404_chain::Wait::Inclusion);
    let client = competition::client(state)?;
    let look = client.look(Timestamp::now());
    let (chain, found) = futures::join!(Chain::connect(subtensor.connect_options(), &status), window(&look, *round));
    let chain = chain?;
    competition::require(state, &chain, subtensor.netuid)?;
    let (RoundWindow { round, window }, is_over) = found?;
    let entrants = entrants::read(&chain, subtensor.netuid, window, *required_lock, &status).await?;
    let end = window.latest.map_or_else(|| "on, its end not published yet".to_owned(), |latest| format!("to {latest}"));
    context.ui.status(format!(
        "round {round}, block {} {end}: {} of {} hotkeys with reveals take part, at block {}",
        window.earliest,
        entrants.admitted(),
        entrants.line.len(),
        entrants.block
    ));
    if is_over {
        context.ui.warning(
            "the chain keeps the ten newest reveals of a hotkey, and registrations and locks are those of now: what counted \
             then is in the round's submissions.json",
        );
    }
    warn(context, &entrants);
    let revealed: Vec<(Revealed, &LinedUp)> = entrants.line.iter().map(|lined| (lined.into(), lined)).collect();
    let lines = revealed.iter().map(|(revealed, lined)| line(round, revealed, lined));
    if *table {
        return context.ui.document(&format!("{}\n", draw(lines, context.ui.columns())));
    }
    for line in lines {
        context.ui.result(&line)?;
    }
    Ok(())
}

fn warn(context: &Context, entrants: &Entrants) {
    if let Some(reason) = &entrants.unknown_locks {
        context.ui.warning(format!("owners and locks are unknown: {reason}"));
    }
    for lined in entrants.breaking() {
        context.ui.warning(format!(
            "{}: {}; until somebody repairs it, it reads nobody's reveals",
            lined.entrant.hotkey,
            Revealed::from(lined).reason.unwrap_or_default()
        ));
    }
}

/// The window that is meant, and whether it is that of a round before the current one.
async fn window(look: &Look<'_>, choice: RoundChoice) -> Result<(RoundWindow, bool), CommandError> {
    let current = competition::state_now(look).await?.current_round;
    let next = current.saturating_add(1);
    let round = match choice {
        RoundChoice::All | RoundChoice::Current => current,
        RoundChoice::Next => next,
        RoundChoice::Number(round) => round,
    };
    if round > next {
        return Err(CommandError::usage(format!("nothing is known of round {round}: the current one is {current}")));
    }
    let schedule = schedule(look, round.min(current)).await?;
    let window = if round == next { schedule.next_window() } else { schedule.window() };
    Ok((RoundWindow { round, window }, round < current))
}

async fn schedule(look: &Look<'_>, round: u64) -> Result<Schedule, CommandError> {
    let file = StateFile::Round(round, RoundFile::Schedule);
    match look.read::<Schedule>(file, Timestamp::MAX).await?.reading {
        Reading::There(schedule) if schedule.is_in_order() => Ok(schedule),
        Reading::There(_) => Err(CommandError::service(format!("{}: its blocks are not in order", file.path()))),
        Reading::NotThere => Err(CommandError::failed(format!("{} is not published", file.path()))),
        Reading::Unreadable(unreadable) => Err(CommandError::service(format!("{}: {unreadable}", file.path()))),
    }
}

fn line<'a>(round: u64, revealed: &'a Revealed, lined: &LinedUp) -> Line<'a> {
    Line {
        hotkey: lined.entrant.hotkey,
        commit_hash: &revealed.commit,
        commit_block: revealed.commit_block,
        repo: &revealed.repo,
        repo_block: revealed.repo_block,
        cdn_url: &revealed.cdn_url,
        cdn_block: revealed.cdn_block,
        coldkey: lined.entrant.coldkey,
        lock: Lock::new(lined.entrant.locked, lined.required_lock),
        round,
        verdict: revealed.verdict,
        place: revealed.place,
        reason: &revealed.reason,
    }
}

fn draw<'a>(lines: impl Iterator<Item = Line<'a>>, columns: Option<u16>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(["place", "block", "hotkey", "commit", "repo", "cdn", "coldkey", "lock", "verdict"]);
    if let Some(columns) = columns {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    let shown =
        |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), |text| cell(text, WIDEST_CELL));
    for line in lines {
        table.add_row([
            line.place.map_or_else(|| "-".to_owned(), |place| place.to_string()),
            line.commit_block.map_or_else(|| "-".to_owned(), |block| block.to_string()),
            line.hotkey.to_string(),
            shown(line.commit_hash),
            shown(line.repo),
            shown(line.cdn_url),
            line.coldkey.map_or_else(|| "?".to_owned(), |coldkey| coldkey.to_string()),
            line.lock.to_string(),
            match line.reason {
                None => line.verdict.to_owned(),
                Some(reason) => format!("{}: {}", line.verdict.replace('_', " "), cell(reason, 2 * WIDEST_CELL)),
            },
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_named_or_numbered() {
        for (text, choice) in [
            ("all", RoundChoice::All),
            ("current", RoundChoice::Current),
            ("next", RoundChoice::Next),
            ("53", RoundChoice::Number(53)),
        ] {
            assert_eq!(text.parse(), Ok(choice));
        }
        assert!("-1".parse::<RoundChoice>().is_err() && "".parse::<RoundChoice>().is_err());
    }
}

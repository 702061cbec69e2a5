//! `404-cli list-all`.

mod of_round;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use gen404_chain::{Chain, ReadError, Wait};
use gen404_round::{AccountId, BlockNumber, Hotkey, Latest};
use serde::Serialize;

use crate::arguments::{State, Subtensor, UnusedWallet};
use crate::chain_status::ChainStatus;
use crate::context::Context;
use crate::entrants::cell;
use crate::errors::CommandError;
use crate::locks;
use gen404_round::lock::{Lock, Rho};
use of_round::RoundChoice;

/// Longest text of a stranger that a table's cell shows, in characters.
const WIDEST_CELL: usize = 64;

/// Show what every hotkey has revealed, ordered by the block of its commit
///
/// One JSON object a line, for each hotkey that has revealed a commit hash. With --round only what counts for that round, in
/// the order in which it plays, and the verdict of each hotkey. Needs no wallet (its options are accepted and ignored). See
/// docs/commit.md.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Show a table instead of JSON
    #[arg(long)]
    table: bool,
    /// Lock that a coldkey needs on the subnet for each of its hotkeys listed, in ρ
    #[arg(long, value_name = "RHO", default_value_t = Rho::whole(100))]
    required_lock: Rho,
    /// List what counts for a round: its number, current or next; all is the newest of everybody, whatever the round
    #[arg(long, value_name = "N|current|next|all", default_value = "all")]
    round: RoundChoice,
    #[command(flatten)]
    subtensor: Subtensor,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    _wallet: UnusedWallet,
}

/// One line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    hotkey: Hotkey,
    commit_hash: &'a str,
    commit_block: BlockNumber,
    repo: Option<&'a str>,
    repo_block: Option<BlockNumber>,
    cdn_url: Option<&'a str>,
    cdn_block: Option<BlockNumber>,
    coldkey: Option<AccountId>,
    #[serde(flatten)]
    lock: Lock,
}

pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    match arguments.round {
        RoundChoice::All => context.until_interrupted(list(context, arguments)).await,
        _ => context.until_interrupted(Box::pin(of_round::list(context, arguments))).await,
    }
}

async fn list(context: &Context, arguments: &Arguments) -> Result<(), CommandError> {
    let Arguments { table, required_lock, subtensor, round: _, state: _, _wallet: _ } = arguments;
    let status = ChainStatus::new(&context.ui, Wait::Inclusion);
    let chain = Chain::connect(subtensor.connect_options(), &status).await?;
    let list = chain.reveals(subtensor.netuid, &status).await?;

    let mut committed: Vec<_> =
        list.hotkeys.iter().filter_map(|of| Some((of.hotkey, of.fields.commit.as_ref()?, &of.fields))).collect();
    committed.sort_by_key(|(hotkey, commit, _)| (commit.block, *hotkey));
    context.ui.status(format!(
        "{} of {} hotkeys with reveals have a commit hash, at block {}",
        committed.len(),
        list.hotkeys.len(),
        list.block
    ));
    let hotkeys: Vec<_> = committed.iter().map(|(hotkey, ..)| *hotkey).collect();
    let owned = match locks::read(&chain, &hotkeys, subtensor.netuid, *required_lock, &status).await {
        Ok(owned) => owned,
        // A chain that does not know owners is one thing; one that did not answer would make known locks look unknown.
        Err(ReadError::Incompatible(error)) => {
            context.ui.warning(format!("owners and locks are unknown: {error}"));
            locks::unknown(&hotkeys)
        }
        Err(error) => return Err(error.into()),
    };

    let lines = committed.into_iter().zip(owned).map(|((hotkey, commit, fields), (coldkey, lock))| Line {
        hotkey,
        commit_hash: &commit.value,
        commit_block: commit.block,
        repo: value(fields.repo.as_ref()),
        repo_block: fields.repo.as_ref().map(|latest| latest.block),
        cdn_url: value(fields.cdn_url.as_ref()),
        cdn_block: fields.cdn_url.as_ref().map(|latest| latest.block),
        coldkey,
        lock,
    });
    if *table {
        return context.ui.document(&format!("{}\n", draw(lines, context.ui.columns())));
    }
    for line in lines {
        context.ui.result(&line)?;
    }
    Ok(())
}

fn value(latest: Option<&Latest>) -> Option<&str> {
    latest.map(|latest| latest.value.as_str())
}

/// As wide as it must be, or as the terminal is: long cells then go on in a line below.
fn draw<'a>(lines: impl Iterator<Item = Line<'a>>, columns: Option<u16>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_header(["block", "hotkey", "commit", "repo", "cdn", "coldkey", "lock"]);
    if let Some(columns) = columns {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    for line in lines {
        table.add_row([
            line.commit_block.to_string(),
            line.hotkey.to_string(),
            cell(line.commit_hash, WIDEST_CELL),
            cell(line.repo.unwrap_or("-"), WIDEST_CELL),
            cell(line.cdn_url.unwrap_or("-"), WIDEST_CELL),
            line.coldkey.map_or_else(|| "?".to_owned(), |coldkey| coldkey.to_string()),
            line.lock.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_the_terminal() {
        let hotkey = AccountId([7; 32]);
        let line = || Line {
            hotkey,
            commit_hash: "5b1e56b263464daec34aae0ce9fee7c609a4eb07",
            commit_block: 123_456,
            repo: Some("owner/a-repository-of-some-length"),
            repo_block: Some(1),
            cdn_url: Some("https://cdn.example.com/a-folder-of-some-length"),
            cdn_block: Some(1),
            coldkey: None,
            lock: locks::unknown(&[hotkey]).remove(0).1,
        };
        let width = |columns| draw(std::iter::once(line()), columns).lines().map(|line| line.chars().count()).max();
        assert!(width(None) > Some(140));
        assert!(width(Some(80)) <= Some(80));
    }
}

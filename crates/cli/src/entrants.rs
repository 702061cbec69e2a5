//! Who has revealed what for a round, as the chain shows it now, in the order in which the collector would line them up.
//! Puts the chain's answers and the rules of `round` together.

use std::collections::HashMap;

use gen404_chain::{Chain, Event, ReadError};
use gen404_outside::observer::Observer;
use gen404_outside::text::is_harmful;
use gen404_round::{
    AccountId, Admission, BlockNumber, Entrant, Hotkey, InvalidSubmission, Latest, LinedUp, Netuid, Verdict, Window,
    collect, line_up,
};
use serde::Serialize;

use crate::locks::locked_rao;
use gen404_round::lock::{Lock, Rho};

/// Everybody with a reveal inside a window.
#[derive(Debug)]
pub(crate) struct Entrants {
    /// The block at which it was read.
    pub(crate) block: BlockNumber,
    /// In line: those who take part first.
    pub(crate) line: Vec<LinedUp>,
    /// Why nothing is known about owners and locks, if so.
    pub(crate) unknown_locks: Option<String>,
}

/// Reads everybody's reveals inside a window.
pub(crate) async fn read(
    chain: &Chain,
    netuid: Netuid,
    window: Window,
    required: Rho,
    observer: &dyn Observer<Event>,
) -> Result<Entrants, ReadError> {
    let histories = chain.reveal_histories(netuid, window.earliest, observer).await?;
    let collected: Vec<_> = histories
        .hotkeys
        .iter()
        // Who has revealed only after the window is none of them.
        .filter(|history| history.reveals.iter().any(|(_, block)| window.contains(*block)))
        .map(|history| {
            let reveals = history.reveals.iter().map(|(payload, block)| (payload.as_slice(), *block));
            (history.hotkey, collect(&history.hotkey.to_string(), window, reveals))
        })
        .collect();
    let hotkeys: Vec<Hotkey> = collected.iter().map(|(hotkey, _)| *hotkey).collect();
    let registered = chain.registered(&hotkeys, netuid, observer).await?;
    let (owned, unknown_locks) = owners(chain, &hotkeys, netuid, observer).await?;
    let entrants = collected.into_iter().zip(registered).zip(owned);
    let entrants = entrants
        .map(|(((hotkey, collected), registered), (coldkey, locked))| Entrant {
            hotkey,
            collected,
            registered,
            coldkey,
            locked,
        })
        .collect();
    Ok(Entrants { block: histories.block, line: line_up(entrants, required.rao()), unknown_locks })
}

/// Coldkey and locked amount.
type Owned = (Option<AccountId>, Option<u64>);

/// Coldkey of each hotkey and what it has locked, in the same order; and why nothing is known, if so.
pub(crate) async fn owners(
    chain: &Chain,
    hotkeys: &[Hotkey],
    netuid: Netuid,
    observer: &dyn Observer<Event>,
) -> Result<(Vec<Owned>, Option<String>), ReadError> {
    match known_owners(chain, hotkeys, netuid, observer).await {
        Ok(owned) => Ok((owned, None)),
        // A chain that knows no owners is one thing; one that did not answer would make known locks look unknown.
        Err(ReadError::Incompatible(error)) => Ok((vec![(None, None); hotkeys.len()], Some(error.to_string()))),
        Err(error) => Err(error),
    }
}

async fn known_owners(
    chain: &Chain,
    hotkeys: &[Hotkey],
    netuid: Netuid,
    observer: &dyn Observer<Event>,
) -> Result<Vec<Owned>, ReadError> {
    let owners = chain.owners(hotkeys, observer).await?;
    let mut coldkeys: Vec<AccountId> = owners.iter().flatten().copied().collect();
    coldkeys.sort_unstable();
    coldkeys.dedup();
    let answers = chain.coldkey_locks(&coldkeys, netuid, observer).await?;
    let locks: HashMap<_, _> = coldkeys.into_iter().zip(answers).collect();
    let lock = |coldkey: AccountId| locks.get(&coldkey).copied().and_then(locked_rao);
    Ok(owners.into_iter().map(|owner| (owner, owner.and_then(lock))).collect())
}

impl Entrants {
    /// Where a hotkey stands, if it has revealed anything.
    pub(crate) fn find(&self, hotkey: Hotkey) -> Option<&LinedUp> {
        self.line.iter().find(|lined| lined.entrant.hotkey == hotkey)
    }

    /// How many take part, as things stand.
    pub(crate) fn admitted(&self) -> usize {
        self.line.iter().filter(|lined| matches!(lined.admission, Admission::Admitted { .. })).count()
    }

    /// The hotkeys whose reveals the collector does not survive: while there is one, nobody's are read.
    pub(crate) fn breaking(&self) -> impl Iterator<Item = &LinedUp> {
        self.line.iter().filter(|lined| matches!(lined.entrant.collected.verdict, Verdict::Breaks(_)))
    }

    /// What a coldkey needs to have locked once this hotkey of it has a submission as well.
    pub(crate) fn required_with(&self, hotkey: Hotkey, coldkey: AccountId, required: Rho) -> u64 {
        let others = self
            .line
            .iter()
            .map(|lined| &lined.entrant)
            .filter(|entrant| entrant.needs_lock() && entrant.coldkey == Some(coldkey) && entrant.hotkey != hotkey);
        let count = u64::try_from(others.count()).unwrap_or(u64::MAX);
        required.rao().saturating_mul(count.saturating_add(1))
    }
}

/// What a hotkey has revealed for a round and what becomes of it, as keys of a JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Revealed {
    pub(crate) commit: Option<String>,
    pub(crate) commit_block: Option<BlockNumber>,
    pub(crate) repo: Option<String>,
    pub(crate) repo_block: Option<BlockNumber>,
    pub(crate) cdn_url: Option<String>,
    pub(crate) cdn_block: Option<BlockNumber>,
    /// `admitted`, or what keeps it out.
    pub(crate) verdict: &'static str,
    /// Place in line, from 1, as things stand.
    pub(crate) place: Option<usize>,
    /// Why it does not take part.
    pub(crate) reason: Option<String>,
}

impl Revealed {
    /// For a hotkey that has revealed nothing inside the window.
    pub(crate) fn nothing() -> Self {
        let reason = Some("nothing revealed inside the window".to_owned());
        Self { verdict: "nothing_revealed", reason, ..Self::default() }
    }
}

impl From<&LinedUp> for Revealed {
    fn from(lined: &LinedUp) -> Self {
        let fields = &lined.entrant.collected.fields;
        let value = |latest: &Option<Latest>| latest.as_ref().map(|latest| latest.value.clone());
        let block = |latest: &Option<Latest>| latest.as_ref().map(|latest| latest.block);
        let (verdict, reason) = verdict(lined);
        Self {
            commit: value(&fields.commit),
            commit_block: block(&fields.commit),
            repo: value(&fields.repo),
            repo_block: block(&fields.repo),
            cdn_url: value(&fields.cdn_url),
            cdn_block: block(&fields.cdn_url),
            verdict,
            place: match lined.admission {
                Admission::Admitted { place } => Some(place),
                Admission::NoSubmission | Admission::NotRegistered | Admission::LockTooSmall { .. } => None,
            },
            reason,
        }
    }
}

/// The verdict's name in JSON, and why the hotkey does not take part.
fn verdict(lined: &LinedUp) -> (&'static str, Option<String>) {
    match (&lined.entrant.collected.verdict, lined.admission) {
        (Verdict::Incomplete { missing }, _) => {
            let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
            ("incomplete", Some(format!("not revealed inside the window: {}", missing.join(", "))))
        }
        (Verdict::Invalid(faults), _) => {
            let faults: Vec<_> = faults.iter().map(InvalidSubmission::to_string).collect();
            ("invalid", Some(faults.join("; ")))
        }
        (Verdict::Breaks(breakage), _) => ("breaks_collector", Some(breakage.to_string())),
        (Verdict::Counts(_), Admission::NotRegistered) => {
            ("not_registered", Some("the hotkey is not registered on the subnet".to_owned()))
        }
        (Verdict::Counts(_), Admission::LockTooSmall { required }) => {
            let lock = Lock::new(lined.entrant.locked, Some(required));
            ("lock_too_small", Some(format!("its coldkey has locked {lock} ρ, counting all its hotkeys in the round")))
        }
        (Verdict::Counts(_), Admission::Admitted { .. } | Admission::NoSubmission) => ("admitted", None),
    }
}

/// A stranger's text on one line of so many characters, with nothing in it that moves a cursor.
pub(crate) fn cell(text: &str, widest: usize) -> String {
    let mut characters = text.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c });
    let mut shown: String = characters.by_ref().take(widest).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_one_short_line() {
        assert_eq!(cell("owner/name", 64), "owner/name");
        assert_eq!(cell("a\nb\t\u{1b}[2J", 64), "a\u{fffd}b\u{fffd}\u{fffd}[2J");
        assert_eq!(cell("txt.\u{202e}exe", 64), "txt.\u{fffd}exe");
        assert_eq!(cell(&"ü".repeat(65), 64), format!("{}…", "ü".repeat(64)));
    }
}

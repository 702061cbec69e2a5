//! Who takes part in a round and in which order: registration and lock, then the block of the commit's reveal.
//! Knows no chain: what it says of a hotkey comes in as values.

use std::collections::HashMap;

use super::{Collected, Submission, Verdict};
use crate::{AccountId, Hotkey};

/// A hotkey that has revealed something inside a round's window, with what the chain says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// Who.
    pub hotkey: Hotkey,
    /// What it has revealed, and what the collector makes of it.
    pub collected: Collected,
    /// Whether it is registered on the subnet.
    pub registered: bool,
    /// Who owns it.
    pub coldkey: Option<AccountId>,
    /// What the coldkey has locked; `None` where the chain knows no locks, and nobody can say what it lacks.
    pub locked: Option<u64>,
}

/// Whether an entrant takes part, as things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It does.
    Admitted {
        /// Its place in line, from 1.
        place: usize,
    },
    /// Its reveals are no submission: see its verdict.
    NoSubmission,
    /// It is not registered.
    NotRegistered,
    /// Its coldkey has too little locked for all its hotkeys with a submission: none of them takes part.
    LockTooSmall {
        /// What the coldkey needs.
        required: u64,
    },
}

/// An entrant with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinedUp {
    /// Who, and what it has revealed.
    pub entrant: Entrant,
    /// Whether it takes part.
    pub admission: Admission,
    /// What its coldkey needs for all its hotkeys with a submission; `None` for whoever needs no lock.
    pub required_lock: Option<u64>,
}

impl Entrant {
    /// Its submission, if its reveals are one.
    pub fn submission(&self) -> Option<&Submission> {
        match &self.collected.verdict {
            Verdict::Counts(submission) => Some(submission),
            Verdict::Incomplete { .. } | Verdict::Invalid(_) | Verdict::Breaks(_) => None,
        }
    }

    /// Whether it needs a lock: it is registered and has a submission.
    pub fn needs_lock(&self) -> bool {
        self.registered && self.submission().is_some()
    }
}

/// Lines up entrants, which must come in the chain's order: those who take part in the order in which they play, then the
/// others. `required_lock` is what a coldkey needs for each of its hotkeys with a submission.
pub fn line_up(entrants: Vec<Entrant>, required_lock: u64) -> Vec<LinedUp> {
    let mut hotkeys: HashMap<AccountId, u64> = HashMap::new();
    for coldkey in entrants.iter().filter(|entrant| entrant.needs_lock()).filter_map(|entrant| entrant.coldkey) {
        *hotkeys.entry(coldkey).or_default() += 1;
    }
    let mut line: Vec<LinedUp> = entrants
        .into_iter()
        .map(|entrant| {
            let count = entrant.coldkey.and_then(|coldkey| hotkeys.get(&coldkey)).filter(|_| entrant.needs_lock());
            let required = count.map(|count| required_lock.saturating_mul(*count));
            LinedUp { admission: admission(&entrant, required), required_lock: required, entrant }
        })
        .collect();
    // Stable: within a block the chain's order decides.
    line.sort_by_key(|lined| match (lined.admission, lined.entrant.submission()) {
        (Admission::Admitted { .. }, Some(submission)) => (0, submission.reveal_block),
        _ => (1, 0),
    });
    for (index, lined) in line.iter_mut().enumerate() {
        if let Admission::Admitted { place } = &mut lined.admission {
            *place = index + 1;
        }
    }
    line
}

fn admission(entrant: &Entrant, required_lock: Option<u64>) -> Admission {
    if entrant.submission().is_none() {
        return Admission::NoSubmission;
    }
    if !entrant.registered {
        return Admission::NotRegistered;
    }
    match (entrant.locked, required_lock) {
        (Some(locked), Some(required)) if locked < required => Admission::LockTooSmall { required },
        _ => Admission::Admitted { place: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockNumber, Window, collect};

    const WINDOW: Window = Window { earliest: 100, latest: Some(200) };

    fn entrant(hotkey: u8, coldkey: u8, locked: u64, block: BlockNumber) -> Entrant {
        let text = format!(r#"{{"repo":"a/b","commit":"{}","cdn_url":"https://c"}}"#, "a".repeat(40));
        let length = u16::try_from(text.len()).expect("short");
        let payload = [&((length << 2) | 1).to_le_bytes()[..], text.as_bytes()].concat();
        let hotkey = AccountId([hotkey; 32]);
        Entrant {
            hotkey,
            collected: collect(&hotkey.to_string(), WINDOW, [(payload.as_slice(), block)]),
            registered: true,
            coldkey: Some(AccountId([coldkey; 32])),
            locked: Some(locked),
        }
    }

    fn lined(entrants: Vec<Entrant>) -> Vec<(u8, Admission)> {
        line_up(entrants, 100).into_iter().map(|lined| (lined.entrant.hotkey.0[0], lined.admission)).collect()
    }

    #[test]
    fn earlier_reveals_play_first_and_the_chains_order_decides_within_a_block() {
        let line = lined(vec![entrant(3, 3, 100, 150), entrant(1, 1, 100, 150), entrant(2, 2, 100, 100)]);
        let at = |place| Admission::Admitted { place };
        assert_eq!(line, [(2, at(1)), (3, at(2)), (1, at(3))]);
    }

    #[test]
    fn a_lock_too_small_drops_all_hotkeys_of_the_coldkey_and_only_submissions_need_it() {
        let outside = entrant(4, 9, 199, 99);
        let stranger = Entrant { registered: false, ..entrant(5, 9, 199, 120) };
        let line =
            lined(vec![entrant(1, 9, 199, 110), entrant(2, 9, 199, 120), outside.clone(), entrant(3, 8, 99, 100)]);
        let small = |required| Admission::LockTooSmall { required };
        assert_eq!(line, [(1, small(200)), (2, small(200)), (4, Admission::NoSubmission), (3, small(100))]);
        // Neither the one outside the window nor the one that is not registered needs any.
        let line = lined(vec![entrant(1, 9, 100, 110), outside, stranger]);
        let others = [(4, Admission::NoSubmission), (5, Admission::NotRegistered)];
        assert_eq!(line, [&[(1, Admission::Admitted { place: 1 })][..], &others].concat());
    }

    #[test]
    fn an_unknown_lock_keeps_nobody_out() {
        let unknown = Entrant { locked: None, ..entrant(1, 1, 0, 110) };
        assert_eq!(lined(vec![unknown]), [(1, Admission::Admitted { place: 1 })]);
    }
}

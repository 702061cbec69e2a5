//! Who meets whom, and who wins: the order of matches, and a cheap rule in place of the judge. Pure.
//!
//! A duel goes to the larger module, unless the other is nearly as large. That is no judgement of beauty: it is the same on every
//! machine, takes no time, and lets a careful pipeline beat a coarse one, which is all that a rehearsal needs.

use std::collections::BTreeMap;

/// The defender that a round begins with.
pub(super) const LEADER: &str = "leader";

/// Sizes whose smaller is more than this share of the larger are a draw.
const NEARLY: f64 = 0.9;

/// Bytes of each module that somebody has, by stem.
pub(super) type Sizes = BTreeMap<String, usize>;

/// One duel, seen from the challenger.
pub(super) fn duel(left: Option<usize>, right: Option<usize>) -> i64 {
    let is_nearly = |smaller: usize, larger: usize| {
        #[expect(clippy::cast_precision_loss, reason = "modules have a million bytes at most")]
        let (smaller, larger) = (smaller as f64, larger as f64);
        smaller >= larger * NEARLY
    };
    match (left, right) {
        (None, None) => 0,
        (Some(_), None) => -1,
        (None, Some(_)) => 1,
        (Some(left), Some(right)) if is_nearly(left.min(right), left.max(right)) => 0,
        (Some(left), Some(right)) => {
            if right > left {
                1
            } else {
                -1
            }
        }
    }
}

/// A match over the prompts of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Match {
    pub(super) score: i64,
    pub(super) margin: f64,
    /// Whether one side had nothing at all, so that nobody judged.
    pub(super) is_walk_over: bool,
}

pub(super) fn play(stems: &[&str], left: &Sizes, right: &Sizes) -> Match {
    let size = |side: &Sizes, stem: &str| side.get(stem).copied();
    let walk_over = |margin| Match { score: 0, margin, is_walk_over: true };
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return walk_over(0.0),
        (true, false) => return walk_over(1.0),
        (false, true) => return walk_over(-1.0),
        (false, false) => {}
    }
    let score: i64 = stems.iter().map(|stem| duel(size(left, stem), size(right, stem))).sum();
    #[expect(clippy::cast_precision_loss, reason = "a round has a few hundred prompts at most")]
    let margin = score as f64 / stems.len().max(1) as f64;
    Match { score, margin, is_walk_over: false }
}

/// What the matches so far ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// This match.
    Match { left: String, right: String },
    /// Nothing: who has beaten whom, in order. The last one has won.
    Decided(Vec<Won>),
}

/// A challenger that has beaten the defender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Won {
    pub(super) hotkey: String,
    pub(super) defender: String,
}

/// The next match of a round whose hotkeys play in this order.
pub(super) fn next(order: &[String], rows: &[(String, String, f64)], win_margin: f64) -> Next {
    let margin = |left: &str, right: &str| rows.iter().find(|row| row.0 == left && row.1 == right).map(|row| row.2);
    let pair = |left: &str, right: &str| Next::Match { left: left.to_owned(), right: right.to_owned() };
    if let Some(hotkey) = order.iter().find(|hotkey| margin(LEADER, hotkey).is_none()) {
        return pair(LEADER, hotkey);
    }
    let mut won: Vec<Won> = Vec::new();
    for hotkey in order.iter().filter(|hotkey| margin(LEADER, hotkey).is_some_and(|margin| margin >= win_margin)) {
        let defender = won.last().map_or(LEADER, |won| won.hotkey.as_str()).to_owned();
        match margin(&defender, hotkey) {
            None => return pair(&defender, hotkey),
            Some(margin) if margin >= win_margin => won.push(Won { hotkey: hotkey.clone(), defender }),
            Some(_) => {}
        }
    }
    Next::Decided(won)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_module_wins_and_who_has_none_loses() {
        for (left, right, result) in [
            (None, None, 0),
            (Some(9), None, -1),
            (None, Some(1), 1),
            (Some(100), Some(90), 0),
            (Some(100), Some(89), -1),
            (Some(89), Some(100), 1),
        ] {
            assert_eq!(duel(left, right), result, "{left:?} {right:?}");
        }
        let sizes = |pairs: &[(&str, usize)]| pairs.iter().map(|(stem, size)| ((*stem).to_owned(), *size)).collect();
        let (small, large): (Sizes, Sizes) = (sizes(&[("a", 10), ("b", 10)]), sizes(&[("a", 50)]));
        let stems = ["a", "b", "c", "d"];
        assert_eq!(play(&stems, &small, &large), Match { score: 0, margin: 0.0, is_walk_over: false });
        assert_eq!(play(&stems, &sizes(&[]), &large).margin.total_cmp(&1.0), std::cmp::Ordering::Equal);
        assert!(play(&stems, &small, &sizes(&[])).is_walk_over);
    }

    #[test]
    fn all_meet_the_leader_and_then_each_qualified_one_the_defender() {
        let order = ["a", "b", "c"].map(str::to_owned);
        let mut rows = Vec::new();
        let mut played = Vec::new();
        // b loses to the leader, c beats a.
        let margins = [("leader", "a", 0.07), ("leader", "b", 0.069), ("leader", "c", 0.5), ("a", "c", 0.1)];
        let won = loop {
            match next(&order, &rows, 0.07) {
                Next::Match { left, right } => {
                    let margin = margins.iter().find(|known| known.0 == left && known.1 == right).expect("foreseen").2;
                    played.push((left.clone(), right.clone()));
                    rows.push((left, right, margin));
                }
                Next::Decided(won) => break won,
            }
        };
        assert_eq!(played.len(), 4, "{played:?}");
        let won: Vec<_> = won.iter().map(|won| (won.hotkey.as_str(), won.defender.as_str())).collect();
        assert_eq!(won, [("a", "leader"), ("c", "a")]);
    }
}

//! One question asked in both orders, so that a preference for the first place cancels out.
//! A is the left side, B the right one, whatever the order they were shown in.

use gen404_round::duel::{Compared, PairDetail};

use crate::reply::Penalties;

/// The answers to both orders.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    /// A was shown first.
    pub(crate) ab: Penalties,
    /// B was shown first.
    pub(crate) ba: Penalties,
}

impl Pair {
    pub(crate) fn penalty_a(&self) -> f64 {
        f64::midpoint(self.ab.first, self.ba.second)
    }

    pub(crate) fn penalty_b(&self) -> f64 {
        f64::midpoint(self.ab.second, self.ba.first)
    }

    /// A minus B.
    pub(crate) fn difference(&self) -> f64 {
        self.penalty_a() - self.penalty_b()
    }

    /// At least one answer could not be had.
    pub(crate) fn failed(&self) -> bool {
        self.ab.is_stand_in() || self.ba.is_stand_in()
    }

    /// The two orders name different sides. Naming none contradicts nothing.
    pub(crate) fn orders_disagree(&self) -> bool {
        let (ab, ba) = (self.ab.first - self.ab.second, self.ba.second - self.ba.first);
        (ab < 0.0 && ba > 0.0) || (ab > 0.0 && ba < 0.0)
    }

    /// For the record.
    pub(crate) fn detail(&self) -> PairDetail {
        PairDetail {
            contradictory: Some(self.failed() || self.orders_disagree()),
            json_failed: Some(self.failed()),
            ab: Some([self.ab.first, self.ab.second]),
            ba: Some([self.ba.second, self.ba.first]),
            notes: Some([self.ab.issues.clone(), self.ba.issues.clone()]),
        }
    }

    /// For the record.
    pub(crate) fn compared(&self) -> Compared {
        Compared {
            penalty_a: self.penalty_a(),
            penalty_b: self.penalty_b(),
            view_a: None,
            view_b: None,
            pair: self.detail(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Answers given as penalties of A and B in both orders.
    pub(crate) fn pair(ab: [f64; 2], ba: [f64; 2]) -> Pair {
        let penalties = |first, second| Penalties { first, second, issues: "i".to_owned() };
        Pair { ab: penalties(ab[0], ab[1]), ba: penalties(ba[1], ba[0]) }
    }

    /// Both orders say the same.
    pub(crate) fn agreed(a: f64, b: f64) -> Pair {
        pair([a, b], [a, b])
    }

    #[test]
    fn penalties_are_averaged_over_the_orders() {
        let pair = Pair {
            ab: Penalties { first: 3.0, second: 6.0, issues: "x".to_owned() },
            ba: Penalties { first: 5.0, second: 2.0, issues: "y".to_owned() },
        };
        assert_eq!((pair.penalty_a(), pair.penalty_b(), pair.difference()), (2.5, 5.5, -3.0));
        let detail = pair.detail();
        assert_eq!((detail.ab, detail.ba), (Some([3.0, 6.0]), Some([2.0, 5.0])));
    }

    #[test]
    fn orders_disagree_only_when_they_name_different_sides() {
        for (ab, ba, disagree) in [
            ([3.0, 6.0], [2.0, 5.0], false),
            ([3.0, 6.0], [6.0, 3.0], true),
            ([6.0, 3.0], [3.0, 6.0], true),
            ([3.0, 3.0], [6.0, 3.0], false),
            ([3.0, 6.0], [4.0, 4.0], false),
            ([3.0, 3.0], [4.0, 4.0], false),
        ] {
            assert_eq!(pair(ab, ba).orders_disagree(), disagree, "{ab:?} {ba:?}");
        }
    }
}

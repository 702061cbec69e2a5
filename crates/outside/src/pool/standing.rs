//! How the endpoints of a pool stand, and which of them gets the next piece of work: plain decisions over times that come in
//! as values. Nobody is asked here.

use std::time::{Duration, Instant};

/// How long a sick endpoint is left alone; doubled with each failure in a row.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// What was measured counts half after so long without news: a slow endpoint gets another chance.
const HALF_LIFE: Duration = Duration::from_secs(15);
/// So many failures in a row that may have been the work's are the endpoint's.
const DOUBTS: u32 = 3;
/// Weight of the newest measurement in the mean.
const NEWEST: f64 = 0.3;

/// Who gets the next piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Ask {
        member: usize,
        /// It has failed last and has to prove itself.
        on_trial: bool,
    },
    /// All that are left rest for so long, or prove themselves.
    Wait(Option<Duration>),
    /// Nobody is left.
    Nobody,
}

#[derive(Debug, Default)]
struct Standing {
    /// Pieces of work under way.
    under_way: u32,
    /// Smoothed seconds of a piece of work, and when the last was measured.
    takes: Option<(f64, Instant)>,
    /// Failures since it was last well.
    failures: u32,
    /// Failures that may have been the work's, since it was last well.
    doubts: u32,
    rests_until: Option<Instant>,
    sick_since: Option<Instant>,
    done: u64,
    failed: u64,
}

#[derive(Debug)]
pub(super) struct Standings {
    members: Vec<Standing>,
    /// Takes turns among equals.
    next: usize,
}

impl Standings {
    pub(super) fn new(members: usize) -> Self {
        Self { members: (0..members).map(|_| Standing::default()).collect(), next: 0 }
    }

    pub(super) fn tallies(&self) -> impl Iterator<Item = (u64, u64)> {
        self.members.iter().map(|member| (member.done, member.failed))
    }

    /// Takes the member for a piece of work that is likely to be through first, of those that were not passed over.
    pub(super) fn choose(&mut self, passed_over: &[bool], now: Instant) -> Choice {
        let left = || (0..self.members.len()).filter(|member| !passed_over[*member]);
        if left().next().is_none() {
            return Choice::Nobody;
        }
        let alone = self.members.len() == 1;
        let may_be_asked = |member: &usize| alone || self.members[*member].may_be_asked(now);
        let usual = self.usual(now);
        let count = self.members.len();
        let turn = |member: usize| (member + count - self.next) % count;
        let cost = |member: usize| self.members[member].cost(usual, now);
        let best = left()
            .filter(may_be_asked)
            .min_by(|one, other| cost(*one).total_cmp(&cost(*other)).then(turn(*one).cmp(&turn(*other))));
        let Some(member) = best else {
            let rests = left().filter_map(|member| self.members[member].rests_until);
            return Choice::Wait(
                rests.map(|until| until.saturating_duration_since(now)).filter(|rest| !rest.is_zero()).min(),
            );
        };
        self.next = (member + 1) % count;
        self.take(member);
        Choice::Ask { member, on_trial: !alone && self.members[member].failures > 0 }
    }

    /// The member begins a piece of work.
    pub(super) fn take(&mut self, member: usize) {
        self.members[member].under_way += 1;
    }

    /// What a piece of work takes somebody who was not measured yet.
    fn usual(&self, now: Instant) -> f64 {
        let known: Vec<f64> = self.members.iter().filter_map(|member| member.seconds(now)).collect();
        let count = u32::try_from(known.len().max(1)).expect("few members");
        if known.is_empty() { 1.0 } else { known.iter().sum::<f64>() / f64::from(count) }
    }

    /// The member has answered; how long that took counts when it did the work.
    pub(super) fn note_well(&mut self, member: usize, took: Option<Duration>, now: Instant) {
        let standing = &mut self.members[member];
        standing.under_way -= 1;
        standing.done += 1;
        standing.failures = 0;
        standing.doubts = 0;
        standing.rests_until = None;
        standing.sick_since = None;
        if let Some(took) = took.map(|took| took.as_secs_f64()) {
            let mean = standing.takes.map_or(took, |(mean, _)| mean + NEWEST * (took - mean));
            standing.takes = Some((mean, now));
        }
    }

    /// The member has failed at work that began at `since`. Returns its rest when that is news.
    pub(super) fn note_failed(
        &mut self,
        member: usize,
        wished: Option<Duration>,
        since: Instant,
        now: Instant,
    ) -> Option<Duration> {
        let standing = &mut self.members[member];
        standing.under_way -= 1;
        standing.failed += 1;
        // Work that was under way when it fell sick fails of the same cause.
        let known = standing.sick_since.is_some_and(|sick| since < sick);
        if known && wished.is_none() { None } else { Some(self.note_sick(member, wished, now)) }
    }

    /// The member has failed, or the work is bad: it counts as sick when that goes on.
    pub(super) fn note_doubt(&mut self, member: usize, since: Instant, now: Instant) -> Option<Duration> {
        let standing = &mut self.members[member];
        standing.doubts += 1;
        if standing.doubts >= DOUBTS || standing.failures > 0 {
            return self.note_failed(member, None, since, now);
        }
        standing.under_way -= 1;
        standing.failed += 1;
        None
    }

    /// The member is left alone for a while.
    pub(super) fn note_sick(&mut self, member: usize, wished: Option<Duration>, now: Instant) -> Duration {
        let standing = &mut self.members[member];
        let doubled = FIRST_REST * 2_u32.pow(standing.failures.min(5));
        let rest = wished.unwrap_or(doubled.min(LONGEST_REST));
        standing.failures += 1;
        standing.sick_since = Some(now);
        standing.rests_until = Some(now + rest);
        rest
    }

    /// The work was not wanted any more.
    pub(super) fn note_dropped(&mut self, member: usize) {
        self.members[member].under_way -= 1;
    }
}

impl Standing {
    /// A sick one only when its rest is over, and then with one piece of work at a time.
    fn may_be_asked(&self, now: Instant) -> bool {
        self.failures == 0 || (self.rests_until.is_none_or(|until| until <= now) && self.under_way == 0)
    }

    fn seconds(&self, now: Instant) -> Option<f64> {
        let (mean, measured) = self.takes?;
        let age = now.saturating_duration_since(measured).as_secs_f64() / HALF_LIFE.as_secs_f64();
        Some(mean * 0.5_f64.powf(age))
    }

    /// Seconds until it is through with one piece more.
    fn cost(&self, usual: f64, now: Instant) -> f64 {
        self.seconds(now).unwrap_or(usual) * f64::from(self.under_way + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [bool; 3] = [false; 3];

    fn asked(standings: &mut Standings, now: Instant) -> usize {
        match standings.choose(&NONE, now) {
            Choice::Ask { member, .. } => member,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn equals_take_turns_and_the_least_loaded_comes_first() {
        let (mut standings, now) = (Standings::new(3), Instant::now());
        let round: Vec<_> = (0..6).map(|_| asked(&mut standings, now)).collect();
        assert_eq!(round, [0, 1, 2, 0, 1, 2]);
        standings.note_well(1, None, now);
        assert_eq!(asked(&mut standings, now), 1, "it has one piece less");
    }

    #[test]
    fn a_slow_one_gets_its_share_and_no_more() {
        let (mut standings, now) = (Standings::new(3), Instant::now());
        for (member, seconds) in [(0, 1), (1, 1), (2, 10)] {
            assert_eq!(asked(&mut standings, now), member);
            standings.note_well(member, Some(Duration::from_secs(seconds)), now);
        }
        let mut counts = [0; 3];
        (0..42).for_each(|_| counts[asked(&mut standings, now)] += 1);
        assert_eq!(counts, [20, 20, 2]);
    }

    #[test]
    fn a_sick_one_rests_longer_and_longer_and_proves_itself_with_one_piece() {
        let (mut standings, now) = (Standings::new(3), Instant::now());
        let later = |seconds: u64| now + Duration::from_secs(seconds);
        assert_eq!(asked(&mut standings, now), 0);
        assert_eq!(standings.note_failed(0, None, now, now), Some(Duration::from_secs(1)));
        let mut others: Vec<_> = (0..4).map(|_| asked(&mut standings, now)).collect();
        others.sort_unstable();
        assert_eq!(others, [1, 1, 2, 2]);
        assert_eq!(standings.choose(&NONE, later(1)), Choice::Ask { member: 0, on_trial: true });
        assert_ne!(asked(&mut standings, later(1)), 0, "one piece at a time");
        assert_eq!(standings.note_failed(0, None, later(1), later(1)), Some(Duration::from_secs(2)));
        assert_eq!(standings.choose(&[false, true, true], later(1)), Choice::Wait(Some(Duration::from_secs(2))));
        assert_eq!(standings.choose(&[true; 3], now), Choice::Nobody);
        assert_eq!(standings.choose(&NONE, later(3)), Choice::Ask { member: 0, on_trial: true });
        standings.note_well(0, None, later(3));
        assert_eq!(standings.choose(&NONE, later(3)), Choice::Ask { member: 0, on_trial: false });
    }

    #[test]
    fn what_fails_together_counts_once() {
        let (mut standings, now) = (Standings::new(1), Instant::now());
        (0..8).for_each(|_| assert_eq!(standings.choose(&[false], now), Choice::Ask { member: 0, on_trial: false }));
        let later = now + Duration::from_millis(1);
        let rests: Vec<_> = (0..8).map(|_| standings.note_failed(0, None, now, later)).collect();
        assert_eq!(rests.iter().flatten().count(), 1, "{rests:?}");
        assert_eq!(standings.choose(&[false], later), Choice::Ask { member: 0, on_trial: false }, "there is no other");
    }

    #[test]
    fn a_rest_is_as_long_as_wished() {
        let (mut standings, now) = (Standings::new(2), Instant::now());
        let wished = Some(Duration::from_secs(7));
        assert_eq!(standings.choose(&[false, true], now), Choice::Ask { member: 0, on_trial: false });
        assert_eq!(standings.note_failed(0, wished, now, now), wished);
        assert_eq!(standings.choose(&[false, true], now), Choice::Wait(wished));
    }
}

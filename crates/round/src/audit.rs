//! The regeneration audit of a submission that won its match: what fails it, in which order, and in the words that the subnet
//! publishes. Pure: times, counts and margins come in as values.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Characters of a report's reason that the published verdict has room for.
const PUBLISHED: usize = 64;
/// By how much repeats of one image differ in time on one machine, as published reports show it.
pub const TIME_VARIES_BY: f64 = 0.14;

/// What an audit allows. [`Default`] is what the subnet applied when this was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuditRules {
    /// How often everything is made anew.
    pub repeats: u32,
    /// For all batches of one repeat together.
    pub generation: Duration,
    /// Prompts of one repeat that may fail.
    pub failed_prompts: usize,
    /// The competition's margin: what is made anew may lose to the submission by less than this, and must win against the leader
    /// by at least this.
    pub margin: f64,
}

impl Default for AuditRules {
    fn default() -> Self {
        Self { repeats: 3, generation: Duration::from_hours(2), failed_prompts: 12, margin: 0.07 }
    }
}

/// One repeat, as `generation_reports.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeat {
    /// From 1.
    pub repeat_index: u32,
    /// Prompts with a module.
    pub generated_prompts: usize,
    /// Prompts without one.
    pub failed_prompts: usize,
    /// Seconds of all batches; null when the repeat did not come to its end.
    pub generation_time: Option<f64>,
}

/// Why what a generator did is not accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportFault {
    /// No machine with the image ever answered.
    NotDeployed,
    /// More failed prompts than allowed.
    FailedPrompts {
        /// The repeat.
        repeat: u32,
        /// How many.
        failed: usize,
        /// How many may.
        allowed: usize,
    },
    /// More time than allowed.
    Time {
        /// The repeat.
        repeat: u32,
        /// What it took.
        seconds: f64,
        /// What it may take.
        limit: Duration,
    },
}

impl fmt::Display for ReportFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDeployed => formatter.write_str("Failed to deploy a docker image"),
            Self::FailedPrompts { repeat, failed, allowed } => {
                write!(formatter, "Repeat {repeat}: {failed} failed prompts exceed tolerance ({allowed})")
            }
            Self::Time { repeat, seconds, limit } => {
                let limit = limit.as_secs_f64();
                write!(formatter, "Repeat {repeat}: time ({seconds:.1}s) exceeds limit ({limit:.1}s)")
            }
        }
    }
}

impl Repeat {
    /// What is wrong with it.
    pub fn faults(&self, rules: &AuditRules) -> Vec<ReportFault> {
        let repeat = self.repeat_index;
        let prompts = (self.failed_prompts > rules.failed_prompts).then_some(ReportFault::FailedPrompts {
            repeat,
            failed: self.failed_prompts,
            allowed: rules.failed_prompts,
        });
        let time = self.generation_time.filter(|seconds| *seconds > rules.generation.as_secs_f64());
        let time = time.map(|seconds| ReportFault::Time { repeat, seconds, limit: rules.generation });
        prompts.into_iter().chain(time).collect()
    }
}

/// Whom the modules that were made anew are judged against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The modules that were submitted.
    Submitted,
    /// The defender's modules.
    Leader,
}

impl Against {
    /// The margin that what was made anew needs.
    pub fn needed(self, rules: &AuditRules) -> f64 {
        match self {
            Self::Submitted => -rules.margin,
            Self::Leader => rules.margin,
        }
    }
}

impl fmt::Display for Against {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Submitted => "submitted",
            Self::Leader => "leader",
        })
    }
}

/// One judged match of the audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditMatch {
    /// The left side.
    pub against: Against,
    /// The repeat on the right side.
    pub repeat: u32,
    /// Margin of what was made anew.
    pub margin: f64,
}

impl AuditMatch {
    /// Whether it is enough.
    pub fn passes(&self, rules: &AuditRules) -> bool {
        self.margin >= self.against.needed(rules)
    }
}

/// `submitted vs generated #2: -8.59%`, as published.
impl fmt::Display for AuditMatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} vs generated #{}: {:+.2}%", self.against, self.repeat, 100.0 * self.margin)
    }
}

/// The reason of a failed verdict, none while nothing is wrong. A rejected report comes before any match.
pub fn reason(faults: &[ReportFault], matches: &[AuditMatch], rules: &AuditRules) -> Option<String> {
    if !faults.is_empty() {
        let all = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let published: String = all.chars().take(PUBLISHED).collect();
        return Some(format!("generation report: {published}"));
    }
    matches.iter().find(|judged| !judged.passes(rules)).map(ToString::to_string)
}

/// What is left between the margins of one kind and the one that fails, and whether that is little.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reserve {
    /// The smallest margin less the one that is needed.
    pub least: f64,
    /// The largest margin less the smallest.
    pub spread: f64,
    /// Whether another audit may well end otherwise: the reserve is smaller than what the repeats differ by, or there is one
    /// repeat only and nobody knows by how much they differ.
    pub at_risk: bool,
}

/// The reserve of the matches against one of the two; none without any.
pub fn reserve(against: Against, matches: &[AuditMatch], rules: &AuditRules) -> Option<Reserve> {
    let margins: Vec<f64> = matches.iter().filter(|one| one.against == against).map(|one| one.margin).collect();
    let smallest = margins.iter().copied().reduce(f64::min)?;
    let largest = margins.iter().copied().reduce(f64::max)?;
    // Shares of a few hundred prompts: more digits are the noise of binary fractions.
    let rounded = |share: f64| (share * 1e6).round() / 1e6;
    let (least, spread) = (rounded(smallest - against.needed(rules)), rounded(largest - smallest));
    Some(Reserve { least, spread, at_risk: least < spread || margins.len() == 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: AuditRules =
        AuditRules { repeats: 3, generation: Duration::from_hours(2), failed_prompts: 12, margin: 0.07 };

    fn repeat(repeat_index: u32, failed_prompts: usize, seconds: f64) -> Repeat {
        let generated_prompts = 128 - failed_prompts;
        Repeat { repeat_index, generated_prompts, failed_prompts, generation_time: Some(seconds) }
    }

    fn judged(against: Against, repeat: u32, score: i32) -> AuditMatch {
        AuditMatch { against, repeat, margin: f64::from(score) / 128.0 }
    }

    #[test]
    fn limits_are_passed_when_met_exactly() {
        assert_eq!(repeat(1, 12, 7_200.0).faults(&RULES), []);
        assert_eq!(repeat(1, 13, 7_200.1).faults(&RULES).len(), 2);
        for (against, score, passes) in [
            (Against::Submitted, -8, true),
            (Against::Submitted, -9, false),
            (Against::Leader, 9, true),
            (Against::Leader, 8, false),
        ] {
            assert_eq!(judged(against, 1, score).passes(&RULES), passes, "{against} {score}");
        }
    }

    /// Texts of published verdicts.
    #[test]
    fn reasons_are_written_as_published() {
        let time = repeat(2, 0, 8_137.25).faults(&RULES);
        assert_eq!(
            reason(&time, &[], &RULES).as_deref(),
            Some("generation report: Repeat 2: time (8137.2s) exceeds limit (7200.0s)")
        );
        let prompts = [repeat(1, 128, 10.0).faults(&RULES), repeat(2, 128, 10.0).faults(&RULES)].concat();
        assert_eq!(
            reason(&prompts, &[judged(Against::Submitted, 1, -128)], &RULES).as_deref(),
            Some("generation report: Repeat 1: 128 failed prompts exceed tolerance (12); Repeat 2: 12")
        );
        assert_eq!(
            reason(&[ReportFault::NotDeployed], &[], &RULES).as_deref(),
            Some("generation report: Failed to deploy a docker image")
        );
        let matches =
            [judged(Against::Submitted, 1, 1), judged(Against::Submitted, 2, -11), judged(Against::Leader, 2, 7)];
        assert_eq!(reason(&[], &matches, &RULES).as_deref(), Some("submitted vs generated #2: -8.59%"));
        assert_eq!(reason(&[], &matches[2..], &RULES).as_deref(), Some("leader vs generated #2: +5.47%"));
        assert_eq!(reason(&[], &matches[..1], &RULES), None);
    }

    #[test]
    fn a_reserve_smaller_than_the_spread_is_a_risk() {
        let of = |scores: &[i32]| {
            let matches: Vec<_> = scores.iter().map(|score| judged(Against::Submitted, 1, *score)).collect();
            reserve(Against::Submitted, &matches, &RULES).map(|reserve| reserve.at_risk)
        };
        assert_eq!([of(&[]), of(&[0]), of(&[-3, 1, -7]), of(&[1, 2, 0])], [None, Some(true), Some(true), Some(false)]);
    }
}

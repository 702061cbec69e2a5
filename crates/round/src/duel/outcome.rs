//! The result of a match: margin, the challenger's threshold, and how sure one can be after so few prompts.
//! Arithmetic on winners only; rounds, audits and who meets whom are not known here.

use serde::{Deserialize, Serialize};

use super::{WinMargin, Winner};

/// Level of the interval, and the two-sided normal quantile that belongs to it.
const LEVEL: f64 = 0.95;
const QUANTILE: f64 = 1.959_963_984_540_054;

/// A match in figures. Margins run from -1 (left won every prompt) to 1 (right did).
///
/// While duels lack a decision there is no verdict, and nothing that looks like one is written: `margin`, `challenger_wins` and
/// `interval` are left out of the file then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct MatchResult {
    /// Prompts of the match, the failed ones too.
    pub prompts: usize,
    /// Duels the defender won.
    pub left_wins: usize,
    /// Duels the challenger won.
    pub right_wins: usize,
    /// Duels nobody won.
    pub draws: usize,
    /// Duels without a decision; they count like draws in the margin.
    pub failed: usize,
    /// Right wins minus left wins.
    pub score: i64,
    /// Score / prompts; of what is decided so far when `failed` is not 0.
    pub margin: f64,
    /// What the margin has to reach.
    pub win_margin: f64,
    /// Whether it does (`>=`, as on the subnet); `None` while duels lack a decision.
    pub challenger_wins: Option<bool>,
    /// Smallest score with which the challenger wins this many prompts.
    pub score_needed: i64,
    /// Where the margin over many such prompts probably is.
    pub interval: Interval,
}

/// What a file holds of it.
#[derive(Serialize, Deserialize)]
struct Stored {
    prompts: usize,
    left_wins: usize,
    right_wins: usize,
    draws: usize,
    failed: usize,
    score: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    margin: Option<f64>,
    win_margin: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    challenger_wins: Option<bool>,
    score_needed: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
}

impl From<MatchResult> for Stored {
    fn from(result: MatchResult) -> Self {
        let MatchResult { prompts, left_wins, right_wins, draws, failed, score, win_margin, score_needed, .. } = result;
        let decided = failed == 0;
        Self {
            prompts,
            left_wins,
            right_wins,
            draws,
            failed,
            score,
            margin: decided.then_some(result.margin),
            win_margin,
            challenger_wins: result.challenger_wins,
            score_needed,
            interval: decided.then_some(result.interval),
        }
    }
}

impl From<Stored> for MatchResult {
    fn from(stored: Stored) -> Self {
        let Stored { prompts, left_wins, right_wins, draws, failed, score, win_margin, score_needed, .. } = stored;
        Self {
            prompts,
            left_wins,
            right_wins,
            draws,
            failed,
            score,
            margin: stored.margin.unwrap_or_else(|| margin(score, prompts)),
            win_margin,
            // Older versions wrote one all the same.
            challenger_wins: stored.challenger_wins.filter(|_| failed == 0),
            score_needed,
            interval: stored
                .interval
                .unwrap_or_else(|| paired_interval(left_wins, right_wins, left_wins + right_wins + draws)),
        }
    }
}

/// A confidence interval of the margin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its level, 0.95.
    pub level: f64,
    /// Lower end, at least -1.
    pub low: f64,
    /// Upper end, at most 1.
    pub high: f64,
}

impl MatchResult {
    /// The result of some decided duels and `failed` ones without a decision, where `win_margin` has to be reached.
    pub fn of(winners: impl IntoIterator<Item = Winner>, failed: usize, win_margin: WinMargin) -> Self {
        let win_margin = win_margin.get();
        let (mut left_wins, mut right_wins, mut draws) = (0, 0, 0);
        for winner in winners {
            match winner {
                Winner::Left => left_wins += 1,
                Winner::Right => right_wins += 1,
                Winner::Draw => draws += 1,
            }
        }
        let prompts = left_wins + right_wins + draws + failed;
        let score = count(right_wins) - count(left_wins);
        let margin = margin(score, prompts);
        let score_needed = (0..=count(prompts)).find(|&score| self::margin(score, prompts) >= win_margin).unwrap_or(1);
        let interval = paired_interval(left_wins, right_wins, left_wins + right_wins + draws);
        Self {
            prompts,
            left_wins,
            right_wins,
            draws,
            failed,
            score,
            margin,
            win_margin,
            challenger_wins: (failed == 0).then_some(prompts > 0 && margin >= win_margin),
            score_needed,
            interval,
        }
    }

    /// Whether the interval lies wholly on one side of the threshold, so that other prompts would most likely say the same.
    pub fn is_clear(&self) -> bool {
        self.interval.low >= self.win_margin || self.interval.high < self.win_margin
    }
}

fn count(duels: usize) -> i64 {
    i64::try_from(duels).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "duels are counted in hundreds")]
fn margin(score: i64, prompts: usize) -> f64 {
    if prompts == 0 { 0.0 } else { score as f64 / prompts as f64 }
}

/// Score interval for a difference of paired proportions (T. Tango, Statistics in Medicine 17, 1998): unlike mean ± 1.96 standard
/// errors it keeps its level with few prompts and does not shrink to nothing when all of them agree.
#[expect(clippy::cast_precision_loss, reason = "duels are counted in hundreds")]
fn paired_interval(left_wins: usize, right_wins: usize, duels: usize) -> Interval {
    if duels == 0 {
        return Interval { level: LEVEL, low: -1.0, high: 1.0 };
    }
    let (left, right, total) = (left_wins as f64, right_wins as f64, duels as f64);
    // How many standard deviations the observed difference is away from a supposed one.
    let deviation = |supposed: f64| {
        let linear = (2.0 * total - right + left) * supposed - right - left;
        let constant = -left * supposed * (1.0 - supposed);
        let left_share = ((linear * linear - 8.0 * total * constant).max(0.0).sqrt() - linear) / (4.0 * total);
        let variance = total * (2.0 * left_share + supposed * (1.0 - supposed));
        let distance = right - left - total * supposed;
        if distance == 0.0 { 0.0 } else { distance / variance.max(0.0).sqrt() }
    };
    let observed = (right - left) / total;
    let bound = |end: f64, beyond: &dyn Fn(f64) -> bool| {
        let (mut inside, mut outside) = (observed, end);
        for _ in 0..60 {
            let middle = f64::midpoint(inside, outside);
            if beyond(deviation(middle)) { outside = middle } else { inside = middle }
        }
        inside
    };
    Interval { level: LEVEL, low: bound(-1.0, &|at| at > QUANTILE), high: bound(1.0, &|at| at < -QUANTILE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(left: usize, right: usize, draws: usize, failed: usize) -> MatchResult {
        with(WinMargin::default(), left, right, draws, failed)
    }

    fn with(margin: WinMargin, left: usize, right: usize, draws: usize, failed: usize) -> MatchResult {
        let winners = [(Winner::Left, left), (Winner::Right, right), (Winner::Draw, draws)];
        let winners = winners.into_iter().flat_map(|(winner, times)| std::iter::repeat_n(winner, times));
        MatchResult::of(winners, failed, margin)
    }

    #[test]
    fn nine_of_128_net_wins_dethrone_and_eight_do_not() {
        let (eight, nine) = (of(20, 28, 80, 0), of(20, 29, 79, 0));
        assert_eq!((eight.challenger_wins, nine.challenger_wins), (Some(false), Some(true)));
        assert!((eight.margin - 0.0625).abs() < 1e-12 && (nine.margin - 0.070_312_5).abs() < 1e-12);
        assert_eq!((eight.score_needed, nine.score), (9, 9));
        assert_eq!(of(0, 7, 93, 0).challenger_wins, Some(true), "0.07 itself is enough");
    }

    #[test]
    fn another_margin_makes_another_result_of_the_same_duels() {
        let margin = |text: &str| text.parse::<WinMargin>().expect("a margin");
        for (text, needed, wins) in [("0.05", 7, true), ("0.0625", 8, true), ("0.07", 9, false), ("1", 128, false)] {
            let result = with(margin(text), 20, 28, 80, 0);
            assert_eq!((result.score_needed, result.challenger_wins), (needed, Some(wins)), "{text}");
            assert_eq!(result.win_margin.to_string(), text);
        }
        let even = with(margin("0"), 5, 5, 0, 0);
        assert_eq!((even.challenger_wins, even.score_needed), (Some(true), 0));
        assert_eq!(with(margin("0"), 0, 0, 0, 0).challenger_wins, Some(false), "nothing was judged");
    }

    #[test]
    fn failed_duels_stay_in_the_denominator() {
        let result = of(0, 5, 0, 95);
        assert!((result.margin - 0.05).abs() < 1e-12);
        assert_eq!((result.prompts, result.failed), (100, 95));
    }

    #[test]
    fn no_verdict_is_written_while_duels_lack_a_decision() {
        let keys = |result: &MatchResult| {
            let value = serde_json::to_value(result).expect("writes");
            ["margin", "challenger_wins", "interval"].map(|key| value.get(key).is_some())
        };
        let (open, whole) = (of(20, 100, 0, 8), of(20, 100, 8, 0));
        assert_eq!(open.challenger_wins, None, "whatever the eight would say");
        assert_eq!((keys(&open), keys(&whole)), ([false; 3], [true; 3]));
        for result in [open, whole] {
            let text = serde_json::to_string(&result).expect("writes");
            assert_eq!(serde_json::from_str::<MatchResult>(&text).expect("reads"), result);
        }
        let older = r#"{"prompts":2,"left_wins":0,"right_wins":1,"draws":0,"failed":1,"score":1,"margin":0.5,"win_margin":0.07,
            "challenger_wins":true,"score_needed":1,"interval":{"level":0.95,"low":0.0,"high":1.0}}"#;
        assert_eq!(serde_json::from_str::<MatchResult>(older).expect("reads").challenger_wins, None);
    }

    #[test]
    fn the_interval_is_tangos() {
        // 12 and 2 discordant of 50 pairs: both ends solve the paper's equation, written out here a second time.
        let interval = of(2, 12, 36, 0).interval;
        for (end, sign) in [(interval.low, 1.0), (interval.high, -1.0)] {
            let (b, c, n) = (12.0, 2.0, 50.0);
            let linear = -b - c + (2.0 * n - b + c) * end;
            let share = ((linear * linear + 8.0 * n * c * end * (1.0 - end)).sqrt() - linear) / (4.0 * n);
            let deviation: f64 = (b - c - n * end) / (n * (2.0 * share + end * (1.0 - end))).sqrt();
            assert!((deviation - sign * QUANTILE).abs() < 1e-6, "{end}: {deviation}");
        }
        assert!(interval.low < 0.2 && 0.2 < interval.high);
    }

    #[test]
    fn the_interval_mirrors_and_never_collapses() {
        for (left, right, draws) in
            [(0, 0, 1), (0, 3, 0), (5, 5, 5), (1, 100, 27), (128, 0, 0), (0, 0, 128), (40, 50, 38)]
        {
            let (here, there) = (of(left, right, draws, 0).interval, of(right, left, draws, 0).interval);
            assert!(
                (here.low + there.high).abs() < 1e-9 && (here.high + there.low).abs() < 1e-9,
                "{left} {right} {draws}"
            );
            assert!(here.low >= -1.0 && here.high <= 1.0 && here.high - here.low > 0.01, "{here:?}");
        }
        assert_eq!(of(0, 0, 0, 3).interval, Interval { level: 0.95, low: -1.0, high: 1.0 });
    }

    #[test]
    fn clear_means_the_whole_interval_is_on_one_side() {
        assert!(of(10, 60, 58, 0).is_clear());
        assert!(of(60, 10, 58, 0).is_clear());
        assert!(!of(20, 29, 79, 0).is_clear());
    }
}

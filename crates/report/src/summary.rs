//! The top of the page: who would win the match, by how much, and how sure that is.
//! Words and positions only; the figures come from the match file.

use gen404_round::duel::{MatchFile, MatchResult, MatchRun, Side};

/// The top of the page.
pub(crate) struct Summary {
    pub(crate) headline: String,
    pub(crate) lead: String,
    pub(crate) confidence: String,
    pub(crate) prompts: usize,
    pub(crate) parts: Vec<Part>,
    /// Only when there is a verdict.
    pub(crate) scale: Option<Scale>,
    pub(crate) notices: Vec<String>,
    pub(crate) facts: Vec<Fact>,
}

/// One outcome with its share of the bar, in percent of its width.
pub(crate) struct Part {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) folder: String,
    pub(crate) path: String,
    pub(crate) count: usize,
    pub(crate) x: String,
    pub(crate) width: String,
}

/// Positions on the scale of margins, in percent of its width.
pub(crate) struct Scale {
    pub(crate) low: String,
    pub(crate) span: String,
    pub(crate) margin: String,
    pub(crate) needed: String,
    pub(crate) left_end: String,
    pub(crate) right_end: String,
    pub(crate) margin_text: String,
    pub(crate) needed_text: String,
}

/// One line of what the match was judged from.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

impl Summary {
    pub(crate) fn of(file: &MatchFile) -> Self {
        let result = file.result();
        Self {
            headline: headline(&result),
            lead: lead(&result),
            confidence: confidence(&result),
            prompts: result.prompts,
            parts: parts(&result, file.run.as_ref()),
            scale: result.challenger_wins.map(|_| scale(&result)),
            notices: notices(file),
            facts: facts(file),
        }
    }
}

fn headline(result: &MatchResult) -> String {
    if result.left_wins + result.right_wins + result.draws == 0 {
        return "No duel was judged".to_owned();
    }
    match result.challenger_wins {
        Some(true) => "The challenger would take the lead".to_owned(),
        Some(false) => "The leader would stay".to_owned(),
        None => format!("Not decided: {} of {} without a decision", result.failed, prompts(result.prompts)),
    }
}

fn lead(result: &MatchResult) -> String {
    let (share, least) = (exact_percent(result.win_margin), result.score_needed);
    let (right, left, draws, score) = (prompts(result.right_wins), result.left_wins, result.draws, result.score);
    let won = format!("right (the challenger) won {right}, left (the leader) {left}, {draws} drawn");
    match result.challenger_wins {
        Some(_) => {
            let margin = signed_percent(result.margin);
            format!(
                "R{}. That is a score of {score:+} and a margin of {margin}, with {share} needed: a score of {least} or more.",
                &won[1..]
            )
        }
        None => format!(
            "So far {won}. There is no result before every prompt has a decision; {share} are needed then: a score of {least} \
             or more."
        ),
    }
}

fn prompts(count: usize) -> String {
    if count == 1 { "1 prompt".to_owned() } else { format!("{count} prompts") }
}

fn confidence(result: &MatchResult) -> String {
    if result.challenger_wins.is_none() {
        return String::new();
    }
    let interval = format!(
        "Over many such prompts the margin would lie between {} and {} ({} confidence).",
        signed_percent(result.interval.low),
        signed_percent(result.interval.high),
        percent(result.interval.level),
    );
    let meaning = if result.is_clear() {
        "Other prompts would most likely say the same."
    } else {
        "Other prompts might well say otherwise."
    };
    format!("{interval} {meaning}")
}

fn parts(result: &MatchResult, run: Option<&MatchRun>) -> Vec<Part> {
    let counts = [
        ("left", "Left", result.left_wins, Some(Side::Left)),
        ("draw", "Draw", result.draws, None),
        ("failed", "No decision", result.failed, None),
        ("right", "Right", result.right_wins, Some(Side::Right)),
    ];
    let mut before = 0;
    counts
        .into_iter()
        .filter(|(key, _, count, _)| *key != "failed" || *count > 0)
        .map(|(key, name, count, side)| {
            let x = position(share(before, result.prompts));
            before += count;
            let path = side.and_then(|side| run.map(|run| path_of(run, side))).unwrap_or_default();
            let folder = side.map(|side| folder_name(run, side)).unwrap_or_default();
            Part { key, name, folder, path: path.to_owned(), count, x, width: position(share(count, result.prompts)) }
        })
        .collect()
}

fn path_of(run: &MatchRun, side: Side) -> &str {
    match side {
        Side::Left => &run.image_dir_1,
        Side::Right => &run.image_dir_2,
    }
}

/// The shortest end of a side's folder that tells it from the other side's; empty when it is unknown.
pub(crate) fn folder_name(run: Option<&MatchRun>, side: Side) -> String {
    let Some(run) = run else { return String::new() };
    let other = if side == Side::Left { Side::Right } else { Side::Left };
    let names = |path: &str| -> Vec<String> {
        path.split(['/', '\\']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let (this, that) = (names(path_of(run, side)), names(path_of(run, other)));
    let same = this.iter().rev().zip(that.iter().rev()).take_while(|(one, other)| one == other).count();
    this[this.len().saturating_sub(same + 1)..].join("/")
}

/// The part of the scale that is shown reaches a little beyond whatever must be seen on it.
fn scale(result: &MatchResult) -> Scale {
    let farthest = [result.interval.low, result.interval.high, result.margin, 2.0 * result.win_margin]
        .into_iter()
        .map(f64::abs)
        .fold(0.0, f64::max);
    let reach = ((farthest * 10.0).ceil() / 10.0).clamp(0.1, 1.0);
    let place = |margin: f64| f64::midpoint(1.0, margin / reach);
    Scale {
        low: position(place(result.interval.low)),
        span: position(place(result.interval.high) - place(result.interval.low)),
        margin: position(place(result.margin) - 0.005),
        needed: position(place(result.win_margin) - 0.002_5),
        left_end: format!("left by {}", percent(reach)),
        right_end: format!("right by {}", percent(reach)),
        margin_text: signed_percent(result.margin),
        needed_text: format!("+{}", exact_percent(result.win_margin)),
    }
}

fn notices(file: &MatchFile) -> Vec<String> {
    let mut notices = Vec::new();
    if !file.failures.is_empty() {
        let failed = file.failures.len();
        let them = if failed == 1 { "it" } else { "them" };
        notices.push(format!("{} could not be judged. The same command judges {them} again.", prompts(failed)));
    }
    if file.not_judged > 0 {
        notices.push(format!("The run ended before {}. The same command continues.", prompts(file.not_judged)));
    }
    let unanswered: u32 = file.results.iter().filter_map(|record| record.calls).map(|calls| calls.unanswered).sum();
    if unanswered > 0 {
        let questions = if unanswered == 1 { "1 question".to_owned() } else { format!("{unanswered} questions") };
        notices.push(format!(
            "{questions} to the model stayed without an answer; a neutral one stands in. Filter by “failed calls”."
        ));
    }
    notices
}

fn facts(file: &MatchFile) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(run) = &file.run {
        facts.extend([
            Fact { name: "Left", value: run.image_dir_1.clone() },
            Fact { name: "Right", value: run.image_dir_2.clone() },
            Fact { name: "Prompts", value: run.prompts_json.clone() },
            Fact { name: "Profile", value: run.profile.clone() },
            Fact { name: "Model", value: run.model.clone() },
            Fact { name: "Seed", value: run.seed.to_string() },
        ]);
    }
    facts.push(Fact { name: "Win margin", value: file.result().win_margin.to_string() });
    let tallies = || file.results.iter().filter_map(|record| record.calls);
    let sum =
        |count: fn(&gen404_round::duel::CallTally) -> u32| tallies().map(|tally| u64::from(count(&tally))).sum::<u64>();
    if tallies().next().is_some() {
        facts.push(Fact {
            name: "Questions",
            value: format!(
                "{} asked in {} attempts; {} without a reply, {} with one that could not be understood",
                sum(|tally| tally.calls),
                sum(|tally| tally.attempts),
                sum(|tally| tally.transport_failed),
                sum(|tally| tally.json_failed),
            ),
        });
    }
    facts
}

#[expect(clippy::cast_precision_loss, reason = "duels are counted in hundreds")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A share as a coordinate from 0 to 100.
pub(crate) fn position(share: f64) -> String {
    format!("{:.2}", (share * 100.0).clamp(0.0, 100.0))
}

/// A share in percent, without digits that say nothing.
pub(crate) fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// A setting in percent, with all of its digits.
fn exact_percent(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn signed_percent(share: f64) -> String {
    let sign = if share < 0.0 { "−" } else { "+" };
    if share == 0.0 { "0 %".to_owned() } else { format!("{sign}{}", percent(share.abs())) }
}

#[cfg(test)]
mod tests {
    use gen404_round::duel::{DuelFailure, PicturesUsed, WinMargin, Winner};

    use super::*;

    fn result(left: usize, right: usize, draws: usize) -> MatchResult {
        against("0.07", left, right, draws)
    }

    fn against(margin: &str, left: usize, right: usize, draws: usize) -> MatchResult {
        let winners = [(Winner::Left, left), (Winner::Right, right), (Winner::Draw, draws)];
        let winners = winners.into_iter().flat_map(|(winner, times)| std::iter::repeat_n(winner, times));
        MatchResult::of(winners, 0, margin.parse().unwrap())
    }

    fn run(left: &str, right: &str) -> MatchRun {
        MatchRun {
            prompts_json: "/p/prompts.json".to_owned(),
            image_dir_1: left.to_owned(),
            image_dir_2: right.to_owned(),
            profile: "cli".to_owned(),
            model: "glm".to_owned(),
            seed: 1,
            pictures: PicturesUsed {
                front: vec![],
                sides: vec![],
                reference: "front".to_owned(),
                gray: "front".to_owned(),
            },
        }
    }

    #[test]
    fn the_headline_follows_the_margin() {
        assert_eq!(headline(&result(20, 29, 79)), "The challenger would take the lead");
        assert_eq!(headline(&result(20, 28, 80)), "The leader would stay");
        assert_eq!(headline(&against("0.0625", 20, 28, 80)), "The challenger would take the lead");
        assert_eq!(headline(&MatchResult::of([], 3, WinMargin::default())), "No duel was judged");
        assert!(
            lead(&result(20, 29, 79))
                .starts_with("Right (the challenger) won 29 prompts, left (the leader) 20, 79 drawn.")
        );
        let lead = lead(&result(20, 29, 79));
        assert!(
            lead.contains("won 29 prompts")
                && lead.contains("+9")
                && lead.contains("+7 %")
                && lead.contains("with 7 % needed: a score of 9 or more"),
            "{lead}"
        );
    }

    #[test]
    fn the_margin_that_was_used_is_shown_with_all_its_digits() {
        let file = MatchFile {
            results: Vec::new(),
            failures: Vec::new(),
            not_judged: 0,
            result: Some(against("0.0625", 20, 28, 80)),
            run: None,
        };
        let summary = Summary::of(&file);
        assert!(summary.lead.contains("with 6.25 % needed: a score of 8 or more"), "{}", summary.lead);
        assert_eq!(summary.scale.map(|scale| scale.needed_text).as_deref(), Some("+6.25 %"));
        assert!(summary.facts.iter().any(|fact| (fact.name, fact.value.as_str()) == ("Win margin", "0.0625")));
    }

    #[test]
    fn a_match_with_failed_duels_has_no_verdict() {
        let winners = std::iter::repeat_n(Winner::Right, 100).chain([Winner::Left; 20]);
        let failure = DuelFailure {
            stem: "a".parse().unwrap(),
            prompt_url: String::new(),
            error: "the picture is missing".to_owned(),
        };
        let file = MatchFile {
            results: Vec::new(),
            failures: vec![failure; 3],
            not_judged: 5,
            result: Some(MatchResult::of(winners, 8, WinMargin::default())),
            run: None,
        };
        let Summary { headline, lead, confidence, scale, notices, .. } = Summary::of(&file);
        assert_eq!(headline, "Not decided: 8 of 128 prompts without a decision");
        assert_eq!(
            lead,
            "So far right (the challenger) won 100 prompts, left (the leader) 20, 0 drawn. There is no result before every \
             prompt has a decision; 7 % are needed then: a score of 9 or more."
        );
        assert!(scale.is_none() && confidence.is_empty(), "no margin, no likely range");
        assert_eq!(
            notices,
            [
                "3 prompts could not be judged. The same command judges them again.",
                "The run ended before 5 prompts. The same command continues."
            ]
        );
    }

    #[test]
    fn uncertainty_is_said() {
        assert!(confidence(&result(20, 29, 79)).contains("might well say otherwise"));
        assert!(confidence(&result(5, 90, 33)).contains("most likely say the same"));
    }

    #[test]
    fn the_bar_is_full() {
        let parts = parts(&result(1, 2, 1), None);
        let width: f64 = parts.iter().map(|part| part.width.parse::<f64>().unwrap()).sum();
        assert!((width - 100.0).abs() < 0.05);
        assert_eq!(parts.last().unwrap().x, "50.00");
    }

    #[test]
    fn everything_is_on_the_scale() {
        for (left, right, draws) in [(0, 0, 5), (128, 0, 0), (0, 128, 0), (20, 27, 81)] {
            let scale = scale(&result(left, right, draws));
            let number = |text: &str| text.parse::<f64>().unwrap();
            assert!(number(&scale.low) + number(&scale.span) <= 100.01);
            assert!(number(&scale.needed) > 50.0);
        }
    }

    #[test]
    fn folders_are_told_apart_by_their_shortest_ends() {
        let name = |left, right, side| folder_name(Some(&run(left, right)), side);
        assert_eq!(name("/a/old", "/a/new", Side::Right), "new");
        assert_eq!(name("/a/old/images", "/a/new/images/", Side::Left), "old/images");
        assert_eq!(name("/a/x", "/a/x", Side::Left), "a/x");
        assert_eq!(folder_name(None, Side::Left), "");
    }
}

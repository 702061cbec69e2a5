//! The stages of a duel in plain words, with their numbers.
//! It must not know thresholds: profiles differ, so what decided is said in the record's own terms.

use gen404_round::duel::{
    Angle, CallTally, Checklist, Choice, Compared, DecidedBy, FeatureMark, GrayRescue, Guarded, JudgedDetail,
    PairDetail, PromptMatch, ScoredChecklist, SideGuard, StrongTag, SubJudges, VerdictSource, Winner,
};

use crate::duel::{Outcome, side_of};
use crate::pictures::{Rendered, capital};
use crate::summary::{percent, position};

/// A stage as the page shows it.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) number: u8,
    pub(crate) title: &'static str,
    pub(crate) choice: Outcome,
    pub(crate) decisive: bool,
    pub(crate) sentences: Vec<String>,
    /// Heads of the first and the last column of the penalties.
    pub(crate) subject: &'static str,
    pub(crate) remark: &'static str,
    pub(crate) penalties: Vec<PenaltyRow>,
    pub(crate) marks_title: String,
    pub(crate) marks_subject: &'static str,
    pub(crate) marks: Vec<MarkRow>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self { key: "draw", name: String::new() }
    }
}

/// Penalties of both sides for one question.
#[derive(Default)]
pub(crate) struct PenaltyRow {
    pub(crate) name: String,
    /// A second line under the name.
    pub(crate) under: String,
    /// Key of the view the row is about; empty when it is about none.
    pub(crate) view: String,
    pub(crate) penalties: Vec<Penalty>,
    pub(crate) remark: String,
    pub(crate) notes: Vec<String>,
    /// It did not count.
    pub(crate) void: bool,
}

/// A penalty with the width of its bar, in percent.
pub(crate) struct Penalty {
    pub(crate) side: &'static str,
    pub(crate) value: String,
    pub(crate) width: String,
}

/// A verdict on both sides.
pub(crate) struct MarkRow {
    pub(crate) name: String,
    pub(crate) view: String,
    pub(crate) marks: [Mark; 2],
}

/// A verdict on one side: sign and word say the same.
pub(crate) struct Mark {
    pub(crate) key: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) word: &'static str,
    pub(crate) note: String,
}

/// The stage that decided (for the filter) and why, in a few words.
pub(crate) fn decision(decided_by: &DecidedBy, winner: Winner) -> (&'static str, String) {
    let drawn = winner == Winner::Draw;
    let (stage, why) = match decided_by {
        DecidedBy::StepDown(_) if drawn => ("4", "its other sides took the win away"),
        DecidedBy::StepDown(_) => ("4", "the other side’s rest does not fit its front"),
        DecidedBy::GrayRescue => ("3", "nearer to the prompt when seen in gray"),
        DecidedBy::NothingSeen => ("3", "no stage saw a difference"),
        DecidedBy::StrongVoter(_) => ("2", "one sub-judge was sure enough alone"),
        DecidedBy::Consensus => ("2", "the sub-judges’ votes agree"),
        DecidedBy::Fronts if drawn => ("1", "nothing between the fronts"),
        DecidedBy::Fronts => ("1", "its front is nearer to the prompt"),
        DecidedBy::Other(text) => return ("none", capital(text)),
    };
    (stage, capital(why))
}

/// Weighted mean of left minus right penalty over the angles that count; 0 when none does.
pub(crate) fn front_gap(stage: &PromptMatch) -> f64 {
    stage.mean_penalties().map_or(0.0, |[left, right]| left - right)
}

/// The gap of stage 1 from the nearer side's point of view.
pub(crate) fn gap_in_words(gap: f64) -> String {
    match gap {
        gap if gap.abs() < 0.05 => "fronts level".to_owned(),
        gap if gap > 0.0 => format!("right ahead by {gap:.1}"),
        gap => format!("left ahead by {:.1}", gap.abs()),
    }
}

pub(crate) fn calls_in_words(tally: CallTally) -> String {
    let questions = if tally.calls == 1 { "1 question".to_owned() } else { format!("{} questions", tally.calls) };
    let mut text = format!("{questions} in {} attempts", tally.attempts);
    for (count, what) in [
        (tally.transport_failed, "without a reply"),
        (tally.json_failed, "with a reply that could not be understood"),
        (tally.unanswered, "left without an answer (a neutral one stands in)"),
    ] {
        if count > 0 {
            text = format!("{text}, {count} {what}");
        }
    }
    text + "."
}

/// All stages that were gone through.
pub(crate) fn of(detail: &JudgedDetail) -> Vec<Stage> {
    let mut stages = vec![front(&detail.s1)];
    stages.extend(detail.s2.as_ref().map(sub_judges));
    stages.extend(detail.s3.as_ref().map(gray));
    stages.extend(detail.s4.as_ref().map(side_guard));
    let (decisive, _) = decision(&detail.decided_by, Winner::Draw);
    for stage in &mut stages {
        stage.decisive = decisive == stage.number.to_string();
    }
    stages
}

fn front(stage: &PromptMatch) -> Stage {
    let gap = front_gap(stage);
    let weighted = stage.angles.iter().any(|angle| angle.weight != stage.angles[0].weight);
    let nearer = match stage.choice {
        Choice::A => format!("Left is nearer to the prompt: its penalty is {:.1} lower.", gap.abs()),
        Choice::B => format!("Right is nearer to the prompt: its penalty is {:.1} lower.", gap.abs()),
        Choice::Draw => format!("The fronts do not decide ({}).", gap_in_words(gap)),
    };
    let counted = format!("{} of {} angles count.", stage.n_consistent, stage.n_total);
    let mut sentences = vec![format!("{nearer} {counted}")];
    if !stage.reason.is_empty() {
        sentences.push(format!("Rule: {}.", stage.reason.trim_end_matches('.')));
    }
    Stage {
        number: 1,
        title: "Fronts against the prompt",
        choice: side_of(stage.choice),
        sentences,
        subject: "Angle",
        remark: "Asked twice, in both orders",
        penalties: stage.angles.iter().map(|angle| angle_row(angle, weighted)).collect(),
        ..Stage::default()
    }
}

fn angle_row(angle: &Angle, weighted: bool) -> PenaltyRow {
    let view = Rendered::white(&angle.label);
    PenaltyRow {
        name: view.as_ref().map_or_else(|| angle.label.clone(), Rendered::title),
        under: angle.weight.filter(|_| weighted).map(|weight| format!("weight {weight}")).unwrap_or_default(),
        view: view.map(|view| view.key()).unwrap_or_default(),
        penalties: penalties(angle.pen_a, angle.pen_b),
        remark: orders(&angle.pair),
        notes: notes(&angle.pair),
        void: angle.pair.contradictory == Some(true),
    }
}

fn penalties(left: f64, right: f64) -> Vec<Penalty> {
    [("left", left), ("right", right)]
        .map(|(side, value)| Penalty { side, value: format!("{value:.1}"), width: position(value / 10.0) })
        .into()
}

/// What the two orders said.
fn orders(pair: &PairDetail) -> String {
    let order =
        |first: &str, values: Option<[f64; 2]>| values.map(|[left, right]| format!("{first} first {left} : {right}"));
    let mut parts: Vec<String> = order("left", pair.ab).into_iter().chain(order("right", pair.ba)).collect();
    if pair.json_failed == Some(true) {
        parts.push("an answer is missing".to_owned());
    } else if pair.contradictory == Some(true) {
        parts.push("the two orders contradict each other, so it does not count".to_owned());
    }
    parts.join(" · ")
}

fn notes(pair: &PairDetail) -> Vec<String> {
    let heads = ["Left shown first: ", "Right shown first: "];
    let notes = pair.notes.iter().flatten().zip(heads);
    notes.filter(|(note, _)| !note.trim().is_empty()).map(|(note, head)| format!("{head}{note}")).collect()
}

fn sub_judges(stage: &SubJudges) -> Stage {
    let votes = stage.votes;
    let vote =
        |pick: fn(&gen404_round::duel::Votes) -> Option<Choice>| votes.as_ref().map(|votes| vote_in_words(pick(votes)));
    let mut penalties: Vec<PenaltyRow> = Vec::new();
    if let Some(best) = &stage.best_view {
        let views = best.view_a.as_deref().zip(best.view_b.as_deref());
        let under = views.map(|(left, right)| format!("{} / {}", words(left), words(right))).unwrap_or_default();
        penalties.push(PenaltyRow { under, ..compared("Best view", best, vote(|votes| votes.best_view)) });
    }
    let quality = compared("Rendering quality", &stage.artifact_compare, vote(|votes| votes.artifact_compare));
    penalties.push(PenaltyRow { view: Rendered::Grid.key(), ..quality });
    let mut sentences = vec![match (stage.source, &stage.strong_tag) {
        (VerdictSource::StrongVoter, Some(tag)) => format!("Decided by a strong voter: {}.", strong_in_words(tag)),
        (VerdictSource::StrongVoter, None) => "Decided by a strong voter.".to_owned(),
        (VerdictSource::Consensus, _) => match &stage.vote_counts {
            Some(counts) => format!("Votes: left {}, right {}.", counts.a, counts.b),
            None => "Decided by the votes of three.".to_owned(),
        },
    }];
    if stage.best_view.is_none() {
        let reason = stage.best_view_absent.clone().unwrap_or_else(|| "no embeddings on both sides".to_owned());
        sentences.push(format!("The best view did not vote: {reason}."));
    }
    let mut shown = Stage {
        number: 2,
        title: "Three sub-judges",
        choice: side_of(stage.choice),
        subject: "Sub-judge",
        remark: "Vote and answers",
        penalties,
        ..Stage::default()
    };
    match &stage.checklist {
        Checklist::Scored(list) => {
            sentences.push(checklist_in_words(list, vote(|votes| votes.checklist)));
            shown.marks_title = format!("Checklist: {}", list.main_object);
            shown.marks_subject = "Feature of the prompt";
            shown.marks = feature_rows(list);
        }
        Checklist::Failed(_) => {
            sentences.push("No checklist: the model named no features of the prompt picture.".to_owned());
        }
    }
    shown.sentences = sentences;
    shown
}

fn compared(name: &str, compared: &Compared, vote: Option<String>) -> PenaltyRow {
    let answers = orders(&compared.pair);
    let remark = vote.into_iter().chain(Some(answers).filter(|answers| !answers.is_empty())).collect::<Vec<_>>();
    PenaltyRow {
        name: name.to_owned(),
        penalties: penalties(compared.penalty_a, compared.penalty_b),
        remark: remark.join(" · "),
        notes: notes(&compared.pair),
        ..PenaltyRow::default()
    }
}

fn vote_in_words(vote: Option<Choice>) -> String {
    match vote {
        Some(Choice::A) => "votes left",
        Some(Choice::B) => "votes right",
        Some(Choice::Draw) | None => "abstains",
    }
    .to_owned()
}

/// `bv|+3.0|+cl|-8|` in words; the sign is of left minus right, for the record's readers.
fn strong_in_words(tag: &StrongTag) -> String {
    let (best_view, checklist) = match tag {
        StrongTag::Voters { best_view, checklist } => (best_view, checklist),
        StrongTag::Other(text) => return text.clone(),
    };
    let view = best_view.map(|difference| format!("the best view, by {:.1}", difference.abs()));
    let list = checklist.map(|gap| format!("the checklist, by {}", gap.abs()));
    view.into_iter().chain(list).collect::<Vec<_>>().join(" and ")
}

fn checklist_in_words(list: &ScoredChecklist, vote: Option<String>) -> String {
    if list.verify_failed {
        return "The checklist abstains: a side could not be checked.".to_owned();
    }
    let vote = vote.map(|vote| format!("; it {vote}")).unwrap_or_default();
    format!("Checklist: left {} points, right {}{vote}.", list.score_a, list.score_b)
}

fn feature_rows(list: &ScoredChecklist) -> Vec<MarkRow> {
    let object = |correct: Option<bool>| {
        mark(correct.map(|correct| if correct { FeatureMark::Yes } else { FeatureMark::No }), None)
    };
    let main = MarkRow {
        name: format!("It is: {}", list.main_object),
        view: String::new(),
        marks: [object(list.main_object_correct_a), object(list.main_object_correct_b)],
    };
    let features = list.features.iter().map(|feature| MarkRow {
        name: feature.feature.clone(),
        view: String::new(),
        marks: [mark(feature.side_a, feature.note_a.as_deref()), mark(feature.side_b, feature.note_b.as_deref())],
    });
    std::iter::once(main).chain(features).collect()
}

fn mark(mark: Option<FeatureMark>, note: Option<&str>) -> Mark {
    let (key, sign, word) = match mark {
        Some(FeatureMark::Yes) => ("yes", "✓", "yes"),
        Some(FeatureMark::Partial) => ("partial", "~", "partly"),
        Some(FeatureMark::No) => ("no", "✗", "no"),
        None => ("unknown", "·", "not answered"),
    };
    Mark { key, sign, word, note: note.unwrap_or_default().to_owned() }
}

fn gray(stage: &GrayRescue) -> Stage {
    let fractions = stage.pale_fraction.zip(stage.grayish_fraction);
    let measured = fractions
        .map(|(pale, grayish)| format!("{} of the objects is pale, {} grayish", percent(pale), percent(grayish)));
    let sentence = match (stage.fired, measured, &stage.unmeasured) {
        (true, Some(measured), _) => format!("{measured}: pale enough to be asked about again, on gray."),
        (true, None, _) => "The objects are pale enough to be asked about again, on gray.".to_owned(),
        (false, Some(measured), _) => format!("Not asked: {measured}, which is not pale and colourless enough."),
        (false, None, Some(reason)) => format!("Not asked: {reason}."),
        (false, None, None) => "Not asked: the objects are not pale and colourless enough.".to_owned(),
    };
    let compared = stage.compare.as_ref().map(|pair| compared("On gray", pair, None));
    Stage {
        number: 3,
        title: "Pale objects on gray",
        choice: side_of(stage.choice.unwrap_or(Choice::Draw)),
        sentences: vec![sentence],
        subject: "Question",
        remark: "Answers",
        penalties: compared.into_iter().collect(),
        ..Stage::default()
    }
}

fn side_guard(stage: &SideGuard) -> Stage {
    let verdict = |name: &str, verdict: Guarded| match verdict {
        Guarded::Ok => format!("{name} fits its front from the other sides"),
        Guarded::Garbage => format!("{name} does not fit its front from the other sides"),
    };
    let sentence = format!("{}; {}.", verdict("Left", stage.side_verdicts.a), verdict("right", stage.side_verdicts.b));
    let angles: Vec<&String> = stage.per_angle.a.0.iter().chain(&stage.per_angle.b.0).map(|(angle, _)| angle).fold(
        Vec::new(),
        |mut angles, angle| {
            if !angles.contains(&angle) {
                angles.push(angle);
            }
            angles
        },
    );
    let reason = |angle: &str, left: bool| {
        let reasons = stage.reasons.as_ref()?;
        if left { reasons.a.get(angle) } else { reasons.b.get(angle) }
    };
    let marks = angles.into_iter().map(|angle| {
        let view = Rendered::white(angle);
        MarkRow {
            name: view.as_ref().map_or_else(|| angle.clone(), Rendered::title),
            view: view.map(|view| view.key()).unwrap_or_default(),
            marks: [
                guard_mark(stage.per_angle.a.get(angle), reason(angle, true)),
                guard_mark(stage.per_angle.b.get(angle), reason(angle, false)),
            ],
        }
    });
    Stage {
        number: 4,
        title: "The other sides",
        choice: side_of(stage.choice),
        sentences: vec![sentence],
        marks_title: "Each side against its own front".to_owned(),
        marks_subject: "Angle",
        marks: marks.collect(),
        ..Stage::default()
    }
}

fn guard_mark(verdict: Option<Guarded>, reason: Option<String>) -> Mark {
    let (key, sign, word) = match verdict {
        Some(Guarded::Ok) => ("yes", "✓", "fits"),
        Some(Guarded::Garbage) => ("no", "✗", "does not fit"),
        None => ("unknown", "·", "not answered"),
    };
    Mark { key, sign, word, note: reason.unwrap_or_default() }
}

fn words(view: &str) -> String {
    view.replace('_', " ")
}

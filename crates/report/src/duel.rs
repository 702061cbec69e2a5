//! A duel as the page shows it: outcome, filters, pictures, stages. Names of outcomes are decided here,
//! the sentences of the stages in `stages`.

use gen404_round::duel::{Choice, Detail, DuelFailure, DuelRecord, JudgedDetail, Winner};

use crate::pictures::capital;
use crate::stages::{self, Stage};

/// A word with the class that colours it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) key: &'static str,
    pub(crate) name: String,
}

/// One of the pictures of the list.
pub(crate) struct Thumb {
    pub(crate) side: &'static str,
    pub(crate) name: &'static str,
    pub(crate) source: String,
    pub(crate) lazy: bool,
    pub(crate) absent: &'static str,
}

/// The prompt picture in a duel.
#[derive(Default)]
pub(crate) struct Prompt {
    pub(crate) source: String,
    /// Where it is on the network, when it is there.
    pub(crate) address: String,
    pub(crate) absent: String,
}

/// One view of both sides.
pub(crate) struct ViewPair {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) sides: [SidePicture; 2],
}

/// One view of one side.
pub(crate) struct SidePicture {
    pub(crate) side: &'static str,
    pub(crate) name: &'static str,
    pub(crate) folder: String,
    pub(crate) source: String,
}

/// One duel of the page.
pub(crate) struct Duel {
    pub(crate) stem: String,
    pub(crate) winner: Outcome,
    /// The stage that decided: `1` to `4`, `none` without pictures, `failed`.
    pub(crate) stage: &'static str,
    pub(crate) flags: String,
    /// Distance of the sides in stage 1 for sorting; large when there was no contest.
    pub(crate) gap_sort: String,
    pub(crate) why: String,
    pub(crate) tags: Vec<String>,
    /// The record's own word for it.
    pub(crate) decided_by: String,
    pub(crate) issues: String,
    pub(crate) stages: Vec<Stage>,
    pub(crate) calls: String,
    pub(crate) thumbs: [Thumb; 3],
    pub(crate) prompt: Prompt,
    pub(crate) views: Vec<ViewPair>,
}

/// Pictures of a duel, found and encoded elsewhere.
pub(crate) struct DuelPictures {
    pub(crate) thumbs: [Thumb; 3],
    pub(crate) prompt: Prompt,
    pub(crate) views: Vec<ViewPair>,
}

/// The stages of a record, when there were any.
pub(crate) fn judged(record: &DuelRecord) -> Option<&JudgedDetail> {
    match &record.detail {
        Detail::Judged(detail) => Some(detail),
        Detail::Unjudged(_) => None,
    }
}

pub(crate) fn outcome(winner: Winner) -> Outcome {
    match winner {
        Winner::Left => Outcome { key: "left", name: "Left wins".to_owned() },
        Winner::Right => Outcome { key: "right", name: "Right wins".to_owned() },
        Winner::Draw => Outcome { key: "draw", name: "Draw".to_owned() },
    }
}

impl Duel {
    pub(crate) fn of(record: &DuelRecord, pictures: DuelPictures) -> Self {
        let tally = record.calls.unwrap_or_default();
        let (stage, why, decided_by) = match &record.detail {
            Detail::Judged(detail) => {
                let (stage, why) = stages::decision(&detail.decided_by, record.winner);
                (stage, why, detail.decided_by.to_string())
            }
            Detail::Unjudged(nothing) => ("none", capital(&nothing.reason), String::new()),
        };
        let gap = judged(record).map(|detail| stages::front_gap(&detail.s1));
        let contradictory = judged(record).map_or(0, |detail| detail.s1.n_total.saturating_sub(detail.s1.n_consistent));
        let mut tags = Vec::new();
        tags.extend(gap.map(stages::gap_in_words));
        if contradictory > 0 {
            tags.push(format!("{contradictory} contradictory"));
        }
        if tally.unanswered > 0 {
            tags.push(format!("{} unanswered", tally.unanswered));
        }
        let flags: Vec<&str> = [(contradictory > 0, "contradictory"), (tally.unanswered > 0, "calls")]
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, flag)| flag)
            .collect();
        Self {
            stem: record.stem.to_string(),
            winner: outcome(record.winner),
            stage,
            flags: flags.join(" "),
            gap_sort: format!("{:.4}", gap.map_or(1000.0, f64::abs)),
            why,
            tags,
            decided_by,
            issues: judged(record).map(|detail| detail.issues.clone()).unwrap_or_default(),
            stages: judged(record).map(stages::of).unwrap_or_default(),
            calls: record.calls.map(stages::calls_in_words).unwrap_or_default(),
            thumbs: pictures.thumbs,
            prompt: pictures.prompt,
            views: pictures.views,
        }
    }

    pub(crate) fn failed(failure: &DuelFailure, pictures: DuelPictures) -> Self {
        Self {
            stem: failure.stem.to_string(),
            winner: Outcome { key: "failed", name: "Failed".to_owned() },
            stage: "failed",
            flags: String::new(),
            gap_sort: "2000".to_owned(),
            why: format!("Not judged: {}. The next run tries it again.", failure.error.trim_end_matches('.')),
            tags: Vec::new(),
            decided_by: String::new(),
            issues: String::new(),
            stages: Vec::new(),
            calls: String::new(),
            thumbs: pictures.thumbs,
            prompt: pictures.prompt,
            views: pictures.views,
        }
    }
}

/// A stage's decision as an outcome.
pub(crate) fn side_of(choice: Choice) -> Outcome {
    match choice {
        Choice::A => Outcome { key: "left", name: "Left".to_owned() },
        Choice::B => Outcome { key: "right", name: "Right".to_owned() },
        Choice::Draw => Outcome { key: "draw", name: "Draw".to_owned() },
    }
}

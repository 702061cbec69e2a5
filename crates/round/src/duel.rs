//! What a judged duel leaves behind: the record beside the pictures and the file that lists all of a match.
//! Data only, written by the judge and read by the report; neither how a decision is reached nor how it is shown is known here.

mod decision;
mod detail;
mod outcome;
mod win_margin;

pub use decision::{DecidedBy, StrongTag};
pub use detail::{
    Angle, CallTally, Checklist, ChecklistFailure, Choice, Compared, Detail, Feature, FeatureMark, GrayRescue, Guarded,
    JudgedDetail, NoPreview, PairDetail, PerAngle, PromptMatch, ScoredChecklist, SideGuard, Sides, SubJudges,
    VerdictSource, VoteCounts, Votes,
};
pub use outcome::{Interval, MatchResult};
pub use win_margin::{InvalidWinMargin, WinMargin};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Stem;

/// A side of a match: its first folder (the defender) or its second (the challenger). Also the index into pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first folder, `A` in questions and records.
    Left,
    /// The second folder, `B` in questions and records.
    Right,
}

impl Side {
    /// Both, in their order.
    pub const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// The word of files and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// Who won a duel. Left is the first picture folder (the defender), right the second (the challenger).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Winner {
    /// The first folder.
    Left,
    /// The second folder.
    Right,
    /// Neither.
    Draw,
}

impl Winner {
    /// The word of the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Draw => "draw",
        }
    }
}

/// One duel, as `<output-dir>/<stem>.json` holds it.
///
/// The first four fields are the contract; the others are left out of a file of another tool and then read as `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DuelRecord {
    /// Name of the prompt.
    pub stem: Stem,
    /// Address of the prompt picture, as the prompts file has it.
    pub prompt_url: String,
    /// Who won.
    pub winner: Winner,
    /// Why.
    pub detail: Detail,
    /// What the calls of this duel went through. Absent when no call was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallTally>,
    /// Everything the decision was made from. A run that finds the same again keeps the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<DuelInputs>,
}

/// Fingerprint of what a decision was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuelInputs {
    /// SHA-256 over profile, model, seed and the prompt's address, in hex.
    pub settings: String,
    /// SHA-256 in hex of each file that was looked at, by `left/white/front.png`, `right/grid.png`, `prompt`; `None` when it was not there.
    pub files: BTreeMap<String, Option<String>>,
}

/// A duel that could not be judged: no record is written for it and a later run tries it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuelFailure {
    /// Name of the prompt.
    pub stem: Stem,
    /// Address of the prompt picture, as the prompts file has it.
    pub prompt_url: String,
    /// One sentence.
    pub error: String,
}

/// The match, as `<output-dir>/duels.json` holds it. Only `results` is the contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchFile {
    /// The judged duels, in the order of the prompts file.
    pub results: Vec<DuelRecord>,
    /// Duels without a decision, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<DuelFailure>,
    /// Duels that an interrupted run did not come to.
    #[serde(default)]
    pub not_judged: usize,
    /// The sum of it.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub result: Option<MatchResult>,
    /// What was judged, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<MatchRun>,
}

impl MatchFile {
    /// The match result in the file, or one made from its records when another tool wrote it: against the running
    /// competition's margin then.
    pub fn result(&self) -> MatchResult {
        self.result.clone().unwrap_or_else(|| {
            let winners = self.results.iter().map(|record| record.winner);
            MatchResult::of(winners, self.failures.len() + self.not_judged, WinMargin::default())
        })
    }
}

/// What a match was judged from: enough to find every picture again. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRun {
    /// The prompts file; relative picture paths in `prompt_url` start from its folder.
    pub prompts_json: String,
    /// Folder of the left side.
    pub image_dir_1: String,
    /// Folder of the right side.
    pub image_dir_2: String,
    /// Name of the profile (`cli`, `official`, or what a profile file calls itself).
    pub profile: String,
    /// Name of the model that was asked.
    pub model: String,
    /// Seed of the calls.
    pub seed: u64,
    /// Which pictures below `<folder>/<stem>/` the stages looked at.
    pub pictures: PicturesUsed,
}

/// Names of the pictures the stages of a profile look at. `white/<name>.png`, `gray/<name>.png`, `grid.png`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicturesUsed {
    /// White views of stage 1, in its order; these are also the labels of `s1.angles`.
    pub front: Vec<String>,
    /// White views of the side guard, in its order; these are also the keys of `s4.per_angle`.
    pub sides: Vec<String>,
    /// White view the side guard compares with.
    pub reference: String,
    /// Gray view of stage 3.
    pub gray: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_another_tool_is_read_and_what_is_unknown_passes() {
        let text = r#"{"stem":"0v5gul","prompt_url":"https://h/0v5gul.png","winner":"left","detail":{"reason":"no preview from right"},"more":1}"#;
        let record: DuelRecord = serde_json::from_str(text).expect("a record");
        assert_eq!(record.winner, Winner::Left);
        assert_eq!(record.detail, Detail::Unjudged(NoPreview { reason: "no preview from right".to_owned() }));
        assert_eq!(record.calls, None);
        let text = serde_json::to_string(&record).expect("writes");
        assert!(
            text.starts_with(
                r#"{"stem":"0v5gul","prompt_url":"https://h/0v5gul.png","winner":"left","detail":{"reason""#
            ),
            "{text}"
        );
    }

    #[test]
    fn a_full_detail_is_read_and_written_with_its_documented_keys() {
        let text = r#"{"s1":{"choice":"draw","n_total":4,"n_consistent":4,"angles":[{"label":"front_left","pen_a":5.5,"pen_b":5}]},
            "s2":{"choice":"A","source":"strong_voter","best_view":null,"artifact_compare":{"penalty_a":4.0,"penalty_b":5.0},
              "checklist":{"main_object":"striped roof","main_object_correct_a":null,"main_object_correct_b":true,
              "features":[{"feature":"4 arches","side_a":null,"side_b":"yes"}],"score_a":0,"score_b":0}},
            "s3":{"fired":false,"choice":null},
            "s4":{"choice":"draw","side_verdicts":{"a":"garbage","b":"ok"},
              "per_angle":{"a":{"right":"garbage","back":"ok"},"b":{"right":"ok","back":"ok"}}},
            "decided_by":"S4 step-down (was A)","issues":"A: pale spout."}"#;
        let want: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let detail: Detail = serde_json::from_str(text).expect("a detail");
        let Detail::Judged(judged) = &detail else { panic!("judged, got {detail:?}") };
        assert_eq!(judged.s4.as_ref().expect("s4").per_angle.a.get("right"), Some(Guarded::Garbage));
        let got = serde_json::to_value(&detail).expect("writes");
        assert_same_or_more(&want, &got);
    }

    #[test]
    fn a_failed_checklist_keeps_its_raw_shape() {
        let text = r#"{"decompose_failed":true,"score_a":0,"score_b":0,"gap":0,"choice":"draw"}"#;
        let checklist: Checklist = serde_json::from_str(text).expect("a checklist");
        assert!(matches!(checklist, Checklist::Failed(_)));
        assert_eq!(serde_json::to_string(&checklist).expect("writes"), text);
    }

    /// Everything in `want` is in `got`, numbers by value.
    fn assert_same_or_more(want: &serde_json::Value, got: &serde_json::Value) {
        use serde_json::Value;
        match (want, got) {
            (Value::Object(want), Value::Object(got)) => {
                for (key, value) in want {
                    assert_same_or_more(value, got.get(key).unwrap_or_else(|| panic!("no {key} in {got:?}")));
                }
            }
            (Value::Array(want), Value::Array(got)) => {
                assert_eq!(want.len(), got.len());
                want.iter().zip(got).for_each(|(want, got)| assert_same_or_more(want, got));
            }
            (Value::Number(want), Value::Number(got)) => assert_eq!(want.as_f64(), got.as_f64()),
            _ => assert_eq!(want, got),
        }
    }
}

//! The `detail` of a record, stage by stage. Documented keys come first in each type; what only this tool writes follows and may be
//! absent, so that records of the subnet and of other tools are read as well.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DecidedBy, StrongTag};

/// Side of a stage's decision: A is left, B is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Choice {
    /// The left side.
    A,
    /// The right side.
    B,
    /// No side.
    #[serde(rename = "draw")]
    Draw,
}

impl Choice {
    /// The word of the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::Draw => "draw",
        }
    }
}

/// Why a duel ended as it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Detail {
    /// The stages were gone through.
    Judged(Box<JudgedDetail>),
    /// There was nothing to look at on one side or on both.
    Unjudged(NoPreview),
}

/// A side without pictures decides without a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoPreview {
    /// `no previews on either side`, `no preview from left` or `no preview from right`.
    pub reason: String,
}

/// Stage by stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedDetail {
    /// Stage 1, always there.
    pub s1: PromptMatch,
    /// Stage 2, when stage 1 drew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s2: Option<SubJudges>,
    /// Stage 3, when stage 2 drew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<GrayRescue>,
    /// Stage 4, when stage 1 drew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s4: Option<SideGuard>,
    /// The stage and rule that decided.
    pub decided_by: DecidedBy,
    /// One or two sentences of the model on both sides; without influence. Empty when it failed.
    #[serde(default)]
    pub issues: String,
    /// Wall time in seconds, one decimal, when stage 1 drew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_seconds: Option<f64>,
}

/// Stage 1: which side reproduces the prompt picture better, from several front angles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptMatch {
    /// What it decided.
    pub choice: Choice,
    /// Angles asked about.
    pub n_total: usize,
    /// Angles whose two orders did not contradict each other.
    pub n_consistent: usize,
    /// The angles in the profile's order.
    pub angles: Vec<Angle>,
    /// The rule that decided, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl PromptMatch {
    /// Weighted mean penalties of left and right over the angles that count; `None` when none does.
    pub fn mean_penalties(&self) -> Option<[f64; 2]> {
        let counted = || self.angles.iter().filter(|angle| angle.pair.contradictory != Some(true));
        let weight = |angle: &Angle| angle.weight.unwrap_or(1.0);
        let weights: f64 = counted().map(weight).sum();
        let mean =
            |penalty: fn(&Angle) -> f64| counted().map(|angle| weight(angle) * penalty(angle)).sum::<f64>() / weights;
        (weights > 0.0).then(|| [mean(|angle| angle.pen_a), mean(|angle| angle.pen_b)])
    }
}

/// One front angle. Penalties are 0 (perfect) to 10 (another object), averaged over both orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Angle {
    /// Name of the view (`white/<label>.png`).
    pub label: String,
    /// Penalty of the left side.
    pub pen_a: f64,
    /// Penalty of the right side.
    pub pen_b: f64,
    /// Weight in the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// The two orders, as answered.
    #[serde(flatten)]
    pub pair: PairDetail,
}

/// What the two orders of one question said. Absent in records of other tools.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairDetail {
    /// The two orders name different sides, or an answer could not be had: the angle does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradictory: Option<bool>,
    /// At least one of the two answers could not be had and stands at the neutral 5/5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_failed: Option<bool>,
    /// Penalties of left and right when left was shown first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ab: Option<[f64; 2]>,
    /// Penalties of left and right when right was shown first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ba: Option<[f64; 2]>,
    /// What the model said, left first and right first ("model 1" is the side shown first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<[String; 2]>,
}

/// Stage 2: three sub-judges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubJudges {
    /// What they decided.
    pub choice: Choice,
    /// Who of them.
    pub source: VerdictSource,
    /// Each side from its own best angle; `None` when there are no embeddings.
    pub best_view: Option<Compared>,
    /// Why there is no best view, when that is more than a missing file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_view_absent: Option<String>,
    /// Rendering quality on the grids.
    pub artifact_compare: Compared,
    /// Features of the prompt picture, ticked off on each grid.
    pub checklist: Checklist,
    /// What each of them voted; `None` abstained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<Votes>,
    /// Which strong voters decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strong_tag: Option<StrongTag>,
    /// The count, when a consensus was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vote_counts: Option<VoteCounts>,
}

/// How stage 2 came to its decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerdictSource {
    /// One or two sub-judges were sure enough to decide alone.
    #[serde(rename = "strong_voter")]
    StrongVoter,
    /// At least two of three, or nobody.
    #[serde(rename = "consensus_3")]
    Consensus,
}

/// Penalties of one question about both sides, averaged over both orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Penalty of the left side.
    pub penalty_a: f64,
    /// Penalty of the right side.
    pub penalty_b: f64,
    /// The white view of the left side that was shown; only for the best view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_a: Option<String>,
    /// The white view of the right side that was shown; only for the best view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view_b: Option<String>,
    /// The two orders, as answered.
    #[serde(flatten)]
    pub pair: PairDetail,
}

/// The checklist sub-judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Checklist {
    /// Features were found and looked for.
    Scored(ScoredChecklist),
    /// The features of the prompt picture could not be had.
    Failed(ChecklistFailure),
}

/// A checklist and how each side did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredChecklist {
    /// What the prompt picture shows.
    pub main_object: String,
    /// Whether the left side is that; `None` when it could not be verified.
    pub main_object_correct_a: Option<bool>,
    /// Whether the right side is that.
    pub main_object_correct_b: Option<bool>,
    /// The features, in the model's order.
    pub features: Vec<Feature>,
    /// 2 for a yes, 1 for a partial, 3 for the main object.
    pub score_a: i64,
    /// The same for the right side.
    pub score_b: i64,
    /// A side could not be verified, so nothing was scored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify_failed: bool,
}

/// One feature of the prompt picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// The feature in words.
    pub feature: String,
    /// What the left side got; `None` when it was not answered under this very text.
    pub side_a: Option<FeatureMark>,
    /// What the right side got.
    pub side_b: Option<FeatureMark>,
    /// The model's note on the left side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_a: Option<String>,
    /// The model's note on the right side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_b: Option<String>,
}

/// How well a feature is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureMark {
    /// Clearly right.
    Yes,
    /// There, but wrong somehow, or hard to say.
    Partial,
    /// Not there.
    No,
}

/// A checklist that never came to features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecklistFailure {
    /// Always true.
    pub decompose_failed: bool,
    /// Always 0.
    #[serde(default)]
    pub score_a: i64,
    /// Always 0.
    #[serde(default)]
    pub score_b: i64,
    /// Always 0.
    #[serde(default)]
    pub gap: i64,
    /// Always a draw.
    pub choice: Choice,
}

/// The votes of stage 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    /// `A`, `B`, or `None`.
    pub best_view: Option<Choice>,
    /// `A`, `B`, or `None`.
    pub artifact_compare: Option<Choice>,
    /// `A`, `B`, or `None`.
    pub checklist: Option<Choice>,
}

/// Votes a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteCounts {
    /// For the left side.
    #[serde(rename = "A")]
    pub a: u8,
    /// For the right side.
    #[serde(rename = "B")]
    pub b: u8,
}

/// Stage 3: pale or colourless models compared once more, in gray.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrayRescue {
    /// Whether the pictures were pale and colourless enough to ask.
    pub fired: bool,
    /// `A`, `B`, or `None` for no change.
    pub choice: Option<Choice>,
    /// Share of the foreground that is pale, 0 to 1; `None` when the pictures could not be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pale_fraction: Option<f64>,
    /// Share of the foreground that is grayish, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grayish_fraction: Option<f64>,
    /// Why the pictures could not be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<String>,
    /// Penalties, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<Compared>,
}

/// Stage 4: does the rest of the object go with its front?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideGuard {
    /// The decision after this stage.
    pub choice: Choice,
    /// Verdict on each side.
    pub side_verdicts: Sides<Guarded>,
    /// Verdict on each angle.
    pub per_angle: Sides<PerAngle<Guarded>>,
    /// The model's reason for each angle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Sides<PerAngle<String>>>,
}

/// Something of both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides<T> {
    /// Of the left side.
    pub a: T,
    /// Of the right side.
    pub b: T,
}

/// Verdict of the side guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guarded {
    /// Goes with the front.
    Ok,
    /// Does not.
    Garbage,
}

/// What a duel's calls went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTally {
    /// Questions put to the model, repetitions not counted.
    pub calls: u32,
    /// Attempts made for them.
    pub attempts: u32,
    /// Attempts that brought no reply (connection, time limit, HTTP status).
    #[serde(default)]
    pub transport_failed: u32,
    /// Attempts whose reply could not be understood.
    #[serde(default)]
    pub json_failed: u32,
    /// Questions without an answer after the last attempt: a neutral answer, or none, stands in.
    #[serde(default)]
    pub unanswered: u32,
}

/// A value for each angle, as a JSON object that keeps its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerAngle<T>(pub Vec<(String, T)>);

impl<T: Clone> PerAngle<T> {
    /// The value of an angle.
    pub fn get(&self, angle: &str) -> Option<T> {
        self.0.iter().find(|(name, _)| name == angle).map(|(_, value)| value.clone())
    }
}

impl<T: Serialize> Serialize for PerAngle<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerAngle<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = PerAngle<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object with a value for each angle")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(PerAngle(entries))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

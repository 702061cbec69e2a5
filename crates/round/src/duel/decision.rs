//! What decided a duel, as records say it in `decided_by` and `strong_tag`.
//! Records of other tools may say anything: that is kept as it is, so that such a file is read and written unchanged.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Choice;

/// The stage and rule that decided a duel.
#[derive(Debug, Clone, PartialEq)]
pub enum DecidedBy {
    /// Stage 1: the fronts. `S1`
    Fronts,
    /// Stage 2: sub-judges that were sure enough to decide alone. `S2 strong_voter [bv|+3.0|]`
    StrongVoter(StrongTag),
    /// Stage 2: the count of votes. `S2 consensus`
    Consensus,
    /// Stage 3: nearer to the prompt when seen in gray. `S3 gray-rescue`
    GrayRescue,
    /// Stage 3 was not reached, or changed nothing. `S3 (gate did not fire) -> draw`
    NothingSeen,
    /// Stage 4 took one step down from what the stages before had decided. `S4 step-down (was A)`
    StepDown(Choice),
    /// What another tool wrote.
    Other(String),
}

/// The strong voters of stage 2: at least one.
#[derive(Debug, Clone, PartialEq)]
pub enum StrongTag {
    /// `bv|+3.0|`, `cl|-8|`, or both joined by `+`.
    Voters {
        /// The left side's penalty less the right's, each from its own best view: below zero speaks for the left.
        best_view: Option<f64>,
        /// The left side's points less the right's: above zero speaks for the left.
        checklist: Option<i64>,
    },
    /// What another tool wrote.
    Other(String),
}

const STRONG_VOTER: &str = "S2 strong_voter [";
const STEP_DOWN: &str = "S4 step-down (was ";

impl fmt::Display for DecidedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fronts => formatter.write_str("S1"),
            Self::StrongVoter(tag) => write!(formatter, "{STRONG_VOTER}{tag}]"),
            Self::Consensus => formatter.write_str("S2 consensus"),
            Self::GrayRescue => formatter.write_str("S3 gray-rescue"),
            Self::NothingSeen => formatter.write_str("S3 (gate did not fire) -> draw"),
            Self::StepDown(before) => write!(formatter, "{STEP_DOWN}{})", before.as_str()),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl FromStr for DecidedBy {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let inside = |head: &str, tail: char| text.strip_prefix(head)?.strip_suffix(tail);
        let step_down = || {
            [Choice::A, Choice::B, Choice::Draw].into_iter().find(|was| inside(STEP_DOWN, ')') == Some(was.as_str()))
        };
        Ok(match text {
            "S1" => Self::Fronts,
            "S2 consensus" => Self::Consensus,
            "S3 gray-rescue" => Self::GrayRescue,
            "S3 (gate did not fire) -> draw" | "S3 (gate did not fire) \u{2192} draw" => Self::NothingSeen,
            _ => match (inside(STRONG_VOTER, ']'), step_down()) {
                (Some(tag), _) => Self::StrongVoter(tag.parse()?),
                (None, Some(before)) => Self::StepDown(before),
                (None, None) => Self::Other(text.to_owned()),
            },
        })
    }
}

impl fmt::Display for StrongTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voters { best_view, checklist } => {
                if let Some(difference) = best_view {
                    write!(formatter, "bv|{difference:+.1}|")?;
                }
                if best_view.is_some() && checklist.is_some() {
                    formatter.write_str("+")?;
                }
                checklist.map_or(Ok(()), |gap| write!(formatter, "cl|{gap:+}|"))
            }
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl FromStr for StrongTag {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(voters(text).unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

/// `None` for what would not be written in the same way again.
fn voters(text: &str) -> Option<StrongTag> {
    let view = |text: &str| text.strip_prefix("bv|")?.strip_suffix('|')?.parse().ok();
    let list = |text: &str| text.strip_prefix("cl|")?.strip_suffix('|')?.parse().ok();
    let tag = match text.split_once("+cl") {
        Some((first, second)) => {
            StrongTag::Voters { best_view: Some(view(first)?), checklist: Some(list(&format!("cl{second}"))?) }
        }
        _ if text.starts_with("bv") => StrongTag::Voters { best_view: Some(view(text)?), checklist: None },
        _ => StrongTag::Voters { best_view: None, checklist: Some(list(text)?) },
    };
    (tag.to_string() == text).then_some(tag)
}

macro_rules! as_text {
    ($($type:ty),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let Ok(read) = String::deserialize(deserializer)?.parse();
                Ok(read)
            }
        }
    )+};
}
as_text!(DecidedBy, StrongTag);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> DecidedBy {
        let Ok(decided_by) = text.parse();
        decided_by
    }

    #[test]
    fn every_decision_is_read_as_it_is_written() {
        let voters = |best_view, checklist| DecidedBy::StrongVoter(StrongTag::Voters { best_view, checklist });
        let cases = [
            ("S1", DecidedBy::Fronts),
            ("S2 strong_voter [bv|+3.0|]", voters(Some(3.0), None)),
            ("S2 strong_voter [cl|-8|]", voters(None, Some(-8))),
            ("S2 strong_voter [bv|-2.5|+cl|+12|]", voters(Some(-2.5), Some(12))),
            ("S2 strong_voter [bv|+3.0|+cl|-8|]", voters(Some(3.0), Some(-8))),
            ("S2 consensus", DecidedBy::Consensus),
            ("S3 gray-rescue", DecidedBy::GrayRescue),
            ("S3 (gate did not fire) -> draw", DecidedBy::NothingSeen),
            ("S4 step-down (was A)", DecidedBy::StepDown(Choice::A)),
            ("S4 step-down (was draw)", DecidedBy::StepDown(Choice::Draw)),
        ];
        for (text, decided_by) in cases {
            assert_eq!(read(text), decided_by);
            assert_eq!(decided_by.to_string(), text);
        }
    }

    #[test]
    fn what_another_tool_wrote_stays_as_it_is() {
        for text in ["", "S5", "s1", "S4 step-down (was C)", "S2 strong_voter [bv|3|]", "S2 strong_voter []", "<b>"] {
            assert_eq!(read(text).to_string(), text);
        }
        assert_eq!(read("S5"), DecidedBy::Other("S5".to_owned()));
        assert_eq!(read("S2 strong_voter [bv|3|]"), DecidedBy::StrongVoter(StrongTag::Other("bv|3|".to_owned())));
    }
}

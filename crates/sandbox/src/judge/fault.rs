//! Faults on demand: what shall go wrong, for which calls and how often.
//! It must not know the right answers; a fault bends whatever reply it is given.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Rules that can be set at once; a control endpoint must not grow without bound.
const MOST_RULES: usize = 1000;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The reply's JSON has single quotes.
    Malformed,
    /// The reply is right, but inside a fenced block with words around it.
    Fenced,
    /// The reply is right but for a comma before the closing brace.
    TrailingComma,
    /// The reply ends in its middle, with `finish_reason` `length`.
    Truncated,
    /// Every value of the reply is of a type that cannot be coerced.
    WrongTypes,
    /// The reply lacks one of its fields.
    MissingField,
    /// The reply has no content, only a refusal.
    Refusal,
    /// The reply has empty content.
    Empty,
    /// The reply is a sentence without any JSON.
    Prose,
    /// The reply prefers the first of the two pictures, whatever they show: the two orders contradict each other.
    FirstWins,
    /// HTTP 429 with `Retry-After`.
    RateLimited {
        /// The header's value in seconds.
        retry_after_seconds: u32,
    },
    /// HTTP 500.
    ServerError,
    /// No answer at all until the caller gives up or the script stops.
    Stall,
    /// The connection is cut in the middle of the reply's body.
    CutConnection,
    /// A server that fetches nothing: HTTP 400 when a picture comes by its address.
    #[serde(rename = "nourl")]
    NoUrl,
    /// A server with a limit of pictures: HTTP 400 when there are more.
    Max {
        /// The limit.
        pictures: usize,
    },
    /// A proxy with a limit of 1 MiB: HTTP 413 and a page when the request is larger.
    Big,
    /// The reply is right, but its content is a list of parts.
    Parts,
    /// HTTP 200 with the body of a 429.
    Error200,
    /// The model thinks until its limit is reached: no content, `finish_reason` `length`.
    Thinking,
    /// A server that does not know `seed`: HTTP 400.
    #[serde(rename = "noseed")]
    NoSeed,
}

/// When a fault happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// Only for calls with this label (`s1_prompt_match`, …); for all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The first so many matching calls are answered well.
    #[serde(default)]
    pub skip: u64,
    /// Then every so many-th matching call is hit; 1 (and 0) means each.
    #[serde(default = "one")]
    pub every: u64,
    /// At most so many calls are hit; without limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

fn one() -> u64 {
    1
}

impl FaultRule {
    /// The fault at every call.
    pub fn always(fault: Fault) -> Self {
        Self { fault, label: None, skip: 0, every: 1, times: None }
    }

    /// Only for calls with this label.
    #[must_use]
    pub fn for_label(self, label: &str) -> Self {
        Self { label: Some(label.to_owned()), ..self }
    }

    /// Only for the first so many matching calls.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }
}

/// A rule and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct FaultState {
    /// The rule.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// Calls it matched so far.
    pub seen: u64,
    /// Calls it hit so far.
    pub hit: u64,
}

impl FaultState {
    fn hits(&mut self, label: &str) -> bool {
        if self.rule.label.as_ref().is_some_and(|wanted| wanted != label) {
            return false;
        }
        let matching = self.seen;
        self.seen += 1;
        let due = matching.checked_sub(self.rule.skip).is_some_and(|since| since % self.rule.every.max(1) == 0);
        let hit = due && self.rule.times.is_none_or(|times| self.hit < times);
        self.hit += u64::from(hit);
        hit
    }
}

/// The rules in force, in the order they were set; the first that hits decides.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<FaultState>>);

impl Faults {
    /// Adds a rule; false when there are too many.
    pub(crate) fn add(&self, rule: FaultRule) -> bool {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = rules.len() < MOST_RULES;
        if fits {
            rules.push(FaultState { rule, seen: 0, hit: 0 });
        }
        fits
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn list(&self) -> Vec<FaultState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The fault of the next call with this label.
    pub(crate) fn next(&self, label: &str) -> Option<Fault> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter_mut().find_map(|state| state.hits(label).then(|| state.rule.fault.clone()))
    }
}

/// Text of a reply and its `finish_reason`, bent by the fault; `None` is a reply without content.
pub(crate) fn bend(fault: Option<&Fault>, mut right: Value) -> (Option<String>, &'static str) {
    let text = right.to_string();
    let bent = match fault {
        Some(Fault::Refusal) => return (None, "stop"),
        Some(Fault::Truncated) => {
            let middle = text.char_indices().map(|(at, _)| at).nth(text.chars().count() / 2).unwrap_or(0);
            return (Some(text[..middle].to_owned()), "length");
        }
        Some(Fault::Malformed) => text.replace('"', "'"),
        Some(Fault::Fenced) => format!("Here it is:\n```json\n{text}\n```\nAnything else?"),
        Some(Fault::TrailingComma) => format!("{},}}", text.trim_end_matches('}')),
        Some(Fault::Empty) => String::new(),
        Some(Fault::Prose) => "Both are nice in their own way.".to_owned(),
        Some(Fault::WrongTypes) => {
            fields(&mut right).for_each(|(_, value)| *value = serde_json::json!({ "not": "this" }));
            right.to_string()
        }
        Some(Fault::MissingField) => {
            if let Some(fields) = right.as_object_mut()
                && let Some(last) = fields.keys().next_back().cloned()
            {
                fields.remove(&last);
            }
            right.to_string()
        }
        Some(Fault::FirstWins) => {
            fields(&mut right).filter(|(name, _)| *name == "penalty_1").for_each(|(_, value)| *value = 2.into());
            fields(&mut right).filter(|(name, _)| *name == "penalty_2").for_each(|(_, value)| *value = 7.into());
            right.to_string()
        }
        Some(Fault::Thinking) => return (None, "length"),
        None
        | Some(
            Fault::RateLimited { .. }
            | Fault::ServerError
            | Fault::Stall
            | Fault::CutConnection
            | Fault::NoUrl
            | Fault::Max { .. }
            | Fault::Big
            | Fault::Parts
            | Fault::Error200
            | Fault::NoSeed,
        ) => text,
    };
    (Some(bent), "stop")
}

fn fields(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_count_their_calls() {
        let faults = Faults::default();
        assert!(
            faults
                .add(FaultRule { skip: 1, every: 2, ..FaultRule::always(Fault::Empty) }.for_label("explain").times(2))
        );
        let hits: Vec<bool> = (0..8).map(|_| faults.next("explain").is_some()).collect();
        assert_eq!(hits, [false, true, false, true, false, false, false, false]);
        assert_eq!(faults.next("s1_prompt_match"), None);
        assert_eq!((faults.list()[0].seen, faults.list()[0].hit), (8, 2));
        faults.clear();
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_rule_is_read_from_json() {
        let rule: FaultRule =
            serde_json::from_value(json!({"fault": {"rate_limited": {"retry_after_seconds": 3}}, "times": 2})).unwrap();
        assert_eq!(rule, FaultRule::always(Fault::RateLimited { retry_after_seconds: 3 }).times(2));
        assert!(serde_json::from_value::<FaultRule>(json!({"fault": "empty", "tims": 2})).is_err());
        for (name, fault) in [
            (json!("nourl"), Fault::NoUrl),
            (json!({"max": {"pictures": 1}}), Fault::Max { pictures: 1 }),
            (json!("big"), Fault::Big),
            (json!("parts"), Fault::Parts),
            (json!("error200"), Fault::Error200),
            (json!("thinking"), Fault::Thinking),
            (json!("noseed"), Fault::NoSeed),
        ] {
            assert_eq!(serde_json::from_value::<Fault>(name).unwrap(), fault);
        }
    }

    #[test]
    fn replies_are_bent_as_their_names_say() {
        let right = || json!({"issues": "häßlich", "penalty_1": 3, "penalty_2": 3});
        let bent = |fault| bend(Some(&fault), right()).0.unwrap();
        let parse = |text: &str| serde_json::from_str::<Value>(text);
        assert!(parse(&bent(Fault::Malformed)).is_err());
        assert!(parse(&bent(Fault::Truncated)).is_err());
        assert!(parse(&bent(Fault::TrailingComma)).is_err());
        assert!(bent(Fault::TrailingComma).ends_with(",}"));
        assert!(bent(Fault::Fenced).contains(&format!("```json\n{}\n```", right())));
        assert!(parse(&bent(Fault::WrongTypes)).unwrap()["penalty_1"].is_object());
        assert_eq!(parse(&bent(Fault::MissingField)).unwrap().as_object().unwrap().len(), 2);
        assert_eq!(parse(&bent(Fault::FirstWins)).unwrap()["penalty_2"], 7);
        assert_eq!(bend(Some(&Fault::Refusal), right()).0, None);
        assert_eq!(bend(Some(&Fault::Thinking), right()), (None, "length"));
        assert_eq!(bend(None, right()).0, Some(right().to_string()));
    }
}

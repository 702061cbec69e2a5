//! The state machine of the batch API: warming up, ready, generating, complete, and what may follow what.
//! Plain data without clock, network or threads; it must not know how objects are made.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Body of POST `/generate`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Order {
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) seed: u64,
}

/// One prompt of an order.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Prompt {
    pub(crate) stem: String,
    pub(crate) image_url: String,
}

/// Which stems a generator takes; real ones differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StemRule {
    /// `^[a-z0-9]+$`, as the subnet's reference service.
    #[default]
    Documented,
    /// Any that has characters at all.
    Any,
}

/// Something wrong with an order, in the words and the place that pydantic would give.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    loc: Vec<Step>,
    msg: &'static str,
    input: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Step {
    Name(&'static str),
    Number(usize),
}

impl Order {
    /// Says what is wrong with an order: stems must keep the rule and differ.
    pub(crate) fn check(&self, rule: StemRule) -> Result<(), Vec<Fault>> {
        if self.prompts.is_empty() {
            let loc = vec![Step::Name("body"), Step::Name("prompts")];
            return Err(vec![Fault { loc, msg: "List should have at least 1 item", input: "[]".to_owned() }]);
        }
        let mut seen = BTreeSet::new();
        let wrong = |stem: &str| match rule {
            _ if stem.is_empty() => Some("String should have at least 1 character"),
            StemRule::Any => None,
            StemRule::Documented => {
                let documented = stem.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
                (!documented).then_some("String should match pattern '^[a-z0-9]+$'")
            }
        };
        let faults = self.prompts.iter().enumerate().filter_map(|(number, Prompt { stem, .. })| {
            let twice = (!seen.insert(stem)).then_some("Stem should be given once");
            let msg = wrong(stem).or(twice)?;
            let loc = vec![Step::Name("body"), Step::Name("prompts"), Step::Number(number), Step::Name("stem")];
            Some(Fault { loc, msg, input: stem.clone() })
        });
        let faults: Vec<_> = faults.collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn stems(&self) -> BTreeSet<String> {
        self.prompts.iter().map(|prompt| prompt.stem.clone()).collect()
    }
}

/// What the service says it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    WarmingUp,
    Ready,
    Generating,
    Complete,
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::WarmingUp => "warming_up",
            Self::Ready => "ready",
            Self::Generating => "generating",
            Self::Complete => "complete",
        })
    }
}

/// Body of GET `/status`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<usize>,
}

/// The call does not fit the state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) current_status: Status,
}

#[derive(Debug)]
enum Phase {
    WarmingUp,
    Ready,
    Generating { stems: BTreeSet<String>, done: usize },
    Complete { stems: BTreeSet<String>, archive: Bytes },
}

/// The service's state.
#[derive(Debug)]
pub(crate) struct Machine(Phase);

impl Machine {
    pub(crate) fn warming_up() -> Self {
        Self(Phase::WarmingUp)
    }

    pub(crate) fn warmed_up(&mut self) {
        if matches!(self.0, Phase::WarmingUp) {
            self.0 = Phase::Ready;
        }
    }

    /// Takes an order. `true` = it begins now, `false` = this very set of stems is already under way or done.
    pub(crate) fn submit(&mut self, order: &Order) -> Result<bool, Busy> {
        let wanted = order.stems();
        match &self.0 {
            Phase::Generating { stems, .. } | Phase::Complete { stems, .. } if *stems == wanted => Ok(false),
            Phase::WarmingUp | Phase::Generating { .. } => Err(Busy { current_status: self.status() }),
            Phase::Ready | Phase::Complete { .. } => {
                self.0 = Phase::Generating { stems: wanted, done: 0 };
                Ok(true)
            }
        }
    }

    /// One more prompt is done.
    pub(crate) fn advance(&mut self) {
        if let Phase::Generating { done, .. } = &mut self.0 {
            *done += 1;
        }
    }

    /// The batch is done and packed.
    pub(crate) fn complete(&mut self, archive: Bytes) {
        if let Phase::Generating { stems, .. } = &mut self.0 {
            let stems = std::mem::take(stems);
            self.0 = Phase::Complete { stems, archive };
        }
    }

    /// The archive of the finished batch.
    pub(crate) fn results(&self) -> Result<Bytes, Busy> {
        match &self.0 {
            Phase::Complete { archive, .. } => Ok(archive.clone()),
            _ => Err(Busy { current_status: self.status() }),
        }
    }

    pub(crate) fn report(&self) -> Report {
        let (progress, total) = match &self.0 {
            Phase::WarmingUp | Phase::Ready => (None, None),
            Phase::Generating { stems, done } => (Some(*done), Some(stems.len())),
            Phase::Complete { stems, .. } => (Some(stems.len()), Some(stems.len())),
        };
        Report { status: self.status(), progress, total }
    }

    pub(crate) fn is_making(&self) -> bool {
        self.status() == Status::Generating
    }

    fn status(&self) -> Status {
        match self.0 {
            Phase::WarmingUp => Status::WarmingUp,
            Phase::Ready => Status::Ready,
            Phase::Generating { .. } => Status::Generating,
            Phase::Complete { .. } => Status::Complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(stems: &[&str], seed: u64) -> Order {
        let prompts = stems
            .iter()
            .map(|stem| Prompt { stem: (*stem).to_owned(), image_url: format!("http://h/{stem}") })
            .collect();
        Order { prompts, seed }
    }

    #[test]
    fn a_set_of_stems_is_made_once_whatever_its_order_and_seed() {
        let mut machine = Machine::warming_up();
        assert_eq!(machine.submit(&order(&["a"], 1)), Err(Busy { current_status: Status::WarmingUp }));
        machine.warmed_up();
        assert_eq!(machine.submit(&order(&["a", "b"], 1)), Ok(true));
        assert_eq!(machine.submit(&order(&["b", "a"], 2)), Ok(false));
        assert_eq!(machine.submit(&order(&["a"], 1)), Err(Busy { current_status: Status::Generating }));
        assert!(machine.results().is_err());
        machine.complete(Bytes::from_static(b"zip"));
        assert_eq!(machine.submit(&order(&["a", "b"], 3)), Ok(false));
        assert_eq!(machine.results(), Ok(Bytes::from_static(b"zip")));
        assert_eq!(machine.submit(&order(&["a"], 1)), Ok(true));
        assert!(machine.results().is_err());
    }

    #[test]
    fn orders_are_checked() {
        assert_eq!(order(&["0af", "b1"], 0).check(StemRule::Documented), Ok(()));
        for stems in [&[][..], &["A"], &["a-b"], &[""], &["a", "a"]] {
            assert!(order(stems, 0).check(StemRule::Documented).is_err(), "{stems:?}");
        }
        assert_eq!(order(&["A", "a-b"], 0).check(StemRule::Any), Ok(()));
        assert!(order(&[""], 0).check(StemRule::Any).is_err() && order(&["a", "a"], 0).check(StemRule::Any).is_err());
    }

    #[test]
    fn every_refused_stem_is_named_by_its_place() {
        let faults = order(&["A", "b", "a-b"], 0).check(StemRule::Documented).expect_err("two stems");
        let places = serde_json::to_value(faults).expect("JSON");
        assert_eq!(places[0]["loc"], serde_json::json!(["body", "prompts", 0, "stem"]));
        assert_eq!(places[1]["loc"], serde_json::json!(["body", "prompts", 2, "stem"]));
        assert_eq!(places[2], serde_json::Value::Null);
    }
}

//! One thing that was looked at before a round, with how it stands and what to do about it. Pure: each room that knows
//! something worth checking makes its own; composing, running and showing them is the binary's business.

use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Pass,
    /// It works and may disappoint.
    Warn,
    /// It costs a round, or keeps a command from working.
    Fail,
    /// Not looked at, because nothing is configured for it or something that it needs is not there.
    Skipped,
}

/// A check that has been made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, by which scripts choose it.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub sentence: String,
    /// What to do about it; of a skipped one what would enable it.
    pub fix: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn pass(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Pass, sentence: sentence.into(), fix: None }
    }

    /// It may disappoint.
    pub fn warn(name: &'static str, sentence: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Warn, sentence: sentence.into(), fix: Some(fix.into()) }
    }

    /// It costs something.
    pub fn fail(name: &'static str, sentence: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Fail, sentence: sentence.into(), fix: Some(fix.into()) }
    }

    /// Not looked at.
    pub fn skipped(name: &'static str, sentence: impl Into<String>, enable: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Skipped, sentence: sentence.into(), fix: Some(enable.into()) }
    }
}

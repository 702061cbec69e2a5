//! What happens while a match is prepared and judged, as typed events; the library never prints.
//! Whoever listens decides what becomes a line, a bar or nothing.

use gen404_outside::observer::Observer;
use gen404_round::Stem;
use gen404_round::duel::{GrayRescue, PromptMatch, SideGuard, SubJudges, Winner};
use serde::Serialize;
use std::time::Duration;

use crate::call::AttemptError;

/// Something happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The rehearsal begins.
    Rehearses,
    /// The rehearsal waits before it asks again.
    Waits {
        /// What the server said.
        error: &'a AttemptError,
        /// How long.
        pause: Duration,
    },
    /// The rehearsal went well.
    Rehearsed {
        /// The duel whose pictures were shown.
        stem: &'a Stem,
        /// Requests that it took.
        calls: u32,
        /// Time that it took.
        took: Duration,
    },
    /// An attempt at a question ended.
    Attempt {
        /// Whether it brought a usable reply.
        answered: bool,
    },
    /// A stage of a duel is done.
    Stage {
        /// The duel.
        stem: &'a Stem,
        /// The stage with its result.
        stage: Stage<'a>,
    },
    /// Something about a duel is odd, but does not stop it.
    Oddity {
        /// The duel.
        stem: &'a Stem,
        /// What, in words.
        what: &'a str,
    },
    /// A duel is decided and its record written.
    Decided {
        /// The duel.
        stem: &'a Stem,
        /// Who won.
        winner: Winner,
        /// By what.
        decided_by: &'a str,
    },
    /// A duel could not be judged.
    Failed {
        /// The duel.
        stem: &'a Stem,
        /// Why, in one sentence.
        error: &'a str,
    },
}

/// A stage's result. It serialises as the stage's part of the record.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Stage<'a> {
    /// Stage 1.
    PromptMatch(&'a PromptMatch),
    /// Stage 2.
    SubJudges(&'a SubJudges),
    /// Stage 3.
    GrayRescue(&'a GrayRescue),
    /// Stage 4.
    SideGuard(&'a SideGuard),
}

impl Stage<'_> {
    /// `S1` to `S4`.
    pub fn name(self) -> &'static str {
        match self {
            Self::PromptMatch(_) => "S1",
            Self::SubJudges(_) => "S2",
            Self::GrayRescue(_) => "S3",
            Self::SideGuard(_) => "S4",
        }
    }
}

/// Whoever listens to a match. Called from several duels at once, and must not block.
pub type Listener<'a> = dyn for<'e> Observer<Event<'e>> + 'a;

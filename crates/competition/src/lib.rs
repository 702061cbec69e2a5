//! Where the competition stands: the public state repository, read file by file and joined with the chain's head.
//!
//! Knows no chain, no wallet and no terminal: block numbers, block times and the clock come in as values. All content of
//! the repository is taken for hostile, and for what it is while services write to it: missing, half-written, rewritten.

mod address;
mod cache;
pub mod checks;
mod content;
mod fetch;
pub mod files;
mod pace;
mod place;
mod recompute;
mod situation;
mod state_file;
mod view;

pub use address::{InvalidStateUrl, PUBLIC_STATE, StateUrl};
pub use content::{Content, Document, Reading, Unreadable};
pub use fetch::{FetchError, Look, Manners, Seen, StateClient};
pub use pace::{Moment, Pace};
pub use place::{AuditMargin, AuditSubject, OwnPlace, own_place};
pub use recompute::{Gap, RecomputeError, Recomputed, recompute};
pub use situation::{Counted, Deadline, Doubt, Happening, RoundWindow, Situation, Task, counts_for, situation};
pub use state_file::{Opponent, Player, PlayerFile, RoundFile, StateFile};
pub use view::{RoundFiles, View, ViewError, Wants};

/// Number of a round, from 0.
pub type RoundNumber = u64;

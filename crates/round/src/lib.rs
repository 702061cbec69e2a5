//! The words everybody shares (hotkey, commit hash, repository, stem, prompt …) and the rules of the competition.
//!
//! Pure: nothing here knows a network, a disk, a clock or a terminal, and every type can only hold what its rule allows.

mod account;
pub mod aim;
pub mod audit;
pub mod check;
mod collector;
pub mod duel;
pub mod lock;
pub mod module_rule;
mod prompts;
pub mod python;
mod reveal;
pub mod standings;
mod submission;
pub mod view;

pub use account::{AccountId, Hotkey, InvalidAddress};
pub use collector::{
    Admission, Breakage, Collected, Entrant, Field, InvalidSubmission, LinedUp, Submission, Verdict, Window, collect,
    line_up, put_in_line,
};
pub use prompts::{
    InvalidPrompts, InvalidSeed, InvalidStem, Prompt, PromptImage, PromptSet, PromptsForm, Stem, parse_seed,
};
pub use reveal::{InvalidHex, Latest, Reveal, RevealedFields, decode_payload, decode_payload_text, merge_latest};
pub use submission::{CdnUrl, CommitHash, InvalidCdnUrl, InvalidCommitHash, InvalidRepository, Repository};

/// Number of a block, counted from the chain's genesis.
pub type BlockNumber = u64;

/// Number of a subnet; the 404 subnet is 17.
pub type Netuid = u16;

/// The 404 subnet on Finney.
pub const NETUID: Netuid = 17;

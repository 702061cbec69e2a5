//! The words everybody shares (hotkey, commit hash, repository, stem, prompt …) and the rules of the competition.
//!
//! Pure: nothing here knows a network, a disk, a clock or a terminal, and every type can only hold what its rule allows.

mod account;
pub mod duel;
pub mod module_rule;
mod prompts;
mod reveal;
mod submission;

pub use account::{AccountId, Hotkey, InvalidAddress};
pub use prompts::{InvalidPrompts, InvalidStem, Prompt, PromptImage, PromptSet, Stem};
pub use reveal::{Latest, Reveal, RevealedFields, decode_payload, merge_latest};
pub use submission::{CdnUrl, CommitHash, InvalidCdnUrl, InvalidCommitHash, InvalidRepository, Repository};

/// Number of a block, counted from the chain's genesis.
pub type BlockNumber = u64;

/// Number of a subnet; the 404 subnet is 17.
pub type Netuid = u16;

/// The 404 subnet on Finney.
pub const NETUID: Netuid = 17;

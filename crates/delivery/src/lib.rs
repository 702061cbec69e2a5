//! Where a miner's files are delivered, seen as the subnet sees it: plain HTTP, no key, no redirect followed.
//!
//! Knows what the subnet asks of a CDN, and neither wallets, the chain nor a terminal; what an answer means for a commit is
//! decided by the command.

mod check;
mod encoding;
mod error;
mod host;
mod journal;
mod loss;
mod probe;
mod read;

pub use check::{Head, Passed, check};
pub use error::{Asked, CdnError};
pub use host::Manners;
pub use journal::{Journal, Remembered};
pub use loss::{Loss, Unknown};
pub use probe::{InvalidProbe, ProbeName};
pub use read::{Downloader, Module, Told, Validators};

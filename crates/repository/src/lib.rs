//! A miner's repository at one commit: whether strangers can fetch it, and what in it would cost its owner a round.
//!
//! The subnet's builder checks the submitted commit out and builds `docker/Dockerfile`; its collector reads `hardware.json`.
//! [`fetch()`] gets the commit's tree and the few texts that matter, without a key and without a full clone; [`inspect()`] is
//! pure and says what is wrong with them. Knows no chain, no round and no terminal. Everything fetched is hostile: nothing
//! of it is checked out or run.

mod dockerfile;
mod error;
mod fetch;
mod git;
mod hardware;
mod inspect;
mod origin;
mod pins;
mod python;
mod shell;
mod snapshot;

pub use error::RepositoryError;
pub use fetch::{Limits, fetch};
pub use hardware::{Card, Hardware, HardwareNote};
pub use inspect::{Finding, Inspection, Severity, inspect};
pub use origin::{InvalidOrigin, Origin};
pub use snapshot::{Entry, EntryKind, Snapshot};

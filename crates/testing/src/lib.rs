//! What the tests of several rooms share. Only a development dependency: nothing of it is part of the binary.
//! Knows no room.

mod git;
mod nobody;
mod skipped;
mod untrusted;

pub use git::{commit_all, git, new_repository};
pub use nobody::Nobody;
pub use skipped::skipped;
pub use untrusted::{UntrustedHost, scratch_certificate, scratch_tls};

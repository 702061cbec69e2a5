//! Whole runs against the sample generator with its faults.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod faults;
mod habits;
mod local;
mod requests;
mod resume;
mod rounds;

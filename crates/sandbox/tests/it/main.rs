//! The services of the sandbox over their real protocols, on this machine only.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cdn;
mod generator;
mod scripted_judge;

//! The files of the state, as types that forgive what may be missing and refuse what would make an answer wrong.
//! All text in them is as strangers wrote it: make it harmless before showing it.

mod audits;
mod global;
mod lists;
mod matrix;
mod outputs;
mod round;

pub use audits::{
    GenerationAudits, GenerationReport, GenerationReports, PublishedVerdict, Repeat, RequireAudit, SourceAudits,
};
pub use global::{AUDIT_REPEATS, Config, LeaderEntry, Leaders, Stage, State};
pub use lists::Prompts;
pub use matrix::{MatrixFile, Row};
pub use outputs::{MatchReport, Output, Outputs, PodRun, PodStats, ReportedDuel, is_usable_address};
pub use round::{Build, BuildStatus, Builds, Schedule, Seed, SubmissionEntry, Submissions, Winner};

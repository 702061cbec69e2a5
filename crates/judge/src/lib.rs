//! The duel judge: a vision model compares two models of the same prompt in up to four stages, and the code decides.
//!
//! [`Plan`] looks at what is on disk, [`run()`] judges the rest and writes the records (`gen404_round::duel`). The stages are plain
//! functions from replies to decisions; the model is behind [`Vlm`], time behind a [`Clock`](gen404_outside::time::Clock), and
//! progress goes to a [`Listener`].
//! Nothing here prints or knows a terminal.

mod advice;
mod call;
pub mod checks;
mod duel;
mod embeddings;
mod event;
mod pictures;
mod plan;
mod profile;
mod records;
mod rehearsal;
mod reply;
mod run;
mod shown;
mod source;
mod stages;
mod vlm;
mod watch;

pub use call::AttemptError;
pub use duel::DuelError;
pub use event::{Event, Listener, Stage};
pub use pictures::PictureError;
pub use plan::{Cost, Fetched, Match, Plan, PromptPictures};
pub use profile::{BUILT_IN, InvalidProfile, InvalidTemplate, Part, Profile, RequestFields, Slot, Template};
pub use records::WriteError;
pub use rehearsal::{RehearsalError, Rehearsed, rehearse};
pub use reply::UnusableReply;
pub use run::{Concurrency, Failure, Outcome, run};
pub use source::{Brought, Folders, NotBrought, PictureSource, Presence};
pub use vlm::{
    Answer, ChatClient, ChatSettings, EachOf, Greeted, Greeting, Identity, Request, Served, Trait, Unlike, Vlm,
    VlmError, unlike_answers, unlike_models,
};

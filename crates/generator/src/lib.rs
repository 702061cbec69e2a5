//! Client of a generator's batch API: a round's prompts go out in batches, `<stem>.js` files come back, whatever the network does.
//! It knows the API's calls and the archive it answers with; it must not know a terminal, a command line or what a module means.
//!
//! [`generate`] is the whole of it: it takes a [`Request`], tells a [`Listener`] what happens, and answers with a [`Summary`].

mod api;
mod archive;
mod batch;
mod client;
mod endpoint;
mod event;
mod folder;
mod journal;
mod limits;
mod local;
mod pace;
mod refusal;
mod request;
mod run;

pub use api::Status;
pub use archive::{ArchiveError, Finding, Problem};
pub use batch::BatchError;
pub use client::{ClientError, refused_hint};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use event::{Event, Listener, Waiting};
pub use folder::FolderError;
pub use limits::{ArchiveLimits, Limits};
pub use local::LocalPictureError;
pub use request::{Request, RequestError};
pub use run::{GenerateError, Summary, generate};

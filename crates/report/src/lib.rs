//! The report of a judged match: data in, one self-contained HTML page out.
//!
//! Pure but for `folder`, the one file that touches a disk. Nothing here judges, and nothing here knows a network or a
//! terminal: the page shows what the records say.

mod bitmap;
mod duel;
mod folder;
mod page;
mod pictures;
mod stages;
mod summary;

pub use folder::{Folders, RemotePrompt, ReportError, Request, Written, prompt_extension, remote_prompts, write};
pub use page::{RenderError, render};
pub use pictures::{Picture, Pictures, Rendered};

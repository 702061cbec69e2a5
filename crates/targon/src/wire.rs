//! The service's answers as values: tolerant of what is missing, strange or new, because only clients were ever seen.
//! What an answer means for a pod's life is decided elsewhere.

mod create;
mod event;
mod inventory;
mod lenient;
mod pull;
mod workload;

pub use create::{WorkloadType, create_body};
pub use event::{Trouble, WorkloadEvent};
pub use inventory::{Credits, Offer};
pub(crate) use lenient::{Items, Log, Problem};
pub(crate) use pull::tells_of_failed_pull;
pub use workload::{PublicUrl, Status, Workload, WorkloadState};

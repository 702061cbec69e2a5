//! The Targon cloud: the only crate that buys and stops machines.
//!
//! One client for the service's `/tha/v2` API, and on top of it the life of a pod: look up its price, register it,
//! remember it on disk, deploy it, wait until it answers, and give it back on every other way out. Knows no terminal:
//! what happens is told to a [`Listener`].

mod amount;
pub mod checks;
mod client;
mod error;
mod event;
mod image;
mod key;
mod lease;
mod life;
mod listing;
mod names;
mod pod;
mod quote;
mod start;
mod stop;
mod wire;

pub use amount::{HourlyPrice, Usd, price_in_words};
pub use client::{DEFAULT_BASE_URL, LogLines, TargonClient};
pub use error::{Call, Said, TargonError};
pub use event::{Listener, PodEvent};
pub use image::{ImageReference, InvalidImage};
pub use key::{AccountMark, ApiKey, FoundKey, KeyError, WrongKey, find_key};
pub use lease::{Claim, FoundLease, HeldLease, Lease, LeaseError, Leases, Phase};
pub use life::{Failure, Next, Patience, Seen, Watch};
pub use listing::{LeftOver, Pod, Unchecked, left_overs, pods};
pub use names::{InvalidName, PodName, ResourceName, Uid};
pub use pod::{EnvironmentVariable, InvalidRegistryLogin, PodKind, PodSpecification, RegistryLogin};
pub use quote::{Offers, Quote, QuoteError, TypeChoice};
pub use start::{Cause, Older, Order, StartError, Started, start};
pub use stop::{NotStopped, PodTag, StopAllError, StopError, Stopped, stop_all};
pub use wire::{
    Credits, Offer, PublicUrl, Status, Trouble, Workload, WorkloadEvent, WorkloadState, WorkloadType, create_body,
};

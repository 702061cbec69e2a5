//! What happens while pods are started and stopped, as typed events for whoever shows it.
//! How it is shown, and whether, is not known here.

use std::time::Duration;

use gen404_outside::observer::Observer;

use crate::amount::Usd;
use crate::error::TargonError;
use crate::names::Uid;
use crate::quote::Quote;
use crate::stop::{PodTag, StopError};
use crate::wire::{PublicUrl, Status};

/// Something that happened.
#[derive(Debug)]
pub enum PodEvent<'a> {
    /// A machine was found, with its price.
    Quoted(&'a Quote),
    /// An older pod of the name goes first.
    Replacing {
        /// The old one.
        pod: &'a PodTag,
        /// How old it is.
        age: Option<Duration>,
    },
    /// It is registered and remembered; it costs nothing yet.
    Registered {
        /// The new pod.
        pod: &'a PodTag,
    },
    /// The service was asked to run it: it costs money from now on.
    Deployed {
        /// The new pod.
        pod: &'a PodTag,
    },
    /// One look at a pod that is being waited for.
    Waiting {
        /// The status word.
        status: &'a Status,
        /// The newest event, in the service's words.
        event: Option<&'a str>,
        /// Since it was deployed.
        elapsed: Duration,
        /// What that cost.
        spent: Option<Usd>,
        /// Where it can be reached, once it can.
        url: Option<&'a PublicUrl>,
    },
    /// A new line of its log.
    LogLine(&'a str),
    /// It answers.
    Ready {
        /// Where.
        url: &'a PublicUrl,
    },
    /// It is being deleted.
    Stopping {
        /// Which.
        pod: &'a PodTag,
        /// How old it is.
        age: Option<Duration>,
    },
    /// It is gone, checked.
    Stopped {
        /// Which.
        pod: &'a PodTag,
    },
    /// There was nothing left to stop.
    AlreadyStopped {
        /// Which.
        pod: &'a PodTag,
    },
    /// The service is not asked again before that time has passed.
    Pausing {
        /// How long.
        pause: Duration,
        /// Why.
        error: &'a TargonError,
    },
    /// It did not go when it was deleted, so it is deleted again.
    DeletingAgain {
        /// Which.
        uid: &'a Uid,
        /// What came of it so far.
        because: &'a StopError,
    },
    /// The pod runs, but the note about it could not be updated.
    LeaseNotUpdated {
        /// Why.
        error: &'a crate::lease::LeaseError,
    },
}

/// Whoever wants to know; called for everything that happens, in order.
pub type Listener<'a> = dyn for<'e> Observer<PodEvent<'e>> + 'a;

//! Bad weather on demand: what the next submission or watch shall meet.
//! Only remembers wishes; the RPC room plays them.

use std::sync::{Mutex, PoisonError};

use super::node::Status;

/// What happens to the next extrinsic that is submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitFault {
    /// All connections are cut, and the extrinsic was never taken.
    CutBefore,
    /// The extrinsic is taken, then all connections are cut without an answer.
    CutAfter,
    /// The node refuses with this JSON-RPC error.
    Refuse {
        /// Code, e.g. 1012.
        code: i32,
        /// Short text.
        message: String,
        /// More about it.
        data: Option<String>,
    },
}

/// How the next watch ends instead of well. The extrinsic itself goes its normal way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchEnd {
    /// Another extrinsic took the nonce.
    Usurped,
    /// Its block was left for another fork.
    Retracted,
    /// The block never became final.
    FinalityTimeout,
    /// The pool was full.
    Dropped,
    /// It became invalid.
    Invalid,
}

impl WatchEnd {
    /// Whether the watch ends in place of this status.
    pub(crate) fn replaces(self, status: Status) -> bool {
        match self {
            Self::Usurped | Self::Dropped | Self::Invalid => status == Status::Broadcast,
            Self::Retracted | Self::FinalityTimeout => matches!(status, Status::Finalized(_)),
        }
    }
}

/// The wishes that are open.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    submit: Mutex<Option<SubmitFault>>,
    watch: Mutex<Option<WatchEnd>>,
}

impl Faults {
    pub(crate) fn set_submit_fault(&self, fault: SubmitFault) {
        *self.submit.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    pub(crate) fn take_submit_fault(&self) -> Option<SubmitFault> {
        self.submit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn set_watch_end(&self, end: WatchEnd) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    pub(crate) fn take_watch_end(&self) -> Option<WatchEnd> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

//! Bad weather on demand: what the next submission, watch, call or connection shall meet.
//! Only remembers wishes; connections and the RPC room play them.

use std::sync::{Mutex, PoisonError};

use jsonrpsee::types::ErrorObjectOwned;
use serde_json::Value;

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
    /// The extrinsic is taken, and the answer is this JSON-RPC error: behind one address one node takes it, and another one,
    /// which is behind, refuses it.
    TakeAndRefuse {
        /// Code, e.g. 1010.
        code: i32,
        /// Short text.
        message: String,
        /// More about it.
        data: Option<String>,
    },
    /// The extrinsic is taken and passed on, and lost before it gets into a block. The watch goes on in silence.
    Lose,
    /// A block with an upgrade of the runtime comes in just before the extrinsic, whose signature fits no longer.
    Upgrade {
        /// The new version.
        spec_version: u32,
    },
}

/// Calls that a node refuses because it is asked too often. Subscriptions begin with a call too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimit {
    /// The method that is refused; any if none is named.
    pub method: Option<String>,
    /// Calls of it that are still answered.
    pub after: usize,
    /// Calls that are refused then, before all is well again.
    pub times: usize,
    /// JSON-RPC error code, e.g. -32005.
    pub code: i32,
    /// Short text.
    pub message: String,
    /// More about it.
    pub data: Option<Value>,
}

impl CallLimit {
    /// The first so many calls of any method are refused with this code and text.
    pub fn first(times: usize, code: i32, message: &str) -> Self {
        Self { method: None, after: 0, times, code, message: message.to_owned(), data: None }
    }
}

/// Connections that are refused before the handshake is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeRefusal {
    /// HTTP status, e.g. 429.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// Connections that are refused before all is well again.
    pub times: usize,
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

/// Answers to the question for the runtime's version that still show an old one, as a cache before a node does just after an
/// upgrade. Blocks, pool and runtime calls are those of the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StaleVersion {
    pub(crate) shown: u32,
    pub(crate) times: usize,
}

/// The wishes that are open.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    submit: Mutex<Option<SubmitFault>>,
    watch: Mutex<Option<WatchEnd>>,
    calls: Mutex<Option<CallLimit>>,
    handshakes: Mutex<Option<HandshakeRefusal>>,
    version: Mutex<Option<StaleVersion>>,
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

    pub(crate) fn set_call_limit(&self, limit: CallLimit) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner) = Some(limit);
    }

    /// The error that this call meets, if any.
    pub(crate) fn refuse_call(&self, method: &str) -> Option<ErrorObjectOwned> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = calls.as_mut().filter(|limit| limit.method.as_deref().is_none_or(|named| named == method))?;
        if let Some(left) = limit.after.checked_sub(1) {
            limit.after = left;
            return None;
        }
        limit.times = limit.times.checked_sub(1)?;
        Some(ErrorObjectOwned::owned(limit.code, limit.message.clone(), limit.data.clone()))
    }

    pub(crate) fn set_stale_version(&self, version: StaleVersion) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }

    /// The old version that this answer shows, if any.
    pub(crate) fn stale_version(&self) -> Option<u32> {
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = version.as_mut()?;
        stale.times = stale.times.checked_sub(1)?;
        Some(stale.shown)
    }

    pub(crate) fn set_handshake_refusal(&self, refusal: HandshakeRefusal) {
        *self.handshakes.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    /// The refusal that this connection meets, if any.
    pub(crate) fn refuse_handshake(&self) -> Option<HandshakeRefusal> {
        let mut handshakes = self.handshakes.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = handshakes.as_mut()?;
        refusal.times = refusal.times.checked_sub(1)?;
        Some(refusal.clone())
    }
}

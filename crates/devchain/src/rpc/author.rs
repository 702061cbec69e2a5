//! Submitting extrinsics and watching them, with the errors a real pool gives.
//! The checks are the node's; the faults that tests ask for are played here.

use std::sync::Arc;

use jsonrpsee::core::server::PendingSubscriptionSink;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use jsonrpsee::{Extensions, RpcModule};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Bytes, Hash, hex_text, method, notification};
use crate::extrinsic::Undecodable;
use crate::faults::{SubmitFault, WatchEnd};
use crate::node::{Status, SubmitError};
use crate::pool::Refused;
use crate::primitives::H256;
use crate::service::Service;

const BAD_FORMAT: i32 = 1001;
const VERIFICATION: i32 = 1002;
const INVALID: i32 = 1010;
const UNKNOWN_VALIDITY: i32 = 1011;
const BANNED: i32 = 1012;
const ALREADY_IMPORTED: i32 = 1013;
const TOO_LOW_PRIORITY: i32 = 1014;

pub(super) fn register(module: &mut RpcModule<Service>) {
    method(module, "author_submitExtrinsic", |params, service| {
        let Bytes(extrinsic) = params.one()?;
        submit(service, &extrinsic, None).map(Hash)
    });
    method(module, "author_pendingExtrinsics", |_, service| {
        Ok(service.node().pool.pending().map(hex_text).collect::<Vec<_>>())
    });
    module
        .register_subscription(
            "author_submitAndWatchExtrinsic",
            "author_extrinsicUpdate",
            "author_unwatchExtrinsic",
            |params: Params<'static>, pending: PendingSubscriptionSink, service: Arc<Service>, _: Extensions| {
                submit_and_watch(params, pending, service)
            },
        )
        .expect("every subscription is registered once");
}

async fn submit_and_watch(params: Params<'static>, pending: PendingSubscriptionSink, service: Arc<Service>) {
    let extrinsic = match params.one::<Bytes>() {
        Ok(Bytes(extrinsic)) => extrinsic,
        Err(error) => return pending.reject(error).await,
    };
    let (watcher, mut statuses) = mpsc::unbounded_channel();
    let end = service.faults.take_watch_end();
    if let Err(error) = submit(&service, &extrinsic, Some(watcher)) {
        return pending.reject(error).await;
    }
    let Ok(sink) = pending.accept().await else { return };
    while let Some(status) = tokio::select! { () = sink.closed() => None, status = statuses.recv() => status } {
        if let Some(end) = end.filter(|end| end.replaces(status)) {
            // Whether it arrives or not, this was the last word.
            let _ = sink.send(notification(&end_json(end))).await;
            return;
        }
        if sink.send(notification(&status_json(status))).await.is_err() {
            return;
        }
    }
}

/// Hands an extrinsic to the node, with the fault that a test may have asked for.
fn submit(
    service: &Service,
    extrinsic: &[u8],
    watcher: Option<mpsc::UnboundedSender<Status>>,
) -> Result<H256, ErrorObjectOwned> {
    let fault = service.faults.take_submit_fault();
    match &fault {
        Some(SubmitFault::CutBefore) => {
            service.connections.cut();
            return Err(ErrorObjectOwned::owned(INVALID, "the connection was cut", None::<()>));
        }
        Some(SubmitFault::Refuse { code, message, data }) => {
            return Err(ErrorObjectOwned::owned(*code, message.clone(), data.clone()));
        }
        Some(SubmitFault::Upgrade { spec_version }) => service.node().upgrade(*spec_version),
        Some(SubmitFault::CutAfter | SubmitFault::TakeAndRefuse { .. } | SubmitFault::Lose) | None => {}
    }
    let taken = service.node().submit(extrinsic, watcher).map_err(|error| submit_error(&error))?;
    match fault {
        Some(SubmitFault::CutAfter) => service.connections.cut(),
        Some(SubmitFault::TakeAndRefuse { code, message, data }) => {
            return Err(ErrorObjectOwned::owned(code, message, data));
        }
        Some(SubmitFault::Lose) => service.node().pool.forget(taken),
        _ => {}
    }
    Ok(taken)
}

/// The error codes and texts of a Substrate node.
fn submit_error(error: &SubmitError) -> ErrorObjectOwned {
    let text = error.to_string();
    let of = |code, message: &str, data: Option<String>| ErrorObjectOwned::owned(code, message, data);
    match error {
        SubmitError::Undecodable(Undecodable::Length) => of(BAD_FORMAT, "Extrinsic has invalid format", Some(text)),
        SubmitError::Undecodable(_) => of(
            VERIFICATION,
            &format!("Verification Error: Runtime error: Execution failed: Execution aborted due to trap: {text}"),
            None,
        ),
        SubmitError::Bare => of(
            UNKNOWN_VALIDITY,
            "Unknown Transaction Validity",
            Some("Could not find an unsigned validator for the unsigned transaction".to_owned()),
        ),
        SubmitError::Invalid(_) => of(INVALID, "Invalid Transaction", Some(text)),
        SubmitError::Refused(Refused::Banned) => of(BANNED, &text, None),
        SubmitError::Refused(Refused::AlreadyImported) => of(ALREADY_IMPORTED, &text, None),
        SubmitError::Refused(Refused::TooLowPriority) => of(
            TOO_LOW_PRIORITY,
            &text,
            Some("The transaction has too low priority to replace another transaction already in the pool.".to_owned()),
        ),
    }
}

fn status_json(status: Status) -> Value {
    match status {
        Status::Future => json!("future"),
        Status::Ready => json!("ready"),
        Status::Broadcast => json!({ "broadcast": ["12D3KooWSandboxPeer"] }),
        Status::InBlock(hash) => json!({ "inBlock": Hash(hash) }),
        Status::Finalized(hash) => json!({ "finalized": Hash(hash) }),
        Status::Invalid => json!("invalid"),
    }
}

fn end_json(end: WatchEnd) -> Value {
    match end {
        WatchEnd::Usurped => json!({ "usurped": Hash(H256([0; 32])) }),
        WatchEnd::Retracted => json!({ "retracted": Hash(H256([0; 32])) }),
        WatchEnd::FinalityTimeout => json!({ "finalityTimeout": Hash(H256([0; 32])) }),
        WatchEnd::Dropped => json!("dropped"),
        WatchEnd::Invalid => json!("invalid"),
    }
}

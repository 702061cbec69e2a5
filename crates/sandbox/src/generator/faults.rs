//! What goes wrong in real rounds, on demand: a layer in front of the batch API that spoils chosen answers.
//! The generator behind it knows nothing of it.

mod archives;
mod records;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::faults::{self, Faults};

pub use self::archives::{entries, million_entries};
pub use self::records::{Entry, Record, write_archive};

/// A way to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// `/status` says `warming_up` and `/generate` refuses.
    SlowWarmUp,
    /// `/status` asks for a new machine.
    Replace,
    /// `/status` says `generating` and never gets on.
    EndlessGenerating,
    /// Any call is answered with 503.
    ServerErrors,
    /// `/generate` takes the batch, but the reply never arrives whole.
    LostReply,
    /// `/generate` takes the batch and answers only when all of it is made.
    SlowReply,
    /// `/generate` says that another batch is being made.
    Busy,
    /// The same with the fields of the answer nested in `detail`, as a framework's exception wraps them.
    NestedBusy,
    /// The same as nothing but a line of text.
    TextBusy,
    /// `/generate` refuses what is wrong with the prompts without a word about it.
    SilentRefusal,
    /// Any call is answered with 429 and the wish for a second's pause.
    RateLimited,
    /// `/results` ends in the middle without saying so to the connection.
    CutDownload,
    /// `/results` has flipped bytes.
    CorruptZip,
    /// `/results` is an HTML page of a proxy, with status 200.
    WrongContentType,
    /// The first module inflates to 10 GiB.
    ZipBomb,
    /// The first module's name climbs out of the folder.
    PathTraversal,
    /// The first module's name is an absolute path.
    AbsolutePath,
    /// The first module is a symbolic link to `/etc/passwd`.
    SymbolicLink,
    /// The first module is there twice, with different contents.
    DuplicateNames,
    /// The archive claims a million entries.
    ManyEntries,
    /// The first module is left out.
    MissingStems,
    /// The first module is also in `_failed.json`.
    StemInBoth,
    /// Every stem is in `_failed.json`.
    AllFailed,
    /// An archive without entries.
    EmptyArchive,
    /// The archive holds the modules of somebody else's batch.
    ForeignBatch,
    /// Every module is filled up to just under 1 MiB with a comment that does not compress.
    LargeModules,
    /// The first module uses a name that the subnet refuses.
    ForbiddenName,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 27] = [
        Self::SlowWarmUp,
        Self::Replace,
        Self::EndlessGenerating,
        Self::ServerErrors,
        Self::LostReply,
        Self::SlowReply,
        Self::Busy,
        Self::NestedBusy,
        Self::TextBusy,
        Self::SilentRefusal,
        Self::RateLimited,
        Self::CutDownload,
        Self::CorruptZip,
        Self::WrongContentType,
        Self::ZipBomb,
        Self::PathTraversal,
        Self::AbsolutePath,
        Self::SymbolicLink,
        Self::DuplicateNames,
        Self::ManyEntries,
        Self::MissingStems,
        Self::StemInBoth,
        Self::AllFailed,
        Self::EmptyArchive,
        Self::ForeignBatch,
        Self::LargeModules,
        Self::ForbiddenName,
    ];

    fn concerns(self, path: &str) -> bool {
        match self {
            Self::ServerErrors | Self::RateLimited => true,
            Self::SlowWarmUp | Self::Replace | Self::EndlessGenerating => path == "/status",
            Self::LostReply
            | Self::SlowReply
            | Self::Busy
            | Self::NestedBusy
            | Self::TextBusy
            | Self::SilentRefusal => path == "/generate",
            Self::CutDownload
            | Self::CorruptZip
            | Self::WrongContentType
            | Self::ZipBomb
            | Self::PathTraversal
            | Self::AbsolutePath
            | Self::SymbolicLink
            | Self::DuplicateNames
            | Self::ManyEntries
            | Self::MissingStems
            | Self::StemInBoth
            | Self::AllFailed
            | Self::EmptyArchive
            | Self::ForeignBatch
            | Self::LargeModules
            | Self::ForbiddenName => path == "/results",
        }
    }
}

/// The faults that are switched on, and what came to `/generate`; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board {
    pub(crate) faults: Faults<Fault>,
    orders: Arc<AtomicUsize>,
}

impl Board {
    /// How often `/generate` has been called so far.
    pub(crate) fn orders(&self) -> usize {
        self.orders.load(Ordering::Relaxed)
    }
}

/// Whether the generator is making a batch, for the fault that waits until it is not.
pub(crate) type IsMaking = Arc<dyn Fn() -> bool + Send + Sync>;

/// Puts the faults in front of an API, and their switches beside it.
pub(crate) fn in_front_of(api: Router, board: Board, is_making: IsMaking) -> Router {
    let switches = faults::switches(board.faults.clone());
    api.layer(from_fn_with_state((board, is_making), spoil)).merge(switches)
}

async fn spoil(State((board, is_making)): State<(Board, IsMaking)>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    board.orders.fetch_add(usize::from(path == "/generate"), Ordering::Relaxed);
    if path == "/generate" && board.faults.has(&Fault::SlowWarmUp) {
        return busy("warming_up");
    }
    let Some(fault) = board.faults.strike(&path, |fault| fault.concerns(&path)) else { return next.run(request).await };
    match fault {
        Fault::ServerErrors => (StatusCode::SERVICE_UNAVAILABLE, "upstream is not available").into_response(),
        Fault::SlowWarmUp => Json(json!({"status": "warming_up"})).into_response(),
        Fault::Replace => {
            Json(json!({"status": "replace", "payload": {"reason": "out of memory\u{1b}[31m"}})).into_response()
        }
        Fault::EndlessGenerating => Json(json!({"status": "generating", "progress": 1, "total": 32})).into_response(),
        Fault::RateLimited => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], "one call at a time").into_response()
        }
        Fault::Busy => busy("generating"),
        Fault::NestedBusy => {
            let detail = json!({"detail": "busy", "current_status": "generating"});
            (StatusCode::CONFLICT, Json(json!({"detail": detail}))).into_response()
        }
        Fault::TextBusy => (StatusCode::CONFLICT, "busy, come back later").into_response(),
        Fault::SilentRefusal => {
            let reply = next.run(request).await;
            if reply.status() == StatusCode::UNPROCESSABLE_ENTITY {
                StatusCode::UNPROCESSABLE_ENTITY.into_response()
            } else {
                reply
            }
        }
        Fault::LostReply => {
            let reply = next.run(request).await;
            cut(reply.into_parts().0.status, "application/json", Bytes::from_static(b"{\"accep"))
        }
        Fault::SlowReply => {
            let reply = next.run(request).await;
            until(|| !is_making()).await;
            reply
        }
        Fault::WrongContentType => {
            ([(header::CONTENT_TYPE, "text/html")], "<html><body>The tunnel is not ready\u{7}</body></html>")
                .into_response()
        }
        Fault::CutDownload
        | Fault::CorruptZip
        | Fault::ZipBomb
        | Fault::PathTraversal
        | Fault::AbsolutePath
        | Fault::SymbolicLink
        | Fault::DuplicateNames
        | Fault::ManyEntries
        | Fault::MissingStems
        | Fault::StemInBoth
        | Fault::AllFailed
        | Fault::EmptyArchive
        | Fault::ForeignBatch
        | Fault::LargeModules
        | Fault::ForbiddenName => {
            let reply = next.run(request).await;
            if reply.status() == StatusCode::OK { spoil_archive(fault, reply).await } else { reply }
        }
    }
}

async fn until(holds: impl Fn() -> bool) {
    const PAUSE: Duration = Duration::from_millis(5);
    while !holds() {
        tokio::time::sleep(PAUSE).await;
    }
}

async fn spoil_archive(fault: Fault, reply: Response) -> Response {
    let Ok(honest) = to_bytes(reply.into_body(), usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if fault == Fault::CutDownload {
        return cut(StatusCode::OK, "application/zip", honest.slice(..honest.len() / 2));
    }
    let spoilt = tokio::task::spawn_blocking(move || archives::spoil(fault, &honest)).await;
    super::zip_response(spoilt.expect("spoiling does not panic"))
}

fn busy(current_status: &str) -> Response {
    (StatusCode::CONFLICT, Json(json!({"detail": "busy", "current_status": current_status}))).into_response()
}

/// An answer whose connection breaks after `start`, which is on its way by then.
fn cut(status: StatusCode, content_type: &'static str, start: Bytes) -> Response {
    let pieces = stream::iter([Ok(start), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
    let pieces = pieces.then(async |piece| {
        tokio::task::yield_now().await;
        piece
    });
    (status, [(header::CONTENT_TYPE, content_type)], Body::from_stream(pieces)).into_response()
}

//! What can be made to go wrong with the storage, one value a fault. Only descriptions; they are acted out in `gate`.

use serde::{Deserialize, Serialize};

/// A fault. The kinds of calls are the HTTP methods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 503 `SlowDown`.
    SlowDown {
        /// `Retry-After`, word for word; none when it is left out.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The connection ends without an answer, before anything is done.
    CutBefore,
    /// The request is carried out, and the connection ends without an answer.
    CutAfter,
    /// The service's clock shows another time.
    ClockOff {
        /// Its time less the real one.
        seconds: i32,
    },
    /// Nothing more can be written.
    NoSpace,
    /// The bucket is in another region.
    OtherRegion {
        /// The right one.
        region: String,
    },
    /// Objects have an `ETag` that is no MD5, as those have that are encrypted with a key of KMS.
    OpaqueEtags,
    /// The key may not do this: whoever asks is told 403.
    Denied,
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// What it was answered with; none when the connection was cut.
    pub status: Option<u16>,
}

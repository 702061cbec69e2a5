//! What goes over the wire of the batch API: shapes only.
//! Unknown fields are ignored and null may be left out, as services do both.

use std::fmt;

use gen404_round::Stem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of POST `/generate`.
#[derive(Debug, Serialize)]
pub(crate) struct Order<'a> {
    pub(crate) prompts: Vec<OrderedPrompt<'a>>,
    pub(crate) seed: u64,
}

/// One prompt of an order.
#[derive(Debug, Serialize)]
pub(crate) struct OrderedPrompt<'a> {
    pub(crate) stem: &'a Stem,
    pub(crate) image_url: &'a str,
}

/// Reply to an order.
#[derive(Debug, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) accepted: usize,
}

/// The state that the body of a 409 tells: in `current_status`, at the top as the API has it, or in `detail` as
/// frameworks wrap it. `None` when it is only text, or a state that the API does not know.
pub(crate) fn conflict(body: &[u8]) -> Option<Status> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let told = [&body, &body["detail"]].into_iter().map(|fields| &fields["current_status"]);
    told.into_iter().find_map(|status| Status::deserialize(status).ok())
}

/// What a generator says it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Loading models.
    WarmingUp,
    /// Waiting for a batch.
    Ready,
    /// Making a batch.
    Generating,
    /// Holding the results of a batch.
    Complete,
    /// Asking for a new machine.
    Replace,
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::WarmingUp => "warming up",
            Self::Ready => "ready",
            Self::Generating => "generating",
            Self::Complete => "complete",
            Self::Replace => "asking for a new machine",
        })
    }
}

/// Body of GET `/status`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StatusReport {
    pub(crate) status: Status,
    #[serde(default)]
    pub(crate) progress: Option<u64>,
    #[serde(default)]
    pub(crate) total: Option<u64>,
    #[serde(default)]
    pub(crate) payload: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_fields_may_be_left_out_and_unknown_ones_come() {
        for text in
            [r#"{"status":"ready"}"#, r#"{"status":"ready","progress":null,"total":null,"payload":null,"gpu":1}"#]
        {
            let report: StatusReport = serde_json::from_str(text).expect("a report");
            assert_eq!(
                (report.status, report.progress, report.total, report.payload),
                (Status::Ready, None, None, None)
            );
        }
        assert!(serde_json::from_str::<StatusReport>(r#"{"status":"resting"}"#).is_err());
    }
}

//! Refusals in the words of S3, for what the library behind does not refuse itself.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// A refusal: status, code, sentence, and more elements of its XML.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) more: String,
    pub(super) headers: HeaderMap,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), more: String::new(), headers: HeaderMap::new() }
    }

    /// The answer at this time of the service's. HEAD has no body, so its refusals have no words.
    pub(super) fn answer(self, now: Timestamp, to_head: bool) -> Response {
        let Self { status, code, message, more, mut headers } = self;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        dated(&mut headers, now);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
        );
        (status, headers, if to_head { String::new() } else { body }).into_response()
    }
}

/// Sets the date of an answer, which says what the service's clock shows.
pub(super) fn dated(headers: &mut HeaderMap, now: Timestamp) {
    let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert(header::DATE, date);
    }
}

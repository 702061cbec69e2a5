//! From an HTTP answer to a value or a typed error: bounded reading and statuses.
//! Whether to ask again is not decided here.

use std::time::Duration;

use gen404_outside::http::{BodyError, RequestError, read_at_most};
use gen404_outside::text::{excerpt, without_secret};
use reqwest::{Response, StatusCode};

use super::REQUEST_LIMIT;
use crate::error::{Call, Said, TargonError};
use crate::wire::Problem;

/// More than any honest page: 50 workloads come to some 40 kB.
const LARGEST_BODY: usize = 8 << 20;

/// Reads the body up to the limit.
pub(super) async fn read_body(call: Call, answer: Response) -> Result<Vec<u8>, TargonError> {
    read_at_most(answer, LARGEST_BODY).await.map_err(|error| match error {
        BodyError::TooLarge { limit } => TargonError::TooLarge { call, limit },
        BodyError::BrokeOff(source) => broken(call, source),
    })
}

/// A request that got no complete answer.
pub(super) fn broken(call: Call, error: impl Into<RequestError>) -> TargonError {
    let source = error.into();
    if source.is_connect() {
        TargonError::Unreachable { call, source }
    } else if source.is_timeout() {
        TargonError::TimedOut { call, limit: REQUEST_LIMIT }
    } else {
        TargonError::Broken { call, source }
    }
}

/// The typed error for an answer that says no.
pub(super) fn refusal(
    call: Call,
    status: StatusCode,
    body: &[u8],
    retry_after: Option<Duration>,
    secret: &str,
) -> TargonError {
    let said = said(body, secret);
    let broke = said.reason.as_deref() == Some("INSUFFICIENT_CREDITS");
    match status.as_u16() {
        401 | 403 => TargonError::KeyRefused { status: status.as_u16(), said },
        402 => TargonError::NoCredits { said },
        404 | 410 => TargonError::NotFound { call },
        409 if call == Call::Create => TargonError::NameTaken { said },
        429 => TargonError::RateLimited { call, retry_after },
        500.. => TargonError::Unwell { call, status: status.as_u16(), said, retry_after },
        _ if broke => TargonError::NoCredits { said },
        status => TargonError::Refused { call, status, said },
    }
}

fn said(body: &[u8], secret: &str) -> Said {
    let clean = |text: String| Some(excerpt(&without_secret(&text, secret), 300)).filter(|text| !text.is_empty());
    match serde_json::from_slice::<Problem>(body) {
        Ok(Problem { error: None, reason: None }) | Err(_) => {
            Said { message: Some(shown_body(body, secret)).filter(|text| !text.is_empty()), reason: None }
        }
        Ok(problem) => Said { message: problem.error.and_then(clean), reason: problem.reason.and_then(clean) },
    }
}

/// The beginning of a body, fit to be shown.
pub(super) fn shown_body(body: &[u8], secret: &str) -> String {
    excerpt(&without_secret(&String::from_utf8_lossy(&body[..body.len().min(4_096)]), secret), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(call: Call, status: u16, body: &str) -> TargonError {
        refusal(call, StatusCode::from_u16(status).expect("a status"), body.as_bytes(), None, "sn4_secret")
    }

    #[test]
    fn statuses_become_typed_errors() {
        let credits = r#"{"error": "insufficient credits", "reason": "INSUFFICIENT_CREDITS"}"#;
        assert!(matches!(refused(Call::Deploy, 402, credits), TargonError::NoCredits { .. }));
        assert!(matches!(refused(Call::Deploy, 400, credits), TargonError::NoCredits { .. }));
        assert!(matches!(refused(Call::List, 401, "{}"), TargonError::KeyRefused { status: 401, .. }));
        assert!(matches!(refused(Call::Create, 409, "{}"), TargonError::NameTaken { .. }));
        assert!(matches!(refused(Call::Deploy, 409, "{}"), TargonError::Refused { status: 409, .. }));
        assert!(matches!(refused(Call::Read, 404, ""), TargonError::NotFound { .. }));
        assert!(matches!(refused(Call::State, 410, ""), TargonError::NotFound { .. }));
        assert!(refused(Call::Create, 502, "<html>").is_uncertain());
        assert!(!refused(Call::Create, 429, "").is_uncertain());
    }

    #[test]
    fn what_the_service_says_is_cleaned_and_holds_no_key() {
        let error = refused(Call::List, 401, r#"{"error": "key sn4_secret \u001b[31mis bad"}"#);
        assert_eq!(error.to_string(), "Targon refused the API key (401: key [key] is bad)");
        let error = refused(Call::List, 400, "<html>sn4_secret</html>");
        assert_eq!(error.to_string(), "listing the pods was refused (400: <html>[key]</html>)");
    }
}

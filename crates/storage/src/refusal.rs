//! What an answer that is no success means. Services differ in status and words, so the code of the XML decides where there is
//! one, then headers, then the status. Pure: an answer in, an error out.

use gen404_outside::http::wished_pause;
use gen404_outside::secrets::Secrets;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap};
use serde::Deserialize;

use crate::error::StorageError;

/// As much of a service's words as anybody reads.
const LONGEST_WORDS: usize = 300;

/// A signature is good for a quarter of an hour; less counts because answers take time.
const CLOCK_LIMIT: i64 = 14 * 60;

/// What was asked, for the sentences.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) what: &'static str,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) endpoint: &'a str,
    pub(crate) region: &'a str,
    pub(crate) origin: &'a str,
    pub(crate) secrets: &'a Secrets,
}

/// The XML of a refusal, as far as it says anything.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    code: String,
    message: String,
    region: Option<String>,
    /// A text, because whoever writes it badly may still say the rest well.
    server_time: Option<String>,
}

impl Body {
    fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        quick_xml::de::from_str::<Self>(text).ok().filter(|body| !body.code.is_empty())
    }
}

/// The error behind an answer.
pub(crate) fn error(
    asked: &Asked<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> StorageError {
    let known = Body::read(body);
    let is_xml = known.is_some();
    let Body { code, message, region, server_time } = known.unwrap_or_default();
    let said = words(asked, &code, &message, status);
    let (key, origin) = (asked.key.to_owned(), asked.origin.to_owned());
    let bucket = asked.bucket.to_owned();
    let server_time = server_time.and_then(|time| time.trim().parse().ok());
    if let Some(seconds) = clock(&code, status, server_time, headers, now) {
        return StorageError::Clock { seconds };
    }
    match code.as_str() {
        "InvalidAccessKeyId" | "NotSignedUp" | "AccountProblem" | "Unauthorized" => {
            StorageError::UnknownKey { origin, said }
        }
        "SignatureDoesNotMatch" => StorageError::WrongSecret { origin, said },
        "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" | "InvalidSecurity" => {
            StorageError::Token { origin, said }
        }
        "NoSuchBucket" => StorageError::NoBucket { bucket, endpoint: asked.endpoint.to_owned() },
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "AuthorizationQueryParametersError"
        | "IllegalLocationConstraintException" => other_region(asked, region, headers),
        "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded"
        | "QuotaExceeded"
        | "StorageQuotaExceeded"
        | "InsufficientStorage"
        | "NotEnoughSpace" => StorageError::NoSpace { key, said },
        "SlowDown" | "ServiceUnavailable" | "TooManyRequests" | "Throttling" | "RequestLimitExceeded" => {
            busy(status, headers, now)
        }
        "RequestTimeout" | "InternalError" | "OperationAborted" | "ConditionalRequestConflict" => {
            StorageError::Failing { status, said }
        }
        _ if status.is_redirection()
            || headers.contains_key("x-amz-bucket-region") && status == StatusCode::BAD_REQUEST =>
        {
            other_region(asked, region, headers)
        }
        _ => match status.as_u16() {
            507 => StorageError::NoSpace { key, said },
            429 | 503 => busy(status, headers, now),
            408 | 500.. => StorageError::Failing { status, said },
            403 if message.to_ascii_lowercase().contains("cap exceeded") => StorageError::NoSpace { key, said },
            // Whoever knows no PUT is a web server: the public address, or a console.
            405 if !is_xml => StorageError::NotStorage { endpoint: asked.endpoint.to_owned(), status },
            // A HEAD has no words.
            401 | 403 if is_xml || body.is_empty() => StorageError::Denied { what: asked.what, key, said },
            _ if is_xml || body.is_empty() => StorageError::Refused { what: asked.what, key, status, said },
            _ => StorageError::NotStorage { endpoint: asked.endpoint.to_owned(), status },
        },
    }
}

fn busy(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> StorageError {
    StorageError::Busy { status, wished: wished_pause(headers, now) }
}

fn other_region(asked: &Asked<'_>, region: Option<String>, headers: &HeaderMap) -> StorageError {
    let header = || headers.get("x-amz-bucket-region")?.to_str().ok().map(str::to_owned);
    let plain = |region: &String| {
        (1..=64).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let right = region.or_else(header).filter(plain).filter(|right| right != asked.region);
    StorageError::OtherRegion { bucket: asked.bucket.to_owned(), signed_for: asked.region.to_owned(), right }
}

/// How far off this machine's clock is, if that is what is wrong: some services say so, others only refuse the signature.
fn clock(
    code: &str,
    status: StatusCode,
    server_time: Option<Timestamp>,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<i64> {
    let says_so = matches!(code, "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture");
    let refused = matches!(status.as_u16(), 400 | 401 | 403);
    let date = || rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok().map(|date| date.timestamp());
    let seconds = now.as_second() - server_time.or_else(date)?.as_second();
    (says_so || refused && seconds.abs() > CLOCK_LIMIT).then_some(seconds)
}

/// The service's words: `message (Code)`, shortened, without anything that was secret in the request.
fn words(asked: &Asked<'_>, code: &str, message: &str, status: StatusCode) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match (message.is_empty(), code.is_empty()) {
        (false, false) => format!("{message} ({code})"),
        (true, false) => code.to_owned(),
        _ => status.canonical_reason().unwrap_or("no reason given").to_owned(),
    };
    asked.secrets.blotted(&text).chars().take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use gen404_outside::explain::Explain as _;
    use reqwest::header::HeaderValue;

    use super::*;

    fn told(status: u16, body: &str, headers: &[(&'static str, &'static str)]) -> StorageError {
        let secrets = Secrets::default().with_key("SECRETSECRET");
        let asked = Asked {
            what: "write",
            bucket: "cdn",
            key: "17/a.js",
            endpoint: "https://h",
            region: "us-east-1",
            origin: "AWS_ACCESS_KEY_ID",
            secrets: &secrets,
        };
        let headers =
            headers.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)));
        let now = "2026-11-25T12:00:00Z".parse().expect("a time");
        error(&asked, StatusCode::from_u16(status).expect("a status"), &headers.collect(), body.as_bytes(), now)
    }

    fn xml(code: &str, more: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>Words of\n SECRETSECRET</Message>{more}</Error>"
        )
    }

    #[test]
    fn the_code_decides() {
        use StorageError as E;
        type Means = fn(&StorageError) -> bool;
        let cases: &[(u16, &str, Means)] = &[
            (403, "InvalidAccessKeyId", |error| matches!(error, E::UnknownKey { .. })),
            (403, "SignatureDoesNotMatch", |error| matches!(error, E::WrongSecret { .. })),
            (400, "ExpiredToken", |error| matches!(error, E::Token { .. })),
            (403, "AccessDenied", |error| matches!(error, E::Denied { what: "write", .. })),
            (404, "NoSuchBucket", |error| matches!(error, E::NoBucket { .. })),
            (507, "XMinioStorageFull", |error| matches!(error, E::NoSpace { .. })),
            (403, "QuotaExceeded", |error| matches!(error, E::NoSpace { .. })),
            (503, "SlowDown", |error| matches!(error, E::Busy { .. })),
            (500, "InternalError", |error| matches!(error, E::Failing { .. })),
            (400, "RequestTimeout", |error| matches!(error, E::Failing { .. })),
            (400, "EntityTooLarge", |error| matches!(error, E::Refused { .. })),
        ];
        for (status, code, means) in cases {
            let error = told(*status, &xml(code, ""), &[]);
            assert!(means(&error), "{code}: {error:?}");
            assert!(!format!("{error}{error:?}").contains("SECRET"), "{error:?}");
        }
        let denied = told(403, &xml("AccessDenied", ""), &[]).to_string();
        assert_eq!(denied, "the key may not write 17/a.js: Words of [key] (AccessDenied)");
    }

    #[test]
    fn the_right_region_is_named_wherever_it_is_said() {
        let malformed = xml("AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>");
        let header = [("x-amz-bucket-region", "eu-central-1")];
        for error in [
            told(400, &malformed, &[]),
            told(301, &xml("PermanentRedirect", "<Endpoint>x</Endpoint>"), &header),
            told(301, "", &header),
            told(400, "", &header),
        ] {
            assert_eq!(error.to_string(), "the bucket `cdn` is not in the region us-east-1, but in eu-central-1");
            assert_eq!(error.hint().as_deref(), Some("give --region eu-central-1 (or AWS_REGION)"));
        }
        let hostile = told(400, &xml("AuthorizationHeaderMalformed", "<Region>x; rm -rf /</Region>"), &[]);
        assert!(matches!(hostile, StorageError::OtherRegion { right: None, .. }), "{hostile:?}");
    }

    #[test]
    fn a_clock_that_is_off_is_found_behind_every_refusal() {
        let says_so = xml("RequestTimeTooSkewed", "<ServerTime>2026-11-25T12:26:40Z</ServerTime>");
        let date = [("date", "Wed, 25 Nov 2026 12:26:40 GMT")];
        for error in
            [told(403, &says_so, &[]), told(403, &xml("SignatureDoesNotMatch", ""), &date), told(403, "", &date)]
        {
            assert!(matches!(error, StorageError::Clock { seconds: -1600 }), "{error:?}");
        }
        let near = [("date", "Wed, 25 Nov 2026 12:02:00 GMT")];
        assert!(matches!(told(403, "", &near), StorageError::Denied { .. }));
        assert!(matches!(told(503, "", &date), StorageError::Busy { wished: None, .. }));
    }

    #[test]
    fn without_xml_the_status_decides() {
        assert!(matches!(told(503, "<html>", &[("retry-after", "7")]), StorageError::Busy { wished: Some(_), .. }));
        assert!(matches!(told(502, "<html>", &[]), StorageError::Failing { .. }));
        assert!(matches!(told(403, "<html>no</html>", &[]), StorageError::NotStorage { .. }));
        assert!(matches!(told(405, "Method Not Allowed", &[]), StorageError::NotStorage { .. }));
        assert!(matches!(told(507, "", &[]), StorageError::NoSpace { .. }));
        let endless = format!("<Error><Code>X</Code><Message>{}</Message></Error>", "x".repeat(60_000));
        assert!(told(400, &endless, &[]).to_string().len() < 400);
    }
}

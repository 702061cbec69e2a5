//! Why the storage does not do what it is asked, told apart by what its owner has to do.
//! Sentences only; which answer means what is decided in `refusal`.

use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::http::{ConnectionFault, RequestError, pause_in_words};
use reqwest::StatusCode;

/// Why a request to the storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There was no connection, so nothing was sent.
    #[error("cannot reach {endpoint}: {source}")]
    Unreachable {
        /// The service.
        endpoint: String,
        /// What happened.
        source: RequestError,
    },
    /// The request was sent, or a part of it, and the answer did not come.
    #[error("{endpoint} broke off: {source}")]
    BrokeOff {
        /// The service.
        endpoint: String,
        /// What happened.
        source: RequestError,
    },
    /// Nobody knows this access key.
    #[error("the storage does not know the access key (from {origin}): {said}")]
    UnknownKey {
        /// Where the keys were found.
        origin: String,
        /// The service's words.
        said: String,
    },
    /// The secret does not belong to the access key.
    #[error("the secret key does not belong to the access key (both from {origin}): {said}")]
    WrongSecret {
        /// Where the keys were found.
        origin: String,
        /// The service's words.
        said: String,
    },
    /// Keys for a while, and it is over; or their token is another's.
    #[error("the session token of the keys (from {origin}) is refused: {said}")]
    Token {
        /// Where the keys were found.
        origin: String,
        /// The service's words.
        said: String,
    },
    /// The keys are good, but not for this.
    #[error("the key may not {what} {key}: {said}")]
    Denied {
        /// `write`, `read` or `delete`.
        what: &'static str,
        /// The object.
        key: String,
        /// The service's words.
        said: String,
    },
    /// There may be an object, and nothing shows what is in it.
    #[error(
        "{key} exists, but the key may not read it, so it cannot be told whether it is the same; it is left as it is"
    )]
    Hidden {
        /// The object.
        key: String,
    },
    /// There is no such bucket.
    #[error("there is no bucket `{bucket}` at {endpoint}")]
    NoBucket {
        /// Its name.
        bucket: String,
        /// The service.
        endpoint: String,
    },
    /// The address has the bucket in it, so keys would begin with the bucket's name once more.
    #[error("the address {endpoint} ends with the bucket's name, which --to says already")]
    BucketInAddress {
        /// The address.
        endpoint: String,
    },
    /// The bucket is somewhere else.
    #[error(
        "the bucket `{bucket}` is not in the region {signed_for}{}",
        right.as_deref().map(|right| format!(", but in {right}")).unwrap_or_default()
    )]
    OtherRegion {
        /// The bucket.
        bucket: String,
        /// The region that requests were signed for.
        signed_for: String,
        /// The right one, where the service says so.
        right: Option<String>,
    },
    /// This machine's clock and the service's are too far apart for a signature.
    #[error("this machine's clock is {} the storage's, too far for a signature", off(*seconds))]
    Clock {
        /// This machine's time less the service's, in seconds.
        seconds: i64,
    },
    /// Nothing more fits in.
    #[error("the storage has no space left for {key}: {said}")]
    NoSpace {
        /// The object.
        key: String,
        /// The service's words.
        said: String,
    },
    /// Too many requests, and it asks for more patience than there is.
    #[error("the storage is busy ({}), {}", status.as_u16(), wish(*wished))]
    Busy {
        /// 429 or 503.
        status: StatusCode,
        /// How long it asks to wait, where it says so.
        wished: Option<Duration>,
    },
    /// It fails itself.
    #[error("the storage fails ({}): {said}", status.as_u16())]
    Failing {
        /// 5xx.
        status: StatusCode,
        /// The service's words.
        said: String,
    },
    /// Whatever answers there does not speak S3.
    #[error("{endpoint} answers {} in other words than S3's", status.as_u16())]
    NotStorage {
        /// The address.
        endpoint: String,
        /// The answer.
        status: StatusCode,
    },
    /// Any other refusal.
    #[error("the storage refuses to {what} {key} ({}): {said}", status.as_u16())]
    Refused {
        /// `write`, `read` or `delete`.
        what: &'static str,
        /// The object.
        key: String,
        /// The answer.
        status: StatusCode,
        /// The service's words.
        said: String,
    },
    /// The request cannot be made or signed.
    #[error("cannot sign the request: {0}")]
    Signing(String),
}

/// `26 min behind`.
fn off(seconds: i64) -> String {
    let (length, side) = (seconds.unsigned_abs(), if seconds < 0 { "behind" } else { "ahead of" });
    match length {
        0..120 => format!("{length} s {side}"),
        120..7200 => format!("{} min {side}", length / 60),
        _ => format!("{} h {side}", length / 3600),
    }
}

fn wish(wished: Option<Duration>) -> String {
    wished.map_or_else(|| "again and again".to_owned(), |pause| format!("and asks to wait {}", pause_in_words(pause)))
}

/// Whatever kept the two machines apart, the address may be wrong; AWS is asked where there is none.
fn unreachable(source: &RequestError) -> Hint {
    let address = "is --endpoint-url (or AWS_ENDPOINT_URL) right?";
    match source.fault() {
        Some(ConnectionFault::UnknownHost { .. }) => {
            format!("{address} Without one, --region is a part of AWS's name. And is this machine online?").into()
        }
        Some(fault) => format!("{}; {address}", fault.hint()).into(),
        None => format!("{address} Nothing listens there, or nothing that lets this machine in").into(),
    }
}

impl StorageError {
    /// The same request can go well later on.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } | Self::BrokeOff { source, .. } => !source.is_permanent(),
            Self::Busy { .. } | Self::Failing { .. } => true,
            Self::UnknownKey { .. }
            | Self::WrongSecret { .. }
            | Self::Token { .. }
            | Self::Denied { .. }
            | Self::Hidden { .. }
            | Self::NoBucket { .. }
            | Self::BucketInAddress { .. }
            | Self::OtherRegion { .. }
            | Self::Clock { .. }
            | Self::NoSpace { .. }
            | Self::NotStorage { .. }
            | Self::Refused { .. }
            | Self::Signing(_) => false,
        }
    }
}

impl Explain for StorageError {
    /// Keys, names and clocks are the user's to change; what the service does is not.
    fn blame(&self) -> Blame {
        match self {
            Self::UnknownKey { .. }
            | Self::WrongSecret { .. }
            | Self::Token { .. }
            | Self::Denied { .. }
            | Self::Hidden { .. }
            | Self::NoBucket { .. }
            | Self::BucketInAddress { .. }
            | Self::OtherRegion { .. }
            | Self::Clock { .. }
            | Self::NotStorage { .. } => Blame::User,
            Self::Unreachable { .. }
            | Self::BrokeOff { .. }
            | Self::NoSpace { .. }
            | Self::Busy { .. }
            | Self::Failing { .. }
            | Self::Refused { .. } => Blame::Service,
            Self::Signing(_) => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Self::Unreachable { source, .. } => return Some(unreachable(source)),
            Self::BrokeOff { source, .. } => source.hint().unwrap_or("is --endpoint-url (or AWS_ENDPOINT_URL) the address of an S3 API, with the right one of http and https? Try again"),
            Self::UnknownKey { .. } => {
                "is the key of this service and still active? --endpoint-url (or AWS_ENDPOINT_URL) says which service is asked"
            }
            Self::WrongSecret { .. } => "copy both parts of the key again, the access key and the secret",
            Self::Token { .. } => "get new keys, or unset AWS_SESSION_TOKEN if the keys need none",
            Self::Denied { what: "delete", .. } => "give the key s3:DeleteObject for the bucket",
            Self::Denied { what: "write", .. } => {
                "give the key s3:PutObject for the bucket, or use a key of the account that has the bucket"
            }
            Self::Denied { .. } | Self::Hidden { .. } => "give the key s3:GetObject and s3:ListBucket for the bucket",
            Self::NoBucket { .. } => "make the bucket, or correct --to or --endpoint-url",
            Self::BucketInAddress { .. } => "give --endpoint-url (or AWS_ENDPOINT_URL) without it",
            Self::OtherRegion { right: Some(right), .. } => {
                return Some(format!("give --region {right} (or AWS_REGION)").into());
            }
            Self::OtherRegion { right: None, .. } => "give the bucket's region with --region (or AWS_REGION)",
            Self::Clock { .. } => "set the clock: timedatectl set-ntp true",
            Self::NoSpace { .. } => "make space there, or raise the limit of the account or bucket",
            Self::Busy { .. } => "try again later, or with a lower --concurrency; what is uploaded stays",
            Self::Failing { .. } => "try again later; what is uploaded stays",
            Self::NotStorage { .. } => {
                "give the address of the S3 API in --endpoint-url, neither that of a console nor the public one"
            }
            Self::Refused { .. } | Self::Signing(_) => return None,
        };
        Some(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_as_people_do() {
        let said = |seconds| StorageError::Clock { seconds }.to_string();
        assert!(said(-1_600).starts_with("this machine's clock is 26 min behind the storage's"));
        assert!(said(90_000).starts_with("this machine's clock is 25 h ahead of the storage's"));
    }
}

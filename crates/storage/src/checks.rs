//! Whether modules could be uploaded: keys, address, bucket and clock, by one question that writes nothing. That the keys may
//! write as well is shown by an upload only.

use std::time::Duration;

use gen404_outside::explain::Explain;
use gen404_round::check::Check;

use crate::bucket::{Bucket, PROBE, Reach};
use crate::credentials::Credentials;
use crate::location::Location;

/// Names of the checks.
pub const CHECKS: [&str; 1] = ["storage"];

/// A storage that takes longer is told instead of waited for.
const LIMIT: Duration = Duration::from_secs(15);

const NAME: &str = CHECKS[0];

/// Where no place is named.
pub fn without_place() -> Vec<Check> {
    vec![Check::skipped(NAME, "no place for modules is named", "give it as --to s3://BUCKET/PREFIX, as for upload")]
}

/// What cannot even be asked: keys or address are missing or make no sense.
pub fn not_asked(why: String, fix: Option<String>) -> Vec<Check> {
    vec![Check::fail(
        NAME,
        why,
        fix.unwrap_or_else(|| "see the table of keys and addresses in docs/upload.md".to_owned()),
    )]
}

/// Asks the bucket once.
pub async fn checks(bucket: &Bucket, location: &Location, credentials: &Credentials) -> Vec<Check> {
    let key = location.key(PROBE);
    let asked = tokio::time::timeout(LIMIT, bucket.get_probe(&key)).await;
    let (service, origin) = (bucket.service(), &credentials.origin);
    let check = match asked {
        Ok(Ok(Reach::Read)) => {
            Check::pass(NAME, format!("{location} can be read at {service} with the keys of {origin}"))
        }
        Ok(Ok(Reach::Known)) => Check::warn(
            NAME,
            format!("{service} knows the keys of {origin}, and does not let them read {location}"),
            "give the key s3:GetObject and s3:ListBucket for the bucket: without them upload cannot see what is there already",
        ),
        Ok(Err(error)) => failed(&error),
        Err(_) => Check::fail(
            NAME,
            format!("{service} does not answer within {} s", LIMIT.as_secs()),
            "is --endpoint-url (or AWS_ENDPOINT_URL) right?",
        ),
    };
    vec![check]
}

fn failed(error: &impl Explain) -> Check {
    let fix = error.hint().unwrap_or("try again later; `404-cli upload --dry-run` says more".into());
    Check::fail(NAME, error.sentence(), fix)
}

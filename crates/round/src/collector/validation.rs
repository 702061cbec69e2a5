//! Which values the collector takes for a submission.
//! Stricter rules, for what we write ourselves, are those of the types in `submission.rs`.

use url::Url;

use super::Submission;
use super::merge::Winner;
use crate::python::{Json, Text};
use crate::{CommitHash, InvalidCommitHash};

/// Fewer characters are no hotkey to the collector.
const SHORTEST_HOTKEY: usize = 10;

/// The longest address it takes, in bytes, trailing slashes not counted.
const LONGEST_ADDRESS: usize = 2_083;

/// Why the collector refuses a submission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubmission {
    /// Not a hotkey.
    #[error("the hotkey has fewer than {SHORTEST_HOTKEY} characters")]
    Hotkey,
    /// The repository is not text.
    #[error("`repo` is {kind}, not a string")]
    RepoNotText {
        /// What it is.
        kind: &'static str,
    },
    /// The repository is not `owner/name`.
    #[error("`repo` is not owner/name in letters, digits, `_` and `-`")]
    Repo,
    /// The commit is not text.
    #[error("`commit` is {kind}, not a string")]
    CommitNotText {
        /// What it is.
        kind: &'static str,
    },
    /// The commit is not a full hash.
    #[error("`commit`: {0}")]
    Commit(InvalidCommitHash),
    /// The address is too long.
    #[error("`cdn_url` has {length} bytes, more than {LONGEST_ADDRESS}")]
    CdnUrlLength {
        /// Its bytes.
        length: usize,
    },
    /// The address is not one.
    #[error("`cdn_url` is not a URL ({0})")]
    CdnUrl(url::ParseError),
    /// The address holds what no text can hold.
    #[error("`cdn_url` holds half of a surrogate pair")]
    CdnUrlText,
    /// The address is for something else than HTTP.
    #[error("`cdn_url` must begin with https:// or http://, not {scheme}:")]
    CdnUrlScheme {
        /// Its scheme.
        scheme: String,
    },
}

/// All faults, as the collector reports them.
pub(super) fn validate(
    hotkey: &str,
    repo: &Json,
    commit: &Winner,
    address: &Text,
) -> Result<Submission, Vec<InvalidSubmission>> {
    let mut faults = Vec::new();
    if hotkey.chars().count() < SHORTEST_HOTKEY {
        faults.push(InvalidSubmission::Hotkey);
    }
    let repo = read_repo(repo).map_err(|fault| faults.push(fault));
    let hash = read_commit(&commit.value).map_err(|fault| faults.push(fault));
    let cdn_url = read_address(address).map_err(|fault| faults.push(fault));
    match (repo, hash, cdn_url) {
        (Ok(repo), Ok(hash), Ok(cdn_url)) if faults.is_empty() => {
            Ok(Submission { repo, commit: hash, cdn_url, reveal_block: commit.block })
        }
        _ => Err(faults),
    }
}

/// `^[\w-]+/[\w-]+$`, where `\w` is what Unicode calls a word's character.
fn read_repo(repo: &Json) -> Result<String, InvalidSubmission> {
    let Json::Text(text) = repo else { return Err(InvalidSubmission::RepoNotText { kind: repo.kind() }) };
    let is_word = |part: &str| {
        !part.is_empty() && part.chars().all(|character| character == '-' || regex_syntax::is_word_character(character))
    };
    let text = text.as_str().ok_or(InvalidSubmission::Repo)?;
    match text.split_once('/') {
        Some((owner, name)) if is_word(owner) && is_word(name) => Ok(text.to_owned()),
        Some(_) | None => Err(InvalidSubmission::Repo),
    }
}

fn read_commit(commit: &Json) -> Result<CommitHash, InvalidSubmission> {
    let Json::Text(text) = commit else { return Err(InvalidSubmission::CommitNotText { kind: commit.kind() }) };
    let text = text.as_str().ok_or(InvalidSubmission::Commit(InvalidCommitHash::NotHex))?;
    text.parse().map_err(InvalidSubmission::Commit)
}

fn read_address(address: &Text) -> Result<Url, InvalidSubmission> {
    if address.len() > LONGEST_ADDRESS {
        return Err(InvalidSubmission::CdnUrlLength { length: address.len() });
    }
    let text = address.as_str().ok_or(InvalidSubmission::CdnUrlText)?;
    let url = Url::parse(text).map_err(InvalidSubmission::CdnUrl)?;
    if matches!(url.scheme(), "http" | "https") {
        return Ok(url);
    }
    Err(InvalidSubmission::CdnUrlScheme { scheme: url.scheme().to_owned() })
}

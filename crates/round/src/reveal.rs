//! What was revealed on chain, read the way the subnet's collector reads it, and the payloads we write ourselves.
//! Everything here comes from strangers: whatever cannot be understood is passed over, never an error.

use serde::Serialize;

use crate::python::{Json, NotJson};
use crate::{BlockNumber, CdnUrl, CommitHash, Repository};

/// What a miner puts on chain, as the JSON text that is revealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reveal {
    /// Fixes the code: `{"commit": "<40 hex>"}`.
    Commit {
        /// The commit.
        commit: CommitHash,
    },
    /// Says where code and files are: `{"repo": "owner/name", "cdn_url": "https://…"}`.
    RepositoryAndCdn {
        /// The public repository.
        repo: Repository,
        /// Base address of the generated files.
        cdn_url: CdnUrl,
    },
    /// All three in one: one reveal is one block to hit.
    Everything {
        /// The public repository.
        repo: Repository,
        /// The commit.
        commit: CommitHash,
        /// Base address of the generated files.
        cdn_url: CdnUrl,
    },
}

impl Reveal {
    /// The commit, if it says one.
    pub fn commit(&self) -> Option<&CommitHash> {
        match self {
            Self::Commit { commit } | Self::Everything { commit, .. } => Some(commit),
            Self::RepositoryAndCdn { .. } => None,
        }
    }

    /// The repository, if it says one; the address of the files is with it.
    pub fn repository(&self) -> Option<&Repository> {
        match self {
            Self::RepositoryAndCdn { repo, .. } | Self::Everything { repo, .. } => Some(repo),
            Self::Commit { .. } => None,
        }
    }

    /// Compact JSON, which every reader of the chain accepts.
    ///
    /// # Panics
    ///
    /// Never: the variants hold only text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings always serialise")
    }
}

/// A value with the block whose reveal brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// The revealed text, untouched: it may hold anything.
    pub value: String,
    /// Block of the reveal.
    pub block: BlockNumber,
}

/// The newest value of each field that one hotkey has revealed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevealedFields {
    /// Commit hash.
    pub commit: Option<Latest>,
    /// Repository.
    pub repo: Option<Latest>,
    /// CDN address.
    pub cdn_url: Option<Latest>,
}

/// The text of one revealed payload: the SCALE length prefix is cut off and bytes that are not UTF-8 are dropped.
pub fn decode_payload(payload: &[u8]) -> String {
    let Some(first) = payload.first() else { return String::new() };
    let prefix = match first & 0b11 {
        0 => 1,
        1 => 2,
        _ => 4,
    };
    let mut text = String::with_capacity(payload.len());
    for chunk in payload.get(prefix..).unwrap_or_default().utf8_chunks() {
        text.push_str(chunk.valid());
    }
    text
}

/// [`decode_payload`] of what a library of the chain hands over as text: hex digits behind `0x`, otherwise the bytes of
/// the text itself.
pub fn decode_payload_text(payload: &str) -> Result<String, InvalidHex> {
    let Some(digits) = payload.strip_prefix("0x") else { return Ok(decode_payload(payload.as_bytes())) };
    // White space may stand between bytes, never inside one.
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut rest = digits.as_bytes();
    loop {
        rest = rest.trim_ascii_start();
        // One kind of white space more than Rust's ASCII knows.
        while let Some(behind) = rest.strip_prefix(b"\x0b") {
            rest = behind.trim_ascii_start();
        }
        let Some((pair, behind)) = rest.split_at_checked(2) else {
            return if rest.is_empty() { Ok(decode_payload(&bytes)) } else { Err(InvalidHex) };
        };
        let mut byte = [0];
        hex::decode_to_slice(pair, &mut byte).map_err(|_| InvalidHex)?;
        bytes.push(byte[0]);
        rest = behind;
    }
}

/// A text that begins with `0x` and is not hex behind it: the collector dies on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not pairs of hex digits behind 0x")]
pub struct InvalidHex;

/// Merges all reveals of one hotkey field by field: the highest block wins, within a block the greater text.
///
/// This is what a hotkey says, whatever the round. A payload that is not a JSON object, and a field that is not a non-empty
/// string, is passed over; what counts for a round is [`collect`](crate::collect)'s answer.
pub fn merge_latest<'a>(reveals: impl IntoIterator<Item = (&'a [u8], BlockNumber)>) -> RevealedFields {
    let mut fields = RevealedFields::default();
    for (payload, block) in reveals {
        let Ok(object) = read_json(payload) else { continue };
        for (name, slot) in
            [("commit", &mut fields.commit), ("repo", &mut fields.repo), ("cdn_url", &mut fields.cdn_url)]
        {
            let Some(Json::Text(value)) = object.get(name) else { continue };
            let Some(value) = value.as_str().filter(|value| !value.is_empty()) else { continue };
            if slot.as_ref().is_none_or(|latest| (latest.block, latest.value.as_str()) < (block, value)) {
                *slot = Some(Latest { value: value.to_owned(), block });
            }
        }
    }
    fields
}

/// The payload's JSON as the collector reads it: every single quote is a double one to it.
pub(crate) fn read_json(payload: &[u8]) -> Result<Json, NotJson> {
    let text = decode_payload(payload);
    Json::parse(&if text.contains('\'') { text.replace('\'', "\"") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixed(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).expect("short");
        let mut bytes = if length < 64 {
            vec![u8::try_from(length << 2).expect("below 64")]
        } else {
            ((length << 2) | 1).to_le_bytes().to_vec()
        };
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    fn merged(history: &[(&str, BlockNumber)]) -> RevealedFields {
        let payloads: Vec<_> = history.iter().map(|(text, block)| (prefixed(text), *block)).collect();
        merge_latest(payloads.iter().map(|(payload, block)| (payload.as_slice(), *block)))
    }

    #[test]
    fn our_own_payloads_are_compact_json() {
        let commit = "5b1e56b263464daec34aae0ce9fee7c609a4eb07".parse().expect("a hash");
        assert_eq!(Reveal::Commit { commit }.to_json(), r#"{"commit":"5b1e56b263464daec34aae0ce9fee7c609a4eb07"}"#);
        let reveal = Reveal::RepositoryAndCdn {
            repo: "a/b".parse().expect("a repository"),
            cdn_url: "https://c/d".parse().expect("an address"),
        };
        assert_eq!(reveal.to_json(), r#"{"repo":"a/b","cdn_url":"https://c/d"}"#);
        let reveal = Reveal::Everything {
            repo: "a/b".parse().expect("a repository"),
            commit: "5b1e56b263464daec34aae0ce9fee7c609a4eb07".parse().expect("a hash"),
            cdn_url: "https://c/d".parse().expect("an address"),
        };
        let json = r#"{"repo":"a/b","commit":"5b1e56b263464daec34aae0ce9fee7c609a4eb07","cdn_url":"https://c/d"}"#;
        assert_eq!(reveal.to_json(), json);
    }

    #[test]
    fn fields_are_merged_one_by_one() {
        let fields = merged(&[
            (r#"{"commit":"new","repo":"a/b"}"#, 9),
            (r#"{"commit":"old","cdn_url":"https://c"}"#, 4),
            (r#"{"repo":""}"#, 12),
        ]);
        assert_eq!(fields.commit, Some(Latest { value: "new".into(), block: 9 }));
        assert_eq!(fields.repo, Some(Latest { value: "a/b".into(), block: 9 }));
        assert_eq!(fields.cdn_url, Some(Latest { value: "https://c".into(), block: 4 }));
    }

    #[test]
    fn within_a_block_the_greater_text_wins() {
        let fields = merged(&[(r#"{"commit":"b"}"#, 5), (r#"{"commit":"a"}"#, 5)]);
        assert_eq!(fields.commit, Some(Latest { value: "b".into(), block: 5 }));
    }

    #[test]
    fn single_quotes_work_and_rubbish_is_passed_over() {
        let fields =
            merged(&[("{'commit':'x'}", 1), ("[1]", 2), ("null", 3), (r#"{"commit":7}"#, 4), ("{", 5), ("", 6)]);
        assert_eq!(fields.commit, Some(Latest { value: "x".into(), block: 1 }));
        assert_eq!(merge_latest([(&b"\x02"[..], 1), (&b""[..], 1), (&b"\x04\xff"[..], 1)]), RevealedFields::default());
    }

    #[test]
    fn numbers_that_only_the_collector_knows_do_no_harm() {
        let fields = merged(&[
            (r#"{"commit":"x","a":NaN,"b":[-Infinity,Infinity],"c":1e999}"#, 1),
            (r#"{"repo":"NaN \"Infinity\\","d":NaN}"#, 2),
            (r#"{"cdn_url":NaN}"#, 3),
        ]);
        assert_eq!(fields.commit, Some(Latest { value: "x".into(), block: 1 }));
        assert_eq!(fields.repo, Some(Latest { value: r#"NaN "Infinity\"#.into(), block: 2 }));
        assert_eq!(fields.cdn_url, None);
    }

    #[test]
    fn what_we_write_is_what_the_collector_reads() {
        for cdn in
            ["https://c/d", "http://[::1]:8080/%27/", r#"https://c/"{}[]\"#, "https://c/NaN,a:b;c=d&e@f!$*()|~^`<>"]
        {
            let cdn_url = cdn.parse().expect("an address");
            let reveal = Reveal::RepositoryAndCdn { repo: "a/b".parse().expect("a repository"), cdn_url };
            let fields = merged(&[(&reveal.to_json(), 1)]);
            assert_eq!(fields.cdn_url.map(|latest| latest.value).as_deref(), Some(cdn));
        }
    }
}

//! What was revealed on chain, read the way the subnet's collector reads it, and the payloads we write ourselves.
//! Everything here comes from strangers: whatever cannot be understood is passed over, never an error.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;

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
}

impl Reveal {
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

/// Merges all reveals of one hotkey field by field: the highest block wins, within a block the greater text.
///
/// Single quotes count as double quotes and `NaN` is a number, as they are for the collector. A payload that is not a JSON
/// object, and a field that is not a non-empty string, is passed over.
pub fn merge_latest<'a>(reveals: impl IntoIterator<Item = (&'a [u8], BlockNumber)>) -> RevealedFields {
    let mut fields = RevealedFields::default();
    for (payload, block) in reveals {
        let text = decode_payload(payload);
        let text = if text.contains('\'') { text.replace('\'', "\"") } else { text };
        let text = without_odd_numbers(&text);
        let Ok(object) = serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(&text) else { continue };
        for (name, slot) in
            [("commit", &mut fields.commit), ("repo", &mut fields.repo), ("cdn_url", &mut fields.cdn_url)]
        {
            let Some(Ok(value)) = object.get(name).map(|value| serde_json::from_str::<String>(value.get())) else {
                continue;
            };
            let newer = slot.as_ref().is_none_or(|latest| (latest.block, &latest.value) < (block, &value));
            if newer && !value.is_empty() {
                *slot = Some(Latest { value, block });
            }
        }
    }
    fields
}

/// `null` for the numbers that the collector's parser knows and JSON does not, outside of strings.
fn without_odd_numbers(text: &str) -> Cow<'_, str> {
    const ODD: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    if !ODD.iter().any(|odd| text.contains(odd)) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let odd = ODD.iter().find(|odd| !in_string && rest.starts_with(**odd));
        plain.push_str(odd.map_or(&rest[..next.len_utf8()], |_| "null"));
        rest = &rest[odd.map_or(next.len_utf8(), |odd| odd.len())..];
        in_string ^= next == '"' && !escaped;
        escaped = next == '\\' && !escaped;
    }
    Cow::Owned(plain)
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

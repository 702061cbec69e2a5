//! What a node's transaction pool says about an extrinsic: refusals by code, and the statuses of a watch.
//! Translates only; what is done about it is `commit`'s business.

use std::fmt;

use gen404_outside::explain::Hint;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::hashes::BlockHash;
use crate::rpc::RpcError;
use crate::rpc::limit::POOL_CODES;

/// JSON-RPC codes of bytes that the node or its runtime cannot read.
const BAD_FORMAT: i32 = 1001;
const VERIFICATION: i32 = 1002;
/// JSON-RPC code of an extrinsic that is invalid, with the reason in the data.
const INVALID: i32 = 1010;
const UNKNOWN_VALIDITY: i32 = 1011;
const TEMPORARILY_BANNED: i32 = 1012;
const ALREADY_IMPORTED: i32 = 1013;
const PRIORITY_TOO_LOW: i32 = 1014;
const IMMEDIATELY_DROPPED: i32 = 1016;

/// Subtensor's own reasons, given as "Custom error: N".
const CUSTOM_RATE_LIMIT: &str = "Custom error: 6";
const CUSTOM_NOT_REGISTERED: &str = "Custom error: 10";

/// The pool did not take an extrinsic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} (code {code}{})", self.reason(), if words.is_empty() { String::new() } else { format!(": {words}") })]
pub struct PoolRejection {
    /// JSON-RPC error code.
    pub code: i32,
    /// The node's own words, printable.
    pub words: String,
}

impl PoolRejection {
    /// The rejection inside an answer, if it is one.
    pub(crate) fn of(error: &RpcError) -> Option<Self> {
        match error {
            RpcError::Refused { code, message, data, .. } => {
                Some(Self { code: *code, words: data.as_ref().unwrap_or(message).clone() })
            }
            _ => None,
        }
    }

    /// Whether a transaction pool speaks. Other codes say that the node, or what stands before it, failed at the question.
    pub(crate) fn is_of_a_pool(&self) -> bool {
        POOL_CODES.contains(&self.code)
    }

    /// The node already has exactly these bytes: for us that is as good as taken.
    pub(crate) fn is_already_imported(&self) -> bool {
        self.code == ALREADY_IMPORTED
    }

    /// Whether this is what an upgrade of the runtime between signing and sending looks like: the signature fits no
    /// longer, or the bytes cannot be read any more.
    pub(crate) fn may_come_of_an_upgrade(&self) -> bool {
        match self.code {
            INVALID => self.says("bad signature") || self.says("bad proof"),
            BAD_FORMAT | VERIFICATION => true,
            _ => false,
        }
    }

    fn says(&self, words: &str) -> bool {
        // "Custom error: 1" must not match "Custom error: 10".
        self.words
            .match_indices(words)
            .any(|(at, _)| !self.words[at + words.len()..].starts_with(|character: char| character.is_ascii_digit()))
    }

    /// In words, what it means.
    pub fn reason(&self) -> &'static str {
        match self.code {
            INVALID if self.says(CUSTOM_RATE_LIMIT) => "too many commitments in a short time",
            INVALID if self.says(CUSTOM_NOT_REGISTERED) => "the hotkey is not registered on the subnet",
            INVALID if self.says("outdated") => "its nonce has been used already",
            INVALID if self.says("ancient birth block") => "it is too old",
            INVALID if self.says("bad signature") || self.says("bad proof") => {
                "its signature does not fit this chain and runtime"
            }
            INVALID if self.says("pay some fees") => "the account cannot pay the fee",
            INVALID => "it is invalid",
            UNKNOWN_VALIDITY => "the node cannot tell whether it is valid",
            TEMPORARILY_BANNED => "the node refuses it for a while, because it was invalid or dropped before",
            ALREADY_IMPORTED => "the node has it already",
            PRIORITY_TOO_LOW => "another extrinsic with the same nonce is waiting already",
            IMMEDIATELY_DROPPED => "the node's pool is full",
            _ if self.is_of_a_pool() => "the node refused it",
            _ => "the node could not take it",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<Hint> {
        let hint = match self.code {
            INVALID if self.says(CUSTOM_RATE_LIMIT) => "wait a few minutes, then try again",
            INVALID if self.says(CUSTOM_NOT_REGISTERED) => "check --wallet.hotkey and --netuid, or register the hotkey",
            INVALID if self.says("outdated") => {
                "something else uses this hotkey at the same time; see with list-all, then try again"
            }
            INVALID => "try again; the chain's runtime may just have been upgraded",
            TEMPORARILY_BANNED | IMMEDIATELY_DROPPED | UNKNOWN_VALIDITY => {
                "name another node with --subtensor.endpoint, or wait half an hour"
            }
            PRIORITY_TOO_LOW => "wait until the other one is included; it may be a commitment as well",
            _ if self.is_of_a_pool() => return None,
            _ => "try again, or name another node with --subtensor.endpoint",
        };
        Some(hint.into())
    }
}

/// What became of an extrinsic in the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PoolStatus {
    /// An earlier nonce is missing.
    Future,
    Ready,
    Broadcast,
    InBlock(BlockHash),
    Retracted(BlockHash),
    Finalized(BlockHash),
    /// The node watches no longer.
    Ended(PoolVerdict),
    /// A status of a newer node; of no consequence.
    Other,
}

/// How a node's pool stopped caring for an extrinsic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolVerdict {
    /// Another extrinsic with the same nonce took its place.
    Usurped,
    /// The pool was full.
    Dropped,
    /// It became invalid while waiting.
    Invalid,
    /// Its block did not become final in the time the node watches.
    FinalityTimeout,
}

impl fmt::Display for PoolVerdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Usurped => "another extrinsic with the same nonce took its place",
            Self::Dropped => "the node's pool dropped it",
            Self::Invalid => "it became invalid while it was waiting",
            Self::FinalityTimeout => "its block did not become final",
        })
    }
}

impl PoolVerdict {
    /// What to do about it.
    pub fn hint(&self) -> Option<Hint> {
        let hint = match self {
            Self::Usurped => "something else uses this hotkey at the same time; see with list-all before trying again",
            Self::Dropped | Self::Invalid | Self::FinalityTimeout => {
                "see with list-all whether it got in after all, then try again, perhaps at another node"
            }
        };
        Some(hint.into())
    }
}

impl PoolStatus {
    /// Reads a notification of `author_submitAndWatchExtrinsic`.
    pub(crate) fn read(notification: &RawValue) -> Self {
        let Ok(status) = serde_json::from_str::<Value>(notification.get()) else { return Self::Other };
        if let Some(name) = status.as_str() {
            return match name {
                "future" => Self::Future,
                "ready" => Self::Ready,
                "dropped" => Self::Ended(PoolVerdict::Dropped),
                "invalid" => Self::Ended(PoolVerdict::Invalid),
                _ => Self::Other,
            };
        }
        let hash = |name: &str| status.get(name)?.as_str().and_then(BlockHash::from_hex);
        if status.get("broadcast").is_some() {
            Self::Broadcast
        } else if let Some(hash) = hash("inBlock") {
            Self::InBlock(hash)
        } else if let Some(hash) = hash("finalized") {
            Self::Finalized(hash)
        } else if let Some(hash) = hash("retracted") {
            Self::Retracted(hash)
        } else if status.get("usurped").is_some() {
            Self::Ended(PoolVerdict::Usurped)
        } else if status.get("finalityTimeout").is_some() {
            Self::Ended(PoolVerdict::FinalityTimeout)
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(code: i32, words: &str) -> PoolRejection {
        PoolRejection { code, words: words.to_owned() }
    }

    #[test]
    fn rejections_are_explained() {
        let cases = [
            (1010, "Transaction is outdated", "its nonce has been used already"),
            (1010, "Transaction has an ancient birth block", "it is too old"),
            (1010, "Transaction has a bad signature", "its signature does not fit this chain and runtime"),
            (1010, "Custom error: 6", "too many commitments in a short time"),
            (1010, "Custom error: 10", "the hotkey is not registered on the subnet"),
            (1010, "Custom error: 66", "it is invalid"),
            (
                1012,
                "Transaction is temporarily banned",
                "the node refuses it for a while, because it was invalid or dropped before",
            ),
            (1014, "", "another extrinsic with the same nonce is waiting already"),
            (1099, "odd", "the node refused it"),
            (-32000, "odd", "the node could not take it"),
        ];
        for (code, words, reason) in cases {
            assert_eq!(rejection(code, words).reason(), reason, "{code} {words}");
        }
        assert!(rejection(1013, "").is_already_imported());
        for (code, words, upgrade) in [
            (1010, "Transaction has a bad signature", true),
            (1010, "Transaction is outdated", false),
            (1010, "Custom error: 6", false),
            (1002, "Verification Error: Runtime error", true),
            (1014, "Priority is too low", false),
        ] {
            assert_eq!(rejection(code, words).may_come_of_an_upgrade(), upgrade, "{code} {words}");
        }
        assert_eq!(
            rejection(1010, "Custom error: 6").to_string(),
            "too many commitments in a short time (code 1010: Custom error: 6)"
        );
        assert!(rejection(1014, "").hint().is_some());
    }

    #[test]
    fn statuses_are_read() {
        let block = format!("0x{}", "ab".repeat(32));
        let hash = BlockHash([0xab; 32]);
        let cases = [
            (r#""future""#.to_owned(), PoolStatus::Future),
            (r#""ready""#.to_owned(), PoolStatus::Ready),
            (r#"{"broadcast":["peer"]}"#.to_owned(), PoolStatus::Broadcast),
            (format!(r#"{{"inBlock":"{block}"}}"#), PoolStatus::InBlock(hash)),
            (format!(r#"{{"retracted":"{block}"}}"#), PoolStatus::Retracted(hash)),
            (format!(r#"{{"finalized":"{block}"}}"#), PoolStatus::Finalized(hash)),
            (format!(r#"{{"usurped":"{block}"}}"#), PoolStatus::Ended(PoolVerdict::Usurped)),
            (format!(r#"{{"finalityTimeout":"{block}"}}"#), PoolStatus::Ended(PoolVerdict::FinalityTimeout)),
            (r#""dropped""#.to_owned(), PoolStatus::Ended(PoolVerdict::Dropped)),
            (r#""invalid""#.to_owned(), PoolStatus::Ended(PoolVerdict::Invalid)),
            (r#"{"inBlock":"short"}"#.to_owned(), PoolStatus::Other),
            ("[1]".to_owned(), PoolStatus::Other),
        ];
        for (text, status) in cases {
            assert_eq!(PoolStatus::read(&RawValue::from_string(text).expect("JSON")), status);
        }
    }
}

//! The keys of a map below a prefix, in pages. They are ordered by a hash, so the first page tells how many there are about,
//! and the rest is asked for in ranges of equal share at the same time.
//! Knows nothing of what the keys lead to.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use crate::hashes::BlockHash;
use crate::node::Node;
use crate::rpc::RpcError;

/// Bytes of hash that open the last part of a key.
pub(super) const HASH_BYTES: usize = 8;

/// Keys a page; nodes refuse more than 1000.
const PAGE: usize = 1_000;
/// Keys that a range should hold: some room below a page, because hashes spread unevenly.
const RANGE: u64 = 800;
/// More ranges than this are never made, however much the first page's keys crowd together.
const MAX_RANGES: u64 = 64;
/// Ranges asked for at the same time.
const RANGE_REQUESTS: usize = 16;

/// A page of keys.
type Page = Vec<Vec<u8>>;

/// All keys that begin with `prefix`, at one block, in pages of any order.
pub(super) fn pages<'a>(node: &'a Node, prefix: &'a [u8], at: BlockHash) -> BoxStream<'a, Result<Page, RpcError>> {
    stream::once(node.keys(prefix, PAGE, None, at))
        .map_ok(move |first| {
            let rest = if first.len() < PAGE { Vec::new() } else { split(&first, prefix) };
            let rest =
                stream::iter(rest).flat_map_unordered(RANGE_REQUESTS, move |range| in_range(node, prefix, range, at));
            stream::once(async { Ok(first) }).chain(rest)
        })
        .try_flatten()
        .boxed()
}

/// Keys after `start`, up to and with `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

/// Cuts what comes after a full first page into ranges of about [`RANGE`] keys.
fn split(first: &[Vec<u8>], prefix: &[u8]) -> Vec<Range> {
    let Some(last) = first.last() else { return Vec::new() };
    let Some(hash) = last.get(prefix.len()..).and_then(|rest| rest.first_chunk::<HASH_BYTES>()) else {
        // No hash to reckon with: one range, page after page.
        return vec![Range { start: last.clone(), end: None }];
    };
    let reached = u64::from_be_bytes(*hash).max(1);
    let width = (reached / PAGE as u64).saturating_mul(RANGE).max((u64::MAX - reached) / MAX_RANGES).max(1);
    let boundary = |at: u64| [prefix, &at.to_be_bytes()].concat();
    let mut ranges = Vec::new();
    let mut start = last.clone();
    let mut at = reached;
    while let Some(next) = at.checked_add(width) {
        let end = boundary(next);
        ranges.push(Range { start, end: Some(end.clone()) });
        (start, at) = (end, next);
    }
    ranges.push(Range { start, end: None });
    ranges
}

fn in_range<'a>(
    node: &'a Node,
    prefix: &'a [u8],
    range: Range,
    at: BlockHash,
) -> BoxStream<'a, Result<Page, RpcError>> {
    stream::try_unfold(Some(range), move |range| async move {
        let Some(Range { start, end }) = range else { return Ok(None) };
        let mut page = node.keys(prefix, PAGE, Some(&start), at).await?;
        let next = (page.len() == PAGE).then(|| page[PAGE - 1].clone());
        if let Some(end) = &end {
            page.truncate(page.partition_point(|key| key <= end));
        }
        let next = next.filter(|last| end.as_ref().is_none_or(|end| last < end)).map(|start| Range { start, end });
        Ok::<_, RpcError>(Some((page, next)))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::rpc::scripted::{ScriptedRpc, unknown_method};

    const PREFIX: &[u8] = b"prefix";

    fn key(hash: u64) -> Vec<u8> {
        [PREFIX, &hash.to_be_bytes(), &[7; 32]].concat()
    }

    /// A node that holds `keys` and answers `state_getKeysPaged` as the real one does.
    fn node_with(keys: BTreeSet<Vec<u8>>) -> (Node, ScriptedRpc) {
        let keys = Arc::new(keys);
        let rpc = ScriptedRpc::new(move |method, params| {
            if method != "state_getKeysPaged" {
                return unknown_method();
            }
            let bytes =
                |value: &Value| hex::decode(value.as_str().expect("hex").trim_start_matches("0x")).expect("hex");
            let prefix = bytes(&params[0]);
            let count = usize::try_from(params[1].as_u64().expect("a count")).expect("small");
            let after = if params[2].is_null() { Vec::new() } else { bytes(&params[2]) };
            let page: Vec<_> = keys
                .iter()
                .filter(|key| key.starts_with(&prefix) && **key > after)
                .take(count)
                .map(|key| format!("0x{}", hex::encode(key)))
                .collect();
            Ok(json!(page))
        });
        (Node::new(Box::new(rpc.clone())), rpc)
    }

    async fn all(keys: BTreeSet<Vec<u8>>) -> (BTreeSet<Vec<u8>>, usize) {
        let (node, rpc) = node_with(keys);
        let pages: Vec<Page> =
            pages(&node, PREFIX, BlockHash([0; 32])).try_collect().await.expect("the script answers");
        let found: Vec<_> = pages.into_iter().flatten().collect();
        let distinct: BTreeSet<_> = found.iter().cloned().collect();
        assert_eq!(found.len(), distinct.len(), "no key comes twice");
        (distinct, rpc.asked("state_getKeysPaged"))
    }

    /// An even spread without a random number: multiples of an odd constant.
    fn spread(count: u64) -> BTreeSet<Vec<u8>> {
        (0..count).map(|index| key(index.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
    }

    #[tokio::test]
    async fn every_key_comes_once_whatever_their_number() {
        for count in [0, 1, 999, 1_000, 1_001, 2_500, 10_000] {
            let keys = spread(count);
            let (found, asked) = all(keys.clone()).await;
            assert_eq!(found, keys);
            assert!(asked <= 2 + usize::try_from(count).expect("small") / 700, "{count} keys took {asked} requests");
        }
    }

    #[tokio::test]
    async fn keys_that_crowd_together_come_too() {
        let low: BTreeSet<_> = (0..3_000).map(key).collect();
        let high: BTreeSet<_> = (0..3_000).map(|index| key(u64::MAX - index)).collect();
        let uneven: BTreeSet<_> =
            (0..1_500).map(|index| key(index << 48)).chain((0..3_000).map(|index| key((1 << 63) + index))).collect();
        for keys in [high, uneven] {
            assert_eq!(all(keys.clone()).await.0, keys);
        }
        let (found, asked) = all(low.clone()).await;
        assert_eq!(found, low);
        assert!(asked < 100, "{asked} requests");
    }

    #[tokio::test]
    async fn a_node_that_repeats_itself_is_refused() {
        let rpc = ScriptedRpc::new(|_, _| Ok(json!(vec![format!("0x{}", hex::encode(key(1))); 1_000])));
        let node = Node::new(Box::new(rpc));
        let pages: Result<Vec<Page>, _> = pages(&node, PREFIX, BlockHash([0; 32])).try_collect().await;
        assert!(matches!(pages, Err(RpcError::Unexpected { .. })));
    }
}

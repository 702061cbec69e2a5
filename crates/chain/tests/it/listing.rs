//! Reading: long and hostile lists, owners, locks.

use std::collections::BTreeMap;

use gen404_chain::{HotkeySigner, LockAnswer};
use gen404_devchain::{Lock, Neuron, Options, PastReveals};
use gen404_round::lock::RAO_PER_RHO;
use gen404_round::{AccountId, Latest, NETUID, RevealedFields};

use crate::support::{COLDKEY, Key, connect, fast, start};

/// Account number `index`, spread over the whole space of keys by the chain's own hash.
fn account(index: u32) -> AccountId {
    let mut bytes = [0xab; 32];
    bytes[..4].copy_from_slice(&index.to_le_bytes());
    AccountId(bytes)
}

/// A SCALE string.
fn scale(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short");
    let mut bytes = if length < 64 {
        vec![u8::try_from(length << 2).expect("short")]
    } else {
        (length << 2 | 1).to_le_bytes().to_vec()
    };
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Payloads that somebody could reveal to break a reader.
fn hostile(index: u32) -> Vec<u8> {
    match index % 12 {
        0 => Vec::new(),
        1 => vec![0xff; 780],
        2 => vec![3],
        3 => scale("[1, 2, {\"commit\": \"x\"}]"),
        4 => scale("null"),
        5 => scale("{\"commit\": 7, \"repo\": null, \"cdn_url\": {}}"),
        6 => scale("\u{1b}]0;owned\u{7}{\"commit\""),
        7 => scale(&"[".repeat(700)),
        8 => scale("{\"commit\":\"\"}"),
        9 => b"\xfe\xff\xff\xff{}".to_vec(),
        10 => scale(&format!("{{\"a\":{}", "{\"a\":".repeat(120))),
        _ => (0..=255).collect(),
    }
}

#[tokio::test]
async fn ten_thousand_hostile_payloads_do_no_harm() {
    let honest = scale(r#"{"commit":"5b1e56b263464daec34aae0ce9fee7c609a4eb07"}"#);
    let reveals = (0..1_000)
        .map(|index| {
            let mut reveals: Vec<_> = (0..10).map(|place| (hostile(index + place), 100 + u64::from(place))).collect();
            if index % 100 == 0 {
                reveals[3] = (honest.clone(), 103);
            }
            PastReveals { hotkey: account(index), reveals }
        })
        .collect();
    let sandbox = start(Options { reveals, ..fast(&[]) }).await;
    let list = connect(&sandbox).await.reveals(NETUID, &()).await.expect("a list");
    assert_eq!(list.hotkeys.len(), 1_000);
    for reveals in &list.hotkeys {
        let index = u32::from_le_bytes(reveals.hotkey.0[..4].try_into().expect("four bytes"));
        let commit = (index % 100 == 0)
            .then(|| Latest { value: "5b1e56b263464daec34aae0ce9fee7c609a4eb07".to_owned(), block: 103 });
        assert_eq!(reveals.fields, RevealedFields { commit, ..RevealedFields::default() });
    }
}

#[tokio::test]
async fn every_hotkey_comes_once_whatever_their_number() {
    for count in [0, 1, 999, 1_000, 1_001, 3_500] {
        let past = |index: u32| PastReveals {
            hotkey: account(index),
            reveals: vec![(scale(&format!(r#"{{"repo":"o/{index}"}}"#)), u64::from(index))],
        };
        let sandbox = start(Options { reveals: (0..count).map(past).collect(), ..fast(&[]) }).await;
        let list = connect(&sandbox).await.reveals(NETUID, &()).await.expect("a list");
        let found: BTreeMap<_, _> =
            list.hotkeys.into_iter().map(|reveals| (reveals.hotkey, reveals.fields.repo)).collect();
        assert_eq!(found.len(), usize::try_from(count).expect("small"));
        for index in 0..count {
            let repo = Latest { value: format!("o/{index}"), block: u64::from(index) };
            assert_eq!(found[&account(index)], Some(repo));
        }
    }
}

#[tokio::test]
async fn another_subnets_reveals_are_not_listed() {
    let reveals = vec![PastReveals { hotkey: account(1), reveals: vec![(scale("{}"), 5)] }];
    let sandbox = start(Options { reveals, ..fast(&[]) }).await;
    let chain = connect(&sandbox).await;
    assert_eq!(chain.reveals(NETUID, &()).await.expect("a list").hotkeys.len(), 1);
    assert!(chain.reveals(NETUID + 256, &()).await.expect("a list").hotkeys.is_empty());
}

#[tokio::test]
async fn histories_are_whole_and_in_the_chains_order() {
    let past = |index: u32, blocks: &[u64]| PastReveals {
        hotkey: account(index),
        reveals: blocks.iter().map(|block| (scale(&format!("{index} {block}")), *block)).collect(),
    };
    let reveals = (0..200).map(|index| past(index, &[5, 9, 9])).chain([past(200, &[4])]).collect();
    let sandbox = start(Options { reveals, ..fast(&[]) }).await;
    let chain = connect(&sandbox).await;
    let histories = chain.reveal_histories(NETUID, 9, &()).await.expect("histories");
    assert!(histories.block > 0);
    assert_eq!(histories.hotkeys.len(), 200, "the last one revealed nothing since");
    let index = |hotkey: AccountId| u32::from_le_bytes(hotkey.0[..4].try_into().expect("four bytes"));
    for history in &histories.hotkeys {
        let payload = scale(&format!("{} 9", index(history.hotkey)));
        assert_eq!(history.reveals, [(payload.clone(), 9), (payload, 9)]);
    }
    // Twox64: by a hash of the account, and not by the account.
    let order = |account: AccountId| twox_hash::XxHash64::oneshot(0, &account.0).to_le_bytes();
    assert!(histories.hotkeys.is_sorted_by_key(|history| order(history.hotkey)));
    let all = chain.reveal_histories(NETUID, 0, &()).await.expect("histories");
    assert_eq!((all.hotkeys.len(), all.hotkeys[0].reveals.len().max(all.hotkeys[1].reveals.len())), (201, 3));
}

#[tokio::test]
async fn registrations_come_in_the_order_of_the_question() {
    let (first, second) = (Key::new(1), Key::new(2));
    let sandbox = start(Options { neurons: vec![second.neuron()], ..fast(&[]) }).await;
    let chain = connect(&sandbox).await;
    let asked = [first.hotkey(), second.hotkey()];
    assert_eq!(chain.registered(&asked, NETUID, &()).await.expect("an answer"), [false, true]);
    assert_eq!(chain.registered(&asked, NETUID + 1, &()).await.expect("an answer"), [false, false]);
    assert_eq!(chain.registered(&[], NETUID, &()).await.expect("an answer"), [false; 0]);
}

#[tokio::test]
async fn the_chains_pace_is_seen_in_two_moments() {
    let options = Options { manual_blocks: true, remembered_blocks: 5, ..fast(&[]) };
    let sandbox = start(options).await;
    let chain = connect(&sandbox).await;
    sandbox.set_clock_offset(60);
    let head = u64::from(sandbox.produce_block());
    let moments = chain.moments(1, &()).await.expect("moments");
    assert_eq!(moments.head.block, head);
    let earlier = moments.earlier.expect("the block before");
    assert_eq!(earlier.block, head - 1);
    let seconds = (moments.head.unix_millis - earlier.unix_millis) / 1_000;
    assert!((60..120).contains(&seconds), "the clock went ahead by a minute: {seconds}");
    let oldest = chain.moments(1_000, &()).await.expect("moments").earlier;
    assert_eq!(oldest.map(|oldest| oldest.block), Some(1), "genesis has no time");
    for _ in 0..10 {
        sandbox.produce_block();
    }
    let moments = chain.moments(8, &()).await.expect("moments");
    assert_eq!((moments.head.block, moments.earlier), (head + 10, None), "the node has forgotten that block");
}

#[tokio::test]
async fn owners_hotkeys_and_locks_are_read_in_bulk() {
    let (first, second, stranger) = (Key::new(1), Key::new(2), Key::new(3));
    let crowd = (0..1_200).map(|index| Neuron { hotkey: account(index), coldkey: AccountId([7; 32]) });
    let neurons = [first.neuron(), second.neuron()].into_iter().chain(crowd).collect();
    let lock = Lock {
        coldkey: COLDKEY,
        locked_mass: 250 * RAO_PER_RHO,
        conviction_bits: (3 << 64) + (1 << 63),
        last_update: 9,
    };
    let sandbox = start(Options { neurons, locks: vec![lock], ..fast(&[]) }).await;
    let chain = connect(&sandbox).await;

    let mut asked = vec![first.hotkey(), stranger.hotkey(), second.hotkey()];
    asked.extend((0..1_200).map(account));
    let owners = chain.owners(&asked, &()).await.expect("owners");
    assert_eq!(owners[..3], [Some(COLDKEY), None, Some(COLDKEY)]);
    assert!(owners[3..].iter().all(|owner| *owner == Some(AccountId([7; 32]))) && owners.len() == asked.len());

    let locks = chain.coldkey_locks(&[COLDKEY, AccountId([9; 32])], NETUID, &()).await.expect("locks");
    let LockAnswer::Locked(lock) = locks[0] else { panic!("{locks:?}") };
    assert_eq!((lock.locked_rao, lock.last_update), (250 * RAO_PER_RHO, 9));
    assert!((lock.conviction - 3.5).abs() < 1e-9);
    assert_eq!(locks[1], LockAnswer::Nothing);

    let (number, hash) = chain.head(&()).await.expect("a head");
    assert!(number > 0 && hash.to_string().len() == 66);
}

//! The rules that an extrinsic meets on its way from the pool to a final block.

use gen404_timelock::{BeaconSecret, Randomness, encrypt};
use parity_scale_codec::{Compact, Encode};
use proptest::prelude::*;
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey};
use tokio::sync::mpsc;

use super::*;
use crate::commitments::{self, CommitmentInfo, Data};
use crate::drand::{self, BeaconConfiguration};
use crate::extrinsic::SignedContext;
use crate::primitives::{BoundedVec, DispatchError, Era, ModuleError, MultiAddress, MultiSignature};
use crate::runtime::{RuntimeCall, RuntimeEvent};
use crate::storage::Storage;
use crate::subtensor;

const NETUID: u16 = 17;
const ROUND: u64 = 7;

fn pair(seed: u8) -> Keypair {
    MiniSecretKey::from_bytes(&[seed; 32]).expect("32 bytes").expand_to_keypair(ExpansionMode::Ed25519)
}

fn account(pair: &Keypair) -> Account {
    Account(pair.public.to_bytes())
}

fn beacon() -> BeaconSecret {
    BeaconSecret::from_seed(&[9; 32])
}

/// A chain at block 3 with hotkey 1 registered.
fn node() -> Node {
    let mut storage = Storage::new(8);
    let beacon = gen404_timelock::Beacon { public_key: beacon().public_key(), genesis_time: 0, period: 1 };
    drand::BEACON_CONFIG.put(&mut storage, &BeaconConfiguration::of(&beacon));
    subtensor::add_network(&mut storage, NETUID, subtensor::DEFAULT_TEMPO);
    subtensor::register(&mut storage, NETUID, &[(account(&pair(1)), account(&pair(100)))]);
    storage.seal_genesis();
    let context = SignedContext { spec_version: 425, transaction_version: 1, genesis: H256::default() };
    let runtime = Runtime {
        storage,
        context,
        netuids: vec![NETUID],
        pool_checks_registration: false,
        head: (0, H256::default()),
        upgrade: None,
    };
    let mut node = Node::new(runtime, H256([1; 32]), None, 2);
    for _ in 0..3 {
        node.produce(0, vec![]);
    }
    node
}

fn timelocked(text: &[u8]) -> Data {
    let randomness = Randomness::from_bytes(&[3; Randomness::BYTES]);
    let encrypted = encrypt(&beacon().public_key(), ROUND, text, &randomness).expect("a usable key");
    Data::TimelockEncrypted { encrypted: BoundedVec(encrypted), reveal_round: ROUND }
}

fn commit(data: Data) -> RuntimeCall {
    let info = CommitmentInfo { fields: BoundedVec(vec![data]) };
    RuntimeCall::Commitments(commitments::Call::set_commitment { netuid: NETUID, info })
}

struct Signing<'a> {
    pair: &'a Keypair,
    nonce: u32,
    era: Era,
    birth: H256,
    context: SignedContext,
}

impl<'a> Signing<'a> {
    /// What an honest client does: mortal for 128 blocks, anchored at the finalized head.
    fn honest(node: &Node, pair: &'a Keypair, nonce: u32) -> Self {
        let anchor = node.finalized();
        let era = Era::Mortal { period: 128, phase: u64::from(anchor.header.number) };
        Self { pair, nonce, era, birth: anchor.hash, context: node.runtime.context }
    }

    fn sign(&self, call: &RuntimeCall) -> Vec<u8> {
        let extensions = (self.era, Compact(self.nonce), Compact(0_u64), 0_u8).encode();
        let mut payload = call.encode();
        payload.extend(&extensions);
        let context = &self.context;
        (context.spec_version, context.transaction_version, context.genesis, self.birth, 0_u8).encode_to(&mut payload);
        if payload.len() > 256 {
            payload = blake2_256(&payload).to_vec();
        }
        let signature = self.pair.sign_simple(b"substrate", &payload).to_bytes();
        let mut body = vec![0x84];
        (MultiAddress::Id(account(self.pair)), MultiSignature::Sr25519(signature)).encode_to(&mut body);
        body.extend(extensions);
        call.encode_to(&mut body);
        body.encode()
    }
}

fn statuses(receiver: &mut mpsc::UnboundedReceiver<Status>) -> Vec<Status> {
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}

fn events(node: &Node) -> Vec<RuntimeEvent> {
    system::EVENTS.get(&node.runtime.storage).expect("a block").into_iter().map(|record| record.event).collect()
}

fn reveals(node: &Node, who: Account) -> Vec<(Vec<u8>, u64)> {
    commitments::REVEALED_COMMITMENTS.get(&node.runtime.storage, &(NETUID, who)).unwrap_or_default()
}

#[test]
fn a_commitment_goes_through_pool_block_and_finality_and_is_revealed_by_its_pulse() {
    let (mut node, pair) = (node(), pair(1));
    let (watcher, mut news) = mpsc::unbounded_channel();
    let extrinsic = Signing::honest(&node, &pair, 0).sign(&commit(timelocked(b"\x08hi")));
    node.submit(&extrinsic, Some(watcher)).expect("accepted");
    assert_eq!(statuses(&mut news), [Status::Ready, Status::Broadcast]);
    assert_eq!(node.next_nonce(account(&pair)), 1);

    let block = node.produce(1, vec![]);
    assert_eq!(statuses(&mut news), [Status::InBlock(block)]);
    assert_eq!(node.block(block).expect("it is there").extrinsics[1], extrinsic, "the very bytes that came in");
    node.produce(2, vec![Pulse::new(ROUND, beacon().sign(ROUND).to_vec())]);
    assert_eq!(reveals(&node, account(&pair)), [], "pulses come after the hooks of their block");
    node.produce(3, vec![]);
    assert_eq!(statuses(&mut news), [Status::Finalized(block)]);
    assert_eq!(reveals(&node, account(&pair)), [(b"\x08hi".to_vec(), 6)]);
    let (netuid, who) = (NETUID, account(&pair));
    assert!(events(&node).contains(&RuntimeEvent::Commitments(commitments::Event::CommitmentRevealed { netuid, who })));
}

#[test]
fn nonces_have_to_fit() {
    let (mut node, pair) = (node(), pair(1));
    let sign =
        |node: &Node, nonce, text: &[u8]| Signing::honest(node, &pair, nonce).sign(&commit(Data::Raw(text.to_vec())));
    let first = sign(&node, 0, b"first");
    let (watcher, mut news) = mpsc::unbounded_channel();
    let early = sign(&node, 1, b"early");
    node.submit(&early, Some(watcher)).expect("accepted");
    assert_eq!(statuses(&mut news), [Status::Future]);
    assert_eq!(node.next_nonce(account(&pair)), 0, "a gap does not count");
    node.submit(&first, None).expect("accepted");
    assert_eq!(statuses(&mut news), [Status::Ready, Status::Broadcast]);
    assert_eq!(node.next_nonce(account(&pair)), 2);

    assert_eq!(node.submit(&first, None), Err(Refused::AlreadyImported.into()));
    let rival = sign(&node, 0, b"rival");
    assert_eq!(node.submit(&rival, None), Err(Refused::TooLowPriority.into()));
    let block = node.produce(1, vec![]);
    assert_eq!(node.block(block).expect("it is there").extrinsics[1..], [first.clone(), early]);
    assert_eq!(node.submit(&first, None), Err(Refused::Banned.into()));
    assert_eq!(node.submit(&rival, None), Err(Invalid::Stale.into()));
}

#[test]
fn a_signature_covers_everything() {
    let (mut node, pair) = (node(), pair(1));
    let call = commit(Data::Raw(b"x".to_vec()));
    let honest = || Signing::honest(&node, &pair, 0);
    let other = SignedContext { genesis: H256([7; 32]), ..node.runtime.context };
    let newer = SignedContext { spec_version: 426, ..node.runtime.context };
    let wrong = [
        Signing { context: other, ..honest() }.sign(&call),
        Signing { context: newer, ..honest() }.sign(&call),
        Signing { birth: H256([7; 32]), ..honest() }.sign(&call),
    ];
    let immortal = Signing { era: Era::Immortal, birth: node.runtime.context.genesis, ..honest() }.sign(&call);
    let right = honest().sign(&call);
    for extrinsic in &wrong {
        assert_eq!(node.submit(extrinsic, None), Err(Invalid::BadProof.into()));
    }
    for index in 0..right.len() {
        let mut bent = right.clone();
        bent[index] ^= 1;
        assert!(node.submit(&bent, None).is_err(), "byte {index}");
    }
    node.submit(&right, None).expect("accepted");
    node.produce(1, vec![]);
    assert_eq!(node.submit(&immortal, None), Err(Invalid::Stale.into()), "right, but its nonce is used");
}

#[test]
fn an_upgrade_fills_its_block_and_makes_older_signatures_worthless() {
    let (mut node, pair) = (node(), pair(1));
    let (watcher, mut news) = mpsc::unbounded_channel();
    let old = Signing::honest(&node, &pair, 0).sign(&commit(Data::Raw(b"x".to_vec())));
    node.submit(&old, Some(watcher)).expect("accepted");
    node.upgrade(426);
    assert_eq!(node.head().extrinsics.len(), 1, "the time alone");
    assert_eq!((node.spec_version_at(3), node.spec_version_at(4)), (425, 426));
    assert_eq!(statuses(&mut news), [Status::Ready, Status::Broadcast]);
    let late = Signing {
        context: SignedContext { spec_version: 425, ..node.runtime.context },
        ..Signing::honest(&node, &pair, 1)
    };
    assert_eq!(node.submit(&late.sign(&commit(Data::None)), None), Err(Invalid::BadProof.into()));
    node.produce(2, vec![]);
    assert_eq!(statuses(&mut news), [Status::Invalid]);
    assert_eq!(node.next_nonce(account(&pair)), 0, "it is nowhere");
    let new = Signing::honest(&node, &pair, 0).sign(&commit(Data::Raw(b"x".to_vec())));
    node.submit(&new, None).expect("accepted");
    node.produce(3, vec![]);
    assert_eq!(node.head().extrinsics[1], new);
}

#[test]
fn eras_end_and_old_blocks_are_forgotten() {
    let (mut node, pair) = (node(), pair(1));
    let call = commit(Data::Raw(b"x".to_vec()));
    let phase = u64::from(node.finalized().header.number);
    let short = Signing { era: Era::Mortal { period: 4, phase }, ..Signing::honest(&node, &pair, 0) }.sign(&call);
    let long = Signing { era: Era::Mortal { period: 4096, phase }, ..Signing::honest(&node, &pair, 0) }.sign(&call);
    for _ in 0..4 {
        node.produce(0, vec![]);
    }
    assert_eq!(node.submit(&short, None), Err(Invalid::BadProof.into()), "the next era has another birth block");
    for _ in 0..system::BLOCK_HASH_COUNT {
        node.produce(0, vec![]);
    }
    assert_eq!(node.submit(&long, None), Err(Invalid::AncientBirthBlock.into()));
}

#[test]
fn an_extrinsic_that_expires_in_the_pool_is_left_out_of_blocks() {
    let (mut node, pair) = (node(), pair(1));
    let phase = u64::from(node.finalized().header.number);
    let call = commit(Data::Raw(b"x".to_vec()));
    let (watcher, mut news) = mpsc::unbounded_channel();
    let early = Signing { era: Era::Mortal { period: 4, phase }, ..Signing::honest(&node, &pair, 1) }.sign(&call);
    node.submit(&early, Some(watcher)).expect("accepted");
    for _ in 0..4 {
        node.produce(0, vec![]);
    }
    let first = Signing::honest(&node, &pair, 0).sign(&call);
    node.submit(&first, None).expect("accepted");
    let block = node.produce(0, vec![]);
    assert_eq!(node.block(block).expect("it is there").extrinsics.len(), 2, "the time, and the first");
    assert_eq!(statuses(&mut news), [Status::Future, Status::Ready, Status::Broadcast, Status::Invalid]);
}

#[test]
fn an_unregistered_hotkey_fails_in_the_block_or_in_the_pool() {
    let (mut node, stranger) = (node(), pair(2));
    let extrinsic = Signing::honest(&node, &stranger, 0).sign(&commit(timelocked(b"x")));
    node.submit(&extrinsic, None).expect("the pool does not ask");
    node.produce(1, vec![]);
    let dispatch_error = DispatchError::Module(ModuleError { index: 18, error: [1, 0, 0, 0] });
    assert!(events(&node).iter().any(|event| matches!(
        event,
        RuntimeEvent::System(system::Event::ExtrinsicFailed { dispatch_error: error, .. }) if *error == dispatch_error
    )));
    assert_eq!(node.next_nonce(account(&stranger)), 1, "a failed call has used its nonce");

    node.runtime.pool_checks_registration = true;
    let again = Signing::honest(&node, &stranger, 1).sign(&commit(timelocked(b"x")));
    assert_eq!(node.submit(&again, None), Err(Invalid::Custom(10).into()));
}

#[test]
fn space_is_used_up_and_comes_back_with_the_epoch() {
    let (mut node, pair) = (node(), pair(1));
    let mut outcomes = vec![];
    for nonce in 0..5 {
        let call = commit(Data::TimelockEncrypted { encrypted: BoundedVec(vec![7; 1000]), reveal_round: 99 });
        if nonce == 4 {
            subtensor::SUBNET_EPOCH_INDEX.put(&mut node.runtime.storage, &NETUID, &1);
            node.runtime.netuids.clear();
        }
        let extrinsic = Signing::honest(&node, &pair, nonce).sign(&call);
        node.submit(&extrinsic, None).expect("accepted");
        node.produce(1, vec![]);
        outcomes.push(events(&node).iter().any(|event| matches!(event, RuntimeEvent::Commitments(_))));
    }
    assert_eq!(outcomes, [true, true, true, false, true]);
}

#[test]
fn calls_that_are_not_for_accounts_fail() {
    let (mut node, pair) = (node(), pair(1));
    let calls = [
        RuntimeCall::Timestamp(system::TimestampCall::set { now: 1 }),
        RuntimeCall::Commitments(commitments::Call::set_max_space { new_limit: 1 }),
    ];
    for (nonce, call) in (0..).zip(&calls) {
        let extrinsic = Signing::honest(&node, &pair, nonce).sign(call);
        node.submit(&extrinsic, None).expect("accepted");
        node.produce(1, vec![]);
        assert!(events(&node).iter().any(|event| matches!(
            event,
            RuntimeEvent::System(system::Event::ExtrinsicFailed { dispatch_error: DispatchError::BadOrigin, .. })
        )));
    }
    let bare = crate::extrinsic::bare(&calls[0]);
    assert_eq!(node.submit(&bare, None), Err(SubmitError::Bare));
}

#[test]
fn a_ciphertext_of_1025_bytes_does_not_decode() {
    let (mut node, pair) = (node(), pair(1));
    for (length, fits) in [(1024, true), (1025, false)] {
        let call = commit(Data::TimelockEncrypted { encrypted: BoundedVec(vec![7; length]), reveal_round: 99 });
        let outcome = node.submit(&Signing::honest(&node, &pair, 0).sign(&call), None);
        assert_eq!(outcome.is_ok(), fits, "{length}: {outcome:?}");
        assert!(fits || matches!(outcome, Err(SubmitError::Undecodable(_))));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_node_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut node = node();
        prop_assert!(node.submit(&bytes, None).is_err());
        // With the right frame around them, they get further.
        let mut body = vec![0x84, 0];
        body.extend(bytes);
        prop_assert!(node.submit(&body.encode(), None).is_err());
    }

    #[test]
    fn no_committed_field_makes_a_block_panic(
        fields in prop::collection::vec((0_u8..140, prop::collection::vec(any::<u8>(), 0..200)), 0..4),
        signature in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let (mut node, pair) = (node(), pair(1));
        let mut call = vec![commitments::INDEX, 0];
        (NETUID, Compact(u32::try_from(fields.len()).expect("few"))).encode_to(&mut call);
        for (lead, bytes) in &fields {
            (*lead, bytes, ROUND).encode_to(&mut call);
        }
        if let Ok(call) = <RuntimeCall as parity_scale_codec::Decode>::decode(&mut &call[..]) {
            node.submit(&Signing::honest(&node, &pair, 0).sign(&call), None).expect("a well-formed commitment");
        }
        drand::PULSES.put(&mut node.runtime.storage, &ROUND, &Pulse::new(ROUND, signature));
        node.produce(1, vec![]);
        node.produce(2, vec![Pulse::new(ROUND, vec![])]);
    }
}

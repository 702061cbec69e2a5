//! Proof against Finney's real metadata (spec 393), which lies packed in `testdata`.

use std::io::Read as _;

use flate2::read::GzDecoder;
use gen404_round::Hotkey;
use scale_value::{Composite, Value};
use serde::Deserialize;

use crate::extrinsic::{HotkeySigner, SetCommitment, SigningContext};
use crate::hashes::{BlockHash, ExtrinsicHash};
use crate::node::{RuntimeVersion, StorageAt};
use crate::runtime::Runtime;
use crate::runtime::dispatch::{DispatchError, DispatchResult};
use crate::situation::{Question, read_commitment, subnet_and_hotkey};

#[derive(Deserialize)]
struct Vector {
    signer: String,
    netuid: u16,
    reveal_round: u64,
    genesis: String,
    spec_version: u32,
    transaction_version: u32,
    era_block: u64,
    era_block_hash: String,
    nonce: u64,
    call_hex: String,
    payload_hash: String,
    extrinsic_hex: String,
    extrinsic_hash: String,
}

fn vector() -> Vector {
    serde_json::from_str(include_str!("../tests/data/extrinsic.json")).expect("the vector is JSON")
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("the vector is hex")
}

fn block_hash(text: &str) -> BlockHash {
    BlockHash(bytes(text).try_into().expect("32 bytes"))
}

fn finney() -> Runtime {
    let packed: &[u8] = include_bytes!("../../../testdata/finney-spec393-v16.scale.gz");
    let mut metadata = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut metadata).expect("the metadata unpacks");
    let version = RuntimeVersion { spec_name: "node-subtensor".to_owned(), spec_version: 393, transaction_version: 1 };
    Runtime::read(&metadata, version).expect("Finney's metadata can be read")
}

/// Gives the vector's signature to whoever asks for a signature of the vector's payload.
struct Recorded {
    hotkey: Hotkey,
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl HotkeySigner for Recorded {
    fn hotkey(&self) -> Hotkey {
        self.hotkey
    }

    fn sign(&self, payload: &[u8]) -> [u8; 64] {
        assert_eq!(hex::encode(payload), hex::encode(&self.payload));
        self.signature
    }
}

#[test]
fn call_payload_and_extrinsic_are_the_official_clients_bytes() {
    let runtime = finney();
    let vector = vector();
    assert_eq!(runtime.version.spec_version, vector.spec_version);
    assert_eq!(runtime.version.transaction_version, vector.transaction_version);
    // Pallet and call index, netuid, count of fields, kind, length of two bytes, ciphertext, round.
    let call_bytes = bytes(&vector.call_hex);
    let ciphertext = &call_bytes[8..call_bytes.len() - 8];
    let call = SetCommitment::new(vector.netuid, ciphertext, vector.reveal_round);
    assert_eq!(hex::encode(call.encode(&runtime).expect("it encodes")), vector.call_hex);

    let context = SigningContext {
        genesis: block_hash(&vector.genesis),
        anchor: (vector.era_block, block_hash(&vector.era_block_hash)),
        nonce: vector.nonce,
    };
    let extrinsic_bytes = bytes(&vector.extrinsic_hex);
    let (_, address) = vector.signer.split_once(' ').expect("derivation and address");
    let signer = Recorded {
        hotkey: address.parse().expect("an address"),
        payload: bytes(&vector.payload_hash),
        // Length, version, kind of address, account, kind of signature.
        signature: extrinsic_bytes[2 + 1 + 1 + 32 + 1..][..64].try_into().expect("64 bytes"),
    };
    let extrinsic = call.sign(&runtime, &context, &signer).expect("it signs");
    assert_eq!(hex::encode(&extrinsic.bytes), vector.extrinsic_hex);
    assert_eq!(extrinsic.hash.to_string(), vector.extrinsic_hash);
    assert_eq!(extrinsic.hash, ExtrinsicHash::of(&extrinsic_bytes));
    assert_eq!(extrinsic.last_block, vector.era_block + 127);
}

#[test]
fn storage_keys_are_hashed_as_finney_does() {
    let runtime = finney();
    let alice: Hotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".parse().expect("an address");
    let item = runtime.item("Commitments", "RevealedCommitments", &subnet_and_hotkey(17, &alice)).expect("it is there");
    let expected = [
        "ca407206ec1ab726b2636c4b145ac2879055a2cffd4b296f38f2de8d9b333cab",
        "1100",
        &hex::encode(sp_crypto_hashing::twox_64(&alice.0)),
        &hex::encode(alice.0),
    ];
    assert_eq!(hex::encode(item.key), expected.concat());
}

#[test]
fn everything_that_is_asked_before_signing_is_there() {
    let runtime = finney();
    assert!((runtime.block_time().expect("a block time") - 12.0).abs() < f64::EPSILON);
    let alice: Hotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".parse().expect("an address");
    let question = Question::new(&runtime, 17, &alice).expect("all items exist");
    // An empty state: everything has its default, and the beacon's is quicknet.
    let storage = StorageAt { values: std::collections::HashMap::new() };
    let situation = question.read(&runtime, &storage).expect("defaults can be read");
    assert_eq!(situation.beacon, gen404_timelock::QUICKNET);
    assert_eq!((situation.registered, situation.pending(), situation.space.limit), (false, None, 3100));
    assert_eq!(situation.space.current_epoch, None, "spec 393 does not store the index of the epoch");
}

#[test]
fn a_pending_commitment_is_recognised_among_other_fields() {
    let runtime = finney();
    let alice: Hotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".parse().expect("an address");
    let item = runtime.item("Commitments", "CommitmentOf", &subnet_and_hotkey(17, &alice)).expect("it is there");
    let read = |fields: &str| {
        // Deposit of zero, block 77, then the fields.
        let value = bytes(&format!("00000000000000004d000000{fields}"));
        let storage = StorageAt { values: [(item.key.clone(), value)].into() };
        read_commitment(&runtime, &item, &storage).expect("it can be read").expect("it is there")
    };
    let timelocked = read("08020986080102aa00000000000000");
    assert_eq!(timelocked.pending().map(|pending| (pending.reveal_round, pending.block)), Some((170, 77)));
    assert_eq!(read("040209").pending(), None);
    assert_eq!(read("00").pending(), None);
}

#[test]
fn reveals_have_the_form_that_is_read_by_hand() {
    let runtime = finney();
    let prefix = runtime.item("Commitments", "RevealedCommitments", &[Value::u128(17)]).expect("it is there");
    crate::reveals::check_form(&runtime, &prefix).expect("the known form");
    let other = runtime.item("Commitments", "CommitmentOf", &[Value::u128(17)]).expect("it is there");
    crate::reveals::check_form(&runtime, &other).expect_err("another form");
}

#[test]
fn dispatch_errors_have_names_and_documentation() {
    let runtime = finney();
    // A vector of one record: applied at 3, System (0) ExtrinsicFailed (1), Module (3) 18 error 1, weights, class, fee.
    let events = runtime.item("System", "Events", &[]).expect("it is there");
    let failed = bytes("0400030000000001031201000000000000000000");
    let decoded = runtime.decode(&events, Some(&failed)).expect("events can be read").expect("there are some");
    let DispatchResult::Failed(error) = runtime.dispatch_result(&decoded, 3) else { panic!("it failed") };
    assert_eq!((error.pallet.as_deref(), error.name.as_str()), (Some("Commitments"), "AccountNotAllowedCommit"));
    assert!(!error.documentation.is_empty());
    assert_eq!(runtime.dispatch_result(&decoded, 2), DispatchResult::Unknown);
    let unknown = Value::with_context(Composite::Unnamed(vec![]).into(), 0);
    assert_eq!(
        runtime.explain(&unknown),
        DispatchError { pallet: None, name: "unknown error".to_owned(), documentation: String::new() }
    );
}

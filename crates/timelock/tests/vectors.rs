//! Proof against bytes from elsewhere: ciphertexts of the official library, and what the real pallets open.

use std::collections::BTreeMap;

use gen404_timelock::{
    BeaconSecret, InvalidPublicKey, OVERHEAD, QUICKNET, Randomness, UnreadablePulse, encrypt, open, verify_pulse,
};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    beacon: BeaconVector,
    signatures: BTreeMap<u64, String>,
    deterministic: Deterministic,
    python: Vec<FromOfficialLibrary>,
    sizes_json_len_to_ciphertext_len: BTreeMap<usize, usize>,
}

#[derive(Deserialize)]
struct BeaconVector {
    genesis: u64,
    period: u64,
    public_key: String,
}

#[derive(Deserialize)]
struct Deterministic {
    round: u64,
    sigma: String,
    esk: String,
    nonce: String,
    plaintext_hex: String,
    ciphertext_hex: String,
}

#[derive(Deserialize)]
struct FromOfficialLibrary {
    round: u64,
    json: String,
    ciphertext_hex: String,
}

#[derive(Deserialize)]
struct Openings {
    signatures: Vec<String>,
    ciphertexts: Vec<Opening>,
}

#[derive(Deserialize)]
struct Opening {
    about: String,
    ciphertext: String,
    opens: BTreeMap<String, String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("data/timelock.json")).expect("the vectors are JSON")
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.trim_start_matches("0x")).expect("the vectors are hex")
}

#[test]
fn quicknet_is_quicknet() {
    let beacon = vectors().beacon;
    assert_eq!(hex::encode(QUICKNET.public_key), beacon.public_key);
    assert_eq!((QUICKNET.genesis_time, QUICKNET.period), (beacon.genesis, beacon.period));
}

#[test]
fn encryption_is_byte_for_byte_what_the_official_library_makes() {
    let vector = vectors().deterministic;
    let randomness = bytes(&(vector.sigma + &vector.esk + &vector.nonce)).try_into().expect("76 bytes");
    let ciphertext = encrypt(
        &QUICKNET.public_key,
        vector.round,
        &bytes(&vector.plaintext_hex),
        &Randomness::from_bytes(&randomness),
    );
    assert_eq!(hex::encode(ciphertext.expect("quicknet's key is valid")), vector.ciphertext_hex);
}

#[test]
fn ciphertexts_of_the_official_library_open() {
    let vectors = vectors();
    for vector in &vectors.python {
        let plaintext = open(&bytes(&vector.ciphertext_hex), &bytes(&vectors.signatures[&vector.round]));
        let plaintext = plaintext.expect("it opens with its own round");
        assert!(plaintext.ends_with(vector.json.as_bytes()));
        assert_eq!(open(&bytes(&vector.ciphertext_hex), &bytes(&vectors.signatures[&2000])), None);
    }
}

#[test]
fn sizes_are_the_official_ones() {
    for (json, ciphertext) in vectors().sizes_json_len_to_ciphertext_len {
        let prefix = if json < 64 { 1 } else { 2 };
        assert_eq!(json + prefix + OVERHEAD, ciphertext);
    }
    let made = encrypt(&QUICKNET.public_key, 1, &[0; 780], &Randomness::from_bytes(&[5; 76])).expect("a valid key");
    assert_eq!(made.len(), 1024);
}

#[test]
fn exactly_what_the_real_pallets_open_opens() {
    let openings: Openings = serde_json::from_str(include_str!("data/timelock-opens.json")).expect("JSON");
    assert!(openings.ciphertexts.len() > 100 && openings.signatures.len() > 10);
    for opening in &openings.ciphertexts {
        for signature in &openings.signatures {
            let expected = opening.opens.get(signature).map(|plaintext| bytes(plaintext));
            let opened = open(&bytes(&opening.ciphertext), &bytes(signature));
            assert_eq!(opened, expected, "{} with {signature}", opening.about);
        }
    }
}

#[test]
fn quicknets_pulses_verify_and_others_do_not() {
    for (round, signature) in vectors().signatures {
        let signature = bytes(&signature);
        assert_eq!(verify_pulse(&QUICKNET.public_key, round, &signature), Ok(true));
        assert_eq!(verify_pulse(&QUICKNET.public_key, round + 1, &signature), Ok(false));
        assert_eq!(verify_pulse(&QUICKNET.public_key, round, &signature[..47]), Err(UnreadablePulse));
        assert_eq!(verify_pulse(&QUICKNET.public_key, round, &[1; 48]), Err(UnreadablePulse));
        assert_eq!(verify_pulse(&[0; 96], round, &signature), Ok(false));
    }
}

#[test]
fn a_beacon_of_ones_own_signs_what_verifies() {
    for seed in [[0; 32], [9; 32], [0xff; 32]] {
        let secret = BeaconSecret::from_seed(&seed);
        assert_eq!(verify_pulse(&secret.public_key(), 12, &secret.sign(12)), Ok(true));
        assert!(!format!("{secret:?}").contains("BigInt"));
    }
}

#[test]
fn a_key_that_hides_nothing_is_refused() {
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    for key in [[0; 96], [0xff; 96], infinity] {
        assert_eq!(encrypt(&key, 1, b"x", &Randomness::from_bytes(&[1; 76])), Err(InvalidPublicKey));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encrypted_opens_again(
        plaintext in proptest::collection::vec(any::<u8>(), 0..800),
        round: u64,
        seed: [u8; 32],
        random in proptest::collection::vec(any::<u8>(), 76),
    ) {
        let secret = BeaconSecret::from_seed(&seed);
        let randomness = Randomness::from_bytes(&random.try_into().expect("76 bytes"));
        let ciphertext = encrypt(&secret.public_key(), round, &plaintext, &randomness).expect("a valid key");
        prop_assert_eq!(ciphertext.len(), plaintext.len() + OVERHEAD);
        prop_assert_eq!(open(&ciphertext, &secret.sign(round)), Some(plaintext));
    }

    #[test]
    fn no_bytes_panic(
        ciphertext in proptest::collection::vec(any::<u8>(), 0..400),
        signature in proptest::collection::vec(any::<u8>(), 0..100),
        key in proptest::collection::vec(any::<u8>(), 96),
        round: u64,
    ) {
        let _ = open(&ciphertext, &signature);
        let key = key.try_into().expect("96 bytes");
        let _ = verify_pulse(&key, round, &signature);
        let _ = encrypt(&key, round, &ciphertext, &Randomness::from_bytes(&[3; 76]));
    }

    /// Random bytes seldom get past the first check, so real ciphertexts are damaged too.
    #[test]
    fn no_damage_panics_or_opens(at in 0_usize..298, bit in 0_u8..8) {
        let vectors = vectors();
        let mut ciphertext = bytes(&vectors.deterministic.ciphertext_hex);
        let at = at % (ciphertext.len() - 16);
        ciphertext[at] ^= 1 << bit;
        prop_assert_eq!(open(&ciphertext, &bytes(&vectors.signatures[&1000])), None);
    }
}

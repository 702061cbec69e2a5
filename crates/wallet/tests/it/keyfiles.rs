//! Plain keyfiles: which of their fields counts, and which files are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use gen404_wallet::{KeyfileFault, OpenError, WalletWarning};
use schnorrkel::{PublicKey, Signature};

use crate::support::{ALICE, BOB, DEVELOPMENT, User, Wallets, data, fixture, hotkey_of, said};

/// The library's answer to each fixture; `priv_only` is the one whose account only the key itself tells.
const ACCOUNTS: &[(&str, &str)] = &[
    ("seed_only", ALICE),
    ("seed_no0x", ALICE),
    ("extra", ALICE),
    ("nulls", ALICE),
    ("crypto_str", ALICE),
    ("seed_vs_priv", ALICE),
    ("phrase_vs_seed", DEVELOPMENT),
    ("priv_only", DEVELOPMENT),
];

#[test]
fn the_phrase_counts_before_the_seed_before_the_private_key() {
    for (name, account) in ACCOUNTS {
        let (_wallets, file) = fixture(&format!("keyfiles/{name}"));
        let opened = User::default().opens(&file).unwrap_or_else(|error| panic!("{name}: {}", said(&error)));
        assert_eq!(opened.signer.account().to_string(), *account, "{name}");
        assert_eq!(opened.warnings, [], "{name}");
    }
}

#[test]
fn a_byte_order_mark_changes_nothing() {
    let plain = fs::read_to_string(data("alice/hotkeys/default")).expect("a fixture");
    let marked = format!("\u{feff}{plain}\r\n");
    let utf16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [marked.into_bytes(), utf16] {
        let (wallets, file) = hotkey_of(&content);
        let opened = User::default().opens(&file).unwrap_or_else(|error| panic!("{}", said(&error)));
        assert_eq!(opened.signer.account().to_string(), ALICE);
        assert_eq!(file.public_address().expect("it is stated").to_string(), ALICE);
        wallets.write("w/coldkeypub.txt", &content);
        assert_eq!(file.coldkey().expect("it is stated").to_string(), ALICE);
    }
}

#[test]
fn a_file_of_the_official_library_signs_verifiably() {
    let (_wallets, file) = fixture("alice/hotkeys/default");
    let opened = User::default().opens(&file).expect("a plain hotkey");
    let message = b"the payload of an extrinsic";
    let signature = Signature::from_bytes(&opened.signer.sign(message)).expect("64 bytes");
    let public = PublicKey::from_bytes(opened.signer.account().as_bytes()).expect("a public key");
    public.verify_simple(b"substrate", message, &signature).expect("a good signature");
    assert_eq!(opened.signer.account().to_string(), ALICE);
}

fn fault(name: &str) -> KeyfileFault {
    let (_wallets, file) = fixture(&format!("keyfiles/{name}"));
    match User::default().opens(&file) {
        Err(OpenError::Content { source, path }) => {
            assert_eq!(path, file.path());
            assert!(source.hint().is_some(), "{name}");
            source
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_file_that_contradicts_itself_is_refused_with_both_addresses() {
    let KeyfileFault::Contradiction { field, stated, actual } = fault("wrong_ss58") else { panic!("another fault") };
    assert_eq!((field, stated.to_string(), actual.to_string()), ("ss58Address", BOB.to_owned(), ALICE.to_owned()));
}

#[test]
fn an_address_alone_cannot_sign() {
    assert_eq!(fault("ss58only"), KeyfileFault::AddressOnly { address: ALICE.parse().expect("an address") });
}

#[test]
fn other_kinds_of_keys_and_garbage_are_told_apart() {
    assert_eq!(fault("crypto_0"), KeyfileFault::Ed25519);
    assert_eq!(fault("crypto_2"), KeyfileFault::UnknownCryptoType);
    assert_eq!(fault("empty"), KeyfileFault::NoKey);
    assert_eq!(fault("str"), KeyfileFault::NotJson { line: 1, column: 1 });
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let (wallets, file) = hotkey_of("{}");
    fs::remove_file(file.path()).expect("removed");
    fs::create_dir(file.path()).expect("a folder in its place");
    assert!(matches!(User::default().opens(&file), Err(OpenError::Read { path, .. }) if path == file.path()));
    drop(wallets);
    assert!(matches!(User::default().opens(&file), Err(OpenError::Read { .. })));
}

#[test]
fn a_keyfile_open_to_others_works_with_a_warning() {
    let (_wallets, file) = fixture("keyfiles/seed_only");
    for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o602, true)] {
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).expect("permissions");
        let warnings = User::default().opens(&file).expect("readable").warnings;
        let expected = warned.then(|| WalletWarning::OpenToOthers { path: file.path().to_owned(), mode });
        assert_eq!(warnings, Vec::from_iter(expected));
    }
}

#[test]
fn a_public_companion_of_another_key_is_a_warning() {
    let wallets = Wallets::new();
    wallets.copy("keyfiles/seed_only", "w/hotkeys/h").copy("encrypted/hotkeys/hk1pub.txt", "w/hotkeys/hpub.txt");
    let opened = User::default().opens(&wallets.folder().find_hotkey("w", "h").expect("there")).expect("it works");
    let [WalletWarning::OtherPublicFile { stated, actual, .. }] = opened.warnings.as_slice() else {
        panic!("{:?}", opened.warnings);
    };
    assert_eq!((stated.to_string(), actual.to_string()), (DEVELOPMENT.to_owned(), ALICE.to_owned()));
}

/// Whatever is done to a keyfile: an answer, and nothing of the secret in it.
#[test]
fn no_error_and_no_debug_output_holds_a_secret() {
    for entry in fs::read_dir(data("keyfiles")).expect("fixtures") {
        let content = fs::read_to_string(entry.expect("an entry").path()).expect("text");
        if content.starts_with("gAAAAA") || content.starts_with("$ANSIBLE") {
            continue;
        }
        for cut in (0..=content.len()).step_by(3) {
            let (_wallets, file) = hotkey_of(&content[..cut]);
            let shown = match User::default().opens(&file) {
                Ok(opened) => format!("{opened:?}"),
                Err(error) => said(&error),
            };
            for secret in ["bottom", "drive", "e5be9a50", "05d65584"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}

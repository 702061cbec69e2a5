//! Where wallets are looked for, and what is said when they are not there.

use std::path::{Path, PathBuf};

use gen404_outside::explain::Explain as _;
use gen404_wallet::{FindError, WalletFolder};

use crate::support::{ALICE, BOB, DEVELOPMENT, Wallets};

fn alice_in(layout: &str) -> Wallets {
    let wallets = Wallets::new();
    wallets
        .copy("alice/hotkeys/default", &format!("{layout}alice/hotkeys/default"))
        .copy("keyfiles/priv_only", &format!("{layout}alice/hotkeys/second"))
        .copy("encrypted/hotkeys/hk1pub.txt", &format!("{layout}alice/hotkeys/secondpub.txt"))
        .copy("alice/coldkeypub.txt", &format!("{layout}alice/coldkeypub.txt"));
    wallets
}

#[test]
fn both_layouts_are_found() {
    for layout in ["", "wallets/"] {
        let wallets = alice_in(layout);
        let file = wallets.folder().find_hotkey("alice", "default").expect("there");
        assert_eq!(file.path(), wallets.path().join(format!("{layout}alice/hotkeys/default")));
        assert_eq!(file.public_address().expect("plain").to_string(), ALICE);
        assert_eq!(file.coldkey().expect("public").to_string(), BOB);
    }
}

#[test]
fn a_folder_that_is_no_wallet_does_not_hide_the_other_layout() {
    let wallets = alice_in("wallets/");
    wallets.write("alice/logs/today.log", "");
    assert!(wallets.folder().find_hotkey("alice", "default").is_ok());
}

#[test]
fn of_two_wallets_the_one_with_the_hotkey_counts() {
    let wallets = alice_in("wallets/");
    wallets.copy("keyfiles/seed_only", "alice/hotkeys/first");
    let file = wallets.folder().find_hotkey("alice", "default").expect("there");
    assert!(file.path().starts_with(wallets.path().join("wallets")));
    let Err(FindError::Hotkey { tried, existing, .. }) = wallets.folder().find_hotkey("alice", "third") else {
        panic!("there is no third");
    };
    let expected: Vec<PathBuf> =
        ["alice/hotkeys/third", "wallets/alice/hotkeys/third"].map(|path| wallets.path().join(path)).into();
    assert_eq!(tried, expected);
    assert_eq!(existing, ["default", "first", "second"]);
}

#[test]
fn a_missing_wallet_is_told_with_both_paths_and_the_names_there_are() {
    let wallets = alice_in("wallets/");
    wallets.copy("keyfiles/seed_only", "carol/hotkeys/h").write("readme.txt", "");
    let error = wallets.folder().find_hotkey("alcie", "default").expect_err("mistyped");
    let text = error.to_string();
    for path in ["alcie", "wallets/alcie"] {
        assert!(text.contains(&*wallets.path().join(path).to_string_lossy()), "{text}");
    }
    assert!(text.ends_with("(wallets there: alice, carol)"), "{text}");
    assert!(error.hint().is_some());
}

#[test]
fn nothing_at_all_is_told_as_none() {
    let error = WalletFolder::new("/nonexistent/folder", None).find_hotkey("w", "h").expect_err("nothing there");
    assert!(error.to_string().ends_with("(wallets there: none)"), "{error}");
}

#[test]
fn a_wallet_given_as_the_wallet_path_is_noticed() {
    let wallets = alice_in("");
    let error = WalletFolder::new(wallets.path().join("alice"), None).find_hotkey("alice", "default");
    let hint = error.expect_err("one folder too deep").hint().expect("a hint");
    assert!(hint.contains("is itself a wallet"), "{hint}");
}

#[test]
fn missing_hotkeys_are_listed_without_public_files() {
    let wallets = alice_in("");
    let error = wallets.folder().find_hotkey("alice", "defualt").expect_err("mistyped");
    assert!(error.to_string().ends_with("(hotkeys of the wallet: default, second)"), "{error}");
}

#[test]
fn an_address_finds_its_hotkey() {
    let wallets = alice_in("");
    for (address, name) in [(ALICE, "default"), (DEVELOPMENT, "second")] {
        assert_eq!(wallets.folder().find_hotkey("alice", address).expect("there").name(), name);
    }
}

#[test]
fn an_address_of_a_plain_hotkey_without_any_public_field_is_found_too() {
    let wallets = Wallets::new();
    wallets.copy("keyfiles/seed_only", "w/hotkeys/h");
    assert_eq!(wallets.folder().find_hotkey("w", ALICE).expect("derived").name(), "h");
}

#[test]
fn an_address_nobody_has_is_explained() {
    let wallets = alice_in("");
    let stranger = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM";
    let error = wallets.folder().find_hotkey("alice", stranger).expect_err("nobody's");
    let text = error.to_string();
    assert!(text.contains(stranger) && text.contains(&format!("default = {ALICE}")), "{text}");

    let error = wallets.folder().find_hotkey("alice", BOB).expect_err("the coldkey");
    assert!(matches!(error, FindError::Coldkey { .. }), "{error:?}");

    let mistyped = ALICE.replace("5Grwva", "5Grwvb");
    let hint = wallets.folder().find_hotkey("alice", &mistyped).expect_err("mistyped").hint();
    assert!(hint.expect("a hint").contains("checksum"));

    let hint = wallets.folder().find_hotkey(ALICE, "default").expect_err("no wallet's name").hint();
    assert!(hint.expect("a hint").contains("not an address"));
}

#[test]
fn an_encrypted_hotkey_without_its_public_file_has_an_unknown_address() {
    let wallets = Wallets::new();
    wallets.copy("encrypted/hotkeys/hk1", "w/hotkeys/hk1");
    let error = wallets.folder().find_hotkey("w", DEVELOPMENT).expect_err("it cannot be told");
    assert!(error.to_string().contains("hk1 = unknown"), "{error}");
    assert!(error.hint().expect("a hint").contains("encrypted"));

    wallets.copy("encrypted/hotkeys/hk1pub.txt", "w/hotkeys/hk1pub.txt");
    assert_eq!(wallets.folder().find_hotkey("w", DEVELOPMENT).expect("told").name(), "hk1");
}

#[test]
fn white_space_around_names_and_path_is_left_out() {
    let wallets = alice_in("wallets/");
    let given = format!("{}\r\n", wallets.path().display());
    let folder = WalletFolder::new(given, None);
    for (wallet, hotkey) in [("alice\r", "default\r\n"), (" alice ", "\tdefault")] {
        assert_eq!(folder.find_hotkey(wallet, hotkey).expect("there").name(), "default");
    }
    let address = format!("{ALICE}\r");
    assert_eq!(folder.find_hotkey("alice", &address).expect("there").name(), "default");
}

#[test]
fn quotes_around_names_and_path_are_named() {
    let wallets = alice_in("");
    let hint = |wallet: &str, hotkey: &str| {
        wallets.folder().find_hotkey(wallet, hotkey).expect_err("quoted").hint().expect("a hint")
    };
    for hint in [hint("\"alice\"", "default"), hint("alice", "'default'"), hint("'a/b'", "default")] {
        assert!(hint.starts_with("leave out the quotes"), "{hint}");
    }
    let quoted = WalletFolder::new(format!("\"{}\"", wallets.path().display()), None);
    let hint = quoted.find_hotkey("alice", "default").expect_err("quoted").hint().expect("a hint");
    assert!(hint.contains("wallet path stands in quotes"), "{hint}");
}

#[test]
fn names_are_no_paths() {
    let wallets = alice_in("");
    for name in ["", " ", ".", "..", "../alice", "/etc", "a\0b"] {
        assert!(matches!(wallets.folder().find_hotkey(name, "default"), Err(FindError::NotAName { .. })), "{name:?}");
        assert!(matches!(wallets.folder().find_hotkey("alice", name), Err(FindError::NotAName { .. })), "{name:?}");
    }
}

#[test]
fn the_tilde_stands_for_the_home_folder_only_at_the_beginning() {
    let home = Path::new("/home/miner");
    let path = |given: &str| WalletFolder::new(given, Some(home)).path().to_owned();
    assert_eq!(path("~/.bittensor"), Path::new("/home/miner/.bittensor"));
    assert_eq!(path("~"), home);
    assert_eq!(path("~other/x"), Path::new("~other/x"));
    assert_eq!(path("/a/~/b"), Path::new("/a/~/b"));
}

#[test]
fn the_secret_coldkey_is_never_opened() {
    let wallets = alice_in("");
    // A folder in its place: whoever opened it would fail.
    std::fs::create_dir(wallets.path().join("alice/coldkey")).expect("a folder");
    let file = wallets.folder().find_hotkey("alice", "default").expect("there");
    assert_eq!(file.coldkey().expect("public").to_string(), BOB);
}

//! Encrypted keyfiles: the three kinds, where passwords come from, and wrong ones.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gen404_outside::explain::Explain as _;
use gen404_wallet::{Damage, Encryption, NoPassword, OpenError, PasswordOrigin, WalletEvent, WalletFolder};

use crate::support::{DEVELOPMENT, PASSWORD, User, Wallets, data, fixture, hotkey_of, said};

const NACL: &str = "encrypted/hotkeys/hk1";
const ANSIBLE: &str = "keyfiles/ansible";
const FERNET: &str = "keyfiles/fernet";

/// What the official library puts into the variable.
fn encoded(variable: &str) -> String {
    let bytes: Vec<u8> = PASSWORD.bytes().zip(variable.bytes().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    STANDARD.encode(bytes)
}

fn variable_of(path: &Path) -> String {
    format!("BT_PW_{}", path.to_str().expect("text").replace(['/', '.'], "_").to_uppercase())
}

fn opens(fixture_file: &str, encryption: Encryption, account: &str) {
    let (_wallets, file) = fixture(fixture_file);
    let mut user = User::who_types(PASSWORD);
    let opened = user.opens(&file).unwrap_or_else(|error| panic!("{}", said(&error)));
    assert_eq!(opened.signer.account().to_string(), account);
    assert_eq!(user.asked, [file.path()]);
    assert_eq!(*user.told.0.lock().expect("no panic"), [WalletEvent::Unlocking(encryption)]);
}

fn stays_closed(fixture_file: &str) {
    let (_wallets, file) = fixture(fixture_file);
    let error = User::who_types("passw0rd!x").opens(&file).expect_err("a wrong password");
    assert!(matches!(&error, OpenError::WrongPassword { origin: PasswordOrigin::Asked, .. }), "{error:?}");
    assert!(error.to_string().starts_with("wrong password"), "{error}");
    assert!(!said(&error).contains("passw0rd"), "{error}");
}

#[test]
fn nacl_opens() {
    opens(NACL, Encryption::Nacl, DEVELOPMENT);
}

#[test]
fn nacl_stays_closed_for_a_wrong_password() {
    stays_closed(NACL);
}

#[test]
fn fernet_opens() {
    opens(FERNET, Encryption::Fernet, DEVELOPMENT);
}

#[test]
fn fernet_stays_closed_for_a_wrong_password() {
    stays_closed(FERNET);
}

#[test]
fn ansible_vault_opens_and_stays_closed() {
    opens(ANSIBLE, Encryption::AnsibleVault, DEVELOPMENT);
    stays_closed(ANSIBLE);
}

#[test]
fn the_environments_password_is_taken_without_asking() {
    let (_wallets, file) = fixture(ANSIBLE);
    let variable = variable_of(file.path());
    let mut user = User::with_variable(&variable, encoded(&variable));
    assert_eq!(user.opens(&file).expect("the right password").signer.account().to_string(), DEVELOPMENT);
    assert_eq!(user.asked.len(), 0);
}

#[test]
fn the_variable_may_be_named_after_the_path_with_its_tilde() {
    let home = Wallets::new();
    home.copy(ANSIBLE, ".bittensor/wallets/w/hotkeys/h");
    let file = WalletFolder::new("~/.bittensor", Some(home.path())).find_hotkey("w", "h").expect("the second layout");
    let variable = "BT_PW_~/_BITTENSOR/WALLETS/W/HOTKEYS/H".replace('/', "_");
    let mut user = User::with_variable(&variable, encoded(&variable));
    assert_eq!(user.opens(&file).expect("the right password").signer.account().to_string(), DEVELOPMENT);
}

#[test]
fn a_wrong_password_in_the_environment_is_told_with_the_variables_name() {
    let (_wallets, file) = fixture(ANSIBLE);
    let variable = variable_of(file.path());
    let mut user = User::with_variable(&variable, STANDARD.encode("\u{1}\u{2}"));
    let error = user.opens(&file).expect_err("a wrong password");
    assert!(error.to_string().contains(&variable), "{error}");
    assert!(matches!(error, OpenError::WrongPassword { origin: PasswordOrigin::Variable(_), .. }));

    let mut user = User::with_variable(&variable, PASSWORD);
    let error = user.opens(&file).expect_err("a bare password");
    assert!(
        matches!(&error, OpenError::Variable { variable: named, quoted: false } if *named == variable),
        "{error:?}"
    );
    assert!(!said(&error).contains(PASSWORD));
}

#[test]
fn quotes_around_a_variables_value_are_named() {
    let (_wallets, file) = fixture(ANSIBLE);
    let variable = variable_of(file.path());
    for quote in ['"', '\''] {
        let mut user = User::with_variable(&variable, format!("{quote}{}{quote}\r\n", encoded(&variable)));
        let error = user.opens(&file).expect_err("quotes are no base64");
        assert!(error.to_string().ends_with("it stands in quotes"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("leave the quotes out")), "{:?}", error.hint());
    }
    let mut user = User::with_variable(&variable, format!("  {}\r\n", encoded(&variable)));
    assert!(user.opens(&file).is_ok(), "white space around it is no part of it");
}

#[test]
fn encrypted_files_that_passed_through_an_editor_open() {
    for fixture_file in [ANSIBLE, FERNET, NACL] {
        let content = fs::read(data(fixture_file)).expect("a fixture");
        let windows = [b"\xef\xbb\xbf", &content[..], b"\r\n"].concat();
        let (_wallets, file) = hotkey_of(windows);
        let opened = User::who_types(PASSWORD).opens(&file).unwrap_or_else(|error| panic!("{}", said(&error)));
        assert_eq!(opened.signer.account().to_string(), DEVELOPMENT, "{fixture_file}");
    }
    let vault = fs::read_to_string(data(ANSIBLE)).expect("a fixture").replace('\n', "\r\n");
    let (_wallets, file) = hotkey_of(format!("\r\n{vault}"));
    assert!(User::who_types(PASSWORD).opens(&file).is_ok());
}

#[test]
fn with_nobody_to_ask_the_variable_is_named() {
    let (_wallets, file) = fixture(NACL);
    let error = User::default().opens(&file).expect_err("no password");
    let OpenError::NoPassword { variable, source: NoPassword::NoTerminal, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*variable, variable_of(file.path()));
    assert!(error.hint().expect("a hint").contains(variable));
}

#[test]
fn damaged_files_are_noticed_before_the_long_work() {
    let nacl = fs::read(data(NACL)).expect("a fixture");
    let fernet = fs::read(data(FERNET)).expect("a fixture");
    let cases: [(&[u8], Damage); 6] = [
        (&nacl[..5], Damage::CutShort),
        (&nacl[..44], Damage::CutShort),
        (&fernet[..40], Damage::CutShort),
        (b"gAAAAA !", Damage::Malformed),
        (b"$ANSIBLE_VAULT;1.1;AES256\n00", Damage::Malformed),
        (b"$ANSIBLE_VAULT;1.0;AES\n00", Damage::UnknownVault),
    ];
    for (content, damage) in cases {
        let (_wallets, file) = hotkey_of(content);
        match User::who_types(PASSWORD).opens(&file) {
            Err(OpenError::Damaged { source, .. }) => assert_eq!(source, damage),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_changed_vault_is_never_opened() {
    let vault = fs::read_to_string(data(ANSIBLE)).expect("a fixture");
    for place in (27..vault.len()).step_by(97) {
        let mut changed = vault.clone().into_bytes();
        changed[place] = if changed[place] == b'3' { b'2' } else { b'3' };
        let (_wallets, file) = hotkey_of(changed);
        let error = User::who_types(PASSWORD).opens(&file).expect_err("a changed file");
        assert!(matches!(error, OpenError::WrongPassword { .. } | OpenError::Damaged { .. }), "{error:?}");
    }
}
